//! The ledger: where claims are accepted, once.
//!
//! [`Ledger`] is the interface. [`ContractLedger`] implements it with praman's contracts on a [`Chain`]: the
//! [`EmbeddedChain`] in this process, kept in the store, or nodes of a network.
//!
//! ```
//! use praman_circuits::eligibility;
//! use praman_ledger::{EmbeddedLedger, LedgerStore};
//! use praman_store::Store;
//! use praman_testkit::simulation::SimulatedKey;
//! use rand::{SeedableRng, rngs::StdRng};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The contracts on a chain in this process, for the key that claims are proved with.
//! let key = SimulatedKey::draw(eligibility::PUBLIC_INPUTS, &mut StdRng::seed_from_u64(1));
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! assert!(LedgerStore(&store).ledger_context().await?.is_none());
//! EmbeddedLedger::open(&store, key.verifying_key(), &[]).await?;
//!
//! // What proofs of this ledger are bound to: its chain and its contract of claims.
//! assert!(LedgerStore(&store).ledger_context().await?.is_some());
//! # Ok(())
//! # }
//! ```

pub mod accepted_claim;
mod anchors;
mod arrears;
mod chain;
mod chain_state;
mod chain_store;
mod consents;
mod contract_ledger;
mod embedded;
mod event_handler;
mod failure;
pub mod history;
mod joined;
mod journal;
mod network;
mod opening;
mod overview;
mod refusal;
mod remote;
pub mod settlement;
pub mod snapshot;
mod sorted_tree;
mod spent;
mod stored_state;
mod succession;
#[cfg(test)]
mod tests;

use alloy_primitives::Address;
use praman_circuits::context::Context;
use praman_circuits::eligibility::{Checkpoint, SchemePeriod};
use praman_circuits::period::Day;
use praman_offices::OfficeError;
use praman_rules::scheme::ClaimPeriod;
use praman_store::Store;
use praman_store::error::StoreError;

pub use anchors::{AnchorSeries, LedgerAnchor, ParticipantNumber};
pub use arrears::{ArrearsApproval, ArrearsError, LastDayError, WantedLastDay};
pub use chain::{Chain, ChainError, ChainLog, ChainReceipt, Head};
pub use consents::{
    ConsentsState, EndedWindow, LedgerAccess, ManagerNumber, ProviderId, RecordedAccesses,
    RecordsState, RequesterNumber, RootUpdate,
};
pub use contract_ledger::{Actors, ContractLedger, EmbeddedLedger};
pub use embedded::{CHAIN_ID, EmbeddedChain, scratch_gas};
pub use event_handler::{AcceptanceEvent, EventHandler, EventHandlers};
pub use failure::{LedgerFailure, NetworkSettingError};
pub use joined::{JoinedChain, JoinedLedger, JoinedNetwork, NetworkDescription};
pub use network::{Network, Role, text_hash};
pub use opening::KnownOpening;
pub use opening::Taking;
pub use overview::KnownDispute;
pub use praman_holder::claim::LedgerClaim;
pub use praman_offices::OfficeState;
pub use refusal::{ClaimMalformation, LedgerRefusal};
pub use remote::{RemoteChain, RemoteSettings};
pub use succession::{Succession, SuccessionError, TakenOver};

/// What the ledger has reported, in a store.
#[derive(Clone, Copy)]
pub struct LedgerStore<'s>(pub &'s Store);

/// What the ledger says of a claim it accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The block that accepted it.
    pub block: u64,
    /// What it cost.
    pub gas_used: u64,
}

/// Why the ledger refuses.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The nullifier is spent.
    #[error(
        "this person has already claimed for this period, from this scheme or from one that excludes it"
    )]
    AlreadyClaimed,
    /// The proof does not hold.
    #[error("the proof does not hold for this scheme, period, state and ledger")]
    ProofInvalid,
    /// A proof of a batch does not hold.
    #[error("a proof of the batch does not hold; nothing of the batch was accepted")]
    BatchInvalid,
    /// The account may not do this.
    #[error("{0} may not do this: it does not have the role, is barred, or has an overdue notice")]
    NotPermitted(Address),
    /// The committee has paused claims.
    #[error("claims are paused by the oversight committee: try again later")]
    Paused,
    /// A number or point that the contract does not take.
    #[error("the claim is malformed: {0}")]
    Malformed(ClaimMalformation),
    /// The period takes no claims.
    #[error("the scheme's period is not open for claims")]
    PeriodNotOpen,
    /// The period has not begun on the checkpoint's day.
    #[error("the period begins after the day of the state that the proof was made against")]
    PeriodNotBegun,
    /// The period's last day is over.
    #[error("the scheme's period no longer accepts claims: its last day is over")]
    PeriodOver,
    /// The checkpoint is unknown or too old.
    #[error("the state that the proof was made against is no longer valid: take a new snapshot")]
    CheckpointNotGood,
    /// A root of a later change of the tree stands, or the same.
    #[error("the ledger already has this root, or a later one")]
    OldRoot,
    /// The contract refuses for another reason.
    #[error("the contract refuses: {0}")]
    Refused(#[from] LedgerRefusal),
    /// The chain or the store failed: nothing is known to be refused.
    #[error(transparent)]
    Failed(#[from] LedgerFailure),
}

impl LedgerError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(failure) => failure.exit_code(),
            _ => 1,
        }
    }
}

praman_store::through! {
    LedgerError:
    StoreError => Failed,
    NetworkSettingError => Failed,
    OfficeError => Failed,
    praman_store::sqlx::Error => Failed,
}

/// For how many days after an opening's last one the ledger still takes its claims: those that were handed in in
/// time and settle later.
pub const SETTLING_DAYS: u32 = 2;

/// A chain with praman's contracts on it.
#[allow(async_fn_in_trait)] // used with one concrete ledger at a time, never across threads
pub trait Ledger {
    /// Returns what binds proofs to this ledger.
    fn context(&self) -> Context;

    /// Publishes the offices' roots on the ledger, so that claims can be made against them from now on;
    /// returns the checkpoint's number.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] if the ledger computes another state root, for example because it knows offices
    /// that the caller does not.
    async fn publish_checkpoint(
        &mut self,
        offices: &[OfficeState],
        checkpoint: Checkpoint,
    ) -> Result<u64, LedgerError>;

    /// Returns the number of the latest checkpoint with this root and day.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn find_checkpoint(&self, checkpoint: Checkpoint) -> Result<Option<u64>, LedgerError>;

    /// Opens a scheme's period under its policy until the end of a day in India; the ledger has some days more to
    /// settle its claims. An open period stays as it is.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn open_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
        last_day: Day,
    ) -> Result<(), LedgerError>;

    /// Extends a scheme's period until a later day, whether or not it is over, or opens it until then.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn extend_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
        last_day: Day,
    ) -> Result<(), LedgerError>;

    /// Submits a claim. Accepted, it is on the ledger and in the store together, or not at all.
    ///
    /// # Errors
    /// [`LedgerError`] with the reason for a refusal.
    async fn claim(&mut self, claim: &LedgerClaim) -> Result<Receipt, LedgerError>;

    /// Submits claims of one scheme, period and checkpoint together: all are accepted or none.
    ///
    /// # Errors
    /// [`LedgerError`] with the reason for a refusal; find a proof that does not hold beforehand, with
    /// `praman_verifier::batch`.
    async fn claim_batch(&mut self, claims: &[LedgerClaim]) -> Result<Receipt, LedgerError>;
}
