//! The keys by which requesters confirm and clinicians open in an emergency.

use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;
use crate::files;
use crate::sealed::{Passphrase, SealedKey, random_key};

/// An opened key, Ed25519, and whose it is.
pub struct SignerKey {
    /// Whose.
    pub name: String,
    signing: SigningKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerFile {
    format: String,
    name: String,
    public_key: String,
    sealed: SealedKey,
}

const FORMAT: &str = "praman-signer-1";
const PURPOSE: &str = "praman signing key of a requester or clinician";

impl SignerKey {
    /// A fresh key.
    pub fn generate(name: &str) -> Self {
        Self { name: name.to_owned(), signing: SigningKey::from_bytes(&random_key()) }
    }

    /// Writes the key, sealed.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if the file is there; [`ServiceError::File`].
    pub fn save(&self, path: &Path, passphrase: &Passphrase) -> Result<(), ServiceError> {
        let file = SignerFile {
            format: FORMAT.to_owned(),
            name: self.name.clone(),
            public_key: hex::encode(self.public()),
            sealed: SealedKey::seal(self.signing.as_bytes(), PURPOSE, passphrase)?,
        };
        files::write_new_json(path, &file)
    }

    /// Opens a key.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] for a wrong passphrase; else what is wrong with the file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, ServiceError> {
        let file: SignerFile = files::read_json(path)?;
        if file.format != FORMAT {
            return Err(ServiceError::malformed(path, "not a key of a requester or clinician"));
        }
        let signing = SigningKey::from_bytes(&*file.sealed.open(PURPOSE, passphrase)?);
        let key = Self { name: file.name, signing };
        if hex::encode(key.public()) != file.public_key {
            let reason = "the public key is not that of the sealed one";
            return Err(ServiceError::malformed(path, reason));
        }
        Ok(key)
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}
