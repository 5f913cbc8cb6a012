//! Settling an opening: the ledger learns the sum of what was paid, proved over the commitments of its claims, and
//! nobody learns an amount.
//!
//! A claim counts if each instalment of it is in a file that was written. Which claims count is public; why one does not
//! only the treasury learns, beyond frozen, refused and held. Everything that is drawn is drawn from the
//! treasury's key, so a run that dies is repeated whole and brings the same: what the ledger has of it stays.
//! The last state is locked before its sum is told, and no opening is settled twice.

mod classify;
mod files_total;
mod on_network;
mod prove;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use alloy_primitives::Address;
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payout::PayoutCommitment;
use praman_circuits::settlement::Carried;
use praman_circuits::settlement_state::{SettlementBlinding, SettlementState, Total};
use praman_ledger::LedgerError;
use praman_ledger::settlement::{Case, CheckedChunks, FLOOR};
use praman_store::Store;
use praman_store::failpoint::may_die;
use praman_verifier::Proof;
use serde::Serialize;

use crate::key::TreasuryKey;
use crate::restored;

pub use classify::{LeftOut, LeftOutReason};
pub use files_total::FilesTotal;
pub use on_network::SettlementsOnNetwork;
pub use prove::{Chunk, PooledProver, SettlementProver};
pub use refusal::{InTheWay, SettlingError, SettlingRefusal};

use classify::{Classified, classify};
use prove::Chunks;

/// The most chunks of one transaction: about eight million gas.
pub const CHUNKS_TOGETHER: usize = 128;

/// An accepted claim, as the ledger has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedClaim {
    /// Its nullifier.
    pub nullifier: Nullifier,
    /// Its payout commitment.
    pub payout: PayoutCommitment,
}

/// How far an opening is settled on the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Chunks were proved, up to a state: none of them if it was not begun.
    Proved {
        /// How many chunks.
        chunks: u32,
        /// The state behind the last.
        state: SettlementState,
    },
    /// The last state is locked, and its sum is not told yet.
    Locked {
        /// The state.
        state: SettlementState,
        /// Which claims count, in the claims' order: for good.
        is_counted: Vec<bool>,
    },
    /// It is settled.
    Settled {
        /// The sum, in whole rupees.
        rupees: u64,
        /// How many claims are in it.
        counted: u32,
    },
}

/// What the ledger says of an opening: all of it up to one block.
#[derive(Clone, Debug)]
pub struct OpeningOnLedger {
    /// The chain's id.
    pub chain_id: u64,
    /// The contract of claims.
    pub claims_contract: Address,
    /// Whether no claim comes any more: it is closed or sealed.
    pub is_over: bool,
    /// Its claims, in the order in which they were accepted.
    pub claims: Vec<AcceptedClaim>,
    /// The cases over them.
    pub cases: HashMap<Nullifier, Case>,
    /// How many of them were ever frozen.
    pub freezes: u64,
    /// How far it is settled.
    pub stands: Stands,
}

/// A chunk as the ledger takes it.
pub struct ProvedChunk {
    /// The state before it, the state after it, and the digest.
    pub own: [praman_circuits::Fr; 3],
    /// Which of its claims count, the first one lowest.
    pub counted: u128,
    /// The proof.
    pub proof: Proof,
}

/// What opens the last state.
pub struct TotalOpened {
    /// The sum and the number of claims in it.
    pub total: Total,
    /// What the files have of them.
    pub filed: u64,
    /// The last state's blinding.
    pub blinding: SettlementBlinding,
}

/// Whether the ledger locked the last state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// It did.
    Yes,
    /// A claim was frozen since: nothing was locked.
    FrozenMeanwhile,
}

/// What settling needs of a ledger.
#[allow(async_fn_in_trait)] // used with one concrete ledger at a time, never across threads
pub trait SettlementLedger {
    /// Reads an opening. None of the claims that were ever frozen is missing among its cases.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn opening(&mut self, opening: u32) -> Result<OpeningOnLedger, LedgerError>;

    /// Brings chunks that follow what stands, or begin again from the first claim.
    ///
    /// # Errors
    /// [`LedgerError`]; then none of them is there.
    async fn prove(&mut self, opening: u32, chunks: &[ProvedChunk]) -> Result<(), LedgerError>;

    /// Reads the chunks back and checks all of them, as anyone does.
    ///
    /// # Errors
    /// [`SettlingRefusal::NotOnLedger`] if something does not hold; [`LedgerError`].
    async fn check(&mut self, opening: u32) -> Result<CheckedChunks, SettlingError>;

    /// Locks the last state, if no more claims were ever frozen than a number. It tells nothing of the sum.
    ///
    /// # Errors
    /// [`LedgerError`]; then it is not locked.
    async fn lock(
        &mut self,
        opening: u32,
        state: SettlementState,
        freezes: u64,
    ) -> Result<Locked, LedgerError>;

    /// Tells the sum of the locked state, for good.
    ///
    /// # Errors
    /// [`LedgerError`].
    async fn open(&mut self, opening: u32, opened: &TotalOpened) -> Result<(), LedgerError>;
}

/// An opening to settle.
pub struct Settling<'a> {
    /// The store.
    pub store: &'a Store,
    /// The treasury's key, which opens the envelopes.
    pub key: &'a TreasuryKey,
    /// The opening's number on the ledger.
    pub opening: u32,
    /// Whether to settle without the claims that are frozen, refused or held.
    pub leave_out: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Settled {
    /// The opening's number on the ledger.
    pub opening: u32,
    /// The sum that was proved, in whole rupees.
    pub rupees: u64,
    /// How many claims are in it.
    pub counted: u32,
    /// Whether it was settled before: then nothing was done, and nothing more is known of it here.
    pub settled_before: bool,
    /// How many claims the opening has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<usize>,
    /// What the bank's files have of the counted claims: the same sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filed: Option<FilesTotal>,
    /// The claims that do not count, and why. For the treasury alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Claims that were paid before their case ended with a refusal: they count, and anyone sees that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paid_though_refused: Vec<Nullifier>,
    /// How many chunks were proved in this run.
    pub proved: usize,
}

impl Settling<'_> {
    /// Settles the opening: proves the sum of its counted claims and tells it on the ledger, or nothing of it.
    ///
    /// # Errors
    /// [`SettlingRefusal`] with the claims that are in the way; after any error a repeated run goes on.
    pub async fn settle(
        &self,
        ledger: &mut impl SettlementLedger,
        prover: &impl SettlementProver,
    ) -> Result<Settled, SettlingError> {
        restored::require_reconciled(&mut *self.store.pool().acquire().await?).await?;
        let on_ledger = ledger.opening(self.opening).await?;
        let is_locked = match &on_ledger.stands {
            Stands::Settled { rupees, counted } => return Ok(self.before(*rupees, *counted)),
            Stands::Locked { .. } => true,
            Stands::Proved { .. } => false,
        };
        if !on_ledger.is_over {
            return Err(SettlingRefusal::StillOpen(self.opening).into());
        }
        let classified = classify(self.store, self.key, self.opening, &on_ledger).await?;
        self.require_settleable(&classified, is_locked)?;
        let chunks = Chunks::of(self.key, self.opening, &on_ledger, &classified.claims);
        let last = chunks.last();
        if last.total.rupees != classified.filed.rupees() || last.total.claims != classified.counted
        {
            return Err(SettlingRefusal::Unbalanced.into());
        }
        let proved = match &on_ledger.stands {
            Stands::Locked { state, .. } if *state == last.state() => 0,
            Stands::Locked { .. } => {
                return Err(
                    SettlingRefusal::NotOnLedger("another treasury's key locked them").into()
                );
            }
            stands => {
                let first = chunks.place_behind(stands);
                self.bring(ledger, prover, &chunks, first).await?;
                self.lock(ledger, &on_ledger, last, classified.counted).await?;
                chunks.count() - first
            }
        };
        may_die!("settlement::locked");
        let opened = TotalOpened {
            total: last.total,
            filed: classified.filed.rupees(),
            blinding: last.blinding.clone(),
        };
        ledger.open(self.opening, &opened).await?;
        may_die!("settlement::opened");
        Ok(Settled {
            opening: self.opening,
            rupees: last.total.rupees,
            counted: last.total.claims,
            settled_before: false,
            claims: Some(on_ledger.claims.len()),
            filed: Some(classified.filed),
            left_out: classified.left_out,
            paid_though_refused: classified.paid_though_refused,
            proved,
        })
    }

    /// Reads back what the ledger has, as anyone does, and locks it.
    async fn lock(
        &self,
        ledger: &mut impl SettlementLedger,
        before: &OpeningOnLedger,
        last: &Carried,
        counted: u32,
    ) -> Result<(), SettlingError> {
        may_die!("settlement::sent");
        let checked = ledger.check(self.opening).await?;
        let own = (last.state(), last.digest, counted);
        if (checked.state, checked.digest, checked.counted) != own {
            return Err(SettlingRefusal::NotOnLedger("another run has proved in between").into());
        }
        match ledger.lock(self.opening, last.state(), before.freezes).await? {
            Locked::Yes => Ok(()),
            Locked::FrozenMeanwhile => Err(self.frozen(ledger, before).await?),
        }
    }

    /// What is told of an opening that was settled before.
    fn before(&self, rupees: u64, counted: u32) -> Settled {
        Settled {
            opening: self.opening,
            rupees,
            counted,
            settled_before: true,
            claims: None,
            filed: None,
            left_out: Vec::new(),
            paid_though_refused: Vec::new(),
            proved: 0,
        }
    }

    /// Refuses before anything is proved: what is not paid yet, what waits for a decision, and too few claims. Of a state
    /// that is locked, it is decided already what is left out.
    fn require_settleable(
        &self,
        classified: &Classified,
        is_locked: bool,
    ) -> Result<(), SettlingRefusal> {
        if !classified.in_the_way.is_empty() {
            return Err(SettlingRefusal::InTheWay(classified.in_the_way.clone()));
        }
        // What is refused is never paid; what is frozen or held may be, and is in no sum then.
        let is_open = |one: &&LeftOut| one.reason != LeftOutReason::Refused;
        let open: Vec<LeftOut> = classified.left_out.iter().filter(is_open).cloned().collect();
        if !open.is_empty() && !self.leave_out && !is_locked {
            return Err(SettlingRefusal::LeftOut(open));
        }
        if classified.counted < FLOOR {
            return Err(SettlingRefusal::TooFew(FLOOR));
        }
        Ok(())
    }

    /// Proves chunks from a place on, and brings them to the ledger.
    async fn bring(
        &self,
        ledger: &mut impl SettlementLedger,
        prover: &impl SettlementProver,
        chunks: &Chunks,
        first: usize,
    ) -> Result<(), SettlingError> {
        for together in chunks.from(first).chunks(CHUNKS_TOGETHER) {
            let proofs = prover.prove(together)?;
            assert_eq!(proofs.len(), together.len(), "a proof of each chunk");
            may_die!("settlement::proved");
            let proved: Vec<ProvedChunk> = together
                .iter()
                .zip(proofs)
                .map(|(chunk, proof)| ProvedChunk {
                    own: chunk.public().own(),
                    counted: chunk.counted(),
                    proof,
                })
                .collect();
            ledger.prove(self.opening, &proved).await?;
        }
        Ok(())
    }

    /// Returns the refusal that names the claims that were frozen since an opening was read.
    async fn frozen(
        &self,
        ledger: &mut impl SettlementLedger,
        before: &OpeningOnLedger,
    ) -> Result<SettlingError, SettlingError> {
        let now = ledger.opening(self.opening).await?;
        let is_new = |claim: &&AcceptedClaim| {
            now.cases.contains_key(&claim.nullifier) && !before.cases.contains_key(&claim.nullifier)
        };
        let claims = now.claims.iter().filter(is_new).map(|claim| claim.nullifier).collect();
        Ok(SettlingRefusal::FrozenMeanwhile(claims).into())
    }
}
