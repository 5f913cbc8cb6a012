//! Writes iden3's files of sections.

use ark_ff::{BigInteger, PrimeField};

use crate::encoding::CeremonyPoint;

/// A file's contents, section by section.
pub(crate) struct SectionWriter {
    bytes: Vec<u8>,
    left: u32,
}

impl SectionWriter {
    /// A file of a kind with so many sections, and room for so many bytes.
    pub(crate) fn new(kind: &[u8; 4], sections: u32, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room);
        bytes.extend(kind);
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(sections.to_le_bytes());
        Self { bytes, left: sections }
    }

    /// Appends a section.
    pub(crate) fn section(&mut self, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.extend(number.to_le_bytes());
        let size_at = self.bytes.len();
        self.bytes.extend([0; 8]);
        write(&mut self.bytes);
        let size = (self.bytes.len() - size_at - 8) as u64;
        self.bytes[size_at..size_at + 8].copy_from_slice(&size.to_le_bytes());
        self.left -= 1;
    }

    /// Appends a section of points.
    pub(crate) fn points<P: CeremonyPoint>(&mut self, number: u32, points: &[P]) {
        self.section(number, |bytes| points.iter().for_each(|point| point.write(bytes)));
    }

    /// The whole file.
    pub(crate) fn finish(self) -> Vec<u8> {
        debug_assert_eq!(self.left, 0, "the file has the sections that it says");
        self.bytes
    }
}

/// Appends a field's size and modulus.
pub(crate) fn write_field<F: PrimeField>(out: &mut Vec<u8>) {
    out.extend(32u32.to_le_bytes());
    out.extend(F::MODULUS.to_bytes_le());
}
