//! What a register attests about a person.

use praman_circuits::attributes::{Attributes, SLOTS};
use praman_rules::resident::{Category, District, RationCard, Sex};

use crate::{Household, Person};

/// What a register attests about a person, by [`RESIDENT`](praman_rules::schema::RESIDENT).
///
/// The register has no column for public income; the slot says that none is recorded.
pub fn resident_attributes(person: &Person) -> Attributes {
    let slots: [u32; SLOTS] = [
        person.born.0,
        Sex::code(person.sex),
        Category::code(person.category),
        District::code(person.district),
        RationCard::code(person.ration_card),
        person.annual_income,
        person.land_decimals,
        person.disability_percent,
        0,
    ];
    Attributes::new(slots)
}

/// What a register attests about a household, by [`HOUSEHOLD`](praman_rules::schema::HOUSEHOLD).
///
/// District and ration card are the head's. Who has died counts in nothing.
pub fn household_attributes(household: &Household<'_>) -> Attributes {
    let mut born: Vec<u32> = household.members().iter().map(|member| member.born.0).collect();
    born.sort_unstable_by_key(|&day| std::cmp::Reverse(day));
    let youngest = |place: usize| born.get(place).copied().unwrap_or(0);
    let sum = |of: fn(&Person) -> u32| {
        household.members().iter().fold(0u32, |sum, member| sum.saturating_add(of(member)))
    };
    let head = household.head();
    let slots: [u32; SLOTS] = [
        born.last().copied().unwrap_or(0),
        youngest(0),
        youngest(1),
        youngest(2),
        u32::try_from(born.len()).unwrap_or(u32::MAX),
        sum(|member| member.annual_income),
        sum(|member| member.land_decimals),
        District::code(head.district),
        RationCard::code(head.ration_card),
    ];
    Attributes::new(slots)
}
