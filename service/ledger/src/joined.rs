//! The network that a folder belongs to, on either kind of chain.

use std::time::Duration;

use alloy_primitives::{Address, Bytes};
use alloy_signer_local::PrivateKeySigner;
use praman_circuits::context::Context;
use praman_circuits::field::from_be_bytes;
use praman_store::Store;
use praman_store::error::StoreError;
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{
    Addresses, Anchors, Archives, Claims, Consents, Disputes, NodeDirectory, Participants, Scopes,
};
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::chain::{Chain, ChainError, ChainLog, ChainReceipt, Head};
use super::chain_store::{
    NetworkSettings, keep_network, keep_settlements, network_settings, newest_recorded,
};
use super::contract_ledger::{
    Actors, ContractLedger, EmbeddedLedger, OPERATOR, key_id, require_key,
};
use super::embedded::{CHAIN_ID, EmbeddedChain};
use super::event_handler::EventHandlers;
use super::journal;
use super::network::Network;
use super::remote::{RemoteChain, RemoteSettings};
use crate::LedgerStore;
use crate::failure::LedgerFailure;
use crate::failure::NetworkSettingError;
use crate::refusal::LedgerRefusal;

/// The chain that a folder belongs to.
pub enum JoinedChain {
    /// The embedded one.
    Embedded(EmbeddedChain),
    /// Real nodes.
    Remote(RemoteChain),
}

/// Calls a method on either kind of chain.
macro_rules! whichever {
    ($joined:expr, $chain:ident => $asked:expr) => {
        match $joined {
            JoinedChain::Embedded($chain) => $asked,
            JoinedChain::Remote($chain) => $asked,
        }
    };
}

impl Chain for JoinedChain {
    fn chain_id(&self) -> u64 {
        whichever!(self, chain => chain.chain_id())
    }

    fn sends_as(&self, account: Address) -> bool {
        whichever!(self, chain => chain.sends_as(account))
    }

    async fn next_nonce(&self, account: Address) -> Result<u64, ChainError> {
        whichever!(self, chain => chain.next_nonce(account).await)
    }

    async fn view(
        &self,
        from: Address,
        target: Address,
        data: Vec<u8>,
    ) -> Result<Bytes, ChainError> {
        whichever!(self, chain => chain.view(from, target, data).await)
    }

    async fn send(
        &mut self,
        from: Address,
        target: Option<Address>,
        data: Vec<u8>,
    ) -> Result<ChainReceipt, ChainError> {
        whichever!(self, chain => chain.send(from, target, data).await)
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<ChainLog>, ChainError> {
        whichever!(self, chain => chain.logs(first, last).await)
    }

    async fn head(&self) -> Result<Head, ChainError> {
        whichever!(self, chain => chain.head().await)
    }
}

/// The network that a folder belongs to.
pub type JoinedNetwork = Network<JoinedChain>;

/// The ledger that a folder belongs to.
pub type JoinedLedger = ContractLedger<JoinedChain>;

impl JoinedNetwork {
    /// Opens the folder's network; also returns the accounts to act with: on the embedded chain its
    /// operator's, on real nodes those of the keys.
    ///
    /// # Errors
    /// [`NetworkSettingError::NoNetwork`] if the folder belongs to none.
    pub async fn open(
        store: &Store,
        keys: &[PrivateKeySigner],
        handlers: EventHandlers,
    ) -> Result<(Self, Vec<Address>), LedgerError> {
        let settings = network_settings(store).await?.ok_or(NetworkSettingError::NoNetwork)?;
        let addresses = settings.addresses;
        if settings.chain_id == CHAIN_ID {
            let mut chain = EmbeddedChain::open(store).await?;
            chain.follow(addresses, handlers).await?;
            let chain = JoinedChain::Embedded(chain);
            return Ok((Self { chain, addresses }, vec![OPERATOR]));
        }
        let remote = remote_settings(&settings);
        let mut chain = RemoteChain::new(store, remote, keys.iter().cloned())?;
        chain.follow(addresses, settings.before, handlers);
        chain.record().await?;
        let accounts = keys.iter().map(PrivateKeySigner::address).collect();
        Ok((Self { chain: JoinedChain::Remote(chain), addresses }, accounts))
    }

    /// Refuses a folder that belongs to a network.
    ///
    /// # Errors
    /// [`NetworkSettingError::OfNetwork`].
    pub async fn require_none(store: &Store) -> Result<(), LedgerFailure> {
        match network_settings(store).await? {
            None => Ok(()),
            Some(settings) => Err(NetworkSettingError::OfNetwork(settings.chain_id).into()),
        }
    }

    /// Stores which network a folder belongs to.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keep(
        store: &Store,
        settings: &RemoteSettings,
        key: &VerifyingKey,
        addresses: Addresses,
        before: u64,
    ) -> Result<(), StoreError> {
        let settings = NetworkSettings {
            chain_id: settings.chain_id,
            endpoints: settings.endpoints.clone(),
            confirmations: settings.confirmations,
            key: key_id(key),
            addresses,
            before,
            inherited: None,
        };
        keep_network(store, &settings).await
    }

    /// Records in the folder where the contract of settlements is, with what it has said so far. Programs that run on
    /// this folder follow it when they are started again.
    ///
    /// # Errors
    /// [`LedgerRefusal::NoSettlements`] if there is none; [`LedgerError`].
    pub async fn keep_settlements(&mut self, store: &Store) -> Result<(), LedgerError> {
        let settlements = self.settlements_contract()?;
        match &mut self.chain {
            JoinedChain::Embedded(chain) => chain.follow_settlements(settlements),
            JoinedChain::Remote(chain) => chain.follow_settlements(settlements),
        }
        let mut logs = Vec::new();
        self.for_each_log(|log| {
            if log.address == settlements {
                logs.push(log);
            }
            Ok(())
        })
        .await?;
        let mut transaction = store.begin().await?;
        // Events of later blocks are recorded with their blocks.
        let recorded = newest_recorded(&mut transaction).await?;
        logs.retain(|log| recorded.is_none_or(|last| log.block <= last));
        keep_settlements(&mut transaction, settlements).await?;
        journal::record(&mut transaction, &self.addresses, &[], &logs).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// What others need to join a network: its contracts, and nothing secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDescription {
    format: String,
    chain_id: u64,
    confirmations: u64,
    before: u64,
    key: String,
    contracts: Addresses,
}

const FORMAT: &str = "praman-network-1";

impl NetworkDescription {
    /// Describes the network of a folder.
    ///
    /// # Errors
    /// [`NetworkSettingError::NotJoinable`] if it belongs to none of real nodes.
    pub async fn of(store: &Store) -> Result<Self, LedgerFailure> {
        let settings = network_settings(store).await?;
        let settings = settings.filter(|settings| settings.chain_id != CHAIN_ID);
        let settings = settings.ok_or(NetworkSettingError::NotJoinable)?;
        Ok(Self {
            format: FORMAT.to_owned(),
            chain_id: settings.chain_id,
            confirmations: settings.confirmations,
            before: settings.before,
            key: settings.key,
            contracts: settings.addresses,
        })
    }

    /// Joins the network from a folder that belongs to none, through some nodes, after asking them
    /// whether these contracts know each other; returns its context.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] if they are not; [`LedgerError`].
    pub async fn join(self, store: &Store, endpoints: Vec<String>) -> Result<Context, LedgerError> {
        if self.format != FORMAT {
            let format = NetworkSettingError::Format { found: self.format, expected: FORMAT };
            return Err(format.into());
        }
        JoinedNetwork::require_none(store).await?;
        let mut settings = NetworkSettings {
            chain_id: self.chain_id,
            endpoints,
            confirmations: self.confirmations,
            key: self.key,
            addresses: self.contracts,
            before: self.before,
            inherited: None,
        };
        let addresses = self.contracts;
        let chain = RemoteChain::new(store, remote_settings(&settings), [])?;
        let network = Network { chain, addresses };
        let Addresses {
            committee,
            participants,
            offices,
            claims,
            disputes,
            nodes,
            verifier,
            consents,
            anchors,
            archives,
            scopes,
            settlements,
        } = addresses;
        if !settlements.is_zero() {
            network.require_settlements(settlements).await?;
        }
        for (said, stands) in [
            (committee, network.view(participants, &Participants::COMMITTEECall {}).await?),
            (offices, network.view(participants, &Participants::OFFICESCall {}).await?),
            (claims, network.view(participants, &Participants::CLAIMSCall {}).await?),
            (participants, network.view(claims, &Claims::PARTICIPANTSCall {}).await?),
            (verifier, network.view(claims, &Claims::VERIFIERCall {}).await?),
            (claims, network.view(disputes, &Disputes::CLAIMSCall {}).await?),
            (committee, network.view(nodes, &NodeDirectory::COMMITTEECall {}).await?),
            (participants, network.view(consents, &Consents::PARTICIPANTSCall {}).await?),
            (participants, network.view(anchors, &Anchors::PARTICIPANTSCall {}).await?),
            (archives, network.view(claims, &Claims::ARCHIVESCall {}).await?),
            (claims, network.view(archives, &Archives::CLAIMSCall {}).await?),
            (scopes, network.view(claims, &Claims::SCOPESCall {}).await?),
            (claims, network.view(scopes, &Scopes::CLAIMSCall {}).await?),
        ] {
            if said != stands {
                return Err(LedgerRefusal::OtherContract { said, stands }.into());
            }
        }
        // It may take the place of an earlier one.
        let stands = network.view(claims, &Claims::contextCall {}).await?;
        let stands = from_be_bytes(&stands.to_be_bytes()).ok_or(LedgerRefusal::NotElement)?;
        let stands = Context::from_field(stands);
        // Until the events are read; a block that is replaced takes it back.
        let head = network.chain.head().await?.number;
        settings.inherited = (stands != settings.context()).then_some((stands, head));
        keep_network(store, &settings).await?;
        Ok(stands)
    }
}

fn remote_settings(settings: &NetworkSettings) -> RemoteSettings {
    RemoteSettings {
        confirmations: settings.confirmations,
        ..RemoteSettings::new(settings.endpoints.clone(), settings.chain_id)
    }
}

impl JoinedLedger {
    /// Records what others have done on real nodes since; an embedded chain's actions are recorded at once.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn catch_up(&mut self) -> Result<(), LedgerError> {
        match &self.network.chain {
            JoinedChain::Embedded(_) => Ok(()),
            JoinedChain::Remote(chain) => Ok(chain.record().await?),
        }
    }

    /// Sets how long a ledger on real nodes waits for nodes that are away, and for a transaction to stand,
    /// before it reports that and tries again.
    pub async fn wait_at_most(&mut self, away: Duration, standing: Duration) {
        if let JoinedChain::Remote(chain) = &mut self.network.chain {
            chain.wait_at_most(away, standing).await;
        }
    }

    /// Opens the folder's ledger, acting with some keys if it is on real nodes; a folder without a
    /// network begins an embedded one.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] if the contracts are for another key.
    pub async fn join(
        store: &Store,
        keys: &[PrivateKeySigner],
        key: &VerifyingKey,
        handlers: EventHandlers,
    ) -> Result<Self, LedgerError> {
        let settings = network_settings(store).await?;
        let Some(settings) = settings.filter(|settings| settings.chain_id != CHAIN_ID) else {
            let EmbeddedLedger { store, network, actors, context } =
                EmbeddedLedger::open(store, key, handlers).await?;
            let Network { chain, addresses } = network;
            let network = Network { chain: JoinedChain::Embedded(chain), addresses };
            return Ok(Self { store, network, actors, context });
        };
        require_key(&settings, key)?;
        let (network, accounts) = JoinedNetwork::open(store, keys, handlers).await?;
        let actors = Actors::among(&network, &accounts).await?;
        // As its events say, which were recorded just now.
        let context = LedgerStore(store).ledger_context().await?;
        let context = context.unwrap_or_else(|| settings.context());
        Ok(Self::new(store, network, actors, context))
    }
}
