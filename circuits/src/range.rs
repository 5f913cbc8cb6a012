//! Ranges and comparisons of small integers.
//!
//! A field element is shown to lie below 2ⁿ by its n bits. The lowest bit is no wire but what the
//! others leave of the number, so n bits cost n rows and n - 1 wires, and no separate sum is needed.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, One, PrimeField};

use crate::constraint_system::{Bit, ConstraintSystem, Num};

/// The most bits a decomposition may have: 2²⁵³ is below the modulus, so a number has exactly one.
pub const MAX_BITS: usize = 253;

/// Whether `number` is below `2^bits`; the twin of [`to_bits_gadget`]'s constraint.
pub fn fits(number: Fr, bits: usize) -> bool {
    number.into_bigint().num_bits() as usize <= bits
}

/// The bits of `number`, lowest first, holding it below `2^bits`.
///
/// `bits` rows, `bits - 1` wires.
///
/// # Panics
/// If `bits` is not in 1..=253, where aliases (value and value + modulus) would appear.
pub fn to_bits_gadget(cs: &mut ConstraintSystem, number: &Num, bits: usize) -> Vec<Bit> {
    assert!((1..=MAX_BITS).contains(&bits), "a decomposition has 1 to {MAX_BITS} bits");
    let integer = number.value().into_bigint();
    let mut lowest = number.clone();
    let mut weight = Fr::one();
    let mut decomposition = Vec::with_capacity(bits);
    for position in 1..bits {
        weight.double_in_place();
        let wire = cs.hint("bit", Fr::from(integer.get_bit(position)));
        lowest.add_scaled(&wire, -weight);
        decomposition.push(cs.boolean(wire));
    }
    decomposition.insert(0, cs.boolean(lowest));
    decomposition
}

/// Whether `a >= b`; the twin of [`at_least_gadget`].
pub fn at_least(a: u128, b: u128) -> bool {
    a >= b
}

/// The bit `a >= b` for numbers that are both already held below `2^bits`.
///
/// `a - b + 2^bits` is below `2^(bits + 1)` and its top bit is the answer: `bits + 1` rows, `bits`
/// wires. The answer is determined: neither value of the bit can be chosen.
pub fn at_least_gadget(cs: &mut ConstraintSystem, a: &Num, b: &Num, bits: usize) -> Bit {
    let mut shifted = a - b;
    let offset = Num::constant(cs, Fr::from(1u128 << bits));
    shifted.add_scaled(&offset, Fr::one());
    to_bits_gadget(cs, &shifted, bits + 1).pop().expect("at least two bits")
}

/// `a` where `bit` is set, else `b`: one row.
pub fn select_gadget(cs: &mut ConstraintSystem, bit: &Bit, a: &Num, b: &Num) -> Num {
    let step = cs.product("selected", bit.num(), &(a - b));
    b + &step
}

#[cfg(test)]
mod tests {
    use ark_ff::Zero;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Synthesis, rows};

    fn synthesize_fits(number: Fr, bits: usize) -> Synthesis {
        Synthesis::of(|cs| {
            let number = cs.private("number", number);
            to_bits_gadget(cs, &number, bits);
        })
    }

    fn answer(a: Fr, b: Fr) -> (Synthesis, bool) {
        let mut answer = false;
        let synthesis = Synthesis::of(|cs| {
            let (a, b) = (cs.private("a", a), cs.private("b", b));
            answer = at_least_gadget(cs, &a, &b, 32).is_set();
        });
        (synthesis, answer)
    }

    #[test]
    fn range_holds_its_edges_and_refuses_all_beyond() {
        let top = Fr::from((1u64 << 32) - 1);
        let cases = [
            (Fr::zero(), true),
            (top, true),
            (top + Fr::one(), false),
            (-Fr::one(), false),
            (-top, false),
            (Fr::from(2u64).inverse_or_panic(), false),
        ];
        for (number, expected) in cases {
            assert_eq!(fits(number, 32), expected);
            assert_eq!(synthesize_fits(number, 32).is_satisfied(), expected, "{number}");
        }
    }

    #[test]
    fn every_wrong_bit_is_refused() {
        let honest = synthesize_fits(Fr::from(0xdead_beefu64), 32);
        for wire in 2..honest.wires() {
            honest.refuses_any_other_value(wire);
        }
    }

    #[test]
    fn decomposition_has_no_alias() {
        // The 254 bits of value + modulus would pass a 254-bit decomposition; 253 bits have none.
        assert!(fits(Fr::from(0u64), MAX_BITS));
        let alias = std::panic::catch_unwind(|| synthesize_fits(Fr::zero(), MAX_BITS + 1));
        assert!(alias.is_err(), "a decomposition that admits an alias can't be built");
    }

    #[test]
    fn bits_cost_32_rows_and_a_comparison_33() {
        assert_eq!(rows(|cs, x| drop(to_bits_gadget(cs, x, 32))), 32);
        assert_eq!(rows(|cs, x| drop(at_least_gadget(cs, x, x, 32))), 33);
    }

    trait InverseOrPanic {
        fn inverse_or_panic(&self) -> Self;
    }

    impl InverseOrPanic for Fr {
        fn inverse_or_panic(&self) -> Self {
            ark_ff::Field::inverse(self).expect("not zero")
        }
    }

    fn arb_edge() -> impl Strategy<Value = u32> {
        prop_oneof![
            any::<u32>(),
            Just(0),
            Just(1),
            Just(u32::MAX),
            Just(u32::MAX - 1),
            Just(1 << 31)
        ]
    }

    proptest! {
        #[test]
        fn comparison_agrees_with_its_twin(a in arb_edge(), b in arb_edge()) {
            let (synthesis, is_at_least) = answer(Fr::from(a), Fr::from(b));
            prop_assert!(synthesis.is_satisfied());
            prop_assert_eq!(is_at_least, at_least(a.into(), b.into()));
        }

        #[test]
        fn comparison_refuses_numbers_out_of_reach(b in any::<u32>(), below in 1u64..=u32::MAX as u64) {
            // a = -(below + 2^32 - b): negative by more than the offset lifts.
            let a = Fr::from(b) - Fr::from((1u64 << 32) + below);
            prop_assert!(!answer(a, Fr::from(b)).0.is_satisfied());
        }
    }
}
