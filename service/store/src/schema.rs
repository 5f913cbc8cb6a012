//! The store's schema: which migrations it has, and which this program knows.

use sqlx::migrate::{Migrate, MigrateError};

use super::Store;
use crate::error::StoreError;

/// A migration of the store's schema.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// What it is about.
    pub description: String,
    /// Whether the store has it.
    pub applied: bool,
}

/// The store's schema compared with this program's.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SchemaState {
    /// The migrations that this program knows, in order.
    pub migrations: Vec<Migration>,
    /// Migrations of a newer program that the store has, by number.
    pub unknown: Vec<i64>,
}

impl SchemaState {
    /// Whether the store has the schema that this program needs.
    pub fn is_current(&self) -> bool {
        self.unknown.is_empty() && self.migrations.iter().all(|migration| migration.applied)
    }
}

impl Store {
    /// Applies the missing migrations.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if a newer program wrote the store, or a migration was altered.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let Some(lock) = self.database.lock_migrations() else {
            return Ok(self.database.migrations().run(&self.writes).await?);
        };
        // All in the transaction that has the lock: a store is brought up to date as a whole, or left as it is.
        let mut transaction = self.begin_rows().await?;
        sqlx::query(lock).execute(&mut *transaction).await?;
        self.database.migrations().run(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Returns which migrations the store has.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn schema_state(&self) -> Result<SchemaState, StoreError> {
        let migrator = self.database.migrations();
        let mut connection = self.writes.acquire().await?;
        let table = migrator.table_name.as_ref();
        connection.ensure_migrations_table(table).await?;
        let applied = connection.list_applied_migrations(table).await?;
        let migrations: Vec<Migration> = migrator
            .iter()
            .map(|known| Migration {
                version: known.version,
                description: known.description.to_string(),
                applied: applied.iter().any(|applied| applied.version == known.version),
            })
            .collect();
        let is_known = |version| migrations.iter().any(|known| known.version == version);
        let unknown = applied
            .iter()
            .map(|applied| applied.version)
            .filter(|&version| !is_known(version))
            .collect();
        Ok(SchemaState { migrations, unknown })
    }
}

/// Returns what to do about a schema that can't be used.
pub fn advice(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(version) => format!(
            "a newer praman has written it (migration {version} is unknown here): use the newer \
             program, or restore a backup"
        ),
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} is not the one that was applied: use the released program")
        }
        other => other.to_string(),
    }
}
