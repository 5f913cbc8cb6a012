//! The key store: a master key that wraps the data keys, which seal what is stored about people.
//!
//! It is in a file under a passphrase, or in a PKCS#11 token that never reveals it. Each sealed content has its
//! own data key ([`crate::sealed_content`]), so a master key wraps 32 bytes a register and is easily replaced.

mod error;
mod token;

use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use praman_files::FileError;
use praman_files::sealed::{Passphrase, SealedKey, fill_random, random_key};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::StoreError;
pub use error::KeyStoreError;
use token::TokenKey;

const PURPOSE: &str = "praman master key";
const NONCE_BYTES: usize = 24;

/// A key that seals one content.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// Generates a data key.
    pub fn generate() -> Self {
        Self(random_key())
    }

    /// Returns the key itself, for the code that seals and opens with it.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What wraps data keys.
pub struct MasterKey(Place);

enum Place {
    File(FileKey),
    Token(TokenKey),
}

/// A master key in memory, with what is derived from it.
struct FileKey {
    cipher: XChaCha20Poly1305,
    tags: Zeroizing<[u8; 32]>,
}

impl FileKey {
    fn of(key: &[u8; 32]) -> Self {
        let tags = Zeroizing::new(keyed_hash(key, b"praman.person-tag-key.1", &[]));
        Self { cipher: XChaCha20Poly1305::new(key.into()), tags }
    }
}

/// Returns HMAC-SHA-256 over a purpose and some parts, each prefixed with its length.
fn keyed_hash(key: &[u8; 32], purpose: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .expect("HMAC takes keys of any length");
    mac.update(&tagged(purpose, parts));
    mac.finalize().into_bytes().into()
}

fn tagged(purpose: &[u8], parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut message = Zeroizing::new(Vec::new());
    for part in std::iter::once(&purpose).chain(parts) {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

/// The location of a master key, as in its file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "format", deny_unknown_fields)]
enum MasterKeyFile {
    #[serde(rename = "praman-master-key-1")]
    Sealed { sealed: SealedKey },
    #[serde(rename = "praman-master-token-1")]
    Token(TokenPlace),
}

/// A key of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenPlace {
    /// The token's PKCS#11 library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label.
    pub key: String,
}

impl MasterKey {
    /// Makes a master key in a file that must not exist yet.
    ///
    /// # Errors
    /// [`StoreError::File`], [`FileError::Exists`] among them.
    pub fn new_in_file(path: &Path, passphrase: &Passphrase) -> Result<Self, StoreError> {
        let key = random_key();
        let sealed = SealedKey::seal(&key, PURPOSE, passphrase)?;
        praman_files::write_new_json(path, &MasterKeyFile::Sealed { sealed })?;
        Ok(Self(Place::File(FileKey::of(&key))))
    }

    /// Generates a master key that is stored nowhere: what is sealed under it is lost with this program.
    pub fn in_memory() -> Self {
        Self(Place::File(FileKey::of(&random_key())))
    }

    /// Returns a tag that can't be made without this key, for a purpose, over a content. A token computes it
    /// inside.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] if the token fails.
    pub fn tag(&self, purpose: &str, content: &[u8]) -> Result<[u8; 32], StoreError> {
        match &self.0 {
            Place::File(key) => Ok(keyed_hash(&key.tags, purpose.as_bytes(), &[content])),
            Place::Token(token) => Ok(token.tag(&tagged(purpose.as_bytes(), &[content]))?),
        }
    }

    /// Makes a master key in a token, AES-256, that the token never reveals, and a file that says where it is.
    /// The passphrase is the token's PIN.
    ///
    /// # Errors
    /// [`FileError::Exists`]; [`KeyStoreError::LabelTaken`];
    /// [`StoreError::KeyStore`].
    pub fn new_in_token(
        path: &Path,
        place: TokenPlace,
        pin: &Passphrase,
    ) -> Result<Self, StoreError> {
        if path.exists() {
            return Err(FileError::Exists(path.to_owned()).into());
        }
        let key = TokenKey::generate(&place, pin)?;
        // The key for tags is made with it.
        key.tag(&[])?;
        praman_files::write_new_json(path, &MasterKeyFile::Token(place))?;
        Ok(Self(Place::Token(key)))
    }

    /// Opens a master key; the passphrase of a token is its PIN.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`], [`KeyStoreError::WrongPin`]; else what is wrong with file or token.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, StoreError> {
        Ok(Self(match praman_files::read_json(path)? {
            MasterKeyFile::Sealed { sealed } => {
                let key = sealed.open(PURPOSE, passphrase)?;
                Place::File(FileKey::of(&key))
            }
            MasterKeyFile::Token(place) => Place::Token(TokenKey::open(&place, passphrase)?),
        }))
    }

    /// Wraps a data key for one purpose.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] if the token fails.
    pub fn wrap(&self, key: &DataKey, purpose: &str) -> Result<Vec<u8>, StoreError> {
        match &self.0 {
            Place::Token(token) => Ok(token.wrap(key.expose(), purpose)?),
            Place::File(FileKey { cipher, .. }) => {
                let mut nonce = [0; NONCE_BYTES];
                fill_random(&mut nonce);
                let payload = Payload { msg: key.expose(), aad: purpose.as_bytes() };
                let wrapped = cipher.encrypt(&XNonce::from(nonce), payload);
                let wrapped = wrapped.map_err(|_| KeyStoreError::NotWrapped)?;
                Ok([&nonce[..], &wrapped].concat())
            }
        }
    }

    /// Unwraps a data key that was wrapped for a purpose.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] if it was wrapped by another master key, for another purpose, or altered.
    pub fn unwrap(&self, wrapped: &[u8], purpose: &str) -> Result<DataKey, StoreError> {
        let key = match &self.0 {
            Place::Token(token) => token.unwrap(wrapped, purpose)?,
            Place::File(FileKey { cipher, .. }) => {
                let (nonce, wrapped) =
                    wrapped.split_first_chunk::<NONCE_BYTES>().ok_or(KeyStoreError::OtherKey)?;
                let payload = Payload { msg: wrapped, aad: purpose.as_bytes() };
                let key = cipher.decrypt(&XNonce::from(*nonce), payload);
                Zeroizing::new(key.map_err(|_| KeyStoreError::OtherKey)?)
            }
        };
        let key: [u8; 32] = key.as_slice().try_into().map_err(|_| KeyStoreError::OtherKey)?;
        Ok(DataKey(Zeroizing::new(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_unwrap_for_their_purpose_under_their_master_key_alone() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let passphrase = |text: &str| Passphrase::new(text.to_owned()).expect("not empty");
        let path = folder.path().join("master.json");
        let master = MasterKey::new_in_file(&path, &passphrase("right")).expect("made");
        assert!(MasterKey::new_in_file(&path, &passphrase("right")).is_err());
        assert!(MasterKey::open(&path, &passphrase("wrong")).is_err());
        let other = folder.path().join("other.json");
        let other = MasterKey::new_in_file(&other, &passphrase("right")).expect("made");

        let key = DataKey::generate();
        let wrapped = master.wrap(&key, "a").expect("wrapped");
        assert!(!wrapped.windows(32).any(|part| part == key.expose()));
        let opened = MasterKey::open(&path, &passphrase("right")).expect("opens");
        assert_eq!(opened.unwrap(&wrapped, "a").expect("unwrapped").expose(), key.expose());
        assert!(opened.unwrap(&wrapped, "b").is_err());
        assert!(other.unwrap(&wrapped, "a").is_err());
        for cut in [0, 23, wrapped.len() - 1] {
            assert!(opened.unwrap(&wrapped[..cut], "a").is_err());
        }
        for place in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[place] ^= 1;
            assert!(opened.unwrap(&altered, "a").is_err());
        }
        let tag = master.tag("a", b"content").expect("a tag");
        assert_eq!(opened.tag("a", b"content").expect("a tag"), tag);
        assert_ne!(opened.tag("b", b"content").expect("a tag"), tag);
        assert_ne!(opened.tag("a", b"other").expect("a tag"), tag);
        assert_ne!(other.tag("a", b"content").expect("a tag"), tag);
    }
}
