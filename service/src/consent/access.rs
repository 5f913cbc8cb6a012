//! One access by consent: proved by the patient, and asked of the provider's gate.

use std::path::Path;

use ark_ff::UniformRand;
use jiff::Timestamp;
use praman_circuits::Fr;
use praman_circuits::access::{AccessNullifier, access_nullifier};
use praman_circuits::artefact::{CONSENT_DEPTH, ConsentTree, ConsentsRoot, Moment, Purpose};
use praman_circuits::circuit;
use praman_circuits::consent::{self, Grant, PublicInputs, Request};
use praman_circuits::context::Context;
use praman_circuits::field::{parse_decimal, to_be_bytes, to_decimal};
use praman_circuits::health_record::{
    HandleBlinding, RECORD_DEPTH, RecordCommitment, RecordHandle, RecordTree, RecordType,
    RecordsRoot, record_handle,
};
use praman_circuits::merkle::{Tree, root_of};
use praman_prover::{Cores, FixedKeyEngine, Prover};
use praman_verifier::Proof;
use rand::rngs::OsRng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::code::{purpose_code, purpose_of, type_code, type_of};
use super::document::{self, FieldFault};
use super::file::{ConsentFile, RecordFile, element, requester_id};
use super::refusal::ConsentError;
use super::terms::moment_of;
use crate::error::ServiceError;
use crate::files;
use crate::ledger::{LedgerAccess, ProviderId, RequesterNumber};
use crate::store::{Store, TreeName, read_path};
use crate::wallet::{SecretText, Wallet};

/// What a provider's gate is asked: to release one record once.
///
/// Its fields are what the proof is about. By record and blinding the provider knows which record is meant;
/// the requester who carries them is handed that very record, and the ledger sees neither.
#[derive(Clone)]
pub struct AccessRequest {
    /// The sender's name for it: the same twice is one access.
    pub request_id: Uuid,
    /// The provider.
    pub provider: ProviderId,
    /// Who asks.
    pub requester: RequesterNumber,
    /// For what.
    pub purpose: Purpose,
    /// For a record of which type.
    pub record_type: RecordType,
    /// The moment that it is for.
    pub as_of: Moment,
    /// The root of the provider's records that the proof is against.
    pub records: RecordsRoot,
    /// The root of its consents.
    pub consents: ConsentsRoot,
    /// The record.
    pub record: RecordCommitment,
    /// By what its handle is made.
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
    requester: RequesterNumber,
    purpose: String,
    record_type: String,
    as_of: Moment,
    records_root: RecordsRoot,
    consents_root: ConsentsRoot,
    record: RecordCommitment,
    handle_blinding: SecretText,
    nullifier: AccessNullifier,
    proof: serde_json::Value,
}

const FORMAT: &str = "praman-access-1";

impl AccessRequest {
    /// The request of a text, as [`AccessRequest::to_json`] writes it.
    ///
    /// # Errors
    /// [`FieldFault`] naming what is wrong.
    pub fn from_json(text: &str) -> Result<Self, FieldFault> {
        let file: AccessFile = document::read(text)?;
        if file.format != FORMAT {
            return Err(FieldFault::new("format", "is not that of a request for an access"));
        }
        let purpose = purpose_of(&file.purpose)
            .ok_or_else(|| FieldFault::new("purpose", "is no purpose's code"))?;
        let record_type = type_of(&file.record_type)
            .ok_or_else(|| FieldFault::new("record_type", "is none of the eight types"))?;
        let proof = Proof::from_json(&file.proof.to_string())
            .map_err(|error| FieldFault::new("proof", error.to_string()))?;
        Ok(Self {
            request_id: file.request_id,
            provider: file.provider,
            requester: file.requester,
            purpose,
            record_type,
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
    /// [`ServiceError`] naming file and field.
    pub fn read(path: &Path) -> Result<Self, ServiceError> {
        let text = files::read_text(path)?;
        Self::from_json(&text).map_err(|fault| ServiceError::malformed(path, fault))
    }

    /// The request as text.
    pub fn to_json(&self) -> String {
        let file = AccessFile {
            format: FORMAT.to_owned(),
            request_id: self.request_id,
            provider: self.provider,
            requester: self.requester,
            purpose: purpose_code(self.purpose).to_owned(),
            record_type: type_code(self.record_type).to_owned(),
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

    /// The record's handle.
    pub fn handle(&self) -> RecordHandle {
        record_handle(self.record, &self.blinding)
    }

    /// The statement's public inputs on a ledger.
    pub fn public_inputs(&self, context: Context) -> PublicInputs {
        let request = Request {
            context,
            records: self.records,
            consents: self.consents,
            as_of: self.as_of,
            requester: requester_id(self.requester),
            purpose: self.purpose,
            record_type: self.record_type,
        };
        PublicInputs { request, handle: self.handle(), nullifier: self.nullifier }
    }

    /// What the ledger knows the access again by: request id, public inputs and proof.
    pub fn digest(&self, context: Context) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"praman.access-request.1");
        hasher.update(self.request_id.as_bytes());
        for input in self.public_inputs(context).to_fields() {
            hasher.update(to_be_bytes(input));
        }
        hasher.update(self.proof.to_words().as_flattened());
        hasher.finalize().into()
    }

    /// The access as the ledger records it.
    pub(super) fn ledger_access(&self, context: Context) -> LedgerAccess {
        LedgerAccess {
            nullifier: self.nullifier,
            records: self.records,
            consents: self.consents,
            requester: self.requester,
            as_of: self.as_of,
            digest: self.digest(context),
        }
    }
}

/// A provider's two trees as a service hands them out, whole: nobody learns whose path is taken from them.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderTrees {
    /// The provider's number.
    pub provider: u32,
    /// What binds proofs to the ledger, decimal.
    pub context: String,
    /// The root of its records, decimal.
    pub records_root: String,
    /// The root of its consents, decimal.
    pub consents_root: String,
    /// The leaves of its records, in order; what was taken away is the empty value.
    pub records: Vec<String>,
    /// The leaves of its consents.
    pub consents: Vec<String>,
}

impl ProviderTrees {
    /// Some trees.
    pub(crate) fn of(
        provider: ProviderId,
        context: Context,
        records: &RecordTree,
        consents: &ConsentTree,
    ) -> Self {
        let leaves = |leaves: &[Fr]| leaves.iter().copied().map(to_decimal).collect();
        Self {
            provider: provider.0,
            context: context.to_string(),
            records_root: to_decimal(records.root()),
            consents_root: to_decimal(consents.root()),
            records: leaves(records.leaves()),
            consents: leaves(consents.leaves()),
        }
    }

    /// Reads trees, as `GET /v1/providers/{provider}/trees` answers.
    ///
    /// # Errors
    /// [`ServiceError`] naming file and field.
    pub fn read(path: &Path) -> Result<Self, ServiceError> {
        let text = files::read_text(path)?;
        document::read(&text).map_err(|fault| ServiceError::malformed(path, fault))
    }

    /// What binds proofs to the ledger.
    ///
    /// # Errors
    /// [`FieldFault`].
    pub fn context(&self) -> Result<Context, FieldFault> {
        let parsed = self.context.parse();
        parsed.map_err(|error| FieldFault::new("context", format!("is {error}")))
    }

    /// The paths of a consent and of a record, in trees that are hashed anew.
    ///
    /// # Errors
    /// [`FieldFault`] if they are another provider's, or their leaves do not make their roots.
    pub fn paths(
        &self,
        consent: &ConsentFile,
        record: &RecordFile,
    ) -> Result<ProviderPaths, FieldFault> {
        if ProviderId(self.provider) != consent.provider() {
            return Err(FieldFault::new("provider", "is not the consent's"));
        }
        let record = tree_path(&self.records, &self.records_root, record.position, "records")?;
        let place = consent.position();
        let consent = tree_path(&self.consents, &self.consents_root, place, "consents")?;
        Ok(ProviderPaths { record, consent })
    }
}

fn tree_path<const DEPTH: usize>(
    leaves: &[String],
    root: &str,
    place: usize,
    field: &str,
) -> Result<praman_circuits::merkle::Path<DEPTH>, FieldFault> {
    let fault = |fault: String| FieldFault::new(field, fault);
    let leaves: Result<Vec<Fr>, _> = leaves.iter().map(|leaf| parse_decimal(leaf)).collect();
    let leaves = leaves.map_err(|error| fault(format!("has a leaf that is {error}")))?;
    let mut tree = Tree::<DEPTH>::new();
    tree.append(&leaves).map_err(|error| fault(error.to_string()))?;
    if to_decimal(tree.root()) != root {
        return Err(fault("do not make their root".to_owned()));
    }
    tree.path(place).map_err(|error| fault(error.to_string()))
}

/// A provider's two trees at one time, as who proves against them needs them.
pub struct ProviderPaths {
    record: praman_circuits::merkle::Path<RECORD_DEPTH>,
    consent: praman_circuits::merkle::Path<CONSENT_DEPTH>,
}

impl ProviderPaths {
    /// The paths of a consent and of a record, from the store.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn of(
        store: &Store,
        consent: &ConsentFile,
        record: &RecordFile,
    ) -> Result<Self, ConsentError> {
        let provider = consent.provider().0;
        let mut reading = store.begin_reading().await?;
        Ok(Self {
            record: read_path(&mut reading, TreeName::Records(provider), record.position).await?,
            consent: read_path(&mut reading, TreeName::Consents(provider), consent.position())
                .await?,
        })
    }
}

/// What is asked of a patient: an access for whom, for what.
#[derive(Clone, Copy)]
pub struct Asked {
    /// Who asks.
    pub requester: RequesterNumber,
    /// For what.
    pub purpose: Purpose,
    /// The access's number in this window of the consent's frequency, from 0.
    pub number: u32,
    /// When.
    pub at: Timestamp,
}

/// An access whose statement holds, to be proved.
pub struct PreparedAccess {
    public: PublicInputs,
    witness: praman_circuits::circuit::Witness,
    request: AccessRequestParts,
}

struct AccessRequestParts {
    provider: ProviderId,
    requester: RequesterNumber,
    record: RecordCommitment,
    blinding: HandleBlinding,
    purpose: Purpose,
    record_type: RecordType,
}

impl PreparedAccess {
    /// Prepares an access by a patient's wallet, consent and record, and checks it natively.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] with the first clause that does not hold, in words for the patient.
    pub fn new(
        wallet: &Wallet,
        consent: &ConsentFile,
        record: &RecordFile,
        paths: ProviderPaths,
        context: Context,
        asked: Asked,
    ) -> Result<Self, ConsentError> {
        let provider = consent.provider();
        let at_provider = wallet.at_provider(provider);
        let (artefact, health_record) = (consent.artefact()?, record.record()?);
        let root = |leaf, path: &praman_circuits::merkle::Path<RECORD_DEPTH>| {
            root_of(leaf, path).unwrap_or_default()
        };
        let request = Request {
            context,
            records: RecordsRoot::from_field(root(
                health_record.commitment().to_field(),
                &paths.record,
            )),
            consents: ConsentsRoot::from_field(root(
                artefact.commitment().to_field(),
                &paths.consent,
            )),
            as_of: moment_of(asked.at).ok_or_else(|| FieldFault::new("at", "lies before 1900"))?,
            requester: requester_id(asked.requester),
            purpose: asked.purpose,
            record_type: health_record.record_type,
        };
        let parts = AccessRequestParts {
            provider,
            requester: asked.requester,
            record: health_record.commitment(),
            blinding: HandleBlinding::from_field(Fr::rand(&mut OsRng)),
            purpose: asked.purpose,
            record_type: health_record.record_type,
        };
        let grant = Grant {
            secret: at_provider.secret.clone(),
            blinding: at_provider.blinding.clone(),
            record: health_record,
            record_path: paths.record,
            artefact,
            consent_path: paths.consent,
        };
        let (public, private) = grant.inputs(request, asked.number, &parts.blinding);
        let fields = public.to_fields();
        consent::check(&fields, &private)
            .map_err(|violation| ServiceError::Refused(violation.to_string()))?;
        let witness = circuit::consent_witness(&fields, &private);
        Ok(Self { public, witness, request: parts })
    }

    /// The statement's public inputs.
    pub fn public_inputs(&self) -> &PublicInputs {
        &self.public
    }

    /// The witness, as it is exported.
    pub fn witness(&self) -> &praman_circuits::circuit::Witness {
        &self.witness
    }

    /// Proves it.
    ///
    /// # Errors
    /// [`ServiceError::Proving`].
    pub fn prove(
        self,
        prover: &Prover<FixedKeyEngine>,
        cores: Cores,
    ) -> Result<AccessRequest, ServiceError> {
        let proof = prover.prove_on(&self.witness, cores)?;
        let AccessRequestParts { provider, requester, record, blinding, purpose, record_type } =
            self.request;
        Ok(AccessRequest {
            request_id: Uuid::new_v4(),
            provider,
            requester,
            purpose,
            record_type,
            as_of: self.public.request.as_of,
            records: self.public.request.records,
            consents: self.public.request.consents,
            record,
            blinding,
            nullifier: self.public.nullifier,
            proof,
        })
    }
}

/// Nullifiers that are looked for at most when a consent's uses are told.
const NULLIFIERS_MAX: u64 = 200_000;

/// The nullifiers of a consent's accesses up to a moment, by window and number, of the newest windows so
/// many as can be told in a moment.
pub(super) fn nullifiers(
    wallet: &Wallet,
    consent: &ConsentFile,
    until: Moment,
) -> Result<Vec<AccessNullifier>, FieldFault> {
    let artefact = consent.artefact()?;
    let commitment = artefact.commitment();
    let until = Moment(until.0.min(artefact.valid_until.0));
    let Some(last) = artefact.frequency.window_of(artefact.valid_from, until) else {
        return Ok(Vec::new());
    };
    let accesses = artefact.frequency.accesses;
    let windows = (NULLIFIERS_MAX / u64::from(accesses.max(1))).max(1);
    let first = (last + 1).saturating_sub(windows);
    let all: Vec<(u64, u32)> = (first..=last)
        .flat_map(|window| (0..accesses).map(move |number| (window, number)))
        .collect();
    let nullifier = |&(window, number): &(u64, u32)| {
        access_nullifier(&wallet.secret, commitment, window, number)
    };
    Ok(all.par_iter().map(nullifier).collect())
}

/// Which accesses of a consent were given, and when, as the ledger tells.
///
/// # Errors
/// [`ConsentError`].
pub async fn uses_of(
    store: &Store,
    wallet: &Wallet,
    consent: &ConsentFile,
    now: Timestamp,
) -> Result<Vec<Moment>, ConsentError> {
    let until = moment_of(now).ok_or_else(|| FieldFault::new("now", "lies before 1900"))?;
    let mine: std::collections::HashSet<Vec<u8>> = nullifiers(wallet, consent, until)?
        .iter()
        .map(|n| crate::store::bytes(n.to_field()))
        .collect();
    // All of the provider's are read, so that nobody learns which are this patient's.
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "SELECT nullifier, as_of FROM recorded_access WHERE provider = $1 ORDER BY as_of",
    )
    .bind(i64::from(consent.provider().0))
    .fetch_all(store.pool())
    .await?;
    let used = rows.into_iter().filter(|(nullifier, _)| mine.contains(nullifier));
    Ok(used.map(|(_, as_of)| Moment(as_of as u64)).collect())
}

/// The first number of a consent's window at a time that was not used yet.
///
/// # Errors
/// [`ConsentError`].
pub async fn next_number(
    store: &Store,
    wallet: &Wallet,
    consent: &ConsentFile,
    at: Timestamp,
) -> Result<u32, ConsentError> {
    let artefact = consent.artefact()?;
    let at = moment_of(at).ok_or_else(|| FieldFault::new("at", "lies before 1900"))?;
    let window = artefact.frequency.window_of(artefact.valid_from, at).unwrap_or_default();
    let commitment = artefact.commitment();
    for number in 0..artefact.frequency.accesses {
        let nullifier = access_nullifier(&wallet.secret, commitment, window, number);
        if store.recorded_access(consent.provider(), nullifier).await?.is_none() {
            return Ok(number);
        }
    }
    Ok(artefact.frequency.accesses)
}

impl Store {
    /// The digest of a provider's access that has a nullifier on the ledger, if one has, and its block.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn recorded_access(
        &self,
        provider: ProviderId,
        nullifier: AccessNullifier,
    ) -> Result<Option<([u8; 32], u64)>, ServiceError> {
        let row: Option<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT digest, block FROM recorded_access WHERE provider = $1 AND nullifier = $2",
        )
        .bind(i64::from(provider.0))
        .bind(crate::store::bytes(nullifier.to_field()))
        .fetch_optional(self.pool())
        .await?;
        Ok(row.and_then(|(digest, block)| Some((digest.try_into().ok()?, block as u64))))
    }
}
