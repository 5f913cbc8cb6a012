//! What the rows show at a glance, without a search.

use std::collections::HashMap;

use ark_ff::Zero;

use crate::system::{Row, System, Wire};

/// Something about the rows that is worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StructureFinding {
    /// A wire that is no input stands in no row.
    WireInNoRow(Wire),
    /// No row uses an input.
    UnusedInput(Wire),
    /// A row holds of every assignment.
    EmptyRow(usize),
    /// A row holds of no assignment.
    ImpossibleRow(usize),
    /// A row is the same as one before.
    RepeatedRow {
        /// The row.
        row: usize,
        /// The one before.
        first: usize,
    },
}

impl StructureFinding {
    /// Returns the finding as a sentence.
    pub fn sentence(&self, system: &System) -> String {
        match *self {
            Self::WireInNoRow(wire) => {
                format!("{} stands in no row: it can have any value", system.name(wire))
            }
            Self::UnusedInput(wire) => {
                format!("the input {} stands in no row: nothing depends on it", system.name(wire))
            }
            Self::EmptyRow(row) => format!("row {row} holds whatever the wires are"),
            Self::ImpossibleRow(row) => format!("row {row} can't be satisfied"),
            Self::RepeatedRow { row, first } => format!("row {row} says the same as row {first}"),
        }
    }
}

/// Looks at the rows.
pub fn structure(system: &System) -> Vec<StructureFinding> {
    let mut found = Vec::new();
    for wire in 1..system.wires() as Wire {
        if system.rows_of(wire).is_empty() {
            found.push(if system.is_input(wire) {
                StructureFinding::UnusedInput(wire)
            } else {
                StructureFinding::WireInNoRow(wire)
            });
        }
    }
    let mut seen: HashMap<&Row, usize> = HashMap::new();
    for (number, row) in system.rows().iter().enumerate() {
        if let Some(value) = row.linear().and_then(|form| form.constant()) {
            found.push(if value.is_zero() {
                StructureFinding::EmptyRow(number)
            } else {
                StructureFinding::ImpossibleRow(number)
            });
        } else if let Some(&first) = seen.get(row) {
            found.push(StructureFinding::RepeatedRow { row: number, first });
        } else {
            seen.insert(row, number);
        }
    }
    found
}
