//! Whom a change of rules would affect, among people whose attributes are known: without revealing any person.

use praman_circuits::attributes::Attributes;
use praman_circuits::policy::{Policy, TierIndex};
use serde::Serialize;

use crate::attributes::resident_attributes;
use crate::{District, Register, small_cells};

/// How many in a district gain or lose; none if they are few.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DistrictEffects {
    /// The district's number.
    pub district: u32,
    /// People who could not claim before, and can now.
    pub gained: Option<u64>,
    /// People who could claim before, and can't now.
    pub lost: Option<u64>,
}

/// Whom a change would affect; none if they are few.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effects {
    /// How many people were checked.
    pub people: u64,
    /// Who could not claim before, and can now.
    pub gained: Option<u64>,
    /// Who could claim before, and can't now.
    pub lost: Option<u64>,
    /// Who gets more.
    pub more: Option<u64>,
    /// Who gets less.
    pub less: Option<u64>,
    /// Who gets the same.
    pub same: Option<u64>,
    /// Who gets nothing under either.
    pub neither: Option<u64>,
    /// What it costs if all claim, in rupees a period.
    pub rupees_before: u64,
    /// What it would cost.
    pub rupees_after: u64,
    /// By district.
    pub districts: Vec<DistrictEffects>,
}

/// Returns the most that a person gets under a policy; none if they meet no tier's rules.
fn best(policy: &Policy, attributes: &Attributes) -> Option<u32> {
    let tiers = (0..policy.used_tiers()).filter_map(|tier| TierIndex::new(tier as u8));
    let met = tiers.filter(|&tier| policy.satisfies(attributes, tier));
    met.map(|tier| policy.amount(attributes, tier)).max()
}

impl Effects {
    /// Returns the effects of a change from one policy for residents to another, among the people of a
    /// register.
    pub fn of_register(before: &Policy, after: &Policy, register: &Register) -> Self {
        let people = register.people().iter().filter(|one| !one.is_deceased());
        Self::of(before, after, people.map(|one| (one.district, resident_attributes(one))))
    }

    /// Returns the effects of a change from one policy to another, among people.
    pub fn of(
        before: &Policy,
        after: &Policy,
        people: impl IntoIterator<Item = (District, Attributes)>,
    ) -> Self {
        let (mut counts, mut rupees) = ([0u64; 6], [0u64; 2]);
        let mut districts = vec![[0u64; 2]; District::ALL.len()];
        let mut looked_at = 0;
        for (district, attributes) in people {
            looked_at += 1;
            let amounts = [best(before, &attributes), best(after, &attributes)];
            for (sum, amount) in rupees.iter_mut().zip(amounts) {
                *sum += u64::from(amount.unwrap_or(0));
            }
            let place = match amounts {
                [None, Some(_)] => 0,
                [Some(_), None] => 1,
                [Some(old), Some(new)] if new > old => 2,
                [Some(old), Some(new)] if new < old => 3,
                [Some(_), Some(_)] => 4,
                [None, None] => 5,
            };
            counts[place] += 1;
            if place < 2 {
                let at = District::ALL.iter().position(|(known, _)| *known == district);
                districts[at.expect("every district is known")][place] += 1;
            }
        }
        let told = small_cells::told(&counts);
        let column = |place: usize| {
            let counts: Vec<u64> = districts.iter().map(|counts| counts[place]).collect();
            small_cells::told(&counts)
        };
        let (gained, lost) = (column(0), column(1));
        let district = |(at, (known, _)): (usize, &(District, &str))| DistrictEffects {
            district: known.code(),
            gained: gained[at],
            lost: lost[at],
        };
        Self {
            people: looked_at,
            gained: told[0],
            lost: told[1],
            more: told[2],
            less: told[3],
            same: told[4],
            neither: told[5],
            rupees_before: rupees[0],
            rupees_after: rupees[1],
            districts: District::ALL.iter().enumerate().map(district).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use praman_rules::scheme::Scheme;

    #[test]
    fn each_person_is_counted_once_and_small_counts_are_hidden() {
        let scheme = |amount: u32, age: u32| {
            let text = format!(
                "id = \"p\"\nname = \"P\"\nschema = \"resident\"\nperiod = \"monthly\"\n\
                 [[version]]\nfrom = 2026-01-01\n[[version.tier]]\namount = {amount}\n\
                 rules.age = \"{age} or more\"\n"
            );
            let scheme = Scheme::parse(&text).expect("a scheme");
            let period = scheme.parse_period("2026-06").expect("a period");
            scheme.policy(period).expect("in force")
        };
        let born = |years: i16| {
            let date = jiff::civil::date(2026 - years, 1, 1);
            let mut slots = [0; praman_circuits::attributes::SLOTS];
            slots[0] = praman_language::calendar::day_of(date).expect("after 1900").0;
            Attributes::new(slots)
        };
        let people = |ages: &[(i16, usize, District)]| {
            let each = |&(age, count, district): &(i16, usize, District)| {
                std::iter::repeat_n((district, born(age)), count)
            };
            ages.iter().flat_map(each).collect::<Vec<_>>()
        };
        let all = people(&[
            (30, 20, District::Nadia),
            (57, 10, District::Nadia),
            (57, 3, District::Malda),
            (57, 9, District::Howrah),
            (70, 8, District::Nadia),
        ]);
        let effects = Effects::of(&scheme(1000, 60), &scheme(1500, 55), all.clone());
        assert_eq!((effects.people, effects.gained, effects.more), (50, Some(22), Some(8)));
        assert_eq!((effects.lost, effects.same, effects.neither), (Some(0), Some(0), Some(20)));
        assert_eq!((effects.rupees_before, effects.rupees_after), (8_000, 45_000));
        let of = |district: District| {
            let found = effects.districts.iter().find(|one| one.district == district.code());
            found.expect("a district").gained
        };
        // Three are hidden, and so is the next smallest, from which they would follow.
        assert_eq!(of(District::Malda), None);
        assert_eq!(of(District::Howrah), None);
        assert_eq!(of(District::Nadia), Some(10));
        let back = Effects::of(&scheme(1500, 55), &scheme(1000, 60), all);
        assert_eq!((back.lost, back.less), (Some(22), Some(8)));
    }
}
