//! Providers' roots and accesses by consent, on the contracts.

use std::collections::HashSet;

use alloy_primitives::{Address, B256, U256, keccak256};
use praman_circuits::access::AccessNullifier;
use praman_circuits::artefact::{ConsentsRoot, Moment};
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

/// A new root of one of a provider's trees.
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

/// A provider's current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderState {
    /// The root of its records.
    pub records_root: RecordsRoot,
    /// The root of its consents.
    pub consents_root: ConsentsRoot,
    /// How often its records had changed then.
    pub records_version: u64,
    /// How often its consents had changed then.
    pub consents_version: u64,
    /// How many records are live.
    pub records: u32,
    /// How many consents are live.
    pub consents: u32,
    /// How many accesses it gave.
    pub accesses: u64,
}

/// An access as the ledger records it. It names no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerAccess {
    /// Its nullifier.
    pub nullifier: AccessNullifier,
    /// The root of records that its proof is against.
    pub records: RecordsRoot,
    /// The root of consents that its proof is against.
    pub consents: ConsentsRoot,
    /// Who asked.
    pub requester: RequesterNumber,
    /// The moment that its proof is for.
    pub as_of: Moment,
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
        if role == Role::Provider {
            let committee = Approver::Committee(&self.actors.members);
            return self.network.admit(account, role, 0, committee, document).await;
        }
        let agency = acting(self.actors.agency, Role::Agency)?;
        let sponsor = self.network.participant_of(Role::Agency, agency).await?;
        let approver = Approver::Account(agency);
        self.network.admit(account, role, sponsor, approver, document).await
    }

    /// Returns a provider's current state.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn provider_state(&self, provider: ProviderId) -> Result<ProviderState, LedgerError> {
        let call = Consents::providerOfCall { number: provider.0 };
        let stands = self.network.view(self.consents()?, &call).await?;
        Ok(ProviderState {
            records_root: RecordsRoot::from_field(element(stands.recordsRoot)?),
            consents_root: ConsentsRoot::from_field(element(stands.consentsRoot)?),
            records_version: stands.recordsVersion,
            consents_version: stands.consentsVersion,
            records: stands.records,
            consents: stands.consents,
            accesses: stands.accesses,
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
        let (account, target) = (self.account_of(provider).await?, self.consents()?);
        self.network.send(account, target, &call).await?;
        Ok(())
    }

    /// Replaces the root of consents of an earlier change.
    ///
    /// # Errors
    /// [`LedgerError`]; [`LedgerError::OldRoot`] if a later one stands.
    pub async fn put_consents_root(
        &mut self,
        provider: ProviderId,
        update: RootUpdate<ConsentsRoot>,
    ) -> Result<(), LedgerError> {
        let (account, target) = (self.account_of(provider).await?, self.consents()?);
        let root = word(update.root.to_field());
        let RootUpdate { version, live, .. } = update;
        if update.graceless {
            let call = Consents::withdrawCall { version, root, live };
            self.network.send(account, target, &call).await?;
        } else {
            self.network
                .send(account, target, &Consents::grantCall { version, root, live })
                .await?;
        }
        Ok(())
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
            requester: access.requester.0,
            asOf: access.as_of.0,
        };
        let call = Consents::recordAccessesCall { accesses: accesses.iter().map(access).collect() };
        let (account, target) = (self.account_of(provider).await?, self.consents()?);
        let receipt = self.network.send(account, target, &call).await?;
        let recorded = receipt.events::<Consents::AccessRecorded>(target);
        let digests = recorded.map(|event| event.digest.0).collect();
        Ok(RecordedAccesses { block: receipt.block, digests })
    }

    /// Returns whether proofs against two roots of a provider are valid now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn are_good_roots(
        &self,
        provider: ProviderId,
        records: RecordsRoot,
        consents: ConsentsRoot,
    ) -> Result<bool, LedgerError> {
        let call = Consents::isGoodCall {
            number: provider.0,
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

    /// Returns whether a provider may release records now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn may_give(&self, provider: ProviderId) -> Result<bool, LedgerError> {
        let target = self.network.addresses.participants;
        let account = self.account_of(provider).await?;
        let call = Participants::hasRoleCall { role: Role::Provider.id(), account };
        self.network.view(target, &call).await
    }

    async fn account_of(&self, provider: ProviderId) -> Result<Address, LedgerError> {
        let target = self.network.addresses.participants;
        let call = Participants::participantCall { id: provider.0 };
        let known = self.network.view(target, &call).await;
        match known {
            Ok(known) if Role::of(known.role) == Some(Role::Provider) => Ok(known.account),
            Ok(_) | Err(LedgerError::Refused(_)) => {
                Err(LedgerRefusal::NotProvider(provider.0).into())
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
