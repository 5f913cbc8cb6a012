//! The statement's native twin, clause by clause.

use ark_bn254::Fr;
use ark_ff::One;

use super::inputs::{PUBLIC_INPUTS, PrivateInputs};
use super::{PURPOSES, TYPES};
use crate::access::{access_element, below_count, in_window, lock_element, mask_has, one_of};
use crate::health_record::{handle_element, record_element};
use crate::merkle::root_of;
use crate::policy::VALUE_BITS;
use crate::range::fits;
use crate::subject::subject_element;

/// The first clause of the statement that does not hold, in words for the person who consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// C2.
    #[error("C2: the provider has no such record of this person, of the type that is asked for")]
    Record,
    /// C3.
    #[error(
        "C3: this person has no live consent with the provider to this requester for this purpose and mode"
    )]
    Consent,
    /// C4.
    #[error("C4: a consent can't be for this purpose")]
    Purpose,
    /// C5.
    #[error("C5: the consent does not cover records of this type")]
    RecordType,
    /// C6.
    #[error("C6: the record's date is outside what the consent covers")]
    Date,
    /// C7.
    #[error("C7: the consent is not yet valid")]
    NotYetValid,
    /// C7.
    #[error("C7: the consent has ended")]
    Ended,
    /// C7.
    #[error("C7: what the consent gave must be erased by now")]
    Erased,
    /// C8.
    #[error("C8: the access is not in this window of the consent's frequency")]
    Window,
    /// C9.
    #[error("C9: the consent allows no further access in this window")]
    Count,
    /// C10.
    #[error("C10: the nullifier is not that of this consent, window and access on this ledger")]
    Nullifier,
    /// C11.
    #[error("C11: the handle is not that of this record")]
    Handle,
}

/// Checks the statement without a circuit.
///
/// # Errors
/// The first [`Violation`] found. [`synthesize`](super::synthesize) makes an unsatisfied system exactly then,
/// where the minute has 32 bits.
pub fn check(public: &[Fr; PUBLIC_INPUTS], private: &PrivateInputs) -> Result<(), Violation> {
    let [context, records, consents, as_of, requester, purpose, record_type, ..] = *public;
    let [.., mode, handle, nullifier] = *public;
    let (record, terms) = (&private.record, &private.terms);
    let require = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };

    // C1
    let subject = subject_element(private.secret, private.blinding);

    // C2
    let leaf = record_element([subject, record_type, record.date, record.content, record.salt]);
    require(root_of(leaf, &private.record_path) == Some(records), Violation::Record)?;

    // C3
    let consent = terms.commitment([subject, requester, purpose, mode]);
    require(root_of(consent, &private.consent_path) == Some(consents), Violation::Consent)?;

    // C4
    require(one_of(purpose, &PURPOSES), Violation::Purpose)?;

    // C5
    require(one_of(record_type, &TYPES), Violation::RecordType)?;
    require(mask_has(terms.types, record_type), Violation::RecordType)?;

    // C6
    let not_after = |earlier: Fr, later: Fr| fits(later - earlier, VALUE_BITS);
    require(not_after(terms.from, record.date), Violation::Date)?;
    require(not_after(record.date, terms.to), Violation::Date)?;

    // C7
    let elapsed = as_of - terms.valid_from;
    require(fits(elapsed, VALUE_BITS), Violation::NotYetValid)?;
    require(fits(terms.valid_until - as_of - Fr::one(), VALUE_BITS), Violation::Ended)?;
    require(fits(terms.erase_at - as_of - Fr::one(), VALUE_BITS), Violation::Erased)?;

    // C8
    require(in_window(elapsed, terms.window, private.window), Violation::Window)?;

    // C9
    require(below_count(private.number, terms.accesses), Violation::Count)?;

    // C10
    let lock = lock_element([private.secret, consent, private.window]);
    let expected = access_element([lock, context, private.number]);
    require(nullifier == expected, Violation::Nullifier)?;

    // C11
    require(handle == handle_element(leaf, private.handle_blinding), Violation::Handle)
}
