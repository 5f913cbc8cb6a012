//! Households: the rows of a register by their household number.

use std::collections::HashMap;

use praman_circuits::period::Period;
use praman_circuits::subject::SubjectCommitment;
use praman_rules::resident::Relation;

use super::{Field, Person, Register, Verdict};

/// A household all of whose rows are accepted. It holds people, so it does not print.
#[derive(Clone)]
pub struct Household<'a> {
    number: &'a str,
    /// Those who live, the head first.
    members: Vec<&'a Person>,
    deceased: Vec<&'a Person>,
}

/// Why a household gets no credential: one member less, and it would be attested to be another than it is. Rows are
/// named by their register numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HouseholdFault {
    /// A row has no household number.
    #[error("row {0} has no household number")]
    NoNumber(String),
    /// A row's relation to the head is missing or not known.
    #[error(
        "row {0} has no relation to the head that is known: write HEAD, SPOUSE, CHILD, PARENT, OTHER or DECEASED"
    )]
    NoRelation(String),
    /// No row is the head's.
    #[error("it has no head: one living member's relation must be HEAD")]
    NoHead,
    /// Two rows are the head's.
    #[error("it has two heads, rows {0} and {1}")]
    TwoHeads(String, String),
    /// A row was rejected.
    #[error("row {0} is rejected for {1}: correct it, the household is not whole without it")]
    Rejected(String, Field),
    /// A row is about the same person as an earlier one.
    #[error("row {0} is the same person as row {1}: a person is a member of one household, once")]
    SamePerson(String, String),
}

/// A household that gets no credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedHousehold {
    /// Its number; empty if a row has none.
    pub number: String,
    /// Why.
    pub fault: HouseholdFault,
}

/// A row of a household: the person, or why there is none.
type Member<'a> = Result<&'a Person, HouseholdFault>;

impl Register {
    /// Returns the households of the register and those that are refused, each in the order of their first rows.
    pub fn households(&self) -> (Vec<Household<'_>>, Vec<RefusedHousehold>) {
        let mut refused = Vec::new();
        let mut households: Vec<(&str, Vec<Member<'_>>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut people = self.people.iter();
        for ((row, verdict), number) in self.rows().zip(&self.household_nos) {
            let member = match verdict {
                // The accepted people are in the order of their rows.
                Verdict::Accept => Ok(people.next().expect("every accepted row has a person")),
                Verdict::Reject(field) => Err(HouseholdFault::Rejected(row.to_owned(), field)),
                Verdict::Duplicate(first) => {
                    let first = self.register_no(first).to_owned();
                    Err(HouseholdFault::SamePerson(row.to_owned(), first))
                }
            };
            if number.is_empty() {
                let fault = HouseholdFault::NoNumber(row.to_owned());
                refused.push(RefusedHousehold { number: String::new(), fault });
                continue;
            }
            let place = *places.entry(number.as_str()).or_insert(households.len());
            if place == households.len() {
                households.push((number.as_str(), Vec::new()));
            }
            households[place].1.push(member);
        }
        let mut whole = Vec::with_capacity(households.len());
        for (number, members) in households {
            match Household::of(number, members) {
                Ok(household) => whole.push(household),
                Err(fault) => refused.push(RefusedHousehold { number: number.to_owned(), fault }),
            }
        }
        (whole, refused)
    }
}

impl<'a> Household<'a> {
    fn of(number: &'a str, rows: Vec<Member<'a>>) -> Result<Self, HouseholdFault> {
        let (mut head, mut others, mut deceased) = (None, Vec::new(), Vec::new());
        for row in rows {
            let person = row?;
            match person.relation() {
                None => return Err(HouseholdFault::NoRelation(person.register_no.clone())),
                Some(Relation::Deceased) => deceased.push(person),
                Some(Relation::Head) => {
                    if let Some(first) = head.replace(person) {
                        let (first, second) = (&first.register_no, &person.register_no);
                        return Err(HouseholdFault::TwoHeads(first.clone(), second.clone()));
                    }
                }
                Some(Relation::Spouse | Relation::Child | Relation::Parent | Relation::Other) => {
                    others.push(person)
                }
            }
        }
        let head = head.ok_or(HouseholdFault::NoHead)?;
        let members = std::iter::once(head).chain(others).collect();
        Ok(Self { number, members, deceased })
    }

    /// Returns its number.
    pub fn number(&self) -> &'a str {
        self.number
    }

    /// Returns its head, whose account is paid.
    pub fn head(&self) -> &'a Person {
        self.members[0]
    }

    /// Returns its members who live, the head first.
    pub fn members(&self) -> &[&'a Person] {
        &self.members
    }

    /// Returns members who have died.
    pub fn deceased(&self) -> &[&'a Person] {
        &self.deceased
    }

    /// Returns the commitment that the household gave, if the head's row has it.
    pub fn subject(&self) -> Option<SubjectCommitment> {
        self.head().subject()
    }

    /// Returns the last month that another system has paid any of its people for, also who has died since.
    pub fn paid_until(&self) -> Option<Period> {
        self.members.iter().chain(&self.deceased).filter_map(|one| one.paid_until()).max()
    }
}

#[cfg(test)]
mod tests {
    use praman_circuits::attributes::Slot;

    use super::*;
    use crate::attributes::household_attributes;
    use crate::{COLUMNS, check};

    /// A row of a register of households: number, household, relation, name, birth date, income and land.
    fn row(of: [&str; 7]) -> String {
        let [number, household, relation, name, born, income, land] = of;
        format!(
            "{number},,{name},,Tapan Das,F,{born},8597971147,Malda,Old Malda,SC,PHH,{income},{land},0,SBIN0993518,\
             0190,{household},{relation}"
        )
    }

    fn register(rows: &[String]) -> Register {
        let header = format!("{},Household No.,RELATION", COLUMNS.join(","));
        let text = format!("{header}\n{}\n", rows.join("\n"));
        let today = praman_language::calendar::day_of(jiff::civil::date(2026, 11, 23));
        check(text.as_bytes(), today.expect("after 1900"), |_| ()).expect("a register")
    }

    fn family() -> Vec<String> {
        vec![
            row(["W1", "H1", "Head", "Rina Das", "1980-07-13", "45000", "0.41"]),
            row(["W2", "H1", "পুত্র", "Bimal Das", "2010-02-03", "0", "0"]),
            row(["W3", "H1", "पति", "Tapan Das", "1975-01-20", "12000", "1"]),
            row(["W4", "H1", "daughter", "Mitali Das", "2015-09-30", "0", "0"]),
            row(["W5", "H1", "DECEASED", "Sarala Das", "1950-05-05", "90000", "9"]),
        ]
    }

    fn fault(rows: &[String]) -> Vec<(String, String)> {
        let register = register(rows);
        let (whole, refused) = register.households();
        assert!(whole.is_empty(), "{refused:?}");
        refused.into_iter().map(|one| (one.number, one.fault.to_string())).collect()
    }

    #[test]
    fn household_is_what_its_living_members_are_together() {
        let register = register(&family());
        let (households, refused) = register.households();
        assert_eq!((households.len(), refused), (1, Vec::new()));
        let household = &households[0];
        let numbers = |people: &[&Person]| -> Vec<String> {
            people.iter().map(|one| one.register_no.clone()).collect()
        };
        assert_eq!(household.number(), "H1");
        assert_eq!(numbers(household.members()), ["W1", "W2", "W3", "W4"]);
        assert_eq!(numbers(household.deceased()), ["W5"]);
        let day = |year, month, day| {
            let date = jiff::civil::date(year, month, day);
            praman_language::calendar::day_of(date).expect("after 1900").0
        };
        let attributes = household_attributes(household);
        let slots: Vec<u32> =
            (0..9).map(|number| attributes.value(Slot::new(number).expect("nine slots"))).collect();
        let born = [day(1975, 1, 20), day(2015, 9, 30), day(2010, 2, 3), day(1980, 7, 13)];
        // Four members, 57,000 rupees, 1.41 acres, Malda, PHH.
        assert_eq!(slots, [&born[..], &[4, 57_000, 141, 13, 2]].concat());
    }

    #[test]
    fn who_lives_alone_has_no_second_youngest() {
        let register = register(&family()[..1]);
        let (households, _) = register.households();
        let attributes = household_attributes(&households[0]);
        let of = |number| attributes.value(Slot::new(number).expect("nine slots"));
        assert_eq!((of(0), of(2), of(3), of(4)), (of(1), 0, 0, 1));
    }

    #[test]
    fn household_that_is_not_whole_is_refused_with_its_row() {
        let replaced = |from: &str, to: &str| -> Vec<String> {
            family().iter().map(|row| row.replace(from, to)).collect()
        };
        let of = |reason: &str| vec![("H1".to_owned(), reason.to_owned())];
        assert_eq!(fault(&family()[1..]), of(&HouseholdFault::NoHead.to_string()));
        assert_eq!(fault(&replaced("daughter", "HOF")), of("it has two heads, rows W1 and W4"));
        let unknown = HouseholdFault::NoRelation("W4".to_owned());
        assert_eq!(fault(&replaced("daughter", "Bhagni")), of(&unknown.to_string()));
        let rejected = HouseholdFault::Rejected("W2".to_owned(), Field::Dob);
        assert_eq!(fault(&replaced("2010-02-03", "2010")), of(&rejected.to_string()));
        // Nobody can be a member twice, whatever the number.
        let twice = [family(), vec![family()[3].replace("W4", "W6")]].concat();
        let same = HouseholdFault::SamePerson("W6".to_owned(), "W4".to_owned());
        assert_eq!(fault(&twice), of(&same.to_string()));
        // A head who has died is no head.
        let dead = replaced("Head", "मृत");
        assert_eq!(fault(&dead), of(&HouseholdFault::NoHead.to_string()));
    }

    #[test]
    fn bad_household_does_not_take_the_others_down() {
        let other = row(["W8", "H2", "HEAD", "Karim Molla", "1960-03-04", "9000", "0"]);
        let without = row(["W9", "", "HEAD", "Anil Roy", "1961-03-04", "9000", "0"]);
        let again = family()[3].replace("W4,", "W7,").replace("H1", "H2");
        let rows = [family(), vec![other.clone(), without]].concat();
        let register = register(&rows);
        let (households, refused) = register.households();
        let numbers: Vec<&str> = households.iter().map(Household::number).collect();
        assert_eq!(numbers, ["H1", "H2"]);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].fault, HouseholdFault::NoNumber("W9".to_owned()));
        // A child of one household who is also in another: the later one is refused.
        let register = self::register(&[family(), vec![other, again]].concat());
        let (households, refused) = register.households();
        assert_eq!(households.iter().map(Household::number).collect::<Vec<_>>(), ["H1"]);
        let same = HouseholdFault::SamePerson("W7".to_owned(), "W4".to_owned());
        assert_eq!(refused, [RefusedHousehold { number: "H2".to_owned(), fault: same }]);
    }

    #[test]
    fn column_of_relations_is_read_only_beside_household_numbers() {
        let header = format!("{},relation,relation", COLUMNS.join(","));
        let text = format!("{header}\n{},Father\n", family()[0].replace("H1,", ""));
        let today = praman_language::calendar::day_of(jiff::civil::date(2026, 11, 23));
        let register = check(text.as_bytes(), today.expect("after 1900"), |_| ());
        let register = register.expect("two columns of a name that means nothing here");
        assert_eq!(register.people()[0].relation(), None);
    }
}
