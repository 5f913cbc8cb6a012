//! The treasury's key.

use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::envelope::{self, TreasuryPublicKey};
use crate::error::ServiceError;
use crate::files;
use crate::sealed::{Passphrase, SealedKey, random_key};

const KEY_FORMAT: &str = "praman-treasury-1";
const PAYOUT_FORMAT: &str = "praman-payout-1";
const PURPOSE: &str = "praman treasury key";

/// The treasury's opened key.
pub struct TreasuryKey {
    pub(super) private: Zeroizing<[u8; 32]>,
    public: TreasuryPublicKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreasuryKeyFile {
    format: String,
    public_key: String,
    sealed: SealedKey,
}

/// What a holder needs to be paid: the treasury's public key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayoutFile {
    format: String,
    treasury_public_key: String,
}

impl TreasuryKey {
    /// A fresh key.
    pub fn generate() -> Self {
        let private = random_key();
        let public = envelope::public_key(&private).expect("any 32 bytes are an X25519 key");
        Self { private, public }
    }

    /// The public key.
    pub fn public(&self) -> TreasuryPublicKey {
        self.public
    }

    /// Writes the key, sealed.
    ///
    /// # Errors
    /// [`ServiceError::File`].
    pub fn save(&self, path: &Path, passphrase: &Passphrase) -> Result<(), ServiceError> {
        let file = TreasuryKeyFile {
            format: KEY_FORMAT.to_owned(),
            public_key: hex::encode(self.public.0),
            sealed: SealedKey::seal(&self.private, PURPOSE, passphrase)?,
        };
        files::write_new_json(path, &file)
    }

    /// Reads and opens a key.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] for a wrong passphrase; else what is wrong with the file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, ServiceError> {
        let file: TreasuryKeyFile = files::read_json(path)?;
        if file.format != KEY_FORMAT {
            return Err(ServiceError::malformed(path, "not a treasury's key of a form known here"));
        }
        let private = file.sealed.open(PURPOSE, passphrase)?;
        let public =
            envelope::public_key(&private).map_err(|error| ServiceError::malformed(path, error))?;
        Ok(Self { private, public })
    }

    /// Writes what holders need to be paid by this treasury.
    ///
    /// # Errors
    /// [`ServiceError::File`].
    pub fn save_payout(&self, path: &Path) -> Result<(), ServiceError> {
        let treasury_public_key = hex::encode(self.public.0);
        files::write_json(
            path,
            &PayoutFile { format: PAYOUT_FORMAT.to_owned(), treasury_public_key },
        )
    }
}

/// Reads what holders need to be paid.
///
/// # Errors
/// What is wrong with the file.
pub fn read_payout(path: &Path) -> Result<TreasuryPublicKey, ServiceError> {
    let file: PayoutFile = files::read_json(path)?;
    let key = hex::decode(&file.treasury_public_key).ok().and_then(|key| key.try_into().ok());
    match key {
        Some(key) if file.format == PAYOUT_FORMAT => Ok(TreasuryPublicKey(key)),
        _ => Err(ServiceError::malformed(path, "not a payout file of a form known here")),
    }
}
