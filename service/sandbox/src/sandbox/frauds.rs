//! Frauds, each tried by the means that a thief would have.

use std::path::Path;

use crate::error::SandboxError;
use praman_circuits::policy::TierIndex;
use praman_files::FileError;
use praman_files::sealed::Passphrase;
use praman_holder::claim::{Claim, ClaimTerms, CredentialPaths};
use praman_holder::envelope;
use praman_holder::wallet::{CredentialFile, Wallet};
use praman_ledger::snapshot::Snapshot;
use praman_ledger::{EmbeddedLedger, Ledger, LedgerStore};
use praman_offices::office_key::OfficeKey;
use praman_offices::{Application, OfficeStore, Validity};
use praman_prover::Cores;
use praman_rules::schema::RESIDENT;
use praman_store::Store;
use praman_store::key_store::MasterKey;
use praman_store::named::named;
use praman_treasury::open_checked;
use serde::Serialize;

use crate::demo::due::tier_of;
use crate::demo::scene::{Scene, refusal};

named! {
    /// A fraud.
    Fraud {
        /// An office that is not accredited issues to a person who does not exist, and claims for them.
        Ghost = "ghost",
        /// A person claims twice for one period, with another proof.
        Double = "double",
        /// A relayer changes what is paid under an honest proof.
        Forged = "forged",
        /// A thief has a card, a copy of a credential, but not the secret of its wallet.
        StolenCard = "stolen-card",
        /// A thief has card and wallet and redirects the money to their own account.
        Redirected = "redirected",
        /// A holder puts a larger amount into the envelope than was proved.
        Inflated = "inflated",
        /// A person claims who does not meet the rules.
        Ineligible = "ineligible",
        /// A person claims whose credential was revoked.
        Revoked = "revoked",
        /// A proof of this sandbox is sent to a real ledger.
        SandboxProof = "sandbox-proof",
    }
}

named! {
    /// Who refuses.
    RefusedBy {
        /// No proof can be made: the statement does not hold.
        Statement = "statement",
        /// The ledger's contracts.
        Ledger = "ledger",
        /// The treasury, when it opens the envelope.
        Treasury = "treasury",
    }
}

/// A fraud that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// The fraud.
    pub fraud: Fraud,
    /// Who refused it.
    pub by: RefusedBy,
    /// Why.
    pub reason: String,
}

/// The result of all of them.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) refused: Vec<Refused>,
    pub(super) succeeded: Vec<Fraud>,
}

impl Outcome {
    fn add(&mut self, fraud: Fraud, by: RefusedBy, refused: Option<String>) {
        match refused {
            Some(reason) => self.refused.push(Refused { fraud, by, reason }),
            None => self.succeeded.push(fraud),
        }
    }
}

/// Tries them all; failures that are not refusals stay failures.
pub(super) async fn try_all(
    scene: &mut Scene<'_>,
    eligible: &[(usize, TierIndex)],
    made: &[Claim],
    folder: &Path,
    passphrase: &Passphrase,
) -> Result<Outcome, SandboxError> {
    use RefusedBy::{Ledger, Statement, Treasury};
    let mut outcome = Outcome::default();
    let honest = made.first().ok_or(SandboxError::NoFraud("no person has claimed"))?;
    outcome.add(Fraud::Ghost, Ledger, ghost(scene).await?);
    outcome.add(Fraud::Double, Ledger, scene.double_claim().await?);
    outcome.add(Fraud::Forged, Ledger, scene.forged_claim(Some(honest)).await?);
    let (holder, tier) = eligible[0];
    let thief = Wallet::generate();
    let card = &scene.holders.credentials[holder];
    outcome.add(Fraud::StolenCard, Statement, prepared(scene, card, &thief, tier)?);
    let redirected = redirect(card)?;
    let wallet = &scene.holders.wallets[holder];
    outcome.add(Fraud::Redirected, Statement, prepared(scene, &redirected, wallet, tier)?);
    outcome.add(Fraud::Inflated, Treasury, inflate(scene, honest)?);
    outcome.add(Fraud::Ineligible, Statement, ineligible(scene, eligible)?);
    outcome.add(Fraud::SandboxProof, Ledger, in_earnest(scene, honest, folder).await?);
    outcome.add(
        Fraud::Revoked,
        Statement,
        revoked(scene, (holder, tier), folder, passphrase).await?,
    );
    Ok(outcome)
}

fn terms<'a>(scene: &'a Scene<'_>, snapshot: &Snapshot) -> ClaimTerms<'a> {
    ClaimTerms {
        context: scene.ledger.context(),
        checkpoint: snapshot.checkpoint(),
        scheme: &scene.due.schemes[0].terms,
        treasury: scene.treasury.public(),
    }
}

/// Whether a claim can be prepared with a credential and a wallet.
fn prepared(
    scene: &Scene<'_>,
    credential: &CredentialFile,
    wallet: &Wallet,
    tier: TierIndex,
) -> Result<Option<String>, SandboxError> {
    let paths = CredentialPaths::find(credential, &scene.snapshot)?;
    refusal(
        terms(scene, &scene.snapshot).prepare(credential, wallet, tier, paths).map_err(Into::into),
    )
}

/// Claims with an office of the thief's own, whose tree no checkpoint knows: the proof holds, for another
/// state.
async fn ghost(scene: &mut Scene<'_>) -> Result<Option<String>, SandboxError> {
    let folder = tempfile::TempDir::new().map_err(FileError::io(Path::new("a folder")))?;
    let store = Store::open(folder.path()).await?;
    let key = OfficeStore(&store).new_office("Ghost office", &RESIDENT, |_| Ok(())).await?;
    let day = scene.snapshot.checkpoint().as_of;
    let issued_on = day.min(scene.due.schemes[0].terms.issued_by);
    // The ghosts meet the scheme's rules.
    let csv = super::people::register(2_000, 99, day);
    let checked = praman_register::check(&csv[..], day, |_| ())
        .map_err(|error| SandboxError::Register("ghosts'", error))?;
    let wallets: Vec<Wallet> = checked.people().iter().map(|_| Wallet::generate()).collect();
    let ghosts = checked.people().iter().zip(&wallets);
    let ghosts =
        ghosts.map(|(person, wallet)| Application::new(person, wallet.subject()).reviewed(true));
    let ghosts = ghosts.collect();
    let issued = OfficeStore(&store)
        .issue(&key, &MasterKey::in_memory(), ghosts, Validity::from_today(issued_on))
        .await?
        .commit()
        .await?;
    let snapshot = LedgerStore(&store).snapshot(day, None).await?;
    let scheme = &scene.due.schemes[0];
    let found = issued
        .credentials
        .iter()
        .zip(&wallets)
        .find_map(|(file, wallet)| Some((file, wallet, tier_of(file, &scheme.terms)?)));
    let (file, wallet, tier) = found.ok_or(SandboxError::NoFraud("no ghost qualifies"))?;
    let paths = CredentialPaths::find(file, &snapshot)?;
    let ready = terms(scene, &snapshot).prepare(file, wallet, tier, paths)?;
    let proof = scene.prover.prove_on(&ready.witness, Cores::All)?;
    let claim = ready.into_claim(scheme.period, scene.checkpoint, proof);
    store.close().await;
    refusal(scene.ledger.claim(&claim.ledger).await.map_err(SandboxError::from))
}

/// Returns the same card with the thief's account on it.
fn redirect(card: &CredentialFile) -> Result<CredentialFile, SandboxError> {
    let mut file = serde_json::to_value(card).expect("a credential is plain data");
    file["payee"]["account"] = "6660000000".into();
    serde_json::from_value(file).map_err(|_| SandboxError::NoFraud("a card could not be altered"))
}

/// Submits an envelope with another amount than the proved one, for the claim that proved it.
fn inflate(scene: &Scene<'_>, honest: &Claim) -> Result<Option<String>, SandboxError> {
    let commitment = honest.ledger.payout;
    let opened = open_checked(&honest.envelope, &scene.treasury, commitment)
        .map_err(SandboxError::NoFraud)?;
    let salts = opened.payee_salt().zip(opened.blinding());
    let (salt, blinding) = salts.ok_or(SandboxError::NoFraud("the envelope holds no salts"))?;
    let amount = opened.amount + 100_000;
    let inflated = envelope::Payout::new(amount, opened.payee.clone(), &salt, &blinding);
    let sealed = envelope::seal(&inflated, scene.treasury.public())?;
    Ok(open_checked(&sealed, &scene.treasury, commitment).err().map(str::to_owned))
}

/// Claims the first tier for a person who meets no tier's rules.
fn ineligible(
    scene: &Scene<'_>,
    eligible: &[(usize, TierIndex)],
) -> Result<Option<String>, SandboxError> {
    let is_eligible = |holder: &usize| eligible.iter().any(|(known, _)| known == holder);
    let others = (0..scene.holders.credentials.len()).filter(|holder| !is_eligible(holder));
    let Some(holder) = others.min() else {
        return Ok(Some("every person qualifies for this scheme".to_owned()));
    };
    let tier = TierIndex::new(0).expect("there is a first tier");
    let (card, wallet) = (&scene.holders.credentials[holder], &scene.holders.wallets[holder]);
    prepared(scene, card, wallet, tier)
}

/// Sends an honest claim of the sandbox to a ledger that has the same offices, state and period.
async fn in_earnest(
    scene: &Scene<'_>,
    honest: &Claim,
    folder: &Path,
) -> Result<Option<String>, SandboxError> {
    let store = Store::open(&folder.join("in-earnest")).await?;
    let mut ledger =
        EmbeddedLedger::open(&store, scene.prover.verifying_key(), crate::EVENT_HANDLERS).await?;
    let day = scene.snapshot.checkpoint().as_of;
    ledger.set_day(day);
    let offices = OfficeStore(scene.store).office_states().await?;
    let checkpoint = ledger.publish_checkpoint(&offices, scene.snapshot.checkpoint()).await?;
    let due = &scene.due.schemes[0];
    ledger.open_period(&due.terms, due.period, due.last_day(day)).await?;
    let claim = praman_ledger::LedgerClaim { checkpoint, ..honest.ledger.clone() };
    let refused = ledger.claim(&claim).await;
    store.close().await;
    refusal(refused.map_err(SandboxError::from))
}

/// Sends a holder's claim against the state after their credential was revoked.
async fn revoked(
    scene: &Scene<'_>,
    (holder, tier): (usize, TierIndex),
    folder: &Path,
    passphrase: &Passphrase,
) -> Result<Option<String>, SandboxError> {
    let key = OfficeKey::open(&folder.join("office.json"), passphrase)?;
    let card = &scene.holders.credentials[holder];
    OfficeStore(scene.store).revoke(&key, std::slice::from_ref(&card.register_no)).await?;
    let snapshot =
        LedgerStore(scene.store).snapshot(scene.snapshot.checkpoint().as_of, None).await?;
    let paths = CredentialPaths::find(card, &snapshot)?;
    let wallet = &scene.holders.wallets[holder];
    refusal(terms(scene, &snapshot).prepare(card, wallet, tier, paths).map_err(Into::into))
}
