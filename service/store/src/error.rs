//! What can go wrong in the store.

use std::path::PathBuf;

use praman_files::FileError;

use crate::key_store::KeyStoreError;

/// Why the store can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed, or a value in it is not what was stored.
    #[error("the store: {}", crate::pooler::advice(.0))]
    Database(#[from] sqlx::Error),
    /// The store was written by a newer program, or its schema can't be migrated.
    #[error("the store's schema: {}", crate::schema_advice(.0))]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// A tree is full, or its stored form is broken.
    #[error(transparent)]
    Tree(#[from] praman_circuits::merkle::TreeError),
    /// A file beside the database can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key store has failed, or refuses.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    /// No backup was made or restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The database's address is none of PostgreSQL.
    #[error(
        "the database's address does not begin with postgres://: correct it, or leave it out to use \
         a file in the folder"
    )]
    Address,
}

/// Why no backup was made or restored. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is there.
    #[error("{} exists, and a backup never overwrites a file: give another file", .0.display())]
    Exists(PathBuf),
    /// The folder holds a state.
    #[error("{} already holds a state; nothing was restored", .0.display())]
    HoldsState(PathBuf),
    /// The database holds a state.
    #[error("the database already holds a state; nothing was restored")]
    DatabaseHoldsState,
    /// A file is left of another state, which would be mixed into the backup.
    #[error(
        "{} is left of another state, and may hold what its last programs wrote; nothing was restored: \
         restore into an empty folder, and keep this file",
        .0.display()
    )]
    LeftOver(PathBuf),
    /// The given time has not come.
    #[error("--made-at lies in the future: give the time at which the backup was made")]
    MadeAtAhead,
    /// A time is given that the backup has itself.
    #[error("the backup itself says when it was made: leave --made-at out")]
    MadeAtKnown,
    /// The backup's own time has not come.
    #[error(
        "the backup says that it was made at {0}, which has not come by this machine's clock; nothing was \
         restored: set the clock, or, if the clock was ahead when the backup was made, say when that was \
         with --made-at"
    )]
    MadeAhead(String),
}

impl StoreError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Database(_) | Self::Schema(_) | Self::Tree(_) => 3,
            Self::File(error) => error.exit_code(),
            Self::KeyStore(error) => error.exit_code(),
            Self::Backup(_) | Self::Address => 2,
        }
    }
}

/// Makes an error also from errors that are inside of one of its variants.
#[macro_export]
macro_rules! through {
    ($outer:ty: $($inner:ty => $variant:ident),* $(,)?) => {
        $(impl From<$inner> for $outer {
            fn from(error: $inner) -> Self {
                Self::$variant(error.into())
            }
        })*
    };
}

/// Makes an error that has a [`StoreError`] have what the database says as well, so that statements end with `?`.
#[macro_export]
macro_rules! from_database {
    ($name:ty) => {
        impl From<$crate::sqlx::Error> for $name {
            fn from(error: $crate::sqlx::Error) -> Self {
                $crate::error::StoreError::from(error).into()
            }
        }
    };
}
