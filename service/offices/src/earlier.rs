//! What earlier credentials mean for a new one: from when it may claim, and who knows its secret.

use std::collections::{HashMap, HashSet};

use praman_circuits::period::Period;
use praman_store::error::StoreError;
use praman_store::places;
use sqlx::AnyConnection;

use super::persons::{ClaimsFrom, HolderTags, Known, TAGS_AT_ONCE};

/// What a member's earlier credentials mean for one with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// They had none.
    None,
    /// The latest one had the same secret, and claimed from a period on.
    Kept(Period),
    /// They had one with the same secret, and a later one with another: both may have claimed.
    Replaced,
    /// They had none with this secret.
    Other,
}

impl Earlier {
    /// Returns what some credentials of one person mean for a secret.
    pub(super) fn of<'k>(known: impl Iterator<Item = &'k Known>, subject: &[u8]) -> Self {
        let (mut latest, mut had_secret): (Option<&Known>, bool) = (None, false);
        for one in known {
            had_secret |= one.subject == subject;
            if latest.is_none_or(|latest| one.number >= latest.number) {
                latest = Some(one);
            }
        }
        match latest {
            None => Self::None,
            Some(latest) if latest.subject == subject => Self::Kept(latest.claims_from),
            Some(_) if had_secret => Self::Replaced,
            Some(_) => Self::Other,
        }
    }

    /// Returns the first period to claim for of a holder by their members, if any had a credential before.
    ///
    /// Where the secret is kept, what it has claimed it can't claim again. Who had another secret may have claimed by
    /// that, and brings the month along: else a household that has claimed could join one that has not, and claim
    /// again. A secret that was given up for another does not come back at once.
    pub(super) fn together(members: impl Iterator<Item = Self>) -> Option<ClaimsFrom> {
        let (mut kept, mut is_other) = (None, false);
        for member in members {
            match member {
                Self::None => {}
                Self::Kept(period) => kept = kept.max(Some(period)),
                Self::Replaced => return Some(ClaimsFrom::NextMonth),
                Self::Other => is_other = true,
            }
        }
        if is_other { Some(ClaimsFrom::NextMonth) } else { kept.map(ClaimsFrom::Period) }
    }
}

/// Returns of each holder how many people know the secret who are no member of theirs: they were, or are, members of a
/// household that had the same one. Of a person it is 0.
pub(super) async fn former_members(
    connection: &mut AnyConnection,
    holders: &[HolderTags],
) -> Result<Vec<usize>, StoreError> {
    type Rows = HashMap<i64, HashSet<Vec<u8>>>;
    let mut former = vec![0; holders.len()];
    let households: Vec<usize> =
        (0..holders.len()).filter(|&place| holders[place].is_household).collect();
    for some in households.chunks(TAGS_AT_ONCE) {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT person.subject, person.office, person.position, person.number, person_tag.tag
             FROM person_credential AS person
             JOIN person_tag ON person_tag.credential = person.number
             WHERE person.subject IN ({})",
            places(1, some.len())
        ));
        let mut asked = sqlx::query_as::<_, (Vec<u8>, i64, i64, i64, Vec<u8>)>(statement);
        for &place in some {
            asked = asked.bind(holders[place].subject.to_vec());
        }
        // By secret and credential, the tags of each of its people.
        let mut known: HashMap<Vec<u8>, HashMap<(i64, i64), Rows>> = HashMap::new();
        for (subject, office, position, number, tag) in asked.fetch_all(&mut *connection).await? {
            let credentials = known.entry(subject).or_default();
            let people = credentials.entry((office, position)).or_default();
            people.entry(number).or_default().insert(tag);
        }
        for &place in some {
            let holder = &holders[place];
            let credentials = known.get(holder.subject.as_slice()).into_iter().flatten();
            let others =
                |people: &Rows| people.values().filter(|tags| holder.is_other(tags)).count();
            former[place] = credentials.map(|(_, people)| others(people)).max().unwrap_or(0);
        }
    }
    Ok(former)
}

#[cfg(test)]
mod tests {
    use praman_circuits::office::OfficeId;

    use super::*;

    fn known(number: i64, subject: u8, claims_from: u32) -> Known {
        Known {
            number,
            office: OfficeId(0),
            subject: vec![subject],
            claims_from: Period(claims_from),
            is_live: false,
        }
    }

    #[test]
    fn latest_credential_says_whether_a_secret_is_kept() {
        let of = |known: &[Known]| Earlier::of(known.iter(), &[7]);
        assert_eq!(of(&[]), Earlier::None);
        assert_eq!(of(&[known(1, 7, 5)]), Earlier::Kept(Period(5)));
        assert_eq!(of(&[known(3, 7, 9), known(1, 8, 0)]), Earlier::Kept(Period(9)));
        assert_eq!(of(&[known(3, 8, 9), known(1, 7, 0)]), Earlier::Replaced);
        assert_eq!(of(&[known(3, 8, 9), known(1, 6, 0)]), Earlier::Other);
    }

    #[test]
    fn household_claims_as_the_strictest_of_its_members() {
        let together = |members: &[Earlier]| Earlier::together(members.iter().copied());
        let kept = |period| Earlier::Kept(Period(period));
        let from = |period| Some(ClaimsFrom::Period(Period(period)));
        assert_eq!(together(&[Earlier::None, Earlier::None]), None);
        assert_eq!(together(&[Earlier::None, kept(0)]), from(0));
        assert_eq!(together(&[kept(4), kept(6), Earlier::None]), from(6));
        // A bride who comes from another household.
        assert_eq!(together(&[kept(0), Earlier::Other]), Some(ClaimsFrom::NextMonth));
        assert_eq!(together(&[Earlier::Other, Earlier::None]), Some(ClaimsFrom::NextMonth));
        // One of them has had a later secret, which may have claimed.
        assert_eq!(together(&[kept(0), Earlier::Replaced]), Some(ClaimsFrom::NextMonth));
    }
}
