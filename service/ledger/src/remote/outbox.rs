//! Transactions on their way to a chain, kept before they are sent.
//!
//! What is kept is enough to send the same again after a crash at any point: the nonce is taken and
//! the signed bytes are written in one transaction of the store, then they are sent. A claim is kept
//! under its nullifier: submitted a second time, it leads to the existing transaction.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use praman_store::{Store, WriteTransaction};

use super::sending::brings;
use crate::chain::ChainError;

/// A transaction on its way.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) account: Address,
    pub(super) nonce: u64,
    pub(super) target: Option<Address>,
    pub(super) data: Bytes,
    pub(super) gas: u64,
    /// The fee for a unit of gas, in wei; 0 on a network without fees.
    pub(super) fee: u64,
    /// The newest signed form.
    pub(super) raw: Bytes,
    /// The hashes of all forms.
    pub(super) hashes: Vec<B256>,
}

type Row = (Vec<u8>, i64, Option<Vec<u8>>, Vec<u8>, i64, i64, Vec<u8>, Vec<u8>);

const COLUMNS: &str = "account, nonce, target, data, gas, fee, raw, hashes";

fn sent((account, nonce, target, data, gas, fee, raw, hashes): Row) -> Sent {
    Sent {
        account: Address::from_slice(&account),
        nonce: nonce as u64,
        target: target.map(|target| Address::from_slice(&target)),
        data: data.into(),
        gas: gas as u64,
        fee: fee as u64,
        raw: raw.into(),
        hashes: hashes.chunks_exact(32).map(B256::from_slice).collect(),
    }
}

fn joined(hashes: &[B256]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Returns the next nonce of an account: the first from the chain's on that no transaction of ours has. A node that is
/// behind counts fewer than have arrived; a gap that a reorganisation has left is filled.
pub(super) async fn next_nonce(
    store: &Store,
    account: Address,
    on_chain: u64,
) -> Result<u64, ChainError> {
    let taken: Vec<(i64,)> = sqlx::query_as(
        "SELECT nonce FROM outbox WHERE account = $1 AND nonce >= $2 ORDER BY nonce",
    )
    .bind(account.to_vec())
    .bind(on_chain as i64)
    .fetch_all(store.pool())
    .await?;
    let mut next = on_chain;
    for (nonce,) in taken {
        if nonce as u64 != next {
            break;
        }
        next += 1;
    }
    Ok(next)
}

/// Keeps that a transaction has arrived, under a name of its own: the same call may be sent again.
pub(super) async fn keep_done(store: &Store, brings: B256, sent: &Sent) -> Result<(), ChainError> {
    let name = [brings.as_slice(), sent.account.as_slice(), &sent.nonce.to_be_bytes()].concat();
    sqlx::query("UPDATE outbox SET brings = $1 WHERE account = $2 AND nonce = $3")
        .bind(keccak256(name).to_vec())
        .bind(sent.account.to_vec())
        .bind(sent.nonce as i64)
        .execute(store.writer())
        .await?;
    Ok(())
}

/// Keeps a transaction; returns false if another has taken its nonce or submits the same.
pub(super) async fn keep(store: &Store, brings: B256, sent: &Sent) -> Result<bool, ChainError> {
    let mut transaction = store.begin().await?;
    // The nonce of a transaction that the chain has since dropped is free again.
    sqlx::query("DELETE FROM outbox WHERE account = $1 AND nonce = $2 AND state != 'pending'")
        .bind(sent.account.to_vec())
        .bind(sent.nonce as i64)
        .execute(&mut *transaction)
        .await?;
    let kept = sqlx::query(
        "INSERT INTO outbox (brings, state, account, nonce, target, data, gas, fee, raw, hashes)
         VALUES ($1, 'pending', $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(brings.to_vec())
    .bind(sent.account.to_vec())
    .bind(sent.nonce as i64)
    .bind(sent.target.map(|target| target.to_vec()))
    .bind(sent.data.to_vec())
    .bind(sent.gas as i64)
    .bind(sent.fee as i64)
    .bind(sent.raw.to_vec())
    .bind(joined(&sent.hashes))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(kept.rows_affected() == 1)
}

/// Keeps a newer form, before it is sent.
pub(super) async fn keep_form(store: &Store, sent: &Sent) -> Result<(), ChainError> {
    sqlx::query(
        "UPDATE outbox SET fee = $1, raw = $2, hashes = $3 WHERE account = $4 AND nonce = $5",
    )
    .bind(sent.fee as i64)
    .bind(sent.raw.to_vec())
    .bind(joined(&sent.hashes))
    .bind(sent.account.to_vec())
    .bind(sent.nonce as i64)
    .execute(store.writer())
    .await?;
    Ok(())
}

/// Finds the transaction that is kept under a hash, if there is one.
pub(super) async fn find(store: &Store, brings: B256) -> Result<Option<Sent>, ChainError> {
    let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM outbox WHERE brings = $1"));
    let row: Option<Row> =
        sqlx::query_as(statement).bind(brings.to_vec()).fetch_optional(store.pool()).await?;
    Ok(row.map(sent))
}

/// Returns an account's transactions that were done, until another chain replaced their blocks: pending under names of
/// their own.
pub(super) async fn taken_back(store: &Store, account: Address) -> Result<Vec<Sent>, ChainError> {
    let named: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "SELECT brings, nonce FROM outbox WHERE account = $1 AND state = 'pending' ORDER BY nonce",
    )
    .bind(account.to_vec())
    .fetch_all(store.pool())
    .await?;
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = pending(store, account).await?;
    all.retain(|sent| {
        let name = brings(sent.account, sent.target, &sent.data).0;
        let mut rows = named.iter().filter(|(_, nonce)| *nonce as u64 == sent.nonce);
        rows.next().is_some_and(|(own, _)| own.as_slice() != name.as_slice())
    });
    Ok(all)
}

/// Returns an account's transactions before a nonce that the chain may not have, by nonce: the pending ones, and those
/// that arrived in blocks that it has replaced.
pub(super) async fn before(
    store: &Store,
    account: Address,
    nonce: u64,
    on_chain: u64,
) -> Result<Vec<Sent>, ChainError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM outbox WHERE account = $1 AND nonce < $2
         AND (state = 'pending' OR nonce >= $3) ORDER BY nonce"
    ));
    let rows: Vec<Row> = sqlx::query_as(statement)
        .bind(account.to_vec())
        .bind(nonce as i64)
        .bind(on_chain as i64)
        .fetch_all(store.pool())
        .await?;
    Ok(rows.into_iter().map(sent).collect())
}

/// Returns an account's pending transactions, by nonce.
pub(super) async fn pending(store: &Store, account: Address) -> Result<Vec<Sent>, ChainError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM outbox WHERE account = $1 AND state = 'pending' ORDER BY nonce"
    ));
    let rows: Vec<Row> =
        sqlx::query_as(statement).bind(account.to_vec()).fetch_all(store.pool()).await?;
    Ok(rows.into_iter().map(sent).collect())
}

/// Records that a transaction stands in a block.
pub(super) async fn arrived(store: &Store, sent: &Sent, block: u64) -> Result<(), ChainError> {
    sqlx::query(
        "UPDATE outbox SET state = 'arrived', block = $1 WHERE account = $2 AND nonce = $3",
    )
    .bind(block as i64)
    .bind(sent.account.to_vec())
    .bind(sent.nonce as i64)
    .execute(store.writer())
    .await?;
    Ok(())
}

/// Deletes a transaction that failed, or whose nonce another has used: it must be sent again, if at all.
pub(super) async fn forget(store: &Store, sent: &Sent) -> Result<(), ChainError> {
    sqlx::query("DELETE FROM outbox WHERE account = $1 AND nonce = $2")
        .bind(sent.account.to_vec())
        .bind(sent.nonce as i64)
        .execute(store.writer())
        .await?;
    Ok(())
}

/// Makes the transactions of blocks above `last` pending again: another chain has replaced these.
pub(super) async fn take_back(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), ChainError> {
    sqlx::query("UPDATE outbox SET state = 'pending' WHERE state = 'arrived' AND block > $1")
        .bind(last as i64)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
