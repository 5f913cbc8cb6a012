//! The beneficiary register: read as a stream, cleaned, validated, freed of duplicates.
//!
//! A wrong row is rejected alone, with the field that is wrong; the others go on. Any content of a cell is
//! data. [`check`] gives every row its [`Verdict`]; offices make credentials for the accepted people.
//!
//! ```
//! let register = praman_register::check(
//!     &include_bytes!("../../data/register.csv")[..],
//!     praman_language::calendar::today(),
//!     |_| (),
//! )?;
//! assert_eq!(register.counts().accepted, 1_987);
//! # Ok::<(), praman_register::RegisterError>(())
//! ```

pub mod attributes;
pub mod bank_account;
mod bengali;
mod cell;
mod clean;
mod date;
mod duplicates;
pub mod effects;
mod encoding;
mod header;
mod household;
pub mod id_number;
mod money;
mod name;
mod pairs;
mod payee_name;
mod person;
mod record;
mod relation;
mod report;
mod similarity;
pub mod small_cells;

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use praman_circuits::period::Day;
use rayon::prelude::*;

pub use clean::Field;
use clean::{CleanedRow, Columns, clean_row};
use date::DateOrders;
pub use date::parse_date;
use duplicates::Found;
pub use household::{Household, HouseholdFault, RefusedHousehold};
pub use pairs::{DuplicatePair, duplicate_pairs, of_one_row};
pub use person::Person;
pub use praman_rules::resident::{Category, District, RationCard, Relation, Sex};
use record::Records;
pub use report::{Matches, write_report};

/// Why a file is not a register.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The file can't be read.
    #[error("line {line}: {source}")]
    Read {
        /// The line reached.
        line: usize,
        /// What the system says.
        source: std::io::Error,
    },
    /// Reading was stopped on request.
    #[error("the check was stopped")]
    Stopped,
    /// There is no header.
    #[error("line 1: the file is empty; a register begins with a header that names its columns")]
    Empty,
    /// The header lacks a column that is needed.
    #[error("line 1: the header has no column {column}")]
    Column {
        /// The column.
        column: &'static str,
    },
    /// Two columns of the header have one name.
    #[error(
        "line 1: the header has the column {column} twice, as column {} and column {}: rename the one that is not meant",
        places[0], places[1]
    )]
    Twice {
        /// The column.
        column: &'static str,
        /// Their places, from 1.
        places: [usize; 2],
    },
    /// The file's birth dates have the month first.
    #[error(
        "column dob: the dates are written with the month first (row {row} is such a one), so that those of days 1 to 12 \
         would be read as other days: save them as 1984-02-11 or 11-02-1984"
    )]
    MonthFirst {
        /// A row that shows it, from 1.
        row: usize,
    },
    /// The header lacks columns.
    #[error("line 1: the header has no column {}; it needs all of: {}", missing.join(", "), COLUMNS.join(", "))]
    Header {
        /// The missing columns.
        missing: Vec<&'static str>,
    },
}

/// The columns of a register, which may come in any order.
pub const COLUMNS: [&str; 17] = [
    "register_no",
    "id_no",
    "name",
    "name_bn",
    "guardian",
    "sex",
    "dob",
    "mobile",
    "district",
    "block",
    "category",
    "ration_card",
    "annual_income",
    "land_acres",
    "disability_pct",
    "ifsc",
    "account",
];

/// An optional column: the commitment that the holder's wallet made, decimal.
pub const SUBJECT_COLUMN: &str = "subject";

/// An optional column: the last month that the person was paid for before they had a credential, such as
/// 2026-05. They claim from the month after it.
pub const PAID_UNTIL_COLUMN: &str = "paid_until";

/// An optional column: the number of the person's household.
pub const HOUSEHOLD_COLUMN: &str = "household_no";

/// A column beside [`HOUSEHOLD_COLUMN`]: the person's relation to the head of the household.
pub const RELATION_COLUMN: &str = "relation";

/// Whether a text is an identity number: twelve digits, spaces allowed, with a valid check digit.
pub fn is_identity_number(text: &str) -> bool {
    matches!(id_number::parse(text), Ok(Some(_)))
}

/// The result of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The person gets a credential.
    Accept,
    /// The row is rejected for this field.
    Reject(Field),
    /// The row is about the same person as an earlier one: the place of that row.
    Duplicate(usize),
}

/// A checked register.
pub struct Register {
    register_nos: Vec<String>,
    /// Each row's household number; empty if it has none.
    household_nos: Vec<String>,
    verdicts: Vec<Verdict>,
    people: Vec<Person>,
    /// Register numbers of people who were not compared with everyone they could be.
    not_compared: HashSet<String>,
}

/// The rows by result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// All rows.
    pub rows: usize,
    /// People.
    pub accepted: usize,
    /// Rejected rows.
    pub rejected: usize,
    /// Rows about people of an earlier row.
    pub duplicates: usize,
}

impl Register {
    /// Returns every row's register number and verdict, in the order of the file.
    pub fn rows(&self) -> impl Iterator<Item = (&str, Verdict)> {
        self.register_nos.iter().map(String::as_str).zip(self.verdicts.iter().copied())
    }

    /// Returns the register number of a row.
    pub fn register_no(&self, row: usize) -> &str {
        &self.register_nos[row]
    }

    /// Returns the accepted people, in the order of the file.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Whether a person was compared with all rows that could be about them. If too many share a birth date and
    /// much else, they are not, and an officer reviews them.
    pub fn is_compared(&self, person: &Person) -> bool {
        !self.not_compared.contains(&person.register_no)
    }

    /// Returns the places of the accepted people's rows, in the order of the people.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        let rows = self.verdicts.iter().enumerate();
        rows.filter(|(_, verdict)| **verdict == Verdict::Accept).map(|(place, _)| place)
    }

    /// Returns how many rows had which result.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { rows: self.verdicts.len(), ..Counts::default() };
        for verdict in &self.verdicts {
            *match verdict {
                Verdict::Accept => &mut counts.accepted,
                Verdict::Reject(_) => &mut counts.rejected,
                Verdict::Duplicate(_) => &mut counts.duplicates,
            } += 1;
        }
        counts
    }

    /// Returns how many rows were rejected for each field, most first.
    pub fn rejections(&self) -> Vec<(Field, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for verdict in &self.verdicts {
            if let Verdict::Reject(field) = verdict {
                *counts.entry(*field).or_insert(0) += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        counts
    }
}

/// Rows that are cleaned at a time, on all cores.
const BATCH_ROWS: usize = 8_192;

/// Reads and checks a register. `today` bounds birth dates; `progress` gets the number of bytes read.
///
/// # Errors
/// [`RegisterError`] if the file can't be read or has no usable header; bad rows are not errors.
pub fn check(
    input: impl Read,
    today: Day,
    progress: impl FnMut(u64),
) -> Result<Register, RegisterError> {
    check_until(input, today, progress, &AtomicBool::new(false))
}

/// Does the same, until it is stopped.
///
/// # Errors
/// As [`check`]; [`RegisterError::Stopped`].
pub fn check_until(
    input: impl Read,
    today: Day,
    mut progress: impl FnMut(u64),
    stop: &AtomicBool,
) -> Result<Register, RegisterError> {
    let mut records = Records::new(input)?;
    let header = records.header(&COLUMNS)?.ok_or(RegisterError::Empty)?;
    let columns = Columns::from_header(&header)?;
    records.expect_cells(columns.count());

    let mut register = Register {
        register_nos: Vec::new(),
        household_nos: Vec::new(),
        verdicts: Vec::new(),
        people: Vec::new(),
        not_compared: HashSet::new(),
    };
    let mut people_rows = Vec::new();
    let mut orders = DateOrders::default();
    loop {
        let batch = records.read_batch(BATCH_ROWS)?;
        if batch.is_empty() {
            break;
        }
        if stop.load(Ordering::Relaxed) {
            return Err(RegisterError::Stopped);
        }
        let cleaned: Vec<_> =
            batch.par_iter().map(|record| clean_row(record, &columns, today)).collect();
        for (record, place) in batch.iter().zip(register.verdicts.len() + 1..) {
            orders.add(columns.date_order(record), place);
        }
        for CleanedRow { register_no, household_no, outcome } in cleaned {
            match outcome {
                Ok(person) => {
                    people_rows.push(register.verdicts.len());
                    register.people.push(person);
                    register.verdicts.push(Verdict::Accept);
                }
                Err(field) => register.verdicts.push(Verdict::Reject(field)),
            }
            register.register_nos.push(register_no);
            register.household_nos.push(household_no);
        }
        progress(records.bytes_read());
    }

    if orders.are_month_first() {
        return Err(RegisterError::MonthFirst { row: orders.first });
    }
    let Found { firsts, not_compared } = duplicates::find(&register.people, stop);
    if stop.load(Ordering::Relaxed) {
        return Err(RegisterError::Stopped);
    }
    register.not_compared =
        not_compared.into_iter().map(|place| register.people[place].register_no.clone()).collect();
    // Two people of one number: nothing shows whose it is, so the first has it, and the other is accepted by another of
    // their rows, if there is one.
    let Register { people, verdicts, .. } = &mut register;
    let (mut numbers, mut accepted_as) = (HashSet::new(), HashMap::new());
    let mut is_accepted = Vec::with_capacity(people.len());
    for (place, person) in people.iter().enumerate() {
        let row = people_rows[place];
        let known = accepted_as.get(&firsts[place]).copied();
        verdicts[row] = match known {
            Some(first) => Verdict::Duplicate(first),
            None if numbers.insert(person.register_no.as_str()) => Verdict::Accept,
            None => Verdict::Reject(Field::RegisterNo),
        };
        let accepted = verdicts[row] == Verdict::Accept;
        if accepted {
            accepted_as.insert(firsts[place], row);
        }
        is_accepted.push(accepted);
    }
    let mut accepted = is_accepted.into_iter();
    people.retain(|_| accepted.next() == Some(true));
    Ok(register)
}

/// Returns the rows of a spreadsheet's table with some columns, in any order, each with its line.
///
/// # Errors
/// [`RegisterError`] if the file can't be read or lacks a column.
pub fn read_rows(
    input: impl Read,
    columns: &[&'static str],
) -> Result<Vec<(usize, Vec<String>)>, RegisterError> {
    let mut records = Records::new(input)?;
    let header = records.header(columns)?.ok_or(RegisterError::Empty)?;
    let mut places = Vec::with_capacity(columns.len());
    for column in columns {
        places.push(header.place(column)?.ok_or(RegisterError::Column { column })?);
    }
    records.expect_cells(header.count());
    let mut rows = Vec::new();
    while let Some(record) = records.next_record()? {
        let cell = |&place: &usize| match place < record.len() {
            true => cell::text(&String::from_utf8_lossy(record.cell(place))),
            false => String::new(),
        };
        rows.push((records.line(), places.iter().map(cell).collect()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
