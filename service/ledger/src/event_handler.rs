//! What other domains keep of what the ledger's events say.
//!
//! The ledger writes its own tables alone. A domain that keeps more of an event writes it by its [`EventHandler`],
//! in the transaction that records the event: a claim is accepted in all tables or in none.

use futures_util::future::BoxFuture;
use praman_store::WriteTransaction;
use praman_store::error::StoreError;

/// A claim that the ledger accepted, as its event has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptanceEvent {
    /// The nullifier, as columns have it.
    pub nullifier: [u8; 32],
    /// The commitment to the payout, as columns have it.
    pub payout_commitment: [u8; 32],
    /// The block.
    pub block: u64,
}

/// What a domain does in the transaction that records the ledger's events.
pub trait EventHandler: Sync {
    /// Returns the domain's name.
    fn domain(&self) -> &'static str;

    /// Keeps that the ledger accepted a claim, of this store or of another.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then no event of the block is recorded.
    fn claim_accepted<'t>(
        &self,
        _transaction: &'t mut WriteTransaction,
        _event: AcceptanceEvent,
    ) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Takes back what blocks above `last` said: another chain has replaced them.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing is taken back.
    fn blocks_replaced<'t>(
        &self,
        _transaction: &'t mut WriteTransaction,
        _last: u64,
    ) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// The domains' handlers, in the order in which they are called. A program passes the same ones wherever it opens
/// the ledger.
pub type EventHandlers = &'static [&'static dyn EventHandler];
