//! The claim machine: what it stands on, and its first step.

use std::collections::HashMap;
use std::time::Instant;

use praman_circuits::context::Context;
use praman_verifier::{PreparedKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::record;
use super::rules::{Rules, Schemes, Terms};
use super::stages::{Stage, StageClock, StageTimes};
use super::state::{ClaimId, ClaimReceipt, Reason};
use crate::claim::SubmittedClaim;
use crate::envelope;
use crate::error::ServiceError;
use crate::failpoint::may_die;
use crate::register::District;
use crate::sealed::random_key;
use crate::store::{Store, broken, bytes};

/// What a client calls a claim of its own.
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
    /// In which district it is handed in, if whoever brings it says so. It is counted, and not kept with
    /// the claim.
    pub district: Option<District>,
}

impl From<SubmittedClaim> for HandedIn {
    fn from(claim: SubmittedClaim) -> Self {
        Self { claim, client_key: None, district: None }
    }
}

/// Why a claim is not even kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It would be refused for this reason.
    #[error("{}", .0.sentence())]
    Reason(Reason),
    /// The client has used its name for another claim.
    #[error("this idempotency key was used for another claim: give this one a key of its own")]
    KeyUsed,
}

/// A kept claim whose proof this program checks.
#[derive(Clone)]
pub struct HeldClaim {
    pub(super) id: ClaimId,
    pub(super) claim: SubmittedClaim,
    /// What its client calls it, and where it was handed in: kept and counted once its proof holds, so that
    /// nobody takes names and fills counts with claims that don't. A program that dies before that loses
    /// them: the client asks again with the claim.
    pub(super) client_key: Option<ClientKey>,
    pub(super) district: Option<District>,
}

/// What came of handing in a claim.
pub struct Received {
    /// What is known of the claim.
    pub receipt: ClaimReceipt,
    /// The claim, if it has to be verified by this program.
    pub held: Option<HeldClaim>,
}

/// The steps of claims in a store.
pub struct ClaimMachine {
    pub(super) store: Store,
    pub(super) rules: Rules,
    /// This program among those on the same store.
    pub(super) program: String,
    pub(super) clock: StageClock,
}

impl ClaimMachine {
    /// The machine of a ledger's claims.
    pub fn new(store: &Store, key: &VerifyingKey, schemes: Schemes, context: Context) -> Self {
        let rules = Rules::new(schemes, PreparedKey::new(key), context);
        let program = hex::encode(&random_key()[..8]);
        Self { store: store.clone(), rules, program, clock: StageClock::default() }
    }

    /// The schemes that are claimed here.
    pub fn schemes(&self) -> &Schemes {
        &self.rules.schemes
    }

    /// How long its steps have taken.
    pub fn stage_times(&self) -> StageTimes {
        self.clock.read()
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Keeps claims, in one transaction. One that is known already is not kept twice; one that could
    /// not be accepted is told so and not kept.
    ///
    /// # Errors
    /// [`ServiceError::Store`]; then none is kept.
    pub async fn receive(
        &self,
        claims: Vec<HandedIn>,
    ) -> Result<Vec<Result<Received, Refusal>>, ServiceError> {
        let begun = Instant::now();
        let mut outcomes: Vec<Option<Result<Received, Refusal>>> = Vec::new();
        let mut kept = Vec::new();
        let mut looked_at = HashMap::new();
        for (place, handed_in) in claims.into_iter().enumerate() {
            let HandedIn { claim, client_key, district } = handed_in;
            let id = ClaimId::of(&claim);
            // What is known already is answered, whatever has changed since.
            let known = self.store.claim_is_known(id).await?;
            let reason = if known { None } else { self.examine(&claim, &mut looked_at).await? };
            outcomes.push(reason.map(|reason| Err(Refusal::Reason(reason))));
            if reason.is_none() {
                kept.push((id, place, claim, client_key, district));
            }
        }
        // In the order of ids: two programs that keep the same claims don't wait for each other.
        kept.sort_by_key(|(id, place, ..)| (*id, *place));
        let mut transaction = self.store.begin_rows().await?;
        let mut held = Vec::new();
        for (id, place, claim, client_key, district) in kept {
            if let Some(key) = &client_key
                && !record::may_name(&mut transaction, key, id).await?
            {
                outcomes[place] = Some(Err(Refusal::KeyUsed));
                continue;
            }
            let database = self.store.database();
            let fresh = record::keep(&mut transaction, database, id, &claim, &self.program).await?;
            held.push((place, id, fresh.then_some(HeldClaim { id, claim, client_key, district })));
        }
        may_die!("claims::keep");
        transaction.commit().await?;
        may_die!("claims::kept");
        for (place, id, held) in held {
            let receipt = self.store.claim_receipt(id).await?;
            let receipt = receipt.ok_or_else(|| broken("a claim that was kept"))?;
            outcomes[place] = Some(Ok(Received { receipt, held }));
        }
        self.clock.since(Stage::Keeping, begun);
        Ok(outcomes.into_iter().map(|outcome| outcome.expect("each place was filled")).collect())
    }

    /// What keeps a claim out before its proof is looked at; of claims that come together those of the
    /// same terms are looked up once.
    async fn examine(
        &self,
        claim: &SubmittedClaim,
        looked_at: &mut HashMap<Terms, Option<Reason>>,
    ) -> Result<Option<Reason>, ServiceError> {
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

    /// What keeps out all claims of some terms now.
    async fn examine_terms(&self, terms: &Terms) -> Result<Option<Reason>, ServiceError> {
        // What is cheap to look up goes first: to fold a state root costs as much as to check some proofs.
        let Some(published) = self.rules.schemes.find(&terms.scheme) else {
            return Ok(Some(Reason::SchemeUnknown));
        };
        if published.scheme.in_period(terms.period).is_err() {
            return Ok(Some(Reason::PeriodWithoutRules));
        }
        if self.store.checkpoint_number(terms.checkpoint).await?.is_none() {
            return Ok(Some(Reason::CheckpointNotGood));
        }
        if !self.store.opening_takes_claims(&terms.scheme, terms.period).await? {
            return Ok(Some(Reason::PeriodNotOpen));
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
    /// The id of a claim.
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
