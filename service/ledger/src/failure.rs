//! Why the ledger can't be asked or changed, beside its own refusals.

use alloy_primitives::Address;
use praman_offices::OfficeError;
use praman_store::error::StoreError;

use super::Role;

/// Why the ledger failed. Nothing is known to have been refused: the same may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFailure {
    /// The chain or the nodes failed, or answered otherwise than a chain does.
    #[error("the ledger: {0}")]
    Chain(String),
    /// The folder's network, the nodes' addresses or the accounts' keys are not those that it needs.
    #[error(transparent)]
    Setting(#[from] NetworkSettingError),
    /// An office is not as the ledger needs it.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LedgerFailure {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Chain(_) => 3,
            Self::Setting(error) => error.exit_code(),
            Self::Office(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(LedgerFailure);

/// What is missing or wrong in how a program is connected to a network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkSettingError {
    /// The folder belongs to no network.
    #[error(
        "this folder belongs to no network: start one with `praman ledger start` or `praman ledger \
         deploy`"
    )]
    NoNetwork,
    /// The folder belongs to a network already.
    #[error("this folder already belongs to chain {0}: deploy from another folder")]
    OfNetwork(u64),
    /// The folder's network has no nodes that others could join.
    #[error(
        "this folder belongs to no network of real nodes, and only such a network can be joined"
    )]
    NotJoinable,
    /// The folder's contracts are older than this program.
    #[error(
        "this folder's chain was made by an earlier version, with other contracts: start a new chain in \
         another folder"
    )]
    EarlierVersion,
    /// The description of a network is of another format.
    #[error("the file's format is {found:?}, not {expected:?}")]
    Format {
        /// The file's.
        found: String,
        /// The one that this program reads.
        expected: &'static str,
    },
    /// No node is given.
    #[error("give at least one node's address")]
    NoEndpoint,
    /// A node's address is malformed. It is not shown: it may hold an access key.
    #[error("endpoint {0} is not an http or https address")]
    Endpoint(usize),
    /// The key of an account is not given.
    #[error("the key of account {0} is missing: give it with --account")]
    NoKey(Address),
    /// No key is given of an account with the role that is needed.
    #[error("this needs the key of the {}: give it with --account", .0.name())]
    NoKeyOf(Role),
    /// Participants of real nodes are admitted by their sponsors.
    #[error("on a network of real nodes, add a {} with `praman ledger request`", .0.name())]
    NotEmbedded(Role),
}

impl NetworkSettingError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::OfNetwork(_) | Self::EarlierVersion => 1,
            Self::NoNetwork
            | Self::NotJoinable
            | Self::Format { .. }
            | Self::NoEndpoint
            | Self::Endpoint(_)
            | Self::NoKey(_)
            | Self::NoKeyOf(_)
            | Self::NotEmbedded(_) => 2,
        }
    }
}
