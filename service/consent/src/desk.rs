//! The work of a consent manager: it receives requests; patients grant, narrow, deny and withdraw.

use jiff::Timestamp;
use praman_circuits::merkle::empty_leaf;
use praman_ledger::{ManagerNumber, ProviderId, RequesterNumber};
use praman_store::broken;
use praman_store::error::StoreError;
use praman_store::failpoint::may_die;
use praman_store::named::{named, text_column};
use praman_store::{Store, WriteTransaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::document::{FieldFault, RequestDocument};
use super::erasure::{ErasureReason, order_erasure};
use super::file::ConsentFile;
use super::manager::{ConsentManager, PatientTag};
use super::provider::{Tree, change_leaf};
use super::refusal::{ConsentError, ConsentRefusal};
use super::terms::{Granted, Terms, unknown_types};
use super::time::read_time;
use crate::ConsentStore;

/// How many days a request waits for an answer. Ignoring it is not a denial: it expires.
pub(super) const REQUEST_DAYS: i64 = 7;

/// The state of a request, in the standard's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestState {
    /// It waits for the patient.
    Requested,
    /// The patient granted it for at least one provider.
    Granted,
    /// The patient denied it.
    Denied,
    /// There was no answer in time.
    Expired,
}

impl RequestState {
    /// Returns its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Granted => "GRANTED",
            Self::Denied => "DENIED",
            Self::Expired => "EXPIRED",
        }
    }

    /// All of them.
    pub const ALL: &[Self] = &[Self::Requested, Self::Granted, Self::Denied, Self::Expired];

    /// Returns the state with a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.name() == name)
    }
}

text_column!(RequestState);

named! {
    /// The state of a consent in the store.
    ConsentState {
        /// The patient has given it.
        Granted = "granted",
        /// The patient has withdrawn it.
        Revoked = "revoked",
        /// It has expired.
        Expired = "expired",
    }
}

impl ConsentStore<'_> {
    /// Returns the state of a consent, if it is here.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn state_of(&self, id: &str) -> Result<Option<ConsentState>, StoreError> {
        let row: Option<(ConsentState,)> =
            sqlx::query_as("SELECT state FROM consent WHERE id = $1")
                .bind(id)
                .fetch_optional(self.0.pool())
                .await?;
        Ok(row.map(|(state,)| state))
    }
}

/// A stored request.
pub struct KeptRequest {
    /// The sender's id for it.
    pub id: String,
    /// The patient's number for it.
    pub number: u32,
    /// The requester.
    pub requester: RequesterNumber,
    /// Its state.
    pub state: RequestState,
    /// What it asks for.
    pub terms: Terms,
    /// When it was received.
    pub received_at: Timestamp,
    pub(super) patient: PatientTag,
}

/// A stored consent.
pub struct KeptConsent {
    /// The consent.
    pub file: ConsentFile,
    /// Its request.
    pub request: String,
    /// The patient's number for it: that of the request.
    pub number: u32,
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it was withdrawn, if it was.
    pub revoked_at: Option<Timestamp>,
    /// What is granted.
    pub granted: Granted,
}

impl KeptConsent {
    /// Returns its state at a time, in the standard's words.
    pub fn state(&self, now: Timestamp) -> &'static str {
        match self.revoked_at {
            Some(_) => "REVOKED",
            None if self.granted.valid_until < now => "EXPIRED",
            None => "GRANTED",
        }
    }
}

/// The result of receiving a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceivedRequest {
    /// The sender's id for it.
    pub id: String,
    /// The patient's number for it.
    pub number: u32,
    /// Its state.
    pub state: RequestState,
    /// Whether it had been received before.
    pub repeated: bool,
    /// Types of health information that it asks for and that are not known here: it does not get these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_types: Vec<String>,
}

/// A consent manager over a store.
pub struct ConsentDesk {
    pub(super) store: Store,
    pub(super) manager: ConsentManager,
}

#[derive(Serialize, Deserialize)]
struct SealedRequest {
    document: RequestDocument,
}

pub(super) fn time_of_column(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn request_purpose(id: &str) -> String {
    format!("praman consent request {id}")
}

pub(super) fn consent_purpose(id: &str) -> String {
    format!("praman consent {id}")
}

/// Returns a request's id in canonical form.
fn request_id(document: &RequestDocument) -> Result<String, FieldFault> {
    let id = Uuid::try_parse(&document.request_id);
    Ok(id.map_err(|_| FieldFault::new("requestId", "is not a UUID"))?.to_string())
}

impl ConsentDesk {
    /// Creates a desk over a store.
    pub fn new(store: &Store, manager: ConsentManager) -> Self {
        Self { store: store.clone(), manager }
    }

    /// Returns the digest that identifies a request: of everything except when it was sent, which callbacks
    /// change.
    fn request_digest(&self, document: &RequestDocument) -> Vec<u8> {
        let asked = serde_json::to_value(&document.consent).expect("a document is plain data");
        self.manager.digest(b"praman.consent-request.1", asked.to_string().as_bytes()).to_vec()
    }

    /// Returns the consent manager's keys.
    pub fn manager(&self) -> &ConsentManager {
        &self.manager
    }

    /// Returns the consent manager's number on the ledger.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoManager`]; [`ConsentRefusal::OtherManager`] if the store belongs to another.
    pub async fn number(&self) -> Result<ManagerNumber, ConsentError> {
        let known = ConsentStore(&self.store).manager().await?.ok_or(ConsentRefusal::NoManager)?;
        if known.public_key != self.manager.public() {
            return Err(ConsentRefusal::OtherManager.into());
        }
        Ok(known.number)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Receives a request. The same request twice is one request.
    ///
    /// # Errors
    /// [`ConsentError::Field`] naming what is wrong with it; [`ConsentRefusal::RequestIdUsed`].
    pub async fn receive(
        &self,
        document: &RequestDocument,
        now: Timestamp,
    ) -> Result<ReceivedRequest, ConsentError> {
        let id = request_id(document)?;
        read_time(&document.timestamp, "timestamp")?;
        let digest = self.request_digest(document);
        let unknown_types = unknown_types(&document.consent.hi_types);
        if let Some(known) = self.known_request(&id, &digest).await? {
            return Ok(ReceivedRequest { unknown_types, ..known });
        }
        let terms = Terms::read(&document.consent, "consent", now)?;
        let requester = ConsentStore(&self.store).requester_named(&terms.requester).await?;
        let requester = requester.ok_or(ConsentRefusal::UnknownRequester)?;
        if let Some(name) = &terms.provider {
            ConsentStore(&self.store)
                .provider_named(name)
                .await?
                .ok_or(ConsentRefusal::UnknownProvider)?;
        }
        let mut transaction = self.store.begin().await?;
        let state = RequestState::Requested;
        let kept = self.keep_request(&mut transaction, document, &terms, requester, now).await?;
        let Some(number) = kept else {
            // Another program received it meanwhile.
            drop(transaction);
            let known =
                self.known_request(&id, &digest).await?.ok_or(ConsentRefusal::RequestIdUsed)?;
            return Ok(ReceivedRequest { unknown_types, ..known });
        };
        transaction.commit().await?;
        Ok(ReceivedRequest { id, number, state, repeated: false, unknown_types })
    }

    /// Stores a request; returns the patient's number for it, the next one, or none if its id is taken.
    async fn keep_request(
        &self,
        transaction: &mut WriteTransaction,
        document: &RequestDocument,
        terms: &Terms,
        requester: RequesterNumber,
        now: Timestamp,
    ) -> Result<Option<u32>, ConsentError> {
        let id = request_id(document)?;
        let patient = self.manager.patient_tag(&terms.patient);
        let sealed = SealedRequest { document: document.clone() };
        let inserted: Option<(i64,)> = sqlx::query_as(
            "INSERT INTO consent_request
                 (id, digest, patient, number, requester, state, sealed, received_at, erase_at)
             SELECT $1, $2, $3, COALESCE(MAX(number), 0) + 1, $4, $5, $6, $7, $8
             FROM consent_request WHERE patient = $3
             ON CONFLICT (id) DO NOTHING RETURNING number",
        )
        .bind(&id)
        .bind(self.request_digest(document))
        .bind(patient.column())
        .bind(i64::from(requester.0))
        .bind(RequestState::Requested)
        .bind(self.manager.seal(&request_purpose(&id), &sealed)?)
        .bind(now.as_millisecond())
        .bind(terms.erase_at.as_millisecond())
        .fetch_optional(&mut **transaction)
        .await?;
        Ok(inserted.map(|(number,)| number as u32))
    }

    async fn known_request(
        &self,
        id: &str,
        digest: &[u8],
    ) -> Result<Option<ReceivedRequest>, ConsentError> {
        let row: Option<(Vec<u8>, i64, RequestState)> =
            sqlx::query_as("SELECT digest, number, state FROM consent_request WHERE id = $1")
                .bind(id)
                .fetch_optional(self.store.pool())
                .await?;
        let Some((known, number, state)) = row else { return Ok(None) };
        if known != digest {
            return Err(ConsentRefusal::RequestIdUsed.into());
        }
        Ok(Some(ReceivedRequest {
            id: id.to_owned(),
            number: number as u32,
            state,
            repeated: true,
            unknown_types: Vec::new(),
        }))
    }

    /// A request.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoSuchRequest`].
    pub async fn request(&self, id: &str) -> Result<KeptRequest, ConsentError> {
        let row: Option<RequestRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{REQUESTS} WHERE id = $1")))
                .bind(id)
                .fetch_optional(self.store.pool())
                .await?;
        self.opened_request(row.ok_or(ConsentRefusal::NoSuchRequest)?)
    }

    /// Returns a patient's requests, in the order in which they were received.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub(super) async fn requests_of(
        &self,
        patient: PatientTag,
    ) -> Result<Vec<KeptRequest>, ConsentError> {
        let statement = format!("{REQUESTS} WHERE patient = $1 ORDER BY number");
        let rows: Vec<RequestRow> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(patient.column())
            .fetch_all(self.store.pool())
            .await?;
        rows.into_iter().map(|row| self.opened_request(row)).collect()
    }

    fn opened_request(&self, row: RequestRow) -> Result<KeptRequest, ConsentError> {
        let (id, number, requester, state, sealed, received_at, patient) = row;
        let SealedRequest { document } = self.manager.unseal(&request_purpose(&id), &sealed)?;
        Ok(KeptRequest {
            number: number as u32,
            requester: RequesterNumber(requester as u32),
            state,
            terms: Terms::read(&document.consent, "consent", Timestamp::UNIX_EPOCH)?,
            received_at: time_of_column(received_at),
            patient: PatientTag::of_column(&patient).ok_or(ConsentRefusal::NoSuchRequest)?,
            id,
        })
    }

    /// Denies a request.
    ///
    /// # Errors
    /// [`ConsentRefusal::AlreadyDecided`], [`ConsentRefusal::NoSuchRequest`].
    pub async fn deny(&self, id: &str) -> Result<(), ConsentError> {
        let denied = sqlx::query(
            "UPDATE consent_request SET state = 'DENIED' WHERE id = $1 AND state = 'REQUESTED'",
        )
        .bind(id)
        .execute(self.store.writer())
        .await?;
        if denied.rows_affected() == 1 {
            return Ok(());
        }
        self.request(id).await?;
        Err(ConsentRefusal::AlreadyDecided.into())
    }

    /// A consent.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoSuchConsent`].
    pub async fn consent(&self, id: &str) -> Result<KeptConsent, ConsentError> {
        let row: Option<ConsentRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{CONSENTS} WHERE consent.id = $1")))
                .bind(id)
                .fetch_optional(self.store.pool())
                .await?;
        self.opened(row.ok_or(ConsentRefusal::NoSuchConsent)?)
    }

    /// Returns a patient's consents, in the order in which they were given.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub(super) async fn consents_of(
        &self,
        patient: PatientTag,
    ) -> Result<Vec<KeptConsent>, ConsentError> {
        let statement =
            format!("{CONSENTS} WHERE consent.patient = $1 ORDER BY granted_at, consent.id");
        let rows: Vec<ConsentRow> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(patient.column())
            .fetch_all(self.store.pool())
            .await?;
        rows.into_iter().map(|row| self.opened(row)).collect()
    }

    fn opened(&self, row: ConsentRow) -> Result<KeptConsent, ConsentError> {
        let (id, request, number, sealed, granted_at, revoked_at) = row;
        let kept = self.manager.unseal(&consent_purpose(&id), &sealed)?;
        let file = ConsentFile::of_kept(kept).map_err(|_| broken("a consent"))?;
        let granted = file.granted()?;
        Ok(KeptConsent {
            file,
            request,
            number: number as u32,
            granted_at: time_of_column(granted_at),
            revoked_at: revoked_at.map(time_of_column),
            granted,
        })
    }

    /// Withdraws a consent: its leaf is emptied, and the requester is ordered to erase what it got. It is
    /// withdrawn for every verifier once
    /// [`publish_consents`](super::publish_consents) has put the manager's root on the ledger; returns the provider.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoSuchConsent`], [`ConsentRefusal::AlreadyWithdrawn`],
    /// [`ConsentRefusal::AlreadyExpired`].
    pub async fn withdraw(&self, id: &str, now: Timestamp) -> Result<ProviderId, ConsentError> {
        let mut transaction = self.store.begin().await?;
        let row: Option<(i64, i64, i64)> = sqlx::query_as(
            "UPDATE consent SET state = 'revoked', revoked_at = $2
             WHERE id = $1 AND state = 'granted' RETURNING provider, position, requester",
        )
        .bind(id)
        .bind(now.as_millisecond())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((provider, place, requester)) = row else {
            drop(transaction);
            return Err(match ConsentStore(&self.store).state_of(id).await? {
                None => ConsentRefusal::NoSuchConsent,
                Some(ConsentState::Revoked) => ConsentRefusal::AlreadyWithdrawn,
                Some(ConsentState::Granted | ConsentState::Expired) => {
                    ConsentRefusal::AlreadyExpired
                }
            }
            .into());
        };
        let provider = ProviderId(provider as u32);
        let emptied = (place as usize, empty_leaf());
        change_leaf(&mut transaction, provider, Tree::Consents, emptied, true).await?;
        let requester = RequesterNumber(requester as u32);
        order_erasure(&mut transaction, id, requester, ErasureReason::Withdrawn, now).await?;
        may_die!("consent::withdraw");
        transaction.commit().await?;
        Ok(provider)
    }
}

type RequestRow = (String, i64, i64, RequestState, Vec<u8>, i64, Vec<u8>);

const REQUESTS: &str =
    "SELECT id, number, requester, state, sealed, received_at, patient FROM consent_request";

type ConsentRow = (String, String, i64, Vec<u8>, i64, Option<i64>);

const CONSENTS: &str = "SELECT consent.id, request, consent_request.number, consent.sealed,
     granted_at, revoked_at FROM consent JOIN consent_request ON consent_request.id = request";

impl KeptRequest {
    /// Whether it waited too long.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let waited = now.as_millisecond() - self.received_at.as_millisecond();
        self.terms.erase_at <= now || waited > REQUEST_DAYS * 86_400_000
    }
}
