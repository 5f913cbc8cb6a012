//! The documents of the national standard (ABDM): a request for consent, and the artefact that is granted.
//!
//! Source: the Health Information Exchange and Consent Manager's interface. Fields that praman does not use are
//! ignored, as the standard's readers do; those that it uses are checked, and a fault is reported by the
//! field's name.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};

/// What is wrong with a field of a document. Its text contains no value: a document is about a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}")]
pub struct FieldFault {
    /// The field, such as `consent.permission.dateRange.from`.
    pub field: String,
    /// What is wrong with it, and what to do.
    pub fault: String,
}

impl FieldFault {
    /// Creates a fault of a field.
    pub fn new(field: impl Into<String>, fault: impl Into<String>) -> Self {
        Self { field: field.into(), fault: fault.into() }
    }
}

/// A sender's request: `POST /consent-requests/init` of the standard.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestDocument {
    /// The sender's id for this request: the same id twice is one request.
    pub request_id: String,
    /// When it was sent.
    pub timestamp: String,
    /// What is asked.
    pub consent: ConsentDocument,
}

/// What is asked for, or granted.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentDocument {
    /// The purpose.
    pub purpose: PurposeDocument,
    /// Whose records.
    pub patient: Named,
    /// The provider; none for all that the patient has records with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hip: Option<Named>,
    /// The requester.
    pub hiu: Named,
    /// The person at the requester who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<serde_json::Value>,
    /// The provider's records, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub care_contexts: Option<serde_json::Value>,
    /// Health-information types.
    pub hi_types: Vec<String>,
    /// What may be done, when and how often.
    pub permission: PermissionDocument,
}

/// The purpose of a request.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurposeDocument {
    /// The purpose in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its code.
    pub code: String,
    /// Where codes are defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_uri: Option<String>,
}

/// A person or organisation, by identifier.
#[derive(Clone, Serialize, Deserialize)]
pub struct Named {
    /// The identifier.
    pub id: String,
}

/// What may be done, when and how often.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionDocument {
    /// VIEW, STORE, QUERY or STREAM.
    pub access_mode: String,
    /// When care happened.
    pub date_range: DateRangeDocument,
    /// By when the requester must have erased what it got.
    pub data_erase_at: String,
    /// How often.
    pub frequency: FrequencyDocument,
}

/// A range of time.
#[derive(Clone, Serialize, Deserialize)]
pub struct DateRangeDocument {
    /// The first moment.
    pub from: String,
    /// The last.
    pub to: String,
}

/// How often: `repeats` accesses in every `value` units.
#[derive(Clone, Serialize, Deserialize)]
pub struct FrequencyDocument {
    /// HOUR, DAY, WEEK, MONTH or YEAR.
    pub unit: String,
    /// How many units.
    #[serde(deserialize_with = "whole")]
    pub value: u64,
    /// How many accesses.
    #[serde(deserialize_with = "whole")]
    pub repeats: u64,
}

/// Reads a whole number; some programs write 1.0 for it.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let is_whole =
        |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
    let as_whole = || number.as_f64().filter(is_whole).map(|number| number as u64);
    let whole = number.as_u64().or_else(as_whole);
    whole.ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// A granted artefact, in the standard's form.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtefactDocument {
    /// GRANTED, DENIED, EXPIRED or REVOKED.
    pub status: String,
    /// What was granted.
    pub consent_detail: ConsentDetail,
    /// The consent manager's signature over commitment and detail: Ed25519, hexadecimal.
    pub signature: String,
}

impl ArtefactDocument {
    /// Returns it with another status, which the signature does not cover.
    pub fn with_status(&self, status: &str) -> Self {
        Self { status: status.to_owned(), ..self.clone() }
    }
}

/// What was granted.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentDetail {
    /// The version of this form.
    pub schema_version: String,
    /// The artefact's id.
    pub consent_id: String,
    /// When it was granted.
    pub created_at: String,
    /// Until when it is valid. Artefacts of other consent managers do not say: theirs are valid until all must be
    /// erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// The consent manager that keeps it.
    pub consent_manager: Named,
    /// The rest.
    #[serde(flatten)]
    pub consent: ConsentDocument,
}

/// Reads a document.
///
/// # Errors
/// [`FieldFault`] naming what can't be read, and no value.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, FieldFault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        let inner = error.inner();
        let fault = match inner.classify() {
            serde_json::error::Category::Data => missing_field(&inner.to_string()),
            _ => praman_files::json_fault(inner),
        };
        FieldFault { field, fault }
    })?;
    reader.end().map_err(|error| {
        FieldFault::new(".", format!("line {}: there is text after the document", error.line()))
    })?;
    Ok(read)
}

/// Returns what serde says about a field, without the value that it quotes.
fn missing_field(said: &str) -> String {
    match said.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((name, _)) => format!("{name} is missing"),
        None => "is missing, or not of the kind that the standard requires".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_field_is_reported_by_name_and_without_its_value() {
        let fault = |text: &str| match read::<RequestDocument>(text) {
            Ok(_) => panic!("read"),
            Err(fault) => fault,
        };
        let secret = r#"{"requestId":"r","timestamp":"t","consent":{"purpose":{"code":17}}}"#;
        let told = fault(secret);
        assert_eq!(told.field, "consent.purpose.code");
        assert!(!told.fault.contains("17"));
        let told = fault(r#"{"requestId":"r","timestamp":"t","consent":{}}"#);
        assert_eq!(told.to_string(), "consent: purpose is missing");
        assert!(fault("{\"requestId\":").to_string().contains("line 1"));
    }
}
