//! The whole way of a claim on one machine: register, credentials, proofs, ledger, bank file.

pub mod consent;
mod due;
mod stages;
mod summary;

use std::path::{Path, PathBuf};
use std::time::Instant;

use praman_circuits::circuit;

use praman_circuits::payout::PayoutCommitment;
use praman_circuits::period::Day;
use praman_prover::{Cores, FixedKeyEngine, KeyStore, MemoryBudget, Prover, setup};
use praman_verifier::PreparedKey;
use rand::rngs::OsRng;
use rayon::prelude::*;

use crate::access_control::Caller;
use crate::calendar;
use crate::claim::{Claim, ClaimTerms, CredentialPaths, submit};
use crate::error::ServiceError;
use crate::files;
use crate::ledger::{EmbeddedLedger, Ledger};
use crate::offices::{Application, Validity};
use crate::register::{self, Counts, Register};
use crate::schema::RESIDENT;
use crate::sealed::{Passphrase, random_key};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::treasury::Debtor;
use crate::treasury::{PaymentRun, TreasuryKey};
use crate::wallet::{CredentialFile, Wallet};
use due::{Due, due_claims};
use stages::Stages;
pub use summary::Summary;

/// The sample register, compiled in so that the demonstration needs no file.
pub const SAMPLE_REGISTER: &[u8] = include_bytes!("../data/register.csv");

/// What the demonstration is asked for.
pub struct Options {
    /// At most this many people get credentials.
    pub people: Option<usize>,
    /// How many claims are made, if so many are due.
    pub claims: usize,
    /// A register instead of the sample.
    pub register: Option<PathBuf>,
    /// Who claims is drawn from this.
    pub seed: u64,
    /// Where keys and files go.
    pub folder: PathBuf,
    /// Whether progress is shown.
    pub progress: bool,
}

/// Runs the demonstration.
///
/// # Errors
/// [`ServiceError`] of whichever stage fails.
pub async fn run(options: &Options) -> Result<Summary, ServiceError> {
    let started = Instant::now();
    let stages = Stages::new(options.progress);
    let today = calendar::today();
    let register = check_register(options, today, &stages)?;
    let folder = new_run(&options.folder)?;
    let prover = load_prover(&options.folder.join("keys"), &stages)?;
    let store = Store::open(&folder).await?;
    let passphrase = demo_passphrase(&folder)?;
    let people = options.people.unwrap_or(usize::MAX).min(register.people().len());
    let holders =
        Holders::enrol(&store, &register, people, today, &folder, &passphrase, &stages).await?;
    let treasury = TreasuryKey::generate();
    treasury.save(&folder.join("treasury.json"), &passphrase)?;

    let due = due_claims(&holders.credentials, options, today)?;
    let mut scene = Scene::open(&store, prover, holders, due, treasury, today).await?;
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

/// A folder of its own for each run, so that one never meets another's nullifiers.
fn new_run(folder: &Path) -> Result<PathBuf, ServiceError> {
    std::fs::create_dir_all(folder).map_err(ServiceError::file(folder))?;
    for number in 1.. {
        let run = folder.join(format!("run-{number:04}"));
        match std::fs::create_dir(&run) {
            Ok(()) => return Ok(run),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ServiceError::file(&run)(error)),
        }
    }
    unreachable!("there are more numbers than folders")
}

/// `PRAMAN_PASSPHRASE`, or a fresh passphrase that is kept beside the demonstration's keys.
fn demo_passphrase(folder: &Path) -> Result<Passphrase, ServiceError> {
    if let Ok(passphrase) = std::env::var("PRAMAN_PASSPHRASE") {
        return Passphrase::new(passphrase);
    }
    let passphrase = hex::encode(*random_key());
    files::write(&folder.join("passphrase.txt"), passphrase.as_bytes())?;
    Passphrase::new(passphrase)
}

fn check_register(
    options: &Options,
    today: Day,
    stages: &Stages,
) -> Result<Register, ServiceError> {
    let named = options.register.clone().unwrap_or_else(|| PathBuf::from("the sample register"));
    let fault = |error: register::RegisterError| ServiceError::malformed(&named, error);
    let what = "checking the register";
    match &options.register {
        None => {
            let bar = stages.begin(what, SAMPLE_REGISTER.len());
            register::check(SAMPLE_REGISTER, today, |bytes| bar.set_position(bytes)).map_err(fault)
        }
        Some(path) => {
            let file = std::fs::File::open(path).map_err(ServiceError::file(path))?;
            let bytes = file.metadata().map_or(0, |metadata| metadata.len());
            let bar = stages.begin(what, bytes as usize);
            register::check(file, today, |bytes| bar.set_position(bytes)).map_err(fault)
        }
    }
}

fn load_prover(folder: &Path, stages: &Stages) -> Result<Prover<FixedKeyEngine>, ServiceError> {
    let circuit = circuit::eligibility();
    let keys = KeyStore::new(folder);
    let bar = stages.begin("development keys", 1);
    if !keys.holds_keys() {
        keys.save(circuit, &setup(circuit, &mut OsRng)?)?;
    }
    let engine = keys.engine(circuit, MemoryBudget::SMALL)?;
    bar.inc(1);
    Ok(Prover::new(circuit, engine))
}

/// Everyone who was issued a credential, with what only they have.
struct Holders {
    credentials: Vec<CredentialFile>,
    wallets: Vec<Wallet>,
}

impl Holders {
    async fn enrol(
        store: &Store,
        register: &Register,
        people: usize,
        today: Day,
        folder: &Path,
        passphrase: &Passphrase,
        stages: &Stages,
    ) -> Result<Self, ServiceError> {
        let bar = stages.begin("issuing credentials", people);
        let path = folder.join("office.json");
        let name = "Demonstration office";
        let key = store.new_office(name, &RESIDENT, |key| key.save(&path, passphrase)).await?;
        let wallets: Vec<Wallet> =
            (0..people).into_par_iter().map(|_| Wallet::generate()).collect();
        let applications: Vec<Application<'_>> = register
            .people()
            .par_iter()
            .zip(&wallets)
            .map(|(person, wallet)| Application::new(person, wallet.subject()))
            .collect();
        let validity = Validity::from_today(today);
        let issued = store.issue(&key, applications, validity).await?.commit().await?;
        bar.inc(people as u64);
        Ok(Self { credentials: issued.credentials, wallets })
    }
}

/// Everything that claims are made with and against.
struct Scene<'a> {
    store: &'a Store,
    prover: Prover<FixedKeyEngine>,
    key: PreparedKey,
    holders: Holders,
    due: Due,
    treasury: TreasuryKey,
    snapshot: Snapshot,
    checkpoint: u64,
    ledger: EmbeddedLedger,
}

impl<'a> Scene<'a> {
    async fn open(
        store: &'a Store,
        prover: Prover<FixedKeyEngine>,
        holders: Holders,
        due: Due,
        treasury: TreasuryKey,
        today: Day,
    ) -> Result<Self, ServiceError> {
        let mut ledger = EmbeddedLedger::open(store, prover.verifying_key()).await?;
        let snapshot = store.snapshot(today, None).await?;
        let offices = store.office_states().await?;
        let checkpoint = ledger.publish_checkpoint(&offices, snapshot.checkpoint()).await?;
        for scheme in &due.schemes {
            ledger.open_period(&scheme.terms, scheme.period).await?;
        }
        let key = PreparedKey::new(prover.verifying_key());
        Ok(Self { store, prover, key, holders, due, treasury, snapshot, checkpoint, ledger })
    }

    /// A proved claim: the holder's side of it.
    fn prove(&self, number: usize) -> Result<Claim, ServiceError> {
        let (holder, scheme, tier) = self.due.claims[number];
        let scheme = &self.due.schemes[scheme];
        let terms = ClaimTerms {
            context: self.ledger.context(),
            checkpoint: self.snapshot.checkpoint(),
            scheme: &scheme.terms,
            treasury: self.treasury.public(),
        };
        let credential = &self.holders.credentials[holder];
        let wallet = &self.holders.wallets[holder];
        let paths = CredentialPaths::find(credential, &self.snapshot)?;
        let prepared = terms.prepare(credential, wallet, tier, paths)?;
        // Claims are made side by side: a proof that waits for others would keep its memory meanwhile.
        let proof = self.prover.prove_on(&prepared.witness, Cores::One)?;
        Ok(prepared.into_claim(scheme.period, self.checkpoint, proof))
    }

    fn prove_all(&self, stages: &Stages) -> Result<(Vec<Claim>, f64), ServiceError> {
        let bar = stages.begin("proving claims", self.due.claims.len());
        let started = Instant::now();
        let claims = (0..self.due.claims.len())
            .into_par_iter()
            .map(|number| {
                let claim = self.prove(number)?;
                bar.inc(1);
                Ok(claim)
            })
            .collect::<Result<Vec<_>, ServiceError>>()?;
        let per_second = claims.len() as f64 / started.elapsed().as_secs_f64();
        Ok((claims, per_second))
    }

    /// The state's side of a claim; the gas it took.
    async fn submit(&mut self, claim: &Claim) -> Result<u64, ServiceError> {
        let scheme = self.due.schemes.iter().find(|due| due.scheme.id == claim.ledger.scheme);
        let scheme = &scheme.expect("claims are made for the schemes that are due").terms;
        let context = self.ledger.context();
        let checkpoint = self.snapshot.checkpoint();
        let terms = (&context, &checkpoint, scheme);
        let receipt = submit(claim, terms, &self.key, self.store, &mut self.ledger).await?;
        Ok(receipt.gas_used)
    }

    /// Sends all claims; the gas of each, ascending.
    async fn send_all(
        &mut self,
        claims: &[Claim],
        stages: &Stages,
    ) -> Result<Vec<u64>, ServiceError> {
        let bar = stages.begin("claims to the ledger", claims.len());
        let mut gas = Vec::with_capacity(claims.len());
        for claim in claims {
            gas.push(self.submit(claim).await?);
            bar.inc(1);
        }
        gas.sort_unstable();
        Ok(gas)
    }

    /// A second, freshly proved claim of the first person; the reason it is refused.
    async fn double_claim(&mut self) -> Result<Option<String>, ServiceError> {
        if self.due.claims.is_empty() {
            return Ok(None);
        }
        let again = self.prove(0)?;
        refusal(self.submit(&again).await)
    }

    /// A claim with another payout commitment under an honest proof, as a thief would send it
    /// straight to the ledger; the reason it is refused there.
    async fn forged_claim(
        &mut self,
        honest: Option<&Claim>,
    ) -> Result<Option<String>, ServiceError> {
        let Some(mut forged) = honest.cloned() else { return Ok(None) };
        let one = praman_circuits::Fr::from(1u64);
        let stolen = forged.ledger.payout.to_field() + one;
        forged.ledger.payout = PayoutCommitment::from_field(stolen);
        let unspent = forged.ledger.nullifier.to_field() + one;
        forged.ledger.nullifier = praman_circuits::nullifier::Nullifier::from_field(unspent);
        refusal(self.ledger.claim(&forged.ledger).await.map_err(ServiceError::from))
    }

    /// Pays every scheme; the sum and the bank's files.
    async fn pay_all(
        &self,
        folder: &Path,
        today: Day,
        stages: &Stages,
    ) -> Result<(u64, Vec<PathBuf>), ServiceError> {
        let bar = stages.begin("writing the bank's files", self.due.schemes.len());
        let debtor = Debtor::demonstration();
        let (mut rupees, mut paths) = (0, Vec::new());
        for due in &self.due.schemes {
            let run = PaymentRun {
                scheme: &due.scheme.id,
                period: due.period.period,
                instalments: due.scheme.instalments,
                on: calendar::date_of(today).expect("today is in the calendar"),
                debtor: &debtor,
                folder: &folder.join("bank"),
                by: &Caller::operator(),
            };
            let paid = run.pay(self.store, &self.treasury).await?;
            rupees += paid.rupees;
            paths.extend(paid.files);
            bar.inc(1);
        }
        Ok((rupees, paths))
    }
}

/// The reason of a refusal; none where there was no refusal, and failures stay failures.
fn refusal<T>(outcome: Result<T, ServiceError>) -> Result<Option<String>, ServiceError> {
    match outcome {
        Ok(_) => Ok(None),
        Err(ServiceError::Refused(reason)) => Ok(Some(reason)),
        Err(failure) => Err(failure),
    }
}
