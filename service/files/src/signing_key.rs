//! Ed25519 keys at rest: each beside its public key, sealed under a passphrase for one purpose.

use std::path::Path;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::FileError;
use crate::sealed::{Passphrase, SealedKey, random_key};

/// Generates a key with the operating system's randomness.
pub fn generate() -> SigningKey {
    SigningKey::from_bytes(&random_key())
}

/// Returns a key's public part as in files.
pub fn public_text(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().to_bytes())
}

/// Opens a sealed key, which must match the public one beside it.
///
/// # Errors
/// [`FileError::WrongPassphrase`]; [`FileError::Malformed`] for another public key.
pub fn open(
    path: &Path,
    (public_key, sealed): (&str, &SealedKey),
    purpose: &str,
    passphrase: &Passphrase,
) -> Result<SigningKey, FileError> {
    let key = SigningKey::from_bytes(&*sealed.open(purpose, passphrase)?);
    if public_text(&key) != public_key {
        let reason = "the public key does not belong to the sealed key";
        return Err(FileError::malformed(path, reason));
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

/// The format of a named key's file, and what its key is sealed for.
pub struct KeyKind {
    /// The name of the format.
    pub format: &'static str,
    /// What the key is sealed for.
    pub purpose: &'static str,
}

impl KeyKind {
    /// Writes a key to a file that must not exist yet.
    ///
    /// # Errors
    /// [`FileError::Exists`] if it exists; [`FileError::Io`].
    pub fn save(
        &self,
        path: &Path,
        name: &str,
        key: &SigningKey,
        passphrase: &Passphrase,
    ) -> Result<(), FileError> {
        crate::write_new(path, &self.text(path, name, key, passphrase)?)
    }

    /// Returns what a key's file has in it. The path is what errors name.
    ///
    /// # Errors
    /// [`FileError::Sealing`].
    pub fn text(
        &self,
        path: &Path,
        name: &str,
        key: &SigningKey,
        passphrase: &Passphrase,
    ) -> Result<Vec<u8>, FileError> {
        let file = NamedKeyFile {
            format: self.format.to_owned(),
            name: name.to_owned(),
            public_key: public_text(key),
            sealed: SealedKey::seal(key.as_bytes(), self.purpose, passphrase)?,
        };
        crate::json_bytes(path, &file)
    }

    /// Returns the owner of a file's key, and the key.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`]; else what is wrong with the file.
    pub fn open(
        &self,
        path: &Path,
        passphrase: &Passphrase,
    ) -> Result<(String, SigningKey), FileError> {
        self.open_text(path, &crate::read_text(path)?, passphrase)
    }

    /// Returns the same of what a file has in it. The path is what errors name.
    ///
    /// # Errors
    /// As [`KeyKind::open`].
    pub fn open_text(
        &self,
        path: &Path,
        text: &str,
        passphrase: &Passphrase,
    ) -> Result<(String, SigningKey), FileError> {
        let file: NamedKeyFile = crate::parse_json(path, text)?;
        if file.format != self.format {
            return Err(FileError::malformed(path, format!("not a {}", self.purpose)));
        }
        let key = open(path, (&file.public_key, &file.sealed), self.purpose, passphrase)?;
        Ok((file.name, key))
    }
}
