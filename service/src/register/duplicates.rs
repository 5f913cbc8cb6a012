//! Finding the rows that are about one person.
//!
//! Two papers are two people: rows with different identity numbers never join. Rows with the same
//! one are the same person. A row without one is compared with those that share its birth date and
//! its district, mobile, account or branch, never with all others, so the work grows with the
//! register and not with its square.

use std::collections::{BTreeSet, HashMap, HashSet};

use rayon::prelude::*;

use super::bengali::BengaliName;
use super::name::RomanName;
use super::person::Person;
use super::similarity::{Likeness, bengali_slips, likeness};

/// Above this many people on one key, the key is split by the beginning of their names.
const CROWDED: usize = 256;

/// What two rows of one person are likely to share, always with the birth date.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Shared<'a> {
    District(u8),
    Mobile(u64),
    Account(&'a str),
    Branch(&'a str),
}

type Key<'a> = (u32, Shared<'a>);

fn keys(person: &Person) -> [Option<Key<'_>>; 4] {
    let born = person.born.0;
    [
        Some((born, Shared::District(person.district as u8))),
        Some((born, Shared::Mobile(person.mobile))),
        (!person.account.is_empty()).then_some((born, Shared::Account(&person.account))),
        Some((born, Shared::Branch(&person.ifsc))),
    ]
}

/// For each person the first row that is about them: their own place unless they are a duplicate.
pub(super) fn find(people: &[Person]) -> Vec<usize> {
    let mut groups = Groups::new(people);
    let mut by_id = HashMap::new();
    for (place, person) in people.iter().enumerate() {
        if let Some(id) = person.id_no {
            groups.join(*by_id.entry(id).or_insert(place), place);
        }
    }

    let without_id: Vec<usize> =
        (0..people.len()).filter(|&place| people[place].id_no.is_none()).collect();
    if without_id.is_empty() {
        return groups.firsts();
    }
    let asked: HashSet<Key<'_>> =
        without_id.iter().flat_map(|&place| keys(&people[place])).flatten().collect();
    let mut postings: HashMap<Key<'_>, Vec<usize>> = HashMap::new();
    for (place, person) in people.iter().enumerate() {
        for key in keys(person).into_iter().flatten().filter(|key| asked.contains(key)) {
            postings.entry(key).or_default().push(place);
        }
    }
    let names = Names::of(people);
    let crowded = Crowded::of(&postings, &names);

    let mut likely: Vec<(std::cmp::Reverse<u32>, usize, usize)> = without_id
        .par_iter()
        .flat_map_iter(|&place| {
            let mut others = BTreeSet::new();
            for key in keys(&people[place]).into_iter().flatten() {
                others.extend(crowded.candidates(key, place, &postings, &names));
            }
            // Of two rows without papers only the later one looks for the other.
            others.retain(|&o| o < place || people[o].id_no.is_some());
            others.remove(&place);
            let names = &names;
            others.into_iter().filter_map(move |other| {
                let score = same_person(people, names, place, other)?;
                Some((std::cmp::Reverse(score), place.min(other), place.max(other)))
            })
        })
        .collect();
    likely.sort_unstable();
    for (_, first, second) in likely {
        groups.join(first, second);
    }
    groups.firsts()
}

/// Disjoint groups of rows, each with at most one identity number, named by their first row.
struct Groups {
    parent: Vec<usize>,
    id: Vec<Option<u64>>,
}

impl Groups {
    fn new(people: &[Person]) -> Self {
        let id = people.iter().map(|person| person.id_no).collect();
        Self { parent: (0..people.len()).collect(), id }
    }

    fn first(&mut self, mut place: usize) -> usize {
        while self.parent[place] != place {
            self.parent[place] = self.parent[self.parent[place]];
            place = self.parent[place];
        }
        place
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        let two_papers = self.id[a].is_some() && self.id[b].is_some() && self.id[a] != self.id[b];
        if a == b || two_papers {
            return;
        }
        let (first, later) = (a.min(b), a.max(b));
        self.parent[later] = first;
        self.id[first] = self.id[first].or(self.id[later]);
    }

    fn firsts(mut self) -> Vec<usize> {
        (0..self.parent.len()).map(|place| self.first(place)).collect()
    }
}

/// The names of all people, and which of them are frequent here.
struct Names {
    roman: Vec<RomanKey>,
    frequent_given: HashSet<String>,
    frequent_bengali: HashSet<String>,
}

/// What is kept of every name; the rest is made again for the few that are compared.
struct RomanKey {
    given_folded: String,
    bengali_first: String,
}

impl Names {
    fn of(people: &[Person]) -> Self {
        let roman: Vec<RomanKey> = people
            .par_iter()
            .map(|person| RomanKey {
                given_folded: RomanName::of(&person.name).given_folded,
                bengali_first: BengaliName::of(&person.name_bn).first,
            })
            .collect();
        let frequent = |of: fn(&RomanKey) -> &str| {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            for name in &roman {
                *counts.entry(of(name)).or_default() += 1;
            }
            let often = (people.len() / 20_000).max(5);
            counts
                .into_iter()
                .filter(|&(name, count)| !name.is_empty() && count >= often)
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        let frequent_given = frequent(|name| &name.given_folded);
        let frequent_bengali = frequent(|name| &name.bengali_first);
        Self { roman, frequent_given, frequent_bengali }
    }

    /// Whether a given name is a name in its own right and no slip of another.
    fn is_known(&self, name: &RomanName) -> bool {
        name.is_common() || self.frequent_given.contains(&name.given_folded)
    }
}

/// Keys that too many people share, split by how their names begin.
struct Crowded<'a> {
    by_beginning: HashMap<(Key<'a>, &'a str), Vec<usize>>,
}

impl<'a> Crowded<'a> {
    fn of(postings: &HashMap<Key<'a>, Vec<usize>>, names: &'a Names) -> Self {
        let mut by_beginning: HashMap<(Key<'a>, &'a str), Vec<usize>> = HashMap::new();
        for (&key, places) in postings.iter().filter(|(_, places)| places.len() > CROWDED) {
            for &place in places {
                for beginning in Self::beginnings(names, place) {
                    by_beginning.entry((key, beginning)).or_default().push(place);
                }
            }
        }
        Self { by_beginning }
    }

    fn beginnings(names: &Names, place: usize) -> impl Iterator<Item = &str> {
        let RomanKey { given_folded, bengali_first } = &names.roman[place];
        let latin = given_folded.get(..3).unwrap_or(given_folded);
        [latin, bengali_first.as_str()].into_iter().filter(|beginning| !beginning.is_empty())
    }

    fn candidates(
        &self,
        key: Key<'a>,
        place: usize,
        postings: &HashMap<Key<'a>, Vec<usize>>,
        names: &'a Names,
    ) -> Vec<usize> {
        let places = &postings[&key];
        if places.len() <= CROWDED {
            return places.clone();
        }
        Self::beginnings(names, place)
            .filter_map(|beginning| self.by_beginning.get(&(key, beginning)))
            .flatten()
            .copied()
            .collect()
    }
}

/// How much speaks for two rows of one birth date, not both with papers, being one person; `None` if
/// too little does.
fn same_person(people: &[Person], names: &Names, a: usize, b: usize) -> Option<u32> {
    let (x, y) = (&people[a], &people[b]);
    let district = x.district == y.district;
    let mobile = x.mobile == y.mobile;
    let account = x.account == y.account && !x.account.is_empty();
    let lasting = [
        x.category == y.category,
        x.ration_card == y.ration_card,
        x.annual_income == y.annual_income,
        x.ifsc == y.ifsc,
    ];
    let passing = [x.block == y.block, x.land_decimals == y.land_decimals];
    let agreeing = lasting.iter().chain(&passing).filter(|&&same| same).count() as u32;
    let all_lasting = lasting.iter().all(|&same| same);
    // What is cheap to compare decides most pairs before any name is looked at.
    let possible = mobile || account || (if district { agreeing >= 3 } else { all_lasting });
    if x.sex != y.sex || !possible {
        return None;
    }
    let guardians = (!x.guardian.is_empty() && !y.guardian.is_empty()).then(|| {
        likeness(&RomanName::of(&x.guardian), &RomanName::of(&y.guardian)) <= Likeness::OneSlip
    });
    let guardian = guardians == Some(true);
    if guardians == Some(false) && !(mobile && account) {
        return None;
    }
    let enough = match (mobile, account) {
        (true, true) | (true, false) | (false, true) => guardian || district,
        (false, false) if district => agreeing >= if guardian { 3 } else { 5 },
        (false, false) => guardian && all_lasting,
    };
    let weigh = |holds: bool, weight: u32| if holds { weight } else { 0 };
    (enough && same_name(names, x, y)).then(|| {
        1 + agreeing
            + weigh(mobile, 4)
            + weigh(account, 4)
            + weigh(guardian, 2)
            + weigh(district, 2)
    })
}

/// Whether two names are one, by their Latin and their Bengali spelling together. Twins and sisters
/// have names that are one letter apart: such a difference counts where both are names of their own.
fn same_name(names: &Names, x: &Person, y: &Person) -> bool {
    let (a, b) = (RomanName::of(&x.name), RomanName::of(&y.name));
    let (a_bn, b_bn) = (BengaliName::of(&x.name_bn), BengaliName::of(&y.name_bn));
    let slips = bengali_slips(&a_bn, &b_bn);
    let both_known = || names.is_known(&a) && names.is_known(&b);
    match (likeness(&a, &b), slips) {
        (Likeness::Same, None) => true,
        (Likeness::Same, Some(slips)) => slips <= 2 || a_bn.first == b_bn.first,
        (Likeness::Unknown, slips) => slips == Some(0),
        (Likeness::Different, Some(0)) => !both_known(),
        (_, Some(0)) => true,
        (Likeness::OneSlip | Likeness::TwoSlips, _)
            if both_known() && a.given_folded != b.given_folded =>
        {
            false
        }
        (Likeness::OneSlip | Likeness::TwoSlips, Some(1)) => {
            let frequent = |first: &String| names.frequent_bengali.contains(first);
            a_bn.first == b_bn.first || !(frequent(&a_bn.first) && frequent(&b_bn.first))
        }
        (Likeness::OneSlip, None) => true,
        _ => false,
    }
}
