//! Who a credential is about: a commitment to a secret that only the holder has.

use ark_bn254::Fr;

use crate::constraint_system::{ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::{public_element, secret_element};
use crate::poseidon;

secret_element! {
    /// The holder's secret, from which nullifiers come. No issuer ever sees it.
    HolderSecret
}

secret_element! {
    /// What makes the subject commitments of one holder differ from credential to credential.
    SubjectBlinding
}

public_element! {
    /// `Poseidon(tag, secret, blinding)`: all that an office learns of the holder's secret.
    SubjectCommitment
}

/// The subject commitment of a secret; the twin of [`subject_gadget`].
pub fn subject(secret: &HolderSecret, blinding: &SubjectBlinding) -> SubjectCommitment {
    SubjectCommitment::from_field(subject_element(secret.expose(), blinding.expose()))
}

pub(crate) fn subject_element(secret: Fr, blinding: Fr) -> Fr {
    poseidon::hash(&[Domain::Subject.tag(), secret, blinding])
}

/// The subject commitment in a circuit: 258 rows.
pub fn subject_gadget(cs: &mut ConstraintSystem, secret: &Num, blinding: &Num) -> Num {
    let tag = Num::constant(cs, Domain::Subject.tag());
    poseidon::hash_gadget(cs, &[&tag, secret, blinding])
}
