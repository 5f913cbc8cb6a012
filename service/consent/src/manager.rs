//! The consent manager's key: it signs artefacts and recognises patients.

use std::path::Path;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use praman_circuits::artefact::ConsentCommitment;
use praman_circuits::field::to_be_bytes;
use praman_files::FileError;
use praman_files::sealed::Passphrase;
use praman_files::signing_key::{self, KeyKind};
use praman_holder::wallet::Wallet;
use praman_ledger::ProviderId;
use praman_store::error::StoreError;
use praman_store::key_store::KeyStoreError;
use praman_store::key_store::{DataKey, MasterKey};
use praman_store::sealed_content::{ContentOpener, ContentSealer};
use serde::Serialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::document::ConsentDetail;
use super::terms::PatientAddress;

/// What identifies a patient in a store: a keyed hash of their health address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PatientTag([u8; 32]);

impl PatientTag {
    pub(crate) fn column(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Returns it in hexadecimal, to bind sealed data to its person.
    pub(crate) fn text(&self) -> String {
        hex::encode(self.0)
    }

    pub(crate) fn of_column(column: &[u8]) -> Option<Self> {
        column.try_into().ok().map(Self)
    }
}

/// A consent manager's opened keys: one to sign with, one to seal what it stores.
pub struct ConsentManager {
    /// Its identifier, such as `praman-cm`.
    pub name: String,
    signing: SigningKey,
    master: MasterKey,
}

const KIND: KeyKind =
    KeyKind { format: "praman-consent-manager-1", purpose: "praman consent manager signing key" };

impl ConsentManager {
    /// Generates a key in a file that must not exist yet.
    ///
    /// # Errors
    /// [`FileError::Exists`]; [`FileError::Io`].
    pub fn generate(
        path: &Path,
        name: &str,
        passphrase: &Passphrase,
        master: MasterKey,
    ) -> Result<Self, FileError> {
        let signing = signing_key::generate();
        KIND.save(path, name, &signing, passphrase)?;
        Ok(Self { name: name.to_owned(), signing, master })
    }

    /// Opens a key.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`]; else what is wrong with the file.
    pub fn open(
        path: &Path,
        passphrase: &Passphrase,
        master: MasterKey,
    ) -> Result<Self, FileError> {
        let (name, signing) = KIND.open(path, passphrase)?;
        Ok(Self { name, signing, master })
    }

    /// Returns the public key, Ed25519.
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Signs an artefact: its commitment, which binds what is proved, and its document, which people read.
    pub fn sign(&self, commitment: ConsentCommitment, detail: &ConsentDetail) -> String {
        hex::encode(self.signing.sign(&signed_message(commitment, detail)).to_bytes())
    }

    /// Returns the tag of a patient in a store.
    pub fn patient_tag(&self, patient: &PatientAddress) -> PatientTag {
        PatientTag(self.mac(b"praman.patient.1", patient.expose().as_bytes()))
    }

    /// Returns the tag of a telephone in a store.
    pub fn telephone_tag(&self, number: &str) -> [u8; 32] {
        self.mac(b"praman.telephone.1", number.as_bytes())
    }

    /// Returns the tag of a patient's wallet: a keyed hash of a subject that no provider has.
    pub(super) fn holder_tag(&self, wallet: &Wallet) -> [u8; 32] {
        let subject = wallet.at_provider(ProviderId(0)).subject();
        self.mac(b"praman.consent-holder.1", &to_be_bytes(subject.to_field()))
    }

    /// Returns a keyed hash that identifies a value that could be guessed.
    pub(super) fn digest(&self, what: &[u8], of: &[u8]) -> [u8; 32] {
        self.mac(what, of)
    }

    fn mac(&self, what: &[u8], of: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.signing.as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(what);
        mac.update(of);
        mac.finalize().into_bytes().into()
    }

    /// Seals what is stored about a person: the length of a wrapped data key, the key, and the content.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`].
    pub(crate) fn seal<T: Serialize>(
        &self,
        purpose: &str,
        kept: &T,
    ) -> Result<Vec<u8>, StoreError> {
        let text = Zeroizing::new(serde_json::to_vec(kept).expect("what is kept is plain data"));
        let key = DataKey::generate();
        let wrapped = self.master.wrap(&key, purpose)?;
        let mut sealer = ContentSealer::new(&key, purpose);
        let mut parts = sealer.push(&text)?;
        parts.push(sealer.finish()?);
        let [content] = <[Vec<u8>; 1]>::try_from(parts).map_err(|_| KeyStoreError::TooLong)?;
        let length = u16::try_from(wrapped.len()).expect("a wrapped key is short");
        Ok([&length.to_be_bytes()[..], &wrapped, &content].concat())
    }

    /// Opens what was sealed for a purpose.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] if it was altered or sealed under another key.
    pub(crate) fn unseal<T: serde::de::DeserializeOwned>(
        &self,
        purpose: &str,
        sealed: &[u8],
    ) -> Result<T, StoreError> {
        let altered = || KeyStoreError::Altered;
        let (length, rest) = sealed.split_first_chunk::<2>().ok_or_else(altered)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (wrapped, content) = rest.split_at_checked(length).ok_or_else(altered)?;
        let key = self.master.unwrap(wrapped, purpose)?;
        let text = ContentOpener::new(&key, purpose).open(content, true)?;
        Ok(serde_json::from_slice(&text).map_err(|_| altered())?)
    }
}

fn signed_message(commitment: ConsentCommitment, detail: &ConsentDetail) -> Vec<u8> {
    // Keys in their order, no spaces: the canonical form of RFC 8785 for documents without numbers
    // beyond whole ones.
    let canonical = serde_json::to_value(detail).expect("a detail is plain data").to_string();
    let digest = Sha256::digest(canonical.as_bytes());
    let element = to_be_bytes(commitment.to_field());
    [b"praman.consent-artefact.1".as_slice(), &element, &digest].concat()
}

/// Whether a consent manager has signed an artefact.
pub fn is_signed(
    public: &[u8; 32],
    commitment: ConsentCommitment,
    detail: &ConsentDetail,
    signature: &str,
) -> bool {
    let verified = || {
        let signature = Signature::from_slice(&hex::decode(signature).ok()?).ok()?;
        let key = VerifyingKey::from_bytes(public).ok()?;
        key.verify_strict(&signed_message(commitment, detail), &signature).ok()
    };
    verified().is_some()
}
