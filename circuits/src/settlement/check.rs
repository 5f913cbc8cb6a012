//! The statement's native twin, clause by clause.

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::AMOUNT_BITS;
use super::inputs::{PUBLIC_INPUTS, PrivateInputs};
use crate::claims_digest::{BLOCK, absorb_element};
use crate::payout::payout_element;
use crate::range::fits;
use crate::settlement_state::{one_claim, state_element};

/// The first clause of the statement that does not hold. Claims are counted from zero within their chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// S1.
    #[error("S1: the state before the chunk is not that of this digest, total and blinding")]
    Before,
    /// S2.
    #[error("S2: claim {0} of the chunk is neither counted nor left out")]
    Counted(usize),
    /// S3.
    #[error("S3: the commitment of claim {0} of the chunk does not open to this amount")]
    Opened(usize),
    /// S4.
    #[error("S4: the amount of claim {0} of the chunk has more than 32 bits")]
    Amount(usize),
    /// S6.
    #[error("S6: the digest is not that of these claims")]
    Digest,
    /// S7.
    #[error("S7: the state behind the chunk is not that of its claims")]
    After,
}

/// Checks the statement without a circuit.
///
/// # Errors
/// The first [`Violation`] found. [`synthesize`](super::synthesize) makes an unsatisfied system exactly then.
pub fn check(public: &[Fr; PUBLIC_INPUTS], private: &PrivateInputs) -> Result<(), Violation> {
    let [_, before, after, digest] = *public;
    let PrivateInputs { digest_before, total_before, blinding_before, blinding_after, claims } =
        private;
    let require = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };

    // S1
    let state = state_element([*digest_before, *total_before, *blinding_before]);
    require(state == before, Violation::Before)?;

    // S2
    for (place, claim) in claims.iter().enumerate() {
        require(claim.counted.is_zero() || claim.counted.is_one(), Violation::Counted(place))?;
    }

    // S3
    for (place, claim) in claims.iter().enumerate() {
        let opened = payout_element(claim.amount, claim.payee, claim.envelope, claim.blinding);
        require(claim.counted.is_zero() || opened == claim.payout, Violation::Opened(place))?;
    }

    // S4
    for (place, claim) in claims.iter().enumerate() {
        require(fits(claim.amount, AMOUNT_BITS), Violation::Amount(place))?;
    }

    // S5
    let paid = claims.iter().map(|claim| claim.counted * (claim.amount + one_claim()));
    let total_after: Fr = *total_before + paid.sum::<Fr>();

    // S6
    let reached = claims.chunks(BLOCK).fold(*digest_before, |before, block| {
        absorb_element(before, &std::array::from_fn(|at| (block[at].payout, block[at].counted)))
    });
    require(reached == digest, Violation::Digest)?;

    // S7
    let state = state_element([digest, total_after, *blinding_after]);
    require(state == after, Violation::After)
}
