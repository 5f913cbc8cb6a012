//! The ledger: where claims are accepted, once.
//!
//! [`Ledger`] is the seam between the program and a chain. [`EmbeddedLedger`] runs the contracts in
//! this process and keeps the chain in the store; an external chain takes its place behind the same
//! trait.

mod chain;
mod chain_store;
mod embedded;
#[cfg(test)]
mod tests;

use praman_circuits::context::Context;
use praman_circuits::eligibility::{Checkpoint, SchemePeriod};
use praman_circuits::nullifier::{Nullifier, SchemeId};
use praman_circuits::payout::PayoutCommitment;
use praman_verifier::Proof;

use crate::error::ServiceError;
use crate::scheme::ClaimPeriod;
pub use embedded::{CHAIN_ID, EmbeddedLedger};

/// A claim as the ledger takes it. It names nobody.
#[derive(Clone, Debug)]
pub struct LedgerClaim {
    /// The scheme.
    pub scheme: SchemeId,
    /// Its period.
    pub period: ClaimPeriod,
    /// The number of the checkpoint that the proof was made against.
    pub checkpoint: u64,
    /// The claim's nullifier.
    pub nullifier: Nullifier,
    /// The claim's payout commitment.
    pub payout: PayoutCommitment,
    /// The proof.
    pub proof: Proof,
}

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
    #[error("this person has claimed for this scheme and period already")]
    AlreadyClaimed,
    /// The proof does not hold.
    #[error("the proof does not hold for this scheme, period, state and ledger")]
    ProofInvalid,
    /// A number or point that the contract does not take.
    #[error("the claim is malformed: {0}")]
    Malformed(String),
    /// The period takes no claims.
    #[error("the scheme's period is not open for claims")]
    PeriodNotOpen,
    /// The period has not begun on the checkpoint's day.
    #[error("the period has not begun on the day that the state stands for")]
    PeriodNotBegun,
    /// The checkpoint is unknown or too old.
    #[error("the state that the proof was made against is not good any more: take a new snapshot")]
    CheckpointNotGood,
    /// The contract refuses for another reason.
    #[error("the contract refuses: {0}")]
    Refused(String),
    /// The chain or the store failed.
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

impl From<LedgerError> for ServiceError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Failed(error) => error,
            refusal => Self::Refused(refusal.to_string()),
        }
    }
}

/// A chain with praman's contracts on it.
#[allow(async_fn_in_trait)] // used with one concrete ledger at a time, never across threads
pub trait Ledger {
    /// What binds proofs to this ledger.
    fn context(&self) -> Context;

    /// Publishes the state root that claims are made against from now on; returns its number.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn publish_checkpoint(&mut self, checkpoint: Checkpoint) -> Result<u64, LedgerError>;

    /// The number of the latest checkpoint with this root and day.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn find_checkpoint(&self, checkpoint: Checkpoint) -> Result<Option<u64>, LedgerError>;

    /// Opens a scheme's period under its policy, for good; one that is open stays as it is.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn open_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
    ) -> Result<(), LedgerError>;

    /// Submits a claim. Accepted, it is on the ledger and in the store together, or not at all.
    ///
    /// # Errors
    /// [`LedgerError`] with the reason for a refusal.
    async fn claim(&mut self, claim: &LedgerClaim) -> Result<Receipt, LedgerError>;
}
