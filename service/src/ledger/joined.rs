//! The network that a folder belongs to.

use std::time::Duration;

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::Addresses;

use super::LedgerError;
use super::chain_store::{NetworkSettings, keep_network, network_settings};
use super::contract_ledger::{OPERATOR, key_id};
use super::embedded::{CHAIN_ID, EmbeddedChain};
use super::network::Network;
use super::remote::{RemoteChain, RemoteSettings};
use crate::error::ServiceError;
use crate::store::Store;

/// How long a transaction waits before it is sent with a higher fee.
const RAISE_AFTER: Duration = Duration::from_secs(15);
/// How long to wait for nodes, and for a transaction to stand.
const PATIENCE: Duration = Duration::from_secs(300);

/// The network that a folder belongs to.
pub enum JoinedNetwork {
    /// The embedded chain, and who acts on it.
    Embedded(Network<EmbeddedChain>, Address),
    /// Real nodes.
    Remote(Network<RemoteChain>),
}

impl JoinedNetwork {
    /// Opens the folder's network, signing by some keys where it is of real nodes.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if the folder belongs to none.
    pub async fn open(
        store: &Store,
        keys: impl IntoIterator<Item = PrivateKeySigner>,
    ) -> Result<Self, LedgerError> {
        let settings = network_settings(store).await?.ok_or_else(|| {
            let reason = "this folder belongs to no network: begin with `praman ledger start` or \
                          `praman ledger deploy`";
            ServiceError::WrongUse(reason.to_owned())
        })?;
        let addresses: Addresses = settings.addresses.into();
        if settings.chain_id == CHAIN_ID {
            let mut chain = EmbeddedChain::open(store).await?;
            chain.follow(addresses);
            return Ok(Self::Embedded(Network { chain, addresses }, OPERATOR));
        }
        let remote = RemoteSettings {
            endpoints: settings.endpoints,
            chain_id: settings.chain_id,
            confirmations: settings.confirmations,
            raise_after: RAISE_AFTER,
            patience: PATIENCE,
        };
        let mut chain = RemoteChain::new(store, remote, keys)?;
        chain.follow(addresses, settings.before);
        chain.record().await?;
        Ok(Self::Remote(Network { chain, addresses }))
    }

    /// Refuses a folder that belongs to a network.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn require_none(store: &Store) -> Result<(), ServiceError> {
        match network_settings(store).await? {
            None => Ok(()),
            Some(settings) => Err(ServiceError::Refused(format!(
                "this folder belongs to chain {} already; deploy from another folder",
                settings.chain_id
            ))),
        }
    }

    /// Keeps which network a folder belongs to.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn keep(
        store: &Store,
        settings: &RemoteSettings,
        key: &VerifyingKey,
        addresses: Addresses,
        before: u64,
    ) -> Result<(), ServiceError> {
        let settings = NetworkSettings {
            chain_id: settings.chain_id,
            endpoints: settings.endpoints.clone(),
            confirmations: settings.confirmations,
            key: key_id(key),
            addresses: addresses.into(),
            before,
        };
        keep_network(store, &settings).await
    }
}
