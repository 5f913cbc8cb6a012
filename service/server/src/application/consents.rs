//! What providers, requesters and consent managers request.

use std::sync::Arc;

use jiff::Timestamp;
use praman_access::{Action, Caller, Role};
use praman_consent::access::{AccessRequest, TrailEntry, TreeLeaves};
use praman_consent::gateway::{self, GatewayHeaders};
use praman_consent::{
    ConsentDesk, ConsentError, ConsentStore, ErasureOrder, GateDesk, GateDeskError, GateRefusal,
    NamedParticipant, ReceivedRequest, Release, Withdrawal,
};
use praman_ledger::ProviderId;
use praman_store::{TreeName, read_tree};

use super::{Application, Fault};

/// Accesses in one answer.
const ACCESSES_MAX: u32 = 10_000;

/// What serves consents: a gate, and a desk that takes requests for consent.
#[derive(Clone)]
pub struct ConsentDoor {
    gate: GateDesk,
    desk: Option<Arc<ConsentDesk>>,
}

impl ConsentDoor {
    /// Combines a gate with a consent manager's desk, if this service belongs to one.
    pub fn new(gate: GateDesk, desk: Option<ConsentDesk>) -> Self {
        Self { gate, desk: desk.map(Arc::new) }
    }
}

impl Application {
    fn consents(&self) -> Result<&ConsentDoor, Fault> {
        let none = || Fault::not_found("this service has no gate: start it with --consent-keys");
        self.consents.as_ref().ok_or_else(none)
    }

    /// Releases a record, or refuses.
    pub(crate) async fn release(
        &self,
        caller: &Caller,
        request: AccessRequest,
    ) -> Result<Release, Fault> {
        let number = match caller.role {
            Role::Provider => request.provider.0,
            _ => request.requester.0,
        };
        caller.require_member(number)?;
        let subject = format!("participant {number}");
        self.perform(caller, Action::ReleaseRecord, &subject, async {
            let verdict = self.consents()?.gate.release(request).await?;
            verdict.map_err(|refusal| match refusal {
                GateRefusal::Later => Fault::unavailable(refusal.to_string()),
                refusal => Fault::refused(refusal.code(), refusal.to_string()),
            })
        })
        .await
    }

    /// Ends on the ledger the accesses that a patient has withdrawn; returns how many.
    pub(crate) async fn end_accesses(&self, withdrawal: Withdrawal) -> Result<usize, Fault> {
        Ok(self.consents()?.gate.withdraw(withdrawal).await?)
    }

    /// Takes a request for consent.
    pub(crate) async fn ask_for_consent(
        &self,
        caller: &Caller,
        text: &str,
        headers: &GatewayHeaders,
    ) -> Result<ReceivedRequest, Fault> {
        let none = || {
            Fault::not_found(
                "this service is not a consent manager: start it with --consent-manager",
            )
        };
        let desk = self.consents()?.desk.as_ref().ok_or_else(none)?;
        let request = gateway::read_request(text, headers).map_err(ConsentError::from)?;
        let named = &request.consent.hiu.id;
        // A request in another's name reveals nothing about whether that requester exists.
        let known = ConsentStore(self.store()).requester_named(named).await?;
        // No participant has this number.
        caller.require_member(known.map_or(u32::MAX, |number| number.0))?;
        self.perform(caller, Action::AskForConsent, &format!("requester {named}"), async {
            Ok(desk.receive(&request, Timestamp::now()).await?)
        })
        .await
    }

    /// Returns all providers.
    pub(crate) async fn providers(&self) -> Result<Vec<NamedParticipant<ProviderId>>, Fault> {
        Ok(ConsentStore(self.consents()?.gate.store()).providers().await?)
    }

    /// Returns the leaves of a provider's records that are kept here.
    pub(crate) async fn record_leaves(&self, provider: ProviderId) -> Result<TreeLeaves, Fault> {
        let gate = &self.consents()?.gate;
        self.require_provider(provider).await?;
        if !ConsentStore(gate.store()).keeps_records(provider).await? {
            return Err(Fault::not_found(
                "this service keeps no records of it: ask the provider's",
            ));
        }
        let mut reading = gate.store().begin_reading().await?;
        let records = read_tree(&mut reading, TreeName::Records(provider.0)).await?;
        Ok(TreeLeaves::of_records(provider, gate.context(), &records))
    }

    /// Returns the leaves of the consents that this service's manager keeps at a provider.
    pub(crate) async fn consent_leaves(&self, provider: ProviderId) -> Result<TreeLeaves, Fault> {
        let gate = &self.consents()?.gate;
        self.require_provider(provider).await?;
        let manager = ConsentStore(gate.store()).manager().await?;
        let none = || Fault::not_found("this service keeps no consents: ask the consent manager's");
        let manager = manager.ok_or_else(none)?.number;
        let mut reading = gate.store().begin_reading().await?;
        let consents = read_tree(&mut reading, TreeName::Consents(provider.0)).await?;
        Ok(TreeLeaves::of_consents(provider, manager, gate.context(), &consents))
    }

    async fn require_provider(&self, provider: ProviderId) -> Result<(), Fault> {
        if ConsentStore(self.consents()?.gate.store()).has_provider(provider).await? {
            return Ok(());
        }
        Err(Fault::not_found(format!("there is no provider {}", provider.0)))
    }

    /// Returns the accesses that a provider gave from a block on, in the ledger's order.
    pub(crate) async fn trail(
        &self,
        provider: ProviderId,
        from_block: u64,
    ) -> Result<Vec<TrailEntry>, Fault> {
        let store = self.consents()?.gate.store();
        Ok(ConsentStore(store).access_trail(provider, from_block, ACCESSES_MAX).await?)
    }

    /// Returns the order to erase what a consent gave.
    pub(crate) async fn erasure(
        &self,
        caller: &Caller,
        consent: &str,
    ) -> Result<ErasureOrder, Fault> {
        let order = ConsentStore(self.consents()?.gate.store()).erasure_order(consent).await?;
        if !caller.sees_all() {
            caller.require_member(order.requester.0)?;
        }
        Ok(order)
    }

    /// Takes a requester's word that it has erased.
    pub(crate) async fn confirm_erasure(
        &self,
        caller: &Caller,
        consent: &str,
        signature: &[u8],
    ) -> Result<ErasureOrder, Fault> {
        self.erasure(caller, consent).await?;
        self.perform(caller, Action::ConfirmErasure, &format!("consent {consent}"), async {
            let store = self.consents()?.gate.store();
            Ok(ConsentStore(store).confirm_erasure(consent, signature, Timestamp::now()).await?)
        })
        .await
    }
}

impl From<GateDeskError> for Fault {
    fn from(error: GateDeskError) -> Self {
        match error {
            GateDeskError::Busy => Self::busy(error.to_string(), 1),
            GateDeskError::Stopping => Self::unavailable(error.to_string()),
            GateDeskError::Failed(failure) => failure.into(),
            GateDeskError::Refused(error) => error.into(),
            GateDeskError::Away => Self::unavailable(error.to_string()),
        }
    }
}

impl From<ConsentError> for Fault {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::Field(fault) => Self::malformed(fault.to_string()),
            ConsentError::Refused(refusal) => {
                let message = refusal.to_string();
                match refusal {
                    praman_consent::ConsentRefusal::RequestIdUsed => {
                        Self::conflict(refusal.code(), message)
                    }
                    praman_consent::ConsentRefusal::NoSuchOrder => Self::not_found(message),
                    _ => Self::refused(refusal.code(), message),
                }
            }
            // Participants are added, and proofs made, at the command line alone.
            ConsentError::Participant(_) | ConsentError::Untrue(_) => {
                Self::refused("refused", error.to_string())
            }
            ConsentError::Failed(failure) => failure.into(),
        }
    }
}
