//! What can be wrong with a file, or with a key in it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file can't be read or written, or a key in it can't be opened. No variant holds any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file does not hold what it should.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A key would be overwritten.
    #[error("{} exists; a key is never overwritten", .0.display())]
    Exists(PathBuf),
    /// A passphrase is required, but is empty.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// A sealed key does not open.
    #[error("the passphrase is wrong, or the sealed key was altered")]
    WrongPassphrase,
    /// A key can't be derived or sealed; no input causes this.
    #[error("the key could not be sealed: {0}")]
    Sealing(String),
}

impl FileError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::WrongPassphrase | Self::Sealing(_) => 1,
            Self::Malformed { .. } | Self::Exists(_) | Self::EmptyPassphrase => 2,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => 2,
            Self::Io { .. } => 3,
        }
    }

    /// Creates an error of the system at a file.
    pub fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// Creates the error of a file that does not hold what it should.
    pub fn malformed(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Malformed { path: path.to_owned(), reason: reason.to_string() }
    }
}
