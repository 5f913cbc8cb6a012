//! The holder's side: secrets that no office sees, and the credential file.

use std::path::Path;

use ark_ff::UniformRand;
use ed25519_dalek::{Signature, VerifyingKey};
use praman_circuits::Fr;
use praman_circuits::attributes::Attributes;
use praman_circuits::credential::{Credential, CredentialCommitment, CredentialSalt, SchemaId};
use praman_circuits::field::{
    ParseFieldError, from_be_bytes, parse_decimal, to_be_bytes, to_decimal,
};
use praman_circuits::office::OfficeId;
use praman_circuits::payee::{Payee, PayeeDigest, PayeeSalt};
use praman_circuits::period::{Day, Period};
use praman_circuits::subject::{HolderSecret, SubjectBlinding, SubjectCommitment, subject};
use praman_files::{self as files, FileError};
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::HolderError;

/// A health-care provider, by its number among the participants on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ProviderId(pub u32);

/// A holder's secret and the blinding of one credential.
pub struct Wallet {
    /// The secret.
    pub secret: HolderSecret,
    /// The blinding.
    pub blinding: SubjectBlinding,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct WalletFile {
    format: String,
    secret: String,
    blinding: String,
}

const WALLET_FORMAT: &str = "praman-wallet-1";
const CREDENTIAL_FORMAT: &str = "praman-credential-1";

impl Wallet {
    /// Generates a wallet with secrets from the operating system.
    pub fn generate() -> Self {
        Self {
            secret: HolderSecret::from_field(Fr::rand(&mut OsRng)),
            blinding: SubjectBlinding::from_field(Fr::rand(&mut OsRng)),
        }
    }

    /// Returns the same secret for a provider of health care: under its own blinding, which only the secret's
    /// holder can compute, so that no two providers can compare people.
    pub fn at_provider(&self, provider: ProviderId) -> Self {
        use hmac::{Hmac, KeyInit, Mac};
        let secret = zeroize::Zeroizing::new(to_be_bytes(self.secret.expose()));
        let mut mac =
            Hmac::<sha2::Sha256>::new_from_slice(&*secret).expect("HMAC takes keys of any length");
        mac.update(b"praman.provider-blinding.1");
        mac.update(&provider.0.to_be_bytes());
        let mut drawn: [u8; 32] = mac.finalize().into_bytes().into();
        // 253 bits are below the modulus.
        drawn[0] &= 0x1f;
        let blinding = from_be_bytes(&drawn).expect("253 bits are below the modulus");
        drawn.zeroize();
        Self { secret: self.secret.clone(), blinding: SubjectBlinding::from_field(blinding) }
    }

    /// Returns the commitment for the office.
    pub fn subject(&self) -> SubjectCommitment {
        subject(&self.secret, &self.blinding)
    }

    /// Returns the wallet in the form of its file.
    pub fn to_json(&self) -> zeroize::Zeroizing<String> {
        let file = WalletFile {
            format: WALLET_FORMAT.to_owned(),
            secret: to_decimal(self.secret.expose()),
            blinding: to_decimal(self.blinding.expose()),
        };
        zeroize::Zeroizing::new(serde_json::to_string(&file).expect("strings serialise"))
    }

    /// Reads a wallet from text, as [`Wallet::to_json`] writes it.
    pub fn from_json(text: &str) -> Option<Self> {
        Self::of_file(&serde_json::from_str(text).ok()?).ok()
    }

    /// Reads a wallet's file.
    ///
    /// # Errors
    /// [`HolderError`] naming the file, but no value of it.
    pub fn read(path: &Path) -> Result<Self, HolderError> {
        Self::of_file(&files::read_json(path)?)
            .map_err(|reason| FileError::malformed(path, reason).into())
    }

    fn of_file(file: &WalletFile) -> Result<Self, String> {
        if file.format != WALLET_FORMAT {
            return Err("not a wallet in a known format".to_owned());
        }
        let element = |text: &str, name: &str| {
            parse_decimal(text).map_err(|error| format!("{name} is {error}"))
        };
        Ok(Self {
            secret: HolderSecret::from_field(element(&file.secret, "secret")?),
            blinding: SubjectBlinding::from_field(element(&file.blinding, "blinding")?),
        })
    }
}

/// A credential as issued by the office. It holds what praman shows to no one else.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialFile {
    format: String,
    /// The register number, by which the holder recognises their file.
    pub register_no: String,
    /// The office.
    pub office: OfficeId,
    /// Its place in the office's tree.
    pub position: usize,
    schema: SchemaId,
    subject: SubjectCommitment,
    issued_on: Day,
    expires_on: Day,
    claims_from: Period,
    salt: SecretText,
    payee: Payee,
    payee_salt: SecretText,
    attributes: Attributes,
    office_public_key: String,
    signature: String,
    /// The office's signature of the account alone: the treasury sees it, but not the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payee_signature: Option<String>,
}

impl Drop for CredentialFile {
    fn drop(&mut self) {
        self.register_no.zeroize();
    }
}

/// A secret field element as text; wiped.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Returns the text of an element.
    pub fn of(element: Fr) -> Self {
        Self(to_decimal(element))
    }

    /// Returns the element, if the text is one.
    pub fn element(&self) -> Result<Fr, ParseFieldError> {
        parse_decimal(&self.0)
    }
}

/// Whether a message is signed by a key, Ed25519, with a signature in hexadecimal.
pub fn is_signed(key: &[u8; 32], signature: &str, message: &[u8]) -> bool {
    let signature = hex::decode(signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    let key = VerifyingKey::from_bytes(key).ok();
    signature
        .zip(key)
        .is_some_and(|(signature, key)| key.verify_strict(message, &signature).is_ok())
}

/// Returns what an office signs: the credential's commitment after a tag.
pub fn signed_message(commitment: CredentialCommitment) -> Vec<u8> {
    let element = praman_circuits::field::to_be_bytes(commitment.to_field());
    [b"praman.credential.1".as_slice(), &element].concat()
}

/// Returns what an office signs for an account that it registered, after a tag: it shows the treasury which
/// office may say to whom a returned payment goes.
pub fn payee_message(office: OfficeId, digest: PayeeDigest) -> Vec<u8> {
    let element = praman_circuits::field::to_be_bytes(digest.to_field());
    [b"praman.payee.1".as_slice(), &office.0.to_be_bytes(), &element].concat()
}

impl CredentialFile {
    /// Creates the file of a credential.
    #[allow(clippy::too_many_arguments)] // each is one line of the file
    pub fn new(
        register_no: &str,
        office: OfficeId,
        position: usize,
        credential: &Credential,
        payee: Payee,
        payee_salt: &PayeeSalt,
        office_key: &[u8; 32],
        [signature, payee_signature]: [&[u8; 64]; 2],
    ) -> Self {
        Self {
            format: CREDENTIAL_FORMAT.to_owned(),
            register_no: register_no.to_owned(),
            office,
            position,
            schema: credential.schema,
            subject: credential.subject,
            issued_on: credential.issued_on,
            expires_on: credential.expires_on,
            claims_from: credential.claims_from,
            salt: SecretText::of(credential.salt.expose()),
            payee,
            payee_salt: SecretText::of(payee_salt.expose()),
            attributes: credential.attributes.clone(),
            office_public_key: hex::encode(office_key),
            signature: hex::encode(signature),
            payee_signature: Some(hex::encode(payee_signature)),
        }
    }

    /// Reads a credential's file and checks that the office signed it.
    ///
    /// # Errors
    /// [`HolderError`] naming the file, but no value of it.
    pub fn read(path: &Path) -> Result<Self, HolderError> {
        let file: Self = files::read_json(path)?;
        file.check().map_err(|reason| FileError::malformed(path, reason))?;
        Ok(file)
    }

    fn check(&self) -> Result<(), String> {
        if self.format != CREDENTIAL_FORMAT {
            return Err("not a credential in a known format".to_owned());
        }
        let credential = self.credential()?;
        let key: Option<[u8; 32]> =
            hex::decode(&self.office_public_key).ok().and_then(|key| key.try_into().ok());
        let is_signed = |signature: &str, message: &[u8]| {
            key.is_some_and(|key| is_signed(&key, signature, message))
        };
        if !is_signed(&self.signature, &signed_message(credential.commitment())) {
            return Err("the office's signature does not fit the credential".to_owned());
        }
        let message = payee_message(self.office, credential.payee);
        match &self.payee_signature {
            Some(signature) if !is_signed(signature, &message) => Err(format!(
                "the signature of office {} does not fit the account: the file was altered",
                self.office.0
            )),
            _ => Ok(()),
        }
    }

    /// Returns the credential.
    ///
    /// # Errors
    /// What is wrong with the file's salt.
    pub fn credential(&self) -> Result<Credential, String> {
        let salt = self.salt.element().map_err(|error| format!("salt is {error}"))?;
        Ok(Credential {
            schema: self.schema,
            subject: self.subject,
            issued_on: self.issued_on,
            expires_on: self.expires_on,
            claims_from: self.claims_from,
            salt: CredentialSalt::from_field(salt),
            payee: self.payee.digest(&self.payee_salt()?),
            attributes: self.attributes.clone(),
        })
    }

    /// Returns the registered account.
    pub fn payee(&self) -> &Payee {
        &self.payee
    }

    /// Returns the office's signature of the account; none in a file of an earlier version.
    pub fn payee_signature(&self) -> Option<&str> {
        self.payee_signature.as_deref()
    }

    /// Returns the salt of the payee digest.
    ///
    /// # Errors
    /// What is wrong with the file's salt.
    pub fn payee_salt(&self) -> Result<PayeeSalt, String> {
        let salt = self.payee_salt.element().map_err(|error| format!("payee_salt is {error}"))?;
        Ok(PayeeSalt::from_field(salt))
    }
}
