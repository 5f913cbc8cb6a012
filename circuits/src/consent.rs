//! The consent statement: a provider may release one record to one requester, once.
//!
//! Clauses C1 to C11 are those of `docs/STATEMENTS.md`; the native check, the constraints and the tests
//! cite the same numbers. Public inputs come in the order of [`PublicInputs::names`].

mod check;
mod inputs;
#[cfg(test)]
mod tests;

use ark_bn254::Fr;
use ark_ff::One;

pub use check::{Violation, check};
pub use inputs::{Grant, PUBLIC_INPUTS, PrivateInputs, PublicInputs, Request};

use crate::access::{access_gadget, lock_gadget, number_gadget, one_of_gadget, window_gadget};
use crate::artefact::Purpose;
use crate::attributes::AttributeWires;
use crate::constraint_system::{ConstraintSystem, Num};
use crate::health_record::{RECORD_TYPES, handle_gadget, record_gadget};
use crate::merkle::root_of_gadget;
use crate::policy::VALUE_BITS;
use crate::range::to_bits_gadget;
use crate::subject::subject_gadget;
use inputs::{PrivateWires, PublicWires};

/// The numbers of the purposes that a consent can be for: break-the-glass is not among them.
pub(crate) const PURPOSES: [u8; Purpose::OF_CONSENT.len()] = {
    let mut numbers = [0; Purpose::OF_CONSENT.len()];
    let mut place = 0;
    while place < numbers.len() {
        numbers[place] = Purpose::OF_CONSENT[place].number();
        place += 1;
    }
    numbers
};

/// The numbers of the types.
pub(crate) const TYPES: [u8; RECORD_TYPES] = [0, 1, 2, 3, 4, 5, 6, 7];

/// Builds the statement's constraints and the value of every wire.
///
/// An assignment is made for any inputs. Where the minute `as_of` has 32 bits, it satisfies the
/// constraints exactly where [`check`] finds no violation.
pub fn synthesize(
    cs: &mut ConstraintSystem,
    public: &[Fr; PUBLIC_INPUTS],
    private: &PrivateInputs,
) {
    let public = PublicWires::make(cs, public);
    let private = PrivateWires::make(cs, private);
    let (record, terms) = (&private.record, &private.terms);
    let one = Num::constant(cs, Fr::one());

    // C1. I know the secret behind one subject; record and consent below are both of that subject.
    let subject =
        cs.clause("C1 subject", |cs| subject_gadget(cs, &private.secret, &private.blinding));

    // C2. The record is live: of that subject and the requested type, and a leaf of the provider's
    // records.
    let leaf = cs.clause("C2 live record", |cs| {
        let parts = [&subject, &public.record_type, &record.date, &record.content, &record.salt];
        let leaf = record_gadget(cs, parts);
        let root = root_of_gadget(cs, &leaf, &private.record_path);
        cs.enforce_equal(&root, &public.records_root);
        leaf
    });

    // C3. The consent is live: of that subject to this requester for this purpose and mode, and a leaf of the
    // provider's consents.
    let consent = cs.clause("C3 live consent", |cs| {
        let parts = [&subject, &public.requester, &public.purpose, &public.mode];
        let consent = terms.commitment(cs, parts);
        let root = root_of_gadget(cs, &consent, &private.consent_path);
        cs.enforce_equal(&root, &public.consents_root);
        consent
    });

    // C4. The purpose is one that a consent can be for.
    cs.clause("C4 purpose", |cs| one_of_gadget(cs, &public.purpose, &PURPOSES));

    // C5. The requested type is a type, and its bit is set in the consent's mask.
    cs.clause("C5 type", |cs| {
        one_of_gadget(cs, &public.record_type, &TYPES);
        let bits = to_bits_gadget(cs, &terms.types, RECORD_TYPES);
        // A ninth value, which no type names, for the interpolation over nine.
        let mut values = std::array::from_fn(|_| Num::zero());
        for (value, bit) in values.iter_mut().zip(&bits) {
            *value = bit.num().clone();
        }
        let covered = AttributeWires::interpolate(&values).value(cs, &public.record_type);
        cs.enforce_equal(&covered, &one);
    });

    // C6. The record's date lies within the consent's range.
    cs.clause("C6 date", |cs| {
        let (since_from, until_to) = (&record.date - &terms.from, &terms.to - &record.date);
        cs.scope("from", |cs| to_bits_gadget(cs, &since_from, VALUE_BITS));
        cs.scope("to", |cs| to_bits_gadget(cs, &until_to, VALUE_BITS));
    });

    // C7. The consent is valid as of now, and what is got need not yet be erased.
    let elapsed = &public.as_of - &terms.valid_from;
    cs.clause("C7 validity", |cs| {
        let until_end = &(&terms.valid_until - &public.as_of) - &one;
        let until_erasure = &(&terms.erase_at - &public.as_of) - &one;
        cs.scope("valid_from", |cs| to_bits_gadget(cs, &elapsed, VALUE_BITS));
        cs.scope("valid_until", |cs| to_bits_gadget(cs, &until_end, VALUE_BITS));
        cs.scope("erase_at", |cs| to_bits_gadget(cs, &until_erasure, VALUE_BITS));
    });

    // C8. It is this window of the consent's frequency.
    cs.clause("C8 window", |cs| window_gadget(cs, &elapsed, &terms.window, &private.window));

    // C9. The access's number is below the count of a window.
    cs.clause("C9 number", |cs| number_gadget(cs, &private.number, &terms.accesses));

    // C10. The nullifier is the only one of this consent, window and number on this ledger.
    cs.clause("C10 nullifier", |cs| {
        let lock = lock_gadget(cs, [&private.secret, &consent, &private.window]);
        let nullifier = access_gadget(cs, [&lock, &public.context, &private.number]);
        cs.enforce_equal(&nullifier, &public.nullifier);
    });

    // C11. The handle is of that record.
    cs.clause("C11 handle", |cs| {
        let handle = handle_gadget(cs, &leaf, &private.handle_blinding);
        cs.enforce_equal(&handle, &public.handle);
    });
}
