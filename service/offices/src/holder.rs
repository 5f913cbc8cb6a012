//! Whom a credential is of.

use praman_circuits::attributes::Attributes;
use praman_circuits::payee::Payee;
use praman_circuits::period::Period;
use praman_register::attributes::{household_attributes, resident_attributes};
use praman_register::{Household, Person};
use praman_rules::schema::{HOUSEHOLD, RESIDENT, Schema};

/// Whom a credential is of: a person, or a household, whose members know one secret.
#[derive(Clone)]
pub enum Holder<'a> {
    /// A person.
    Person(&'a Person),
    /// A household.
    Household(Household<'a>),
}

impl<'a> Holder<'a> {
    /// Returns the number by which the office knows the holder: of a person in the register, or of the household.
    pub fn number(&self) -> &'a str {
        match self {
            Self::Person(person) => person.register_no(),
            Self::Household(household) => household.number(),
        }
    }

    /// Returns the schema of the holder's credential.
    pub fn schema(&self) -> &'static Schema {
        match self {
            Self::Person(_) => &RESIDENT,
            Self::Household(_) => &HOUSEHOLD,
        }
    }

    /// Returns the people who are the holder: of a household its members who live, the head first.
    pub fn members(&self) -> &[&'a Person] {
        match self {
            Self::Person(person) => std::slice::from_ref(person),
            Self::Household(household) => household.members(),
        }
    }

    /// Returns members of a household who have died.
    pub fn deceased(&self) -> &[&'a Person] {
        match self {
            Self::Person(_) => &[],
            Self::Household(household) => household.deceased(),
        }
    }

    /// Returns the account that is paid: of a household the head's.
    pub fn payee(&self) -> Payee {
        match self {
            Self::Person(person) => person.payee(),
            Self::Household(household) => household.head().payee(),
        }
    }

    /// Returns what the register attests about the holder.
    pub fn attributes(&self) -> Attributes {
        match self {
            Self::Person(person) => resident_attributes(person),
            Self::Household(household) => household_attributes(household),
        }
    }

    /// Returns the last month that another system has paid for.
    pub(super) fn paid_until(&self) -> Option<Period> {
        match self {
            Self::Person(person) => person.paid_until(),
            Self::Household(household) => household.paid_until(),
        }
    }
}
