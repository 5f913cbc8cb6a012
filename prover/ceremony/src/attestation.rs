//! Who stands behind a contribution: what they sign of it themselves, and what a coordinator signs of who was signed in.
//!
//! No hash of a ceremony covers a contributor's name. So a contributor signs the contribution's hash together with their
//! name, their organisation and what they say in public of how they made it.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::draw::Hash;

const ATTESTATION: &str = "praman-attestation-1";
const RECEIPT: &str = "praman-ceremony-receipt-1";

/// Why a signed text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// It is of another format.
    #[error("it is no {0}")]
    Format(&'static str),
    /// Its key or its signature is not written as one.
    #[error("its key or signature is not in hexadecimal digits")]
    Unreadable,
    /// The signature is not the key's of this text.
    #[error("its signature is not that of its key")]
    Wrong,
}

/// What a contributor signs of a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    format: String,
    /// The hash of circuit and phase 1, in hexadecimal digits.
    pub circuit_hash: String,
    /// The contribution's hash.
    pub contribution: String,
    /// Who contributed.
    pub name: String,
    /// For which organisation.
    pub organisation: String,
    /// What they say of it: on which machine, and what became of the secret.
    pub statement: String,
    /// The key that signs, Ed25519.
    pub public_key: String,
    signature: String,
}

impl Attestation {
    /// Signs a contribution.
    pub fn sign(
        circuit_hash: &Hash,
        contribution: &Hash,
        [name, organisation, statement]: [&str; 3],
        key: &SigningKey,
    ) -> Self {
        let mut attestation = Self {
            format: ATTESTATION.to_owned(),
            circuit_hash: hex::encode(circuit_hash),
            contribution: hex::encode(contribution),
            name: name.to_owned(),
            organisation: organisation.to_owned(),
            statement: statement.to_owned(),
            public_key: hex::encode(key.verifying_key().to_bytes()),
            signature: String::new(),
        };
        attestation.signature = hex::encode(key.sign(&attestation.message()).to_bytes());
        attestation
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`SignatureFault`].
    pub fn check(&self) -> Result<(), SignatureFault> {
        if self.format != ATTESTATION {
            return Err(SignatureFault::Format(ATTESTATION));
        }
        check(&self.public_key, &self.signature, &self.message())
    }

    fn message(&self) -> Vec<u8> {
        let Self { circuit_hash, contribution, name, organisation, statement, public_key, .. } =
            self;
        let parts = [circuit_hash, contribution, name, organisation, statement, public_key];
        message(ATTESTATION, parts.map(String::as_bytes))
    }
}

/// What a coordinator signs of a contribution that it took: where it stands, and who was signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    format: String,
    /// The hash of circuit and phase 1, in hexadecimal digits.
    pub circuit_hash: String,
    /// The contribution's hash.
    pub contribution: String,
    /// Its number, from 1.
    pub number: u32,
    /// SHA-256 of the whole file with it.
    pub file_sha256: String,
    /// Who was signed in, as the access table has them.
    pub identity: String,
    /// When it was taken, in seconds since 1970.
    pub time: i64,
    /// The coordinator's key, Ed25519.
    pub public_key: String,
    signature: String,
}

/// What a receipt is of.
pub struct Taken<'a> {
    /// The hash of circuit and phase 1.
    pub circuit_hash: &'a Hash,
    /// The contribution's hash.
    pub contribution: &'a Hash,
    /// Its number, from 1.
    pub number: u32,
    /// SHA-256 of the whole file with it.
    pub file_sha256: [u8; 32],
    /// Who was signed in.
    pub identity: &'a str,
    /// When it was taken, in seconds since 1970.
    pub time: i64,
}

impl Receipt {
    /// Signs that a contribution was taken.
    pub fn sign(taken: &Taken<'_>, key: &SigningKey) -> Self {
        let mut receipt = Self {
            format: RECEIPT.to_owned(),
            circuit_hash: hex::encode(taken.circuit_hash),
            contribution: hex::encode(taken.contribution),
            number: taken.number,
            file_sha256: hex::encode(taken.file_sha256),
            identity: taken.identity.to_owned(),
            time: taken.time,
            public_key: hex::encode(key.verifying_key().to_bytes()),
            signature: String::new(),
        };
        receipt.signature = hex::encode(key.sign(&receipt.message()).to_bytes());
        receipt
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`SignatureFault`].
    pub fn check(&self) -> Result<(), SignatureFault> {
        if self.format != RECEIPT {
            return Err(SignatureFault::Format(RECEIPT));
        }
        check(&self.public_key, &self.signature, &self.message())
    }

    fn message(&self) -> Vec<u8> {
        let parts = [
            self.circuit_hash.as_bytes(),
            self.contribution.as_bytes(),
            &self.number.to_be_bytes(),
            self.file_sha256.as_bytes(),
            self.identity.as_bytes(),
            &self.time.to_be_bytes(),
            self.public_key.as_bytes(),
        ];
        message(RECEIPT, parts)
    }
}

/// The parts of a text, each with its length before it.
fn message<const N: usize>(format: &str, parts: [&[u8]; N]) -> Vec<u8> {
    let mut message = format.as_bytes().to_vec();
    for part in parts {
        message.extend((part.len() as u64).to_be_bytes());
        message.extend(part);
    }
    message
}

fn check(public_key: &str, signature: &str, message: &[u8]) -> Result<(), SignatureFault> {
    let mut key = [0; 32];
    let mut bytes = [0; 64];
    let read = hex::decode_to_slice(public_key, &mut key)
        .and_then(|()| hex::decode_to_slice(signature, &mut bytes));
    read.map_err(|_| SignatureFault::Unreadable)?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| SignatureFault::Unreadable)?;
    key.verify_strict(message, &Signature::from_bytes(&bytes)).map_err(|_| SignatureFault::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attestation_with_any_other_word_is_refused() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let signed =
            Attestation::sign(&[1; 64], &[2; 64], ["Asha", "a court", "on a laptop"], &key);
        assert_eq!(signed.check(), Ok(()));
        let others: [fn(&mut Attestation); 5] = [
            |it| it.name.push('!'),
            |it| it.organisation = "a press".to_owned(),
            |it| it.statement.clear(),
            |it| it.contribution = hex::encode([3; 64]),
            |it| {
                // The same letters in other fields.
                it.name = "Ash".to_owned();
                it.organisation = "aa court".to_owned();
            },
        ];
        for (place, change) in others.iter().enumerate() {
            let mut other = signed.clone();
            change(&mut other);
            assert_eq!(other.check(), Err(SignatureFault::Wrong), "change {place}");
        }
        let mut other = signed;
        other.format = RECEIPT.to_owned();
        assert_eq!(other.check(), Err(SignatureFault::Format(ATTESTATION)));
    }

    #[test]
    fn receipt_with_any_other_word_is_refused() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let taken = Taken {
            circuit_hash: &[1; 64],
            contribution: &[2; 64],
            number: 3,
            file_sha256: [4; 32],
            identity: "https://id.example#asha",
            time: 1_700_000_000,
        };
        let signed = Receipt::sign(&taken, &key);
        assert_eq!(signed.check(), Ok(()));
        let others: [fn(&mut Receipt); 4] = [
            |it| it.number = 4,
            |it| it.identity.push('a'),
            |it| it.time += 1,
            |it| it.file_sha256 = hex::encode([5; 32]),
        ];
        for (place, change) in others.iter().enumerate() {
            let mut other = signed.clone();
            change(&mut other);
            assert_eq!(other.check(), Err(SignatureFault::Wrong), "change {place}");
        }
    }
}
