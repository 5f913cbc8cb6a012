//! Why a key store can't be used.

use std::path::PathBuf;

use cryptoki::error::Error;

/// Why a master key can't be made, opened or used. No variant holds any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The PIN is wrong.
    #[error("the token's PIN is wrong")]
    WrongPin,
    /// The PIN was wrong too often.
    #[error("the token's PIN is locked")]
    PinLocked,
    /// A key would be made beside one of the same label.
    #[error("the token already has a key {0:?}: give another label")]
    LabelTaken(String),
    /// The token's library can't be loaded.
    #[error("the key store: {}: {source}", .module.display())]
    Module {
        /// The library.
        module: PathBuf,
        /// What it says.
        source: Box<Error>,
    },
    /// The token fails.
    #[error("the key store: the token {token:?}: {source}")]
    Token {
        /// Its label or serial number, as it was given.
        token: String,
        /// What it says.
        source: Box<Error>,
    },
    /// No token has the label or serial number.
    #[error("the key store: there is no token {0:?}: check that it is plugged in")]
    NoToken(String),
    /// Several tokens have the label.
    #[error(
        "the key store: there are {} tokens {token:?}: give the serial number of the right one in place \
         of the label: {}",
        .serials.len(),
        .serials.join(", ")
    )]
    SeveralTokens {
        /// The label.
        token: String,
        /// Their serial numbers.
        serials: Vec<String>,
    },
    /// The token does not have the key.
    #[error("the key store: the token {token:?} has no key {key:?}")]
    NoKey {
        /// The token's label or serial number.
        token: String,
        /// The key's label.
        key: String,
    },
    /// The token has more than one key of the label.
    #[error("the key store: the token has several keys {0:?}")]
    SeveralKeys(String),
    /// The same of the key for people's tags.
    #[error("the key store: the token has several keys {0:?} for person tags")]
    SeveralTagKeys(String),
    /// Another program made the key for people's tags at the same time.
    #[error("the key store: another program made the key for person tags: try again")]
    TagKeyMade,
    /// The token computes another hash than was asked for.
    #[error("the key store: the token's keyed hash does not have 32 bytes")]
    TagLength,
    /// A data key can't be wrapped; no input causes this.
    #[error("the key store: a data key could not be wrapped")]
    NotWrapped,
    /// A data key does not unwrap.
    #[error(
        "the key store: a data key was altered, or was wrapped by another master key than the given one"
    )]
    OtherKey,
    /// The store is bound to another master key.
    #[error(
        "the key store: this store's data of people is sealed under another master key: give that key \
         with --master-key"
    )]
    OtherMasterKey,
    /// The token's key for people's tags is not the one that the store is bound to.
    #[error(
        "the key store: the token's key for people's tags is not the one of this store, and would \
         recognise no person: move that key, too, from the old token"
    )]
    OtherTagKey,
    /// A content has more parts than a sealed one can have.
    #[error("the key store: the content is too long to be sealed")]
    TooLong,
    /// A sealed content does not open.
    #[error("the key store: the sealed content was altered, or belongs to another key")]
    Altered,
}

impl KeyStoreError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::WrongPin | Self::PinLocked => 1,
            Self::LabelTaken(_) => 2,
            _ => 3,
        }
    }
}
