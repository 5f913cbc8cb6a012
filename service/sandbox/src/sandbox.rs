//! A sandbox: a department tries a scheme before the committee approves it.
//!
//! Synthetic people, drawn by a seed, are issued credentials; those who qualify for the scheme claim; a mock
//! bank pays, returns some and is asked to pay them again; the books are reconciled. Then a script tries
//! frauds, each by the means that a thief would have, and each must be refused. The sandbox has its own ledger,
//! whose context no other ledger accepts, so a proof of a sandbox is worth nothing outside.

mod bank;
mod frauds;
mod impact;
mod people;

use std::path::{Path, PathBuf};

use crate::error::SandboxError;
use jiff::civil::Date;
use praman_access::{Caller, SchemeScope};
use praman_circuits::policy::TierIndex;
use praman_files::FileError;
use praman_language::calendar;
use praman_ledger::EmbeddedLedger;
use praman_rules::schema::RESIDENT;
use praman_rules::scheme::Scheme;
use praman_store::Store;
use praman_treasury::{
    BankReport, PaymentRun, Reconciliation, Reissue, TransferReference, TreasuryKey, TreasuryStore,
};
use serde::Serialize;

use crate::demo::due::{Due, DueScheme, tier_of};
use crate::demo::scene::{Holders, Scene, debtor, demo_passphrase, load_prover, new_run};
use crate::demo::stages::Stages;
use bank::MockBank;
pub use frauds::{Fraud, Refused, RefusedBy};
pub use impact::{Affected, Impact};

/// The options of a sandbox.
pub struct Options {
    /// The scheme's file.
    pub scheme: PathBuf,
    /// The period, in the scheme's form.
    pub period: String,
    /// How many synthetic people there are.
    pub people: usize,
    /// How many of the qualified people claim.
    pub claims: usize,
    /// The seed that people and returns are drawn from.
    pub seed: u64,
    /// The day that the sandbox plays; today by default.
    pub on: Option<Date>,
    /// Where keys and files go.
    pub folder: PathBuf,
    /// Whether progress is shown.
    pub progress: bool,
}

/// The results.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whom the scheme would reach.
    pub impact: Impact,
    /// How many claims were made and accepted.
    pub claims: usize,
    /// How many payments the mock bank returned, and paid when asked again.
    pub returned: usize,
    /// What was claimed against what was paid.
    pub reconciliation: Reconciliation,
    /// Each fraud, with who refused it and why.
    pub frauds: Vec<Refused>,
    /// Frauds that were not refused: there must be none.
    pub succeeded: Vec<Fraud>,
    /// The folder of everything.
    pub folder: PathBuf,
}

impl Report {
    /// Whether every fraud was refused and the books balance.
    pub fn is_sound(&self) -> bool {
        self.succeeded.is_empty() && self.reconciliation.is_balanced()
    }
}

/// Runs a sandbox.
///
/// # Errors
/// [`SandboxError`] of the stage that fails.
pub async fn run(options: &Options) -> Result<Report, SandboxError> {
    let stages = Stages::new(options.progress);
    let day = match options.on {
        None => calendar::today(),
        Some(date) => calendar::day_of(date).ok_or(SandboxError::Day)?,
    };
    let scheme = read_scheme(&options.scheme)?;
    if scheme.schema.id != RESIDENT.id {
        return Err(SandboxError::OtherSchema);
    }
    let wrong = SandboxError::Scheme;
    let period = scheme.parse_period(&options.period).map_err(wrong)?;
    let terms = scheme.in_period(period).map_err(wrong)?;
    let folder = new_run(&options.folder)?;
    let prover = load_prover(&options.folder.join("keys"), &stages)?;
    let store = Store::open(&folder).await?;
    let passphrase = demo_passphrase(&folder)?;

    let csv = people::register(options.people, options.seed, day);
    praman_files::write(&folder.join("register.csv"), &csv)?;
    let bar = stages.begin("checking the register", csv.len());
    let checked = praman_register::check(&csv[..], day, |bytes| bar.set_position(bytes))
        .map_err(|error| SandboxError::Register("synthetic", error))?;
    let of = (checked.people().len(), &RESIDENT);
    // A period that is over is rehearsed with credentials that were issued in time for it.
    let issued_on = day.min(terms.issued_by);
    let holders =
        Holders::enrol(&store, &checked, of, issued_on, &folder, &passphrase, &stages).await?;
    let tiers = eligible(&holders, &terms);
    let impact = Impact::of(checked.people(), &holders.credentials, &tiers, &terms);
    if tiers.is_empty() {
        return Err(SandboxError::NobodyQualifies(holders.credentials.len()));
    }
    let claims = tiers.iter().map(|&(holder, tier)| (holder, 0, tier));
    let due = Due {
        claims: claims.take(options.claims).collect(),
        schemes: vec![DueScheme { scheme, period, terms }],
    };
    let treasury = TreasuryKey::generate();
    treasury.save(&folder.join("treasury.json"), &passphrase)?;
    let mut ledger =
        EmbeddedLedger::begin_sandbox(&store, prover.verifying_key(), crate::EVENT_HANDLERS)
            .await?;
    ledger.set_day(day);
    let mut scene = Scene::open(&store, ledger, prover, holders, due, treasury, day).await?;
    let (made, _) = scene.prove_all(&stages)?;
    scene.send_all(&made, &stages).await?;
    let mut bank = MockBank::new(options.seed);
    let returned = pay(&scene, &folder, day, &mut bank).await?;
    let outcome = frauds::try_all(&mut scene, &tiers, &made, &folder, &passphrase).await?;
    let of = &scene.due.schemes[0];
    let reconciliation =
        Reconciliation::of(&store, &scene.treasury, &of.scheme.id, of.period.period).await?;
    Ok(Report {
        impact,
        claims: made.len(),
        returned,
        reconciliation,
        frauds: outcome.refused,
        succeeded: outcome.succeeded,
        folder,
    })
}

/// Returns synthetic people, as from a checked register.
///
/// # Errors
/// [`SandboxError`] if they can't be read back, which a test rules out.
pub fn synthetic_people(
    people: usize,
    seed: u64,
    on: praman_circuits::period::Day,
) -> Result<praman_register::Register, SandboxError> {
    let csv = people::register(people, seed, on);
    praman_register::check(&csv[..], on, |_| ())
        .map_err(|error| SandboxError::Register("synthetic", error))
}

fn read_scheme(path: &Path) -> Result<Scheme, SandboxError> {
    let text = praman_files::read_text(path)?;
    Ok(Scheme::parse(&text).map_err(|error| FileError::malformed(path, error))?)
}

/// Returns who meets the rules, with the tier.
fn eligible(
    holders: &Holders,
    terms: &praman_circuits::eligibility::SchemePeriod,
) -> Vec<(usize, TierIndex)> {
    let cards = holders.credentials.iter().enumerate();
    cards.filter_map(|(holder, card)| Some((holder, tier_of(card, terms)?))).collect()
}

/// Pays, imports the returns, pays them again, and imports that all is paid; returns how many were returned.
async fn pay(
    scene: &Scene<'_>,
    folder: &Path,
    day: praman_circuits::period::Day,
    bank: &mut MockBank,
) -> Result<usize, SandboxError> {
    let (store, key) = (scene.store, &scene.treasury);
    let due = &scene.due.schemes[0];
    let (debtor, caller, out) = (debtor(), Caller::operator(), folder.join("bank"));
    let run = || PaymentRun {
        scheme: &due.scheme.id,
        period: due.period.period,
        terms: due.scheme.payment,
        on: calendar::date_of(day).expect("a day in the calendar"),
        debtor: &debtor,
        folder: &out,
        format: None,
        by: &caller,
    };
    let import = async |files: &[PathBuf], bank: &mut MockBank, all: bool| {
        for path in files {
            let statement = bank.answer(&praman_files::read_text(path)?, all);
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .replace("pain.001", "camt.053");
            praman_files::write(&out.join(name), statement.as_bytes())?;
            let report = BankReport::read(&statement).map_err(SandboxError::Bank)?;
            TreasuryStore(store).import_bank_report(key, statement.as_bytes(), &report).await?;
        }
        Ok::<(), SandboxError>(())
    };
    let paid = run().pay(store, key).await?;
    import(&paid.files, bank, false).await?;
    let returned = TreasuryStore(store).returned_transfers(&SchemeScope::ALL, usize::MAX).await?;
    let same: Vec<TransferReference> = returned.into_iter().map(|one| one.reference).collect();
    let reissue = Reissue { run: run(), corrections: &[], same: &same };
    let anew = reissue.pay(store, key).await?;
    import(&anew.paid.files, bank, true).await?;
    Ok(same.len())
}
