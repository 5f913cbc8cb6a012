//! A person of the register, cleaned.

use praman_circuits::payee::Payee;
use praman_circuits::period::{Day, Period};
use praman_circuits::subject::SubjectCommitment;
use praman_rules::resident::{Category, District, RationCard, Relation, Sex};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::name::RomanName;

/// An accepted row. It holds what praman shows to no one, so it does not print.
pub struct Person {
    /// Their number in the register.
    pub register_no: String,
    pub(super) id_no: Option<u64>,
    pub(super) name: String,
    pub(super) name_bn: String,
    pub(super) guardian: String,
    /// As in the register, with the relation.
    pub(super) guardian_as_written: String,
    pub(super) mobile: u64,
    pub(super) block: String,
    /// Sex.
    pub sex: Sex,
    /// Birth day.
    pub born: Day,
    /// District.
    pub district: District,
    /// Social category.
    pub category: Category,
    /// Ration card.
    pub ration_card: RationCard,
    /// Income, in rupees a year.
    pub annual_income: u32,
    /// Land, in hundredths of an acre.
    pub land_decimals: u32,
    /// Disability, in percent.
    pub disability_percent: u32,
    pub(super) ifsc: String,
    pub(super) account: String,
    pub(super) subject: Option<SubjectCommitment>,
    pub(super) paid_until: Option<Period>,
    pub(super) household_no: Option<String>,
    /// None also if the word is not known.
    pub(super) relation: Option<Relation>,
}

/// What a person is recognised by in another register, in one spelling each. It holds what praman shows to no
/// one, so it does not print.
pub struct PersonMarks {
    /// The identity number.
    pub identity: Option<Zeroizing<String>>,
    /// Name, birth date and guardian.
    pub name: Zeroizing<String>,
    /// The same with the guardian as written, if that differs: earlier versions recognised people by it.
    pub name_as_written: Option<Zeroizing<String>>,
    /// Name and birth date.
    pub name_and_birth: Zeroizing<String>,
    /// Bank and account.
    pub account: Option<Zeroizing<String>>,
    /// What a person may be recognised by if the name is spelled differently, each with the birth date: the
    /// telephone, the name in Bengali, the guardian with the district. Twins share some of them.
    pub loose: Vec<Zeroizing<String>>,
    /// Identity number and birth date: the same person, however their name is written.
    pub identity_and_birth: Option<Zeroizing<String>>,
}

impl Person {
    /// Returns what the person is recognised by.
    pub fn marks(&self) -> PersonMarks {
        let spelling = |name: &str| {
            let name = RomanName::of(name);
            // A name in another script has no Latin letters: its own tell one person from another.
            let native = if name.native.is_empty() { "" } else { " " };
            Zeroizing::new(format!(
                "{} {:?}{native}{}",
                name.given_folded, name.surname, name.native
            ))
        };
        let (name, guardian) = (spelling(&self.name), spelling(&self.guardian));
        let as_written = spelling(&self.guardian_as_written);
        let named =
            |guardian: &str| Zeroizing::new(format!("{}|{}|{guardian}", *name, self.born.0));
        let kept = self.account.chars().filter(char::is_ascii_alphanumeric);
        let account = Zeroizing::new(kept.collect::<String>().to_ascii_uppercase());
        let account = account.trim_start_matches('0');
        let bank = self.ifsc.get(..4).unwrap_or_default();
        let in_bengali: String = self.name_bn.nfkc().filter(|one| one.is_alphanumeric()).collect();
        let born = self.born.0;
        let loose = [
            (self.mobile != 0).then(|| Zeroizing::new(format!("mobile {}|{born}", self.mobile))),
            (!in_bengali.is_empty())
                .then(|| Zeroizing::new(format!("bengali {in_bengali}|{born}"))),
            (!self.guardian.is_empty()).then(|| {
                Zeroizing::new(format!("guardian {}|{:?}|{born}", *guardian, self.district))
            }),
        ];
        PersonMarks {
            loose: loose.into_iter().flatten().collect(),
            identity_and_birth: self
                .id_no
                .map(|number| Zeroizing::new(format!("{number:012}|{born}"))),
            identity: self.id_no.map(|number| Zeroizing::new(format!("{number:012}"))),
            name: named(&guardian),
            name_as_written: (*as_written != *guardian).then(|| named(&as_written)),
            name_and_birth: Zeroizing::new(format!("{}|{}", *name, self.born.0)),
            account: (!account.is_empty()).then(|| Zeroizing::new(format!("{bank} {account}"))),
        }
    }

    /// Returns the register number.
    pub fn register_no(&self) -> &str {
        &self.register_no
    }

    /// Returns the commitment that the holder gave, if the register has it.
    pub fn subject(&self) -> Option<SubjectCommitment> {
        self.subject
    }

    /// Returns the last month that the person was paid for by another system.
    pub fn paid_until(&self) -> Option<Period> {
        self.paid_until
    }

    /// Returns the number of the person's household, if the register has it.
    pub fn household_no(&self) -> Option<&str> {
        self.household_no.as_deref()
    }

    /// Returns the person's relation to the head of their household; none if the register has none that is known.
    pub fn relation(&self) -> Option<Relation> {
        self.relation
    }

    /// Whether the row says that the person has died.
    pub fn is_deceased(&self) -> bool {
        self.relation == Some(Relation::Deceased)
    }

    /// Returns the account that the person registered.
    pub fn payee(&self) -> Payee {
        Payee { account: self.account.clone(), ifsc: self.ifsc.clone(), name: self.name.clone() }
    }
}
