//! Phase 1: powers of a secret number tau, of use to every circuit up to a size, as snarkjs' `.ptau` has them.
//!
//! Source: snarkjs 0.7 `powersoftau_utils.js`, `powersoftau_new.js`, `powersoftau_preparephase2.js`.

use std::path::Path;

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use praman_prover::KeyError;
use praman_prover::sections::{SectionReader, Sections};

use crate::draw::{Hash, blake2b};
use crate::encoding::CeremonyPoint;
use crate::error::{CeremonyError, Fault};
use crate::key::Contribution;
use crate::knowledge::Knowledge;
use crate::parameters::Parameters;
use crate::section_writer::{SectionWriter, write_field};

mod challenge;
mod contribution;
mod lagrange;
mod response_hash;
mod verification;

pub(crate) use lagrange::{Lagrange, domain};
pub use verification::VerifiedPowers;

/// The greatest power there may be: a scalar's domain ends at 2^28, and phase 2 needs one of twice the size.
pub const GREATEST_POWER: u32 = 27;

/// The numbers of the sections.
pub(crate) mod section {
    pub(crate) const HEADER: u32 = 1;
    pub(crate) const TAU_G1: u32 = 2;
    pub(crate) const TAU_G2: u32 = 3;
    pub(crate) const ALPHA_G1: u32 = 4;
    pub(crate) const BETA_G1: u32 = 5;
    pub(crate) const BETA_G2: u32 = 6;
    pub(crate) const CONTRIBUTIONS: u32 = 7;
    pub(crate) const LAGRANGE_TAU_G1: u32 = 12;
    pub(crate) const LAGRANGE_TAU_G2: u32 = 13;
    pub(crate) const LAGRANGE_ALPHA_G1: u32 = 14;
    pub(crate) const LAGRANGE_BETA_G1: u32 = 15;
    /// Those of a prepared file.
    pub(crate) const LAGRANGE: [u32; 4] =
        [LAGRANGE_TAU_G1, LAGRANGE_TAU_G2, LAGRANGE_ALPHA_G1, LAGRANGE_BETA_G1];
}

/// The points that tell how far a contribution brought the secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) tau_g1: G1Affine,
    pub(crate) tau_g2: G2Affine,
    pub(crate) alpha_g1: G1Affine,
    pub(crate) beta_g1: G1Affine,
    pub(crate) beta_g2: G2Affine,
}

impl State {
    /// Before any contribution, when all secrets are one.
    fn first() -> Self {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        Self { tau_g1: g1, tau_g2: g2, alpha_g1: g1, beta_g1: g1, beta_g2: g2 }
    }
}

/// A contribution to phase 1.
#[derive(Clone)]
pub(crate) struct PowersContribution {
    /// The secrets after it.
    pub(crate) after: State,
    /// That tau, alpha and beta were known, in this order.
    pub(crate) knowledge: [Knowledge; 3],
    /// The state of BLAKE2b before the proofs of knowledge are hashed into the response.
    pub(crate) partial_hash: response_hash::PartialHash,
    /// The hash that the next contribution is made on.
    pub(crate) next_challenge: Hash,
    pub(crate) parameters: Parameters,
}

impl PowersContribution {
    /// The hash by which its contributor knows it again.
    pub(crate) fn response(&self) -> Hash {
        self.partial_hash.finish(&self.hashed_knowledge())
    }

    fn hashed_knowledge(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for Knowledge { one, multiple, .. } in &self.knowledge {
            one.write_hashed(&mut bytes);
            multiple.write_hashed(&mut bytes);
        }
        self.knowledge.iter().for_each(|known| known.multiple_g2.write_hashed(&mut bytes));
        bytes
    }

    fn read(section: &mut SectionReader<'_>) -> Result<Self, KeyError> {
        let after = State {
            tau_g1: section.g1()?,
            tau_g2: section.g2()?,
            alpha_g1: section.g1()?,
            beta_g1: section.g1()?,
            beta_g2: section.g2()?,
        };
        let mut pair = || Ok::<_, KeyError>([section.g1()?, section.g1()?]);
        let in_g1 = [pair()?, pair()?, pair()?];
        let in_g2 = [section.g2()?, section.g2()?, section.g2()?];
        let known = |place: usize| {
            let ([one, multiple], multiple_g2) = (in_g1[place], in_g2[place]);
            Knowledge { one, multiple, multiple_g2 }
        };
        Ok(Self {
            after,
            knowledge: std::array::from_fn(known),
            partial_hash: response_hash::PartialHash::read(section)?,
            next_challenge: section.take(64)?.try_into().expect("64 bytes"),
            parameters: Parameters::read(section)?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.after.tau_g1.write(out);
        self.after.tau_g2.write(out);
        self.after.alpha_g1.write(out);
        self.after.beta_g1.write(out);
        self.after.beta_g2.write(out);
        for Knowledge { one, multiple, .. } in &self.knowledge {
            one.write(out);
            multiple.write(out);
        }
        self.knowledge.iter().for_each(|known| known.multiple_g2.write(out));
        self.partial_hash.write(out);
        out.extend(self.next_challenge);
        self.parameters.write(out);
    }
}

/// The powers themselves.
pub(crate) struct PowerPoints {
    /// tau^i for i < 2n - 1.
    pub(crate) tau_g1: Vec<G1Affine>,
    /// tau^i for i < n.
    pub(crate) tau_g2: Vec<G2Affine>,
    /// alpha · tau^i for i < n.
    pub(crate) alpha_g1: Vec<G1Affine>,
    /// beta · tau^i for i < n.
    pub(crate) beta_g1: Vec<G1Affine>,
    pub(crate) beta_g2: G2Affine,
}

/// A whole `.ptau` file, raw or prepared, its points on their curves and in their groups.
pub struct Powers {
    file: Sections,
    power: u32,
    /// The power that the ceremony had, of which this file may hold the first powers only.
    ceremony_power: u32,
    points: PowerPoints,
    contributions: Vec<PowersContribution>,
}

impl Powers {
    /// Reads a `.ptau`.
    ///
    /// # Errors
    /// [`CeremonyError::File`]; where it is malformed it names section and byte.
    pub fn read(path: &Path) -> Result<Self, CeremonyError> {
        Self::of(Sections::read(path, b"ptau", 1)?)
    }

    /// Takes a `.ptau` from memory. The path is what errors name.
    ///
    /// # Errors
    /// As [`Powers::read`].
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, CeremonyError> {
        Self::of(Sections::parse(path, bytes, b"ptau", 1)?)
    }

    fn of(file: Sections) -> Result<Self, CeremonyError> {
        let known = |number: &u32| (1..=7).contains(number) || section::LAGRANGE.contains(number);
        if let Some(unknown) = file.numbers().find(|number| !known(number)) {
            let reason = "phase 1 has sections 1 to 7 and 12 to 15 and no others";
            return Err(file.section(unknown)?.malformed(reason).into());
        }
        let mut header = file.section(section::HEADER)?;
        header.require_field::<Fq>()?;
        let (power, ceremony_power) = (header.number()?, header.number()?);
        header.require_end()?;
        let cut_or_whole = power <= ceremony_power && ceremony_power <= 28;
        if !(1..=GREATEST_POWER).contains(&power) || !cut_or_whole {
            return Err(header
                .malformed(format!("power {power} of a ceremony of power {ceremony_power} is none"))
                .into());
        }
        let n = 1usize << power;
        let points = PowerPoints {
            tau_g1: points(&file, section::TAU_G1, 2 * n - 1)?,
            tau_g2: points(&file, section::TAU_G2, n)?,
            alpha_g1: points(&file, section::ALPHA_G1, n)?,
            beta_g1: points(&file, section::BETA_G1, n)?,
            beta_g2: points(&file, section::BETA_G2, 1)?[0],
        };
        let mut section = file.section(section::CONTRIBUTIONS)?;
        let mut contributions = Vec::new();
        for _ in 0..section.number()? {
            contributions.push(PowersContribution::read(&mut section)?);
        }
        section.require_end()?;
        Ok(Self { file, power, ceremony_power, points, contributions })
    }

    /// The contents of a file of phase 1 that nobody has contributed to.
    ///
    /// # Panics
    /// If the power is 0 or above [`GREATEST_POWER`].
    pub fn begin(power: u32) -> Vec<u8> {
        assert!((1..=GREATEST_POWER).contains(&power), "a power is 1 to {GREATEST_POWER}");
        let n = 1usize << power;
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let points = PowerPoints {
            tau_g1: vec![g1; 2 * n - 1],
            tau_g2: vec![g2; n],
            alpha_g1: vec![g1; n],
            beta_g1: vec![g1; n],
            beta_g2: g2,
        };
        let mut out = SectionWriter::new(b"ptau", 7, (384 << power) + 1024);
        write_powers(&mut out, [power; 2], &points, &[]);
        out.finish()
    }

    /// The file's path, as errors name it.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The power of two of powers that it has.
    pub fn power(&self) -> u32 {
        self.power
    }

    /// Whether it has what phase 2 begins with, so that it need not be computed.
    pub fn is_prepared(&self) -> bool {
        section::LAGRANGE.iter().all(|&number| self.file.section(number).is_ok())
    }

    /// The contributions, in their order.
    pub fn contributions(&self) -> Vec<Contribution> {
        let shown = |contribution: &PowersContribution| Contribution {
            hash: contribution.response(),
            name: contribution.parameters.name(),
            beacon: contribution.parameters.beacon.clone(),
        };
        self.contributions.iter().map(shown).collect()
    }

    /// SHA-256 of what is in the file before phase 2 is prepared, which tells one phase 1 from another.
    pub fn digest(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        for number in section::HEADER..=section::CONTRIBUTIONS {
            let mut section = self.file.section(number).expect("it was read");
            hasher.update(section.rest());
        }
        hasher.finalize().into()
    }

    /// The hash that the next contribution is made on.
    pub(crate) fn challenge(&self) -> Hash {
        match self.contributions.last() {
            Some(last) => last.next_challenge,
            None => challenge::first_challenge(self.ceremony_power),
        }
    }

    pub(crate) fn refused(&self, fault: Fault) -> CeremonyError {
        CeremonyError::Refused { path: self.path().to_owned(), fault }
    }
}

fn points<P: CeremonyPoint>(
    file: &Sections,
    number: u32,
    count: usize,
) -> Result<Vec<P>, CeremonyError> {
    let mut section = file.section(number)?;
    let points = P::read(&mut section, count)?;
    section.require_end()?;
    Ok(points)
}

/// Appends sections 1 to 7.
fn write_powers(
    out: &mut SectionWriter,
    powers: [u32; 2],
    points: &PowerPoints,
    contributions: &[PowersContribution],
) {
    out.section(section::HEADER, |bytes| {
        write_field::<Fq>(bytes);
        powers.iter().for_each(|power| bytes.extend(power.to_le_bytes()));
    });
    out.points(section::TAU_G1, &points.tau_g1);
    out.points(section::TAU_G2, &points.tau_g2);
    out.points(section::ALPHA_G1, &points.alpha_g1);
    out.points(section::BETA_G1, &points.beta_g1);
    out.points(section::BETA_G2, &[points.beta_g2]);
    out.section(section::CONTRIBUTIONS, |bytes| {
        bytes.extend((contributions.len() as u32).to_le_bytes());
        contributions.iter().for_each(|contribution| contribution.write(bytes));
    });
}

/// The point of G2 that the proof of knowledge of a secret is on: 0 tau, 1 alpha, 2 beta.
pub(crate) fn knowledge_base(
    secret: usize,
    challenge: &Hash,
    one: &G1Affine,
    multiple: &G1Affine,
) -> G2Affine {
    let hash = blake2b(&[&[secret as u8], challenge, &one.hashed(), &multiple.hashed()]);
    crate::draw::hash_to_g2(&hash)
}
