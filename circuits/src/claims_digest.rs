//! What binds a settlement to the claims of an opening, in the ledger's order, and to which of them are counted.
//!
//! A sponge over blocks of thirteen payout commitments. Anyone who reads the ledger's events recomputes the digest; a
//! settlement's proof is of that digest, so it is of these claims, in that order, with these bits.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use crate::constraint_system::{Bit, ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::public_element;
use crate::payout::PayoutCommitment;
use crate::poseidon;

/// Claims of a block: with the tag and the digest before it they fill 15 of Poseidon's 16 inputs, the width that
/// costs the fewest rows a claim.
pub const BLOCK: usize = 13;

/// What stands in a place behind the last claim. It is no claim's commitment, for that is a hash.
pub const NO_CLAIM: PayoutCommitment = PayoutCommitment::from_field(Fr::ZERO);

public_element! {
    /// `Poseidon(tag with the block's counted bits, digest before, 13 payout commitments)`, block after block.
    ClaimsDigest
}

impl ClaimsDigest {
    /// The digest of no claims.
    pub const START: Self = Self::from_field(Fr::ZERO);
}

/// The digest with a block of claims more, each with whether it is counted; the twin of [`absorb_gadget`].
pub fn absorb(before: ClaimsDigest, block: &[(PayoutCommitment, bool); BLOCK]) -> ClaimsDigest {
    let parts = block.map(|(payout, counted)| (payout.to_field(), Fr::from(counted)));
    ClaimsDigest::from_field(absorb_element(before.to_field(), &parts))
}

/// [`absorb`] of field elements that may be anything: commitment and counted bit of each claim.
pub(crate) fn absorb_element(before: Fr, block: &[(Fr, Fr); BLOCK]) -> Fr {
    let mut tag = Domain::ClaimsDigest.tag();
    for (place, (_, counted)) in block.iter().enumerate() {
        tag += *counted * Fr::from(1u64 << place);
    }
    let mut inputs = vec![tag, before];
    inputs.extend(block.iter().map(|(payout, _)| payout));
    poseidon::hash(&inputs)
}

/// A block more of claims in a circuit, each its payout commitment and whether it is counted. 573 rows.
pub fn absorb_gadget(
    cs: &mut ConstraintSystem,
    before: &Num,
    block: &[(&Num, &Bit); BLOCK],
) -> Num {
    let mut tag = Num::constant(cs, Domain::ClaimsDigest.tag());
    for (place, (_, counted)) in block.iter().enumerate() {
        tag.add_scaled(counted.num(), Fr::from(1u64 << place));
    }
    let mut inputs = vec![&tag, before];
    inputs.extend(block.iter().map(|&(payout, _)| payout));
    poseidon::hash_gadget(cs, &inputs)
}

#[cfg(test)]
mod tests {
    use ark_ff::One;

    use super::*;
    use crate::testing::{Synthesis, rows};

    fn block() -> [(Fr, Fr); BLOCK] {
        std::array::from_fn(|place| {
            (poseidon::hash(&[Fr::from(place as u64)]), Fr::from(place % 3 == 0))
        })
    }

    fn synthesize(before: Fr, block: &[(Fr, Fr); BLOCK], digest: Fr) -> Synthesis {
        Synthesis::of(|cs| {
            let before = cs.private("before", before);
            let digest = cs.private("digest", digest);
            let wires = block.map(|(payout, counted)| {
                let counted = cs.private("counted", counted);
                (cs.private("payout", payout), cs.boolean(counted))
            });
            let reached = absorb_gadget(cs, &before, &wires.each_ref().map(|(p, c)| (p, c)));
            cs.enforce_equal(&reached, &digest);
        })
    }

    #[test]
    fn digest_agrees_with_its_twin_and_binds_claims_bits_and_order() {
        let (before, block) = (Fr::from(7u64), block());
        let digest = absorb_element(before, &block);
        assert!(synthesize(before, &block, digest).is_satisfied());
        assert!(!synthesize(before + Fr::one(), &block, digest).is_satisfied());
        for place in 0..BLOCK {
            let mut other = block;
            other[place].0 += Fr::one();
            assert_ne!(absorb_element(before, &other), digest);
            assert!(!synthesize(before, &other, digest).is_satisfied());
            let mut other = block;
            other[place].1 = Fr::one() - other[place].1;
            assert_ne!(absorb_element(before, &other), digest);
            assert!(!synthesize(before, &other, digest).is_satisfied());
        }
        let mut swapped = block;
        swapped.swap(3, 4);
        assert!(!synthesize(before, &swapped, digest).is_satisfied());
    }

    #[test]
    fn any_wire_changed_alone_is_refused() {
        let (before, block) = (Fr::from(7u64), block());
        let honest = synthesize(before, &block, absorb_element(before, &block));
        (1..honest.wires()).for_each(|wire| honest.refuses_any_other_value(wire));
    }

    #[test]
    fn block_of_claims_costs_573_rows() {
        let block_of = |cs: &mut ConstraintSystem, x: &Num| {
            let bit = Bit::assume(x.clone());
            drop(absorb_gadget(cs, x, &[(x, &bit); BLOCK]));
        };
        assert_eq!(rows(block_of), 573);
    }
}
