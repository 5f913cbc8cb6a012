//! The rows that a key is made for, of praman's statements and of others' circuits alike.

use ark_bn254::Fr;
use ark_ff::One;
use praman_circuits::circuit::{Circuit, CircuitDigest};
use praman_prover::ForeignCircuit;

/// The rows of a circuit: for each the terms of its left factor, its right factor and its product.
pub struct Constraints {
    /// The digest of the statement that they are, if they are one of praman's.
    statement: Option<CircuitDigest>,
    wires: usize,
    public_inputs: usize,
    rows: Vec<[Vec<(u32, Fr)>; 3]>,
}

impl From<&Circuit> for Constraints {
    fn from(circuit: &Circuit) -> Self {
        let row = |row: &praman_circuits::constraint_system::Row| {
            [&row.a, &row.b, &row.c].map(|form| form.terms().to_vec())
        };
        Self {
            statement: Some(circuit.digest()),
            wires: circuit.wires(),
            public_inputs: circuit.public_inputs(),
            rows: circuit.rows().iter().map(row).collect(),
        }
    }
}

impl From<&ForeignCircuit> for Constraints {
    fn from(circuit: &ForeignCircuit) -> Self {
        Self {
            statement: None,
            wires: circuit.wires(),
            public_inputs: circuit.outputs() + circuit.public_inputs(),
            rows: circuit.combinations().to_vec(),
        }
    }
}

impl Constraints {
    pub(crate) fn statement(&self) -> Option<CircuitDigest> {
        self.statement
    }

    /// How many wires there are, with the constant one.
    pub fn wires(&self) -> usize {
        self.wires
    }

    /// How many of them are public, the constant one not counted.
    pub fn public_inputs(&self) -> usize {
        self.public_inputs
    }

    /// The power of two that holds all rows, with one for the constant and each public input.
    pub fn power(&self) -> u32 {
        (self.rows.len() + self.public_inputs + 1).next_power_of_two().ilog2().max(1)
    }

    /// Exchanges two rows.
    #[cfg(test)]
    pub(crate) fn swap_rows(&mut self, one: usize, other: usize) {
        self.rows.swap(one, other);
    }

    /// The rows, as they stand in a file.
    pub(crate) fn rows(&self) -> &[[Vec<(u32, Fr)>; 3]] {
        &self.rows
    }

    /// All terms of the left factors: `(row, wire, coefficient)`. Groth16 adds a row for the constant and each public
    /// input, so that none is left out.
    pub(crate) fn left(&self) -> impl Iterator<Item = (usize, u32, Fr)> + '_ {
        let added = (0..=self.public_inputs).map(|input| {
            let row = self.rows.len() + input;
            (row, input as u32, Fr::one())
        });
        self.terms(0).chain(added)
    }

    /// All terms of the right factors.
    pub(crate) fn right(&self) -> impl Iterator<Item = (usize, u32, Fr)> + '_ {
        self.terms(1)
    }

    /// All terms of the products.
    pub(crate) fn products(&self) -> impl Iterator<Item = (usize, u32, Fr)> + '_ {
        self.terms(2)
    }

    fn terms(&self, matrix: usize) -> impl Iterator<Item = (usize, u32, Fr)> + '_ {
        self.rows.iter().enumerate().flat_map(move |(place, row)| {
            row[matrix].iter().map(move |&(wire, by)| (place, wire, by))
        })
    }
}
