//! Ed25519 keys at rest: each beside its public key, sealed under a passphrase for one purpose.

use std::path::Path;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;
use crate::files;
use crate::sealed::{Passphrase, SealedKey, random_key};

/// A fresh key of the operating system.
pub(crate) fn generate() -> SigningKey {
    SigningKey::from_bytes(&random_key())
}

/// A key's public part as files have it.
pub(crate) fn public_text(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().to_bytes())
}

/// Opens a sealed key, which must be that of the public one beside it.
///
/// # Errors
/// [`ServiceError::Refused`] for a wrong passphrase; [`ServiceError::Malformed`] for another public key.
pub(crate) fn open(
    path: &Path,
    (public_key, sealed): (&str, &SealedKey),
    purpose: &str,
    passphrase: &Passphrase,
) -> Result<SigningKey, ServiceError> {
    let key = SigningKey::from_bytes(&*sealed.open(purpose, passphrase)?);
    if public_text(&key) != public_key {
        let reason = "the public key is not that of the sealed one";
        return Err(ServiceError::malformed(path, reason));
    }
    Ok(key)
}

/// A key's file that says whose it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedKeyFile {
    format: String,
    name: String,
    public_key: String,
    sealed: SealedKey,
}

/// What a file of somebody's key is known by, and what its key is sealed for.
pub(crate) struct KeyKind {
    pub(crate) format: &'static str,
    pub(crate) purpose: &'static str,
}

impl KeyKind {
    /// Writes a key to a file that must not be there yet.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if it is; [`ServiceError::File`].
    pub(crate) fn save(
        &self,
        path: &Path,
        name: &str,
        key: &SigningKey,
        passphrase: &Passphrase,
    ) -> Result<(), ServiceError> {
        let file = NamedKeyFile {
            format: self.format.to_owned(),
            name: name.to_owned(),
            public_key: public_text(key),
            sealed: SealedKey::seal(key.as_bytes(), self.purpose, passphrase)?,
        };
        files::write_new_json(path, &file)
    }

    /// Whose key a file has, and the key.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] for a wrong passphrase; else what is wrong with the file.
    pub(crate) fn open(
        &self,
        path: &Path,
        passphrase: &Passphrase,
    ) -> Result<(String, SigningKey), ServiceError> {
        let file: NamedKeyFile = files::read_json(path)?;
        if file.format != self.format {
            return Err(ServiceError::malformed(path, format!("not a {}", self.purpose)));
        }
        let key = open(path, (&file.public_key, &file.sealed), self.purpose, passphrase)?;
        Ok((file.name, key))
    }
}
