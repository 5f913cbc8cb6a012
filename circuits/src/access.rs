//! One use of a consent: its place in the consent's frequency, and the value that shows a second use.
//!
//! A nullifier is made in two steps. A window's *lock* takes in the patient's secret, the consent and the window;
//! a nullifier takes in the lock, the ledger's context and the access's number. So a patient can end the accesses
//! that are left of a window without the consent manager: whoever shows the lock to the ledger spends its
//! nullifiers there. Nobody learns a lock from the nullifiers, and so nobody else can spend them.

use ark_bn254::Fr;
use ark_ff::{One, PrimeField, Zero};

use crate::artefact::ConsentCommitment;
use crate::constraint_system::{ConstraintSystem, Num};
use crate::context::Context;
use crate::domain::Domain;
use crate::field::{public_element, secret_element};
use crate::policy::VALUE_BITS;
use crate::poseidon;
use crate::range::{fits, to_bits_gadget};
use crate::subject::HolderSecret;

/// Bits of an access's number and of how many there may be.
pub const ACCESS_BITS: usize = 32;

secret_element! {
    /// `Poseidon(tag, secret, consent, window)`: from it follow the nullifiers of a window's accesses, and
    /// nothing else does.
    AccessLock
}

public_element! {
    /// `Poseidon(tag, lock, context, number)`: the only one of an access.
    AccessNullifier
}

/// The lock of a window of a consent; the twin of [`lock_gadget`].
///
/// The secret is in it because the provider and the consent manager know the consent: without the
/// secret they could tell which consent an access on chain was of.
pub fn access_lock(secret: &HolderSecret, consent: ConsentCommitment, window: u32) -> AccessLock {
    let parts = [secret.expose(), consent.to_field(), Fr::from(window)];
    AccessLock::from_field(lock_element(parts))
}

pub(crate) fn lock_element([secret, consent, window]: [Fr; 3]) -> Fr {
    poseidon::hash(&[Domain::AccessLock.tag(), secret, consent, window])
}

/// A window's lock in a circuit, of secret, consent and window. 294 rows.
pub fn lock_gadget(cs: &mut ConstraintSystem, parts: [&Num; 3]) -> Num {
    let tag = Num::constant(cs, Domain::AccessLock.tag());
    let [secret, consent, window] = parts;
    poseidon::hash_gadget(cs, &[&tag, secret, consent, window])
}

/// The nullifier of access `number` of a window on a ledger; the twin of [`access_gadget`]. The contract
/// `Consents` computes it too.
pub fn access_nullifier(lock: &AccessLock, context: Context, number: u32) -> AccessNullifier {
    let parts = [lock.expose(), context.to_field(), Fr::from(number)];
    AccessNullifier::from_field(access_element(parts))
}

pub(crate) fn access_element([lock, context, number]: [Fr; 3]) -> Fr {
    poseidon::hash(&[Domain::Access.tag(), lock, context, number])
}

/// An access's nullifier in a circuit, of the window's lock, context and number. 294 rows.
pub fn access_gadget(cs: &mut ConstraintSystem, parts: [&Num; 3]) -> Num {
    let tag = Num::constant(cs, Domain::Access.tag());
    let [lock, context, number] = parts;
    poseidon::hash_gadget(cs, &[&tag, lock, context, number])
}

/// Whether `window` is the number of the window of some length that `elapsed` falls into, all of them
/// field elements that may be anything; the twin of [`window_gadget`].
pub(crate) fn in_window(elapsed: Fr, length: Fr, window: Fr) -> bool {
    let into = elapsed - window * length;
    fits(window, VALUE_BITS)
        && fits(length, VALUE_BITS)
        && fits(into, VALUE_BITS)
        && fits(length - into - Fr::one(), VALUE_BITS)
}

/// Holds `window` to be the number of the window that `elapsed` falls into: `elapsed - window · length`
/// is not negative and below `length`.
///
/// Window and length are held below 2³², or the product could wrap: a remainder of any size has a
/// quotient in the field, and each would be an access of its own. 129 rows.
pub fn window_gadget(cs: &mut ConstraintSystem, elapsed: &Num, length: &Num, window: &Num) {
    let one = Num::constant(cs, Fr::one());
    let begun = cs.product("begun", window, length);
    let into = elapsed - &begun;
    let left = &(length - &into) - &one;
    cs.scope("window", |cs| to_bits_gadget(cs, window, VALUE_BITS));
    cs.scope("length", |cs| to_bits_gadget(cs, length, VALUE_BITS));
    cs.scope("into", |cs| to_bits_gadget(cs, &into, VALUE_BITS));
    cs.scope("left", |cs| to_bits_gadget(cs, &left, VALUE_BITS));
}

/// Whether `number` is below `count`, both of 32 bits; the twin of [`number_gadget`].
pub(crate) fn below_count(number: Fr, count: Fr) -> bool {
    fits(number, ACCESS_BITS) && fits(count - number - Fr::one(), ACCESS_BITS)
}

/// Holds `number` below `count`: 64 rows.
pub fn number_gadget(cs: &mut ConstraintSystem, number: &Num, count: &Num) {
    let one = Num::constant(cs, Fr::one());
    let left = &(count - number) - &one;
    cs.scope("number", |cs| to_bits_gadget(cs, number, ACCESS_BITS));
    cs.scope("left", |cs| to_bits_gadget(cs, &left, ACCESS_BITS));
}

/// Whether a number is one of some; the twin of [`one_of_gadget`].
pub(crate) fn one_of(number: Fr, choices: &[u8]) -> bool {
    choices.iter().any(|&choice| number == Fr::from(choice))
}

/// Holds a number to be one of some: `∏ (number - choice) = 0`, one row fewer than there are.
pub fn one_of_gadget(cs: &mut ConstraintSystem, number: &Num, choices: &[u8]) {
    let differences: Vec<Num> =
        choices.iter().map(|&choice| number - &Num::constant(cs, Fr::from(choice))).collect();
    let (last, others) = differences.split_last().expect("some choices");
    let mut product = others[0].clone();
    for difference in &others[1..] {
        product = cs.product("difference", &product, difference);
    }
    cs.enforce(&product, last, &Num::zero());
}

/// Whether bit `number` of an 8-bit mask is set; the twin of the statement's C5.
pub(crate) fn mask_has(mask: Fr, number: Fr) -> bool {
    let numbers = 0u64..8;
    let bits = mask.into_bigint().0[0];
    let set = |bit: u64| bits >> bit & 1 == 1;
    fits(mask, 8)
        && numbers.into_iter().any(|bit| number == Fr::from(bit) && set(bit))
        && !mask.is_zero()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Synthesis, rows};

    fn window(elapsed: Fr, length: Fr, window: Fr) -> Synthesis {
        Synthesis::of(|cs| {
            let elapsed = cs.private("elapsed", elapsed);
            let length = cs.private("length", length);
            let window = cs.private("window", window);
            window_gadget(cs, &elapsed, &length, &window);
        })
    }

    fn number(number: Fr, count: Fr) -> Synthesis {
        Synthesis::of(|cs| {
            let (number, count) = (cs.private("number", number), cs.private("count", count));
            number_gadget(cs, &number, &count);
        })
    }

    #[test]
    fn window_that_is_a_quotient_in_the_field_alone_is_refused() {
        let (elapsed, length) = (Fr::from(1_000u64), Fr::from(300u64));
        assert!(window(elapsed, length, Fr::from(3u64)).is_satisfied());
        // 1000 - w 300 = 7 has a solution in the field, of more than 32 bits.
        let quotient = (elapsed - Fr::from(7u64)) / length;
        assert!(!in_window(elapsed, length, quotient));
        assert!(!window(elapsed, length, quotient).is_satisfied());
    }

    #[test]
    fn every_wrong_bit_is_refused() {
        let honest = window(Fr::from(1_000u64), Fr::from(300u64), Fr::from(3u64));
        (1..honest.wires()).skip(3).for_each(|wire| honest.refuses_any_other_value(wire));
        let honest = number(Fr::from(1u64), Fr::from(3u64));
        (1..honest.wires()).skip(2).for_each(|wire| honest.refuses_any_other_value(wire));
    }

    #[test]
    fn one_of_gadget_takes_the_listed_numbers_and_no_other() {
        let choices = [0, 2, 3, 4, 5];
        for value in (0u64..8).map(Fr::from).chain([-Fr::one(), Fr::from(1u64 << 40)]) {
            let synthesis = Synthesis::of(|cs| {
                let number = cs.private("number", value);
                one_of_gadget(cs, &number, &choices);
            });
            assert_eq!(synthesis.is_satisfied(), one_of(value, &choices), "{value}");
        }
    }

    #[test]
    fn access_has_its_pinned_rows() {
        assert_eq!(rows(|cs, x| window_gadget(cs, x, x, x)), 129);
        assert_eq!(rows(|cs, x| number_gadget(cs, x, x)), 64);
        assert_eq!(rows(|cs, x| one_of_gadget(cs, x, &[0, 2, 3, 4, 5])), 4);
        assert_eq!(rows(|cs, x| drop(lock_gadget(cs, [x; 3]))), 294);
        assert_eq!(rows(|cs, x| drop(access_gadget(cs, [x; 3]))), 294);
    }

    fn edge() -> impl Strategy<Value = u64> {
        let top = 1u64 << VALUE_BITS;
        prop_oneof![
            0u64..1_000,
            0..2 * top,
            Just(0),
            Just(1),
            Just(top - 1),
            Just(top),
            Just(u64::from(u32::MAX)),
        ]
    }

    proptest! {
        #[test]
        fn windows_agree_with_their_twin(elapsed in edge(), length in edge(), at in edge(), right: bool) {
            let at = if right { elapsed.checked_div(length).unwrap_or(0) } else { at };
            let [elapsed_in, length_in, at_in] = [elapsed, length, at].map(Fr::from);
            let native = in_window(elapsed_in, length_in, at_in);
            prop_assert_eq!(window(elapsed_in, length_in, at_in).is_satisfied(), native);
            if native {
                prop_assert_eq!(at, elapsed / length);
            }
        }

        #[test]
        fn numbers_agree_with_their_twin(k in edge(), count in edge()) {
            let (k_in, count_in) = (Fr::from(k), Fr::from(count));
            let native = below_count(k_in, count_in);
            prop_assert_eq!(number(k_in, count_in).is_satisfied(), native);
            let small = |value: u64| value < 1 << ACCESS_BITS;
            prop_assert!(!small(k) || !small(count) || native == (k < count));
        }
    }
}
