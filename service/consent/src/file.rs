//! What a patient holds: consents as they were granted, and what is needed to prove from their records.

use std::path::Path;

use ark_ff::UniformRand;
use jiff::Timestamp;
use praman_circuits::Fr;
use praman_circuits::artefact::{
    Artefact, ConsentCommitment, ConsentSalt, Frequency, Minute, RequesterId,
};
use praman_circuits::field::digest_to_field;
use praman_circuits::health_record::{ContentDigest, HealthRecord, RecordSalt, RecordType};
use praman_circuits::period::Day;
use praman_circuits::subject::SubjectCommitment;
use praman_files::FileError;
use praman_holder::wallet::SecretText;
use praman_language::calendar;
use praman_ledger::{ManagerNumber, ProviderId, RequesterNumber};
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

use super::code::{type_code, type_of};
use super::document::{self, ArtefactDocument, ConsentDetail, FieldFault, Named};
use super::manager::{ConsentManager, is_signed};
use super::terms::{Granted, Terms};
use super::time::{minute_of, read_time, write_time};

/// Reads a secret element from a file's field.
pub(super) fn element(secret: &SecretText, field: &str) -> Result<Fr, FieldFault> {
    secret.element().map_err(|error| FieldFault::new(field, format!("is {error}")))
}

/// What opens an artefact's commitment, besides its document.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    provider: ProviderId,
    requester: RequesterNumber,
    /// The consent manager that keeps it.
    manager: ManagerNumber,
    /// Its place among the manager's consents at the provider.
    position: usize,
    subject: SubjectCommitment,
    valid_from: Minute,
    frequency: Frequency,
    salt: SecretText,
}

/// A consent in its patient's hands.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentFile {
    format: String,
    artefact: ArtefactDocument,
    opening: Opening,
    /// The consent manager's key, Ed25519, hexadecimal.
    manager_key: String,
    /// The notice that the patient was given, in their language.
    pub notice: String,
}

/// The status of a consent in force.
pub(crate) const GRANTED: &str = "GRANTED";

const CONSENT_FORMAT: &str = "praman-consent-2";
const FIRST_EDITION: &str = "praman-consent-1";
const RECORD_FORMAT: &str = "praman-health-record-1";

/// Returns the requester of the statement: the participant's number.
pub(super) fn requester_id(requester: RequesterNumber) -> RequesterId {
    RequesterId::from_field(Fr::from(requester.0))
}

/// The parties of a consent.
#[derive(Clone, Copy)]
pub(super) struct Parties {
    pub(super) provider: ProviderId,
    pub(super) requester: RequesterNumber,
    pub(super) manager: ManagerNumber,
    pub(super) subject: SubjectCommitment,
}

impl ConsentFile {
    /// Makes a signed consent of what a patient granted.
    pub(super) fn grant(
        manager: &ConsentManager,
        id: String,
        granted: &Granted,
        parties: Parties,
        notice: String,
        now: Timestamp,
    ) -> Result<Self, FieldFault> {
        let outside = || FieldFault::new("validUntil", "lies outside the calendar");
        let minute = |time| minute_of(time).ok_or_else(outside);
        let (begin, end) = (minute(now)?, minute(granted.valid_until)?);
        // Its last minute must be whole, or it would hold for longer than was granted.
        if end <= begin {
            let fault = "is less than a minute away: no record could be read";
            return Err(FieldFault::new("validUntil", fault));
        }
        let detail = ConsentDetail {
            schema_version: "praman.1".to_owned(),
            consent_id: id,
            created_at: write_time(now),
            valid_until: Some(write_time(granted.valid_until)),
            consent_manager: Named { id: manager.name.clone() },
            consent: granted.terms.document(),
        };
        let opening = Opening {
            provider: parties.provider,
            requester: parties.requester,
            manager: parties.manager,
            position: 0,
            subject: parties.subject,
            valid_from: begin,
            frequency: granted.terms.frequency.of_validity(end.0 - begin.0),
            salt: SecretText::of(Fr::rand(&mut OsRng)),
        };
        let status = GRANTED.to_owned();
        let artefact =
            ArtefactDocument { status, consent_detail: detail, signature: String::new() };
        let mut file = Self {
            format: CONSENT_FORMAT.to_owned(),
            artefact,
            opening,
            manager_key: hex::encode(manager.public()),
            notice,
        };
        let commitment = file.artefact()?;
        file.artefact.signature =
            manager.sign(commitment.commitment(), &file.artefact.consent_detail);
        Ok(file)
    }

    /// Sets the consent's place among the manager's at the provider.
    pub(super) fn at(mut self, position: usize) -> Self {
        self.opening.position = position;
        self
    }

    /// Reads a consent and checks that its consent manager signed what it says.
    ///
    /// # Errors
    /// [`FileError`] naming file and field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = zeroize::Zeroizing::new(praman_files::read_text(path)?);
        let read = Self::from_json(&text).and_then(|file| file.checked());
        read.map_err(|fault| FileError::malformed(path, fault))
    }

    /// Reads a consent from text. One of the first edition is refused by name.
    fn from_json(text: &str) -> Result<Self, FieldFault> {
        #[derive(Deserialize)]
        struct Kind {
            format: String,
        }
        if serde_json::from_str(text).is_ok_and(|kind: Kind| kind.format == FIRST_EDITION) {
            let fault =
                "is that of the first edition, which no gate takes: ask for the consent again";
            return Err(FieldFault::new("format", fault));
        }
        document::read(text)
    }

    /// Reads a consent as it was kept, one of the first edition too: it is withdrawn, and shown as such.
    pub(super) fn of_kept(mut kept: serde_json::Value) -> Result<Self, serde_json::Error> {
        if kept["format"] == FIRST_EDITION {
            // It counted seconds, and its provider kept it.
            let opening = &mut kept["opening"];
            opening["manager"] = 0.into();
            let minutes = |seconds: &serde_json::Value| seconds.as_u64().unwrap_or_default() / 60;
            opening["valid_from"] = minutes(&opening["valid_from"]).into();
            opening["frequency"]["window"] = minutes(&opening["frequency"]["window"]).max(1).into();
        }
        serde_json::from_value(kept)
    }

    /// The consent, if its consent manager signed what it says.
    ///
    /// # Errors
    /// [`FieldFault`].
    pub fn checked(self) -> Result<Self, FieldFault> {
        if self.format != CONSENT_FORMAT {
            return Err(FieldFault::new("format", "is not the format of a consent"));
        }
        // The signature does not cover the status: one that says it has ended is believed.
        if self.artefact.status != GRANTED {
            let fault = "is not GRANTED: the consent is not in force";
            return Err(FieldFault::new("artefact.status", fault));
        }
        let commitment = self.artefact()?.commitment();
        let key = hex::decode(&self.manager_key).ok().and_then(|key| key.try_into().ok());
        let signed = key.is_some_and(|key| {
            is_signed(&key, commitment, &self.artefact.consent_detail, &self.artefact.signature)
        });
        if !signed {
            let fault = "is not the signature of the consent manager of this artefact";
            return Err(FieldFault::new("artefact.signature", fault));
        }
        Ok(self)
    }

    /// Returns the artefact in the national standard's form.
    pub fn document(&self) -> &ArtefactDocument {
        &self.artefact
    }

    /// Returns its id.
    pub fn id(&self) -> &str {
        &self.artefact.consent_detail.consent_id
    }

    /// The provider.
    pub fn provider(&self) -> ProviderId {
        self.opening.provider
    }

    /// Who may see.
    pub fn requester(&self) -> RequesterNumber {
        self.opening.requester
    }

    /// The consent manager that keeps it.
    pub fn keeper(&self) -> ManagerNumber {
        self.opening.manager
    }

    /// Its place among the manager's consents at the provider.
    pub fn position(&self) -> usize {
        self.opening.position
    }

    /// Returns the consent's leaf.
    ///
    /// # Errors
    /// [`FieldFault`].
    pub fn commitment(&self) -> Result<ConsentCommitment, FieldFault> {
        Ok(self.artefact()?.commitment())
    }

    /// Returns what is granted, in readable form.
    ///
    /// # Errors
    /// [`FieldFault`].
    pub fn granted(&self) -> Result<Granted, FieldFault> {
        let detail = &self.artefact.consent_detail;
        // Terms that were valid when they were granted are read at any time.
        let terms = Terms::read(&detail.consent, "artefact.consentDetail", Timestamp::UNIX_EPOCH)?;
        let valid_until = match &detail.valid_until {
            Some(text) => read_time(text, "artefact.consentDetail.validUntil")?,
            None => terms.erase_at,
        };
        Ok(Granted { terms, valid_until })
    }

    /// Returns the artefact of the statement.
    ///
    /// # Errors
    /// [`FieldFault`] naming a field that does not say what can be proved.
    pub fn artefact(&self) -> Result<Artefact, FieldFault> {
        let Granted { terms, valid_until } = self.granted()?;
        let opening = &self.opening;
        let day = |time, field: &str| {
            calendar::day_in_india(time)
                .ok_or_else(|| FieldFault::new(field, "lies outside the calendar"))
        };
        let minute = |time, field: &str| {
            minute_of(time).ok_or_else(|| FieldFault::new(field, "lies outside the calendar"))
        };
        let valid_until = minute(valid_until, "validUntil")?;
        let minutes = valid_until.0.saturating_sub(opening.valid_from.0);
        if terms.frequency.of_validity(minutes) != opening.frequency {
            let fault = "does not match the frequency of the artefact's document";
            return Err(FieldFault::new("opening.frequency", fault));
        }
        Ok(Artefact {
            subject: opening.subject,
            requester: requester_id(opening.requester),
            purpose: terms.purpose,
            types: terms.types,
            from: day(terms.from, "dateRange.from")?,
            to: day(terms.to, "dateRange.to")?,
            valid_from: opening.valid_from,
            valid_until,
            erase_at: minute(terms.erase_at, "dataEraseAt")?,
            mode: terms.mode,
            frequency: opening.frequency,
            salt: ConsentSalt::from_field(element(&opening.salt, "opening.salt")?),
        })
    }
}

/// A record's file for the patient: what is proved of it, without its content.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    format: String,
    /// The provider.
    pub provider: ProviderId,
    /// Its place among the provider's records.
    pub position: usize,
    subject: SubjectCommitment,
    record_type: String,
    date: jiff::civil::Date,
    content: SecretText,
    salt: SecretText,
}

impl RecordFile {
    /// Creates the file of a patient's record at a provider.
    pub(super) fn new(
        provider: ProviderId,
        subject: SubjectCommitment,
        record_type: RecordType,
        date: jiff::civil::Date,
        content: &[u8],
    ) -> Self {
        let digest = digest_to_field(&[b"praman.health-record-content.1", content]);
        Self {
            format: RECORD_FORMAT.to_owned(),
            provider,
            position: 0,
            subject,
            record_type: type_code(record_type).to_owned(),
            date,
            content: SecretText::of(digest),
            salt: SecretText::of(Fr::rand(&mut OsRng)),
        }
    }

    /// Reads a record's file.
    ///
    /// # Errors
    /// [`FileError`] naming file and field, and no value.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = zeroize::Zeroizing::new(praman_files::read_text(path)?);
        let file: Self =
            document::read(&text).map_err(|fault| FileError::malformed(path, fault))?;
        if file.format != RECORD_FORMAT {
            return Err(FileError::malformed(path, "format: is not that of a health record"));
        }
        Ok(file)
    }

    /// Returns the record of the statement.
    ///
    /// # Errors
    /// [`FieldFault`].
    pub fn record(&self) -> Result<HealthRecord, FieldFault> {
        let record_type = type_of(&self.record_type)
            .ok_or_else(|| FieldFault::new("record_type", "is not one of the eight types"))?;
        let date: Day = calendar::day_of(self.date)
            .ok_or_else(|| FieldFault::new("date", "lies before 1900"))?;
        Ok(HealthRecord {
            subject: self.subject,
            record_type,
            date,
            content: ContentDigest::from_field(element(&self.content, "content")?),
            salt: RecordSalt::from_field(element(&self.salt, "salt")?),
        })
    }
}
