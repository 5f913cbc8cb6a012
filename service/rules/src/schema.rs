//! Schemas: what the nine attribute slots of a credential mean.

use praman_circuits::attributes::Slot;
use praman_circuits::credential::SchemaId;

use crate::resident::District;

/// How a field's values are written in a scheme and numbered in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A birth day, which schemes ask for as an age in completed years.
    Age,
    /// Birth days of the youngest, the second and the third youngest member in this slot and the two after it, which
    /// schemes ask for as a number of children. Of a member who is not there it is 0, a day very long ago.
    Children,
    /// One of a list of codes.
    Code(&'static [(&'static str, u32)]),
    /// A whole number.
    Whole,
    /// A number in hundredths, written with a decimal point.
    Hundredths,
}

/// A field that a scheme's rules may name.
#[derive(Clone, Copy, Debug)]
pub struct FieldDefinition {
    /// Its name in schemes.
    pub name: &'static str,
    /// The slot of its value.
    pub slot: Slot,
    /// How its values are written.
    pub kind: Kind,
}

/// What the slots of a credential mean.
#[derive(Debug)]
pub struct Schema {
    /// Its number in credentials.
    pub id: SchemaId,
    /// Its name in schemes and on the command line.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [FieldDefinition],
}

const fn field(name: &'static str, slot: u8, kind: Kind) -> FieldDefinition {
    FieldDefinition { name, slot: Slot::new(slot).expect("a schema has nine slots"), kind }
}

const SEX: Kind = Kind::Code(&[("F", 1), ("M", 2), ("T", 3)]);
const CATEGORY: Kind = Kind::Code(&[("GEN", 1), ("SC", 2), ("ST", 3), ("OBC-A", 4), ("OBC-B", 5)]);
const DISTRICT: Kind = Kind::Code(&{
    let mut codes = [("", 0); District::ALL.len()];
    let mut index = 0;
    while index < codes.len() {
        codes[index] = (District::ALL[index].1, District::ALL[index].0 as u32);
        index += 1;
    }
    codes
});
const RATION_CARD: Kind =
    Kind::Code(&[("NONE", 0), ("AAY", 1), ("PHH", 2), ("SPHH", 3), ("RKSY-I", 4), ("RKSY-II", 5)]);
/// Regular money from public funds, or income tax paid: what several schemes exclude.
const PUBLIC_INCOME: Kind = Kind::Code(&[
    ("NONE", 0),
    ("TAXPAYER", 1),
    ("GOVERNMENT SALARY", 2),
    ("GOVERNMENT PENSION", 3),
    ("OTHER PENSION", 4),
]);
const MARITAL_STATUS: Kind = Kind::Code(&[("UNMARRIED", 1), ("MARRIED", 2), ("WIDOWED", 3)]);
const SCHOOLING: Kind = Kind::Code(&[("NONE", 0), ("SCHOOL", 1), ("COLLEGE", 2), ("TRAINING", 3)]);

/// A resident, as in the beneficiary register.
pub static RESIDENT: Schema = Schema {
    id: SchemaId(1),
    name: "resident",
    fields: &[
        field("age", 0, Kind::Age),
        field("sex", 1, SEX),
        field("category", 2, CATEGORY),
        field("district", 3, DISTRICT),
        field("ration_card", 4, RATION_CARD),
        field("annual_income", 5, Kind::Whole),
        field("land_acres", 6, Kind::Hundredths),
        field("disability_pct", 7, Kind::Whole),
        field("public_income", 8, PUBLIC_INCOME),
    ],
};

/// A student, as attested by a school.
pub static STUDENT: Schema = Schema {
    id: SchemaId(2),
    name: "student",
    fields: &[
        field("age", 0, Kind::Age),
        field("sex", 1, SEX),
        field("category", 2, CATEGORY),
        field("district", 3, DISTRICT),
        field("marital_status", 4, MARITAL_STATUS),
        field("annual_income", 5, Kind::Whole),
        field("schooling", 6, SCHOOLING),
        field("disability_pct", 7, Kind::Whole),
    ],
};

/// A household: its members know one secret, and what is attested is theirs together.
pub static HOUSEHOLD: Schema = Schema {
    id: SchemaId(3),
    name: "household",
    fields: &[
        field("oldest", 0, Kind::Age),
        // In slots 1 to 3.
        field("children", 1, Kind::Children),
        field("members", 4, Kind::Whole),
        field("annual_income", 5, Kind::Whole),
        field("land_acres", 6, Kind::Hundredths),
        field("district", 7, DISTRICT),
        field("ration_card", 8, RATION_CARD),
    ],
};

/// All schemas.
pub static SCHEMAS: [&Schema; 3] = [&RESIDENT, &STUDENT, &HOUSEHOLD];

/// From how many children on a credential does not say how many more there are.
pub const CHILDREN_MAX: u32 = 3;

impl Schema {
    /// Returns the schema with a name or a number.
    pub fn find(name: &str) -> Option<&'static Self> {
        SCHEMAS.into_iter().find(|schema| {
            schema.name.eq_ignore_ascii_case(name) || schema.id.0.to_string() == name
        })
    }

    /// Returns the field with a name.
    pub fn field(&self, name: &str) -> Option<&FieldDefinition> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resident::{Category, RationCard, Sex};

    fn codes(schema: &Schema, field: &str) -> Vec<(&'static str, u32)> {
        match schema.field(field).expect("a field").kind {
            Kind::Code(codes) => codes.to_vec(),
            _ => panic!("{field} has no codes"),
        }
    }

    #[test]
    fn schemes_and_registers_use_the_same_numbers() {
        assert_eq!(
            codes(&RESIDENT, "sex"),
            Sex::ALL.iter().map(|&(v, s)| (s, v.code())).collect::<Vec<_>>()
        );
        let category: Vec<_> = Category::ALL.iter().map(|&(v, s)| (s, v.code())).collect();
        assert_eq!(codes(&RESIDENT, "category"), category);
        let cards: Vec<_> = RationCard::ALL.iter().map(|&(v, s)| (s, v.code())).collect();
        assert_eq!(codes(&RESIDENT, "ration_card"), cards);
        assert_eq!(codes(&RESIDENT, "district").len(), 23);
        assert_eq!(codes(&HOUSEHOLD, "ration_card"), cards);
        assert_eq!(codes(&HOUSEHOLD, "district"), codes(&RESIDENT, "district"));
    }

    #[test]
    fn slots_and_numbers_are_unique() {
        for schema in SCHEMAS {
            let mut slots = Vec::new();
            for field in schema.fields {
                let more = if field.kind == Kind::Children { CHILDREN_MAX as u8 - 1 } else { 0 };
                slots.extend(field.slot.number()..=field.slot.number() + more);
            }
            let unique: std::collections::BTreeSet<u8> = slots.iter().copied().collect();
            assert_eq!(slots.len(), unique.len(), "{}", schema.name);
            assert!(unique.iter().all(|&slot| Slot::new(slot).is_some()), "{}", schema.name);
        }
        let ids: std::collections::BTreeSet<_> = SCHEMAS.iter().map(|schema| schema.id).collect();
        assert_eq!(ids.len(), SCHEMAS.len());
        assert!(Schema::find("resident").is_some_and(|schema| schema.id == SchemaId(1)));
        assert!(Schema::find("2").is_some_and(|schema| schema.name == "student"));
        assert!(Schema::find("Household").is_some_and(|schema| schema.id == SchemaId(3)));
        assert!(Schema::find("nobody").is_none());
    }
}
