//! The codes of the national standard (ABDM) and their values in the statement.

use praman_circuits::artefact::{AccessMode, Purpose};
use praman_circuits::health_record::RecordType;

/// Returns the code of a purpose.
pub const fn purpose_code(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::CareManagement => "CAREMGT",
        Purpose::BreakTheGlass => "BTG",
        Purpose::PublicHealth => "PUBHLTH",
        Purpose::HealthcarePayment => "HPAYMT",
        Purpose::DiseaseResearch => "DSRCH",
        Purpose::PatientRequest => "PATRQT",
    }
}

/// Returns a purpose in the standard's words.
pub(super) const fn purpose_text(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::CareManagement => "Care Management",
        Purpose::BreakTheGlass => "Break the Glass",
        Purpose::PublicHealth => "Public Health",
        Purpose::HealthcarePayment => "Healthcare Payment",
        Purpose::DiseaseResearch => "Disease Specific Healthcare Research",
        Purpose::PatientRequest => "Self Requested",
    }
}

/// Returns the purpose of a code. `PATRQST` is read as `PATRQT`, since both are in use.
pub fn purpose_of(code: &str) -> Option<Purpose> {
    let all = Purpose::OF_CONSENT.into_iter().chain([Purpose::BreakTheGlass]);
    let known = all.into_iter().find(|&purpose| purpose_code(purpose) == code);
    known.or_else(|| (code == "PATRQST").then_some(Purpose::PatientRequest))
}

/// Returns the code of a health-information type.
pub const fn type_code(kind: RecordType) -> &'static str {
    match kind {
        RecordType::Prescription => "Prescription",
        RecordType::DiagnosticReport => "DiagnosticReport",
        RecordType::OPConsultation => "OPConsultation",
        RecordType::DischargeSummary => "DischargeSummary",
        RecordType::ImmunizationRecord => "ImmunizationRecord",
        RecordType::HealthDocumentRecord => "HealthDocumentRecord",
        RecordType::WellnessRecord => "WellnessRecord",
        RecordType::Invoice => "Invoice",
    }
}

/// Returns the health-information type of a code.
pub fn type_of(code: &str) -> Option<RecordType> {
    RecordType::ALL.into_iter().find(|&kind| type_code(kind) == code)
}

/// Returns the code of an access mode.
pub const fn mode_code(mode: AccessMode) -> &'static str {
    match mode {
        AccessMode::View => "VIEW",
        AccessMode::Store => "STORE",
        AccessMode::Query => "QUERY",
        AccessMode::Stream => "STREAM",
    }
}

/// Returns the access mode of a code.
pub fn mode_of(code: &str) -> Option<AccessMode> {
    use AccessMode::{Query, Store, Stream, View};
    [View, Store, Query, Stream].into_iter().find(|&mode| mode_code(mode) == code)
}

/// Returns the minutes of a frequency's unit: a month has thirty days and a year 365, since windows are counted
/// from a consent's start and not by the calendar.
pub(super) fn unit_minutes(unit: &str) -> Option<u64> {
    const DAY: u64 = 1_440;
    match unit {
        "HOUR" => Some(60),
        "DAY" => Some(DAY),
        "WEEK" => Some(7 * DAY),
        "MONTH" => Some(30 * DAY),
        "YEAR" => Some(365 * DAY),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_names_what_it_is_the_code_of() {
        for purpose in Purpose::OF_CONSENT.into_iter().chain([Purpose::BreakTheGlass]) {
            assert_eq!(purpose_of(purpose_code(purpose)), Some(purpose));
        }
        assert_eq!(purpose_of("PATRQST"), Some(Purpose::PatientRequest));
        for kind in RecordType::ALL {
            assert_eq!(type_of(type_code(kind)), Some(kind));
        }
        for unknown in ["", "caremgt", "CAREMGT ", "Prescriptions", "view", "MINUTE"] {
            assert!(purpose_of(unknown).is_none() && type_of(unknown).is_none());
            assert!(mode_of(unknown).is_none() && unit_minutes(unknown).is_none());
        }
        assert_eq!(mode_of("STREAM"), Some(AccessMode::Stream));
        assert_eq!(unit_minutes("WEEK"), Some(10_080));
    }
}
