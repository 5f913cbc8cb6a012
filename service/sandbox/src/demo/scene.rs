//! The setting of rehearsals: people with credentials, and everything that they claim with and against.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::error::SandboxError;
use praman_access::Caller;
use praman_circuits::circuit;
use praman_circuits::eligibility::PublicInputs;
use praman_circuits::payout::EnvelopeHash;
use praman_circuits::payout::PayoutCommitment;
use praman_circuits::period::Day;
use praman_claims::{ClaimStore, KeepEnvelopeError};
use praman_files::FileError;
use praman_files::sealed::{Passphrase, random_key};
use praman_holder::claim::{Claim, ClaimTerms, CredentialPaths};
use praman_holder::wallet::{CredentialFile, Wallet};
use praman_language::calendar;
use praman_ledger::snapshot::Snapshot;
use praman_ledger::{EmbeddedLedger, Ledger, LedgerStore};
use praman_offices::{Application, OfficeStore, Validity};
use praman_prover::{Cores, FixedKeyEngine, KeyStore, MemoryBudget, Prover, setup};
use praman_register::Register;
use praman_rules::schema::Schema;
use praman_store::Store;
use praman_store::key_store::MasterKey;
use praman_treasury::{Debtor, PaymentRun, TreasuryKey};
use praman_verifier::PreparedKey;
use rand::rngs::OsRng;
use rayon::prelude::*;

use super::due::Due;
use super::stages::Stages;

/// Makes a separate folder for each run, so that no run sees another's nullifiers.
pub(crate) fn new_run(folder: &Path) -> Result<PathBuf, SandboxError> {
    std::fs::create_dir_all(folder).map_err(FileError::io(folder))?;
    for number in 1.. {
        let run = folder.join(format!("run-{number:04}"));
        match std::fs::create_dir(&run) {
            Ok(()) => return Ok(run),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FileError::io(&run)(error).into()),
        }
    }
    unreachable!("there are more numbers than folders")
}

/// Returns `PRAMAN_PASSPHRASE`, or a fresh passphrase that is kept beside the demonstration's keys.
pub(crate) fn demo_passphrase(folder: &Path) -> Result<Passphrase, SandboxError> {
    if let Ok(passphrase) = std::env::var("PRAMAN_PASSPHRASE") {
        return Ok(Passphrase::new(passphrase)?);
    }
    let passphrase = hex::encode(*random_key());
    praman_files::write(&folder.join("passphrase.txt"), passphrase.as_bytes())?;
    Ok(Passphrase::new(passphrase)?)
}

pub(crate) fn load_prover(
    folder: &Path,
    stages: &Stages,
) -> Result<Prover<FixedKeyEngine>, SandboxError> {
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

/// Everyone with a credential, and what only they have.
pub(crate) struct Holders {
    pub(crate) credentials: Vec<CredentialFile>,
    pub(crate) wallets: Vec<Wallet>,
}

impl Holders {
    pub(crate) async fn enrol(
        store: &Store,
        register: &Register,
        (people, schema): (usize, &'static Schema),
        issued_on: Day,
        folder: &Path,
        passphrase: &Passphrase,
        stages: &Stages,
    ) -> Result<Self, SandboxError> {
        let bar = stages.begin("issuing credentials", people);
        let path = folder.join("office.json");
        let name = "Demonstration office";
        let key =
            OfficeStore(store).new_office(name, schema, |key| key.save(&path, passphrase)).await?;
        let wallets: Vec<Wallet> =
            (0..people).into_par_iter().map(|_| Wallet::generate()).collect();
        let applications: Vec<Application<'_>> = register
            .people()
            .par_iter()
            .zip(&wallets)
            // These people are generated: two of one name and birth date are known to be two.
            .map(|(person, wallet)| Application::new(person, wallet.subject()).reviewed(true))
            .collect();
        let validity = Validity::from_today(issued_on);
        // Later issuing in this folder recognises these people.
        let master = master_key(store, folder, passphrase).await?;
        let issued =
            OfficeStore(store).issue(&key, &master, applications, validity).await?.commit().await?;
        bar.inc(people as u64);
        Ok(Self { credentials: issued.credentials, wallets })
    }
}

/// Returns the folder's master key, made if there is none.
async fn master_key(
    store: &Store,
    folder: &Path,
    passphrase: &Passphrase,
) -> Result<MasterKey, SandboxError> {
    let path = folder.join("master-key.json");
    let master = match path.exists() {
        true => MasterKey::open(&path, passphrase)?,
        false => MasterKey::new_in_file(&path, passphrase)?,
    };
    store.keep_to_master_key(&master).await?;
    Ok(master)
}

/// Everything that claims are made with and against.
pub(crate) struct Scene<'a> {
    pub(crate) store: &'a Store,
    pub(crate) prover: Prover<FixedKeyEngine>,
    pub(crate) key: PreparedKey,
    pub(crate) holders: Holders,
    pub(crate) due: Due,
    pub(crate) treasury: TreasuryKey,
    pub(crate) snapshot: Snapshot,
    pub(crate) checkpoint: u64,
    pub(crate) ledger: EmbeddedLedger,
}

impl<'a> Scene<'a> {
    pub(crate) async fn open(
        store: &'a Store,
        mut ledger: EmbeddedLedger,
        prover: Prover<FixedKeyEngine>,
        holders: Holders,
        due: Due,
        treasury: TreasuryKey,
        today: Day,
    ) -> Result<Self, SandboxError> {
        let snapshot = LedgerStore(store).snapshot(today, None).await?;
        let offices = OfficeStore(store).office_states().await?;
        let checkpoint = ledger.publish_checkpoint(&offices, snapshot.checkpoint()).await?;
        for scheme in &due.schemes {
            ledger.open_period(&scheme.terms, scheme.period, scheme.last_day(today)).await?;
        }
        let key = PreparedKey::new(prover.verifying_key());
        Ok(Self { store, prover, key, holders, due, treasury, snapshot, checkpoint, ledger })
    }

    /// Proves a claim: the holder's side of it.
    pub(crate) fn prove(&self, number: usize) -> Result<Claim, SandboxError> {
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
        // Claims are made in parallel: a proof that waits for others would hold its memory meanwhile.
        let proof = self.prover.prove_on(&prepared.witness, Cores::One)?;
        Ok(prepared.into_claim(scheme.period, self.checkpoint, proof))
    }

    pub(crate) fn prove_all(&self, stages: &Stages) -> Result<(Vec<Claim>, f64), SandboxError> {
        let bar = stages.begin("proving claims", self.due.claims.len());
        let started = Instant::now();
        let claims = (0..self.due.claims.len())
            .into_par_iter()
            .map(|number| {
                let claim = self.prove(number)?;
                bar.inc(1);
                Ok(claim)
            })
            .collect::<Result<Vec<_>, SandboxError>>()?;
        let per_second = claims.len() as f64 / started.elapsed().as_secs_f64();
        Ok((claims, per_second))
    }

    /// Submits a claim: the state's side of it; returns its gas.
    pub(crate) async fn submit(&mut self, claim: &Claim) -> Result<u64, SandboxError> {
        let scheme = self.due.schemes.iter().find(|due| due.scheme.id == claim.ledger.scheme);
        let scheme = &scheme.expect("claims are made for the schemes that are due").terms;
        let public = PublicInputs {
            context: self.ledger.context(),
            checkpoint: self.snapshot.checkpoint(),
            scheme_period: scheme.clone(),
            nullifier: claim.ledger.nullifier,
            payout: claim.ledger.payout,
            envelope: EnvelopeHash::of(&claim.envelope),
        };
        self.key.verify(&public.to_fields(), &claim.ledger.proof).map_err(SandboxError::from)?;
        // The envelope first: a crash in between leaves an envelope without a claim, which costs nothing, and
        // never a claim without its envelope.
        let store = ClaimStore(self.store);
        match store.keep_envelope(claim.ledger.nullifier, &claim.envelope).await {
            // Of a second claim: the ledger says why it is refused.
            Err(KeepEnvelopeError::Other) => {}
            kept => kept?,
        }
        let receipt = self.ledger.claim(&claim.ledger).await?;
        Ok(receipt.gas_used)
    }

    /// Sends all claims; returns the gas of each, ascending.
    pub(crate) async fn send_all(
        &mut self,
        claims: &[Claim],
        stages: &Stages,
    ) -> Result<Vec<u64>, SandboxError> {
        let bar = stages.begin("claims to the ledger", claims.len());
        let mut gas = Vec::with_capacity(claims.len());
        for claim in claims {
            gas.push(self.submit(claim).await?);
            bar.inc(1);
        }
        gas.sort_unstable();
        Ok(gas)
    }

    /// Sends a second, freshly proved claim of the first person; returns why it is refused.
    pub(crate) async fn double_claim(&mut self) -> Result<Option<String>, SandboxError> {
        if self.due.claims.is_empty() {
            return Ok(None);
        }
        let again = self.prove(0)?;
        refusal(self.submit(&again).await)
    }

    /// Sends a claim with another payout commitment under an honest proof, as a thief would send it straight to
    /// the ledger; returns why it is refused there.
    pub(crate) async fn forged_claim(
        &mut self,
        honest: Option<&Claim>,
    ) -> Result<Option<String>, SandboxError> {
        let Some(mut forged) = honest.cloned() else { return Ok(None) };
        let one = praman_circuits::Fr::from(1u64);
        let stolen = forged.ledger.payout.to_field() + one;
        forged.ledger.payout = PayoutCommitment::from_field(stolen);
        let unspent = forged.ledger.nullifier.to_field() + one;
        forged.ledger.nullifier = praman_circuits::nullifier::Nullifier::from_field(unspent);
        refusal(self.ledger.claim(&forged.ledger).await.map_err(SandboxError::from))
    }

    /// Pays every scheme; returns the sum and the bank's files.
    pub(crate) async fn pay_all(
        &self,
        folder: &Path,
        today: Day,
        stages: &Stages,
    ) -> Result<(u64, Vec<PathBuf>), SandboxError> {
        let bar = stages.begin("writing the bank's files", self.due.schemes.len());
        let debtor = debtor();
        let (mut rupees, mut paths) = (0, Vec::new());
        for due in &self.due.schemes {
            let run = PaymentRun {
                scheme: &due.scheme.id,
                period: due.period.period,
                terms: due.scheme.payment,
                on: calendar::date_of(today).expect("today is in the calendar"),
                debtor: &debtor,
                folder: &folder.join("bank"),
                format: None,
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

/// Returns the treasury of rehearsals. No such account exists.
pub(crate) fn debtor() -> Debtor {
    Debtor {
        name: "State Treasury (demonstration)".to_owned(),
        account: "00000000000".to_owned(),
        ifsc: "PRMN0000000".to_owned(),
    }
}

/// Returns the reason of a refusal; none if there was none; failures stay failures.
pub(crate) fn refusal<T>(outcome: Result<T, SandboxError>) -> Result<Option<String>, SandboxError> {
    match outcome {
        Ok(_) => Ok(None),
        Err(refusal) if refusal.is_refusal() => Ok(Some(refusal.to_string())),
        Err(failure) => Err(failure),
    }
}
