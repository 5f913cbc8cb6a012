//! Who asks an office for credentials: the people of a register, or its households.

use std::collections::{HashMap, HashSet};

use praman_circuits::Fr;
use praman_circuits::subject::SubjectCommitment;
use praman_holder::wallet::Wallet;
use praman_offices::office_key::OfficeKey;
use praman_offices::{Application, OfficeError, OfficeStore};
use praman_register::{Household, Person, Register};
use praman_store::Store;
use praman_store::key_store::MasterKey;
use rayon::prelude::*;

use super::applicants::Subjects;

/// A household that gets no credential, or a person who has died.
pub struct RefusedApplicant {
    /// The number of the household, or the person's in the register; empty for a row without the one.
    pub number: String,
    /// Why, in a sentence.
    pub reason: String,
}

/// Those who have no credential of an office yet.
pub(super) struct NewApplicants<'a> {
    /// What they ask for, with the wallets that were made here.
    pub(super) made: Vec<(Application<'a>, Option<Wallet>)>,
    pub(super) already_issued: usize,
    pub(super) repeated: usize,
    pub(super) without_subject: usize,
    pub(super) refused: Vec<RefusedApplicant>,
}

/// Makes an application for each of those who have a commitment, or a wallet for it.
fn made<'a, T: Sync>(
    new: &[T],
    subjects: &Subjects<'_>,
    given: impl Fn(&T) -> Option<SubjectCommitment> + Sync,
    application: impl Fn(&T, SubjectCommitment) -> Application<'a> + Sync,
) -> Vec<(Application<'a>, Option<Wallet>)> {
    let makes = matches!(subjects, Subjects::MadeHere);
    new.par_iter()
        .filter_map(|one| match given(one) {
            Some(subject) => Some((application(one, subject), None)),
            None if makes => {
                let wallet = Wallet::generate();
                Some((application(one, wallet.subject()), Some(wallet)))
            }
            None => None,
        })
        .collect()
}

impl<'a> NewApplicants<'a> {
    /// Returns the people of a register. Who has died gets nothing.
    pub(super) async fn people(
        store: &Store,
        (key, master): (&OfficeKey, &MasterKey),
        register: &'a Register,
        subjects: &Subjects<'_>,
    ) -> Result<Self, OfficeError> {
        let (dead, people): (Vec<&Person>, Vec<&Person>) =
            register.people().iter().partition(|person| person.is_deceased());
        let numbers: Vec<&str> = people.iter().map(|person| person.register_no()).collect();
        let known = OfficeStore(store).has_issued(key, numbers.iter().copied()).await?;
        let again: Vec<&Person> =
            people.iter().zip(&known).filter(|(_, known)| **known).map(|(one, _)| *one).collect();
        if !again.is_empty() {
            OfficeStore(store).keep_known_people(key, master, &again).await?;
        }
        let mut seen = HashSet::new();
        let already_issued = known.iter().filter(|&&known| known).count();
        let new: Vec<&Person> = people
            .iter()
            .copied()
            .zip(known)
            .filter(|(person, known)| !known && seen.insert(person.register_no()))
            .map(|(person, _)| person)
            .collect();
        let given = |person: &&'a Person| {
            person.subject().or_else(|| subjects.listed(person.register_no()))
        };
        let made =
            made(&new, subjects, given, |&person, subject| Application::new(person, subject));
        Ok(Self {
            already_issued,
            repeated: people.len() - already_issued - new.len(),
            without_subject: new.len() - made.len(),
            made,
            refused: dead
                .iter()
                .map(|person| RefusedApplicant {
                    number: person.register_no().to_owned(),
                    reason: "the row says that the person has died".to_owned(),
                })
                .collect(),
        })
    }

    /// Returns the households of a register. One that is not whole is refused, and so are those that give one
    /// commitment.
    pub(super) async fn households(
        store: &Store,
        key: &OfficeKey,
        register: &'a Register,
        subjects: &Subjects<'_>,
    ) -> Result<Self, OfficeError> {
        let (households, faulty) = register.households();
        let mut refused: Vec<RefusedApplicant> = faulty
            .into_iter()
            .map(|one| RefusedApplicant { number: one.number, reason: one.fault.to_string() })
            .collect();
        let numbers: Vec<&str> = households.iter().map(Household::number).collect();
        let known = OfficeStore(store).has_issued(key, numbers.iter().copied()).await?;
        let already_issued = known.iter().filter(|&&known| known).count();
        let new: Vec<Household<'a>> = households
            .into_iter()
            .zip(known)
            .filter(|(_, known)| !known)
            .map(|(household, _)| household)
            .collect();
        let given = |household: &Household<'a>| {
            household.subject().or_else(|| subjects.listed(household.number()))
        };
        let mut by_secret: HashMap<Fr, Vec<&str>> = HashMap::new();
        for household in &new {
            if let Some(subject) = given(household) {
                by_secret.entry(subject.to_field()).or_default().push(household.number());
            }
        }
        let shared: HashMap<&str, &str> = by_secret
            .values()
            .filter(|numbers| numbers.len() > 1)
            .flat_map(|numbers| numbers.iter().zip(numbers.iter().cycle().skip(1)))
            .map(|(number, other)| (*number, *other))
            .collect();
        let (with_shared, new): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|household| shared.contains_key(household.number()));
        refused.extend(with_shared.iter().map(|household| RefusedApplicant {
            number: household.number().to_owned(),
            reason: format!(
                "household {} gives the same commitment: each household needs a secret of its own",
                shared[household.number()]
            ),
        }));
        let made = made(&new, subjects, given, |household, subject| {
            Application::of_household(household.clone(), subject)
        });
        Ok(Self {
            already_issued,
            repeated: 0,
            without_subject: new.len() - made.len(),
            made,
            refused,
        })
    }
}
