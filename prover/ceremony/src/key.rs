//! Phase 2: the keys of one circuit, as snarkjs' `.zkey` has them on their way from hand to hand.
//!
//! Source: snarkjs 0.7 `zkey_utils.js`, `zkey_new.js`.

use std::path::Path;

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use praman_prover::KeyError;
use praman_prover::sections::{SectionReader, Sections};

use crate::draw::{Hash, blake2b};
use crate::encoding::CeremonyPoint;
use crate::error::{CeremonyError, Fault};
use crate::knowledge::Knowledge;
use crate::parameters::Parameters;
use crate::section_writer::SectionWriter;

mod circuit_hash;
mod contribution;
mod initial;
mod point_behind_the_end;
mod verification;

pub(crate) use circuit_hash::hash_points;
pub use verification::VerifiedKey;

/// snarkjs' number of Groth16.
const GROTH16: u32 = 1;

/// The numbers of the sections.
pub(crate) mod section {
    pub(crate) const PROOF_SYSTEM: u32 = 1;
    pub(crate) const HEADER: u32 = 2;
    pub(crate) const INPUTS: u32 = 3;
    pub(crate) const COEFFICIENTS: u32 = 4;
    pub(crate) const A: u32 = 5;
    pub(crate) const B_G1: u32 = 6;
    pub(crate) const B_G2: u32 = 7;
    pub(crate) const L: u32 = 8;
    pub(crate) const H: u32 = 9;
    pub(crate) const CONTRIBUTIONS: u32 = 10;
}

/// Counts and the points that there is one of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) wires: usize,
    pub(crate) public_inputs: usize,
    pub(crate) domain: usize,
    pub(crate) alpha_g1: G1Affine,
    pub(crate) beta_g1: G1Affine,
    pub(crate) beta_g2: G2Affine,
    pub(crate) gamma_g2: G2Affine,
    pub(crate) delta_g1: G1Affine,
    pub(crate) delta_g2: G2Affine,
}

/// A contribution to a key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyContribution {
    /// Delta in G1 after it.
    pub(crate) delta: G1Affine,
    pub(crate) knowledge: Knowledge,
    /// The hash of all before it, which names the point of G2 of its proof of knowledge.
    pub(crate) transcript: Hash,
    pub(crate) parameters: Parameters,
}

impl KeyContribution {
    /// What is hashed of it.
    pub(crate) fn hashed(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.delta.write_hashed(&mut bytes);
        self.knowledge.one.write_hashed(&mut bytes);
        self.knowledge.multiple.write_hashed(&mut bytes);
        self.knowledge.multiple_g2.write_hashed(&mut bytes);
        bytes.extend(self.transcript);
        bytes
    }

    /// The hash by which its contributor knows it again.
    pub(crate) fn hash(&self) -> Hash {
        blake2b(&[&self.hashed()])
    }

    fn read(section: &mut SectionReader<'_>) -> Result<Self, KeyError> {
        Ok(Self {
            delta: section.g1()?,
            knowledge: Knowledge {
                one: section.g1()?,
                multiple: section.g1()?,
                multiple_g2: section.g2()?,
            },
            transcript: section.take(64)?.try_into().expect("64 bytes"),
            parameters: Parameters::read(section)?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.delta.write(out);
        self.knowledge.one.write(out);
        self.knowledge.multiple.write(out);
        self.knowledge.multiple_g2.write(out);
        out.extend(self.transcript);
        self.parameters.write(out);
    }
}

/// A contribution, as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// Its hash, by which its contributor knows it again.
    pub hash: Hash,
    /// The name that the file has for it. No hash covers it.
    pub name: String,
    /// The beacon that it was made of, if it was.
    pub beacon: Option<crate::Beacon>,
}

/// A key on its way through a ceremony: a whole `.zkey` file whose header and contributions are read.
pub struct CeremonyKey {
    file: Sections,
    header: Header,
    circuit_hash: Hash,
    contributions: Vec<KeyContribution>,
}

impl CeremonyKey {
    /// Reads a `.zkey`.
    ///
    /// # Errors
    /// [`CeremonyError::File`]; where it is malformed it names section and byte.
    pub fn read(path: &Path) -> Result<Self, CeremonyError> {
        Self::of(Sections::read(path, b"zkey", 1)?)
    }

    /// Takes a `.zkey` from memory. The path is what errors name.
    ///
    /// # Errors
    /// As [`CeremonyKey::read`].
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, CeremonyError> {
        Self::of(Sections::parse(path, bytes, b"zkey", 1)?)
    }

    fn of(file: Sections) -> Result<Self, CeremonyError> {
        let mut system = file.section(section::PROOF_SYSTEM)?;
        if system.number()? != GROTH16 {
            return Err(system
                .malformed("it is a key of another proof system than Groth16")
                .into());
        }
        system.require_end()?;
        if let Some(unknown) = file.numbers().find(|number| !(1..=10).contains(number)) {
            let reason = "a key has sections 1 to 10 and no others";
            return Err(file.section(unknown)?.malformed(reason).into());
        }
        let header = read_header(&file)?;
        let (circuit_hash, contributions) = read_contributions(&file)?;
        Ok(Self { file, header, circuit_hash, contributions })
    }

    /// The file's path, as errors name it.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The hash of the key that all contributions were made on: of circuit and phase 1.
    pub fn circuit_hash(&self) -> Hash {
        self.circuit_hash
    }

    /// The power of two of its rows.
    pub fn power(&self) -> u32 {
        self.header.domain.ilog2()
    }

    /// How many wires its circuit has, with the constant one.
    pub fn wires(&self) -> usize {
        self.header.wires
    }

    /// How many of them are public, the constant one not counted.
    pub fn public_inputs(&self) -> usize {
        self.header.public_inputs
    }

    /// The contributions, in their order.
    pub fn contributions(&self) -> Vec<Contribution> {
        let shown = |contribution: &KeyContribution| Contribution {
            hash: contribution.hash(),
            name: contribution.parameters.name(),
            beacon: contribution.parameters.beacon.clone(),
        };
        self.contributions.iter().map(shown).collect()
    }

    pub(crate) fn refused(&self, fault: Fault) -> CeremonyError {
        CeremonyError::Refused { path: self.path().to_owned(), fault }
    }

    /// All points of a section, of as many as the header says.
    pub(crate) fn points<P: CeremonyPoint>(&self, number: u32) -> Result<Vec<P>, KeyError> {
        let Header { wires, public_inputs, domain, .. } = self.header;
        let count = match number {
            section::INPUTS => public_inputs + 1,
            section::L => wires - public_inputs - 1,
            section::H => domain,
            _ => wires,
        };
        let mut section = self.file.section(number)?;
        let points = P::read(&mut section, count)?;
        section.require_end()?;
        Ok(points)
    }

    /// Whether a contribution is a person's. No hash covers it: a beacon's may be called a person's.
    fn has_person(&self) -> bool {
        self.contributions.iter().any(|it| it.parameters.beacon.is_none())
    }

    /// A section as it stands in the file.
    pub(crate) fn bytes(&self, number: u32) -> Result<&[u8], KeyError> {
        Ok(self.file.section(number)?.rest())
    }
}

fn read_header(file: &Sections) -> Result<Header, KeyError> {
    let mut header = file.section(section::HEADER)?;
    header.require_field::<Fq>()?;
    header.require_field::<Fr>()?;
    let [wires, public_inputs, domain] =
        [header.number()?, header.number()?, header.number()?].map(|number| number as usize);
    if public_inputs >= wires || !domain.is_power_of_two() || !(2..=1 << 27).contains(&domain) {
        return Err(header.malformed(format!(
            "{wires} wires, {public_inputs} public inputs and a domain of {domain} are no circuit"
        )));
    }
    let read = Header {
        wires,
        public_inputs,
        domain,
        alpha_g1: header.g1()?,
        beta_g1: header.g1()?,
        beta_g2: header.g2()?,
        gamma_g2: header.g2()?,
        delta_g1: header.g1()?,
        delta_g2: header.g2()?,
    };
    header.require_end()?;
    Ok(read)
}

fn read_contributions(file: &Sections) -> Result<(Hash, Vec<KeyContribution>), KeyError> {
    let mut section = file.section(section::CONTRIBUTIONS)?;
    let circuit_hash = section.take(64)?.try_into().expect("64 bytes");
    let mut contributions = Vec::new();
    for _ in 0..section.number()? {
        contributions.push(KeyContribution::read(&mut section)?);
    }
    section.require_end()?;
    Ok((circuit_hash, contributions))
}

/// Appends the sections that say what a key is of.
pub(crate) fn write_header(out: &mut SectionWriter, header: &Header) {
    out.section(section::PROOF_SYSTEM, |bytes| bytes.extend(GROTH16.to_le_bytes()));
    out.section(section::HEADER, |bytes| {
        crate::section_writer::write_field::<Fq>(bytes);
        crate::section_writer::write_field::<Fr>(bytes);
        for count in [header.wires, header.public_inputs, header.domain] {
            bytes.extend((count as u32).to_le_bytes());
        }
        header.alpha_g1.write(bytes);
        header.beta_g1.write(bytes);
        header.beta_g2.write(bytes);
        header.gamma_g2.write(bytes);
        header.delta_g1.write(bytes);
        header.delta_g2.write(bytes);
    });
}

/// Appends circuit hash and contributions.
pub(crate) fn write_contributions(
    out: &mut SectionWriter,
    circuit_hash: &Hash,
    contributions: &[KeyContribution],
) {
    out.section(section::CONTRIBUTIONS, |bytes| {
        bytes.extend(circuit_hash);
        bytes.extend((contributions.len() as u32).to_le_bytes());
        contributions.iter().for_each(|contribution| contribution.write(bytes));
    });
}

/// Delta before any contribution.
pub(crate) fn first_delta() -> (G1Affine, G2Affine) {
    (G1Affine::generator(), G2Affine::generator())
}
