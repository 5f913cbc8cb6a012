//! Contributing to phase 1, and preparing it for phase 2.

use ark_bn254::Fr;
use ark_ff::One;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::challenge::next_challenge;
use super::response_hash::PartialHash;
use super::{
    Lagrange, PowerPoints, Powers, PowersContribution, State, knowledge_base, section, write_powers,
};
use crate::beacon::CHECKED_EXPONENT;
use crate::contributor::{Contributed, Contributor};
use crate::draw::{Draw, Hash};
use crate::encoding::CeremonyPoint;
use crate::error::{CeremonyError, Fault};
use crate::knowledge::Knowledge;
use crate::section_writer::SectionWriter;
use crate::sums::{scale, scale_by_powers};

/// How many points are turned into bytes at once.
const BUFFER: usize = 1 << 12;

/// How many points snarkjs hashes at once.
const CHUNK: usize = 1 << 14;

/// tau, alpha and beta, with the proofs that they were known.
pub(crate) struct Secrets {
    pub(crate) numbers: [Zeroizing<Fr>; 3],
    pub(crate) knowledge: [Knowledge; 3],
}

impl Secrets {
    /// Draws the secrets of a contribution on a challenge.
    pub(crate) fn draw(draw: &mut Draw, challenge: &Hash) -> Self {
        let numbers = [draw.scalar(), draw.scalar(), draw.scalar()];
        let mut known = |secret: usize| {
            let base = |one: &_, multiple: &_| knowledge_base(secret, challenge, one, multiple);
            Knowledge::of(&numbers[secret], draw, base)
        };
        let knowledge = [known(0), known(1), known(2)];
        Self { numbers, knowledge }
    }
}

impl Powers {
    /// Makes a contribution and returns the whole new file. The contributions before it are checked first, the points are
    /// not.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] if the file has only the first powers of its ceremony, or is wrong.
    pub fn contribute(&self, contributor: &Contributor) -> Result<Contributed, CeremonyError> {
        if self.power != self.ceremony_power {
            let reason = "it has only the first powers of its ceremony: contribute to the whole";
            return Err(self.refused(Fault::Value(reason)));
        }
        self.check_contributions(CHECKED_EXPONENT).map_err(|fault| self.refused(fault))?;
        self.check_challenge().map_err(|fault| self.refused(fault))?;
        let challenge = self.challenge();
        let mut draw = contributor.draw();
        let Secrets { numbers: [tau, alpha, beta], knowledge } =
            Secrets::draw(&mut draw, &challenge);
        let before = &self.points;
        let points = PowerPoints {
            tau_g1: scale_by_powers(&before.tau_g1, &Fr::one(), &tau),
            tau_g2: scale_by_powers(&before.tau_g2, &Fr::one(), &tau),
            alpha_g1: scale_by_powers(&before.alpha_g1, &alpha, &tau),
            beta_g1: scale_by_powers(&before.beta_g1, &beta, &tau),
            beta_g2: scale(&[before.beta_g2], &beta)[0],
        };

        let after = State {
            tau_g1: points.tau_g1[1],
            tau_g2: points.tau_g2[1],
            alpha_g1: points.alpha_g1[0],
            beta_g1: points.beta_g1[0],
            beta_g2: points.beta_g2,
        };
        let mut contribution = PowersContribution {
            after,
            knowledge,
            partial_hash: hash_response(&challenge, &points),
            next_challenge: [0; 64],
            parameters: contributor.parameters(),
        };
        let hash = contribution.response();
        contribution.next_challenge = next_challenge(&hash, &points);
        let mut contributions = self.contributions.clone();
        contributions.push(contribution);
        let mut out = SectionWriter::new(b"ptau", 7, self.file.bytes().len() + 4096);
        write_powers(&mut out, [self.power; 2], &points, &contributions);
        Ok(Contributed { file: out.finish(), hash })
    }

    /// Computes what each phase 2 begins with, once for all of them, and returns the whole new file.
    pub fn prepare(&self) -> Vec<u8> {
        let mut out = SectionWriter::new(
            b"ptau",
            11,
            (1152 << self.power) + self.file.bytes().len() % 1024 + 4096,
        );
        let powers = [self.power, self.ceremony_power];
        write_powers(&mut out, powers, &self.points, &self.contributions);
        let power = self.power;
        let PowerPoints { tau_g1, tau_g2, alpha_g1, beta_g1, .. } = &self.points;
        levels(&mut out, section::LAGRANGE_TAU_G1, tau_g1, power + 1);
        levels(&mut out, section::LAGRANGE_TAU_G2, tau_g2, power);
        levels(&mut out, section::LAGRANGE_ALPHA_G1, alpha_g1, power);
        levels(&mut out, section::LAGRANGE_BETA_G1, beta_g1, power);
        out.finish()
    }
}

/// Appends the Lagrange points of all levels up to one.
fn levels<P: CeremonyPoint>(out: &mut SectionWriter, number: u32, powers: &[P], last: u32) {
    out.section(number, |bytes| {
        for level in 0..=last {
            Lagrange::points(powers, level).iter().for_each(|point| point.write(bytes));
        }
    });
}

/// Hashes the response up to the proofs of knowledge.
fn hash_response(challenge: &Hash, points: &PowerPoints) -> PartialHash {
    let mut hash = PartialHash::new();
    hash.update(challenge);
    update(&mut hash, &points.tau_g1);
    update(&mut hash, &points.tau_g2);
    update(&mut hash, &points.alpha_g1);
    update(&mut hash, &points.beta_g1);
    update(&mut hash, &[points.beta_g2]);
    // snarkjs leaves this point of its last chunk behind in the unused bytes. Nothing reads them; with it the files of
    // both are the same.
    if let Some(point) = points.beta_g1.get((points.beta_g1.len() - 1) / CHUNK * CHUNK + 2) {
        let mut bytes = Vec::new();
        point.write_compressed(&mut bytes);
        hash.leave_behind(&bytes);
    }
    hash
}

fn update<P: CeremonyPoint>(hash: &mut PartialHash, points: &[P]) {
    for points in points.chunks(BUFFER) {
        let compressed = |point: &P| {
            let mut bytes = Vec::with_capacity(P::BYTES / 2);
            point.write_compressed(&mut bytes);
            bytes
        };
        let bytes: Vec<Vec<u8>> = points.par_iter().map(compressed).collect();
        bytes.iter().for_each(|bytes| hash.update(bytes));
    }
}
