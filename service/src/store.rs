//! The store: one SQLite file, brought up to date when it is opened.

use std::path::Path;
use std::time::Duration;

use praman_circuits::Fr;
use praman_circuits::field::{from_be_bytes, to_be_bytes};
use praman_circuits::merkle::{NodeChange, Tree};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::error::ServiceError;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// An open store.
#[derive(Clone)]
pub struct Store {
    pool: SqlitePool,
}

/// A transaction that holds the store's write lock from its beginning.
pub type WriteTransaction = Transaction<'static, Sqlite>;

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
    /// [`ServiceError::Schema`] if a newer program wrote the store; else of the system.
    pub async fn open(folder: &Path) -> Result<Self, ServiceError> {
        std::fs::create_dir_all(folder).map_err(ServiceError::file(folder))?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join("praman.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(120))
            .pragma("trusted_schema", "OFF");
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        MIGRATIONS.run(&pool).await?;
        Ok(Self { pool })
    }

    /// For reading.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn begin(&self) -> Result<WriteTransaction, ServiceError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
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
            "SELECT level, position, value FROM tree_node WHERE tree = ? ORDER BY level, position",
        )
        .bind(name.number())
        .fetch_all(&self.pool)
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
            "INSERT INTO tree_node (tree, level, position, value) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET value = excluded.value",
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
