//! The patient's side of an access: paths, the check of the statement, the proof.

use std::path::Path;

use ark_ff::UniformRand;
use jiff::Timestamp;
use praman_circuits::Fr;
use praman_circuits::artefact::{CONSENT_DEPTH, ConsentTree, ConsentsRoot, Purpose};
use praman_circuits::circuit::{self, Witness};
use praman_circuits::consent::{self, Grant, PublicInputs, Request};
use praman_circuits::context::Context;
use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::health_record::{
    HandleBlinding, RECORD_DEPTH, RecordCommitment, RecordTree, RecordType, RecordsRoot,
};
use praman_circuits::merkle::{Path as TreePath, Tree, root_of};
use praman_files::FileError;
use praman_holder::wallet::Wallet;
use praman_ledger::{ManagerNumber, ProviderId, RequesterNumber};
use praman_prover::ProvingError;
use praman_prover::{Cores, FixedKeyEngine, Prover};
use praman_store::{Store, TreeName, read_path};
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::AccessRequest;
use super::document::{self, FieldFault};
use super::file::{ConsentFile, RecordFile, requester_id};
use super::refusal::ConsentError;
use super::time::minute_of;

/// The leaves of a tree: of a provider's records, or of a manager's consents there. They come whole, so that nobody
/// learns which patient's path is used.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeLeaves {
    /// The provider's number.
    pub provider: u32,
    /// The consent manager's number, of consents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<u32>,
    /// The value that binds proofs to the ledger, decimal.
    pub context: String,
    /// The root, decimal.
    pub root: String,
    /// The leaves, in order; a removed one has the empty value.
    pub leaves: Vec<String>,
}

impl TreeLeaves {
    /// Returns the leaves of a provider's records.
    pub fn of_records(provider: ProviderId, context: Context, records: &RecordTree) -> Self {
        Self::of(provider, None, context, records)
    }

    /// Returns the leaves of a manager's consents at a provider.
    pub fn of_consents(
        provider: ProviderId,
        manager: ManagerNumber,
        context: Context,
        consents: &ConsentTree,
    ) -> Self {
        Self::of(provider, Some(manager.0), context, consents)
    }

    fn of<const DEPTH: usize>(
        provider: ProviderId,
        manager: Option<u32>,
        context: Context,
        tree: &Tree<DEPTH>,
    ) -> Self {
        Self {
            provider: provider.0,
            manager,
            context: context.to_string(),
            root: to_decimal(tree.root()),
            leaves: tree.leaves().iter().copied().map(to_decimal).collect(),
        }
    }

    /// Reads leaves in the form of `GET /v1/providers/{provider}/records` and `…/consents`.
    ///
    /// # Errors
    /// [`FileError`] naming file and field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = praman_files::read_text(path)?;
        document::read(&text).map_err(|fault| FileError::malformed(path, fault))
    }

    /// Returns what binds proofs to the ledger.
    ///
    /// # Errors
    /// [`FieldFault`].
    pub fn context(&self) -> Result<Context, FieldFault> {
        let parsed = self.context.parse();
        parsed.map_err(|error| FieldFault::new("context", format!("is {error}")))
    }

    /// Returns the path of a record, in a tree that is hashed again.
    ///
    /// # Errors
    /// [`FieldFault`] if it is another provider's tree, or one of consents, or the leaves do not give its root.
    pub fn record_path(&self, record: &RecordFile) -> Result<TreePath<RECORD_DEPTH>, FieldFault> {
        if self.manager.is_some() {
            return Err(FieldFault::new("manager", "is given: these are consents, not records"));
        }
        if ProviderId(self.provider) != record.provider {
            return Err(FieldFault::new("provider", "is not the provider of the record"));
        }
        tree_path(&self.leaves, &self.root, record.position)
    }

    /// Returns the path of a consent, in a tree that is hashed again.
    ///
    /// # Errors
    /// [`FieldFault`] if it is another provider's or manager's tree, or the leaves do not give its root.
    pub fn consent_path(
        &self,
        consent: &ConsentFile,
    ) -> Result<TreePath<CONSENT_DEPTH>, FieldFault> {
        if self.manager.map(ManagerNumber) != Some(consent.keeper()) {
            return Err(FieldFault::new("manager", "is not the consent manager of the consent"));
        }
        if ProviderId(self.provider) != consent.provider() {
            return Err(FieldFault::new("provider", "is not the provider of the consent"));
        }
        tree_path(&self.leaves, &self.root, consent.position())
    }
}

fn tree_path<const DEPTH: usize>(
    leaves: &[String],
    root: &str,
    place: usize,
) -> Result<TreePath<DEPTH>, FieldFault> {
    let fault = |fault: String| FieldFault::new("leaves", fault);
    let leaves: Result<Vec<Fr>, _> = leaves.iter().map(|leaf| parse_decimal(leaf)).collect();
    let leaves = leaves.map_err(|error| fault(format!("has a leaf that is {error}")))?;
    let mut tree = Tree::<DEPTH>::new();
    tree.append(&leaves).map_err(|error| fault(error.to_string()))?;
    if to_decimal(tree.root()) != root {
        return Err(fault("do not make their root".to_owned()));
    }
    tree.path(place).map_err(|error| fault(error.to_string()))
}

/// Both trees at one time, as a prover needs them.
pub struct ProviderPaths {
    record: TreePath<RECORD_DEPTH>,
    consent: TreePath<CONSENT_DEPTH>,
}

impl ProviderPaths {
    /// Makes paths of those of two trees, which may come from two places.
    pub fn new(record: TreePath<RECORD_DEPTH>, consent: TreePath<CONSENT_DEPTH>) -> Self {
        Self { record, consent }
    }

    /// Returns the paths of a consent and of a record, from the store.
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

/// An access that a patient is asked for: by whom and for what.
#[derive(Clone, Copy)]
pub struct Asked {
    /// The requester.
    pub requester: RequesterNumber,
    /// The purpose.
    pub purpose: Purpose,
    /// The access's number in this window of the consent's frequency, from 0.
    pub number: u32,
    /// The time.
    pub at: Timestamp,
}

/// An access whose statement holds, to be proved.
pub struct PreparedAccess {
    public: PublicInputs,
    witness: Witness,
    provider: ProviderId,
    manager: ManagerNumber,
    asked: Asked,
    record: RecordCommitment,
    record_type: RecordType,
    blinding: HandleBlinding,
}

impl PreparedAccess {
    /// Prepares an access by a patient's wallet, consent and record, and checks it natively.
    ///
    /// # Errors
    /// [`ConsentError::Untrue`] with the first clause that does not hold, in words for the patient.
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
        let (record, record_type) = (health_record.commitment(), health_record.record_type);
        // If a path does not fit its leaf, the statement fails there.
        let records = root_of(record.to_field(), &paths.record).unwrap_or_default();
        let consents =
            root_of(artefact.commitment().to_field(), &paths.consent).unwrap_or_default();
        let request = Request {
            context,
            records: RecordsRoot::from_field(records),
            consents: ConsentsRoot::from_field(consents),
            as_of: minute_of(asked.at).ok_or_else(|| FieldFault::new("at", "lies before 1900"))?,
            requester: requester_id(asked.requester),
            purpose: asked.purpose,
            record_type,
            mode: artefact.mode,
        };
        let blinding = HandleBlinding::from_field(Fr::rand(&mut OsRng));
        let grant = Grant {
            secret: at_provider.secret.clone(),
            blinding: at_provider.blinding.clone(),
            record: health_record,
            record_path: paths.record,
            artefact,
            consent_path: paths.consent,
        };
        let (public, private) = grant.inputs(request, asked.number, &blinding);
        let fields = public.to_fields();
        consent::check(&fields, &private)?;
        let witness = circuit::consent_witness(&fields, &private);
        let manager = consent.keeper();
        Ok(Self { public, witness, provider, manager, asked, record, record_type, blinding })
    }

    /// Returns the statement's public inputs.
    pub fn public_inputs(&self) -> &PublicInputs {
        &self.public
    }

    /// Returns the witness for export.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// Proves the access.
    ///
    /// # Errors
    /// [`ProvingError`].
    pub fn prove(
        self,
        prover: &Prover<FixedKeyEngine>,
        cores: Cores,
    ) -> Result<AccessRequest, ProvingError> {
        let proof = prover.prove_on(&self.witness, cores)?;
        let Request { as_of, records, consents, mode, .. } = self.public.request;
        Ok(AccessRequest {
            request_id: Uuid::new_v4(),
            provider: self.provider,
            manager: self.manager,
            requester: self.asked.requester,
            purpose: self.asked.purpose,
            record_type: self.record_type,
            mode,
            as_of,
            records,
            consents,
            record: self.record,
            blinding: self.blinding,
            nullifier: self.public.nullifier,
            proof,
        })
    }
}
