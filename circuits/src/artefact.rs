//! A consent artefact: who may see what of whom, for what, when and how often, as one commitment.
//!
//! Source: the consent artefact of the Ayushman Bharat Digital Mission's Health Information Exchange and
//! Consent Manager; codes and types as it publishes them.

use ark_bn254::Fr;

use crate::constraint_system::{ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::{public_element, secret_element};
use crate::health_record::RecordType;
use crate::merkle::Tree;
use crate::period::Day;
use crate::poseidon;
use crate::subject::SubjectCommitment;

/// Levels of a provider's tree of consents: 2,097,152 places.
pub const CONSENT_DEPTH: usize = 7;

/// A provider's tree of live consents; a withdrawn one leaves its place empty.
pub type ConsentTree = Tree<CONSENT_DEPTH>;

/// A minute: whole minutes since 1900-01-01T00:00:00Z.
///
/// What is public of an access says the minute and no second: a second would let everyone who watches both
/// match an access on the ledger with a message on a network.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Minute(pub u32);

/// What a record is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Purpose {
    /// `CAREMGT`: care management.
    CareManagement,
    /// `BTG`: break the glass. Never a consent: no proof is made or accepted for it.
    BreakTheGlass,
    /// `PUBHLTH`: public health.
    PublicHealth,
    /// `HPAYMT`: healthcare payment.
    HealthcarePayment,
    /// `DSRCH`: disease-specific healthcare research.
    DiseaseResearch,
    /// `PATRQT`: the patient's own request.
    PatientRequest,
}

impl Purpose {
    /// The purposes that a consent can be for, by number.
    pub const OF_CONSENT: [Self; 5] = [
        Self::CareManagement,
        Self::PublicHealth,
        Self::HealthcarePayment,
        Self::DiseaseResearch,
        Self::PatientRequest,
    ];

    /// The purpose's number in the statement.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// What a requester may do with a record. It is public in the statement, so that a consent to look is none to
/// keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum AccessMode {
    /// Look at it.
    View,
    /// Keep it.
    Store,
    /// Ask questions of it.
    Query,
    /// Receive it as it grows.
    Stream,
}

impl AccessMode {
    /// The mode's number in the statement.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A set of record types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RecordTypes(pub u8);

impl RecordTypes {
    /// Some types.
    pub fn of(types: &[RecordType]) -> Self {
        Self(types.iter().fold(0, |mask, kind| mask | 1 << kind.number()))
    }

    /// Whether a type is in the set.
    pub fn contains(self, kind: RecordType) -> bool {
        self.0 >> kind.number() & 1 == 1
    }
}

/// How often: so many accesses in each window of so many minutes, the first of which begins when the
/// consent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Frequency {
    /// A window's length in minutes, not zero.
    pub window: u32,
    /// Accesses in a window.
    pub accesses: u32,
}

impl Frequency {
    /// The window that a minute falls into, if it is not before the consent's begin.
    pub fn window_of(self, begin: Minute, minute: Minute) -> Option<u32> {
        minute.0.checked_sub(begin.0)?.checked_div(self.window)
    }
}

secret_element! {
    /// What keeps a consent from being guessed from its commitment.
    ConsentSalt
}

public_element! {
    /// Who asks: an accredited requester's number or key, as a field element.
    RequesterId
}

public_element! {
    /// A leaf of a provider's tree of consents.
    ConsentCommitment
}

public_element! {
    /// The root of a provider's tree of consents.
    ConsentsRoot
}

/// A consent of one subject at one provider.
#[derive(Clone)]
pub struct Artefact {
    /// Whose records.
    pub subject: SubjectCommitment,
    /// Who may see them.
    pub requester: RequesterId,
    /// For what.
    pub purpose: Purpose,
    /// Of which types.
    pub types: RecordTypes,
    /// Of care from this day on…
    pub from: Day,
    /// …to this day.
    pub to: Day,
    /// What the requester may do with them.
    pub mode: AccessMode,
    /// The first minute in which the consent is good…
    pub valid_from: Minute,
    /// …and the first in which it is not good any more.
    pub valid_until: Minute,
    /// From when on the requester must have erased what it got.
    pub erase_at: Minute,
    /// How often.
    pub frequency: Frequency,
    /// Its salt.
    pub salt: ConsentSalt,
}

/// An artefact's parts behind subject, requester, purpose and mode, in the order in which they are hashed.
#[derive(Clone)]
pub struct TermParts<T> {
    pub(crate) types: T,
    pub(crate) from: T,
    pub(crate) to: T,
    pub(crate) valid_from: T,
    pub(crate) valid_until: T,
    pub(crate) erase_at: T,
    pub(crate) window: T,
    pub(crate) accesses: T,
    pub(crate) salt: T,
}

impl<T> TermParts<T> {
    /// Parts in their order, each by its name.
    pub(crate) fn from_order(mut next: impl FnMut(&str) -> T) -> Self {
        Self {
            types: next("types"),
            from: next("from"),
            to: next("to"),
            valid_from: next("valid_from"),
            valid_until: next("valid_until"),
            erase_at: next("erase_at"),
            window: next("window"),
            accesses: next("accesses"),
            salt: next("salt"),
        }
    }

    pub(crate) fn in_order(&self) -> [&T; 9] {
        let Self { types, from, to, valid_from, valid_until, erase_at, .. } = self;
        let Self { window, accesses, salt, .. } = self;
        [types, from, to, valid_from, valid_until, erase_at, window, accesses, salt]
    }
}

/// The terms as field elements.
pub(crate) type TermFields = TermParts<Fr>;

/// The terms as wires.
pub(crate) type TermWires = TermParts<Num>;

impl Artefact {
    pub(crate) fn terms(&self) -> TermFields {
        TermParts {
            types: Fr::from(self.types.0),
            from: Fr::from(self.from.0),
            to: Fr::from(self.to.0),
            valid_from: Fr::from(self.valid_from.0),
            valid_until: Fr::from(self.valid_until.0),
            erase_at: Fr::from(self.erase_at.0),
            window: Fr::from(self.frequency.window),
            accesses: Fr::from(self.frequency.accesses),
            salt: self.salt.expose(),
        }
    }

    /// The consent's leaf; its twin in a circuit is made of the same parts by `TermWires::commitment`.
    pub fn commitment(&self) -> ConsentCommitment {
        let [subject, requester] = [self.subject.to_field(), self.requester.to_field()];
        let purpose = Fr::from(self.purpose.number());
        let mode = Fr::from(self.mode.number());
        ConsentCommitment::from_field(self.terms().commitment([subject, requester, purpose, mode]))
    }
}

impl TermFields {
    pub(crate) fn commitment(&self, parts: [Fr; 4]) -> Fr {
        let mut inputs = vec![Domain::Consent.tag()];
        inputs.extend(parts);
        inputs.extend(self.in_order().map(|&part| part));
        poseidon::hash(&inputs)
    }
}

impl TermWires {
    /// The consent's leaf in a circuit, of its terms and subject, requester, purpose and mode.
    pub fn commitment(&self, cs: &mut ConstraintSystem, parts: [&Num; 4]) -> Num {
        let tag = Num::constant(cs, Domain::Consent.tag());
        let mut inputs = vec![&tag];
        inputs.extend(parts);
        inputs.extend(self.in_order());
        poseidon::hash_gadget(cs, &inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_with_the_consent() {
        let daily = Frequency { window: 1_440, accesses: 2 };
        let begin = Minute(1_000);
        assert_eq!(daily.window_of(begin, Minute(999)), None);
        assert_eq!(daily.window_of(begin, begin), Some(0));
        assert_eq!(daily.window_of(begin, Minute(1_000 + 1_439)), Some(0));
        assert_eq!(daily.window_of(begin, Minute(1_000 + 1_440)), Some(1));
        assert_eq!(Frequency { window: 0, accesses: 1 }.window_of(begin, begin), None);
    }

    #[test]
    fn break_the_glass_is_no_purpose_of_a_consent() {
        assert!(!Purpose::OF_CONSENT.contains(&Purpose::BreakTheGlass));
        let numbers = Purpose::OF_CONSENT.map(Purpose::number);
        assert_eq!(numbers, [0, 2, 3, 4, 5]);
        let types = RecordTypes::of(&[RecordType::Prescription, RecordType::Invoice]);
        assert_eq!(types.0, 0b1000_0001);
        assert!(types.contains(RecordType::Invoice) && !types.contains(RecordType::WellnessRecord));
        assert!((0u8..).zip(RecordType::ALL).all(|(number, kind)| kind.number() == number));
    }
}
