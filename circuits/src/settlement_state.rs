//! What a settlement carries from one chunk of claims to the next, without showing it.
//!
//! A state hides the sum so far behind a blinding. Only the last state of an opening is ever opened, by showing its
//! blinding; so the sum of all is told, and no chunk's.

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::claims_digest::ClaimsDigest;
use crate::constraint_system::{ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::{public_element, secret_element};
use crate::poseidon;

secret_element! {
    /// What keeps a sum from being guessed from a state.
    SettlementBlinding
}

public_element! {
    /// `Poseidon(tag, claims digest, total, blinding)`.
    SettlementState
}

/// What was paid so far: a count of claims and the sum of their amounts, as one field element.
///
/// Each amount is below 2³², so the sum of fewer than 2³² claims is below 2⁶⁴ and the two never run into each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The sum in whole rupees.
    pub rupees: u64,
    /// How many claims it is of.
    pub claims: u32,
}

/// What one counted claim adds to a total beside its amount: 2⁶⁴.
pub(crate) fn one_claim() -> Fr {
    Fr::from(1u128 << 64)
}

impl Total {
    /// `rupees + 2⁶⁴ · claims`.
    pub fn to_field(self) -> Fr {
        Fr::from(u128::from(self.rupees) + (u128::from(self.claims) << 64))
    }

    /// The total with one claim more.
    ///
    /// # Panics
    /// If there would be 2³² claims.
    #[must_use]
    pub fn with(self, amount: u32) -> Self {
        Self {
            rupees: self.rupees + u64::from(amount),
            claims: self.claims.checked_add(1).expect("fewer than 2^32 claims"),
        }
    }
}

impl SettlementState {
    /// Where each settlement starts: no claim, nothing paid, no blinding. Everyone knows it.
    pub fn initial() -> Self {
        Self::from_field(state_element([Fr::zero(); 3]))
    }
}

/// The state behind a digest of claims and what was paid of them; the twin of [`state_gadget`]. The contract
/// `Settlements` computes it of the last one.
pub fn settlement_state(
    digest: ClaimsDigest,
    total: Total,
    blinding: &SettlementBlinding,
) -> SettlementState {
    let parts = [digest.to_field(), total.to_field(), blinding.expose()];
    SettlementState::from_field(state_element(parts))
}

pub(crate) fn state_element([digest, total, blinding]: [Fr; 3]) -> Fr {
    poseidon::hash(&[Domain::Settlement.tag(), digest, total, blinding])
}

/// A settlement's state in a circuit, of digest, total and blinding. 294 rows.
pub fn state_gadget(cs: &mut ConstraintSystem, parts: [&Num; 3]) -> Num {
    let tag = Num::constant(cs, Domain::Settlement.tag());
    let [digest, total, blinding] = parts;
    poseidon::hash_gadget(cs, &[&tag, digest, total, blinding])
}

#[cfg(test)]
mod tests {
    use ark_ff::One;

    use super::*;
    use crate::testing::{Synthesis, rows};

    #[test]
    fn state_agrees_with_its_twin_and_binds_each_part() {
        let parts = [3u64, 5, 7].map(Fr::from);
        let synthesize = |parts: [Fr; 3], state: Fr| {
            Synthesis::of(|cs| {
                let wires = parts.map(|part| cs.private("part", part));
                let state = cs.private("state", state);
                let reached = state_gadget(cs, wires.each_ref());
                cs.enforce_equal(&reached, &state);
            })
        };
        let honest = synthesize(parts, state_element(parts));
        assert!(honest.is_satisfied());
        (1..honest.wires()).for_each(|wire| honest.refuses_any_other_value(wire));
        for place in 0..3 {
            let mut other = parts;
            other[place] += Fr::one();
            assert!(!synthesize(other, state_element(parts)).is_satisfied());
        }
    }

    #[test]
    fn count_and_sum_are_told_apart() {
        let total = Total::default().with(u32::MAX).with(1);
        assert_eq!(total, Total { rupees: 1 << 32, claims: 2 });
        let most = Total { rupees: u64::MAX, claims: 1 };
        assert_ne!(most.to_field(), Total { rupees: 0, claims: 2 }.to_field());
        assert_eq!(most.to_field() + Fr::one(), Total { rupees: 0, claims: 2 }.to_field());
    }

    #[test]
    fn first_state_is_pinned() {
        // The contract `Settlements` has it as a constant.
        let expected =
            "17773329816211001985945662318112895679500245061797849958247942495944636841306";
        assert_eq!(SettlementState::initial().to_string(), expected);
    }

    #[test]
    fn state_has_its_pinned_rows() {
        assert_eq!(rows(|cs, x| drop(state_gadget(cs, [x; 3]))), 294);
    }
}
