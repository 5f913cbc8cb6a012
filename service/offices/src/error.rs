//! Why an office can't issue or revoke, and why there is no such office.

use praman_circuits::office::StateTree;
use praman_files::FileError;
use praman_store::error::StoreError;

/// Why an office is not made, or nothing is issued or revoked. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The state's tree has no room for another office.
    #[error("the state has {} offices, and no room for more", StateTree::CAPACITY)]
    NoRoom,
    /// Another office has the name.
    #[error("there is already an office {0:?}: give another name")]
    NameTaken(String),
    /// The key is of no office of this store.
    #[error("office {0:?} is not accredited in this folder: make it with `praman office new`")]
    NotAccredited(String),
    /// The ledger does not let the office issue.
    #[error(
        "office {0:?} is suspended, debarred or retired on the ledger and can't issue; see `praman \
         ledger roles`"
    )]
    NotStanding(String),
    /// The office issues credentials of another schema.
    #[error("a register is of residents or households, but this office issues another schema")]
    OtherSchema,
    /// People who are no members of a household know its secret.
    #[error("household {household}: {}; nothing was issued", secret_known(*former))]
    SecretKnown {
        /// The household's number.
        household: String,
        /// How many.
        former: usize,
    },
    /// A commitment is in another person's live credential.
    #[error(
        "{0}: its commitment is in a live credential of another person: each person has a secret of \
         their own; nothing was issued"
    )]
    CommitmentInUse(String),
    /// Two persons of the register have one commitment.
    #[error(
        "{0} and {1} have the same commitment, but each person needs a secret of their own; nothing was \
         issued"
    )]
    CommitmentShared(String, String),
    /// A commitment comes from no secret.
    #[error("{0}: its commitment is zero, which can't come from a secret; nothing was issued")]
    CommitmentZero(String),
    /// A person is, or may be, enrolled already, and no officer has said otherwise.
    #[error(
        "a person has a live credential already, or is a possible duplicate: review it; nothing was issued"
    )]
    NotReviewed,
    /// A number of the register has a live credential.
    #[error("a holder already has a live credential; nothing was issued")]
    AlreadyLive,
    /// The credential to be revoked is not live.
    #[error("office {office:?} has no live credential of {register_no:?}; nothing was revoked")]
    NotLive {
        /// The office's name.
        office: String,
        /// The holder's number in its register.
        register_no: String,
    },
    /// The state was not restored from a backup.
    #[error("this state was not restored: its offices' roots already go to the ledger")]
    NotRestored,
    /// A file can't be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OfficeError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
            _ => 1,
        }
    }
}

praman_store::from_database!(OfficeError);

praman_store::through!(OfficeError: praman_circuits::merkle::TreeError => Store);

/// Says that so many people know a household's secret who are no members of it.
pub fn secret_known(former: usize) -> String {
    format!(
        "{former} of its earlier members, who are neither in it now nor listed as DECEASED, know its secret: make it \
         a new one"
    )
}
