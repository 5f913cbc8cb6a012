//! The nine attribute slots of a credential, and choosing one by a number.

use std::array;
use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::constraint_system::{ConstraintSystem, Num};

/// Attribute slots in a credential.
pub const SLOTS: usize = 9;

/// A slot's number, 0 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u8);

impl Slot {
    /// The slot with a number; `None` from 9 on.
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < SLOTS { Some(Self(number)) } else { None }
    }

    /// The slot's number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// What an office attests of a person: nine unsigned 32-bit integers, numbered by the schema.
///
/// Attributes are what praman keeps from everyone, so they wipe themselves and do not print.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Attributes([u32; SLOTS]);

impl Attributes {
    /// Attributes by slot.
    pub const fn new(values: [u32; SLOTS]) -> Self {
        Self(values)
    }

    /// The attribute in a slot.
    pub fn value(&self, slot: Slot) -> u32 {
        self.0[slot.0 as usize]
    }

    pub(crate) fn to_fields(&self) -> [Fr; SLOTS] {
        self.0.map(Fr::from)
    }
}

/// The attributes of a circuit, ready to be chosen from.
///
/// The values are taken for those of a polynomial of degree 8 at 0, …, 8, so that the one in slot
/// `s` is the polynomial at `s`: eight rows by Horner's rule, and one public input for a selector
/// where a one-hot selector would take nine.
pub struct AttributeWires {
    coefficients: [Num; SLOTS],
}

impl AttributeWires {
    /// Interpolates the attributes; makes no row.
    pub fn interpolate(values: &[Num; SLOTS]) -> Self {
        let coefficients = array::from_fn(|power| {
            let mut coefficient = Num::zero();
            for (value, factor) in values.iter().zip(&INTERPOLATION[power]) {
                coefficient.add_scaled(value, *factor);
            }
            coefficient
        });
        Self { coefficients }
    }

    /// The attribute in slot `slot`, which must be a number from 0 to 8: elsewhere the result is a
    /// meaningless combination of attributes. Eight rows.
    ///
    /// Slots come from public inputs, which the verifier encodes from a typed policy.
    pub fn value(&self, cs: &mut ConstraintSystem, slot: &Num) -> Num {
        let mut value = self.coefficients[SLOTS - 1].clone();
        for coefficient in self.coefficients[..SLOTS - 1].iter().rev() {
            value = &cs.product("horner", &value, slot) + coefficient;
        }
        value
    }
}

/// `INTERPOLATION[k][j]`: the coefficient of `x^k` in the polynomial that is 1 at `j` and 0 at the
/// other slots.
static INTERPOLATION: LazyLock<[[Fr; SLOTS]; SLOTS]> = LazyLock::new(|| {
    let mut coefficients = [[Fr::zero(); SLOTS]; SLOTS];
    for (slot, root_slot) in (0..SLOTS).map(|slot| (slot, Fr::from(slot as u64))) {
        let mut basis = [Fr::zero(); SLOTS];
        basis[0] = Fr::one();
        let mut scale = Fr::one();
        for other in (0..SLOTS).filter(|&other| other != slot) {
            let root = Fr::from(other as u64);
            for power in (0..SLOTS).rev() {
                let below = if power == 0 { Fr::zero() } else { basis[power - 1] };
                basis[power] = below - root * basis[power];
            }
            scale *= root_slot - root;
        }
        let scale = scale.inverse().expect("slots are distinct");
        for (row, coefficient) in coefficients.iter_mut().zip(basis) {
            row[slot] = coefficient * scale;
        }
    }
    coefficients
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Synthesis;

    #[test]
    fn every_slot_chooses_its_attribute() {
        let attributes = Attributes::new([u32::MAX, 0, 1, 7, 42, 1 << 31, 9, u32::MAX - 1, 5]);
        for number in 0..SLOTS as u8 {
            let slot = Slot::new(number).expect("a slot");
            let mut chosen = Fr::zero();
            let synthesis = Synthesis::of(|cs| {
                let values = attributes.to_fields().map(|value| cs.private("attribute", value));
                let slot = cs.private("slot", Fr::from(number));
                chosen = AttributeWires::interpolate(&values).value(cs, &slot).value();
            });
            assert!(synthesis.is_satisfied());
            assert_eq!(chosen, Fr::from(attributes.value(slot)));
        }
        assert_eq!(Slot::new(SLOTS as u8), None);
    }

    #[test]
    fn every_wrong_step_is_refused() {
        let honest = Synthesis::of(|cs| {
            let values = [3u64, 1, 4, 1, 5, 9, 2, 6, 5].map(|v| cs.private("a", Fr::from(v)));
            let slot = cs.private("slot", Fr::from(5u64));
            let expected = cs.private("expected", Fr::from(9u64));
            let chosen = AttributeWires::interpolate(&values).value(cs, &slot);
            cs.enforce_equal(&chosen, &expected);
        });
        assert!(honest.is_satisfied());
        (SLOTS as u32 + 2..honest.wires()).for_each(|wire| honest.refuses_any_other_value(wire));
    }

    #[test]
    fn choice_of_an_attribute_costs_eight_rows() {
        let rows = crate::testing::rows(|cs, slot| {
            let values = array::from_fn(|_| slot.clone());
            AttributeWires::interpolate(&values).value(cs, slot);
        });
        assert_eq!(rows, SLOTS - 1);
    }
}
