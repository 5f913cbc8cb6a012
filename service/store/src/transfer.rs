//! Copies all of one store into an empty one, between any databases.

use futures_util::TryStreamExt;
use sqlx::Row;

use super::{Database, Store, broken};
use crate::error::{BackupError, StoreError};

/// A table in SQLite; PostgreSQL has the same.
struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
}

/// The types of columns in both databases.
#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Bytes,
    Text,
}

impl Store {
    /// Returns the tables, those that others refer to first.
    async fn tables(&self) -> Result<Vec<Table>, StoreError> {
        let names: Vec<(String,)> = sqlx::query_as(
            "SELECT name FROM sqlite_master
             WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'
             ORDER BY rowid",
        )
        .fetch_all(self.pool())
        .await?;
        let mut tables = Vec::with_capacity(names.len());
        for (name,) in names {
            let columns: Vec<(String, String)> =
                sqlx::query_as("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
                    .bind(&name)
                    .fetch_all(self.pool())
                    .await?;
            let columns = columns.into_iter().map(|(column, kind)| match kind.as_str() {
                "INTEGER" => Ok((column, Kind::Integer)),
                "BLOB" => Ok((column, Kind::Bytes)),
                "TEXT" => Ok((column, Kind::Text)),
                _ => Err(broken("a column's type")),
            });
            tables.push(Table { name, columns: columns.collect::<Result<_, _>>()? });
        }
        Ok(tables)
    }

    /// Copies everything committed so far into a store that must be empty, in one transaction.
    ///
    /// # Errors
    /// [`BackupError::DatabaseHoldsState`] if the other is not empty; then nothing is copied.
    pub(super) async fn copy_into(&self, to: &Self) -> Result<(), StoreError> {
        // One of the two is a file, whose schema is that of both.
        let described = if self.database() == Database::Sqlite { self } else { to };
        let tables = described.tables().await?;
        let mut reading = self.begin_reading().await?;
        let mut writing = to.begin_rows().await?;
        for table in &tables {
            let statement = format!("SELECT count(*) FROM \"{}\"", table.name);
            let (rows,): (i64,) =
                sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_one(&mut *writing).await?;
            if rows > 0 {
                return Err(BackupError::DatabaseHoldsState.into());
            }
        }
        for table in &tables {
            let columns: Vec<String> =
                table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let columns = columns.join(", ");
            let places: Vec<String> =
                (1..=table.columns.len()).map(|place| format!("${place}")).collect();
            let select = format!("SELECT {columns} FROM \"{}\"", table.name);
            let insert = format!(
                "INSERT INTO \"{}\" ({columns}) VALUES ({})",
                table.name,
                places.join(", ")
            );
            let mut rows = sqlx::query(sqlx::AssertSqlSafe(select)).fetch(&mut *reading);
            while let Some(row) = rows.try_next().await? {
                let mut insert = sqlx::query(sqlx::AssertSqlSafe(insert.clone()));
                for (place, (_, kind)) in table.columns.iter().enumerate() {
                    insert = match kind {
                        Kind::Integer => insert.bind(row.try_get::<Option<i64>, _>(place)?),
                        Kind::Bytes => insert.bind(row.try_get::<Option<Vec<u8>>, _>(place)?),
                        Kind::Text => insert.bind(row.try_get::<Option<String>, _>(place)?),
                    };
                }
                insert.execute(&mut *writing).await?;
            }
        }
        writing.commit().await?;
        Ok(reading.rollback().await?)
    }
}
