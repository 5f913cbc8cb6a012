//! Contributing to a key: delta times a secret number, and all points that are over delta divided by it.

use ark_bn254::G1Affine;
use ark_ec::CurveGroup;
use ark_ff::Field;
use blake2::{Blake2b512, Digest};
use zeroize::Zeroizing;

use super::{CeremonyKey, KeyContribution, section, write_contributions, write_header};
use crate::beacon::CHECKED_EXPONENT;
use crate::contributor::{Contributed, Contributor};
use crate::draw::{Hash, hash_to_g2};
use crate::encoding::CeremonyPoint;
use crate::error::CeremonyError;
use crate::knowledge::Knowledge;
use crate::section_writer::SectionWriter;
use crate::sums::scale;

impl CeremonyKey {
    /// Makes a contribution and returns the whole new file. The contributions before it are checked first.
    ///
    /// # Errors
    /// [`CeremonyError`]: what is wrong with the file.
    pub fn contribute(&self, contributor: &Contributor) -> Result<Contributed, CeremonyError> {
        self.check_contributions(0, CHECKED_EXPONENT).map_err(|fault| self.refused(fault))?;
        let mut draw = contributor.draw();
        let secret = draw.scalar();
        let mut before = self.transcript();
        self.contributions.iter().for_each(|earlier| before.update(earlier.hashed()));
        let mut transcript = [0; 64];
        let knowledge = Knowledge::of(&secret, &mut draw, |one, multiple| {
            transcript = transcript_with(&before, one, multiple);
            hash_to_g2(&transcript)
        });
        let mut header = self.header.clone();
        header.delta_g1 = (header.delta_g1 * *secret).into_affine();
        header.delta_g2 = (header.delta_g2 * *secret).into_affine();
        let contribution = KeyContribution {
            delta: header.delta_g1,
            knowledge,
            transcript,
            parameters: contributor.parameters(),
        };
        let hash = contribution.hash();
        let inverse = Zeroizing::new(secret.inverse().expect("a drawn number is not zero"));
        let divided = |number: u32| {
            let points: Vec<G1Affine> = self.points(number)?;
            Ok::<_, CeremonyError>(scale(&points, &inverse))
        };
        let (l, h) = (divided(section::L)?, divided(section::H)?);

        let mut contributions = self.contributions.clone();
        contributions.push(contribution);
        let mut out = SectionWriter::new(b"zkey", 10, self.file.bytes().len() + 1024);
        write_header(&mut out, &header);
        for number in section::INPUTS..=section::B_G2 {
            let unchanged = self.bytes(number)?;
            out.section(number, |bytes| bytes.extend(unchanged));
        }
        out.points(section::L, &l);
        out.points(section::H, &h);
        write_contributions(&mut out, &self.circuit_hash, &contributions);
        Ok(Contributed { file: out.finish(), hash })
    }

    /// The hash of all before the first contribution, into which each is hashed.
    pub(crate) fn transcript(&self) -> Blake2b512 {
        Blake2b512::new_with_prefix(self.circuit_hash)
    }
}

/// The hash of all before a contribution and of its first two points.
pub(crate) fn transcript_with(before: &Blake2b512, one: &G1Affine, multiple: &G1Affine) -> Hash {
    let hasher = before.clone().chain_update(one.hashed()).chain_update(multiple.hashed());
    hasher.finalize().into()
}
