//! How points stand in a ceremony's files and in what it hashes.
//!
//! Three forms, as snarkjs has them: in files the Montgomery form, lowest byte first, c0 before c1; in hashes the
//! number itself, highest byte first, c1 before c0; and in the hash of a phase-1 response only x, with the sign of y
//! in its highest bit. Infinity is all zeros, but in the last form, where a bit says so.
//!
//! Source: ffjavascript 0.3 `wasm_curve.js` (`toRprLEM`, `toRprUncompressed`, `toRprCompressed`).

use ark_bn254::{Fq, Fq2, Fr, G1Projective, G2Projective};
use ark_ec::short_weierstrass::Affine;
use ark_ec::{AffineRepr, VariableBaseMSM};
use ark_ff::{PrimeField, Zero};

use praman_prover::sections::{G1_BYTES, G2_BYTES, SectionReader};
use praman_prover::{KeyError, add_g1, add_g2, combine_g1, combine_g2, multiply_g1, multiply_g2};

/// A point of G1 or G2, as a ceremony reads, writes and hashes it.
pub(crate) trait CeremonyPoint: AffineRepr<ScalarField = Fr> {
    /// Bytes of a point in a file, and in a hash.
    const BYTES: usize;

    /// Reads points from a section, each checked.
    fn read(section: &mut SectionReader<'_>, count: usize) -> Result<Vec<Self>, KeyError>;

    /// The sum of points, each times its factor.
    fn sum(points: &[Self], factors: &[Fr]) -> Self::Group;

    /// Each point times its factor. How long it takes tells of the factors.
    fn multiply(points: &[Self], factors: &[Fr]) -> Vec<Self>;

    /// For each sum the places of its points, and their factors.
    fn combine(points: &[Self], sums: &[Vec<(usize, Fr)>]) -> Vec<Self>;

    /// The sums of points, two and two.
    fn add_pairs(a: &[Self], b: &[Self]) -> Vec<Self>;

    /// The coordinates, c0 before c1; of infinity zeros. There are as many as a point of G2 has; one of G1 has two.
    fn coordinates(&self) -> [Fq; 4];

    /// Whether y is the greater of the two roots, as the compressed form says it.
    fn is_greater_root(&self) -> bool;

    /// Appends the form of files.
    fn write(&self, out: &mut Vec<u8>) {
        for coordinate in &self.coordinates()[..Self::BYTES / 32] {
            // An element is kept in its Montgomery form.
            coordinate.0.0.iter().for_each(|limb| out.extend(limb.to_le_bytes()));
        }
    }

    /// Appends the form of hashes.
    fn write_hashed(&self, out: &mut Vec<u8>) {
        for element in self.coordinates()[..Self::BYTES / 32].chunks(Self::BYTES / 64) {
            element.iter().rev().for_each(|coordinate| write_number(*coordinate, out));
        }
    }

    /// Appends the form of responses.
    fn write_compressed(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        let coordinates = self.coordinates();
        let x = coordinates[..Self::BYTES / 64].iter().rev();
        x.for_each(|coordinate| write_number(*coordinate, out));
        if self.is_zero() {
            out[begin] |= 0x40;
        } else if self.is_greater_root() {
            out[begin] |= 0x80;
        }
    }

    /// The form of hashes.
    fn hashed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        self.write_hashed(&mut bytes);
        bytes
    }
}

/// Appends a number, highest byte first.
fn write_number(element: Fq, out: &mut Vec<u8>) {
    let limbs = element.into_bigint().0;
    limbs.iter().rev().for_each(|limb| out.extend(limb.to_be_bytes()));
}

/// Whether an element is greater than its negative.
fn is_greater(element: Fq) -> bool {
    element.into_bigint() > Fq::MODULUS_MINUS_ONE_DIV_TWO
}

impl CeremonyPoint for Affine<ark_bn254::g1::Config> {
    const BYTES: usize = G1_BYTES;

    fn read(section: &mut SectionReader<'_>, count: usize) -> Result<Vec<Self>, KeyError> {
        section.g1_points(count)
    }

    fn sum(points: &[Self], factors: &[Fr]) -> Self::Group {
        G1Projective::msm_unchecked(points, factors)
    }

    fn multiply(points: &[Self], factors: &[Fr]) -> Vec<Self> {
        multiply_g1(points, factors)
    }

    fn combine(points: &[Self], sums: &[Vec<(usize, Fr)>]) -> Vec<Self> {
        combine_g1(points, sums)
    }

    fn add_pairs(a: &[Self], b: &[Self]) -> Vec<Self> {
        add_g1(a, b)
    }

    fn coordinates(&self) -> [Fq; 4] {
        let (x, y) = self.xy().unwrap_or_default();
        [x, y, Fq::zero(), Fq::zero()]
    }

    fn is_greater_root(&self) -> bool {
        is_greater(self.y)
    }
}

impl CeremonyPoint for Affine<ark_bn254::g2::Config> {
    const BYTES: usize = G2_BYTES;

    fn read(section: &mut SectionReader<'_>, count: usize) -> Result<Vec<Self>, KeyError> {
        section.g2_points(count)
    }

    fn sum(points: &[Self], factors: &[Fr]) -> Self::Group {
        G2Projective::msm_unchecked(points, factors)
    }

    fn multiply(points: &[Self], factors: &[Fr]) -> Vec<Self> {
        multiply_g2(points, factors)
    }

    fn combine(points: &[Self], sums: &[Vec<(usize, Fr)>]) -> Vec<Self> {
        combine_g2(points, sums)
    }

    fn add_pairs(a: &[Self], b: &[Self]) -> Vec<Self> {
        add_g2(a, b)
    }

    fn coordinates(&self) -> [Fq; 4] {
        let (x, y): (Fq2, Fq2) = self.xy().unwrap_or_default();
        [x.c0, x.c1, y.c0, y.c1]
    }

    fn is_greater_root(&self) -> bool {
        let Fq2 { c0, c1, .. } = self.y;
        is_greater(if c1.is_zero() { c0 } else { c1 })
    }
}
