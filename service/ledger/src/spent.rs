//! Which nullifiers are spent, on this ledger or on the one whose place it takes.

use praman_circuits::nullifier::Nullifier;
use praman_circuits::period::Period;
use praman_circuits::scope::Scope;
use praman_holder::spent::{LIST_MAX, NullifierPrefix, SpentCount, SpentNullifiers};
use praman_store::error::StoreError;
use praman_store::{WriteTransaction, bytes, field};
use praman_verifier::contracts::Scopes;
use sqlx::AnyConnection;

use crate::LedgerStore;

/// What is spent in a scope's period: here, and on the earlier ledger.
const SPENT: &str = "SELECT accepted_claim.nullifier FROM accepted_claim
         JOIN opening ON opening.number = accepted_claim.opening
     WHERE accepted_claim.period = $2 AND opening.scope = $1
         AND accepted_claim.nullifier >= $3 AND accepted_claim.nullifier <= $4
     UNION SELECT nullifier FROM inherited_nullifier
     WHERE period = $2 AND scope = $1 AND nullifier >= $3 AND nullifier <= $4";

/// Records nullifiers that the earlier ledger had spent.
pub(crate) async fn inherit(
    transaction: &mut WriteTransaction,
    block: u64,
    event: Scopes::SpentBrought,
) -> Result<(), StoreError> {
    for nullifier in &event.nullifiers {
        sqlx::query(
            "INSERT INTO inherited_nullifier (nullifier, scope, period, block)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(nullifier.to_be_bytes_vec())
        .bind(event.scope.to_be_bytes_vec())
        .bind(i64::from(event.period))
        .bind(block as i64)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// Forgets what blocks above `last` said of it.
pub(crate) async fn forget_after(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM inherited_nullifier WHERE block > $1")
        .bind(last as i64)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

impl LedgerStore<'_> {
    /// Returns whether a nullifier, by its 32 bytes, is spent on the ledger whose place this one takes.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_inherited(
        &self,
        connection: &mut AnyConnection,
        nullifier: &[u8],
    ) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT block FROM inherited_nullifier WHERE nullifier = $1")
                .bind(nullifier)
                .fetch_optional(connection)
                .await?;
        Ok(row.is_some())
    }

    /// Counts the nullifiers that are spent in a scope's period.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn spent_count(
        &self,
        scope: Scope,
        period: Period,
    ) -> Result<SpentCount, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM ({SPENT}) AS spent"));
        let (lowest, highest) = NullifierPrefix::ALL.range();
        let (spent,): (i64,) = sqlx::query_as(statement)
            .bind(bytes(scope.to_field()))
            .bind(i64::from(period.0))
            .bind(lowest.to_vec())
            .bind(highest.to_vec())
            .fetch_one(self.0.pool())
            .await?;
        Ok(SpentCount { scope, period, spent: spent as u64 })
    }

    /// Returns the nullifiers that are spent in a scope's period and begin with a prefix; none if they are more than
    /// [`LIST_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn spent_nullifiers(
        &self,
        scope: Scope,
        period: Period,
        prefix: NullifierPrefix,
    ) -> Result<Option<SpentNullifiers>, StoreError> {
        let (lowest, highest) = prefix.range();
        let limit = LIST_MAX + 1;
        let statement = sqlx::AssertSqlSafe(format!("{SPENT} ORDER BY nullifier LIMIT {limit}"));
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(statement)
            .bind(bytes(scope.to_field()))
            .bind(i64::from(period.0))
            .bind(lowest.to_vec())
            .bind(highest.to_vec())
            .fetch_all(self.0.pool())
            .await?;
        if rows.len() as u64 > LIST_MAX {
            return Ok(None);
        }
        let read = |(bytes,): (Vec<u8>,)| field(&bytes).map(Nullifier::from_field);
        let nullifiers = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Some(SpentNullifiers::new(scope, period, prefix, nullifiers)))
    }
}
