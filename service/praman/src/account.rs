//! Keys that sign transactions.

use std::path::Path;

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use serde::{Deserialize, Serialize};

use crate::error::CommandError;
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
    /// [`CommandError::File`], also if the file is there already.
    pub fn create(path: &Path, passphrase: &Passphrase) -> Result<Address, CommandError> {
        let secret = random_key();
        let signer = PrivateKeySigner::from_slice(secret.as_slice()).map_err(|_| {
            CommandError::Failed("the drawn key is not valid: try again".to_owned())
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
    /// [`CommandError::File`] for a file that is none; [`CommandError::Refused`] for a wrong
    /// passphrase.
    pub fn load(path: &Path, passphrase: &Passphrase) -> Result<PrivateKeySigner, CommandError> {
        let file: Self = files::read_json(path)?;
        if file.format != FORMAT {
            return Err(CommandError::malformed(path, "not an account's key in a known format"));
        }
        let secret = file.sealed.open(PURPOSE, passphrase)?;
        let signer = PrivateKeySigner::from_slice(secret.as_slice())
            .map_err(|_| CommandError::malformed(path, "the file holds no key"))?;
        if signer.address() != file.address {
            return Err(CommandError::malformed(path, "the key does not fit the file's address"));
        }
        Ok(signer)
    }
}
