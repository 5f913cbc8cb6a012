//! How much a tier pays: `rate · slot`, not under its floor and not over its cap.

use ark_bn254::Fr;

use crate::constraint_system::{ConstraintSystem, Num};
use crate::range::{at_least_gadget, select_gadget};

/// The amount in whole rupees of a tier; the twin of [`amount_gadget`].
///
/// A flat amount has rate 0 and its amount as both floor and cap.
///
/// ```
/// use praman_circuits::amount::amount;
/// // 100 rupees a decimal of land, at least 4,000, at most 10,000.
/// assert_eq!([39, 40, 41, 99, 100, 750].map(|land| amount(100, land, 4_000, 10_000)),
///     [4_000, 4_000, 4_100, 9_900, 10_000, 10_000]);
/// ```
pub fn amount(rate: u32, value: u32, floor: u32, cap: u32) -> u32 {
    let product = u64::from(rate) * u64::from(value);
    let raised = product.max(floor.into());
    // Both fit: the cap has 32 bits.
    raised.min(cap.into()) as u32
}

/// Bits of the product of two 32-bit numbers.
const PRODUCT_BITS: usize = 64;

/// The amount in a circuit, of four numbers that are already held below 2³²: 133 rows.
///
/// The product has at most 64 bits and does not wrap, so the two comparisons are exact.
pub fn amount_gadget(
    cs: &mut ConstraintSystem,
    rate: &Num,
    value: &Num,
    floor: &Num,
    cap: &Num,
) -> Num {
    let product = cs.product("product", rate, value);
    let above_floor = cs.scope("floor", |cs| at_least_gadget(cs, &product, floor, PRODUCT_BITS));
    let raised = select_gadget(cs, &above_floor, &product, floor);
    let above_cap = cs.scope("cap", |cs| at_least_gadget(cs, &raised, cap, PRODUCT_BITS));
    select_gadget(cs, &above_cap, cap, &raised)
}

/// The amount of four field elements, as the statement's native check needs it; `None` if one of
/// them has more than 32 bits.
pub(crate) fn amount_element(rate: Fr, value: Fr, floor: Fr, cap: Fr) -> Option<Fr> {
    let small = |element| crate::policy::small_integer(element);
    Some(Fr::from(amount(small(rate)?, small(value)?, small(floor)?, small(cap)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Synthesis, rows};

    fn synthesize(inputs: [u32; 4], paid: Fr) -> Synthesis {
        Synthesis::of(|cs| {
            let [rate, value, floor, cap] = inputs.map(|v| cs.private("input", Fr::from(v)));
            let paid = cs.private("paid", paid);
            let amount = amount_gadget(cs, &rate, &value, &floor, &cap);
            cs.enforce_equal(&amount, &paid);
        })
    }

    fn arb_edge() -> impl Strategy<Value = u32> {
        prop_oneof![any::<u32>(), Just(0), Just(1), Just(u32::MAX), 0u32..100_000]
    }

    proptest! {
        #[test]
        fn amount_agrees_with_its_twin_and_any_other_is_refused(
            inputs in [arb_edge(), arb_edge(), arb_edge(), arb_edge()],
            other in any::<u32>(),
        ) {
            let [rate, value, floor, cap] = inputs;
            let paid = amount(rate, value, floor, cap);
            prop_assert!(synthesize(inputs, Fr::from(paid)).is_satisfied());
            for wrong in [other, floor, cap, 0, paid.wrapping_add(1), rate.wrapping_mul(value)] {
                let satisfied = synthesize(inputs, Fr::from(wrong)).is_satisfied();
                prop_assert_eq!(satisfied, wrong == paid);
            }
        }
    }

    #[test]
    fn every_wrong_wire_is_refused() {
        for inputs in [[100, 41, 4_000, 10_000], [100, 1, 4_000, 10_000], [100, 900, 4_000, 10_000]]
        {
            let [rate, value, floor, cap] = inputs;
            let honest = synthesize(inputs, Fr::from(amount(rate, value, floor, cap)));
            (5..honest.wires()).for_each(|wire| honest.refuses_any_other_value(wire));
        }
    }

    #[test]
    fn amount_costs_133_rows() {
        assert_eq!(rows(|cs, x| drop(amount_gadget(cs, x, x, x, x))), 133);
    }
}
