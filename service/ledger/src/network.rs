//! A network: praman's contracts on a chain, and how they are called.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolInterface};
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{
    Addresses, Anchors, Archives, Claims, Committee, Consents, Constitution, Deployment, Disputes,
    Groth16Verifier, NodeDirectory, Offices, Participants, Scopes, Settlements,
};

use super::LedgerError;
use super::chain::{Chain, ChainError, ChainLog, ChainReceipt};
use crate::refusal::ClaimMalformation;
use crate::refusal::LedgerRefusal;

/// How many blocks' events are requested at once.
const BLOCKS_AT_ONCE: u64 = 5_000;

/// Praman's contracts on a chain.
pub struct Network<C> {
    /// The chain.
    pub chain: C,
    /// Where the contracts stand.
    pub addresses: Addresses,
}

/// A role in the register of participants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The state's implementing agency.
    Agency,
    /// A department.
    Department,
    /// An issuing office.
    Office,
    /// A treasury.
    Treasury,
    /// An auditor.
    Auditor,
    /// A relayer.
    Relayer,
    /// A provider of health care.
    Provider,
    /// A consent manager.
    ConsentManager,
    /// Someone else's program.
    Application,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 9] = [
        Self::Agency,
        Self::Department,
        Self::Office,
        Self::Treasury,
        Self::Auditor,
        Self::Relayer,
        Self::Provider,
        Self::ConsentManager,
        Self::Application,
    ];

    /// Returns the role's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Department => "department",
            Self::Office => "office",
            Self::Treasury => "treasury",
            Self::Auditor => "auditor",
            Self::Relayer => "relayer",
            Self::Provider => "provider",
            Self::ConsentManager => "consent-manager",
            Self::Application => "application",
        }
    }

    /// Returns the role as the contracts have it.
    pub fn id(self) -> B256 {
        let mut id = B256::ZERO;
        id[..self.name().len()].copy_from_slice(self.name().as_bytes());
        id
    }

    /// Returns the role of an id.
    pub fn of(id: B256) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::name);
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| format!("{text:?} is not a role; the roles are {}", known.join(", ")))
    }
}

/// Who approves a request to participate.
#[derive(Clone, Copy)]
pub enum Approver<'a> {
    /// Its sponsor, by their account.
    Account(Address),
    /// The committee, by its members.
    Committee(&'a [Address]),
}

impl<C: Chain> Network<C> {
    /// Calls a function for every event of the chain, in order; returns the last block that was read.
    pub(super) async fn for_each_log(
        &self,
        mut each: impl FnMut(ChainLog) -> Result<(), LedgerError>,
    ) -> Result<u64, LedgerError> {
        let last = self.chain.head().await?.number;
        let mut first = 0;
        while first <= last {
            let until = last.min(first + BLOCKS_AT_ONCE - 1);
            self.chain.logs(first, until).await?.into_iter().try_for_each(&mut each)?;
            first = until + 1;
        }
        Ok(last)
    }

    /// Deploys the contracts for a key.
    ///
    /// # Errors
    /// [`LedgerError`] with what was refused.
    pub async fn deploy(
        mut chain: C,
        key: &VerifyingKey,
        constitution: &Constitution,
        deployer: Address,
    ) -> Result<Self, LedgerError> {
        let nonce = chain.next_nonce(deployer).await?;
        let plan = Deployment::plan(key, constitution, deployer, nonce);
        for (index, (name, code)) in plan.creations.into_iter().enumerate() {
            let created = create(&mut chain, deployer, name, code).await?;
            if created != deployer.create(nonce + index as u64) {
                return Err(LedgerRefusal::DeployerBusy.into());
            }
        }
        Ok(Self { chain, addresses: plan.addresses })
    }

    /// Calls a contract as an account.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn send(
        &mut self,
        from: Address,
        target: Address,
        call: &impl SolCall,
    ) -> Result<ChainReceipt, LedgerError> {
        Ok(self.chain.send(from, Some(target), call.abi_encode()).await?)
    }

    /// Reads from a contract.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn view<F: SolCall>(
        &self,
        target: Address,
        call: &F,
    ) -> Result<F::Return, LedgerError> {
        let output = self.chain.view(Address::ZERO, target, call.abi_encode()).await?;
        F::abi_decode_returns(&output).map_err(|_| LedgerRefusal::NotOurs(target).into())
    }

    /// Has the committee make a call: moved by the first member and approved by the others in turn,
    /// until it is carried. Enacts it if no delay is left; returns the motion.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn committee(
        &mut self,
        members: &[Address],
        target: Address,
        call: Vec<u8>,
        reason: B256,
    ) -> Result<u64, LedgerError> {
        let committee = self.addresses.committee;
        let Some((&first, others)) = members.split_first() else {
            return Err(LedgerRefusal::NoMember.into());
        };
        let motion = self.view(committee, &Committee::motionCountCall {}).await?;
        let data = Bytes::from(call);
        let moved = Committee::moveCall { target, data: data.clone(), reason };
        self.send(first, committee, &moved).await?;
        for &member in others {
            let state = self.view(committee, &Committee::motionOfCall { motion }).await?;
            if state.carried {
                break;
            }
            self.send(member, committee, &Committee::approveCall { motion }).await?;
        }
        // A call that was enacted at the quorum, such as resuming, or that must wait, is not ready.
        let operation = Committee::hashOperationCall {
            target,
            value: U256::ZERO,
            data,
            predecessor: B256::ZERO,
            salt: B256::from(motion),
        };
        let id = self.view(committee, &operation).await?;
        if self.view(committee, &Committee::isOperationReadyCall { id }).await? {
            self.send(first, committee, &Committee::enactCall { motion }).await?;
        }
        Ok(motion.saturating_to())
    }

    /// Drafts and submits a request of an account; returns its participant number.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn request(
        &mut self,
        account: Address,
        role: Role,
        sponsor: u32,
        document: B256,
    ) -> Result<u32, LedgerError> {
        let participants = self.addresses.participants;
        let draft = Participants::draftCall { role: role.id(), sponsor, document };
        let receipt = self.send(account, participants, &draft).await?;
        let drafted = receipt.events::<Participants::Drafted>(participants).next();
        let id = drafted.ok_or(LedgerRefusal::NoDraft)?.participant;
        self.send(account, participants, &Participants::submitCall { id }).await?;
        Ok(id)
    }

    /// Admits an account in a role: requests, approves and takes it up; returns its participant number.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn admit(
        &mut self,
        account: Address,
        role: Role,
        sponsor: u32,
        approver: Approver<'_>,
        document: B256,
    ) -> Result<u32, LedgerError> {
        let id = self.request(account, role, sponsor, document).await?;
        let approve = Participants::approveCall { id, document, reason: document };
        let target = self.addresses.participants;
        match approver {
            Approver::Account(approver) => {
                self.send(approver, target, &approve).await?;
            }
            Approver::Committee(members) => {
                self.committee(members, target, approve.abi_encode(), document).await?;
            }
        }
        self.take_up(account, id).await?;
        Ok(id)
    }

    /// Takes up an approved request and acknowledges all notices so far.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn take_up(&mut self, account: Address, id: u32) -> Result<(), LedgerError> {
        let participants = self.addresses.participants;
        self.send(account, participants, &Participants::goLiveCall { id }).await?;
        self.acknowledge_all(account, id).await
    }

    /// Acknowledges all notices to a participant.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn acknowledge_all(&mut self, account: Address, id: u32) -> Result<(), LedgerError> {
        let target = self.addresses.participants;
        let reader = self.view(target, &Participants::participantCall { id }).await?;
        for _ in reader.acknowledged..reader.notices {
            self.send(account, target, &Participants::acknowledgeCall { id }).await?;
        }
        Ok(())
    }

    /// Returns the participant that an account is in a role; 0 for none.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn participant_of(&self, role: Role, account: Address) -> Result<u32, LedgerError> {
        let call = Participants::participantOfCall { role: role.id(), account };
        self.view(self.addresses.participants, &call).await
    }
}

/// Creates a contract by an account.
pub(super) async fn create<C: Chain>(
    chain: &mut C,
    creator: Address,
    contract: &'static str,
    code: Vec<u8>,
) -> Result<Address, LedgerError> {
    let receipt = chain.send(creator, None, code).await.map_err(|error| match error {
        ChainError::Reverted(output) => {
            let reason = reason(&output);
            LedgerRefusal::NotCreated { contract, reason }.into()
        }
        ChainError::Failed(error) => LedgerError::Failed(error),
    })?;
    receipt.created.ok_or_else(|| LedgerRefusal::DeployerBusy.into())
}

impl From<ChainError> for LedgerError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Reverted(output) => refusal(&output),
            ChainError::Failed(error) => Self::Failed(error),
        }
    }
}

/// Returns why a contract reverted.
pub(super) fn refusal(output: &Bytes) -> LedgerError {
    use Claims::ClaimsErrors as Reason;
    match Reason::abi_decode(output) {
        Ok(Reason::AlreadyClaimed(_)) => LedgerError::AlreadyClaimed,
        Ok(Reason::ProofInvalid(_)) => LedgerError::ProofInvalid,
        Ok(Reason::BatchInvalid(_)) => LedgerError::BatchInvalid,
        Ok(Reason::NotCanonical(error)) => {
            LedgerError::Malformed(ClaimMalformation::NotCanonical(error.index))
        }
        Ok(Reason::InvalidPoint(_)) => LedgerError::Malformed(ClaimMalformation::Point),
        Ok(Reason::PeriodNotOpen(_)) => LedgerError::PeriodNotOpen,
        Ok(Reason::PeriodNotBegun(_)) => LedgerError::PeriodNotBegun,
        Ok(Reason::PeriodOver(_)) => LedgerError::PeriodOver,
        Ok(Reason::CheckpointNotGood(_)) => LedgerError::CheckpointNotGood,
        Ok(Reason::NotRelayer(error)) => LedgerError::NotPermitted(error.account),
        Ok(Reason::NotPermitted(error)) => LedgerError::NotPermitted(error.account),
        Ok(Reason::Paused(_)) => LedgerError::Paused,
        Ok(Reason::LedgerEnded(_)) => LedgerRefusal::Ended.into(),
        _ => match Consents::ConsentsErrors::abi_decode(output) {
            Ok(Consents::ConsentsErrors::OldRoot(_)) => LedgerError::OldRoot,
            Ok(Consents::ConsentsErrors::NotPermitted(error)) => {
                LedgerError::NotPermitted(error.account)
            }
            _ => scope_refusal(output)
                .or_else(|| settlement_refusal(output))
                .unwrap_or_else(|| LedgerRefusal::Reverted(reason(output)))
                .into(),
        },
    }
}

/// Returns why the contract of scopes does not open a period.
fn scope_refusal(output: &Bytes) -> Option<LedgerRefusal> {
    use Scopes::ScopesErrors as Reason;
    Some(match Reason::abi_decode(output).ok()? {
        Reason::ScopeDiffers(_) => LedgerRefusal::OtherScope,
        Reason::SchemaDiffers(error) => LedgerRefusal::OtherSchema(error.stands),
        Reason::PeriodNotOver(_) => LedgerRefusal::PeriodNotOver,
        Reason::ScopePruned(_) => LedgerRefusal::Pruned,
        Reason::ScopeUnsealed(error) => LedgerRefusal::Unsealed(error.openings),
        Reason::InheritanceIncomplete(error) => {
            LedgerRefusal::InheritanceIncomplete { brought: error.brought, parts: error.parts }
        }
        Reason::NotNew(_) => LedgerRefusal::NotNew,
        _ => return None,
    })
}

/// Returns why the contract of settlements does not take a chunk, a lock or a sum.
fn settlement_refusal(output: &Bytes) -> Option<LedgerRefusal> {
    use Settlements::SettlementsErrors as Reason;
    Some(match Reason::abi_decode(output).ok()? {
        Reason::AlreadyLocked(error) => LedgerRefusal::SettlementLocked(error.opening),
        Reason::AlreadySettled(error) => LedgerRefusal::AlreadySettled(error.opening),
        Reason::WrongState(_) => LedgerRefusal::OtherSettlementState,
        Reason::TooFew(error) => {
            LedgerRefusal::TooFewSettled { counted: error.counted, floor: error.floor }
        }
        Reason::FrozenMeanwhile(_) => LedgerRefusal::FrozenMeanwhile,
        Reason::NotTheSum(_) => LedgerRefusal::NotTheSum,
        _ => return None,
    })
}

/// Decodes a revert's bytes by the contracts' errors.
fn reason(output: &Bytes) -> String {
    macro_rules! named {
        ($($errors:ty),*) => {
            $(if let Ok(error) = <$errors>::abi_decode(output) {
                return format!("{error:?}");
            })*
        };
    }
    named!(
        Claims::ClaimsErrors,
        Scopes::ScopesErrors,
        Archives::ArchivesErrors,
        Groth16Verifier::Groth16VerifierErrors,
        Participants::ParticipantsErrors,
        Offices::OfficesErrors,
        Committee::CommitteeErrors,
        Disputes::DisputesErrors,
        NodeDirectory::NodeDirectoryErrors,
        Consents::ConsentsErrors,
        Anchors::AnchorsErrors,
        Settlements::SettlementsErrors
    );
    if output.is_empty() { "without a reason".to_owned() } else { output.to_string() }
}

/// Hashes the text of a reason or document, which itself stays off the chain.
pub fn text_hash(text: &str) -> B256 {
    alloy_primitives::keccak256(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn roles_of_the_ledger_are_roles_of_users_by_the_same_names() {
        // A consent manager acts at the command line alone, where the operator does.
        for role in Role::ALL.into_iter().filter(|&role| role != Role::ConsentManager) {
            assert!(praman_access::Role::ALL.iter().any(|known| known.name() == role.name()));
        }
    }
}
