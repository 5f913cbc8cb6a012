//! Errors of the holder's side.

use std::path::PathBuf;

use praman_circuits::eligibility::Violation;
use praman_circuits::merkle::TreeError;
use praman_files::FileError;
use praman_verifier::ReadError;

use crate::envelope::EnvelopeError;

/// Why a claim can't be made or read. No variant holds a secret or an attribute.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// A file can't be read or written, or is not of its kind.
    #[error(transparent)]
    File(#[from] FileError),
    /// A place of a tree was never used, or the tree is full.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A clause of the statement does not hold.
    #[error(transparent)]
    Untrue(#[from] Violation),
    /// The envelope can't be sealed.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A field of a credential is invalid.
    #[error("{0}")]
    Credential(String),
    /// The wallet's nullifier is spent.
    #[error(
        "you have already claimed for this period, from this scheme or from one that excludes it: no claim \
         was made, and nobody was told"
    )]
    AlreadyPaid,
    /// The office of a credential is barred, or unknown to the ledger.
    #[error(
        "office {0} is not active on the ledger: it is suspended, debarred, retired or not accredited yet; \
         ask the department, and take a new snapshot afterwards"
    )]
    NotStanding(u32),
    /// The proof in a claim's file is invalid.
    #[error("{}: proof: {fault}", path.display())]
    Proof {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: ReadError,
    },
    /// A snapshot, its changes or a part of a tree do not match.
    #[error("{0}")]
    Unfit(String),
}

impl HolderError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File(error) => error.exit_code(),
            Self::Tree(_) => 3,
            Self::Unfit(_) => 2,
            Self::Untrue(_)
            | Self::Envelope(_)
            | Self::Credential(_)
            | Self::AlreadyPaid
            | Self::NotStanding(_)
            | Self::Proof { .. } => 1,
        }
    }
}
