//! The key that requests for proofs are sealed to.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use praman_files::FileError;
use praman_files::sealed::{Passphrase, SealedKey, random_key};
use praman_files::sealed_box::{self, SealedBoxError};
use praman_store::named::{InvalidId, read_digest, write_hex};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: &str = "praman-worker-1";
const PURPOSE: &str = "praman worker key";
const INFO: &[u8] = b"praman.proving.1";

/// The public half, X25519: what clients seal to. Workers of one service share the key, so that any
/// of them can do any job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkerPublicKey(pub [u8; 32]);

impl WorkerPublicKey {
    /// Seals bytes to the workers.
    ///
    /// # Errors
    /// [`SealedBoxError`] if the key is invalid.
    pub(super) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealedBoxError> {
        sealed_box::seal(INFO, plain, &self.0)
    }
}

impl fmt::Display for WorkerPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl FromStr for WorkerPublicKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        read_digest(text).map(Self).ok_or(InvalidId { what: "a worker's public key" })
    }
}

/// A worker's opened key.
pub struct WorkerKey {
    private: Zeroizing<[u8; 32]>,
    public: WorkerPublicKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkerKeyFile {
    format: String,
    public_key: String,
    sealed: SealedKey,
}

impl WorkerKey {
    /// Generates a key.
    pub fn generate() -> Self {
        Self::of(random_key()).expect("any 32 bytes are an X25519 key")
    }

    fn of(private: Zeroizing<[u8; 32]>) -> Result<Self, SealedBoxError> {
        let public = WorkerPublicKey(sealed_box::public_key(&private)?);
        Ok(Self { private, public })
    }

    /// Returns the public key.
    pub fn public(&self) -> WorkerPublicKey {
        self.public
    }

    /// Writes the key, sealed.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn save(&self, path: &Path, passphrase: &Passphrase) -> Result<(), FileError> {
        let file = WorkerKeyFile {
            format: FORMAT.to_owned(),
            public_key: self.public.to_string(),
            sealed: SealedKey::seal(&self.private, PURPOSE, passphrase)?,
        };
        praman_files::write_new_json(path, &file)
    }

    /// Reads and opens a key.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`]; else what is wrong with the file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, FileError> {
        let file: WorkerKeyFile = praman_files::read_json(path)?;
        if file.format != FORMAT {
            return Err(FileError::malformed(path, "not a worker's key in a known format"));
        }
        Self::of(file.sealed.open(PURPOSE, passphrase)?)
            .map_err(|error| FileError::malformed(path, error))
    }

    /// Opens what was sealed to the workers.
    pub(super) fn unseal(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealedBoxError> {
        sealed_box::open(INFO, sealed, &self.private)
    }
}
