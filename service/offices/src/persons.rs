//! One person is one person for all offices of a store.
//!
//! People are recognised by keyed tags of their identity number, of their name, birth date and guardian, and of their
//! account. A second live credential of a schema is not made: the identity number's tag refuses; the others, which
//! relatives and namesakes may share, lead to a review first. If one of two has no identity number, name and birth
//! date are enough for that: a guardian is written in many ways; and if the name is spelled differently, the birth
//! date with the telephone, with the name in Bengali, or with guardian and district. A replacement follows the
//! person, whichever office issued the earlier credential, so that the lost secret and the new one never claim for
//! one period.

use std::collections::{HashMap, HashSet};

use praman_circuits::credential::SchemaId;
use praman_circuits::office::OfficeId;
use praman_circuits::period::Period;
use praman_circuits::subject::SubjectCommitment;
use praman_register::Person;
use praman_store::computation::compute;
use praman_store::error::StoreError;
use praman_store::key_store::MasterKey;
use praman_store::{WriteTransaction, bytes, places};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::standing;
use crate::OfficeStore;

/// How many tags are looked up at once.
const TAGS_AT_ONCE: usize = 400;

/// The tags by which a store recognises a person and a secret. Each tag is keyed and has one purpose.
#[derive(Clone)]
pub(super) struct PersonTags {
    identity: Option<[u8; 32]>,
    name: [u8; 32],
    /// Of the guardian as written, by which earlier versions recognised people.
    name_as_written: Option<[u8; 32]>,
    account: Option<[u8; 32]>,
    /// Of name and birth date: for everyone.
    name_and_birth: [u8; 32],
    /// The same, only for people without an identity number.
    unnumbered: [u8; 32],
    /// Of what is the same if a name is spelled differently: for everyone.
    loose: Vec<[u8; 32]>,
    /// Of identity number and birth date.
    identity_and_birth: Option<[u8; 32]>,
    /// Of the secret.
    subject: [u8; 32],
}

/// Returns the same for people without an identity number. It is made from the keyed tag that it is stored beside.
fn unnumbered_of(loose: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update("praman.person.unnumbered.2").chain_update(loose).finalize().into()
}

impl PersonTags {
    fn of(
        master: &MasterKey,
        person: &Person,
        subject: SubjectCommitment,
    ) -> Result<Self, StoreError> {
        let marks = person.marks();
        let tag = |purpose: &str, text: &str| master.tag(purpose, text.as_bytes());
        Ok(Self {
            identity: marks
                .identity
                .map(|text| tag("praman.person.identity.1", &text))
                .transpose()?,
            name: tag("praman.person.name.1", &marks.name)?,
            name_as_written: marks
                .name_as_written
                .map(|text| tag("praman.person.name.1", &text))
                .transpose()?,
            name_and_birth: tag("praman.person.name-and-birth.1", &marks.name_and_birth)?,
            unnumbered: tag("praman.person.unnumbered.1", &marks.name_and_birth)?,
            account: marks.account.map(|text| tag("praman.person.account.1", &text)).transpose()?,
            loose: marks
                .loose
                .iter()
                .map(|text| tag("praman.person.loose.1", text))
                .collect::<Result<_, _>>()?,
            identity_and_birth: marks
                .identity_and_birth
                .map(|text| tag("praman.person.identity-and-birth.1", &text))
                .transpose()?,
            subject: master.tag("praman.person.subject.1", &bytes(subject.to_field()))?,
        })
    }

    /// Returns the tags by which later applicants are compared with the person.
    fn kept(&self) -> impl Iterator<Item = [u8; 32]> {
        let is_unnumbered = self.identity.is_none();
        let of_unnumbered = self.loose.iter().map(unnumbered_of).filter(move |_| is_unnumbered);
        self.surely()
            .chain(self.account)
            .chain(self.identity_and_birth)
            .chain(self.loose.iter().copied())
            .chain(of_unnumbered)
    }

    /// Returns number and names, which only namesakes share.
    fn surely(&self) -> impl Iterator<Item = [u8; 32]> {
        let unnumbered = self.identity.is_none().then_some(self.unnumbered);
        let all = [self.identity, Some(self.name), Some(self.name_and_birth), unnumbered];
        all.into_iter().flatten()
    }

    /// Returns the tags by which the person is looked up among earlier ones.
    fn asked(&self) -> impl Iterator<Item = [u8; 32]> {
        let names =
            [Some(self.name), self.name_as_written, Some(self.alike()), Some(self.name_and_birth)];
        [self.identity, self.account, self.identity_and_birth]
            .into_iter()
            .chain(names)
            .flatten()
            .chain(self.loosely())
    }

    /// Returns the tags of people of the same birth date and telephone, name in Bengali, or guardian: as
    /// [`Self::alike`].
    fn loosely(&self) -> impl Iterator<Item = [u8; 32]> {
        let is_unnumbered = self.identity.is_none();
        self.loose
            .iter()
            .map(move |loose| if is_unnumbered { *loose } else { unnumbered_of(loose) })
    }

    /// Returns the tags of people of the same name and birth date who may be the same: anyone for a person without an
    /// identity number, else those who have none.
    fn alike(&self) -> [u8; 32] {
        if self.identity.is_none() { self.name_and_birth } else { self.unnumbered }
    }
}

/// What an office may do for an applicant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Issue: nothing is known of the person, or what is known is revoked.
    Free {
        /// The first period to claim for, if the person had a credential before.
        claims_from: Option<ClaimsFrom>,
        /// The same, if an officer says that an earlier credential of their identity number was another person's,
        /// whose row had the number by mistake.
        if_other: Option<ClaimsFrom>,
    },
    /// Nothing: the person has a live credential of this office.
    Enrolled(OfficeId),
    /// Review: it may be a person who has a live credential of this office.
    Review {
        /// The office.
        office: OfficeId,
        /// The first period to claim for, if the person had a credential before.
        claims_from: Option<ClaimsFrom>,
    },
}

/// The first period that a person may claim for who had a credential before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsFrom {
    /// From the month after the issue: the earlier secret may have claimed for this one.
    NextMonth,
    /// From a period on: as in the earlier credential, if the secret is the same, and so its past claims.
    Period(Period),
}

/// A person of a register, and the commitment that their credential is to hold.
pub type Applicant<'a> = (&'a Person, SubjectCommitment);

/// A credential that is known for a person by a tag.
#[derive(Clone)]
struct Known {
    number: i64,
    office: OfficeId,
    subject: Vec<u8>,
    claims_from: Period,
    is_live: bool,
}

/// Makes the tags of some people, on all cores, or with a token one after the other.
pub(super) fn tags_of(
    master: &MasterKey,
    applicants: &[Applicant<'_>],
) -> Result<Vec<PersonTags>, StoreError> {
    compute(|| {
        applicants
            .par_iter()
            .map(|(person, subject)| PersonTags::of(master, person, *subject))
            .collect()
    })
}

/// Returns the standing of some people who ask an office for credentials of a schema, as a connection sees it.
pub(super) async fn standing_of(
    connection: &mut AnyConnection,
    (office, schema): (OfficeId, SchemaId),
    people: &[PersonTags],
) -> Result<Vec<Standing>, StoreError> {
    let mut tags: Vec<[u8; 32]> = people.iter().flat_map(PersonTags::asked).collect();
    tags.sort_unstable();
    tags.dedup();
    let mut known: HashMap<[u8; 32], Vec<Known>> = HashMap::new();
    for some in tags.chunks(TAGS_AT_ONCE) {
        look_up(connection, schema, some, &mut known).await?;
    }
    let barred = barred(connection, &known).await?;
    // Within one file, too, no identity number gets two, and a person who may be another row's is reviewed.
    let mut seen = HashSet::new();
    let standing = people.iter().map(|person| {
        let standing = standing(person, &known, &barred);
        let is_twice = person.identity.is_some_and(|identity| !seen.insert(identity));
        let is_alike = [person.name, person.alike()]
            .into_iter()
            .chain(person.loosely())
            .any(|tag| seen.contains(&tag));
        seen.extend(person.kept().filter(|tag| Some(*tag) != person.account));
        match standing {
            Standing::Free { .. } | Standing::Review { .. } if is_twice => {
                Standing::Enrolled(office)
            }
            Standing::Free { claims_from, .. } if is_alike => {
                Standing::Review { office, claims_from }
            }
            known => known,
        }
    });
    Ok(standing.collect())
}

/// Returns, of the offices whose live credentials are known, those that the ledger has barred for now. No one can
/// claim with their credentials, and these alone keep no one out.
async fn barred(
    connection: &mut AnyConnection,
    known: &HashMap<[u8; 32], Vec<Known>>,
) -> Result<HashSet<OfficeId>, StoreError> {
    let live = known.values().flatten().filter(|known| known.is_live);
    let offices: HashSet<OfficeId> = live.map(|known| known.office).collect();
    let mut barred = HashSet::new();
    for office in offices {
        if standing::on_ledger(connection, office).await?.is_some_and(|known| !known.standing) {
            barred.insert(office);
        }
    }
    Ok(barred)
}

async fn look_up(
    connection: &mut AnyConnection,
    schema: SchemaId,
    tags: &[[u8; 32]],
    known: &mut HashMap<[u8; 32], Vec<Known>>,
) -> Result<(), StoreError> {
    // An office that has retired for good has no live credentials, even those that it could no longer revoke. If an
    // office's newest root can't reach the ledger, what it revoked may still be live there.
    let statement = sqlx::AssertSqlSafe(format!(
        "SELECT person_tag.tag, person.number, person.office, person.subject, person.claims_from,
                CAST(CASE WHEN (EXISTS (SELECT 1 FROM holder WHERE holder.office = person.office
                                           AND holder.position = person.position AND holder.revoked = 0)
                                OR EXISTS (SELECT 1 FROM office
                                           WHERE office.id = person.office AND office.behind = 1))
                         AND NOT EXISTS (SELECT 1 FROM office_event
                                         WHERE office_event.office = person.office AND retired = 1)
                     THEN 1 ELSE 0 END AS BIGINT)
         FROM person_tag JOIN person_credential AS person ON person.number = person_tag.credential
         WHERE person.schema = $1 AND person_tag.tag IN ({})",
        places(2, tags.len())
    ));
    type Row = (Vec<u8>, i64, i64, Vec<u8>, i64, i64);
    let mut asked = sqlx::query_as::<_, Row>(statement).bind(i64::from(schema.0));
    for tag in tags {
        asked = asked.bind(tag.to_vec());
    }
    for (tag, number, office, subject, claims_from, is_live) in
        asked.fetch_all(&mut *connection).await?
    {
        let tag: [u8; 32] = tag.try_into().map_err(|_| praman_store::broken("a person's tag"))?;
        known.entry(tag).or_default().push(Known {
            number,
            office: OfficeId(office as u32),
            subject,
            claims_from: Period(claims_from as u32),
            is_live: is_live != 0,
        });
    }
    Ok(())
}

/// Returns the tags of the person whose credential an office has revoked, by their holder; nothing if they were not
/// stored.
pub(super) async fn tags_of_revoked(
    connection: &mut AnyConnection,
    office: OfficeId,
    holder: &[u8; 32],
) -> Result<HashSet<Vec<u8>>, StoreError> {
    let tags: Vec<(Vec<u8>,)> = sqlx::query_as(
        "SELECT person_tag.tag FROM holder
         JOIN person_credential AS person
             ON person.office = holder.office AND person.position = holder.position
         JOIN person_tag ON person_tag.credential = person.number
         WHERE holder.office = $1 AND holder.tag = $2 AND holder.revoked = 1",
    )
    .bind(i64::from(office.0))
    .bind(holder.to_vec())
    .fetch_all(connection)
    .await?;
    Ok(tags.into_iter().map(|(tag,)| tag).collect())
}

impl PersonTags {
    /// Whether some tags are surely another person's: they are known, and neither number nor names match.
    pub(super) fn is_other(&self, tags: &HashSet<Vec<u8>>) -> bool {
        let mut own = self.surely();
        !tags.is_empty() && !own.any(|tag| tags.contains(tag.as_slice()))
    }
}

/// Returns the first of some people whose commitment is in a live credential of another person: of two who share a
/// secret, one would have the other's claims refused.
pub(super) async fn shared_commitment(
    connection: &mut AnyConnection,
    people: &[PersonTags],
) -> Result<Option<usize>, StoreError> {
    for (first, some) in people.chunks(TAGS_AT_ONCE).enumerate() {
        let places: Vec<String> = (1..=some.len()).map(|place| format!("${place}")).collect();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT person.subject, person.office, person.number, person_tag.tag
             FROM person_credential AS person
             JOIN holder ON holder.office = person.office AND holder.position = person.position
             JOIN person_tag ON person_tag.credential = person.number
             WHERE holder.revoked = 0 AND person.subject IN ({})",
            places.join(", ")
        ));
        let mut asked = sqlx::query_as::<_, (Vec<u8>, i64, i64, Vec<u8>)>(statement);
        for person in some {
            asked = asked.bind(person.subject.to_vec());
        }
        let mut holders: HashMap<Vec<u8>, HashMap<i64, HashSet<Vec<u8>>>> = HashMap::new();
        for (subject, office, number, tag) in asked.fetch_all(&mut *connection).await? {
            // A barred or retired office keeps no one out: no one can claim with its credentials.
            let of = OfficeId(office as u32);
            if standing::on_ledger(connection, of).await?.is_some_and(|known| !known.standing) {
                continue;
            }
            holders.entry(subject).or_default().entry(number).or_default().insert(tag);
        }
        let shared = some.iter().position(|person| {
            let known = holders.get(person.subject.as_slice());
            known.is_some_and(|known| known.values().any(|tags| person.is_other(tags)))
        });
        if let Some(place) = shared {
            return Ok(Some(first * TAGS_AT_ONCE + place));
        }
    }
    Ok(None)
}

fn standing(
    person: &PersonTags,
    known: &HashMap<[u8; 32], Vec<Known>>,
    barred: &HashSet<OfficeId>,
) -> Standing {
    let of = |tag: Option<[u8; 32]>| tag.and_then(|tag| known.get(&tag)).into_iter().flatten();
    let is_good = |known: &&Known| known.is_live && !barred.contains(&known.office);
    if let Some(live) = of(person.identity).find(is_good) {
        return Standing::Enrolled(live.office);
    }
    // The account may be a relative's: it leads to a review, and costs no one a month. A person of the same name and
    // birth date may be the same with the guardian spelled differently: the lost secret may have claimed.
    let named = || of(Some(person.name)).chain(of(person.name_as_written));
    let of_names = || named().chain(of(Some(person.alike())));
    // A credential of a barred office may have claimed, and may again.
    let is_earlier = |known: &&Known| !known.is_live || barred.contains(&known.office);
    let from = |latest: &Known| match latest.subject == person.subject {
        true => ClaimsFrom::Period(latest.claims_from),
        false => ClaimsFrom::NextMonth,
    };
    let latest = |earlier: &mut dyn Iterator<Item = &Known>| {
        earlier.max_by_key(|known| known.number).map(from)
    };
    let claims_from = latest(&mut of(person.identity).chain(of_names()).filter(is_earlier));
    // A person with the name spelled differently may be the same, too, unless an officer says otherwise.
    let loosely = || person.loosely().flat_map(|tag| of(Some(tag)));
    let unless_other =
        latest(&mut of(person.identity).chain(of_names()).chain(loosely()).filter(is_earlier));
    // Persons with the same identity number and name, or birth date, are surely the same.
    let same: HashSet<i64> = named()
        .chain(of(Some(person.name_and_birth)))
        .chain(of(person.identity_and_birth))
        .map(|known| known.number)
        .collect();
    let is_same = |known: &&Known| same.contains(&known.number);
    let numbered = of(person.identity).filter(is_same);
    let if_other = latest(&mut numbered.chain(of_names()).filter(is_earlier));
    let alike = of(person.identity).chain(named()).chain(of(person.account));
    let mut alike = alike.chain(of(Some(person.alike()))).chain(loosely());
    match alike.find(|known| known.is_live) {
        Some(live) => Standing::Review { office: live.office, claims_from },
        None => Standing::Free { claims_from: unless_other, if_other },
    }
}

/// A credential that is about to be stored.
pub(super) struct NewCredential<'a> {
    pub(super) tags: &'a PersonTags,
    pub(super) position: usize,
    pub(super) claims_from: Period,
}

/// Records the persons of an office's new credentials.
pub(super) async fn keep(
    transaction: &mut WriteTransaction,
    (office, schema): (OfficeId, SchemaId),
    credentials: impl Iterator<Item = NewCredential<'_>>,
) -> Result<(), StoreError> {
    let (mut number,): (i64,) =
        sqlx::query_as("SELECT coalesce(max(number), 0) FROM person_credential")
            .fetch_one(&mut **transaction)
            .await?;
    for NewCredential { tags, position, claims_from } in credentials {
        number += 1;
        sqlx::query(
            "INSERT INTO person_credential (number, schema, office, position, subject, claims_from)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(number)
        .bind(i64::from(schema.0))
        .bind(i64::from(office.0))
        .bind(position as i64)
        .bind(tags.subject.to_vec())
        .bind(i64::from(claims_from.0))
        .execute(&mut **transaction)
        .await?;
        for tag in tags.kept() {
            sqlx::query(
                "INSERT INTO person_tag (tag, credential) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(tag.to_vec())
            .bind(number)
            .execute(&mut **transaction)
            .await?;
        }
    }
    Ok(())
}

/// Returns the live credentials of an office without a recorded person, by their holders: those that were issued
/// before persons were recognised.
pub(super) async fn not_known(
    connection: &mut AnyConnection,
    office: OfficeId,
) -> Result<HashMap<Vec<u8>, usize>, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "SELECT tag, position FROM holder WHERE office = $1 AND revoked = 0
             AND NOT EXISTS (SELECT 1 FROM person_credential AS known
                             WHERE known.office = holder.office AND known.position = holder.position)",
    )
    .bind(i64::from(office.0))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(tag, position)| (tag, position as usize)).collect())
}

/// Records the persons of live credentials that were issued before persons were recognised.
pub(super) async fn keep_known(
    transaction: &mut WriteTransaction,
    office: (OfficeId, SchemaId),
    holders: &[([u8; 32], PersonTags)],
) -> Result<(), StoreError> {
    let places = not_known(transaction, office.0).await?;
    let place = |(holder, tags)| Some((*places.get(<[u8; 32]>::as_slice(holder))?, tags));
    let found: Vec<(usize, &PersonTags)> =
        holders.iter().map(|(holder, tags)| (holder, tags)).filter_map(place).collect();
    // Their first period is not known: record none that a later secret could claim for again.
    let credentials = found.into_iter().map(|(position, tags)| NewCredential {
        tags,
        position,
        claims_from: Period::ONCE,
    });
    keep(transaction, office, credentials).await
}

impl OfficeStore<'_> {
    /// Returns the standing of a register's people who ask an office for credentials of a schema. The answer reveals
    /// it, so only issuers may ask.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::KeyStore`].
    pub async fn standing_of(
        &self,
        master: &MasterKey,
        office: (OfficeId, SchemaId),
        applicants: &[Applicant<'_>],
    ) -> Result<Vec<Standing>, StoreError> {
        let tags = tags_of(master, applicants)?;
        standing_of(&mut *self.0.pool().acquire().await?, office, &tags).await
    }
}
