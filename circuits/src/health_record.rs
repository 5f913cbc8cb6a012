//! A health record as its provider keeps it: a commitment, and a handle that names it to nobody else.

use ark_bn254::Fr;

use crate::constraint_system::{ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::{public_element, secret_element};
use crate::merkle::Tree;
use crate::period::Day;
use crate::poseidon;
use crate::subject::SubjectCommitment;

/// Levels of a provider's tree of records: 2,097,152 places.
pub const RECORD_DEPTH: usize = 7;

/// A provider's tree of record commitments.
pub type RecordTree = Tree<RECORD_DEPTH>;

/// What kind of record it is: the health-information types of the national standard (ABDM), by the bit
/// that each has in a consent's mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum RecordType {
    /// A prescription.
    Prescription,
    /// A diagnostic report.
    DiagnosticReport,
    /// A consultation of an out-patient.
    OPConsultation,
    /// A discharge summary.
    DischargeSummary,
    /// An immunization record.
    ImmunizationRecord,
    /// A health document.
    HealthDocumentRecord,
    /// A wellness record.
    WellnessRecord,
    /// An invoice.
    Invoice,
}

/// How many types there are.
pub const RECORD_TYPES: usize = 8;

impl RecordType {
    /// All types, by number.
    pub const ALL: [Self; RECORD_TYPES] = [
        Self::Prescription,
        Self::DiagnosticReport,
        Self::OPConsultation,
        Self::DischargeSummary,
        Self::ImmunizationRecord,
        Self::HealthDocumentRecord,
        Self::WellnessRecord,
        Self::Invoice,
    ];

    /// The type's number, and its bit in a mask.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

secret_element! {
    /// What keeps a record from being guessed from its commitment.
    RecordSalt
}

secret_element! {
    /// A digest of what the record says.
    ContentDigest
}

secret_element! {
    /// What makes the handles of one record differ from access to access; the provider is told it.
    HandleBlinding
}

public_element! {
    /// A leaf of a provider's tree of records.
    RecordCommitment
}

public_element! {
    /// The root of a provider's tree of records.
    RecordsRoot
}

public_element! {
    /// `Poseidon(tag, record commitment, blinding)`: the record, to a provider who is told the blinding;
    /// to others no two handles look alike.
    RecordHandle
}

/// A record, without what it says.
#[derive(Clone)]
pub struct HealthRecord {
    /// Whom it is about.
    pub subject: SubjectCommitment,
    /// Its kind.
    pub record_type: RecordType,
    /// When care happened.
    pub date: Day,
    /// The digest of its content.
    pub content: ContentDigest,
    /// Its salt.
    pub salt: RecordSalt,
}

impl HealthRecord {
    /// The record's leaf; the twin of [`record_gadget`].
    pub fn commitment(&self) -> RecordCommitment {
        let (subject, date) = (self.subject.to_field(), Fr::from(self.date.0));
        let record_type = Fr::from(self.record_type.number());
        let parts = [subject, record_type, date, self.content.expose(), self.salt.expose()];
        RecordCommitment::from_field(record_element(parts))
    }
}

pub(crate) fn record_element([subject, record_type, date, content, salt]: [Fr; 5]) -> Fr {
    poseidon::hash(&[Domain::Record.tag(), subject, record_type, date, content, salt])
}

/// A record's leaf in a circuit, of subject, type, date, content and salt.
pub fn record_gadget(cs: &mut ConstraintSystem, parts: [&Num; 5]) -> Num {
    let tag = Num::constant(cs, Domain::Record.tag());
    let [subject, record_type, date, content, salt] = parts;
    poseidon::hash_gadget(cs, &[&tag, subject, record_type, date, content, salt])
}

/// The handle of a record; the twin of [`handle_gadget`].
pub fn record_handle(record: RecordCommitment, blinding: &HandleBlinding) -> RecordHandle {
    RecordHandle::from_field(handle_element(record.to_field(), blinding.expose()))
}

pub(crate) fn handle_element(record: Fr, blinding: Fr) -> Fr {
    poseidon::hash(&[Domain::RecordHandle.tag(), record, blinding])
}

/// A record's handle in a circuit.
pub fn handle_gadget(cs: &mut ConstraintSystem, record: &Num, blinding: &Num) -> Num {
    let tag = Num::constant(cs, Domain::RecordHandle.tag());
    poseidon::hash_gadget(cs, &[&tag, record, blinding])
}
