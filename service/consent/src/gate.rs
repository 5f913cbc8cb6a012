//! A provider's release gate: a proof and a request in, release or refusal out.
//!
//! An access is given when the ledger has recorded it. The ledger takes a nullifier once and only a proof
//! against current roots, so a count can't be exceeded and a withdrawal can't be overtaken, however many gates
//! a provider runs. Only the ledger's record shows whether an access was given: a gate that died between
//! recording and answering gives the same answer when it is asked again, as long as the proof is current and
//! nothing was withdrawn.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use praman_circuits::Fr;
use praman_circuits::artefact::{AccessMode, Purpose};
use praman_circuits::consent::PUBLIC_INPUTS;
use praman_circuits::context::Context;
use praman_circuits::health_record::RecordCommitment;
use praman_ledger::{
    Chain, ContractLedger, Ledger as _, LedgerError, ManagerNumber, ProviderId, RequesterNumber,
};
use praman_store::Store;
use praman_store::computation::compute;
use praman_store::failpoint::may_die;
use praman_verifier::batch::BatchItem;
use praman_verifier::{PreparedKey, VerifyingKey};
use rand::rngs::OsRng;
use serde::Serialize;

use super::access::AccessRequest;
use super::code::mode_code;
use super::refusal::ConsentError;
use super::refusal::ConsentFailure;
use super::time::time_of;
use crate::ConsentStore;

/// How old the minute of a proof may be when it is checked, from its beginning; the contract's bound is wider by the
/// time that recording may take.
const AGE_MAX: SignedDuration = SignedDuration::from_mins(10);

/// How much the clocks of patient, provider and chain may differ.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(2);

/// Accesses that are recorded together: well within a block.
pub const BATCH_MAX: usize = 256;

/// Why a record is not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum GateRefusal {
    /// Break-glass.
    #[error(
        "an emergency is not a consent: open the records with two clinicians' signatures \
         (praman consent break-glass)"
    )]
    BreakGlass,
    /// The requester is not allowed to ask.
    #[error("the requester is not a participant, or is suspended or debarred")]
    Requester,
    /// The provider is not allowed to give.
    #[error(
        "the provider is not a participant, or is suspended or debarred: it may give no record"
    )]
    Provider,
    /// The consent manager's consents are not valid.
    #[error("the consent manager is not a participant, or is suspended or debarred")]
    Manager,
    /// No such record.
    #[error("the provider has no such record now")]
    Record,
    /// The minute is not now.
    #[error("the proof's time does not match the provider's clock: set the clock, and prove again")]
    Moment,
    /// The chain's clock is ahead of the provider's.
    #[error("the provider's clock and the chain's differ by more than two minutes: set the clock")]
    Clock,
    /// The roots are not current.
    #[error(
        "the provider's roots have changed, or a consent was withdrawn since: prove again against \
         the current roots"
    )]
    Roots,
    /// The proof does not hold.
    #[error(
        "the proof does not hold for this provider, manager, requester, purpose, type, mode, record and \
         minute"
    )]
    Proof,
    /// The ledger can't be asked.
    #[error("the ledger can't record the access now: send the same request again")]
    Later,
    /// The access was already given.
    #[error("this access was used already: the consent's count for this window is used up to it")]
    Used,
    /// The patient has ended the access.
    #[error("the patient has withdrawn this access")]
    Withdrawn,
}

impl GateRefusal {
    /// Returns a stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BreakGlass => "break-glass",
            Self::Requester => "requester-barred",
            Self::Provider => "provider-barred",
            Self::Manager => "manager-barred",
            Self::Record => "no-such-record",
            Self::Moment => "wrong-moment",
            Self::Clock => "clock-skew",
            Self::Roots => "roots-moved",
            Self::Proof => "proof-invalid",
            Self::Later => "later",
            Self::Used => "access-used",
            Self::Withdrawn => "access-withdrawn",
        }
    }
}

/// A release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// The record to be released.
    pub record: RecordCommitment,
    /// The requester.
    pub requester: RequesterNumber,
    /// What the requester may do with it.
    #[serde(serialize_with = "write_mode")]
    pub mode: AccessMode,
    /// The block that recorded the access.
    pub block: u64,
    /// Whether it had been recorded before, for the same request.
    pub repeated: bool,
}

/// Writes a mode by its code in the national standard.
fn write_mode<S: serde::Serializer>(mode: &AccessMode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode_code(*mode))
}

impl Release {
    fn of(request: &AccessRequest, block: u64, repeated: bool) -> Self {
        let AccessRequest { record, requester, mode, .. } = *request;
        Self { record, requester, mode, block, repeated }
    }
}

/// A gate's answer.
pub type Verdict = Result<Release, GateRefusal>;

/// A gate, for any provider whose account its ledger can use.
pub struct Gate {
    store: Store,
    key: PreparedKey,
    context: Context,
}

impl Gate {
    /// Creates a gate over a store, for a key of the consent circuit, on a ledger.
    ///
    /// # Errors
    /// [`GateKeyError`].
    pub fn on<C: Chain>(
        store: &Store,
        key: &VerifyingKey,
        ledger: &ContractLedger<C>,
    ) -> Result<Self, GateKeyError> {
        let key = PreparedKey::new(key);
        if key.inputs() != PUBLIC_INPUTS {
            return Err(GateKeyError);
        }
        Ok(Self { store: store.clone(), key, context: ledger.context() })
    }

    /// Returns what binds proofs to the gate's ledger.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Releases or refuses some requests, each independently of the others.
    ///
    /// # Errors
    /// [`ConsentError::Failed`] of the chain or the store; then the outcome is unknown, and the same requests
    /// may be sent again.
    pub async fn release<C: Chain>(
        &self,
        ledger: &mut ContractLedger<C>,
        requests: &[AccessRequest],
        now: Timestamp,
    ) -> Result<Vec<Verdict>, ConsentError> {
        let mut verdicts: Vec<Option<Verdict>> = Vec::with_capacity(requests.len());
        let mut standing = Standing::default();
        for request in requests {
            verdicts.push(self.before_the_proof(ledger, &mut standing, request, now).await?);
        }
        let open: Vec<usize> = (0..requests.len()).filter(|&n| verdicts[n].is_none()).collect();
        for place in compute(|| self.invalid(requests, &open))? {
            verdicts[place] = Some(Err(GateRefusal::Proof));
        }
        let mut by_provider: BTreeMap<ProviderId, Vec<usize>> = BTreeMap::new();
        for (place, request) in requests.iter().enumerate() {
            if verdicts[place].is_none() {
                by_provider.entry(request.provider).or_default().push(place);
            }
        }
        for (provider, places) in by_provider {
            for places in places.chunks(BATCH_MAX) {
                let accesses: Vec<_> =
                    places.iter().map(|&n| requests[n].ledger_access(self.context)).collect();
                let recorded = match ledger.record_accesses(provider, &accesses).await {
                    Ok(recorded) => recorded,
                    Err(error) => {
                        // For this provider alone.
                        let refusal = match error {
                            LedgerError::NotPermitted(_) => GateRefusal::Provider,
                            error => {
                                tracing::warn!("the gate of provider {}: {error}", provider.0);
                                GateRefusal::Later
                            }
                        };
                        places.iter().for_each(|&n| verdicts[n] = Some(Err(refusal)));
                        continue;
                    }
                };
                may_die!("gate::recorded");
                for (&place, access) in places.iter().zip(&accesses) {
                    let request = &requests[place];
                    verdicts[place] = Some(if recorded.digests.contains(&access.digest) {
                        Ok(Release::of(request, recorded.block, false))
                    } else {
                        self.left_out(ledger, request).await?
                    });
                }
            }
        }
        Ok(verdicts.into_iter().map(|verdict| verdict.expect("each was looked at")).collect())
    }

    /// Returns what can be decided without the proof; none if the proof decides.
    async fn before_the_proof<C: Chain>(
        &self,
        ledger: &ContractLedger<C>,
        standing: &mut Standing,
        request: &AccessRequest,
        now: Timestamp,
    ) -> Result<Option<Verdict>, ConsentError> {
        let refuse = |refusal| Ok(Some(Err(refusal)));
        if request.purpose == Purpose::BreakTheGlass {
            return refuse(GateRefusal::BreakGlass);
        }
        let Some(begin) = time_of(request.as_of) else { return refuse(GateRefusal::Moment) };
        let age = now.duration_since(begin);
        if age < -SKEW_MAX || age > AGE_MAX {
            return refuse(GateRefusal::Moment);
        }
        if standing.chain_is_ahead(ledger, now).await? {
            return refuse(GateRefusal::Clock);
        }
        if !standing.may_give(ledger, request.provider).await? {
            return refuse(GateRefusal::Provider);
        }
        if !standing.may_ask(ledger, request.requester).await? {
            return refuse(GateRefusal::Requester);
        }
        if !standing.may_manage(ledger, request.manager).await? {
            return refuse(GateRefusal::Manager);
        }
        if !ConsentStore(&self.store).keeps_record(request.provider, request.record).await? {
            return refuse(GateRefusal::Record);
        }
        match self.recorded(request).await? {
            // A repeated request after a withdrawal is refused at once, too.
            Some(Ok(_)) if !are_good_roots(ledger, request).await? => refuse(GateRefusal::Roots),
            known => Ok(known),
        }
    }

    /// Returns which of some requests have proofs that do not hold.
    fn invalid(
        &self,
        requests: &[AccessRequest],
        places: &[usize],
    ) -> Result<Vec<usize>, ConsentFailure> {
        let inputs: Vec<[Fr; PUBLIC_INPUTS]> = places
            .iter()
            .map(|&place| requests[place].public_inputs(self.context).to_fields())
            .collect();
        let folded = self.key.fold(&[]).map_err(ConsentFailure::GateKey)?;
        let mut items = Vec::with_capacity(places.len());
        for (inputs, &place) in inputs.iter().zip(places) {
            items.push(BatchItem { folded: &folded, rest: inputs, proof: &requests[place].proof });
        }
        let invalid = self.key.find_invalid(&items, &mut OsRng).map_err(ConsentFailure::GateKey)?;
        Ok(invalid.into_iter().map(|index| places[index]).collect())
    }

    /// Returns what the ledger's record says about a request: released if the record is for this request.
    async fn recorded(&self, request: &AccessRequest) -> Result<Option<Verdict>, ConsentError> {
        let AccessRequest { provider, nullifier, .. } = *request;
        let recorded = ConsentStore(&self.store).recorded_access(provider, nullifier).await?;
        Ok(match recorded {
            Some((digest, block)) if digest == request.digest(self.context) => {
                Some(Ok(Release::of(request, block, true)))
            }
            Some(_) => Some(Err(GateRefusal::Used)),
            None if ConsentStore(&self.store).is_withdrawn(provider, nullifier).await? => {
                Some(Err(GateRefusal::Withdrawn))
            }
            None => None,
        })
    }

    /// Returns why the ledger left a request out: the first reason that still holds.
    async fn left_out<C: Chain>(
        &self,
        ledger: &ContractLedger<C>,
        request: &AccessRequest,
    ) -> Result<Verdict, ConsentError> {
        // Another gate may have recorded the same one.
        if let Some(verdict) = self.recorded(request).await? {
            return Ok(verdict);
        }
        if !ledger.may_ask(request.requester).await? {
            return Ok(Err(GateRefusal::Requester));
        }
        if !ledger.may_manage(request.manager).await? {
            return Ok(Err(GateRefusal::Manager));
        }
        let are_good = are_good_roots(ledger, request).await?;
        Ok(Err(if are_good { GateRefusal::Clock } else { GateRefusal::Roots }))
    }
}

async fn are_good_roots<C: Chain>(
    ledger: &ContractLedger<C>,
    request: &AccessRequest,
) -> Result<bool, LedgerError> {
    let AccessRequest { provider, manager, records, consents, .. } = *request;
    ledger.are_good_roots(provider, manager, records, consents).await
}

/// The gate's key is one of another circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the gate's key is not a key of the consent circuit: make one with `praman setup --circuit consent`"
)]
pub struct GateKeyError;

/// Who may ask and give, read from the ledger once for all requests of a batch.
#[derive(Default)]
struct Standing {
    providers: BTreeMap<ProviderId, bool>,
    requesters: BTreeMap<RequesterNumber, bool>,
    managers: BTreeMap<ManagerNumber, bool>,
    chain_is_ahead: Option<bool>,
}

impl Standing {
    async fn may_give<C: Chain>(
        &mut self,
        ledger: &ContractLedger<C>,
        provider: ProviderId,
    ) -> Result<bool, LedgerError> {
        if let Some(&known) = self.providers.get(&provider) {
            return Ok(known);
        }
        let may = match ledger.may_give(provider).await {
            Ok(may) => may,
            Err(LedgerError::Refused(_)) => false,
            Err(error) => return Err(error),
        };
        self.providers.insert(provider, may);
        Ok(may)
    }

    async fn may_ask<C: Chain>(
        &mut self,
        ledger: &ContractLedger<C>,
        requester: RequesterNumber,
    ) -> Result<bool, LedgerError> {
        if let Some(&known) = self.requesters.get(&requester) {
            return Ok(known);
        }
        let may = ledger.may_ask(requester).await?;
        self.requesters.insert(requester, may);
        Ok(may)
    }

    async fn may_manage<C: Chain>(
        &mut self,
        ledger: &ContractLedger<C>,
        manager: ManagerNumber,
    ) -> Result<bool, LedgerError> {
        if let Some(&known) = self.managers.get(&manager) {
            return Ok(known);
        }
        let may = ledger.may_manage(manager).await?;
        self.managers.insert(manager, may);
        Ok(may)
    }

    async fn chain_is_ahead<C: Chain>(
        &mut self,
        ledger: &ContractLedger<C>,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        if let Some(known) = self.chain_is_ahead {
            return Ok(known);
        }
        let head = ledger.network.chain.head().await?.timestamp;
        let head = i64::try_from(head).unwrap_or(i64::MAX);
        let ahead = head.saturating_sub(now.as_second()) > SKEW_MAX.as_secs();
        self.chain_is_ahead = Some(ahead);
        Ok(ahead)
    }
}
