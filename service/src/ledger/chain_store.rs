//! The embedded chain in the store: its state, its blocks and what they accepted.

use alloy_primitives::{Address, B256, U256};
use praman_circuits::context::{Context, context};
use praman_circuits::eligibility::Checkpoint;

use super::chain::{AccountChange, ChainState, StoredAccount};
use super::embedded::CHAIN_ID;
use super::{LedgerClaim, LedgerError};
use crate::error::ServiceError;
use crate::store::{Store, WriteTransaction, bytes};

/// What a successful transaction writes beside its block.
pub(super) enum Effect<'a> {
    Nothing,
    Claim(&'a LedgerClaim),
    Checkpoint(Checkpoint),
}

impl Store {
    /// What binds proofs to the embedded ledger; none before there is one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn ledger_context(&self) -> Result<Option<Context>, ServiceError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM chain_setting WHERE key = 'claims'")
                .fetch_optional(self.pool())
                .await?;
        let address = row.and_then(|(address,)| address.try_into().ok());
        Ok(address.map(|address| context(CHAIN_ID, address)))
    }
}

/// Writes what a transaction did beside changing the chain.
pub(super) async fn write_effect(
    transaction: &mut WriteTransaction,
    effect: Effect<'_>,
    block: u64,
) -> Result<(), ServiceError> {
    match effect {
        Effect::Nothing => {}
        Effect::Claim(claim) => {
            sqlx::query(
                "INSERT INTO accepted_claim (nullifier, scheme, period, payout_commitment, block)
                 VALUES (?, ?, ?, ?, ?)",
            )
            .bind(bytes(claim.nullifier.to_field()))
            .bind(claim.scheme.as_str())
            .bind(i64::from(claim.period.period.0))
            .bind(bytes(claim.payout.to_field()))
            .bind(block as i64)
            .execute(&mut **transaction)
            .await?;
        }
        Effect::Checkpoint(checkpoint) => {
            sqlx::query(
                "INSERT INTO checkpoint (number, state_root, as_of)
                 VALUES ((SELECT count(*) FROM checkpoint), ?, ?)",
            )
            .bind(bytes(checkpoint.state_root.to_field()))
            .bind(i64::from(checkpoint.as_of.0))
            .execute(&mut **transaction)
            .await?;
        }
    }
    Ok(())
}

/// Writes what a transaction changed in the chain's state.
pub(super) async fn write_changes(
    transaction: &mut WriteTransaction,
    changes: &[AccountChange],
) -> Result<(), ServiceError> {
    for change in changes {
        sqlx::query(
            "INSERT INTO chain_account (address, balance, nonce, code_hash) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET balance = excluded.balance, nonce = excluded.nonce,
                 code_hash = excluded.code_hash",
        )
        .bind(change.address.to_vec())
        .bind(change.account.balance.to_be_bytes_vec())
        .bind(change.account.nonce as i64)
        .bind(change.account.code_hash.to_vec())
        .execute(&mut **transaction)
        .await?;
        if let Some(code) = &change.new_code {
            sqlx::query("INSERT INTO chain_code (hash, code) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(change.account.code_hash.to_vec())
                .bind(code.to_vec())
                .execute(&mut **transaction)
                .await?;
        }
        for (slot, value) in &change.slots {
            sqlx::query(
                "INSERT INTO chain_slot (address, slot, value) VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )
            .bind(change.address.to_vec())
            .bind(slot.to_be_bytes_vec())
            .bind(value.to_be_bytes_vec())
            .execute(&mut **transaction)
            .await?;
        }
    }
    Ok(())
}

/// The number of the block that comes next.
pub(super) async fn next_block(store: &Store) -> Result<u64, LedgerError> {
    let (last,): (Option<i64>,) = sqlx::query_as("SELECT max(number) FROM chain_block")
        .fetch_one(store.pool())
        .await
        .map_err(ServiceError::from)?;
    Ok(last.map_or(1, |last| last as u64 + 1))
}

/// The whole state of the chain.
pub(super) async fn load_state(store: &Store) -> Result<ChainState, LedgerError> {
    let mut state = ChainState::default();
    type AccountRow = (Vec<u8>, Vec<u8>, i64, Vec<u8>);
    let accounts: Vec<AccountRow> =
        sqlx::query_as("SELECT address, balance, nonce, code_hash FROM chain_account")
            .fetch_all(store.pool())
            .await
            .map_err(ServiceError::from)?;
    for (address, balance, nonce, code_hash) in accounts {
        let account = StoredAccount {
            balance: U256::from_be_slice(&balance),
            nonce: nonce as u64,
            code_hash: B256::from_slice(&code_hash),
        };
        state.accounts.insert(Address::from_slice(&address), account);
    }
    let codes: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT hash, code FROM chain_code")
        .fetch_all(store.pool())
        .await
        .map_err(ServiceError::from)?;
    for (hash, code) in codes {
        let code = revm::state::Bytecode::new_raw(code.into());
        state.codes.insert(B256::from_slice(&hash), code);
    }
    let slots: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT address, slot, value FROM chain_slot")
            .fetch_all(store.pool())
            .await
            .map_err(ServiceError::from)?;
    for (address, slot, value) in slots {
        let place = (Address::from_slice(&address), U256::from_be_slice(&slot));
        state.slots.insert(place, U256::from_be_slice(&value));
    }
    Ok(state)
}
