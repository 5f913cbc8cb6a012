//! Settlements: what was paid for an opening, proved from its claims, and recomputed from the ledger's events.
//!
//! The contract `Settlements` checks the proofs, that chunks follow each other, and that the last state holds the sum. It
//! does not check that the digest is that of the claims which the ledger accepted. [`verify`] does all of it, from events
//! and the verification key alone, so an auditor needs no treasury, no envelope and no store but the events.
//!
//! Reading is apart from checking: [`read`] and [`read_period`] replay a network's events, [`verify`] and
//! [`check_chunks`] are pure.

mod chunks;
mod contract;
mod fault;
mod reading;
pub(crate) mod recording;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use praman_circuits::claims_digest::ClaimsDigest;
use praman_circuits::period::Period;
use praman_circuits::scope::SchemeId;
use praman_circuits::settlement::{SettlementContext, settlement_context};
use praman_circuits::settlement_state::SettlementState;
use praman_verifier::contracts::scheme_word;

use super::LedgerError;
use super::chain::Chain;
use super::history;
use super::network::Network;
use crate::refusal::LedgerRefusal;

pub use chunks::{check_chunks, check_digests};
pub use fault::SettlementFault;
pub use recording::{KnownSettlement, LeftOut};
pub use sums::{OpeningSums, PeriodSums, Sums, verify, verify_but_proofs};

pub(crate) use reading::SettlementEvents;

/// Fewer counted claims than this are not settled: their sum would tell too much of single ones. `FLOOR` of the
/// contract.
pub const FLOOR: u32 = 20;

/// How a case over a claim stands. A claim has at most one, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It is not over: the claim is frozen.
    Open,
    /// It is over, and the claim is paid.
    Pay,
    /// It is over, and the claim is not paid.
    Refuse,
    /// It is over, and what was paid is recovered.
    Recover,
}

/// A claim of an opening, as the ledger accepted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningClaim {
    /// Its nullifier.
    pub nullifier: U256,
    /// Its payout commitment.
    pub payout: U256,
}

/// A chunk of an opening's claims, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledChunk {
    /// State before, state after, digest.
    pub own: [U256; 3],
    /// The proof's words.
    pub proof: [U256; 8],
    /// Which of its claims are counted, the first one lowest.
    pub counted: U256,
}

/// The last state of an opening, which no chunk follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLocked {
    /// The state.
    pub state: U256,
    /// The digest behind the last chunk.
    pub digest: U256,
    /// The number of the treasury that locked it.
    pub treasury: u32,
    /// The block that has it.
    pub block: u64,
    /// The cases over the opening's claims, as they stood then.
    pub cases: BTreeMap<U256, Case>,
}

/// What the ledger says of an opening that is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumOpened {
    /// The sum in whole rupees: of the proof, and of the treasury's files.
    pub rupees: u64,
    /// How many claims are in it.
    pub counted: u32,
    /// The digest behind the last chunk.
    pub digest: U256,
    /// The blinding of the last state.
    pub blinding: U256,
    /// The block that has it.
    pub block: u64,
    /// The cases over the opening's claims, as they stood then.
    pub cases: BTreeMap<U256, Case>,
}

/// All that the ledger says of an opening's claims and their settlement, up to one block.
#[derive(Clone, Debug)]
pub struct OpeningClaims {
    /// The opening's number.
    pub opening: u32,
    /// The chain's id.
    pub chain_id: u64,
    /// The contract of claims.
    pub claims_contract: Address,
    /// The last block that was read.
    pub block: u64,
    /// Whether no claim comes any more: it is closed or sealed.
    pub is_over: bool,
    /// Its claims, in the order in which they were accepted.
    pub claims: Vec<OpeningClaim>,
    /// The cases over them, as they stand.
    pub cases: BTreeMap<U256, Case>,
    /// How many of them were ever frozen: by events, as `freezesOf` of the disputes counts them.
    pub freezes: u64,
    /// The chunks that were proved since the last restart, in order.
    pub chunks: Vec<SettledChunk>,
    /// Its last state, once it is locked.
    pub locked: Option<StateLocked>,
    /// What was shown, once it is settled.
    pub opened: Option<SumOpened>,
}

impl OpeningClaims {
    /// Returns what binds the opening's proofs to it.
    pub fn context(&self) -> SettlementContext {
        settlement_context(self.chain_id, self.claims_contract.into_array(), self.opening)
    }
}

/// Chunks that hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedChunks {
    /// The state behind the last.
    pub state: SettlementState,
    /// The digest of all claims, and of which are counted.
    pub digest: ClaimsDigest,
    /// How many are counted.
    pub counted: u32,
    /// Which ones, in the claims' order.
    pub is_counted: Vec<bool>,
}

/// Reads an opening's claims, cases and settlement from the events, all up to one block.
///
/// # Errors
/// [`LedgerRefusal::NoSettlements`]; [`LedgerRefusal::EventUnreadable`], since what is missing would look like
/// something that never was; [`LedgerError`] of the chain.
pub async fn read<C: Chain>(
    network: &Network<C>,
    opening: u32,
) -> Result<OpeningClaims, LedgerError> {
    network.settlements_contract()?;
    let read = history::claims_of(network, |number, _, _| number == opening).await?;
    read.into_iter().next().ok_or_else(|| LedgerRefusal::NoOpening(opening).into())
}

/// Reads all openings of a scheme's period, in the order of their numbers: one, and of a benefit that is paid once in
/// a life one for each month. None if the period was never opened.
///
/// # Errors
/// As [`read`].
pub async fn read_period<C: Chain>(
    network: &Network<C>,
    scheme: &SchemeId,
    period: Period,
) -> Result<Vec<OpeningClaims>, LedgerError> {
    network.settlements_contract()?;
    let wanted = (scheme_word(scheme), period.0);
    history::claims_of(network, |_, scheme, period| (scheme, period) == wanted).await
}
