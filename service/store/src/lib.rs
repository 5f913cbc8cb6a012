//! The store: one SQLite file, or one PostgreSQL database for any number of programs.
//!
//! ```
//! use praman_store::{Store, TreeName, key_store::{DataKey, MasterKey}, put_leaves};
//! use praman_circuits::{Fr, office::OFFICE_DEPTH};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//!
//! // A change of a tree, in a transaction that holds the lock of shared state.
//! let mut transaction = store.begin().await?;
//! let leaves = [(0, Fr::from(7u64))];
//! put_leaves::<OFFICE_DEPTH>(&mut transaction, TreeName::Office(0), &leaves).await?;
//! transaction.commit().await?;
//! assert_eq!(store.tree::<OFFICE_DEPTH>(TreeName::Office(0)).await?.leaf(0), Fr::from(7u64));
//!
//! // A key of one content, wrapped by the master key.
//! let (master, key) = (MasterKey::in_memory(), DataKey::generate());
//! let wrapped = master.wrap(&key, "an example")?;
//! assert!(master.unwrap(&wrapped, "another purpose").is_err());
//! # Ok(())
//! # }
//! ```

mod backup;
pub mod computation;
mod database;
pub mod error;
pub mod failpoint;
pub mod key_store;
mod lease;
mod master_key;
mod migrations;
pub mod named;
mod network;
pub mod peer;
mod pooler;
mod row;
mod schema;
pub mod sealed_content;
mod setting;
mod transfer;
mod tree_path;
pub mod waiters;

use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::field::{from_be_bytes, to_be_bytes};
use praman_circuits::merkle::{NodeChange, Tree};
use praman_circuits::office::StateRoot;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};

use crate::error::StoreError;
#[doc(hidden)]
pub use sqlx;

pub use database::{Database, Location, change_rows, milliseconds, places};
pub use lease::LeaseToken;
pub use network::{EMBEDDED_CHAIN_ID, is_on_real_nodes};
pub use schema::advice as schema_advice;
pub use schema::{Migration, SchemaState};
pub use setting::Setting;
pub use tree_path::{put_leaves, read_path, read_root};

/// An open store.
#[derive(Clone)]
pub struct Store {
    database: Database,
    reads: AnyPool,
    writes: AnyPool,
}

/// A transaction that may write.
pub type WriteTransaction = Transaction<'static, Any>;

/// Which tree a node belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeName {
    /// The state's tree of offices.
    State,
    /// The tree of the office with this number.
    Office(u32),
    /// The records of the provider with this number.
    Records(u32),
    /// The consents of the provider with this number.
    Consents(u32),
    /// The state's tree on the ledger, from its events.
    Ledger,
}

/// Above the numbers of the state's and the offices' trees.
const PROVIDERS_TREES: i64 = 1 << 33;

impl TreeName {
    fn number(self) -> i64 {
        match self {
            Self::Ledger => -1,
            Self::State => 0,
            Self::Office(office) => i64::from(office) + 1,
            Self::Records(provider) => PROVIDERS_TREES + 2 * i64::from(provider),
            Self::Consents(provider) => PROVIDERS_TREES + 2 * i64::from(provider) + 1,
        }
    }

    fn of_number(number: i64) -> Self {
        match number {
            -1 => Self::Ledger,
            0 => Self::State,
            number if number < PROVIDERS_TREES => Self::Office((number - 1) as u32),
            number => {
                let number = number - PROVIDERS_TREES;
                let provider = (number / 2) as u32;
                if number % 2 == 0 { Self::Records(provider) } else { Self::Consents(provider) }
            }
        }
    }
}

impl Store {
    /// Writes something small, to see whether the store accepts it.
    ///
    /// # Errors
    /// [`StoreError::Database`] if it does not, e.g. because the disk is full.
    pub async fn try_writing(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin_rows().await?;
        sqlx::query(
            "INSERT INTO chain_setting (key, value) VALUES ('writable', $1)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(jiff::Timestamp::now().as_millisecond().to_be_bytes().to_vec())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Opens the store in a folder, creating both if they do not exist.
    ///
    /// # Errors
    /// As [`Store::connect`].
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::connect(&Location::Folder(folder.to_owned())).await
    }

    /// Opens a store and migrates its schema.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if a newer program wrote the store; else an error of the system.
    pub async fn connect(location: &Location) -> Result<Self, StoreError> {
        let store = Self::connect_as_it_is(location).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens a store with any schema.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn connect_as_it_is(location: &Location) -> Result<Self, StoreError> {
        let (database, reads, writes) = database::connect(location).await?;
        Ok(Self { database, reads, writes })
    }

    /// Which database it is.
    pub fn database(&self) -> Database {
        self.database
    }

    /// Returns the pool for reading.
    pub fn pool(&self) -> &AnyPool {
        &self.reads
    }

    /// Returns the pool for single statements that write.
    pub fn writer(&self) -> &AnyPool {
        &self.writes
    }

    /// Begins a transaction that writes shared state: trees, the chain. It holds the one lock of such
    /// transactions from its beginning, so no other changes what is read under it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn begin(&self) -> Result<WriteTransaction, StoreError> {
        let mut transaction = self.begin_rows().await?;
        if let Some(lock) = self.database.lock() {
            sqlx::query(lock).execute(&mut *transaction).await?;
        }
        Ok(transaction)
    }

    /// Begins a transaction that writes only its own rows.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn begin_rows(&self) -> Result<WriteTransaction, StoreError> {
        Ok(self.writes.begin_with(self.database.begin()).await?)
    }

    /// Closes all connections, so that the database's own files are complete.
    pub async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }

    /// Returns a tree as it is stored; nothing is hashed.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Tree`].
    pub async fn tree<const DEPTH: usize>(
        &self,
        name: TreeName,
    ) -> Result<Tree<DEPTH>, StoreError> {
        let mut connection = self.reads.acquire().await?;
        read_tree(&mut connection, name).await
    }

    /// Begins a read-only transaction, which sees one state however long it takes.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn begin_reading(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.reads.begin_with(self.database.begin_reading()).await?)
    }
}

/// Reads a tree as a connection sees it.
///
/// # Errors
/// [`StoreError::Database`] or [`StoreError::Tree`].
pub async fn read_tree<const DEPTH: usize>(
    connection: &mut AnyConnection,
    name: TreeName,
) -> Result<Tree<DEPTH>, StoreError> {
    let rows: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT level, position, value FROM tree_node WHERE tree = $1 ORDER BY level, position",
    )
    .bind(name.number())
    .fetch_all(&mut *connection)
    .await?;
    let mut levels = vec![Vec::new(); DEPTH + 1];
    for (level, position, value) in rows {
        let level = levels.get_mut(level as usize).ok_or_else(|| broken("a tree's level"))?;
        if position as usize != level.len() {
            return Err(broken("a tree's node"));
        }
        level.push(field(&value)?);
    }
    Ok(Tree::from_levels(levels)?)
}

/// The number of a change of the trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeVersion(i64);

impl TreeVersion {
    /// Returns the next change's number, for a transaction of [`Store::begin`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn next(transaction: &mut WriteTransaction) -> Result<Self, StoreError> {
        let (last,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(number), 0) FROM tree_version")
            .fetch_one(&mut **transaction)
            .await?;
        Ok(Self(last + 1))
    }

    /// For trees that are not under the state root, whose changes are never requested.
    pub const NONE: Self = Self(0);

    /// Records the state root of the change. An emptied last place hashes like an unused one, so a root may
    /// recur: its first number counts for all, since the changes after it include those after a later one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keep(
        self,
        transaction: &mut WriteTransaction,
        root: StateRoot,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO tree_version (number, state_root) VALUES ($1, $2)
             ON CONFLICT (state_root) DO NOTHING",
        )
        .bind(self.0)
        .bind(bytes(root.to_field()))
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }

    /// Returns the change that led to a root, if it was ever the root.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn of_root(
        connection: &mut AnyConnection,
        root: StateRoot,
    ) -> Result<Option<Self>, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT number FROM tree_version WHERE state_root = $1")
                .bind(bytes(root.to_field()))
                .fetch_optional(&mut *connection)
                .await?;
        Ok(row.map(|(number,)| Self(number)))
    }

    /// Returns the leaves that have changed since, in order, up to a limit.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn leaves_changed_since(
        self,
        connection: &mut AnyConnection,
        most: usize,
    ) -> Result<Vec<(TreeName, usize)>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT tree, position FROM tree_node WHERE level = 0 AND changed > $1
             ORDER BY tree, position LIMIT $2",
        )
        .bind(self.0)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
        let leaf = |(tree, position)| (TreeName::of_number(tree), position as usize);
        Ok(rows.into_iter().map(leaf).collect())
    }
}

/// Writes a tree's changed nodes.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn write_nodes(
    transaction: &mut WriteTransaction,
    version: TreeVersion,
    tree: TreeName,
    changes: &[NodeChange],
) -> Result<(), StoreError> {
    for NodeChange { level, index, value } in changes {
        sqlx::query(
            "INSERT INTO tree_node (tree, level, position, value, changed) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tree, level, position)
             DO UPDATE SET value = excluded.value, changed = excluded.changed",
        )
        .bind(tree.number())
        .bind(*level as i64)
        .bind(*index as i64)
        .bind(bytes(*value))
        .bind(version.0)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// Returns a field element as stored in a column.
pub fn bytes(element: Fr) -> Vec<u8> {
    to_be_bytes(element).to_vec()
}

/// Reads a field element from a column.
///
/// # Errors
/// [`StoreError::Database`] if the column holds none.
pub fn field(column: &[u8]) -> Result<Fr, StoreError> {
    column.try_into().ok().and_then(from_be_bytes).ok_or_else(|| broken("a field element"))
}

/// Returns the error of a broken stored value.
pub fn broken(what: &str) -> StoreError {
    StoreError::Database(sqlx::Error::Decode(format!("{what} is not what was stored").into()))
}
