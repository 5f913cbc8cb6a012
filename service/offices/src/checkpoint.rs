//! Checkpoints: the state roots that the ledger has recorded, with their days.

use praman_circuits::eligibility::Checkpoint;
use praman_circuits::period::Day;
use praman_store::error::StoreError;
use praman_store::{WriteTransaction, broken, bytes};
use sqlx::AnyConnection;

use crate::OfficeStore;

/// Keeps a checkpoint, as the ledger's event has it, with its number and block.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn keep(
    transaction: &mut WriteTransaction,
    (number, block): (u32, u64),
    checkpoint: Checkpoint,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO checkpoint (number, state_root, as_of, block) VALUES ($1, $2, $3, $4)",
    )
    .bind(i64::from(number))
    .bind(bytes(checkpoint.state_root.to_field()))
    .bind(i64::from(checkpoint.as_of.0))
    .bind(block as i64)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Deletes checkpoints of blocks above `last`: another chain has replaced them.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn forget_after(transaction: &mut WriteTransaction, last: u64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM checkpoint WHERE block > $1")
        .bind(last as i64)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Returns the latest day of a checkpoint, as a connection sees it; none before there is one.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn newest_day(connection: &mut AnyConnection) -> Result<Option<Day>, StoreError> {
    let (day,): (Option<i64>,) =
        sqlx::query_as("SELECT max(as_of) FROM checkpoint").fetch_one(connection).await?;
    day.map(|day| u32::try_from(day).map(Day).map_err(|_| broken("a checkpoint's day"))).transpose()
}

impl OfficeStore<'_> {
    /// Returns the latest day of a checkpoint; none before there is one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn newest_checkpoint_day(&self) -> Result<Option<Day>, StoreError> {
        newest_day(&mut *self.0.pool().acquire().await?).await
    }

    /// Returns the number of the latest checkpoint with a root and day; none if the ledger has no such checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn checkpoint_number(
        &self,
        checkpoint: Checkpoint,
    ) -> Result<Option<u64>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT number FROM checkpoint WHERE state_root = $1 AND as_of = $2
             ORDER BY number DESC LIMIT 1",
        )
        .bind(bytes(checkpoint.state_root.to_field()))
        .bind(i64::from(checkpoint.as_of.0))
        .fetch_optional(self.0.pool())
        .await?;
        let number = |(number,)| u64::try_from(number).map_err(|_| broken("a checkpoint's number"));
        row.map(number).transpose()
    }
}
