//! Tables in a file beside their key, so that they are made once; mapped, not read.
//!
//! A header names the form, the machine's order of bytes, the path of arithmetic whose rows these are,
//! the proving key by its SHA-256 and how each table is laid out; the rows follow, and SHA-256 of
//! everything before ends the file. A file that is not whole, not this key's or not so laid out is made
//! anew: it holds nothing that the key does not. It is replaced by another file, never written to, so
//! that what is mapped stays as it is.

use std::io::{self, Write};
use std::ops::Deref;
#[cfg(not(target_family = "wasm"))]
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use sha2::{Digest, Sha256};

use crate::lanes::Row;
use crate::tables::Layout;

/// How many tables a key has.
pub(crate) const TABLES: usize = 4;

const MAGIC: &[u8; 16] = b"praman-tables-2\0";
/// Reads otherwise on a machine of another order of bytes.
const ORDER: u64 = 0x0102_0304_0506_0708;
/// Of whole rows, so that those that follow lie as the lanes want them.
const HEADER: usize = 3 * size_of::<Row>();
const DIGEST: usize = 32;

/// A table's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) layout: Layout,
    pub(crate) points: usize,
    /// How many rows it has.
    pub(crate) rows: usize,
}

/// A table's rows: made here, or mapped from a file.
pub(crate) enum Rows {
    Made(Vec<Row>),
    #[cfg(not(target_family = "wasm"))]
    Mapped(mapped::MappedRows),
}

impl Deref for Rows {
    type Target = [Row];

    fn deref(&self) -> &[Row] {
        match self {
            Self::Made(rows) => rows,
            #[cfg(not(target_family = "wasm"))]
            Self::Mapped(rows) => rows.rows(),
        }
    }
}

/// Where a key's tables lie, and what they must be.
pub(crate) struct TableFile {
    path: PathBuf,
    header: [u8; HEADER],
    #[cfg_attr(target_family = "wasm", expect(dead_code, reason = "nothing is mapped there"))]
    shapes: [Shape; TABLES],
}

impl TableFile {
    /// The tables of a key, in its folder, of a path of arithmetic.
    pub(crate) fn new(
        folder: &FilePath,
        arithmetic: &str,
        key: &[u8; DIGEST],
        shapes: [Shape; TABLES],
    ) -> Self {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(key);
        header.extend_from_slice(&ORDER.to_ne_bytes());
        let mut name = [0; 16];
        let length = arithmetic.len().min(name.len());
        name[..length].copy_from_slice(&arithmetic.as_bytes()[..length]);
        header.extend_from_slice(&name);
        for Shape { layout, points, .. } in shapes {
            let [bits, sets] = [layout.digits.bits, layout.sets].map(|number| number as u32);
            header.extend_from_slice(&bits.to_le_bytes());
            header.extend_from_slice(&sets.to_le_bytes());
            header.extend_from_slice(&(points as u64).to_le_bytes());
        }
        header.resize(HEADER, 0);
        let header = header.try_into().expect("it has room");
        Self { path: folder.join(format!("tables-{arithmetic}.bin")), header, shapes }
    }

    /// Where each table lies in the file; the last ends where the digest begins.
    #[cfg(not(target_family = "wasm"))]
    fn places(&self) -> [Range<usize>; TABLES] {
        let mut end = HEADER;
        self.shapes.map(|shape| {
            let begun = end;
            end += shape.rows * size_of::<Row>();
            begun..end
        })
    }

    /// Whether bytes are a whole file of these tables.
    #[cfg(not(target_family = "wasm"))]
    fn is_whole(&self, bytes: &[u8]) -> bool {
        let end = self.places()[TABLES - 1].end;
        bytes.len() == end + DIGEST
            && bytes[..HEADER] == self.header
            && Sha256::digest(&bytes[..end]).as_slice() == &bytes[end..]
    }

    /// Writes tables beside the file and puts them in its place.
    ///
    /// # Errors
    /// What the system says, as on a full disk; what was there before is still there.
    pub(crate) fn write(&self, tables: [&[Row]; TABLES]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(FilePath::new("."));
        let mut beside = tempfile::NamedTempFile::new_in(folder)?;
        let mut hasher = Sha256::new();
        let parts = tables.iter().map(|rows| bytemuck::cast_slice(rows));
        for bytes in std::iter::once(&self.header[..]).chain(parts) {
            hasher.update(bytes);
            beside.write_all(bytes)?;
        }
        beside.write_all(&hasher.finalize())?;
        beside.as_file().sync_all()?;
        beside.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The tables, if the file is whole and the one that is wanted.
    #[cfg(target_family = "wasm")]
    pub(crate) fn map(&self) -> Option<[Rows; TABLES]> {
        None
    }
}

#[cfg(not(target_family = "wasm"))]
mod mapped {
    use std::sync::Arc;

    use std::fs::File;

    use memmap2::Mmap;

    use super::*;

    /// Rows of a mapped file.
    pub(crate) struct MappedRows {
        file: Arc<Mmap>,
        place: Range<usize>,
    }

    impl MappedRows {
        pub(super) fn rows(&self) -> &[Row] {
            bytemuck::cast_slice(&self.file[self.place.clone()])
        }
    }

    /// A file's bytes in memory.
    #[allow(unsafe_code)]
    fn map_file(file: &File) -> io::Result<Mmap> {
        // SAFETY: the bytes must not change while they are mapped. Nobody writes into a file of tables: a new one is
        // written beside it and renamed into its place, which leaves the mapped one as it is. Whoever else may write
        // here may replace the keys as well; what is read is checked against the file's digest once, and rows that
        // changed since would make a proof that the check of each proof refuses.
        unsafe { Mmap::map(file) }
    }

    impl TableFile {
        /// The tables, if the file is whole and the one that is wanted.
        pub(crate) fn map(&self) -> Option<[Rows; TABLES]> {
            let file = map_file(&File::open(&self.path).ok()?).ok()?;
            if !self.is_whole(&file) {
                return None;
            }
            let file = Arc::new(file);
            let rows = |place| Rows::Mapped(MappedRows { file: Arc::clone(&file), place });
            Some(self.places().map(rows))
        }
    }
}
