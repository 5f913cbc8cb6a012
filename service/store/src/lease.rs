//! Leases: what only one of several programs does at a time.

use std::time::Duration;

use super::{Store, milliseconds};
use crate::error::StoreError;

/// Who holds a lease, since when: the token changes with every new holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseToken(i64);

impl Store {
    /// Takes or renews a lease by the database's clock; none while another program holds it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn take_lease(
        &self,
        name: &str,
        program: &str,
        length: Duration,
    ) -> Result<Option<LeaseToken>, StoreError> {
        let now = self.database().now();
        let is_over = self.database().is_over("lease.expires_at", length);
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO lease (name, holder, token, expires_at) VALUES ($1, $2, 1, {now} + $3)
             ON CONFLICT (name) DO UPDATE SET
                 token = lease.token + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END,
                 holder = excluded.holder, expires_at = excluded.expires_at
             WHERE lease.holder = excluded.holder OR {is_over}
             RETURNING token"
        ));
        let row: Option<(i64,)> = sqlx::query_as(statement)
            .bind(name)
            .bind(program)
            .bind(milliseconds(length))
            .fetch_optional(self.writer())
            .await?;
        Ok(row.map(|(token,)| LeaseToken(token)))
    }

    /// Releases a lease, so that another program need not wait until it ends.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn give_back_lease(&self, name: &str, program: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE lease SET expires_at = 0 WHERE name = $1 AND holder = $2")
            .bind(name)
            .bind(program)
            .execute(self.writer())
            .await?;
        Ok(())
    }
}
