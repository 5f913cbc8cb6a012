//! What the program needs from a chain, no matter who runs it.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolEvent;
use praman_store::error::StoreError;

use super::failure::{LedgerFailure, NetworkSettingError};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLog {
    /// The block that it is in.
    pub block: u64,
    /// The contract.
    pub address: Address,
    /// Its signature and indexed fields.
    pub topics: Vec<B256>,
    /// Its other fields.
    pub data: Bytes,
}

#[cfg(test)]
impl ChainLog {
    /// Returns an event as a chain has it.
    pub(crate) fn of(block: u64, address: Address, event: &impl SolEvent) -> Self {
        let data = event.encode_log_data();
        let topics = data.topics().to_vec();
        Self { block, address, topics, data: data.data }
    }
}

/// What came of a transaction that succeeded.
#[derive(Clone, Debug)]
pub struct ChainReceipt {
    /// Its block.
    pub block: u64,
    /// What it cost.
    pub gas_used: u64,
    /// Its events.
    pub logs: Vec<ChainLog>,
    /// The contract that it created.
    pub created: Option<Address>,
}

impl ChainReceipt {
    /// Returns a contract's events of one kind, in order.
    pub(crate) fn events<E: SolEvent>(&self, contract: Address) -> impl Iterator<Item = E> {
        let logs = self.logs.iter().filter(move |log| log.address == contract);
        logs.filter_map(|log| E::decode_raw_log(log.topics.iter().copied(), &log.data).ok())
    }
}

/// The newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its time, in seconds since 1970.
    pub timestamp: u64,
}

/// Why a call or a transaction did not go through.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The contract refused, with these bytes as the reason.
    #[error("the contract refuses")]
    Reverted(Bytes),
    /// The chain, the connection to it or the store failed.
    #[error(transparent)]
    Failed(#[from] LedgerFailure),
}

praman_store::through! {
    ChainError:
    StoreError => Failed,
    NetworkSettingError => Failed,
    praman_store::sqlx::Error => Failed,
}

impl ChainError {
    pub(super) fn failed(reason: impl std::fmt::Display) -> Self {
        Self::Failed(LedgerFailure::Chain(reason.to_string()))
    }
}

/// A chain.
#[allow(async_fn_in_trait)] // used with one concrete chain at a time, never across threads
pub trait Chain {
    /// Returns its EIP-155 id.
    fn chain_id(&self) -> u64;

    /// Returns whether transactions can be sent here as an account.
    fn sends_as(&self, _account: Address) -> bool {
        true
    }

    /// Returns the next nonce of an account: the address of a contract that it creates follows from it.
    ///
    /// # Errors
    /// [`ChainError`].
    async fn next_nonce(&self, account: Address) -> Result<u64, ChainError>;

    /// Calls a contract as an account would; nothing is written.
    ///
    /// # Errors
    /// [`ChainError`].
    async fn view(
        &self,
        from: Address,
        target: Address,
        data: Vec<u8>,
    ) -> Result<Bytes, ChainError>;

    /// Sends a transaction and waits until it stands; without a target it creates a contract.
    ///
    /// # Errors
    /// [`ChainError`].
    async fn send(
        &mut self,
        from: Address,
        target: Option<Address>,
        data: Vec<u8>,
    ) -> Result<ChainReceipt, ChainError>;

    /// Returns the events of blocks from `first` to `last`, both included, in order.
    ///
    /// # Errors
    /// [`ChainError`].
    async fn logs(&self, first: u64, last: u64) -> Result<Vec<ChainLog>, ChainError>;

    /// Returns the newest block that stands.
    ///
    /// # Errors
    /// [`ChainError`].
    async fn head(&self) -> Result<Head, ChainError>;
}
