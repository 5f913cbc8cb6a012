//! Keys that sign transactions.

use std::path::Path;

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;
use crate::files;
use crate::sealed::{Passphrase, SealedKey, random_key};

const FORMAT: &str = "praman-account-1";
const PURPOSE: &str = "praman account key";

/// A sealed key's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountKey {
    format: String,
    address: Address,
    sealed: SealedKey,
}

impl AccountKey {
    /// Makes a key, writes it sealed, and tells its address.
    ///
    /// # Errors
    /// [`ServiceError::File`], also if the file is there already.
    pub fn create(path: &Path, passphrase: &Passphrase) -> Result<Address, ServiceError> {
        let secret = random_key();
        let signer = PrivateKeySigner::from_slice(secret.as_slice()).map_err(|_| {
            ServiceError::Ledger("the drawn key is not valid: try again".to_owned())
        })?;
        let file = Self {
            format: FORMAT.to_owned(),
            address: signer.address(),
            sealed: SealedKey::seal(&secret, PURPOSE, passphrase)?,
        };
        files::write_new_json(path, &file)?;
        Ok(signer.address())
    }

    /// Reads and opens a key.
    ///
    /// # Errors
    /// [`ServiceError::Malformed`] for a file that is none; [`ServiceError::Refused`] for a wrong
    /// passphrase.
    pub fn load(path: &Path, passphrase: &Passphrase) -> Result<PrivateKeySigner, ServiceError> {
        let file: Self = files::read_json(path)?;
        if file.format != FORMAT {
            return Err(ServiceError::malformed(path, "not an account's key in a known format"));
        }
        let secret = file.sealed.open(PURPOSE, passphrase)?;
        let signer = PrivateKeySigner::from_slice(secret.as_slice())
            .map_err(|_| ServiceError::malformed(path, "the file holds no key"))?;
        if signer.address() != file.address {
            return Err(ServiceError::malformed(path, "the key does not fit the file's address"));
        }
        Ok(signer)
    }
}
