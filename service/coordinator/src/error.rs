//! Why a coordinator does not do what it is asked.

use praman_ceremony::SignatureFault;
use praman_store::error::StoreError;

use crate::record::CeremonyName;

/// Why a coordinator does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    /// There is no such ceremony.
    #[error("there is no ceremony {0}")]
    Unknown(CeremonyName),
    /// There is one of this name already.
    #[error("there is a ceremony {0} already")]
    Exists(CeremonyName),
    /// It takes no contributions any more.
    #[error("ceremony {0} takes no more contributions")]
    Closed(CeremonyName),
    /// It is another contributor's turn, or their time was over.
    #[error("it is not your turn: ask for one, and contribute to the file that is the newest then")]
    NotYourTurn,
    /// The policy does not list who asks.
    #[error("the ceremony's policy does not list {0:?} as a contributor")]
    NotListed(String),
    /// Others bring files just now.
    #[error("other files are being brought: try again in a minute")]
    Busy,
    /// They have contributed.
    #[error("you have contributed to this ceremony: each contributor does once")]
    AlreadyContributed,
    /// The file is longer than the newest with one contribution more.
    #[error("the file is longer than the newest with one contribution more, of {0} bytes")]
    TooLong(usize),
    /// The file is not the newest with one contribution more.
    #[error("the contribution is refused: {0}")]
    Refused(String),
    /// An attestation is not signed right.
    #[error("the attestation is refused: {0}")]
    Attestation(#[from] SignatureFault),
    /// An attestation is of a contribution that its bringer did not make here.
    #[error("the attestation is of no contribution that you made here")]
    NotYours,
    /// The policy does not list the attestation's key for who brings it.
    #[error("the ceremony's policy does not list the attestation's key as yours")]
    OtherKey,
    /// The policy names another coordinator, whose receipts alone count.
    #[error(
        "the ceremony's policy names the key of another coordinator: receipts of this one would not count"
    )]
    OtherCoordinator,
    /// The file that a ceremony should begin with can't begin one.
    #[error("the file can't begin a ceremony: {0}")]
    Unfit(String),
    /// A turn has a length that is none.
    #[error("a turn takes 1 minute to 1 week, not {0} s")]
    TurnLength(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CoordinatorError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl CoordinatorError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown(_) | Self::Exists(_) | Self::TurnLength(_) | Self::Unfit(_) => 2,
            Self::Store(error) => error.exit_code(),
            _ => 1,
        }
    }
}
