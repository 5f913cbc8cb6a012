//! What the rows show at a glance, without a search.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use crate::system::{Form, Row, System, Wire};

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
    /// A row's factor is held at zero by other rows, and so is its product: it says nothing of the other factor.
    SwitchedOff {
        /// The row.
        row: usize,
        /// A wire of the factor.
        wire: Wire,
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
            Self::SwitchedOff { row, wire } => {
                format!(
                    "row {row} checks nothing: {} is held at a value that makes it 0 = 0",
                    system.name(wire)
                )
            }
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
    let fixed = fixed_values(system);
    let value = |form: &Form| {
        form.terms().iter().try_fold(Fr::zero(), |sum, &(wire, coefficient)| {
            Some(sum + fixed[wire as usize]? * coefficient)
        })
    };
    for (number, row) in system.rows().iter().enumerate() {
        if row.linear().is_some() || value(&row.c) != Some(Fr::zero()) {
            continue;
        }
        let own = |form: &Form| form.terms().iter().map(|term| term.0).find(|&wire| wire != 0);
        let factors = [(&row.a, &row.b), (&row.b, &row.a)];
        let off = factors
            .into_iter()
            .find(|(off, other)| value(off) == Some(Fr::zero()) && value(other).is_none());
        if let Some(wire) = off.and_then(|(off, _)| own(off)) {
            found.push(StructureFinding::SwitchedOff { row: number, wire });
        }
    }
    found
}

/// The values that rows which are sums hold wires to, whatever the inputs are.
fn fixed_values(system: &System) -> Vec<Option<Fr>> {
    let mut fixed = vec![None; system.wires()];
    fixed[0] = Some(Fr::from(1u8));
    let own = |row: &Row| row.wires().iter().filter(|&&wire| wire != 0).count();
    let linear = |row: &Row| row.linear().is_some();
    let mut open: Vec<usize> =
        system.rows().iter().map(|row| if linear(row) { own(row) } else { 0 }).collect();
    let mut queue: Vec<u32> =
        (0..open.len() as u32).filter(|&row| open[row as usize] == 1).collect();
    while let Some(number) = queue.pop() {
        let Some(form) = system.rows()[number as usize].linear() else { continue };
        let (mut sum, mut left) = (Fr::zero(), None);
        for &(wire, coefficient) in form.terms() {
            match fixed[wire as usize] {
                Some(value) => sum += value * coefficient,
                None => left = Some((wire, coefficient)),
            }
        }
        let Some((wire, coefficient)) = left else { continue };
        let Some(inverse) = coefficient.inverse() else { continue };
        fixed[wire as usize] = Some(-sum * inverse);
        for &row in system.rows_of(wire) {
            open[row as usize] = open[row as usize].saturating_sub(1);
            if open[row as usize] == 1 {
                queue.push(row);
            }
        }
    }
    fixed
}
