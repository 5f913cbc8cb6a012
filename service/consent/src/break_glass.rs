//! Opening records in an emergency: never a consent, and never shown as one.
//!
//! Two clinicians of one provider sign what they open, whose it is, why and for how long. The patient is
//! informed at once unless that would harm them, and then soon; an overseer reviews each access. No proof is
//! made.

use ed25519_dalek::{Signature, VerifyingKey};
use jiff::Timestamp;
use praman_access::person;
use praman_circuits::artefact::RecordTypes;
use praman_circuits::health_record::RecordType;
use praman_ledger::ProviderId;
use praman_store::error::StoreError;
use praman_store::key_store::KeyStoreError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::desk::{ConsentDesk, time_of_column};
use super::manager::PatientTag;
use super::provider::key_of_column;
use super::refusal::ParticipantRefusal;
use super::refusal::{ConsentError, ConsentRefusal};
use super::signer::SignerKey;
use super::terms::{PatientAddress, type_codes};
use super::time::write_time;
use crate::ConsentStore;

/// The most hours of an access.
const HOURS_MAX: u32 = 24;

/// The most hours by which the notice to the patient may be delayed.
const TELL_LATER_HOURS_MAX: u32 = 72;

/// The fewest characters of a reason: the name of an illness is not one.
const REASON_MIN: usize = 20;

/// What is opened, whose it is, why and for how long.
#[derive(Clone, Serialize, Deserialize)]
pub struct EmergencyScope {
    /// The access's id.
    pub id: Uuid,
    /// The provider.
    pub provider: ProviderId,
    /// Whose records.
    pub patient: PatientAddress,
    /// The types: not all.
    pub types: RecordTypes,
    /// Why.
    pub reason: String,
    /// The duration in hours, 24 at most.
    pub hours: u32,
    /// The delay of the notice to the patient in hours, and why; none for at once.
    pub tell_later: Option<(u32, String)>,
}

impl EmergencyScope {
    /// Returns the message that both clinicians sign.
    pub fn message(&self) -> Vec<u8> {
        let text = serde_json::to_value(self).expect("a scope is plain data").to_string();
        [b"praman.break-glass.1:".as_slice(), text.as_bytes()].concat()
    }

    fn is_narrow(&self) -> bool {
        let later = self.tell_later.as_ref().is_none_or(|(hours, why)| {
            (1..=TELL_LATER_HOURS_MAX).contains(hours) && why.chars().count() >= REASON_MIN
        });
        !matches!(self.types.0, 0 | u8::MAX)
            && (1..=HOURS_MAX).contains(&self.hours)
            && self.reason.chars().count() >= REASON_MIN
            && later
    }
}

/// A clinician's signature of a scope.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBy {
    /// The clinician.
    pub clinician: String,
    /// Ed25519, hexadecimal.
    pub signature: String,
}

impl SignedBy {
    /// A clinician's signature of a scope.
    pub fn new(key: &SignerKey, scope: &EmergencyScope) -> Self {
        let signature = hex::encode(key.sign(&scope.message()));
        Self { clinician: key.name.clone(), signature }
    }
}

#[derive(Serialize, Deserialize)]
struct SealedEmergency {
    scope: EmergencyScope,
    signed: [SignedBy; 2],
}

/// An overseer's finding about an emergency access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ReviewOutcome {
    /// The access was justified.
    Justified,
    /// The access was an abuse.
    Unjustified,
}

impl ReviewOutcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
        }
    }
}

/// A stored emergency access.
pub struct BreakGlass {
    /// What was opened.
    pub scope: EmergencyScope,
    /// The clinicians with their signatures, for a reviewer to check.
    pub signed: [SignedBy; 2],
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// When the patient was informed.
    pub told_at: Option<Timestamp>,
    /// What the review found.
    pub outcome: Option<String>,
    pub(super) patient: PatientTag,
}

impl BreakGlass {
    /// Whether a record of a type may be viewed at a time.
    pub fn covers(&self, kind: RecordType, at: Timestamp) -> bool {
        self.opened_at <= at && at < self.ends_at && self.scope.types.contains(kind)
    }

    /// Returns what an overseer's queue shows: not the patient.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.scope.id,
            "provider": self.scope.provider,
            "types": type_codes(self.scope.types),
            "reason": self.scope.reason,
            "signed": self.signed,
            "opened_at": write_time(self.opened_at),
            "ends_at": write_time(self.ends_at),
            "patient_told_at": self.told_at.map(write_time),
            "outcome": self.outcome,
        })
    }
}

fn purpose(id: &str) -> String {
    format!("praman break-glass {id}")
}

impl ConsentStore<'_> {
    /// Refuses a clinician whom a provider already has, however the name is spelled: two signatures must be of
    /// two people.
    ///
    /// # Errors
    /// [`ConsentRefusal::UnknownProvider`]; [`ParticipantRefusal::ClinicianKnown`].
    pub async fn require_new_clinician(
        &self,
        provider: ProviderId,
        name: &str,
    ) -> Result<(), ConsentError> {
        if !self.has_provider(provider).await? {
            return Err(ConsentRefusal::UnknownProvider.into());
        }
        let known: Vec<(String,)> =
            sqlx::query_as("SELECT name FROM clinician WHERE provider = $1 AND removed_at IS NULL")
                .bind(i64::from(provider.0))
                .fetch_all(self.0.pool())
                .await?;
        match known.iter().find(|(known,)| person(known) == person(name)) {
            Some((known,)) => Err(ParticipantRefusal::ClinicianKnown(known.clone()).into()),
            None => Ok(()),
        }
    }

    /// Removes a clinician; false if the provider has none of this name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_clinician(
        &self,
        provider: ProviderId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE clinician SET removed_at = {now}
             WHERE provider = $1 AND name = $2 AND removed_at IS NULL"
        ));
        let removed = sqlx::query(statement)
            .bind(i64::from(provider.0))
            .bind(name)
            .execute(self.0.writer())
            .await?;
        Ok(removed.rows_affected() == 1)
    }

    /// Adds a clinician of a provider, who may sign emergency accesses; one who was removed, with a new key.
    ///
    /// # Errors
    /// [`ConsentRefusal::UnknownProvider`]; [`ParticipantRefusal`] if name or key belongs to another.
    pub async fn keep_clinician(
        &self,
        provider: ProviderId,
        name: &str,
        public_key: &[u8; 32],
    ) -> Result<(), ConsentError> {
        let known = self.clinician_key(provider, name).await?;
        if known.is_some_and(|key| key.to_bytes() == *public_key) {
            return Ok(());
        }
        self.require_new_clinician(provider, name).await?;
        let (of_key,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM clinician WHERE public_key = $1")
                .bind(public_key.to_vec())
                .fetch_one(self.0.pool())
                .await?;
        if of_key > 0 {
            return Err(ParticipantRefusal::ClinicianKeyUsed.into());
        }
        let kept = sqlx::query(
            "INSERT INTO clinician (provider, name, public_key) VALUES ($1, $2, $3)
             ON CONFLICT (provider, name) DO UPDATE
                 SET public_key = excluded.public_key, removed_at = NULL
                 WHERE clinician.removed_at IS NOT NULL",
        )
        .bind(i64::from(provider.0))
        .bind(name)
        .bind(public_key.to_vec())
        .execute(self.0.writer())
        .await?;
        if kept.rows_affected() == 0 {
            return Err(ParticipantRefusal::ClinicianAdded(name.to_owned()).into());
        }
        Ok(())
    }

    async fn clinician_key(
        &self,
        provider: ProviderId,
        name: &str,
    ) -> Result<Option<VerifyingKey>, ConsentError> {
        let row: Option<(Vec<u8>,)> = sqlx::query_as(
            "SELECT public_key FROM clinician
                 WHERE provider = $1 AND name = $2 AND removed_at IS NULL",
        )
        .bind(i64::from(provider.0))
        .bind(name)
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.map(|(key,)| key_of_column(&key)).transpose()?)
    }
}

type Row = (String, Vec<u8>, Vec<u8>, i64, i64, Option<i64>, Option<String>);

const COLUMNS: &str =
    "SELECT id, patient, sealed, opened_at, ends_at, told_at, outcome FROM break_glass";

impl ConsentDesk {
    /// Opens records in an emergency, by two clinicians' signatures. The same access twice counts once.
    ///
    /// # Errors
    /// [`ConsentRefusal::TwoClinicians`], [`ConsentRefusal::TooWide`].
    pub async fn break_glass(
        &self,
        scope: &EmergencyScope,
        signed: [SignedBy; 2],
        now: Timestamp,
    ) -> Result<BreakGlass, ConsentError> {
        if !scope.is_narrow() {
            return Err(ConsentRefusal::TooWide.into());
        }
        let mut keys = Vec::new();
        for SignedBy { clinician, signature } in &signed {
            let key = ConsentStore(&self.store).clinician_key(scope.provider, clinician).await?;
            let key = key.ok_or(ConsentRefusal::TwoClinicians)?;
            let signature = hex::decode(signature)
                .ok()
                .and_then(|signature| Signature::from_slice(&signature).ok())
                .ok_or(ConsentRefusal::TwoClinicians)?;
            let holds = key.verify_strict(&scope.message(), &signature);
            holds.map_err(|_| ConsentRefusal::TwoClinicians)?;
            keys.push(key);
        }
        // A clinician added under two spellings, before names were compared, is one person.
        if keys[0] == keys[1] || person(&signed[0].clinician) == person(&signed[1].clinician) {
            return Err(ConsentRefusal::TwoClinicians.into());
        }
        let id = scope.id.to_string();
        let later = scope.tell_later.as_ref().map_or(0, |&(hours, _)| i64::from(hours));
        let at = now.as_millisecond();
        sqlx::query(
            "INSERT INTO break_glass
                 (id, provider, patient, sealed, opened_at, ends_at, tell_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&id)
        .bind(i64::from(scope.provider.0))
        .bind(self.manager.patient_tag(&scope.patient).column())
        .bind(self.manager.seal(&purpose(&id), &SealedEmergency { scope: scope.clone(), signed })?)
        .bind(at)
        .bind(at + i64::from(scope.hours) * 3_600_000)
        .bind(at + later * 3_600_000)
        .execute(self.store.writer())
        .await?;
        let kept = self.emergency(scope.id).await?;
        if kept.scope.message() == scope.message() {
            return Ok(kept);
        }
        Err(ConsentRefusal::RequestIdUsed.into())
    }

    /// Returns an emergency access.
    ///
    /// # Errors
    /// [`ConsentRefusal::NothingToReview`] if there is none.
    pub async fn emergency(&self, id: Uuid) -> Result<BreakGlass, ConsentError> {
        let row: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1")))
                .bind(id.to_string())
                .fetch_optional(self.store.pool())
                .await?;
        self.opened_emergency(row.ok_or(ConsentRefusal::NothingToReview)?)
    }

    /// Returns the emergency accesses that are not reviewed yet, the oldest first.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn to_review(&self) -> Result<Vec<BreakGlass>, ConsentError> {
        let statement = format!("{COLUMNS} WHERE reviewed_at IS NULL ORDER BY opened_at, id");
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(statement));
        self.opened_emergencies(rows.fetch_all(self.store.pool()).await?)
    }

    /// Records a review's outcome, once.
    ///
    /// # Errors
    /// [`ConsentRefusal::NothingToReview`].
    pub async fn review(
        &self,
        id: Uuid,
        outcome: ReviewOutcome,
        now: Timestamp,
    ) -> Result<(), ConsentError> {
        let reviewed = sqlx::query(
            "UPDATE break_glass SET reviewed_at = $2, outcome = $3
             WHERE id = $1 AND reviewed_at IS NULL",
        )
        .bind(id.to_string())
        .bind(now.as_millisecond())
        .bind(outcome.name())
        .execute(self.store.writer())
        .await?;
        match reviewed.rows_affected() {
            0 => Err(ConsentRefusal::NothingToReview.into()),
            _ => Ok(()),
        }
    }

    /// Returns the emergency accesses that the patient should be informed of by a time and was not.
    pub(super) async fn untold(&self, now: Timestamp) -> Result<Vec<BreakGlass>, ConsentError> {
        let statement =
            format!("{COLUMNS} WHERE told_at IS NULL AND tell_by <= $1 ORDER BY opened_at, id");
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(now.as_millisecond());
        self.opened_emergencies(rows.fetch_all(self.store.pool()).await?)
    }

    /// Returns the emergency accesses to a patient's records that the patient may know of.
    pub(super) async fn emergencies_of(
        &self,
        patient: PatientTag,
    ) -> Result<Vec<BreakGlass>, ConsentError> {
        let statement =
            format!("{COLUMNS} WHERE told_at IS NOT NULL AND patient = $1 ORDER BY opened_at, id");
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(patient.column());
        self.opened_emergencies(rows.fetch_all(self.store.pool()).await?)
    }

    /// Marks the patient as informed of an access; returns whether no one else had.
    pub(super) async fn mark_told(&self, id: Uuid, now: Timestamp) -> Result<bool, ConsentError> {
        let statement = "UPDATE break_glass SET told_at = $2 WHERE id = $1 AND told_at IS NULL";
        let marked = sqlx::query(statement)
            .bind(id.to_string())
            .bind(now.as_millisecond())
            .execute(self.store.writer())
            .await?;
        Ok(marked.rows_affected() == 1)
    }

    pub(super) async fn unmark_told(&self, id: Uuid) -> Result<(), ConsentError> {
        sqlx::query("UPDATE break_glass SET told_at = NULL WHERE id = $1")
            .bind(id.to_string())
            .execute(self.store.writer())
            .await?;
        Ok(())
    }

    fn opened_emergencies(&self, rows: Vec<Row>) -> Result<Vec<BreakGlass>, ConsentError> {
        rows.into_iter().map(|row| self.opened_emergency(row)).collect()
    }

    fn opened_emergency(&self, row: Row) -> Result<BreakGlass, ConsentError> {
        let (id, patient, sealed, opened_at, ends_at, told_at, outcome) = row;
        let altered = || StoreError::from(KeyStoreError::Altered);
        let SealedEmergency { scope, signed } = self.manager.unseal(&purpose(&id), &sealed)?;
        Ok(BreakGlass {
            scope,
            signed,
            opened_at: time_of_column(opened_at),
            ends_at: time_of_column(ends_at),
            told_at: told_at.map(time_of_column),
            outcome,
            patient: PatientTag::of_column(&patient).ok_or_else(altered)?,
        })
    }
}
