//! What a register attests about a person.

use praman_circuits::attributes::{Attributes, SLOTS};
use praman_rules::resident::{Category, District, RationCard, Sex};

use crate::Person;

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
