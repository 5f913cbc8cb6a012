//! One person is one person for all offices of a store.
//!
//! People are recognised by keyed tags of their identity number, of their name, birth date and guardian, and of their
//! account. A second live credential of a schema is not made: the identity number's tag refuses; the others, which
//! relatives and namesakes may share, lead to a review first. If one of two has no identity number, name and birth
//! date are enough for that: a guardian is written in many ways; and if the name is spelled differently, the birth
//! date with the telephone, with the name in Bengali, or with guardian and district. A replacement follows the
//! person, whichever office issued the earlier credential, so that the lost secret and the new one never claim for
//! one period.
//!
//! A household's credential is recorded for each of its members who live, and each of them is known again by it: a
//! person is a member of one household.

use std::collections::{HashMap, HashSet};

use praman_circuits::credential::SchemaId;
use praman_circuits::office::OfficeId;
use praman_circuits::period::Period;
use praman_circuits::subject::SubjectCommitment;
use praman_register::Person;
use praman_rules::schema::HOUSEHOLD;
use praman_store::computation::compute;
use praman_store::error::StoreError;
use praman_store::key_store::MasterKey;
use praman_store::{WriteTransaction, bytes, places};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::earlier::{Earlier, former_members};
use super::holder::Holder;
use super::standing;
use crate::OfficeStore;

/// How many tags are looked up at once.
pub(super) const TAGS_AT_ONCE: usize = 400;

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

/// The tags of a credential's holder: of a person, or of a household's people.
pub(super) struct HolderTags {
    /// Of those who live, the head first; of a person, one.
    members: Vec<PersonTags>,
    /// Of those who have died.
    deceased: Vec<PersonTags>,
    pub(super) is_household: bool,
    /// Of the secret.
    pub(super) subject: [u8; 32],
}

impl HolderTags {
    fn of(
        master: &MasterKey,
        holder: &Holder<'_>,
        subject: SubjectCommitment,
    ) -> Result<Self, StoreError> {
        let tags = |people: &[&Person]| -> Result<Vec<PersonTags>, StoreError> {
            people.iter().map(|person| PersonTags::of(master, person, subject)).collect()
        };
        Ok(Self {
            members: tags(holder.members())?,
            deceased: tags(holder.deceased())?,
            is_household: holder.schema().id == HOUSEHOLD.id,
            subject: master.tag("praman.person.subject.1", &bytes(subject.to_field()))?,
        })
    }

    /// Whether some tags are surely of someone who is none of the holder's people, living or dead.
    pub(super) fn is_other(&self, tags: &HashSet<Vec<u8>>) -> bool {
        self.members.iter().chain(&self.deceased).all(|one| one.is_other(tags))
    }
}

/// What an office may do for an applicant. People are named by their places among the holder's members; a person is at
/// place 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Issue: nothing is known of the person, or what is known is revoked.
    Free {
        /// The first period to claim for, if the person had a credential before.
        claims_from: Option<ClaimsFrom>,
        /// The same, if an officer says that an earlier credential of their identity number was another person's,
        /// whose row had the number by mistake.
        if_other: Option<ClaimsFrom>,
    },
    /// Nothing: a member has a live credential of an office.
    Enrolled {
        /// The office.
        office: OfficeId,
        /// The member.
        member: usize,
    },
    /// Nothing: so many people know the household's secret who are no members of it. It needs a new one.
    SecretKnown(usize),
    /// Review: members may be people who have a live credential of this office.
    Review {
        /// The office.
        office: OfficeId,
        /// The members, in order.
        members: Vec<usize>,
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

/// A person or a household of a register, and the commitment that the credential is to hold.
pub type Applicant<'a> = (&'a Holder<'a>, SubjectCommitment);

/// A credential that is known for a person by a tag.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) number: i64,
    pub(super) office: OfficeId,
    pub(super) subject: Vec<u8>,
    pub(super) claims_from: Period,
    pub(super) is_live: bool,
}

/// Makes the tags of some holders, on all cores, or with a token one after the other.
pub(super) fn tags_of(
    master: &MasterKey,
    applicants: &[Applicant<'_>],
) -> Result<Vec<HolderTags>, StoreError> {
    compute(|| {
        applicants
            .par_iter()
            .map(|(holder, subject)| HolderTags::of(master, holder, *subject))
            .collect()
    })
}

/// Returns the standing of some holders who ask an office for credentials of a schema, as a connection sees it.
pub(super) async fn standing_of(
    connection: &mut AnyConnection,
    (office, schema): (OfficeId, SchemaId),
    holders: &[HolderTags],
) -> Result<Vec<Standing>, StoreError> {
    let members = holders.iter().flat_map(|holder| &holder.members);
    let mut tags: Vec<[u8; 32]> = members.flat_map(PersonTags::asked).collect();
    tags.sort_unstable();
    tags.dedup();
    let mut known: HashMap<[u8; 32], Vec<Known>> = HashMap::new();
    for some in tags.chunks(TAGS_AT_ONCE) {
        look_up(connection, schema, some, &mut known).await?;
    }
    let barred = barred(connection, &known).await?;
    let former = former_members(connection, holders).await?;
    // Within one file, too, no identity number gets two, and a person who may be another row's is reviewed. Members of
    // one household, such as twins, are not compared with each other by anything but the number.
    let mut seen: HashSet<[u8; 32]> = HashSet::new();
    let standing = holders.iter().zip(former).map(|(holder, former)| {
        let standing = standing(holder, &known, &barred);
        let mut own: HashSet<[u8; 32]> = HashSet::new();
        let twice = holder.members.iter().position(|member| {
            let is_twice = |identity: [u8; 32]| seen.contains(&identity) || !own.insert(identity);
            member.identity.is_some_and(is_twice)
        });
        let is_alike = |member: &PersonTags| {
            let tags = [member.name, member.alike()];
            tags.into_iter().chain(member.loosely()).any(|tag| seen.contains(&tag))
        };
        let alike: Vec<usize> =
            (0..holder.members.len()).filter(|&member| is_alike(&holder.members[member])).collect();
        for member in &holder.members {
            seen.extend(member.kept().filter(|tag| Some(*tag) != member.account));
        }
        match (standing, twice) {
            (Standing::Free { .. } | Standing::Review { .. }, Some(member)) => {
                Standing::Enrolled { office, member }
            }
            (Standing::Free { .. } | Standing::Review { .. }, None) if former > 0 => {
                Standing::SecretKnown(former)
            }
            (Standing::Free { claims_from, .. }, None) if !alike.is_empty() => {
                Standing::Review { office, members: alike, claims_from }
            }
            (Standing::Review { office, mut members, claims_from }, None) => {
                members.extend(alike);
                members.sort_unstable();
                members.dedup();
                Standing::Review { office, members, claims_from }
            }
            (known, _) => known,
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

/// Returns the first of some holders whose commitment is in a live credential of someone who is none of their people:
/// of two who share a secret, one would have the other's claims refused.
pub(super) async fn shared_commitment(
    connection: &mut AnyConnection,
    holders: &[HolderTags],
) -> Result<Option<usize>, StoreError> {
    for (first, some) in holders.chunks(TAGS_AT_ONCE).enumerate() {
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
        for holder in some {
            asked = asked.bind(holder.subject.to_vec());
        }
        let mut known: HashMap<Vec<u8>, HashMap<i64, HashSet<Vec<u8>>>> = HashMap::new();
        for (subject, office, number, tag) in asked.fetch_all(&mut *connection).await? {
            // A barred or retired office keeps no one out: no one can claim with its credentials.
            let of = OfficeId(office as u32);
            if standing::on_ledger(connection, of).await?.is_some_and(|known| !known.standing) {
                continue;
            }
            known.entry(subject).or_default().entry(number).or_default().insert(tag);
        }
        let shared = some.iter().position(|holder| {
            let people = known.get(holder.subject.as_slice());
            people.is_some_and(|people| people.values().any(|tags| holder.is_other(tags)))
        });
        if let Some(place) = shared {
            return Ok(Some(first * TAGS_AT_ONCE + place));
        }
    }
    Ok(None)
}

/// What is known of a member.
struct MemberStanding {
    /// The office of a live credential of theirs.
    enrolled: Option<OfficeId>,
    /// The office of a live credential that may be theirs.
    alike: Option<OfficeId>,
    /// What their earlier credentials mean.
    earlier: Earlier,
    /// The same, if an officer says that the credentials that may be theirs are another person's.
    reviewed: Earlier,
    /// The same, if an officer says that those of their identity number are, too.
    if_other: Earlier,
}

fn standing(
    holder: &HolderTags,
    known: &HashMap<[u8; 32], Vec<Known>>,
    barred: &HashSet<OfficeId>,
) -> Standing {
    let of_member = |member: &PersonTags| standing_of_member(member, known, barred);
    let found: Vec<MemberStanding> = holder.members.iter().map(of_member).collect();
    let mut places = found.iter().enumerate();
    if let Some((member, office)) = places.find_map(|(at, one)| Some((at, one.enrolled?))) {
        return Standing::Enrolled { office, member };
    }
    let members: Vec<usize> = (0..found.len()).filter(|&at| found[at].alike.is_some()).collect();
    match found.iter().find_map(|one| one.alike) {
        Some(office) => {
            let earlier = |one: &MemberStanding| match one.alike {
                Some(_) => one.reviewed,
                None => one.earlier,
            };
            let claims_from = Earlier::together(found.iter().map(earlier));
            Standing::Review { office, members, claims_from }
        }
        None => Standing::Free {
            claims_from: Earlier::together(found.iter().map(|one| one.earlier)),
            if_other: Earlier::together(found.iter().map(|one| one.if_other)),
        },
    }
}

fn standing_of_member(
    person: &PersonTags,
    known: &HashMap<[u8; 32], Vec<Known>>,
    barred: &HashSet<OfficeId>,
) -> MemberStanding {
    let of = |tag: Option<[u8; 32]>| tag.and_then(|tag| known.get(&tag)).into_iter().flatten();
    let is_good = |known: &&Known| known.is_live && !barred.contains(&known.office);
    let enrolled = of(person.identity).find(is_good).map(|live| live.office);
    // The account may be a relative's: it leads to a review, and costs no one a month. A person of the same name and
    // birth date may be the same with the guardian spelled differently: the lost secret may have claimed.
    let named = || of(Some(person.name)).chain(of(person.name_as_written));
    let of_names = || named().chain(of(Some(person.alike())));
    // A credential of a barred office may have claimed, and may again.
    let is_earlier = |known: &&Known| !known.is_live || barred.contains(&known.office);
    let reviewed = of(person.identity).chain(of_names()).filter(is_earlier);
    let reviewed = Earlier::of(reviewed, &person.subject);
    // A person with the name spelled differently may be the same, too, unless an officer says otherwise.
    let loosely = || person.loosely().flat_map(|tag| of(Some(tag)));
    let all = of(person.identity).chain(of_names()).chain(loosely()).filter(is_earlier);
    let earlier = Earlier::of(all, &person.subject);
    // Persons with the same identity number and name, or birth date, are surely the same.
    let same: HashSet<i64> = named()
        .chain(of(Some(person.name_and_birth)))
        .chain(of(person.identity_and_birth))
        .map(|known| known.number)
        .collect();
    let is_same = |known: &&Known| same.contains(&known.number);
    let numbered = of(person.identity).filter(is_same);
    let if_other = Earlier::of(numbered.chain(of_names()).filter(is_earlier), &person.subject);
    let alike = of(person.identity).chain(named()).chain(of(person.account));
    let mut alike = alike.chain(of(Some(person.alike()))).chain(loosely());
    let alike = alike.find(|known| known.is_live).map(|live| live.office);
    MemberStanding { enrolled, alike, earlier, reviewed, if_other }
}

/// A credential that is about to be stored.
pub(super) struct NewCredential<'a> {
    pub(super) tags: &'a HolderTags,
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
        for member in &tags.members {
            number += 1;
            sqlx::query(
                "INSERT INTO person_credential
                     (number, schema, office, position, subject, claims_from)
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
            for tag in member.kept() {
                sqlx::query(
                    "INSERT INTO person_tag (tag, credential) VALUES ($1, $2)
                     ON CONFLICT DO NOTHING",
                )
                .bind(tag.to_vec())
                .bind(number)
                .execute(&mut **transaction)
                .await?;
            }
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
    holders: &[([u8; 32], HolderTags)],
) -> Result<(), StoreError> {
    let places = not_known(transaction, office.0).await?;
    let place = |(holder, tags)| Some((*places.get(<[u8; 32]>::as_slice(holder))?, tags));
    let found: Vec<(usize, &HolderTags)> =
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
    /// Returns the standing of a register's people or households who ask an office for credentials of a schema. The
    /// answer reveals it, so only issuers may ask.
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
