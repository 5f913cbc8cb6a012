//! API keys: what a machine or a person shows to sign in.

use std::path::Path;

use praman_files::FileError;
use praman_files::sealed::random_key;
use praman_store::named::read_digest;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::principal::Credential;

/// What a key begins with, so that a lost one is recognised where it turns up.
const PREFIX: &str = "praman_";

/// An API key: `praman_` and 64 hexadecimal digits. The store keeps a hash of it, which needs no salt,
/// since a key is 32 random bytes.
pub struct ApiKey(Zeroizing<[u8; 32]>);

impl ApiKey {
    /// Generates a key.
    pub fn generate() -> Self {
        Self(random_key())
    }

    /// Parses a key.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        read_digest(digits).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Reads a key's file.
    ///
    /// # Errors
    /// [`FileError::Malformed`] if it holds none.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = Zeroizing::new(praman_files::read_text(path)?);
        let none = || FileError::malformed(path, "not an API key: it has praman_ and 64 digits");
        Self::parse(text.trim()).ok_or_else(none)
    }

    /// Writes the key to a file that must not be there yet, for its owner alone.
    ///
    /// # Errors
    /// [`FileError::Exists`] if it is; [`FileError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let text = Zeroizing::new(format!("{}\n", *self.text()));
        praman_files::write_new(path, text.as_bytes())
    }

    /// Returns the key as text.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", *Zeroizing::new(hex::encode(*self.0))))
    }

    /// Returns the credential that the store knows it by.
    pub fn credential(&self) -> Credential {
        let mut hasher = Sha256::new();
        hasher.update(b"praman.api-key.1");
        hasher.update(*self.0);
        Credential::ApiKey(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_key_is_known_by_its_hash() {
        let key = ApiKey::generate();
        let text = key.text();
        let again = ApiKey::parse(&text).expect("a key");
        assert_eq!(again.credential(), key.credential());
        assert_ne!(ApiKey::generate().credential(), key.credential());
        let Credential::ApiKey(digest) = key.credential() else { panic!("an API key") };
        assert!(!text.contains(&hex::encode(digest)));
        for bad in ["", "praman_", &text[7..], &text[..70], &text.to_uppercase()] {
            assert!(ApiKey::parse(bad).is_none(), "{bad}");
        }
    }
}
