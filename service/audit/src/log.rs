//! Adding to the log, and reading it.

use praman_access::{Action, Caller};
use praman_store::broken;
use praman_store::error::StoreError;
use sqlx::AnyConnection;

use super::entry::{AuditEntry, AuditOutcome, COLUMNS, Row};
use crate::AuditStore;

/// The longest subject, in characters: one that is longer is cut.
const SUBJECT_CHARACTERS_MAX: usize = 200;

/// How many entries are read at once.
pub(super) const AT_ONCE: i64 = 1_000;

impl AuditStore<'_> {
    /// Logs an action that a user does, or was refused.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then it must not be done.
    pub(super) async fn log(
        &self,
        caller: &Caller,
        action: Action,
        subject: &str,
        outcome: AuditOutcome,
    ) -> Result<(), StoreError> {
        let mut transaction = self.0.begin_rows().await?;
        let now = self.0.database().now();
        // A writer waits here for the one before it, on both databases.
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO audit_head (one, number, hash) VALUES (1, 1, $1)
             ON CONFLICT (one) DO UPDATE SET number = audit_head.number + 1
             RETURNING number, hash, {now}"
        ));
        let (number, previous, at): (i64, Vec<u8>, i64) =
            sqlx::query_as(statement).bind(vec![0u8; 32]).fetch_one(&mut *transaction).await?;
        let subject = subject.chars().filter(|character| !character.is_control());
        let mut entry = AuditEntry {
            number: u64::try_from(number).map_err(|_| broken("the audit log's head"))?,
            at,
            principal: caller.principal.map(|principal| principal.0),
            name: caller.name.clone(),
            role: caller.role.name().to_owned(),
            tenant: caller.tenant_column().to_owned(),
            action: action.name().to_owned(),
            subject: subject.take(SUBJECT_CHARACTERS_MAX).collect(),
            outcome,
            legal_basis: action.legal_basis().name().to_owned(),
            previous: previous.try_into().map_err(|_| broken("the audit log's head"))?,
            hash: [0; 32],
        };
        entry.hash = entry.compute_hash();
        insert(&mut transaction, &entry).await?;
        sqlx::query("UPDATE audit_head SET hash = $1 WHERE one = 1")
            .bind(entry.hash.to_vec())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Returns entries from a number on, in order: 1,000 at most.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn audit_entries(&self, from: u64) -> Result<Vec<AuditEntry>, StoreError> {
        self.audit_rows(from).await?.into_iter().map(Row::read).collect()
    }

    pub(super) async fn audit_rows(&self, from: u64) -> Result<Vec<Row>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM audit_entry WHERE number >= $1 ORDER BY number LIMIT {AT_ONCE}"
        ));
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        Ok(sqlx::query_as(statement).bind(from).fetch_all(self.0.pool()).await?)
    }

    /// Returns how many entries there are.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn audit_length(&self) -> Result<u64, StoreError> {
        Ok(self.audit_head().await?.map_or(0, |(number, _)| number))
    }

    /// Returns how many entries there are and the hash of the last, as the head has them.
    pub(super) async fn audit_head(&self) -> Result<Option<(u64, [u8; 32])>, StoreError> {
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT number, hash FROM audit_head")
            .fetch_optional(self.0.pool())
            .await?;
        let read = |(number, hash): (i64, Vec<u8>)| {
            Some((u64::try_from(number).ok()?, hash.try_into().ok()?))
        };
        row.map(|row| read(row).ok_or_else(|| broken("the audit log's head"))).transpose()
    }
}

async fn insert(connection: &mut AnyConnection, entry: &AuditEntry) -> Result<(), StoreError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO audit_entry ({COLUMNS})
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    ));
    sqlx::query(statement)
        .bind(entry.number as i64)
        .bind(entry.at)
        .bind(entry.principal.map(i64::from))
        .bind(&entry.name)
        .bind(&entry.role)
        .bind(&entry.tenant)
        .bind(&entry.action)
        .bind(&entry.subject)
        .bind(entry.outcome)
        .bind(&entry.legal_basis)
        .bind(entry.previous.to_vec())
        .bind(entry.hash.to_vec())
        .execute(connection)
        .await?;
    Ok(())
}
