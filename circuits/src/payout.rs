//! What is paid to whom, bound by the proof and opened only by the treasury.

use ark_bn254::Fr;

use crate::constraint_system::{ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::{digest_to_field, public_element, secret_element};
use crate::payee::PayeeDigest;
use crate::poseidon;

secret_element! {
    /// What keeps an amount from being guessed from its commitment.
    PayoutBlinding
}

public_element! {
    /// `Poseidon(tag, amount, payee digest, hash of the payout envelope, blinding)`.
    PayoutCommitment
}

public_element! {
    /// The hash of a sealed payout envelope's bytes: a public input, so that a claim is taken with no other.
    EnvelopeHash
}

impl EnvelopeHash {
    /// The hash of an envelope: SHA-256 of its bytes behind their length, top three bits cleared.
    pub fn of(envelope: &[u8]) -> Self {
        Self::from_field(digest_to_field(&[envelope]))
    }
}

/// The payout commitment; the twin of [`payout_gadget`]. `amount` is in whole rupees.
pub fn payout(
    amount: u32,
    payee: PayeeDigest,
    envelope: EnvelopeHash,
    blinding: &PayoutBlinding,
) -> PayoutCommitment {
    PayoutCommitment::from_field(payout_element(
        Fr::from(amount),
        payee.to_field(),
        envelope.to_field(),
        blinding.expose(),
    ))
}

pub(crate) fn payout_element(amount: Fr, payee: Fr, envelope: Fr, blinding: Fr) -> Fr {
    poseidon::hash(&[Domain::Payout.tag(), amount, payee, envelope, blinding])
}

/// The payout commitment in a circuit: 318 rows.
pub fn payout_gadget(
    cs: &mut ConstraintSystem,
    amount: &Num,
    payee: &Num,
    envelope: &Num,
    blinding: &Num,
) -> Num {
    let tag = Num::constant(cs, Domain::Payout.tag());
    poseidon::hash_gadget(cs, &[&tag, amount, payee, envelope, blinding])
}
