//! iden3's binary files, `.zkey`, `.ptau`, `.r1cs` and `.wtns`: sections by number, numbers lowest byte first.
//!
//! Source: iden3, *binfileutils*; snarkjs 0.7 `zkey_utils.js` and `wtns_utils.js`.

use std::path::{Path, PathBuf};

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ff::{BigInt, Fp, PrimeField, Zero};
use rayon::prelude::*;
use zeroize::Zeroize;

use crate::key_store::KeyError;

/// Bytes of a number of a field.
const NUMBER_BYTES: usize = 32;
/// Bytes of a point of G1.
pub const G1_BYTES: usize = 64;
/// Bytes of a point of G2.
pub const G2_BYTES: usize = 128;

/// No kind of file has as many sections.
const MOST_SECTIONS: u32 = 64;

/// A file of sections.
pub struct Sections {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Number, begin and end of each section.
    sections: Vec<(u32, usize, usize)>,
}

impl Drop for Sections {
    /// A witness may be in it.
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Sections {
    /// Reads a file of a kind and version.
    ///
    /// # Errors
    /// [`KeyError::File`]; else as [`Sections::parse`].
    pub fn read(path: &Path, kind: &[u8; 4], version: u32) -> Result<Self, KeyError> {
        let bytes = std::fs::read(path)
            .map_err(|source| KeyError::File { path: path.to_owned(), source })?;
        Self::parse(path, bytes, kind, version)
    }

    /// Takes a file's contents apart. The path is what errors name.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where it is of another kind or version, cut, has a section twice or bytes behind its end.
    pub fn parse(
        path: &Path,
        bytes: Vec<u8>,
        kind: &[u8; 4],
        version: u32,
    ) -> Result<Self, KeyError> {
        let mut file = Self { path: path.to_owned(), bytes, sections: Vec::new() };
        let mut reader = file.at(None, 0, file.bytes.len());
        let name = String::from_utf8_lossy(kind).into_owned();
        if reader.take(4)? != kind {
            return Err(reader.malformed(format!("it is no .{name} file")));
        }
        let found = reader.number()?;
        if found != version {
            return Err(reader.malformed(format!("version {found} of .{name} is not {version}")));
        }
        let count = reader.number()?;
        if count > MOST_SECTIONS {
            return Err(
                reader.malformed(format!("it has {count} sections, more than any such file"))
            );
        }
        let mut sections: Vec<(u32, usize, usize)> = Vec::new();
        for _ in 0..count {
            let number = reader.number()?;
            let size = reader.long()?;
            let begun = reader.place;
            reader.take(size)?;
            if sections.iter().any(|&(found, ..)| found == number) {
                return Err(reader.malformed(format!("it has section {number} twice")));
            }
            sections.push((number, begun, reader.place));
        }
        reader.require_end()?;
        file.sections = sections;
        Ok(file)
    }

    fn at(&self, number: Option<u32>, place: usize, end: usize) -> SectionReader<'_> {
        SectionReader { path: &self.path, number, bytes: &self.bytes[..end], place }
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file's path, as errors name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The numbers of the sections, in the file's order.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.sections.iter().map(|&(number, ..)| number)
    }

    /// A section by its number.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the file has none of this number.
    pub fn section(&self, number: u32) -> Result<SectionReader<'_>, KeyError> {
        let found = self.sections.iter().find(|(found, ..)| *found == number);
        match found {
            Some(&(_, begin, end)) => Ok(self.at(Some(number), begin, end)),
            None => Err(self.at(None, 0, 0).malformed(format!("it has no section {number}"))),
        }
    }
}

/// Reads a section from its begin.
#[derive(Clone)]
pub struct SectionReader<'a> {
    path: &'a Path,
    /// None of the file's own begin.
    number: Option<u32>,
    bytes: &'a [u8],
    place: usize,
}

impl<'a> SectionReader<'a> {
    /// The error of a file that is not what its name says.
    pub fn malformed(&self, reason: impl std::fmt::Display) -> KeyError {
        let reason = match self.number {
            Some(number) => format!("section {number}: {reason}"),
            None => reason.to_string(),
        };
        KeyError::Malformed { path: self.path.to_owned(), reason }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.place
    }

    /// The place in the file of what is read next.
    pub fn place(&self) -> usize {
        self.place
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.place..];
        self.place = self.bytes.len();
        rest
    }

    /// So many bytes.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the section ends before.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], KeyError> {
        let end = self.place.checked_add(count).filter(|&end| end <= self.bytes.len());
        let cut = || self.malformed(format!("it ends at byte {}", self.bytes.len()));
        let end = end.ok_or_else(cut)?;
        let taken = &self.bytes[self.place..end];
        self.place = end;
        Ok(taken)
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the section ends before.
    pub fn number(&mut self) -> Result<u32, KeyError> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().expect("four bytes")))
    }

    /// A number of 64 bits.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the section ends before.
    pub fn long_number(&mut self) -> Result<u64, KeyError> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().expect("eight bytes")))
    }

    fn long(&mut self) -> Result<usize, KeyError> {
        let size = self.long_number()?;
        usize::try_from(size).map_err(|_| self.malformed("a section is longer than memory"))
    }

    /// Whether nothing is left.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where something is.
    pub fn require_end(&self) -> Result<(), KeyError> {
        match self.left() {
            0 => Ok(()),
            left => {
                Err(self.malformed(format!("{left} bytes too many before {}", self.bytes.len())))
            }
        }
    }

    fn integer(&mut self) -> Result<BigInt<4>, KeyError> {
        let bytes = self.take(32)?;
        let word = |place: usize| {
            u64::from_le_bytes(bytes[8 * place..8 * place + 8].try_into().expect("eight bytes"))
        };
        Ok(BigInt(std::array::from_fn(word)))
    }

    /// A field's size in bytes and its modulus, which must be those of a field of BN254.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where they are others.
    pub fn require_field<F: PrimeField<BigInt = BigInt<4>>>(&mut self) -> Result<(), KeyError> {
        let size = self.number()?;
        if size != 32 || self.integer()? != F::MODULUS {
            return Err(self.malformed("it is of another curve than BN254"));
        }
        Ok(())
    }

    /// A scalar as itself.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where it is cut or not below the modulus.
    pub fn scalar(&mut self) -> Result<Fr, KeyError> {
        let place = self.place;
        let integer = self.integer()?;
        Fr::from_bigint(integer)
            .ok_or_else(|| self.malformed(format!("the number at byte {place} is not canonical")))
    }

    /// A coefficient, which snarkjs keeps times `R^2`.
    ///
    /// # Errors
    /// As [`SectionReader::scalar`].
    pub fn coefficient(&mut self) -> Result<Fr, KeyError> {
        // The number is the Montgomery form of the coefficient's own.
        let form = montgomery::<Fr>(self.scalar()?.into_bigint());
        Ok(montgomery::<Fr>(form.into_bigint()))
    }

    fn coordinate(&mut self) -> Result<Fq, KeyError> {
        let place = self.place;
        let integer = self.integer()?;
        if integer >= Fq::MODULUS {
            return Err(self.malformed(format!("the coordinate at byte {place} is not canonical")));
        }
        Ok(montgomery::<Fq>(integer))
    }

    /// A point of G1, on its curve.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where it is cut, not canonical or not on its curve.
    pub fn g1(&mut self) -> Result<G1Affine, KeyError> {
        let place = self.place;
        let (x, y) = (self.coordinate()?, self.coordinate()?);
        if x.is_zero() && y.is_zero() {
            return Ok(G1Affine::identity());
        }
        let point = G1Affine::new_unchecked(x, y);
        if !point.is_on_curve() {
            return Err(self.malformed(format!("the point at byte {place} is not on its curve")));
        }
        Ok(point)
    }

    /// A point of G2, on its curve and in its subgroup.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where it is cut, not canonical, not on its curve or not in its subgroup.
    pub fn g2(&mut self) -> Result<G2Affine, KeyError> {
        let place = self.place;
        let x = Fq2::new(self.coordinate()?, self.coordinate()?);
        let y = Fq2::new(self.coordinate()?, self.coordinate()?);
        if x.is_zero() && y.is_zero() {
            return Ok(G2Affine::identity());
        }
        let point = G2Affine::new_unchecked(x, y);
        if !point.is_on_curve() {
            return Err(self.malformed(format!("the point at byte {place} is not on its curve")));
        }
        if !point.is_in_correct_subgroup_assuming_on_curve() {
            return Err(self.malformed(format!("the point at byte {place} is not in its subgroup")));
        }
        Ok(point)
    }

    /// So many of something.
    ///
    /// # Errors
    /// That of the first that can't be read; [`KeyError::Malformed`] where something is left.
    pub fn many<T>(
        &mut self,
        count: usize,
        one: impl Fn(&mut Self) -> Result<T, KeyError>,
    ) -> Result<Vec<T>, KeyError> {
        // No more room than the section has numbers, and none left behind by growing.
        let mut all = Vec::with_capacity(count.min(self.left() / NUMBER_BYTES));
        for _ in 0..count {
            all.push(one(self)?);
        }
        self.require_end()?;
        Ok(all)
    }
}

impl<'a> SectionReader<'a> {
    /// So many points of G1, on all cores.
    ///
    /// # Errors
    /// As [`SectionReader::g1`], of the first that is wrong.
    pub fn g1_points(&mut self, count: usize) -> Result<Vec<G1Affine>, KeyError> {
        self.points(count, G1_BYTES, SectionReader::g1)
    }

    /// So many points of G2, on all cores.
    ///
    /// # Errors
    /// As [`SectionReader::g2`], of the first that is wrong.
    pub fn g2_points(&mut self, count: usize) -> Result<Vec<G2Affine>, KeyError> {
        self.points(count, G2_BYTES, SectionReader::g2)
    }

    fn points<P: Send>(
        &mut self,
        count: usize,
        size: usize,
        one: impl Fn(&mut SectionReader<'a>) -> Result<P, KeyError> + Sync,
    ) -> Result<Vec<P>, KeyError> {
        let begin = self.place;
        self.take(count.saturating_mul(size))?;
        let at = |place: usize| one(&mut SectionReader { place: begin + place * size, ..*self });
        (0..count).into_par_iter().map(at).collect()
    }
}

/// The element that a number below the modulus is the Montgomery form of.
fn montgomery<F: FromMontgomery>(form: BigInt<4>) -> F {
    F::from_montgomery(form)
}

trait FromMontgomery {
    fn from_montgomery(form: BigInt<4>) -> Self;
}

impl<C: ark_ff::MontConfig<4>> FromMontgomery for Fp<ark_ff::MontBackend<C, 4>, 4> {
    fn from_montgomery(form: BigInt<4>) -> Self {
        Fp::new_unchecked(form)
    }
}
