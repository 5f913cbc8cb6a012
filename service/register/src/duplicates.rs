//! Finding the rows that are about one person.
//!
//! Two papers are two people: rows with different identity numbers never join. Rows with the same
//! one are the same person. A row without one is compared with those that share its birth date and
//! its district, mobile, account or branch, never with all others, so the work grows with the
//! register and not with its square. If very many share all of that, such as a date written for everyone whose
//! birth date is not known, a row is compared with a limited number, and one that was not compared with all is
//! reviewed by an officer.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use rayon::prelude::*;

use super::bengali::BengaliName;
use super::name::RomanName;
use super::person::Person;
use super::similarity::{Likeness, bengali_slips, likeness};

/// Above this many people on one key, the key is split by the beginning of their names.
const CROWDED: usize = 256;

/// The most people on one key, with papers and without, that a row is compared with: the nearest.
const LOOKED_AT_MAX: usize = 1_024;

/// How many names a row is compared with at most.
const COMPARED_MAX: usize = 256;

/// How many names are compared in a whole register: about half a minute on two cores.
const COMPARED_IN_ALL_MAX: u64 = 16_000_000;

/// After how many likely matches a row on a crowded key stops looking: they are one group.
const ENOUGH: usize = 4;

/// What was found out about some people.
pub(super) struct Found {
    /// For each the first row about them: their own place unless they are a duplicate.
    pub(super) firsts: Vec<usize>,
    /// Those who were not compared with everyone they could be.
    pub(super) not_compared: HashSet<usize>,
}

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

/// Finds the rows that are about one person; if stopped, not all of them.
pub(super) fn find(people: &[Person], stop: &AtomicBool) -> Found {
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
        return Found { firsts: groups.firsts(), not_compared: HashSet::new() };
    }
    let asked: HashSet<Key<'_>> =
        without_id.iter().flat_map(|&place| keys(&people[place])).flatten().collect();
    let mut postings: HashMap<Key<'_>, Places> = HashMap::new();
    for (place, person) in people.iter().enumerate() {
        for key in keys(person).into_iter().flatten().filter(|key| asked.contains(key)) {
            postings.entry(key).or_default().push(people, place);
        }
    }
    let names = Names::of(people);
    let crowded = Crowded::of(people, &postings, &names);

    let budget = AtomicU64::new(COMPARED_IN_ALL_MAX);
    let looked: Vec<Looked> = without_id
        .par_iter()
        .map_init(Seen::default, |seen, &place| {
            let candidates = crowded.candidates_of(people, place, &postings, &names, seen);
            look(people, &names, place, &candidates, (&budget, stop))
        })
        .collect();
    let mut not_compared = HashSet::new();
    let mut likely = Vec::new();
    for (&place, looked) in without_id.iter().zip(looked) {
        if !looked.compared_all {
            not_compared.insert(place);
        }
        likely.extend(looked.likely);
    }
    likely.sort_unstable();
    for (_, first, second) in likely {
        groups.join(first, second);
    }
    let firsts = groups.firsts();
    // A row known to be a duplicate needs no review.
    not_compared.retain(|&place| firsts[place] == place);
    Found { firsts, not_compared }
}

/// The people on a key, in order.
#[derive(Default)]
struct Places {
    with_papers: Vec<usize>,
    without: Vec<usize>,
}

impl Places {
    fn push(&mut self, people: &[Person], place: usize) {
        match people[place].id_no {
            Some(_) => self.with_papers.push(place),
            None => self.without.push(place),
        }
    }

    fn len(&self) -> usize {
        self.with_papers.len() + self.without.len()
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.with_papers.iter().chain(&self.without).copied()
    }
}

/// Which rows a row was already compared with. Sorting them would take longer than all comparisons.
#[derive(Default)]
struct Seen {
    by: Vec<u32>,
    now: u32,
}

impl Seen {
    /// Starts a new round, for a number of rows.
    fn begin(&mut self, rows: usize) {
        self.by.resize(rows, 0);
        self.now += 1;
    }

    fn is_new(&mut self, place: usize) -> bool {
        std::mem::replace(&mut self.by[place], self.now) != self.now
    }
}

/// The people that a row could be, and whether these are all.
struct Candidates {
    places: Vec<usize>,
    is_crowded: bool,
    is_all: bool,
}

/// Two rows that are likely one person's, by the strength of the evidence.
type Likely = (std::cmp::Reverse<u32>, usize, usize);

/// The result of comparing a row.
struct Looked {
    likely: Vec<Likely>,
    compared_all: bool,
}

/// Compares a row with those that it could be.
fn look(
    people: &[Person],
    names: &Names,
    place: usize,
    candidates: &Candidates,
    (budget, stop): (&AtomicU64, &AtomicBool),
) -> Looked {
    let (mut likely, mut compared) = (Vec::new(), 0);
    if stop.load(Relaxed) {
        return Looked { likely, compared_all: false };
    }
    for &other in &candidates.places {
        // Cheap comparisons decide most pairs before any name is compared.
        let Some(alike) = Alike::of(&people[place], &people[other]) else { continue };
        let is_enough = candidates.is_crowded && likely.len() >= ENOUGH;
        if is_enough || compared == COMPARED_MAX || !take_one(budget) {
            return Looked { likely, compared_all: is_enough };
        }
        compared += 1;
        if let Some(score) = alike.same_person(names, &people[place], &people[other]) {
            likely.push((std::cmp::Reverse(score), place.min(other), place.max(other)));
        }
    }
    Looked { likely, compared_all: candidates.is_all }
}

/// Takes one comparison from the shared budget; false if it is used up.
fn take_one(budget: &AtomicU64) -> bool {
    budget.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
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

/// What is kept of every name; the rest is recomputed for the few that are compared.
struct RomanKey {
    given_folded: String,
    bengali_first: String,
}

impl Names {
    fn of(people: &[Person]) -> Self {
        let roman: Vec<RomanKey> = people
            .par_iter()
            .map(|person| {
                let name = RomanName::of(&person.name);
                let bengali_first = BengaliName::of(&person.name_bn).first;
                // A name in another script is known by its beginning.
                let folded = BengaliName::of(&name.native).joined;
                let native = if folded.is_empty() { &name.native } else { &folded };
                let native: String = native.chars().take(3).collect();
                let is_native = name.given_folded.is_empty() && bengali_first.is_empty();
                RomanKey {
                    given_folded: name.given_folded,
                    bengali_first: if is_native { native } else { bengali_first },
                }
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

    /// Whether a given name is a name in its own right and not a misspelling of another.
    fn is_known(&self, name: &RomanName) -> bool {
        name.is_common() || self.frequent_given.contains(&name.given_folded)
    }
}

/// Keys that too many people share, split by how their names begin.
struct Crowded<'a> {
    by_beginning: HashMap<(Key<'a>, &'a str), Places>,
}

impl<'a> Crowded<'a> {
    fn of(people: &[Person], postings: &HashMap<Key<'a>, Places>, names: &'a Names) -> Self {
        let mut by_beginning: HashMap<(Key<'a>, &'a str), Places> = HashMap::new();
        for (&key, places) in postings.iter().filter(|(_, places)| places.len() > CROWDED) {
            for place in places.iter() {
                for beginning in Self::beginnings(names, place) {
                    by_beginning.entry((key, beginning)).or_default().push(people, place);
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

    /// Finds the people that a row could be: those on its keys before it, and those with papers after it.
    fn candidates_of(
        &self,
        people: &'a [Person],
        place: usize,
        postings: &HashMap<Key<'a>, Places>,
        names: &'a Names,
        seen: &mut Seen,
    ) -> Candidates {
        seen.begin(people.len());
        let mut found = Candidates { places: Vec::new(), is_crowded: false, is_all: true };
        for key in keys(&people[place]).into_iter().flatten() {
            let places = &postings[&key];
            if places.len() <= CROWDED {
                found.take(place, places, seen);
                continue;
            }
            found.is_crowded = true;
            found.is_all &= Self::beginnings(names, place).next().is_some();
            for beginning in Self::beginnings(names, place) {
                if let Some(places) = self.by_beginning.get(&(key, beginning)) {
                    found.take(place, places, seen);
                }
            }
        }
        found
    }
}

impl Candidates {
    /// Takes the places that a row without papers is compared with. Of two rows without papers only the later
    /// one looks for the other.
    fn take(&mut self, place: usize, places: &Places, seen: &mut Seen) {
        let own = places.without.partition_point(|&other| other < place);
        let before = &places.without[own.saturating_sub(LOOKED_AT_MAX)..own];
        let at = places.with_papers.partition_point(|&other| other < place);
        let first = at.saturating_sub(LOOKED_AT_MAX / 2);
        let last = places.with_papers.len().min(first + LOOKED_AT_MAX);
        let with_papers = &places.with_papers[first..last];
        self.is_all &= before.len() == own && with_papers.len() == places.with_papers.len();
        let found = before.iter().chain(with_papers).copied();
        self.places.extend(found.filter(|&other| seen.is_new(other)));
    }
}

/// What two rows of one birth date have in common, if that may make them one person's.
struct Alike {
    district: bool,
    mobile: bool,
    account: bool,
    agreeing: u32,
    all_lasting: bool,
}

impl Alike {
    /// Compares what is cheap; `None` if too little agrees, whatever their names are.
    fn of(x: &Person, y: &Person) -> Option<Self> {
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
        let possible = mobile || account || (if district { agreeing >= 3 } else { all_lasting });
        (x.sex == y.sex && possible).then_some(Self {
            district,
            mobile,
            account,
            agreeing,
            all_lasting,
        })
    }

    /// Returns the evidence that two rows, not both with papers, are one person's; `None` if it is too weak.
    fn same_person(&self, names: &Names, x: &Person, y: &Person) -> Option<u32> {
        let Self { district, mobile, account, agreeing, all_lasting } = *self;
        // Of names in two scripts nothing is known.
        let guardians = (!x.guardian.is_empty() && !y.guardian.is_empty())
            .then(|| likeness(&RomanName::of(&x.guardian), &RomanName::of(&y.guardian)))
            .filter(|likeness| *likeness != Likeness::Unknown)
            .map(|likeness| likeness <= Likeness::OneSlip);
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
}

/// Whether two names are one, by their Latin and their Bengali spelling together. Twins and sisters
/// have names that are one letter apart: such a difference counts if both are names in their own right.
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
