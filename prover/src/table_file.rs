//! Tables in a file beside their key, so that they are made once.
//!
//! A header names the form, the path of arithmetic whose rows these are, the proving key by its
//! SHA-256 and the memory that they were laid out for; rows follow as words, lowest byte first; SHA-256
//! of everything before ends the file. A file that is not whole, not this key's or not this path's is
//! made anew: it holds nothing that the key does not.

use std::fs;
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};

use sha2::{Digest, Sha256};

use crate::lanes::Row;
use crate::tables::MemoryBudget;

const MAGIC: &[u8; 16] = b"praman-tables-1\0";
const HEADER: usize = 64 + 16;
const ROW: usize = size_of::<Row>();
const DIGEST: usize = 32;

/// Rows that were kept, taken table by table; where there are none they must be made.
#[derive(Default)]
pub(crate) struct KeptRows {
    bytes: Vec<u8>,
    taken: usize,
    /// Some table had to be made.
    made: bool,
}

impl KeptRows {
    /// The next so many rows.
    pub(crate) fn take(&mut self, count: usize) -> Option<Vec<Row>> {
        let bytes = self.bytes.get(self.taken..self.taken + count * ROW);
        self.made |= bytes.is_none();
        self.taken += count * ROW;
        let word = |bytes: &[u8], place: usize| {
            let bytes = bytes[8 * place..8 * place + 8].try_into().expect("eight bytes");
            u64::from_le_bytes(bytes)
        };
        let row = |bytes: &[u8]| Row(std::array::from_fn(|place| word(bytes, place)));
        Some(bytes?.chunks_exact(ROW).map(row).collect())
    }

    /// Whether these were the rows of all tables, no more and no less.
    pub(crate) fn were_all(&self) -> bool {
        !self.made && self.taken == self.bytes.len()
    }
}

/// Where a key's tables lie, and what they must be.
pub(crate) struct TableFile {
    path: PathBuf,
    header: [u8; HEADER],
}

impl TableFile {
    /// The tables of a key, in its folder, for a path of arithmetic and a budget.
    pub(crate) fn new(
        folder: &FilePath,
        arithmetic: &str,
        key: &[u8; DIGEST],
        budget: MemoryBudget,
    ) -> Self {
        let mut header = [0; HEADER];
        header[..16].copy_from_slice(MAGIC);
        header[16..48].copy_from_slice(key);
        header[48..56].copy_from_slice(&(budget.0 as u64).to_le_bytes());
        let length = arithmetic.len().min(16);
        header[64..64 + length].copy_from_slice(&arithmetic.as_bytes()[..length]);
        Self { path: folder.join(format!("tables-{arithmetic}.bin")), header }
    }

    /// The rows, if the file is whole and the one that is wanted; else none.
    pub(crate) fn read(&self) -> KeptRows {
        let Ok(mut bytes) = fs::read(&self.path) else { return KeptRows::default() };
        if bytes.len() < HEADER + DIGEST || bytes[..HEADER] != self.header {
            return KeptRows::default();
        }
        let digest = bytes.split_off(bytes.len() - DIGEST);
        if Sha256::digest(&bytes).as_slice() != digest {
            return KeptRows::default();
        }
        KeptRows { bytes, taken: HEADER, made: false }
    }

    /// Writes rows, in the order in which they are taken, beside the file, and puts them in its place.
    ///
    /// # Errors
    /// What the system says, as on a full disk; what was there before is still there.
    pub(crate) fn write<'a>(&self, tables: impl IntoIterator<Item = &'a [Row]>) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(FilePath::new("."));
        let mut beside = tempfile::NamedTempFile::new_in(folder)?;
        let mut hasher = Sha256::new();
        let mut put = |bytes: &[u8]| {
            hasher.update(bytes);
            beside.write_all(bytes)
        };
        put(&self.header)?;
        let mut buffer = Vec::with_capacity(4_096 * ROW);
        for rows in tables {
            for rows in rows.chunks(4_096) {
                buffer.clear();
                let words = rows.iter().flat_map(|Row(words)| words);
                words.for_each(|word| buffer.extend_from_slice(&word.to_le_bytes()));
                put(&buffer)?;
            }
        }
        beside.write_all(&hasher.finalize())?;
        beside.as_file().sync_all()?;
        beside.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}
