//! Which people or households of a register get a credential now, under which commitment.

use std::collections::HashMap;

use praman_circuits::office::OfficeId;
use praman_circuits::subject::SubjectCommitment;
use praman_holder::wallet::{CredentialFile, Wallet};
use praman_offices::office_key::OfficeKey;
use praman_offices::{Applicant, Application, OfficeError, OfficeStore, Standing, secret_known};
use praman_register::{Matches, Person, Register};
use praman_rules::schema::HOUSEHOLD;
use praman_store::Store;
use praman_store::key_store::MasterKey;
use serde_json::json;
use zeroize::Zeroizing;

use super::new_applicants::{NewApplicants, RefusedApplicant};

/// Where a person's or a household's commitment comes from if the register has none.
pub enum Subjects<'a> {
    /// Nowhere: they get no credential.
    Register,
    /// From another file, by register number or household number.
    Listed(&'a HashMap<String, SubjectCommitment>),
    /// A wallet is made here on their behalf.
    MadeHere,
}

impl Subjects<'_> {
    /// Returns the commitment that a list has under a number.
    pub(super) fn listed(&self, number: &str) -> Option<SubjectCommitment> {
        match self {
            Self::Listed(listed) => listed.get(number).copied(),
            Self::Register | Self::MadeHere => None,
        }
    }
}

/// The people or households who get a credential.
pub struct Applicants<'a> {
    /// What the office is asked to issue.
    pub applications: Vec<Application<'a>>,
    /// The wallets that were made here, each with its applicant's place.
    pub wallets: Vec<(usize, Wallet)>,
    /// People or households who have a live credential of this office.
    pub already_issued: usize,
    /// People whose register number is in an earlier row.
    pub repeated: usize,
    /// People or households without a commitment.
    pub without_subject: usize,
    /// People who have a live credential: of this office under another number, or of another office.
    pub enrolled: Vec<(&'a Person, OfficeId)>,
    /// People who may already have one: an officer reviews them first.
    pub to_review: Vec<(&'a Person, OfficeId)>,
    /// Whether households are issued to.
    pub are_households: bool,
    /// Households that get none, those of people who are enrolled or reviewed first among them; of people those who have
    /// died.
    pub refused: Vec<RefusedApplicant>,
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
    /// Finds the people of a register, or its households if the office issues to these, who have no live credential of
    /// an office, nor as far as is known of any other.
    pub async fn find(
        store: &Store,
        (key, master): (&OfficeKey, &MasterKey),
        register: &'a Register,
        subjects: Subjects<'_>,
        reviewed: Reviewed<'_>,
    ) -> Result<Self, OfficeError> {
        let schema = OfficeStore(store).check_office(key).await?.schema;
        let are_households = schema.id == HOUSEHOLD.id;
        let new_applicants = match are_households {
            true => NewApplicants::households(store, key, register, &subjects).await?,
            false => NewApplicants::people(store, (key, master), register, &subjects).await?,
        };
        let NewApplicants { made, already_issued, repeated, without_subject, refused } =
            new_applicants;
        let applicants: Vec<Applicant<'_>> = made
            .iter()
            .map(|(application, _)| (&application.holder, application.subject))
            .collect();
        let standing =
            OfficeStore(store).standing_of(master, (key.office, schema.id), &applicants).await?;
        let mut found = Self {
            applications: Vec::with_capacity(made.len()),
            wallets: Vec::new(),
            already_issued,
            repeated,
            without_subject,
            enrolled: Vec::new(),
            to_review: Vec::new(),
            are_households,
            refused,
        };
        for ((application, wallet), standing) in made.into_iter().zip(standing) {
            found.add(register, (key.office, &reviewed), (application, wallet), standing);
        }
        Ok(found)
    }

    /// Adds an application to those that are issued, or says why it is not.
    fn add(
        &mut self,
        register: &Register,
        (office, reviewed): (OfficeId, &Reviewed<'_>),
        (application, wallet): (Application<'a>, Option<Wallet>),
        standing: Standing,
    ) {
        let people: Vec<&'a Person> = application.holder.members().to_vec();
        // A person who was not compared with the whole register may be another row's.
        let not_compared: Vec<usize> =
            (0..people.len()).filter(|&member| !register.is_compared(people[member])).collect();
        let standing = match standing {
            Standing::Free { claims_from, .. } if !not_compared.is_empty() => {
                Standing::Review { office, members: not_compared, claims_from }
            }
            Standing::Review { office, mut members, claims_from } => {
                members.extend(not_compared);
                members.sort_unstable();
                members.dedup();
                Standing::Review { office, members, claims_from }
            }
            known => known,
        };
        let asked: Vec<&'a Person> = match &standing {
            Standing::Review { members, .. } => {
                members.iter().map(|&member| people[member]).collect()
            }
            _ => people.clone(),
        };
        let is_reviewed = asked.iter().all(|person| reviewed.holds(person));
        let reason = match standing {
            Standing::Free { .. } => None,
            Standing::Review { .. } if is_reviewed => None,
            Standing::Enrolled { office, member } => {
                self.enrolled.push((people[member], office));
                let number = people[member].register_no();
                Some(format!(
                    "its member {number} has a live credential of office {}: a person is a member of one \
                     household",
                    office.0
                ))
            }
            Standing::Review { office, .. } => {
                self.to_review.extend(asked.iter().map(|&person| (person, office)));
                let numbers: Vec<&str> = asked.iter().map(|one| one.register_no()).collect();
                Some(format!("an officer reviews {} first", numbers.join(", ")))
            }
            Standing::SecretKnown(former) => Some(secret_known(former)),
        };
        match reason {
            None => {
                self.wallets.extend(wallet.map(|wallet| (self.applications.len(), wallet)));
                self.applications.push(application.reviewed(is_reviewed));
            }
            Some(reason) if self.are_households => {
                let number = application.holder.number().to_owned();
                self.refused.push(RefusedApplicant { number, reason });
            }
            Some(_) => {}
        }
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
        let reasons: HashMap<&str, &str> =
            self.refused.iter().map(|one| (one.number.as_str(), one.reason.as_str())).collect();
        let refused =
            register.people().iter().zip(register.places()).filter_map(|(person, place)| {
                let reason = match (self.are_households, person.household_no()) {
                    (false, _) => *reasons.get(person.register_no())?,
                    (true, Some(number)) => *reasons.get(number)?,
                    (true, None) => "the row has no household number",
                };
                Some((place, reason.to_owned()))
            });
        Matches {
            enrolled: by_place(&self.enrolled),
            to_review: by_place(&self.to_review),
            refused: refused.collect(),
        }
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
