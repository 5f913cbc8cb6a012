//! Private keys at rest: sealed with a passphrase by Argon2id and XChaCha20-Poly1305.
//!
//! Sources: RFC 9106 (Argon2), RFC 8439 and draft-irtf-cfrg-xchacha (the cipher).

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::FileError;

/// What protects a key: never printed, wiped after use.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Creates a passphrase that is not empty.
    ///
    /// # Errors
    /// [`FileError::EmptyPassphrase`].
    pub fn new(text: String) -> Result<Self, FileError> {
        if text.is_empty() {
            return Err(FileError::EmptyPassphrase);
        }
        Ok(Self(Zeroizing::new(text)))
    }

    /// Reads a passphrase from a file's first line.
    ///
    /// # Errors
    /// [`FileError::Io`]; [`FileError::EmptyPassphrase`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = Zeroizing::new(crate::read_text(path)?);
        Self::new(text.lines().next().unwrap_or_default().to_owned())
    }

    /// Returns the text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;
/// RFC 9106's second recommended setting: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// 32 secret bytes under a passphrase.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedKey {
    salt: String,
    nonce: String,
    ciphertext: String,
}

impl SealedKey {
    /// Seals a key. `purpose` says what it is for; it opens for no other purpose.
    ///
    /// # Errors
    /// [`FileError::Sealing`].
    pub fn seal(key: &[u8; 32], purpose: &str, passphrase: &Passphrase) -> Result<Self, FileError> {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
        fill_random(&mut salt);
        fill_random(&mut nonce);
        let payload = Payload { msg: key, aad: purpose.as_bytes() };
        let ciphertext = cipher(passphrase, &salt)?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|error| FileError::Sealing(error.to_string()))?;
        let [salt, nonce] = [salt.to_vec(), nonce.to_vec()].map(hex::encode);
        Ok(Self { salt, nonce, ciphertext: hex::encode(ciphertext) })
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`], also for an altered key.
    pub fn open(
        &self,
        purpose: &str,
        passphrase: &Passphrase,
    ) -> Result<Zeroizing<[u8; 32]>, FileError> {
        let refused = || FileError::WrongPassphrase;
        let bytes = |text: &str| hex::decode(text).map_err(|_| refused());
        let salt: [u8; SALT_BYTES] = bytes(&self.salt)?.try_into().map_err(|_| refused())?;
        let nonce: [u8; NONCE_BYTES] = bytes(&self.nonce)?.try_into().map_err(|_| refused())?;
        let ciphertext = bytes(&self.ciphertext)?;
        let payload = Payload { msg: &ciphertext, aad: purpose.as_bytes() };
        let key = cipher(passphrase, &salt)?
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| refused())?;
        let key: [u8; 32] = key.as_slice().try_into().map_err(|_| refused())?;
        Ok(Zeroizing::new(key))
    }
}

fn cipher(passphrase: &Passphrase, salt: &[u8]) -> Result<XChaCha20Poly1305, FileError> {
    let failed = |error: argon2::Error| FileError::Sealing(error.to_string());
    let parameters = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(passphrase.0.as_bytes(), salt, &mut *key)
        .map_err(failed)?;
    Ok(XChaCha20Poly1305::new((&*key).into()))
}

/// Fills a buffer from the operating system's generator.
///
/// # Panics
/// If the operating system has no randomness: nothing praman does is safe then.
pub fn fill_random(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system gives randomness");
}

/// Generates a secret of 32 bytes.
pub fn random_key() -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    fill_random(&mut *key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned()).expect("not empty")
    }

    #[test]
    fn sealed_key_opens_for_its_passphrase_and_purpose_alone() {
        let sealed = SealedKey::seal(&[7; 32], "office", &passphrase("right")).expect("sealed");
        assert_eq!(*sealed.open("office", &passphrase("right")).expect("opens"), [7; 32]);
        assert!(sealed.open("office", &passphrase("wrong")).is_err());
        assert!(sealed.open("treasury", &passphrase("right")).is_err());
        let mut altered = sealed.clone();
        altered.ciphertext.replace_range(0..2, "00");
        altered.ciphertext.replace_range(2..4, "00");
        assert!(altered.open("office", &passphrase("right")).is_err());
        assert!(Passphrase::new(String::new()).is_err());
    }
}
