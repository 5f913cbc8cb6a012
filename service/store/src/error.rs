//! What can go wrong, and who has to act.

use std::io;
use std::path::{Path, PathBuf};

use praman_files::FileError;
use praman_holder::HolderError;

/// An error of the program. Its [`exit code`](ServiceError::exit_code) shows a script what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The act is refused.
    #[error("{0}")]
    Refused(String),
    /// The credential to be revoked is not live.
    #[error("office {office:?} has no live credential of {register_no:?}; nothing was revoked")]
    NotLive {
        /// The office's name.
        office: String,
        /// The holder's number in its register.
        register_no: String,
    },
    /// The command was used wrongly.
    #[error("{0}")]
    WrongUse(String),
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The store failed.
    #[error("the store: {}", crate::pooler::advice(.0))]
    Store(#[from] sqlx::Error),
    /// The store was written by a newer program, or its schema can't be migrated.
    #[error("the store's schema: {}", crate::schema_advice(.0))]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// A tree is full, or its stored form is broken.
    #[error(transparent)]
    Tree(#[from] praman_circuits::merkle::TreeError),
    /// Keys can't be made or used.
    #[error(transparent)]
    Keys(#[from] praman_prover::KeyError),
    /// No proof was made.
    #[error(transparent)]
    Proving(#[from] praman_prover::ProvingError),
    /// A key store has failed.
    #[error("the key store: {0}")]
    KeyStore(String),
    /// The ledger failed.
    #[error("the ledger: {0}")]
    Ledger(String),
}

impl From<FileError> for ServiceError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io { path, source } => Self::File { path, source },
            FileError::Malformed { path, reason } => Self::Malformed { path, reason },
            FileError::Exists(_) | FileError::EmptyPassphrase => Self::WrongUse(error.to_string()),
            FileError::WrongPassphrase | FileError::Sealing(_) => Self::Refused(error.to_string()),
        }
    }
}

impl From<HolderError> for ServiceError {
    fn from(error: HolderError) -> Self {
        match error {
            HolderError::File(error) => error.into(),
            HolderError::Tree(error) => error.into(),
            HolderError::Unfit(reason) => Self::WrongUse(reason),
            HolderError::Untrue(_)
            | HolderError::Envelope(_)
            | HolderError::Credential(_)
            | HolderError::NotStanding(_)
            | HolderError::Proof { .. } => Self::Refused(error.to_string()),
        }
    }
}

impl ServiceError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::NotLive { .. } => 1,
            Self::WrongUse(_) | Self::Malformed { .. } => 2,
            Self::Keys(error) => match error {
                praman_prover::KeyError::File { .. } | praman_prover::KeyError::Setup(_) => 3,
                _ => 2,
            },
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => 2,
            _ => 3,
        }
    }

    /// Creates an error at a file.
    pub fn file(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// Creates the error of a file that does not hold what it should.
    pub fn malformed(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Malformed { path: path.to_owned(), reason: reason.to_string() }
    }
}
