//! Accepted claims: what the ledger's events say of them, and in which treasury batch each is paid.

use alloy_primitives::U256;
use praman_store::error::StoreError;
use praman_store::{WriteTransaction, change_rows};
use sqlx::AnyConnection;

use crate::chain::ChainError;

/// Records that a claim was accepted in a block, at a place among its claims: its nullifier, payout commitment and
/// envelope's hash.
pub(crate) async fn accept(
    transaction: &mut WriteTransaction,
    (block, position): (u64, u32),
    opening: u32,
    [nullifier, payout, envelope]: [U256; 3],
) -> Result<(), ChainError> {
    sqlx::query(
        "INSERT INTO accepted_claim (nullifier, scheme, period, payout_commitment, block, opening,
             envelope_hash, position)
         SELECT $1, scheme, period, $2, $3, number, $5, $6 FROM opening WHERE number = $4",
    )
    .bind(nullifier.to_be_bytes_vec())
    .bind(payout.to_be_bytes_vec())
    .bind(block as i64)
    .bind(i64::from(opening))
    .bind(envelope.to_be_bytes_vec())
    .bind(i64::from(position))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Deletes what blocks above `last` accepted.
///
/// # Errors
/// [`ChainError::Failed`] if some of it was paid: then a person must decide.
pub(crate) async fn forget_after(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), ChainError> {
    let (paid,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM accepted_claim WHERE block > $1 AND batch IS NOT NULL",
    )
    .bind(last as i64)
    .fetch_one(&mut **transaction)
    .await?;
    if paid > 0 {
        return Err(ChainError::failed(format!(
            "the chain has dropped {paid} claims that were paid: its blocks above {last} were \
             replaced after they were confirmed; nothing is paid until an operator has reviewed it"
        )));
    }
    sqlx::query("DELETE FROM accepted_claim WHERE block > $1")
        .bind(last as i64)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Puts a claim into the batch that pays it.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn put_into_batch(
    connection: &mut AnyConnection,
    nullifier: &[u8],
    batch: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE accepted_claim SET batch = $1 WHERE nullifier = $2")
        .bind(batch)
        .bind(nullifier)
        .execute(connection)
        .await?;
    Ok(())
}

/// Moves a claim from one batch into another; one that is in neither stays.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn move_to_batch(
    connection: &mut AnyConnection,
    nullifier: &[u8],
    (from, to): (&str, &str),
) -> Result<(), StoreError> {
    sqlx::query("UPDATE accepted_claim SET batch = $1 WHERE nullifier = $2 AND batch = $3")
        .bind(to)
        .bind(nullifier)
        .bind(from)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes claims out of their batch: they wait to be paid, as before.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn take_out_of_batch(
    connection: &mut AnyConnection,
    nullifiers: &[Vec<u8>],
) -> Result<(), StoreError> {
    let statement = |places: &str| {
        format!("UPDATE accepted_claim SET batch = NULL WHERE nullifier IN ({places})")
    };
    change_rows(connection, nullifiers, statement).await
}
