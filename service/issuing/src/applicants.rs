//! Which people of a register get a credential now, under which commitment.

use std::collections::{HashMap, HashSet};

use praman_circuits::office::OfficeId;
use praman_circuits::subject::SubjectCommitment;
use praman_holder::wallet::{CredentialFile, Wallet};
use praman_offices::OfficeError;
use praman_offices::office_key::OfficeKey;
use praman_offices::{Applicant, Application, OfficeStore, Standing};
use praman_register::{Matches, Person, Register};
use praman_store::Store;
use praman_store::key_store::MasterKey;
use rayon::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

/// Where a person's commitment comes from if the register has none.
pub enum Subjects<'a> {
    /// Nowhere: they get no credential.
    Register,
    /// From another file, by register number.
    Listed(&'a HashMap<String, SubjectCommitment>),
    /// A wallet is made here on their behalf.
    MadeHere,
}

/// The people who get a credential.
pub struct Applicants<'a> {
    /// What the office is asked to issue.
    pub applications: Vec<Application<'a>>,
    /// The wallets that were made here, each with its applicant's place.
    pub wallets: Vec<(usize, Wallet)>,
    /// People who have a live credential of this office.
    pub already_issued: usize,
    /// People whose register number is in an earlier row.
    pub repeated: usize,
    /// People without a commitment.
    pub without_subject: usize,
    /// People who have a live credential: of this office under another number, or of another office.
    pub enrolled: Vec<(&'a Person, OfficeId)>,
    /// People who may already have one: an officer reviews them first.
    pub to_review: Vec<(&'a Person, OfficeId)>,
}

/// Which of the rows to review have been reviewed.
pub enum Reviewed<'a> {
    /// All.
    All,
    /// Those with some register numbers.
    These(&'a [String]),
}

impl Reviewed<'_> {
    fn holds(&self, person: &Person) -> bool {
        match self {
            Self::All => true,
            Self::These(numbers) => numbers.iter().any(|number| number == person.register_no()),
        }
    }
}

impl<'a> Applicants<'a> {
    /// Finds the people of a register who have no live credential of an office, nor as far as is known of any
    /// other.
    pub async fn find(
        store: &Store,
        (key, master): (&OfficeKey, &MasterKey),
        register: &'a Register,
        subjects: Subjects<'_>,
        reviewed: Reviewed<'_>,
    ) -> Result<Self, OfficeError> {
        let people = register.people();
        let known =
            OfficeStore(store).has_issued(key, people.iter().map(Person::register_no)).await?;
        let again: Vec<&Person> =
            people.iter().zip(&known).filter(|(_, known)| **known).map(|(one, _)| one).collect();
        if !again.is_empty() {
            OfficeStore(store).keep_known_people(key, master, &again).await?;
        }
        let mut seen = HashSet::new();
        let already_issued = known.iter().filter(|&&known| known).count();
        let new: Vec<&Person> = people
            .iter()
            .zip(known)
            .filter(|(person, known)| !known && seen.insert(person.register_no()))
            .map(|(person, _)| person)
            .collect();
        let repeated = people.len() - already_issued - new.len();
        let given = |person: &Person| {
            person.subject().or_else(|| match subjects {
                Subjects::Listed(listed) => listed.get(person.register_no()).copied(),
                _ => None,
            })
        };
        let makes = matches!(subjects, Subjects::MadeHere);
        let made: Vec<(Application<'a>, Option<Wallet>)> = new
            .par_iter()
            .filter_map(|&person| match given(person) {
                Some(subject) => Some((Application::new(person, subject), None)),
                None if makes => {
                    let wallet = Wallet::generate();
                    Some((Application::new(person, wallet.subject()), Some(wallet)))
                }
                None => None,
            })
            .collect();
        let without_subject = new.len() - made.len();
        let applicants: Vec<Applicant<'_>> =
            made.iter().map(|(application, _)| (application.person, application.subject)).collect();
        let schema = OfficeStore(store).check_office(key).await?.schema.id;
        let standing =
            OfficeStore(store).standing_of(master, (key.office, schema), &applicants).await?;
        let (mut applications, mut wallets) = (Vec::with_capacity(made.len()), Vec::new());
        let (mut enrolled, mut to_review) = (Vec::new(), Vec::new());
        for ((application, wallet), standing) in made.into_iter().zip(standing) {
            let person = application.person;
            // A person who was not compared with the whole register may be another row's.
            let standing = match standing {
                Standing::Free { claims_from, .. } if !register.is_compared(person) => {
                    Standing::Review { office: key.office, claims_from }
                }
                known => known,
            };
            match standing {
                Standing::Enrolled(office) => enrolled.push((person, office)),
                Standing::Review { office, .. } if !reviewed.holds(person) => {
                    to_review.push((person, office));
                }
                Standing::Free { .. } | Standing::Review { .. } => {
                    wallets.extend(wallet.map(|wallet| (applications.len(), wallet)));
                    applications.push(application.reviewed(reviewed.holds(person)));
                }
            }
        }
        Ok(Self {
            applications,
            wallets,
            already_issued,
            repeated,
            without_subject,
            enrolled,
            to_review,
        })
    }
}

impl Applicants<'_> {
    /// Returns what the register's report says about people who have a live credential, or may have one.
    pub(crate) fn matches(&self, register: &Register) -> Matches {
        let places: HashMap<*const Person, usize> =
            register.people().iter().map(std::ptr::from_ref).zip(register.places()).collect();
        let by_place = |found: &[(&Person, OfficeId)]| {
            let place = |(person, office): &(&Person, OfficeId)| {
                places.get(&std::ptr::from_ref(*person)).map(|place| (*place, office.0))
            };
            found.iter().filter_map(place).collect()
        };
        Matches { enrolled: by_place(&self.enrolled), to_review: by_place(&self.to_review) }
    }
}

/// Returns a credential as a line of a bundle.
pub fn credential_line(file: &CredentialFile) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(serde_json::to_vec(file).expect("a credential is plain data"));
    line.push(b'\n');
    line
}

/// Returns a wallet that was made here as a line of a bundle.
pub fn wallet_line(wallet: &Wallet, register_no: &str) -> Zeroizing<Vec<u8>> {
    let json = wallet.to_json();
    let number = Zeroizing::new(json!(register_no).to_string());
    let parts = [b"{\"register_no\":", number.as_bytes(), b",", &json.as_bytes()[1..], b"\n"];
    Zeroizing::new(parts.concat())
}
