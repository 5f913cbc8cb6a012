//! Roots of records and of consents, and accesses by consent, on the contracts.

use std::collections::HashSet;

use alloy_primitives::{Address, B256, U256, keccak256};
use praman_circuits::access::{AccessLock, AccessNullifier};
use praman_circuits::artefact::{ConsentsRoot, Minute};
use praman_circuits::field::from_be_bytes;
use praman_circuits::health_record::RecordsRoot;
use praman_store::named::number_id;
use praman_verifier::contracts::{Consents, Participants, word};

use super::LedgerError;
use super::chain::Chain;
use super::contract_ledger::{ContractLedger, acting};
use super::embedded::CHAIN_ID;
use super::network::{Approver, Role, text_hash};
use crate::failure::NetworkSettingError;
use crate::refusal::LedgerRefusal;
pub use praman_holder::wallet::ProviderId;

number_id! {
    /// Who asks for records, by their participant number.
    RequesterNumber
}

number_id! {
    /// A consent manager, by its participant number.
    ManagerNumber
}

/// A new root of a tree of records or of consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootUpdate<R> {
    /// The root.
    pub root: R,
    /// How often the tree has changed: a late root can't undo a newer one.
    pub version: u64,
    /// How many leaves are live.
    pub live: u32,
    /// Whether a leaf was removed, so that no earlier root is valid any more.
    pub graceless: bool,
}

/// The current state of a provider's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsState {
    /// Their root.
    pub root: RecordsRoot,
    /// How often they had changed then.
    pub version: u64,
    /// How many are live.
    pub live: u32,
    /// How many accesses the provider gave.
    pub accesses: u64,
}

/// The current state of a manager's consents at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentsState {
    /// Their root.
    pub root: ConsentsRoot,
    /// How often they had changed then.
    pub version: u64,
    /// How many are live.
    pub live: u32,
}

/// An access as the ledger records it. It names no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerAccess {
    /// Its nullifier.
    pub nullifier: AccessNullifier,
    /// The root of records that its proof is against.
    pub records: RecordsRoot,
    /// The consent manager whose root of consents its proof is against.
    pub manager: ManagerNumber,
    /// That root.
    pub consents: ConsentsRoot,
    /// Who asked.
    pub requester: RequesterNumber,
    /// The minute that its proof is for.
    pub as_of: Minute,
    /// The digest of request, public inputs and proof.
    pub digest: [u8; 32],
}

/// Which accesses a block has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAccesses {
    /// The block.
    pub block: u64,
    /// Their digests.
    pub digests: HashSet<[u8; 32]>,
}

/// The accesses of a window of a consent that its patient ends: some, from a number on.
#[derive(Clone)]
pub struct EndedWindow {
    /// The window's lock.
    pub lock: AccessLock,
    /// The first of them.
    pub from: u32,
    /// How many.
    pub count: u32,
}

fn element(word: U256) -> Result<praman_circuits::Fr, LedgerError> {
    let element = from_be_bytes(&word.to_be_bytes());
    element.ok_or(LedgerRefusal::NotElement.into())
}

impl<C: Chain> ContractLedger<C> {
    fn consents(&self) -> Result<Address, LedgerError> {
        let address = self.network.addresses.consents;
        if address == Address::ZERO {
            return Err(LedgerRefusal::NoConsents.into());
        }
        Ok(address)
    }

    /// Adds a provider of health care; only on an embedded ledger, where one operator approves.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn admit_provider(&mut self, name: &str) -> Result<ProviderId, LedgerError> {
        Ok(ProviderId(self.admit(Role::Provider, name).await?))
    }

    /// Adds a consent manager; only on an embedded ledger.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn admit_manager(&mut self, name: &str) -> Result<ManagerNumber, LedgerError> {
        Ok(ManagerNumber(self.admit(Role::ConsentManager, name).await?))
    }

    /// Adds a requester of records; only on an embedded ledger.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn admit_requester(&mut self, name: &str) -> Result<RequesterNumber, LedgerError> {
        Ok(RequesterNumber(self.admit(Role::Application, name).await?))
    }

    async fn admit(&mut self, role: Role, name: &str) -> Result<u32, LedgerError> {
        self.consents()?;
        if self.network.chain.chain_id() != CHAIN_ID {
            return Err(NetworkSettingError::NotEmbedded(role).into());
        }
        let account = embedded_account(role, name);
        let known = self.network.participant_of(role, account).await?;
        if known != 0 {
            // A program may have died before it had acknowledged everything.
            self.network.acknowledge_all(account, known).await?;
            return Ok(known);
        }
        let document = text_hash(name);
        if matches!(role, Role::Provider | Role::ConsentManager) {
            let committee = Approver::Committee(&self.actors.members);
            return self.network.admit(account, role, 0, committee, document).await;
        }
        let agency = acting(self.actors.agency, Role::Agency)?;
        let sponsor = self.network.participant_of(Role::Agency, agency).await?;
        let approver = Approver::Account(agency);
        self.network.admit(account, role, sponsor, approver, document).await
    }

    /// Returns the current state of a provider's records.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn records_state(&self, provider: ProviderId) -> Result<RecordsState, LedgerError> {
        let call = Consents::recordsOfCall { provider: provider.0 };
        let state = self.network.view(self.consents()?, &call).await?;
        Ok(RecordsState {
            root: RecordsRoot::from_field(element(state.root)?),
            version: state.version,
            live: state.live,
            accesses: state.accesses,
        })
    }

    /// Returns the current state of a manager's consents at a provider.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn consents_state(
        &self,
        manager: ManagerNumber,
        provider: ProviderId,
    ) -> Result<ConsentsState, LedgerError> {
        let call = Consents::consentsOfCall { manager: manager.0, provider: provider.0 };
        let state = self.network.view(self.consents()?, &call).await?;
        Ok(ConsentsState {
            root: ConsentsRoot::from_field(element(state.root)?),
            version: state.version,
            live: state.live,
        })
    }

    /// Replaces the root of records of an earlier change.
    ///
    /// # Errors
    /// [`LedgerError`]; [`LedgerError::OldRoot`] if a later one stands.
    pub async fn put_records_root(
        &mut self,
        provider: ProviderId,
        update: RootUpdate<RecordsRoot>,
    ) -> Result<(), LedgerError> {
        let call = Consents::updateRecordsCall {
            version: update.version,
            root: word(update.root.to_field()),
            live: update.live,
            graceless: update.graceless,
        };
        let account = self.account_of(Role::Provider, provider.0).await?;
        let target = self.consents()?;
        self.network.send(account, target, &call).await?;
        Ok(())
    }

    /// Replaces the root of a manager's consents at a provider, of an earlier change.
    ///
    /// # Errors
    /// [`LedgerError`]; [`LedgerError::OldRoot`] if a later one stands.
    pub async fn put_consents_root(
        &mut self,
        manager: ManagerNumber,
        provider: ProviderId,
        update: RootUpdate<ConsentsRoot>,
    ) -> Result<(), LedgerError> {
        let account = self.account_of(Role::ConsentManager, manager.0).await?;
        let target = self.consents()?;
        let (root, provider) = (word(update.root.to_field()), provider.0);
        let RootUpdate { version, live, .. } = update;
        if update.graceless {
            let call = Consents::withdrawCall { provider, version, root, live };
            self.network.send(account, target, &call).await?;
        } else {
            let call = Consents::grantCall { provider, version, root, live };
            self.network.send(account, target, &call).await?;
        }
        Ok(())
    }

    /// Ends accesses at a provider by their windows' locks, which only their patient's wallet can make; returns how
    /// many of them had not been given or ended before.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn withdraw_accesses(
        &mut self,
        provider: ProviderId,
        windows: &[EndedWindow],
    ) -> Result<usize, LedgerError> {
        let window = |window: &EndedWindow| Consents::EndedWindow {
            lock: word(window.lock.expose()),
            from: window.from,
            count: window.count,
        };
        let windows = windows.iter().map(window).collect();
        let call = Consents::withdrawAccessesCall { provider: provider.0, windows };
        // Any account may bring it: the one that brings claims does.
        let relayer = acting(self.actors.relayer, Role::Relayer)?;
        let target = self.consents()?;
        let receipt = self.network.send(relayer, target, &call).await?;
        Ok(receipt.events::<Consents::AccessWithdrawn>(target).count())
    }

    /// Records accesses that a provider's gate has checked; returns those that the block has recorded. One that
    /// is not valid now is left out.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn record_accesses(
        &mut self,
        provider: ProviderId,
        accesses: &[LedgerAccess],
    ) -> Result<RecordedAccesses, LedgerError> {
        let access = |access: &LedgerAccess| Consents::Access {
            nullifier: word(access.nullifier.to_field()),
            recordsRoot: word(access.records.to_field()),
            consentsRoot: word(access.consents.to_field()),
            digest: B256::from(access.digest),
            manager: access.manager.0,
            requester: access.requester.0,
            asOf: access.as_of.0,
        };
        let call = Consents::recordAccessesCall { accesses: accesses.iter().map(access).collect() };
        let account = self.account_of(Role::Provider, provider.0).await?;
        let target = self.consents()?;
        let receipt = self.network.send(account, target, &call).await?;
        let recorded = receipt.events::<Consents::AccessRecorded>(target);
        let digests = recorded.map(|event| event.digest.0).collect();
        Ok(RecordedAccesses { block: receipt.block, digests })
    }

    /// Returns whether proofs against a root of a provider's records and one of a manager's consents there are
    /// valid now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn are_good_roots(
        &self,
        provider: ProviderId,
        manager: ManagerNumber,
        records: RecordsRoot,
        consents: ConsentsRoot,
    ) -> Result<bool, LedgerError> {
        let call = Consents::isGoodCall {
            provider: provider.0,
            manager: manager.0,
            recordsRoot: word(records.to_field()),
            consentsRoot: word(consents.to_field()),
        };
        self.network.view(self.consents()?, &call).await
    }

    /// Returns whether a requester may ask for records now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn may_ask(&self, requester: RequesterNumber) -> Result<bool, LedgerError> {
        let call = Consents::isRequesterCall { number: requester.0 };
        self.network.view(self.consents()?, &call).await
    }

    /// Returns whether the consents that a manager keeps are valid now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn may_manage(&self, manager: ManagerNumber) -> Result<bool, LedgerError> {
        let call = Consents::isManagerCall { number: manager.0 };
        self.network.view(self.consents()?, &call).await
    }

    /// Returns whether a provider may release records now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn may_give(&self, provider: ProviderId) -> Result<bool, LedgerError> {
        let target = self.network.addresses.participants;
        let account = self.account_of(Role::Provider, provider.0).await?;
        let call = Participants::hasRoleCall { role: Role::Provider.id(), account };
        self.network.view(target, &call).await
    }

    /// Checks that a number is that of a participant in a role.
    ///
    /// # Errors
    /// [`LedgerRefusal::NotInRole`].
    pub async fn require_participant(&self, role: Role, number: u32) -> Result<(), LedgerError> {
        self.account_of(role, number).await.map(drop)
    }

    async fn account_of(&self, role: Role, number: u32) -> Result<Address, LedgerError> {
        let target = self.network.addresses.participants;
        let call = Participants::participantCall { id: number };
        let known = self.network.view(target, &call).await;
        match known {
            Ok(known) if Role::of(known.role) == Some(role) => Ok(known.account),
            Ok(_) | Err(LedgerError::Refused(_)) => {
                Err(LedgerRefusal::NotInRole(number, role).into())
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns the account of a participant of an embedded ledger, where no key signs.
fn embedded_account(role: Role, name: &str) -> Address {
    let parts = [b"praman.embedded-participant.1", role.name().as_bytes(), name.as_bytes()];
    let hash = keccak256(parts.join(&0u8));
    Address::from_slice(&hash[12..])
}
