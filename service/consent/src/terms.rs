//! What a request asks for and a consent grants, checked; and how a patient makes it narrower.

use jiff::Timestamp;
use praman_circuits::artefact::{AccessMode, Frequency, Purpose, RecordTypes};
use praman_circuits::health_record::RecordType;
use serde::{Deserialize, Serialize};

use super::code::{
    mode_code, mode_of, purpose_code, purpose_of, purpose_text, type_code, type_of, unit_minutes,
};
use super::document::{
    ConsentDocument, DateRangeDocument, FieldFault, FrequencyDocument, Named, PermissionDocument,
    PurposeDocument,
};
use super::time::{read_time, write_time};

/// The most accesses of a window: more would be copying a record, not using it.
pub(super) const ACCESSES_MAX: u32 = 10_000;

/// The most units of a window.
const UNITS_MAX: u64 = 10_000;

/// A patient's health address, such as `name@abdm`. It is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PatientAddress(String);

impl PatientAddress {
    /// Reads a health address.
    ///
    /// # Errors
    /// [`FieldFault`] at a field.
    pub fn new(text: &str, field: &str) -> Result<Self, FieldFault> {
        let part = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            (1..=64).contains(&part.len()) && part.chars().all(known)
        };
        match text.split_once('@') {
            Some((name, manager)) if part(name) && part(manager) => Ok(Self(text.to_owned())),
            _ => Err(FieldFault::new(field, "is not a health address, as name@abdm")),
        }
    }

    /// Returns the address itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for PatientAddress {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// What may be seen, by whom, when and how often: for a request, or for a consent.
#[derive(Clone)]
pub struct Terms {
    /// The purpose.
    pub purpose: Purpose,
    /// Whose records.
    pub patient: PatientAddress,
    /// The provider; none for all that the patient has records with.
    pub provider: Option<String>,
    /// The requester.
    pub requester: String,
    /// The types.
    pub types: RecordTypes,
    /// Of care from this time on…
    pub from: Timestamp,
    /// …to this time.
    pub to: Timestamp,
    /// When the data must be erased.
    pub erase_at: Timestamp,
    /// What may be done.
    pub mode: AccessMode,
    /// How often, in the standard's form: accesses in a number of units.
    pub frequency: AskedFrequency,
}

/// How often something may be seen, in the standard's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedFrequency {
    unit: String,
    value: u64,
    repeats: u64,
}

impl AskedFrequency {
    fn read(document: &FrequencyDocument, field: &str) -> Result<Self, FieldFault> {
        let at = |part: &str| format!("{field}.{part}");
        if unit_minutes(&document.unit).is_none() {
            let fault = "must be HOUR, DAY, WEEK, MONTH or YEAR";
            return Err(FieldFault::new(at("unit"), fault));
        }
        if document.value > UNITS_MAX {
            return Err(FieldFault::new(at("value"), format!("is over {UNITS_MAX}")));
        }
        if document.repeats > u64::from(ACCESSES_MAX) {
            return Err(FieldFault::new(at("repeats"), format!("is over {ACCESSES_MAX}")));
        }
        let FrequencyDocument { unit, value, repeats } = document.clone();
        Ok(Self { unit, value, repeats })
    }

    /// Returns `repeats` accesses in every `value` units. Without a count it is one access; without a window's
    /// length it is one window, the whole validity of the consent.
    pub fn of_validity(&self, minutes: u32) -> Frequency {
        let unit = unit_minutes(&self.unit).unwrap_or(1);
        let window = if self.value == 0 { u64::from(minutes) } else { self.value * unit };
        // A window beyond the calendar is longer than any validity.
        let window = u32::try_from(window.max(1)).unwrap_or(u32::MAX);
        let accesses = u32::try_from(self.repeats.max(1)).unwrap_or(ACCESSES_MAX);
        Frequency { window, accesses }
    }

    /// Whether it allows no more accesses than a wider one, in no shorter a window; the whole time is 2³²
    /// minutes.
    fn is_within(&self, wider: &Self) -> bool {
        let (ours, theirs) = (self.of_validity(u32::MAX), wider.of_validity(u32::MAX));
        ours.accesses <= theirs.accesses && ours.window >= theirs.window
    }

    fn document(&self) -> FrequencyDocument {
        let Self { unit, value, repeats } = self.clone();
        FrequencyDocument { unit, value, repeats }
    }
}

/// Returns the codes among those asked for that are no type here: a request does not get these, and gets the others.
pub fn unknown_types(codes: &[String]) -> Vec<String> {
    let unknown = codes.iter().filter(|code| type_of(code).is_none());
    // What is told again is no longer than a name.
    unknown.map(|code| code.chars().filter(|c| !c.is_control()).take(64).collect()).collect()
}

/// What becomes of codes that are no type here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnknownTypes {
    /// They are left out, if one of the others is known.
    LeftOut,
    /// The first is a fault.
    Refused,
}

/// Reads the types of some codes.
fn read_types(
    codes: &[String],
    field: &str,
    unknown: UnknownTypes,
) -> Result<RecordTypes, FieldFault> {
    let may_leave_out =
        unknown == UnknownTypes::LeftOut && codes.iter().any(|code| type_of(code).is_some());
    let mut types = RecordTypes(0);
    for (place, code) in codes.iter().enumerate() {
        let at = || format!("{field}[{place}]");
        let kind = match type_of(code) {
            Some(kind) => kind,
            None if may_leave_out => continue,
            None => {
                let fault = "is not one of the eight health-information types";
                return Err(FieldFault::new(at(), fault));
            }
        };
        if types.contains(kind) {
            return Err(FieldFault::new(at(), "is given twice"));
        }
        types.0 |= 1 << kind.number();
    }
    if types.0 == 0 {
        return Err(FieldFault::new(field, "names no health-information type"));
    }
    Ok(types)
}

/// Returns the codes of some types.
pub(super) fn type_codes(types: RecordTypes) -> Vec<String> {
    let contained = RecordType::ALL.into_iter().filter(|&kind| types.contains(kind));
    contained.map(|kind| type_code(kind).to_owned()).collect()
}

impl Terms {
    /// Reads the terms of a document, whose fields have a prefix, as they can be granted at a time.
    ///
    /// # Errors
    /// [`FieldFault`] of the first wrong field.
    pub fn read(
        document: &ConsentDocument,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Self, FieldFault> {
        let at = |field: &str| format!("{prefix}.{field}");
        let purpose = purpose_of(&document.purpose.code).ok_or_else(|| {
            let fault = "must be CAREMGT, PUBHLTH, HPAYMT, DSRCH or PATRQT";
            FieldFault::new(at("purpose.code"), fault)
        })?;
        if purpose == Purpose::BreakTheGlass {
            let fault =
                "is for an emergency, which is not a consent: use `praman consent break-glass`";
            return Err(FieldFault::new(at("purpose.code"), fault));
        }
        let types = read_types(&document.hi_types, &at("hiTypes"), UnknownTypes::LeftOut)?;
        let permission = &document.permission;
        let mode = mode_of(&permission.access_mode).ok_or_else(|| {
            let fault = "must be VIEW, STORE, QUERY or STREAM";
            FieldFault::new(at("permission.accessMode"), fault)
        })?;
        let from = read_time(&permission.date_range.from, &at("permission.dateRange.from"))?;
        let to = read_time(&permission.date_range.to, &at("permission.dateRange.to"))?;
        if to < from {
            let fault = "lies before dateRange.from: give a range that ends after it begins";
            return Err(FieldFault::new(at("permission.dateRange.to"), fault));
        }
        let erase_at = read_time(&permission.data_erase_at, &at("permission.dataEraseAt"))?;
        if erase_at <= now {
            let fault = "has passed: no record could be read";
            return Err(FieldFault::new(at("permission.dataEraseAt"), fault));
        }
        let frequency = AskedFrequency::read(&permission.frequency, &at("permission.frequency"))?;
        let named = |named: &Named, field: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if (1..=64).contains(&named.id.len()) && named.id.chars().all(known) {
                return Ok(named.id.clone());
            }
            let fault = "must have only letters, digits, points and hyphens";
            Err(FieldFault::new(at(field), fault))
        };
        Ok(Self {
            purpose,
            patient: PatientAddress::new(&document.patient.id, &at("patient.id"))?,
            provider: document.hip.as_ref().map(|hip| named(hip, "hip.id")).transpose()?,
            requester: named(&document.hiu, "hiu.id")?,
            types,
            from,
            to,
            erase_at,
            mode,
            frequency,
        })
    }

    /// Returns the terms as a document.
    pub fn document(&self) -> ConsentDocument {
        ConsentDocument {
            purpose: PurposeDocument {
                text: Some(purpose_text(self.purpose).to_owned()),
                code: purpose_code(self.purpose).to_owned(),
                ref_uri: None,
            },
            patient: Named { id: self.patient.expose().to_owned() },
            hip: self.provider.clone().map(|id| Named { id }),
            hiu: Named { id: self.requester.clone() },
            requester: None,
            care_contexts: None,
            hi_types: type_codes(self.types),
            permission: PermissionDocument {
                access_mode: mode_code(self.mode).to_owned(),
                date_range: DateRangeDocument {
                    from: write_time(self.from),
                    to: write_time(self.to),
                },
                data_erase_at: write_time(self.erase_at),
                frequency: self.frequency.document(),
            },
        }
    }

    /// Returns the terms as a patient grants them for one provider.
    ///
    /// # Errors
    /// [`FieldFault`] if a part is wider than what was asked.
    pub fn narrowed(&self, grant: &Narrowing, now: Timestamp) -> Result<Granted, FieldFault> {
        let mut terms = self.clone();
        terms.provider = Some(grant.hip.id.clone());
        if self.provider.as_ref().is_some_and(|asked| *asked != grant.hip.id) {
            return Err(FieldFault::new("hip.id", "is not the provider in the request"));
        }
        if let Some(codes) = &grant.hi_types {
            terms.types = read_types(codes, "hiTypes", UnknownTypes::Refused)?;
            if terms.types.0 & !self.types.0 != 0 {
                return Err(FieldFault::new("hiTypes", "has a type that is not in the request"));
            }
        }
        if let Some(range) = &grant.date_range {
            terms.from = read_time(&range.from, "dateRange.from")?;
            terms.to = read_time(&range.to, "dateRange.to")?;
            if terms.to < terms.from {
                let fault = "lies before dateRange.from: give a range that ends after it begins";
                return Err(FieldFault::new("dateRange.to", fault));
            }
            if terms.from < self.from || terms.to > self.to {
                return Err(FieldFault::new(
                    "dateRange",
                    "reaches beyond the range in the request",
                ));
            }
        }
        if let Some(text) = &grant.data_erase_at {
            terms.erase_at = read_time(text, "dataEraseAt")?;
            if terms.erase_at > self.erase_at {
                return Err(FieldFault::new("dataEraseAt", "is later than in the request"));
            }
        }
        if terms.erase_at <= now {
            return Err(FieldFault::new("dataEraseAt", "has passed: no record could be read"));
        }
        if let Some(code) = &grant.access_mode {
            terms.mode = mode_of(code)
                .filter(|&mode| mode == self.mode || mode == AccessMode::View)
                .ok_or_else(|| {
                    FieldFault::new("accessMode", "must be the mode in the request, or VIEW")
                })?;
        }
        if let Some(frequency) = &grant.frequency {
            terms.frequency = AskedFrequency::read(frequency, "frequency")?;
            if !terms.frequency.is_within(&self.frequency) {
                return Err(FieldFault::new("frequency", "allows more than the request"));
            }
        }
        let valid_until = match &grant.valid_until {
            Some(text) => read_time(text, "validUntil")?,
            None => terms.erase_at,
        };
        if valid_until <= now || valid_until > terms.erase_at {
            let fault = "lies in the past, or after the time at which all must be erased";
            return Err(FieldFault::new("validUntil", fault));
        }
        Ok(Granted { terms, valid_until })
    }
}

/// Granted terms.
#[derive(Clone)]
pub struct Granted {
    /// The terms.
    pub terms: Terms,
    /// Until when they are valid.
    pub valid_until: Timestamp,
}

/// What a patient grants for one provider; what is left out stays as requested.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Narrowing {
    /// The provider.
    pub hip: Named,
    /// These types only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hi_types: Option<Vec<String>>,
    /// Care of this range only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_range: Option<DateRangeDocument>,
    /// To be erased by this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_erase_at: Option<String>,
    /// Valid until this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// VIEW instead of the requested mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<String>,
    /// A lower frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<FrequencyDocument>,
}

impl Narrowing {
    /// Everything that was asked, for a provider.
    pub fn none(provider: &str) -> Self {
        Self {
            hip: Named { id: provider.to_owned() },
            hi_types: None,
            date_range: None,
            data_erase_at: None,
            valid_until: None,
            access_mode: None,
            frequency: None,
        }
    }
}
