//! The settlement statement: a chunk of an opening's claims, in the ledger's order, was paid so much more, and how much
//! is not shown.
//!
//! Clauses S1 to S8 are those of `docs/STATEMENTS.md`; the native check, the constraints and the tests cite the same
//! numbers. Public inputs come in the order of [`PublicInputs::names`].
//!
//! Chunks are chained: the first begins at a state that everyone knows, each next where the one before ended, and the
//! last state is opened by its blinding. Anyone who checks a settlement recomputes the digest of the claims from the
//! ledger, so a claim that is not counted, too, is in it.

mod check;
mod inputs;
#[cfg(test)]
mod tests;

use ark_bn254::Fr;
use ark_ff::One;

pub use check::{Violation, check};
pub use inputs::{
    BLOCKS, CLAIMS, Carried, Opening, PUBLIC_INPUTS, PrivateInputs, PublicInputs, SHARED_INPUTS,
    SettledClaim, SettlementContext, chunk_digest, chunk_inputs, settlement_context,
};

use crate::claims_digest::{BLOCK, absorb_gadget};
use crate::constraint_system::{Bit, ConstraintSystem, Num};
use crate::payout::payout_gadget;
use crate::range::to_bits_gadget;
use crate::settlement_state::{one_claim, state_gadget};
use inputs::{PrivateWires, PublicWires};

/// Bits of an amount in whole rupees, as in a claim.
pub(crate) const AMOUNT_BITS: usize = 32;

/// Builds the statement's constraints and the value of every wire.
///
/// An assignment is made for any inputs; it satisfies the constraints exactly where [`check`] finds no violation.
pub fn synthesize(
    cs: &mut ConstraintSystem,
    public: &[Fr; PUBLIC_INPUTS],
    private: &PrivateInputs,
) {
    let public = PublicWires::make(cs, public);
    let private = PrivateWires::make(cs, private);
    let claims = &private.claims;
    let each = |cs: &mut ConstraintSystem, body: &mut dyn FnMut(&mut ConstraintSystem, usize)| {
        (0..claims.len()).for_each(|place| cs.indexed_scope("claim", place, |cs| body(cs, place)));
    };

    // S1. The state before the chunk is of this digest, this total and this blinding.
    cs.clause("S1 before", |cs| {
        let parts = [&private.digest_before, &private.total_before, &private.blinding_before];
        let state = state_gadget(cs, parts);
        cs.enforce_equal(&state, &public.before);
    });

    // S2. Each claim is counted or not.
    let counted: Vec<Bit> = cs.clause("S2 counted", |cs| {
        claims.iter().map(|claim| cs.boolean(claim.counted.clone())).collect()
    });

    // S3. Each counted claim's commitment opens to its amount.
    cs.clause("S3 opened", |cs| {
        each(cs, &mut |cs, place| {
            let claim = &claims[place];
            let opened =
                payout_gadget(cs, &claim.amount, &claim.payee, &claim.envelope, &claim.blinding);
            cs.enforce(counted[place].num(), &(&opened - &claim.payout), &Num::zero());
        });
    });

    // S4. Each amount has 32 bits, so that none is a negative number.
    cs.clause("S4 amount", |cs| {
        each(cs, &mut |cs, place| drop(to_bits_gadget(cs, &claims[place].amount, AMOUNT_BITS)));
    });

    // S5. The total grows by the counted amounts, and by one claim for each.
    let total_after = cs.clause("S5 total", |cs| {
        let one = Num::constant(cs, one_claim());
        let mut total = private.total_before.clone();
        each(cs, &mut |cs, place| {
            let paid = cs.product("paid", counted[place].num(), &(&claims[place].amount + &one));
            total.add_scaled(&paid, Fr::one());
        });
        total
    });

    // S6. The digest goes on over these claims and which of them are counted.
    cs.clause("S6 digest", |cs| {
        let mut digest = private.digest_before.clone();
        for (number, block) in claims.chunks(BLOCK).enumerate() {
            let part = |place: usize| (&block[place].payout, &counted[number * BLOCK + place]);
            digest = cs.indexed_scope("block", number, |cs| {
                absorb_gadget(cs, &digest, &std::array::from_fn(part))
            });
        }
        cs.enforce_equal(&digest, &public.digest);
    });

    // S7. The state behind the chunk is of the new digest and the new total.
    cs.clause("S7 after", |cs| {
        let state = state_gadget(cs, [&public.digest, &total_after, &private.blinding_after]);
        cs.enforce_equal(&state, &public.after);
    });

    // S8. The proof is for this opening of this ledger: a square stands in a row, so the input can't be exchanged.
    cs.clause("S8 settlement", |cs| {
        cs.product("squared", &public.context, &public.context);
    });
}
