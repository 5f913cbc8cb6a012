//! The store: one SQLite file, or one PostgreSQL database for any number of programs.

mod backup;
mod database;
mod lease;
mod schema;

use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::field::{from_be_bytes, to_be_bytes};
use praman_circuits::merkle::{NodeChange, Tree};
use sqlx::{Any, AnyPool, Transaction};

use crate::error::ServiceError;
pub use database::{Database, Location};
pub use lease::LeaseToken;
pub(crate) use schema::advice as schema_advice;
pub use schema::{Migration, SchemaState};

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
}

impl TreeName {
    fn number(self) -> i64 {
        match self {
            Self::State => 0,
            Self::Office(office) => i64::from(office) + 1,
        }
    }
}

impl Store {
    /// Opens the store in a folder, making both where they do not exist.
    ///
    /// # Errors
    /// As [`Store::connect`].
    pub async fn open(folder: &Path) -> Result<Self, ServiceError> {
        Self::connect(&Location::Folder(folder.to_owned())).await
    }

    /// Opens a store and brings its schema up to date.
    ///
    /// # Errors
    /// [`ServiceError::Schema`] if a newer program wrote the store; else of the system.
    pub async fn connect(location: &Location) -> Result<Self, ServiceError> {
        let store = Self::connect_as_it_is(location).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens a store whatever its schema.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn connect_as_it_is(location: &Location) -> Result<Self, ServiceError> {
        let (database, reads, writes) = database::connect(location).await?;
        Ok(Self { database, reads, writes })
    }

    /// Which database it is.
    pub fn database(&self) -> Database {
        self.database
    }

    /// For reading.
    pub fn pool(&self) -> &AnyPool {
        &self.reads
    }

    /// For single statements that write.
    pub fn writer(&self) -> &AnyPool {
        &self.writes
    }

    /// Begins a transaction that writes what many share: trees, the chain. It holds the one lock of
    /// such transactions from its beginning, so what is read under it, no other changes.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn begin(&self) -> Result<WriteTransaction, ServiceError> {
        let mut transaction = self.begin_rows().await?;
        if let Some(lock) = self.database.lock() {
            sqlx::query(lock).execute(&mut *transaction).await?;
        }
        Ok(transaction)
    }

    /// Begins a transaction that writes rows of its own.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn begin_rows(&self) -> Result<WriteTransaction, ServiceError> {
        Ok(self.writes.begin_with(self.database.begin()).await?)
    }

    /// Closes all connections, so that what was written is whole in the database's own files.
    pub async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }

    /// A tree as it is stored; nothing is hashed.
    ///
    /// # Errors
    /// [`ServiceError::Store`] or [`ServiceError::Tree`].
    pub async fn tree<const DEPTH: usize>(
        &self,
        name: TreeName,
    ) -> Result<Tree<DEPTH>, ServiceError> {
        let rows: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT level, position, value FROM tree_node WHERE tree = $1 ORDER BY level, position",
        )
        .bind(name.number())
        .fetch_all(&self.reads)
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
}

/// Writes a tree's changed nodes.
///
/// # Errors
/// [`ServiceError::Store`].
pub async fn write_nodes(
    transaction: &mut WriteTransaction,
    tree: TreeName,
    changes: &[NodeChange],
) -> Result<(), ServiceError> {
    for NodeChange { level, index, value } in changes {
        sqlx::query(
            "INSERT INTO tree_node (tree, level, position, value) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tree, level, position) DO UPDATE SET value = excluded.value",
        )
        .bind(tree.number())
        .bind(*level as i64)
        .bind(*index as i64)
        .bind(bytes(*value))
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// A field element as a column has it.
pub fn bytes(element: Fr) -> Vec<u8> {
    to_be_bytes(element).to_vec()
}

/// A field element from a column.
///
/// # Errors
/// [`ServiceError::Store`] if the column holds none.
pub fn field(column: &[u8]) -> Result<Fr, ServiceError> {
    column.try_into().ok().and_then(from_be_bytes).ok_or_else(|| broken("a field element"))
}

fn broken(what: &str) -> ServiceError {
    ServiceError::Store(sqlx::Error::Decode(format!("{what} is not what was stored").into()))
}
