//! Attacks on a synthesised circuit, shared by the tests of gadgets and statements.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

use crate::circuit::{Circuit, Witness};
use crate::constraint_system::{ConstraintSystem, Num, Recorded, Row, WireIndex};
use crate::linear_combination::LinearCombination;

/// The rows of a gadget together with one assignment.
pub(crate) struct Synthesis {
    rows: Vec<Row>,
    assignment: Vec<Fr>,
}

impl Synthesis {
    pub(crate) fn of(mut body: impl FnMut(&mut ConstraintSystem)) -> Self {
        let mut compiling = ConstraintSystem::compiling();
        body(&mut compiling);
        let Recorded { rows, names, .. } = compiling.into_recorded();
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
    cs.into_recorded().rows.len()
}

/// Which wires are determined by the known ones, row after row, without using any assertion.
///
/// A row determines a wire that stands alone and unknown in its product while its factors are known.
/// A decomposition determines its bits: boolean rows on fresh wires, then one on what the weighted
/// bits leave of a known number. Two values cannot both have such bits, for there are at most 253.
/// An assertion (a row without an unknown wire) determines nothing, so a wire that only an
/// assertion pins down is told apart from one that follows from the inputs.
///
/// Returns which wires are determined, and which rows that took.
pub(crate) fn determined(
    rows: &[Row],
    wires: usize,
    inputs: std::ops::Range<usize>,
) -> (Vec<bool>, Vec<bool>) {
    let mut taken = vec![false; rows.len()];
    let mut known = vec![false; wires];
    known[0] = true;
    known[inputs].fill(true);
    let mut bits: Vec<(WireIndex, usize)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let unknown = |form: &LinearCombination| -> Vec<(WireIndex, Fr)> {
            form.terms().iter().copied().filter(|&(w, _)| !known[w as usize]).collect()
        };
        let (a, b, c) = (unknown(&row.a), unknown(&row.b), unknown(&row.c));
        if a.is_empty() && b.is_empty() && c.len() == 1 {
            known[c[0].0 as usize] = true;
            taken[number] = true;
        } else if is_boolean(row) && row.a.terms().len() == 1 && a.len() == 1 {
            bits.push((a[0].0, number));
        } else if is_boolean(row) && !bits.is_empty() && a.len() == bits.len() {
            let mut weight = -Fr::one();
            let weighted = a.iter().zip(&bits).all(|(&(wire, coefficient), &(bit, _))| {
                weight += weight;
                wire == bit && coefficient == weight
            });
            if weighted && bits.len() < 253 {
                taken[number] = true;
                for (bit, boolean) in bits.drain(..) {
                    known[bit as usize] = true;
                    taken[boolean] = true;
                }
            }
        }
    }
    (known, taken)
}

fn is_boolean(row: &Row) -> bool {
    let mut less_one = row.a.clone();
    less_one.add_scaled(&LinearCombination::term(0, Fr::one()), -Fr::one());
    row.b == less_one && row.c.terms().is_empty()
}

/// The rows in which each wire stands.
pub(crate) fn rows_by_wire(circuit: &Circuit) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); circuit.wires()];
    for (number, row) in circuit.rows().iter().enumerate() {
        for form in [&row.a, &row.b, &row.c] {
            for &(wire, _) in form.terms() {
                if rows[wire as usize].last() != Some(&number) {
                    rows[wire as usize].push(number);
                }
            }
        }
    }
    rows
}

/// The rows that a witness violates.
pub(crate) fn violated_rows(circuit: &Circuit, witness: &Witness) -> Vec<usize> {
    let rows = circuit.rows().iter().enumerate();
    rows.filter(|(_, row)| !holds(row, witness.assignment())).map(|(number, _)| number).collect()
}

/// Asserts that no private wire of a satisfying witness may have any of a set of tempting values.
pub(crate) fn refuses_any_wire_changed_alone(circuit: &Circuit, witness: &Witness) {
    let rows = rows_by_wire(circuit);
    let mut assignment = witness.assignment().to_vec();
    for wire in circuit.public_inputs() + 1..circuit.wires() {
        let value = assignment[wire];
        let others = [value + Fr::one(), value - Fr::one(), -value, Fr::one() - value];
        for other in others.into_iter().filter(|&other| other != value) {
            assignment[wire] = other;
            let refused = rows[wire].iter().any(|&row| !holds(&circuit.rows()[row], &assignment));
            assert!(refused, "{} is not constrained", circuit.wire_names()[wire]);
        }
        assignment[wire] = value;
    }
}

/// Wires behind the inputs that could move without any row noticing to first order: by the rank of the
/// rows' derivatives by the private wires at a satisfying witness, those that are the last of no
/// independent row.
pub(crate) fn free_wires<'a>(
    circuit: &'a Circuit,
    witness: &Witness,
    first_internal: usize,
) -> Vec<&'a str> {
    let z = witness.assignment();
    let mut pivots: HashMap<u32, Vec<(u32, Fr)>> = HashMap::new();
    for row in circuit.rows() {
        let (a, b) = (row.a.evaluate(z), row.b.evaluate(z));
        let mut derivative = LinearCombination::zero();
        derivative.add_scaled(&row.a, b);
        derivative.add_scaled(&row.b, a);
        derivative.add_scaled(&row.c, -Fr::one());
        // Only private wires may move.
        let mut terms: Vec<_> = derivative
            .terms()
            .iter()
            .copied()
            .filter(|&(wire, _)| wire as usize > circuit.public_inputs())
            .collect();
        while let Some(&(last, coefficient)) = terms.last() {
            let Some(pivot) = pivots.get(&last) else {
                pivots.insert(last, terms);
                break;
            };
            let scale = coefficient * pivot.last().expect("not empty").1.inverse().expect("pivot");
            let mut reduced = LinearCombination::from_sorted(terms);
            reduced.add_scaled(&LinearCombination::from_sorted(pivot.clone()), -scale);
            terms = reduced.terms().to_vec();
        }
    }
    (first_internal..circuit.wires())
        .filter(|&wire| !pivots.contains_key(&(wire as u32)))
        .map(|wire| circuit.wire_names()[wire].as_str())
        .collect()
}

/// The wires that do not follow from so many inputs; see [`determined`].
pub(crate) fn undetermined(circuit: &Circuit, inputs: usize) -> Vec<&str> {
    determined(circuit.rows(), circuit.wires(), 1..1 + inputs)
        .0
        .iter()
        .zip(circuit.wire_names())
        .filter_map(|(known, name)| (!known).then_some(name.as_str()))
        .collect()
}

/// Private wires that stand in one row alone: one row makes a wire, another uses it.
pub(crate) fn wires_in_one_row(circuit: &Circuit) -> Vec<&str> {
    let rows = rows_by_wire(circuit).into_iter().zip(circuit.wire_names());
    let private = rows.skip(circuit.public_inputs() + 1);
    private.filter(|(rows, _)| rows.len() < 2).map(|(_, name)| name.as_str()).collect()
}

/// Assertions, which are the rows that determine no wire, of which no lie is caught by that row alone;
/// and how many assertions there are. Every lie must be caught by one row alone.
///
/// Without a row that determines a wire, that wire no longer follows from the inputs, which
/// [`undetermined`] would find.
pub(crate) fn assertions_without_a_lie(
    circuit: &Circuit,
    inputs: usize,
    lies: impl IntoIterator<Item = Witness>,
) -> (Vec<usize>, usize) {
    let (_, determining) = determined(circuit.rows(), circuit.wires(), 1..1 + inputs);
    let mut assertions: Vec<usize> =
        (0..circuit.rows().len()).filter(|&row| !determining[row]).collect();
    let count = assertions.len();
    for lie in lies {
        let caught_by = violated_rows(circuit, &lie);
        assert_eq!(caught_by.len(), 1, "rows {caught_by:?}");
        assertions.retain(|row| *row != caught_by[0]);
    }
    (assertions, count)
}

/// Rows by clause, as tests pin them.
pub(crate) fn clause_table(circuit: &Circuit) -> Vec<String> {
    circuit.clauses().iter().map(|c| format!("{:>5} {}", c.rows, c.clause)).collect()
}
