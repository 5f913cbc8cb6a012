//! An office's key file: it signs credentials and recognises holders.

use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use praman_circuits::credential::CredentialCommitment;
use praman_circuits::office::OfficeId;
use praman_circuits::payee::PayeeDigest;
use praman_files::FileError;
use praman_files::sealed::{Passphrase, SealedKey};
use praman_files::signing_key;
use praman_holder::wallet::{payee_message, signed_message};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

/// An office's opened key.
pub struct OfficeKey {
    /// The office.
    pub office: OfficeId,
    /// Its name.
    pub name: String,
    signing: SigningKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficeKeyFile {
    format: String,
    office: OfficeId,
    name: String,
    public_key: String,
    sealed: SealedKey,
}

const FORMAT: &str = "praman-office-1";
const PURPOSE: &str = "praman office signing key";

impl OfficeKey {
    /// Generates a key for an office.
    pub fn generate(office: OfficeId, name: &str) -> Self {
        let signing = signing_key::generate();
        Self { office, name: name.to_owned(), signing }
    }

    /// Writes the key, sealed.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn save(&self, path: &Path, passphrase: &Passphrase) -> Result<(), FileError> {
        let file = OfficeKeyFile {
            format: FORMAT.to_owned(),
            office: self.office,
            name: self.name.clone(),
            public_key: signing_key::public_text(&self.signing),
            sealed: SealedKey::seal(self.signing.as_bytes(), PURPOSE, passphrase)?,
        };
        praman_files::write_new_json(path, &file)
    }

    /// Reads and opens a key.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`]; else what is wrong with the file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, FileError> {
        let file: OfficeKeyFile = praman_files::read_json(path)?;
        if file.format != FORMAT {
            return Err(FileError::malformed(path, "not an office's key in a known format"));
        }
        let sealed = (file.public_key.as_str(), &file.sealed);
        let signing = signing_key::open(path, sealed, PURPOSE, passphrase)?;
        Ok(Self { office: file.office, name: file.name, signing })
    }

    /// Returns the public key, Ed25519.
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Signs a credential.
    pub fn sign(&self, commitment: CredentialCommitment) -> [u8; 64] {
        self.signing.sign(&signed_message(commitment)).to_bytes()
    }

    /// Signs an account that the office registered.
    pub(crate) fn sign_payee(&self, digest: PayeeDigest) -> [u8; 64] {
        self.signing.sign(&payee_message(self.office, digest)).to_bytes()
    }

    /// Signs a message for one purpose; the signature can't be taken for a credential's.
    pub fn sign_message(&self, purpose: &[u8], message: &[u8]) -> [u8; 64] {
        self.signing.sign(&[purpose, message].concat()).to_bytes()
    }

    /// Returns the token that an officer shows to a service that issues for this office, 64 hexadecimal digits.
    /// It is computed from the key, so it is not stored.
    pub fn access_token(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.access_mac().finalize().into_bytes()))
    }

    /// Whether a text is the access token; in constant time.
    pub fn is_access_token(&self, text: &str) -> bool {
        let token = Zeroizing::new(hex::decode(text).unwrap_or_default());
        self.access_mac().verify_slice(&token).is_ok()
    }

    fn access_mac(&self) -> Hmac<Sha256> {
        let mut mac = self.mac();
        mac.update(b"praman.office-access.1");
        mac
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.signing.as_bytes()).expect("HMAC takes keys of any length")
    }

    /// Returns the tag of a holder in the store: a keyed hash of the register number, which only the office can
    /// compute.
    pub fn holder_tag(&self, register_no: &str) -> [u8; 32] {
        let mut mac = self.mac();
        mac.update(b"praman.holder.1");
        mac.update(register_no.as_bytes());
        mac.finalize().into_bytes().into()
    }
}
