//! The key that contributions begin with: a circuit's rows on the powers of phase 1, with delta at the generators.

use std::path::Path;

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, One, PrimeField};

use super::circuit_hash::{Points, circuit_hash};
use super::{CeremonyKey, Header, first_delta, section, write_contributions, write_header};
use crate::constraints::Constraints;
use crate::encoding::CeremonyPoint;
use crate::error::{CeremonyError, Fault};
use crate::powers::{Lagrange, VerifiedPowers};
use crate::section_writer::SectionWriter;

impl CeremonyKey {
    /// Makes the key that contributions begin with, for a file at a path, which is not written.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] if phase 1 has too few powers; otherwise as of a prepared section that is wrong.
    pub fn begin(
        path: &Path,
        constraints: &Constraints,
        powers: &VerifiedPowers,
    ) -> Result<Self, CeremonyError> {
        let header = first_header(constraints, powers)?;
        let power = constraints.power();
        let lagrange = powers.lagrange(power)?;
        let sums = input_and_private_sums(constraints, &lagrange);
        let (inputs, l) = sums.split_at(header.public_inputs + 1);
        let left = columns(header.wires, constraints.left());
        let right = columns(header.wires, constraints.right());
        let a = G1Affine::combine(&lagrange.tau_g1, &left);
        let b_g1 = G1Affine::combine(&lagrange.tau_g1, &right);
        let b_g2 = G2Affine::combine(&powers.lagrange_tau_g2(power)?, &right);
        let h: Vec<G1Affine> =
            powers.lagrange_tau_g1(power + 1)?.into_iter().skip(1).step_by(2).collect();
        let points = Points { inputs, l, a: &a, b_g1: &b_g1, b_g2: &b_g2 };
        let hash = circuit_hash(&header, &points, powers);

        let coefficients = coefficients(constraints);
        let room = coefficients.len() + 448 * header.wires + 64 * header.domain + 1024;
        let mut out = SectionWriter::new(b"zkey", 10, room);
        write_header(&mut out, &header);
        out.section(section::COEFFICIENTS, |bytes| bytes.extend(&coefficients));
        out.points(section::INPUTS, inputs);
        out.points(section::H, &h);
        out.points(section::L, l);
        out.points(section::A, &a);
        out.points(section::B_G1, &b_g1);
        out.points(section::B_G2, &b_g2);
        write_contributions(&mut out, &hash, &[]);
        Self::parse(path, out.finish())
    }

    /// The whole file.
    pub fn file(&self) -> &[u8] {
        self.file.bytes()
    }
}

/// The header of a key without contributions.
pub(crate) fn first_header(
    constraints: &Constraints,
    powers: &VerifiedPowers,
) -> Result<Header, CeremonyError> {
    let needed = constraints.power();
    if needed > powers.power() {
        let fault = Fault::TooFewPowers { power: powers.power(), needed };
        return Err(powers.refused(fault));
    }
    let (delta_g1, delta_g2) = first_delta();
    let points = powers.points();
    Ok(Header {
        wires: constraints.wires(),
        public_inputs: constraints.public_inputs(),
        domain: 1 << needed,
        alpha_g1: points.alpha_g1[0],
        beta_g1: points.beta_g1[0],
        beta_g2: points.beta_g2,
        gamma_g2: G2Affine::generator(),
        delta_g1,
        delta_g2,
    })
}

/// For each wire `beta·A + alpha·B + C` at tau: of public ones the points of the inputs, of private ones L.
pub(crate) fn input_and_private_sums(
    constraints: &Constraints,
    lagrange: &Lagrange,
) -> Vec<G1Affine> {
    let wires = constraints.wires();
    let left = G1Affine::combine(&lagrange.beta_g1, &columns(wires, constraints.left()));
    let right = G1Affine::combine(&lagrange.alpha_g1, &columns(wires, constraints.right()));
    let products = G1Affine::combine(&lagrange.tau_g1, &columns(wires, constraints.products()));
    G1Affine::add_pairs(&G1Affine::add_pairs(&left, &right), &products)
}

/// A matrix by its columns: for each wire its rows and coefficients.
fn columns(wires: usize, terms: impl Iterator<Item = (usize, u32, Fr)>) -> Vec<Vec<(usize, Fr)>> {
    let mut columns = vec![Vec::new(); wires];
    for (row, wire, by) in terms {
        columns[wire as usize].push((row, by));
    }
    columns
}

/// Section 4: the coefficients of A and B, which provers take their rows from.
pub(crate) fn coefficients(constraints: &Constraints) -> Vec<u8> {
    // snarkjs keeps a coefficient times R^2.
    let r = Fr::from(2u64).pow([256]);
    let mut bytes = vec![0; 4];
    let mut count = 0u32;
    let mut write = |matrix: u32, row: usize, wire: u32, by: Fr| {
        count += 1;
        for number in [matrix, row as u32, wire] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend((by * r * r).into_bigint().to_bytes_le());
    };
    for (row, [a, b, _]) in constraints.rows().iter().enumerate() {
        a.iter().for_each(|&(wire, by)| write(0, row, wire, by));
        b.iter().for_each(|&(wire, by)| write(1, row, wire, by));
    }
    for input in 0..=constraints.public_inputs() {
        write(0, constraints.rows().len() + input, input as u32, Fr::one());
    }
    bytes[..4].copy_from_slice(&count.to_le_bytes());
    bytes
}
