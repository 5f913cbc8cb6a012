//! The whole way of a claim on one machine: register, credentials, proofs, ledger, bank file.

pub mod consent;
pub(crate) mod due;
pub(crate) mod scene;
pub(crate) mod stages;
mod summary;

use std::path::PathBuf;
use std::time::Instant;

use crate::error::SandboxError;
use praman_circuits::period::Day;
use praman_files::FileError;
use praman_language::calendar;
use praman_ledger::EmbeddedLedger;
use praman_register::{self as register, Counts, Register};
use praman_rules::schema::RESIDENT;
use praman_store::Store;
use praman_treasury::TreasuryKey;

use due::due_claims;
use scene::{Holders, Scene, demo_passphrase, load_prover, new_run};
use stages::Stages;
pub use summary::Summary;

/// The sample register, compiled in so that the demonstration needs no file.
pub const SAMPLE_REGISTER: &[u8] = include_bytes!("../../data/register.csv");

/// The options of the demonstration.
pub struct Options {
    /// At most this many people get credentials.
    pub people: Option<usize>,
    /// How many claims are made, if that many are due.
    pub claims: usize,
    /// A register instead of the sample.
    pub register: Option<PathBuf>,
    /// The seed that the claimants are drawn from.
    pub seed: u64,
    /// Where keys and files go.
    pub folder: PathBuf,
    /// Whether progress is shown.
    pub progress: bool,
}

/// Runs the demonstration.
///
/// # Errors
/// [`SandboxError`] of the stage that fails.
pub async fn run(options: &Options) -> Result<Summary, SandboxError> {
    let started = Instant::now();
    let stages = Stages::new(options.progress);
    let today = calendar::today();
    let register = check_register(options, today, &stages)?;
    let folder = new_run(&options.folder)?;
    let prover = load_prover(&options.folder.join("keys"), &stages)?;
    let store = Store::open(&folder).await?;
    let passphrase = demo_passphrase(&folder)?;
    let people = options.people.unwrap_or(usize::MAX).min(register.people().len());
    let of = (people, &RESIDENT);
    let holders =
        Holders::enrol(&store, &register, of, today, &folder, &passphrase, &stages).await?;
    let treasury = TreasuryKey::generate();
    treasury.save(&folder.join("treasury.json"), &passphrase)?;

    let due = due_claims(&holders.credentials, options, today)?;
    let ledger =
        EmbeddedLedger::open(&store, prover.verifying_key(), crate::EVENT_HANDLERS).await?;
    let mut scene = Scene::open(&store, ledger, prover, holders, due, treasury, today).await?;
    let (claims, proofs_per_second) = scene.prove_all(&stages)?;
    let gas = scene.send_all(&claims, &stages).await?;
    let double = scene.double_claim().await?;
    let forged = scene.forged_claim(claims.first()).await?;
    let (paid_rupees, bank_files) = scene.pay_all(&folder, today, &stages).await?;

    let Counts { rows, accepted, rejected, duplicates } = register.counts();
    let refused_for = register.rejections().into_iter();
    Ok(Summary {
        rows,
        accepted,
        refused: rejected,
        duplicates,
        refused_for: refused_for.map(|(field, count)| (field.to_string(), count)).collect(),
        issued: scene.holders.credentials.len(),
        claims_sent: claims.len(),
        claims_accepted: gas.len(),
        double_claims_refused: usize::from(double.is_some()),
        double_claim_reason: double.unwrap_or_default(),
        forged_claims_refused: usize::from(forged.is_some()),
        forged_claim_reason: forged.unwrap_or_default(),
        paid_rupees,
        bank_files,
        claim_gas: gas.get(gas.len() / 2).copied().unwrap_or(0),
        proofs_per_second,
        keys: scene.prover.verifying_key().origin().map_or_else(String::new, |o| o.to_string()),
        seconds: started.elapsed().as_secs_f64(),
        folder,
    })
}

fn check_register(
    options: &Options,
    today: Day,
    stages: &Stages,
) -> Result<Register, SandboxError> {
    let named = options.register.clone().unwrap_or_else(|| PathBuf::from("the sample register"));
    let fault =
        |error: register::RegisterError| SandboxError::from(FileError::malformed(&named, error));
    let what = "checking the register";
    match &options.register {
        None => {
            let bar = stages.begin(what, SAMPLE_REGISTER.len());
            register::check(SAMPLE_REGISTER, today, |bytes| bar.set_position(bytes)).map_err(fault)
        }
        Some(path) => {
            let file = std::fs::File::open(path).map_err(FileError::io(path))?;
            let bytes = file.metadata().map_or(0, |metadata| metadata.len());
            let bar = stages.begin(what, bytes as usize);
            register::check(file, today, |bytes| bar.set_position(bytes)).map_err(fault)
        }
    }
}
