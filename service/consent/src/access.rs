//! One access by consent, as requested from a provider's gate.

use std::path::Path;

use praman_circuits::access::AccessNullifier;
use praman_circuits::artefact::{AccessMode, ConsentsRoot, Minute, Purpose};
use praman_circuits::consent::{PublicInputs, Request};
use praman_circuits::context::Context;
use praman_circuits::field::to_be_bytes;
use praman_circuits::health_record::{
    HandleBlinding, RecordCommitment, RecordHandle, RecordType, RecordsRoot, record_handle,
};
use praman_files::FileError;
use praman_holder::wallet::SecretText;
use praman_ledger::{LedgerAccess, ManagerNumber, ProviderId, RequesterNumber};
use praman_verifier::Proof;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::code::{mode_code, mode_of, purpose_code, purpose_of, type_code, type_of};
use super::document::{self, FieldFault};
use super::file::{element, requester_id};
pub use super::proving::{Asked, PreparedAccess, ProviderPaths, TreeLeaves};
pub use super::uses::{TrailEntry, next_number, uses_of};

/// A request to a provider's gate: release one record once.
///
/// Its fields are what the proof is about. Record and blinding show the provider which record is meant; the
/// requester who carries them receives that record, and the ledger sees neither.
#[derive(Clone)]
pub struct AccessRequest {
    /// The sender's id for it: the same id twice is one access.
    pub request_id: Uuid,
    /// The provider.
    pub provider: ProviderId,
    /// The consent manager that keeps the consent.
    pub manager: ManagerNumber,
    /// The requester.
    pub requester: RequesterNumber,
    /// The purpose.
    pub purpose: Purpose,
    /// The record's type.
    pub record_type: RecordType,
    /// What the requester may do with it.
    pub mode: AccessMode,
    /// The minute of the access.
    pub as_of: Minute,
    /// The root of the provider's records that the proof is against.
    pub records: RecordsRoot,
    /// The root of the manager's consents at the provider.
    pub consents: ConsentsRoot,
    /// The record.
    pub record: RecordCommitment,
    /// The blinding of its handle.
    pub blinding: HandleBlinding,
    /// The access's nullifier.
    pub nullifier: AccessNullifier,
    /// The proof.
    pub proof: Proof,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessFile {
    format: String,
    request_id: Uuid,
    provider: ProviderId,
    manager: ManagerNumber,
    requester: RequesterNumber,
    purpose: String,
    record_type: String,
    access_mode: String,
    /// Whole minutes since 1900-01-01T00:00:00Z.
    as_of: Minute,
    records_root: RecordsRoot,
    consents_root: ConsentsRoot,
    record: RecordCommitment,
    handle_blinding: SecretText,
    nullifier: AccessNullifier,
    proof: serde_json::Value,
}

const FORMAT: &str = "praman-access-2";

impl AccessRequest {
    /// Reads a request from text, as [`AccessRequest::to_json`] writes it.
    ///
    /// # Errors
    /// [`FieldFault`] naming what is wrong.
    pub fn from_json(text: &str) -> Result<Self, FieldFault> {
        let file: AccessFile = document::read(text)?;
        if file.format != FORMAT {
            return Err(FieldFault::new("format", "is not the format of a request for an access"));
        }
        let purpose = purpose_of(&file.purpose)
            .ok_or_else(|| FieldFault::new("purpose", "is not a code of a purpose"))?;
        let record_type = type_of(&file.record_type)
            .ok_or_else(|| FieldFault::new("record_type", "is not one of the eight types"))?;
        let mode = mode_of(&file.access_mode).ok_or_else(|| {
            FieldFault::new("access_mode", "must be VIEW, STORE, QUERY or STREAM")
        })?;
        let proof = Proof::from_json(&file.proof.to_string())
            .map_err(|error| FieldFault::new("proof", error.to_string()))?;
        Ok(Self {
            request_id: file.request_id,
            provider: file.provider,
            manager: file.manager,
            requester: file.requester,
            purpose,
            record_type,
            mode,
            as_of: file.as_of,
            records: file.records_root,
            consents: file.consents_root,
            record: file.record,
            blinding: HandleBlinding::from_field(element(
                &file.handle_blinding,
                "handle_blinding",
            )?),
            nullifier: file.nullifier,
            proof,
        })
    }

    /// Reads a request's file.
    ///
    /// # Errors
    /// [`FileError`] naming file and field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = praman_files::read_text(path)?;
        Self::from_json(&text).map_err(|fault| FileError::malformed(path, fault))
    }

    /// Returns the request as text.
    pub fn to_json(&self) -> String {
        let file = AccessFile {
            format: FORMAT.to_owned(),
            request_id: self.request_id,
            provider: self.provider,
            manager: self.manager,
            requester: self.requester,
            purpose: purpose_code(self.purpose).to_owned(),
            record_type: type_code(self.record_type).to_owned(),
            access_mode: mode_code(self.mode).to_owned(),
            as_of: self.as_of,
            records_root: self.records,
            consents_root: self.consents,
            record: self.record,
            handle_blinding: SecretText::of(self.blinding.expose()),
            nullifier: self.nullifier,
            proof: serde_json::from_str(&self.proof.to_json()).expect("a proof is JSON"),
        };
        serde_json::to_string(&file).expect("a request is plain data")
    }

    /// Returns the record's handle.
    pub fn handle(&self) -> RecordHandle {
        record_handle(self.record, &self.blinding)
    }

    /// Returns the statement's public inputs on a ledger.
    pub fn public_inputs(&self, context: Context) -> PublicInputs {
        let request = Request {
            context,
            records: self.records,
            consents: self.consents,
            as_of: self.as_of,
            requester: requester_id(self.requester),
            purpose: self.purpose,
            record_type: self.record_type,
            mode: self.mode,
        };
        PublicInputs { request, handle: self.handle(), nullifier: self.nullifier }
    }

    /// Returns what identifies the access on the ledger: a digest of request id, public inputs and proof.
    pub fn digest(&self, context: Context) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"praman.access-request.2");
        hasher.update(self.request_id.as_bytes());
        for input in self.public_inputs(context).to_fields() {
            hasher.update(to_be_bytes(input));
        }
        hasher.update(self.proof.to_words().as_flattened());
        hasher.finalize().into()
    }

    /// Returns the access as the ledger records it.
    pub(super) fn ledger_access(&self, context: Context) -> LedgerAccess {
        LedgerAccess {
            nullifier: self.nullifier,
            records: self.records,
            manager: self.manager,
            consents: self.consents,
            requester: self.requester,
            as_of: self.as_of,
            digest: self.digest(context),
        }
    }
}
