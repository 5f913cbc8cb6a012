//! The claim machine: its parts, and its first step.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use praman_circuits::context::Context;
use praman_files::sealed::random_key;
use praman_holder::claim::SubmittedClaim;
use praman_holder::envelope;
use praman_ledger::{LedgerStore, Taking};
use praman_offices::OfficeStore;
use praman_register::District;
use praman_store::computation::compute;
use praman_store::error::StoreError;
use praman_store::{Store, broken, bytes};
use praman_verifier::{PreparedKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::rules::{Rules, Schemes, Terms};
use super::stages::{Stage, StageClock, StageTimes};
use super::state::{ClaimId, ClaimReceipt, Reason};
use crate::ClaimStore;

/// A client's own name for a claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientKey {
    /// The client.
    pub client: String,
    /// Its name for the claim.
    pub name: String,
}

/// A claim that is handed in.
pub struct HandedIn {
    /// The claim.
    pub claim: SubmittedClaim,
    /// What its client calls it.
    pub client_key: Option<ClientKey>,
    /// In which district it is handed in, if who hands it in says so. It is counted, and not kept with
    /// the claim.
    pub district: Option<District>,
}

impl From<SubmittedClaim> for HandedIn {
    fn from(claim: SubmittedClaim) -> Self {
        Self { claim, client_key: None, district: None }
    }
}

/// One of the claims that are handed in together.
pub(super) struct Looked<'a> {
    pub(super) place: usize,
    pub(super) id: ClaimId,
    pub(super) handed_in: &'a HandedIn,
}

/// What became of a claim.
pub(super) enum Verdict {
    /// It is kept, or is another form of a kept one.
    Kept(ClaimId),
    /// It is refused, and not kept.
    Refused(ClaimReceipt),
    /// Its client has used the name for another claim.
    KeyUsed,
}

/// Why a claim is not checked further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It would be refused for this reason.
    #[error("{}", .0.sentence())]
    Reason(Reason),
    /// The client has used its name for another claim.
    #[error("this idempotency key was used for another claim: give each claim its own key")]
    KeyUsed,
}

/// How the proofs of claims that are handed in together are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All by one product of pairings: fastest if they hold.
    Together,
    /// Each alone: fastest if many don't.
    Singly,
}

/// The steps of claims in a store.
pub struct ClaimMachine {
    pub(super) store: Store,
    pub(super) rules: Rules,
    /// This program among those on the same store.
    pub(super) program: String,
    pub(super) clock: StageClock,
    /// Whether the last claims could not be kept, for example because the disk is full.
    pub(super) is_unwritten: AtomicBool,
}

impl ClaimMachine {
    /// Creates the machine for a ledger's claims.
    pub fn new(store: &Store, key: &VerifyingKey, schemes: Schemes, context: Context) -> Self {
        let rules = Rules::new(schemes, PreparedKey::new(key), context);
        let program = hex::encode(&random_key()[..8]);
        let (clock, is_unwritten) = (StageClock::default(), AtomicBool::new(false));
        Self { store: store.clone(), rules, program, clock, is_unwritten }
    }

    /// Checks that claims can be kept. If the last ones could not, a write is tried.
    ///
    /// # Errors
    /// [`StoreError::Database`] if they can't.
    pub async fn require_writable(&self) -> Result<(), StoreError> {
        if self.is_unwritten.load(Ordering::Relaxed) {
            self.store.try_writing().await?;
            self.is_unwritten.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns the schemes that can be claimed here.
    pub fn schemes(&self) -> &Schemes {
        &self.rules.schemes
    }

    /// Returns how long its steps have taken.
    pub fn stage_times(&self) -> StageTimes {
        self.clock.read()
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Checks claims: those whose proofs hold are kept, in one transaction. A known claim gets its receipt again; one
    /// that does not hold is refused, and remembered for a day in bounded space.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then none is kept.
    pub async fn receive(
        &self,
        claims: &[HandedIn],
        check: Check,
    ) -> Result<Vec<Result<ClaimReceipt, Refusal>>, StoreError> {
        let begun = Instant::now();
        let mut answers = vec![None; claims.len()];
        let (mut known, mut looked_at) = (Vec::new(), HashMap::new());
        let mut unknown: Vec<Looked<'_>> = Vec::new();
        for (place, handed_in) in claims.iter().enumerate() {
            let id = ClaimId::of(&handed_in.claim);
            // A known claim gets its receipt, whatever has changed since.
            let receipt = ClaimStore(&self.store).claim_receipt(id).await?;
            if let Some(receipt) = receipt.filter(|receipt| !receipt.may_pass()) {
                answers[place] = Some(Ok(receipt));
                known.push(Looked { place, id, handed_in });
                continue;
            }
            match self.examine(&handed_in.claim, &mut looked_at).await? {
                Some(reason) => answers[place] = Some(Err(Refusal::Reason(reason))),
                None => unknown.push(Looked { place, id, handed_in }),
            }
        }
        // In the order of ids: two programs that write the same claims don't wait for each other.
        known.sort_by_key(|looked| (looked.id, looked.place));
        unknown.sort_by_key(|looked| (looked.id, looked.place));
        self.clock.since(Stage::Keeping, begun);

        let begun = Instant::now();
        let checked: Vec<&SubmittedClaim> =
            unknown.iter().map(|looked| &looked.handed_in.claim).collect();
        let reasons = compute(|| self.find_refusals(&checked, check));
        self.clock.since(Stage::Verifying, begun);

        let begun = Instant::now();
        let verified: Vec<_> = unknown.iter().zip(reasons).collect();
        for (place, verdict) in self.write_verdicts(&known, &verified).await? {
            answers[place] = Some(match verdict {
                Verdict::KeyUsed => Err(Refusal::KeyUsed),
                Verdict::Refused(receipt) => Ok(receipt),
                Verdict::Kept(id) => {
                    let receipt = ClaimStore(&self.store).kept_receipt(id).await?;
                    Ok(receipt.ok_or_else(|| broken("a claim that was kept"))?)
                }
            });
        }
        self.clock.since(Stage::Recording, begun);
        Ok(answers.into_iter().map(|answer| answer.expect("each place was filled")).collect())
    }

    /// Returns why a claim is refused before its proof is checked; claims of the same terms that are handed in
    /// together are looked up once.
    async fn examine(
        &self,
        claim: &SubmittedClaim,
        looked_at: &mut HashMap<Terms, Option<Reason>>,
    ) -> Result<Option<Reason>, StoreError> {
        if !envelope::is_length(claim.claim().envelope.len()) {
            return Ok(Some(Reason::EnvelopeMalformed));
        }
        let terms = Terms::of(claim);
        if let Some(reason) = looked_at.get(&terms) {
            return Ok(*reason);
        }
        let reason = self.examine_terms(&terms).await?;
        looked_at.insert(terms, reason);
        Ok(reason)
    }

    /// Returns why all claims of some terms are refused now.
    async fn examine_terms(&self, terms: &Terms) -> Result<Option<Reason>, StoreError> {
        // Cheap look-ups go first: folding a state root costs as much as checking several proofs.
        let Some(published) = self.rules.schemes.find(&terms.scheme) else {
            return Ok(Some(Reason::SchemeUnknown));
        };
        if published.scheme.in_period(terms.period).is_err() {
            return Ok(Some(Reason::PeriodWithoutRules));
        }
        if OfficeStore(&self.store).checkpoint_number(terms.checkpoint).await?.is_none() {
            return Ok(Some(Reason::CheckpointNotGood));
        }
        match LedgerStore(&self.store).opening_takes_claims(&terms.scheme, terms.period).await? {
            Taking::Open => {}
            Taking::NotOpen => return Ok(Some(Reason::PeriodNotOpen)),
            Taking::Over => return Ok(Some(Reason::PeriodOver)),
        }
        Ok(self.rules.folded(terms).err())
    }
}

impl Terms {
    pub(super) fn of(claim: &SubmittedClaim) -> Self {
        let (scheme, checkpoint) = (claim.scheme().clone(), claim.checkpoint());
        Self { scheme, period: claim.period(), checkpoint }
    }
}

impl ClaimId {
    /// Computes the id of a claim.
    pub fn of(claim: &SubmittedClaim) -> Self {
        let ledger = &claim.claim().ledger;
        let mut hasher = Sha256::new();
        hasher.update(b"praman.claim.1");
        let scheme = ledger.scheme.as_str();
        hasher.update([scheme.len() as u8]);
        hasher.update(scheme);
        for number in [ledger.period.period.0, ledger.period.window.0, claim.checkpoint().as_of.0] {
            hasher.update(number.to_be_bytes());
        }
        hasher.update(bytes(claim.checkpoint().state_root.to_field()));
        hasher.update(bytes(ledger.nullifier.to_field()));
        hasher.update(bytes(ledger.payout.to_field()));
        hasher.update(ledger.proof.to_words().as_flattened());
        hasher.update(&claim.claim().envelope);
        Self(hasher.finalize().into())
    }
}
