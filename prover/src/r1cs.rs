//! Circuits of others: `.r1cs` files as circom makes them.
//!
//! Source: iden3, *R1CS binary format*, version 1.

use std::path::Path;

use ark_bn254::Fr;
use ark_ff::Zero;
use praman_circuits::circuit::Witness;

use crate::key_store::KeyError;
use crate::sections::{SectionReader, Sections};
use crate::zkey::read_witness;

/// A circuit of another's, as a `.r1cs` file has it.
pub struct ForeignCircuit {
    wires: usize,
    outputs: usize,
    public_inputs: usize,
    private_inputs: usize,
    /// The number of each wire before simplification: outputs come first, then inputs, public ones before private.
    labels: Vec<u64>,
    rows: Vec<[Vec<(u32, Fr)>; 3]>,
}

impl ForeignCircuit {
    /// Reads a `.r1cs`.
    ///
    /// # Errors
    /// [`KeyError::File`]; [`KeyError::Malformed`] where the file is cut, of another field, names a wire that is not
    /// there, or has custom gates, which Groth16 does not know.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file = Sections::read(path, b"r1cs", 1)?;
        let mut header = file.section(1)?;
        header.require_field::<Fr>()?;
        let [wires, outputs, public_inputs, private_inputs] =
            [header.number()?, header.number()?, header.number()?, header.number()?];
        header.take(8)?;
        let count = header.number()? as usize;
        header.require_end()?;
        // circom counts all private inputs that are declared, also those that no wire is left of after simplification.
        if u64::from(outputs) + u64::from(public_inputs) + 1 > u64::from(wires) {
            return Err(header
                .malformed(format!("{wires} wires are fewer than its outputs and public inputs")));
        }
        if file.section(4).is_ok_and(|mut gates| gates.number().is_ok_and(|count| count > 0)) {
            return Err(header.malformed("it has custom gates, which Groth16 does not know"));
        }
        let mut section = file.section(2)?;
        let mut rows = Vec::new();
        for _ in 0..count {
            let mut form = || combination(&mut section, wires);
            rows.push([form()?, form()?, form()?]);
        }
        section.require_end()?;
        let labels = labels(&file, wires)?;
        let [wires, outputs, public_inputs, private_inputs] =
            [wires, outputs, public_inputs, private_inputs].map(|number| number as usize);
        Ok(Self { wires, outputs, public_inputs, private_inputs, labels, rows })
    }

    /// How many wires it has, with the constant one.
    pub fn wires(&self) -> usize {
        self.wires
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How many outputs it has. They are public.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// How many public inputs it has beside its outputs.
    pub fn public_inputs(&self) -> usize {
        self.public_inputs
    }

    /// How many private inputs it has.
    pub fn private_inputs(&self) -> usize {
        self.private_inputs
    }

    /// The linear combinations of each row, as they stand in the file: left factor, right factor, product.
    pub fn combinations(&self) -> &[[Vec<(u32, Fr)>; 3]] {
        &self.rows
    }

    /// For each wire whether it is an input: the constant one, the public inputs behind the outputs, and the private ones.
    /// circom drops inputs that no row uses and counts them all the same, so that the labels tell which private ones are
    /// left. None if they do not: they must ascend, and begin with outputs and public inputs.
    pub fn inputs(&self) -> Option<Vec<bool>> {
        let public = self.outputs + self.public_inputs;
        let first = (0..).zip(&self.labels).take(public + 1).all(|(wire, &label)| wire == label);
        if self.labels.len() != self.wires || !first || !self.labels.is_sorted_by(|a, b| a < b) {
            return None;
        }
        let private = public as u64 + 1..(public + self.private_inputs) as u64 + 1;
        let is_input = |wire: usize| {
            wire == 0
                || (self.outputs < wire && wire <= public)
                || (wire > public && private.contains(&self.labels[wire]))
        };
        Some((0..self.wires).map(is_input).collect())
    }

    /// Reads the wires' names of a `.sym`, `label,wire,component,name` in each line. A wire without a line is named by
    /// its number.
    ///
    /// # Errors
    /// [`KeyError::File`]; [`KeyError::Malformed`] with the line.
    pub fn read_names(&self, path: &Path) -> Result<Vec<String>, KeyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| KeyError::File { path: path.to_owned(), source })?;
        let mut names = self.numbered_names();
        for (place, line) in text.lines().enumerate() {
            let malformed = || KeyError::Malformed {
                path: path.to_owned(),
                reason: format!("line {}: it is not label,wire,component,name", place + 1),
            };
            let mut parts = line.splitn(4, ',');
            let (_, wire, _, name) = (parts.next(), parts.next(), parts.next(), parts.next());
            let wire: i64 = wire.and_then(|wire| wire.parse().ok()).ok_or_else(malformed)?;
            let name = name.ok_or_else(malformed)?;
            // -1 is a wire that simplification has removed.
            match usize::try_from(wire) {
                Ok(wire) => *names.get_mut(wire).ok_or_else(malformed)? = name.to_owned(),
                Err(_) if wire == -1 => {}
                Err(_) => return Err(malformed()),
            }
        }
        Ok(names)
    }

    /// A name for each wire, by its number.
    pub fn numbered_names(&self) -> Vec<String> {
        (0..self.wires).map(|wire| format!("wire {wire}")).collect()
    }

    /// Reads a `.wtns` for this circuit.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the file is cut, of another field, of another length than the circuit has wires,
    /// or its first wire is not one.
    pub fn read_witness(&self, path: &Path) -> Result<Witness, KeyError> {
        read_witness(path, self.wires, self.outputs + self.public_inputs, "circuit")
    }

    /// Returns the first row, from 0, that a witness does not satisfy.
    pub fn unsatisfied_row(&self, witness: &Witness) -> Option<usize> {
        let wires = witness.assignment();
        let value = |form: &[(u32, Fr)]| {
            form.iter().fold(Fr::zero(), |sum, (wire, factor)| sum + wires[*wire as usize] * factor)
        };
        self.rows.iter().position(|[a, b, c]| value(a) * value(b) != value(c))
    }
}

/// Reads the wires' labels. A file without them has none.
fn labels(file: &Sections, wires: u32) -> Result<Vec<u64>, KeyError> {
    let Ok(mut section) = file.section(3) else { return Ok(Vec::new()) };
    let mut labels = Vec::new();
    for _ in 0..wires {
        labels.push(section.long_number()?);
    }
    section.require_end()?;
    Ok(labels)
}

/// Reads a linear combination of wires.
fn combination(section: &mut SectionReader<'_>, wires: u32) -> Result<Vec<(u32, Fr)>, KeyError> {
    let count = section.number()?;
    let mut terms = Vec::new();
    for _ in 0..count {
        let wire = section.number()?;
        if wire >= wires {
            return Err(section.malformed(format!("it names wire {wire} of {wires}")));
        }
        terms.push((wire, section.scalar()?));
    }
    Ok(terms)
}
