//! What is wrong with a settlement.

use praman_verifier::{ReadError, Refusal};

/// Why a settlement does not hold. Chunks and claims are counted from 1, claims in the order in which the ledger
/// accepted them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettlementFault {
    /// It was not opened.
    #[error("opening {0} is not settled: its treasury has not shown a sum")]
    NotSettled(u32),
    /// Claims are missing, or are there twice.
    #[error(
        "opening {opening} has {claims} claims, which are {expected} chunks, but {chunks} chunks were proved"
    )]
    ChunkCount {
        /// The opening.
        opening: u32,
        /// How many claims it has.
        claims: usize,
        /// How many chunks these are.
        expected: usize,
        /// How many chunks were proved.
        chunks: usize,
    },
    /// The sum may have begun anywhere.
    #[error("opening {0}: chunk 1 does not begin at the state before all claims")]
    Start(u32),
    /// A chunk was left out, is there twice or stands at another's place.
    #[error("opening {opening}: chunk {chunk} does not begin where chunk {} ended", .chunk - 1)]
    Chain {
        /// The opening.
        opening: u32,
        /// The chunk.
        chunk: usize,
    },
    /// A place is counted that has no claim.
    #[error(
        "opening {opening}: chunk {chunk} counts its claim {place}, but it has {claims} claims"
    )]
    Padding {
        /// The opening.
        opening: u32,
        /// The chunk.
        chunk: usize,
        /// The highest place that is counted.
        place: usize,
        /// How many claims the chunk has.
        claims: usize,
    },
    /// The chunk is of other claims, in another order, or counts others than it says.
    #[error(
        "opening {opening}: chunk {chunk} is not of claims {first} to {last} of the ledger, in their order and as \
         they are counted"
    )]
    Digest {
        /// The opening.
        opening: u32,
        /// The chunk.
        chunk: usize,
        /// The first claim that it should be of.
        first: usize,
        /// The last one.
        last: usize,
    },
    /// A word of a chunk is beyond the field.
    #[error("opening {opening}: chunk {chunk} has a number that is not a field element")]
    ChunkElement {
        /// The opening.
        opening: u32,
        /// The chunk.
        chunk: usize,
    },
    /// A payout commitment is beyond the field.
    #[error("opening {opening}: the payout commitment of claim {claim} is not a field element")]
    ClaimElement {
        /// The opening.
        opening: u32,
        /// The claim.
        claim: usize,
    },
    /// The blinding is beyond the field.
    #[error("opening {0}: the blinding of its sum is not a field element")]
    BlindingElement(u32),
    /// A proof's words are no points.
    #[error("opening {opening}: the proof of chunk {chunk} is malformed: {fault}")]
    ProofMalformed {
        /// The opening.
        opening: u32,
        /// The chunk.
        chunk: usize,
        /// What is wrong with it.
        fault: ReadError,
    },
    /// A proof does not hold.
    #[error(
        "opening {opening}: the proof of chunk {chunk} does not hold for this opening under these keys"
    )]
    ProofInvalid {
        /// The opening.
        opening: u32,
        /// The first such chunk.
        chunk: usize,
    },
    /// The key is of another statement.
    #[error("the key is not of the settlement statement: {0}")]
    Key(#[from] Refusal),
    /// The contract shows no sum before that; events that say otherwise are not all there.
    #[error("opening {0}: its sum was shown, but its last state was never locked")]
    NotLocked(u32),
    /// Another state was locked than the last chunk's.
    #[error("opening {0}: the state that was locked is not that of its last chunk")]
    OtherLock(u32),
    /// The event names another digest than the last chunk.
    #[error("opening {0}: its sum was shown with another digest than that of its last chunk")]
    OtherDigest(u32),
    /// The blinding opens the last state to another sum or count.
    #[error("opening {0}: the last chunk does not prove the sum and the count that were shown")]
    NotTheSum(u32),
    /// The count is not that of the bits.
    #[error(
        "opening {opening}: {said} claims were said to be counted, but the chunks count {counted}"
    )]
    Count {
        /// The opening.
        opening: u32,
        /// What was shown.
        said: u32,
        /// How many bits there are.
        counted: u32,
    },
    /// So few claims are counted that their sum tells of single ones.
    #[error(
        "opening {opening}: only {counted} claims are counted, and fewer than {floor} are never settled"
    )]
    TooFew {
        /// The opening.
        opening: u32,
        /// How many are counted.
        counted: u32,
        /// The fewest.
        floor: u32,
    },
    /// A claim was paid that must not be paid for now.
    #[error(
        "opening {opening}: claim {claim} is counted as paid, but was frozen when the settlement was locked (nullifier {nullifier})"
    )]
    CountedThoughFrozen {
        /// The opening.
        opening: u32,
        /// The first such claim.
        claim: usize,
        /// Its nullifier.
        nullifier: alloy_primitives::U256,
    },
}
