//! Attacks on a synthesised circuit, shared by the gadgets' tests.

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use crate::constraint_system::{ConstraintSystem, Num, Row, WireIndex};

/// The rows of a gadget together with one assignment.
pub(crate) struct Synthesis {
    rows: Vec<Row>,
    assignment: Vec<Fr>,
}

impl Synthesis {
    pub(crate) fn of(mut body: impl FnMut(&mut ConstraintSystem)) -> Self {
        let mut compiling = ConstraintSystem::compiling();
        body(&mut compiling);
        let (rows, names, ..) = compiling.into_recorded();
        let mut assigning = ConstraintSystem::assigning(names.len());
        body(&mut assigning);
        let assignment = assigning.into_assignment();
        assert_eq!(assignment.len(), names.len(), "both modes make the same wires");
        Self { rows, assignment }
    }

    pub(crate) fn wires(&self) -> WireIndex {
        self.assignment.len() as WireIndex
    }

    pub(crate) fn is_satisfied(&self) -> bool {
        self.rows.iter().all(|row| holds(row, &self.assignment))
    }

    /// Asserts that no other of a set of tempting values for `wire` satisfies all rows.
    pub(crate) fn refuses_any_other_value(&self, wire: WireIndex) {
        let value = self.assignment[wire as usize];
        let tempting = [
            value + Fr::one(),
            value - Fr::one(),
            -value,
            Fr::one() - value,
            value + value,
            Fr::zero(),
            value + Fr::from(1u64 << 32),
        ];
        for other in tempting.into_iter().filter(|&other| other != value) {
            let mut assignment = self.assignment.clone();
            assignment[wire as usize] = other;
            let refused = self.rows.iter().any(|row| !holds(row, &assignment));
            assert!(refused, "wire {wire} may be {other} instead of {value}");
        }
    }
}

fn holds(row: &Row, assignment: &[Fr]) -> bool {
    row.a.evaluate(assignment) * row.b.evaluate(assignment) == row.c.evaluate(assignment)
}

/// How many rows a gadget of one input makes.
pub(crate) fn rows(body: impl Fn(&mut ConstraintSystem, &Num)) -> usize {
    let mut cs = ConstraintSystem::compiling();
    let input = cs.private("input", Fr::from(3u64));
    body(&mut cs, &input);
    cs.into_recorded().0.len()
}
