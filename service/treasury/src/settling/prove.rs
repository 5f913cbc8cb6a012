//! An opening's claims in chunks, and their proofs.

use alloy_primitives::Address;
use praman_circuits::circuit::{self, Witness};
use praman_circuits::claims_digest::ClaimsDigest;
use praman_circuits::field::{from_be_bytes, to_be_bytes};
use praman_circuits::payout::PayoutCommitment;
use praman_circuits::settlement::{
    CLAIMS, Carried, PrivateInputs, PublicInputs, SettledClaim, chunk_digest, chunk_inputs,
    settlement_context,
};
use praman_circuits::settlement_state::SettlementBlinding;
use praman_prover::{Engine, Prover, ProvingError, ProvingPool};
use praman_verifier::Proof;
use zeroize::Zeroizing;

use super::{OpeningOnLedger, Stands};
use crate::key::TreasuryKey;

/// A chunk of an opening's claims, with what proves it.
pub struct Chunk {
    public: PublicInputs,
    private: PrivateInputs,
    counted: u128,
}

impl Chunk {
    /// Returns what anyone sees of it.
    pub fn public(&self) -> &PublicInputs {
        &self.public
    }

    /// Returns which of its claims count, the first one lowest.
    pub fn counted(&self) -> u128 {
        self.counted
    }

    /// Returns its witness.
    pub fn witness(&self) -> Witness {
        circuit::settlement_witness(&self.public.to_fields(), &self.private)
    }
}

/// All chunks of an opening, in order. The same claims and key give the same, each time.
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    last: Carried,
}

impl Chunks {
    /// Makes the chunks of an opening's claims.
    pub(super) fn of(
        key: &TreasuryKey,
        opening: u32,
        on_ledger: &OpeningOnLedger,
        claims: &[SettledClaim],
    ) -> Self {
        let (chain_id, contract) = (on_ledger.chain_id, on_ledger.claims_contract);
        let context = settlement_context(chain_id, contract.into_array(), opening);
        let mut last = Carried::start();
        let mut chunks = Vec::with_capacity(claims.len().div_ceil(CLAIMS));
        for of_chunk in claims.chunks(CLAIMS) {
            let bits: Vec<(PayoutCommitment, bool)> =
                of_chunk.iter().map(|claim| (claim.payout, claim.opened.is_some())).collect();
            let digest = chunk_digest(last.digest, &bits);
            let blinding = key.settlement_blinding((chain_id, contract), opening, digest);
            let (public, private, after) = chunk_inputs(context, &last, of_chunk, blinding);
            assert!(after.digest == digest, "the digest is that of the claims and their bits");
            let counted = counted_word(bits.iter().map(|&(_, counted)| counted));
            chunks.push(Chunk { public, private, counted });
            last = after;
        }
        Self { chunks, last }
    }

    /// Returns what is carried out of the last chunk.
    pub(super) fn last(&self) -> &Carried {
        &self.last
    }

    pub(super) fn count(&self) -> usize {
        self.chunks.len()
    }

    /// Returns the chunks from a place on.
    pub(super) fn from(&self, first: usize) -> &[Chunk] {
        &self.chunks[first..]
    }

    /// Returns how many chunks the ledger has of these, by how many it has and the state behind them; 0 if it has
    /// others: then all are brought again.
    pub(super) fn place_behind(&self, stands: &Stands) -> usize {
        let &Stands::Proved { chunks, state } = stands else { return 0 };
        let chunks = chunks as usize;
        let last = chunks.checked_sub(1).and_then(|place| self.chunks.get(place));
        if last.is_some_and(|last| last.public.after == state) { chunks } else { 0 }
    }
}

/// Packs bits into a word, the first one lowest.
pub(super) fn counted_word(bits: impl Iterator<Item = bool>) -> u128 {
    bits.enumerate().map(|(place, counted)| u128::from(counted) << place).sum()
}

impl TreasuryKey {
    /// Returns what hides a chunk's state. It follows from the key, the ledger, the opening and the digest: a run that
    /// is repeated needs nothing that was kept, and the same blinding never serves two states, since claims and bits
    /// with the same digest have the same sum.
    pub(super) fn settlement_blinding(
        &self,
        (chain_id, claims_contract): (u64, Address),
        opening: u32,
        digest: ClaimsDigest,
    ) -> SettlementBlinding {
        let parts: [&[u8]; 4] = [
            &chain_id.to_be_bytes(),
            claims_contract.as_slice(),
            &opening.to_be_bytes(),
            &to_be_bytes(digest.to_field()),
        ];
        let mut tag = Zeroizing::new(self.tag(b"praman.settlement-blinding.1", &parts));
        // 253 bits, as every hash that is taken into the field.
        tag[0] &= 0x1f;
        let blinding = from_be_bytes(&tag).expect("253 bits are below the modulus");
        SettlementBlinding::from_field(blinding)
    }
}

/// Who proves chunks.
pub trait SettlementProver {
    /// Proves chunks, each alone; the proofs in their order.
    ///
    /// # Errors
    /// [`ProvingError`] of the first that was not proved.
    fn prove(&self, chunks: &[Chunk]) -> Result<Vec<Proof>, ProvingError>;
}

/// Proves on threads of its own, many chunks side by side.
pub struct PooledProver<E> {
    /// The threads.
    pub pool: ProvingPool,
    /// The keys.
    pub prover: Prover<E>,
}

impl<E: Engine> SettlementProver for PooledProver<E> {
    fn prove(&self, chunks: &[Chunk]) -> Result<Vec<Proof>, ProvingError> {
        self.pool.prove_made(&self.prover, chunks, Chunk::witness).into_iter().collect()
    }
}
