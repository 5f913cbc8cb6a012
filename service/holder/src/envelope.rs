//! The payout envelope: sealed to the treasury's key by HPKE.

use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::office::OfficeId;
use praman_circuits::payee::{Payee, PayeeSalt};
use praman_circuits::payout::PayoutBlinding;
use praman_files::sealed_box::{self, SealedBoxError};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const INFO: &[u8] = b"praman.envelope.1";

/// Plaintexts are padded to this length, so that an envelope's size reveals nothing about a name.
const PLAIN_BYTES: usize = 1_280;

/// The length of an envelope: the encapsulated key, the plaintext, the cipher's tag.
pub const SEALED_BYTES: usize = PLAIN_BYTES + sealed_box::OVERHEAD_BYTES;

/// The length of an envelope from before it named the office that registered the account: a claim that was
/// proved with one fits no other.
const SEALED_BYTES_BEFORE: usize = 1_024 + sealed_box::OVERHEAD_BYTES;

/// Whether a length is one of an envelope.
pub fn is_length(bytes: usize) -> bool {
    [SEALED_BYTES, SEALED_BYTES_BEFORE].contains(&bytes)
}

/// The treasury's public key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreasuryPublicKey(pub [u8; 32]);

/// Why an envelope can't be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The public key is invalid.
    #[error("the treasury's public key is not a valid X25519 key")]
    PublicKey,
    /// The payee's name and account are too long.
    #[error(
        "account and name together are too long for an envelope: ask the office for a credential with a shorter name"
    )]
    TooLong,
    /// Sealed to another key, or altered.
    #[error("the envelope is not sealed to this treasury, or was altered")]
    Sealed,
    /// It opens, but does not hold what an envelope should.
    #[error("the envelope holds no payout")]
    Contents,
}

/// What the treasury needs to pay, and to check that it pays what was proved.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    /// Whole rupees.
    pub amount: u32,
    /// The payee.
    pub payee: Payee,
    payee_salt: String,
    blinding: String,
    /// The office that registered the account, and its signature of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    office: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    office_signature: Option<String>,
}

impl Payout {
    /// Creates a payout.
    pub fn new(
        amount: u32,
        payee: Payee,
        payee_salt: &PayeeSalt,
        blinding: &PayoutBlinding,
    ) -> Self {
        let payee_salt = to_decimal(payee_salt.expose());
        let blinding = to_decimal(blinding.expose());
        Self { amount, payee, payee_salt, blinding, office: None, office_signature: None }
    }

    /// Returns the same, with the office that registered the account and its signature of that.
    pub fn registered_by(mut self, office: OfficeId, signature: &str) -> Self {
        self.office = Some(office.0);
        self.office_signature = Some(signature.to_owned());
        self
    }

    /// The office that registered the account, and its signature of that; what a claimant writes here proves
    /// nothing by itself.
    pub fn registrar(&self) -> Option<(OfficeId, &str)> {
        Some((OfficeId(self.office?), self.office_signature.as_deref()?))
    }

    /// Returns the salt of the payee digest.
    pub fn payee_salt(&self) -> Option<PayeeSalt> {
        parse_decimal(&self.payee_salt).ok().map(PayeeSalt::from_field)
    }

    /// Returns the blinding of the payout commitment.
    pub fn blinding(&self) -> Option<PayoutBlinding> {
        parse_decimal(&self.blinding).ok().map(PayoutBlinding::from_field)
    }
}

/// Seals a payout to the treasury.
///
/// # Errors
/// [`EnvelopeError::PublicKey`] or [`EnvelopeError::TooLong`].
pub fn seal(payout: &Payout, treasury: TreasuryPublicKey) -> Result<Vec<u8>, EnvelopeError> {
    let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
    serde_json::to_writer(&mut *plain, payout).map_err(|_| EnvelopeError::Contents)?;
    if plain.len() > PLAIN_BYTES {
        return Err(EnvelopeError::TooLong);
    }
    plain.resize(PLAIN_BYTES, b' ');
    sealed_box::seal(INFO, &plain, &treasury.0).map_err(|_| EnvelopeError::PublicKey)
}

/// Opens an envelope.
///
/// # Errors
/// [`EnvelopeError::Sealed`] or [`EnvelopeError::Contents`].
pub fn open(envelope: &[u8], private: &[u8; 32]) -> Result<Payout, EnvelopeError> {
    let plain = sealed_box::open(INFO, envelope, private).map_err(|_| EnvelopeError::Sealed)?;
    serde_json::from_slice(&plain).map_err(|_| EnvelopeError::Contents)
}

/// Returns the public key of a private one.
///
/// # Errors
/// [`EnvelopeError::PublicKey`] if the private key is invalid.
pub fn public_key(private: &[u8; 32]) -> Result<TreasuryPublicKey, EnvelopeError> {
    let public = sealed_box::public_key(private);
    public.map(TreasuryPublicKey).map_err(|SealedBoxError| EnvelopeError::PublicKey)
}

#[cfg(test)]
mod tests {
    use praman_circuits::Fr;

    use super::*;

    fn payout(name: &str) -> Payout {
        let payee = Payee { account: "1".into(), ifsc: "SBIN0000001".into(), name: name.into() };
        let salt = PayeeSalt::from_field(Fr::from(2u64));
        Payout::new(1_200, payee, &salt, &PayoutBlinding::from_field(Fr::from(3u64)))
    }

    #[test]
    fn envelope_opens_with_the_treasurys_key_alone_and_shows_no_length() {
        let public = public_key(&[9; 32]).expect("a key");
        let sealed = seal(&payout("Rina"), public).expect("sealed");
        let longer = seal(&payout("Rina Bandyopadhyay"), public).expect("sealed");
        assert_eq!((sealed.len(), longer.len()), (SEALED_BYTES, SEALED_BYTES));
        assert_ne!(sealed, seal(&payout("Rina"), public).expect("sealed"));
        let opened = open(&sealed, &[9; 32]).expect("opens");
        assert_eq!((opened.amount, opened.payee.name.as_str()), (1_200, "Rina"));
        assert_eq!(open(&sealed, &[8; 32]).err(), Some(EnvelopeError::Sealed));
        for place in [0, 40, sealed.len() - 1] {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert_eq!(open(&altered, &[9; 32]).err(), Some(EnvelopeError::Sealed));
        }
        assert_eq!(open(&sealed[..20], &[9; 32]).err(), Some(EnvelopeError::Sealed));
        let long = payout(&"x".repeat(2_000));
        assert_eq!(seal(&long, public), Err(EnvelopeError::TooLong));
        assert_eq!(seal(&payout("R"), TreasuryPublicKey([0; 32])), Err(EnvelopeError::PublicKey));
    }
}
