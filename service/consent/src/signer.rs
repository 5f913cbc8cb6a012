//! The keys that requesters confirm with and clinicians open with in an emergency.

use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use praman_files::FileError;
use praman_files::sealed::Passphrase;
use praman_files::signing_key::{self, KeyKind};

/// An opened key, Ed25519, and its owner.
pub struct SignerKey {
    /// The owner's name.
    pub name: String,
    signing: SigningKey,
}

const KIND: KeyKind = KeyKind {
    format: "praman-signer-1",
    purpose: "praman signing key of a requester or clinician",
};

impl SignerKey {
    /// Generates a key.
    pub fn generate(name: &str) -> Self {
        Self { name: name.to_owned(), signing: signing_key::generate() }
    }

    /// Writes the key, sealed.
    ///
    /// # Errors
    /// [`FileError::Exists`]; [`FileError::Io`].
    pub fn save(&self, path: &Path, passphrase: &Passphrase) -> Result<(), FileError> {
        KIND.save(path, &self.name, &self.signing, passphrase)
    }

    /// Opens a key.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`]; else what is wrong with the file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, FileError> {
        let (name, signing) = KIND.open(path, passphrase)?;
        Ok(Self { name, signing })
    }

    /// Returns the public key.
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}
