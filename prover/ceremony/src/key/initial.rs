//! The key that contributions begin with: a circuit's rows on the powers of phase 1, with delta at the generators.

use std::path::Path;

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, One, PrimeField, Zero};

use super::circuit_hash::{Points, circuit_hash};
use super::{CeremonyKey, Header, first_delta, section, write_contributions, write_header};
use crate::constraints::Constraints;
use crate::encoding::CeremonyPoint;
use crate::error::{CeremonyError, Fault};
use crate::powers::{Lagrange, VerifiedPowers};
use crate::section_writer::SectionWriter;
use crate::sums::to_affine;

/// How many products are made before they are added up.
const PORTION: usize = 1 << 16;

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
        let left = Columns::new(header.wires, constraints.left());
        let right = Columns::new(header.wires, constraints.right());
        let a = left.sums(&lagrange.tau_g1);
        let b_g1 = right.sums(&lagrange.tau_g1);
        let b_g2: Vec<G2Affine> = right.sums(&powers.lagrange_tau_g2(power)?);
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
    let domain = lagrange.tau_g1.len();
    let points = [&lagrange.beta_g1[..], &lagrange.alpha_g1, &lagrange.tau_g1].concat();
    let at =
        |offset: usize| move |(row, wire, by): (usize, u32, Fr)| (offset * domain + row, wire, by);
    let terms = constraints
        .left()
        .map(at(0))
        .chain(constraints.right().map(at(1)))
        .chain(constraints.products().map(at(2)));
    Columns::new(constraints.wires(), terms).sums(&points)
}

/// The matrices by their columns: for each wire its rows and coefficients.
struct Columns {
    wires: Vec<Vec<(usize, Fr)>>,
}

impl Columns {
    fn new(wires: usize, terms: impl Iterator<Item = (usize, u32, Fr)>) -> Self {
        let mut columns = vec![Vec::new(); wires];
        for (row, wire, by) in terms {
            columns[wire as usize].push((row, by));
        }
        Self { wires: columns }
    }

    /// For each wire the sum of the rows' points, each times its coefficient.
    fn sums<P: CeremonyPoint>(&self, points: &[P]) -> Vec<P> {
        // Numbers of one length take as many steps, so they go together.
        let mut terms: Vec<(u32, u32, usize, Fr)> = Vec::new();
        for (wire, column) in self.wires.iter().enumerate() {
            for &(row, by) in column {
                let length = by.into_bigint().num_bits().min((-by).into_bigint().num_bits());
                terms.push((length, wire as u32, row, by));
            }
        }
        terms.sort_by_key(|(length, ..)| *length);
        let mut sums = vec![P::Group::zero(); self.wires.len()];
        for terms in terms.chunks(PORTION) {
            let (points, factors): (Vec<P>, Vec<Fr>) =
                terms.iter().map(|(_, _, row, by)| (points[*row], *by)).unzip();
            let products = P::multiply(&points, &factors);
            for ((_, wire, ..), product) in terms.iter().zip(products) {
                sums[*wire as usize] += product;
            }
        }
        to_affine(&sums)
    }
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
