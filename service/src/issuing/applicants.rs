//! Who of a register gets a credential now, under what commitment.

use std::collections::{HashMap, HashSet};

use praman_circuits::subject::SubjectCommitment;
use rayon::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

use crate::error::ServiceError;
use crate::office_key::OfficeKey;
use crate::offices::Application;
use crate::register::{Person, Register};
use crate::store::Store;
use crate::wallet::{CredentialFile, Wallet};

/// Where the commitment of somebody comes from whom the register has none of.
pub(crate) enum Subjects<'a> {
    /// Nowhere: they get no credential.
    Register,
    /// From another file, by register number.
    Listed(&'a HashMap<String, SubjectCommitment>),
    /// A wallet is made here on their behalf.
    MadeHere,
}

/// Those who get a credential.
pub(crate) struct Applicants<'a> {
    /// What the office is asked to issue.
    pub(crate) applications: Vec<Application<'a>>,
    /// The wallets that were made here, each with its applicant's place.
    pub(crate) wallets: Vec<(usize, Wallet)>,
    /// People who have a live credential of this office.
    pub(crate) already_issued: usize,
    /// People whose register number an earlier row has.
    pub(crate) repeated: usize,
    /// People without a commitment.
    pub(crate) without_subject: usize,
}

impl<'a> Applicants<'a> {
    /// Those of a register who have no live credential of an office.
    pub(crate) async fn find(
        store: &Store,
        key: &OfficeKey,
        register: &'a Register,
        subjects: Subjects<'_>,
    ) -> Result<Self, ServiceError> {
        let people = register.people();
        let known = store.has_issued(key, people.iter().map(Person::register_no)).await?;
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
        let (mut applications, mut wallets) = (Vec::with_capacity(made.len()), Vec::new());
        for (place, (application, wallet)) in made.into_iter().enumerate() {
            applications.push(application);
            wallets.extend(wallet.map(|wallet| (place, wallet)));
        }
        Ok(Self { applications, wallets, already_issued, repeated, without_subject })
    }
}

/// A credential as a line of a bundle.
pub(crate) fn credential_line(file: &CredentialFile) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(serde_json::to_vec(file).expect("a credential is plain data"));
    line.push(b'\n');
    line
}

/// A wallet that was made here as a line of a bundle.
pub(crate) fn wallet_line(wallet: &Wallet, register_no: &str) -> Zeroizing<Vec<u8>> {
    let json = wallet.to_json();
    let number = Zeroizing::new(json!(register_no).to_string());
    let parts = [b"{\"register_no\":", number.as_bytes(), b",", &json.as_bytes()[1..], b"\n"];
    Zeroizing::new(parts.concat())
}
