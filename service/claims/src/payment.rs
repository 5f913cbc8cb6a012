//! The state of a claim while it is paid. The treasury sets it, in the transaction that orders or settles it.

use praman_store::change_rows;
use praman_store::error::StoreError;
use sqlx::AnyConnection;

use super::state::{ClaimState, Reason};

/// The condition that finds a kept claim by its nullifier, using the index on nullifiers.
const KEPT: &str = "nullifier = $1 AND state NOT IN ('received', 'refused')";

/// Records that an accepted claim is in a batch.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn keep_ordered(
    connection: &mut AnyConnection,
    nullifier: &[u8],
) -> Result<(), StoreError> {
    let statement = format!("UPDATE claim SET state = $2 WHERE {KEPT} AND state = 'accepted'");
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(nullifier)
        .bind(ClaimState::Ordered)
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps that claims were taken out of their batch: they wait to be paid, as before.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn keep_taken_out(
    connection: &mut AnyConnection,
    nullifiers: &[Vec<u8>],
) -> Result<(), StoreError> {
    let statement = |places: &str| {
        format!(
            "UPDATE claim SET state = 'accepted' WHERE state = 'ordered' AND nullifier IN ({places})"
        )
    };
    change_rows(connection, nullifiers, statement).await
}

/// Records what became of a claim's payment; the reason is that of a returned payment.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn keep_payment(
    connection: &mut AnyConnection,
    nullifier: &[u8],
    state: ClaimState,
    reason: Option<Reason>,
) -> Result<(), StoreError> {
    let statement = format!(
        "UPDATE claim SET state = $2, reason = $3
         WHERE {KEPT} AND state IN ('accepted', 'ordered', 'paid', 'returned')"
    );
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(nullifier)
        .bind(state)
        .bind(reason.filter(|_| state == ClaimState::Returned))
        .execute(connection)
        .await?;
    Ok(())
}
