//! Which network a folder belongs to, and the embedded chain: its state, its blocks, its events.

use alloy_primitives::{Address, B256, U256};
use praman_circuits::context::{Context, context};
use praman_offices::{read_offices, standing};
use praman_store::error::StoreError;
use praman_store::{Setting, Store, TreeVersion, WriteTransaction, broken};
use praman_verifier::contracts::Addresses;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::chain::{ChainError, ChainLog};
use super::chain_state::{AccountChange, ChainState, StoredAccount};
use crate::LedgerStore;
use crate::failure::LedgerFailure;
use crate::failure::NetworkSettingError;

impl LedgerStore<'_> {
    /// Returns what binds proofs to this folder's ledger; none before there is one.
    ///
    /// # Errors
    /// [`LedgerFailure`].
    pub async fn ledger_context(&self) -> Result<Option<Context>, LedgerFailure> {
        let Some(settings) = network_settings(self.0).await? else { return Ok(None) };
        Ok(Some(settings.context()))
    }
}

/// Which network a folder belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NetworkSettings {
    pub(super) chain_id: u64,
    /// Where its nodes answer; none for the embedded chain.
    pub(super) endpoints: Vec<String>,
    pub(super) confirmations: u64,
    /// Hash of the verification key that it was deployed for.
    pub(super) key: String,
    #[serde(flatten)]
    pub(super) addresses: Addresses,
    /// The block before the contracts' first.
    pub(super) before: u64,
    /// The context of the ledger whose place this one takes, and the block that says so; none if it takes no other's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) inherited: Option<(Context, u64)>,
}

impl NetworkSettings {
    /// Returns what binds proofs to the network's ledger.
    pub(super) fn context(&self) -> Context {
        let claims = self.addresses.claims.into_array();
        self.inherited.map_or_else(|| context(self.chain_id, claims), |(inherited, _)| inherited)
    }
}

/// Records the context that a network's ledger takes over in a block.
pub(super) async fn keep_inherited_context(
    transaction: &mut WriteTransaction,
    block: u64,
    inherited: Context,
) -> Result<(), StoreError> {
    change_network(transaction, |network| network.inherited = Some((inherited, block))).await
}

/// Forgets the context that a block above `last` said, when another chain has replaced it.
pub(super) async fn forget_inherited_after(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), StoreError> {
    change_network(transaction, |network| {
        network.inherited = network.inherited.filter(|&(_, block)| block <= last);
    })
    .await
}

/// Records where the network's contract of settlements is.
pub(super) async fn keep_settlements(
    transaction: &mut WriteTransaction,
    settlements: Address,
) -> Result<(), StoreError> {
    change_network(transaction, |network| network.addresses.settlements = settlements).await
}

/// Returns the newest block of real nodes whose events are recorded; none on the embedded chain, whose events are
/// recorded with their block.
pub(super) async fn newest_recorded(
    transaction: &mut WriteTransaction,
) -> Result<Option<u64>, StoreError> {
    let (last,): (Option<i64>,) =
        praman_store::sqlx::query_as("SELECT max(number) FROM recorded_block")
            .fetch_one(&mut **transaction)
            .await?;
    Ok(last.map(|last| last as u64))
}

async fn change_network(
    transaction: &mut WriteTransaction,
    change: impl FnOnce(&mut NetworkSettings),
) -> Result<(), StoreError> {
    let Some(value) = Setting::Network.read(transaction).await? else { return Ok(()) };
    let mut settings: NetworkSettings =
        serde_json::from_slice(&value).map_err(|_| broken("the network's record"))?;
    change(&mut settings);
    let value = serde_json::to_vec(&settings).expect("settings are plain data");
    Setting::Network.keep(transaction, &value).await
}

/// Reads the network of a folder; none before one was deployed or joined.
pub(super) async fn network_settings(
    store: &Store,
) -> Result<Option<NetworkSettings>, LedgerFailure> {
    let mut connection = store.pool().acquire().await?;
    if let Some(value) = Setting::Network.read(&mut connection).await? {
        let settings: serde_json::Value =
            serde_json::from_slice(&value).map_err(|_| broken("the network's record"))?;
        // Contracts of the first edition of statements have no scopes.
        if settings.get("scopes").is_none() {
            return Err(NetworkSettingError::EarlierVersion.into());
        }
        let settings = serde_json::from_value(settings);
        return Ok(settings.map(Some).map_err(|_| broken("the network's record"))?);
    }
    match Setting::Claims.read(&mut connection).await? {
        None => Ok(None),
        Some(_) => Err(NetworkSettingError::EarlierVersion.into()),
    }
}

/// Stores which network a folder belongs to.
pub(super) async fn keep_network(
    store: &Store,
    settings: &NetworkSettings,
) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let value = serde_json::to_vec(settings).expect("settings are plain data");
    Setting::Network.keep(&mut transaction, &value).await?;
    // On real nodes an office gets its leaf when a department accredits it.
    let version = TreeVersion::next(&mut transaction).await?;
    for office in read_offices(&mut transaction).await? {
        standing::place(&mut transaction, version, office.id).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Loads the events of two contracts, in order.
pub(super) async fn load_logs_of(
    connection: &mut AnyConnection,
    contracts: [Address; 2],
) -> Result<Vec<ChainLog>, ChainError> {
    let rows: Vec<LogRow> = sqlx::query_as(
        "SELECT block, address, topics, data FROM chain_log WHERE address IN ($1, $2)
         ORDER BY block, position",
    )
    .bind(contracts[0].to_vec())
    .bind(contracts[1].to_vec())
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read_log).collect())
}

/// Writes a block's events.
pub(super) async fn write_logs(
    transaction: &mut WriteTransaction,
    logs: &[ChainLog],
) -> Result<(), ChainError> {
    for (position, log) in logs.iter().enumerate() {
        let topics: Vec<u8> = log.topics.iter().flat_map(|topic| topic.0).collect();
        sqlx::query(
            "INSERT INTO chain_log (block, position, address, topics, data) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(log.block as i64)
        .bind(position as i64)
        .bind(log.address.to_vec())
        .bind(topics)
        .bind(log.data.to_vec())
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// Loads the events of blocks, in order.
pub(super) async fn load_logs(
    store: &Store,
    first: u64,
    last: u64,
) -> Result<Vec<ChainLog>, ChainError> {
    let rows: Vec<LogRow> = sqlx::query_as(
        "SELECT block, address, topics, data FROM chain_log WHERE block BETWEEN $1 AND $2
         ORDER BY block, position",
    )
    .bind(first as i64)
    .bind(i64::try_from(last).unwrap_or(i64::MAX))
    .fetch_all(store.pool())
    .await?;
    Ok(rows.into_iter().map(read_log).collect())
}

type LogRow = (i64, Vec<u8>, Vec<u8>, Vec<u8>);

fn read_log((block, address, topics, data): LogRow) -> ChainLog {
    ChainLog {
        block: block as u64,
        address: Address::from_slice(&address),
        topics: topics.chunks_exact(32).map(B256::from_slice).collect(),
        data: data.into(),
    }
}

/// Writes what a transaction changed in the chain's state.
pub(super) async fn write_changes(
    transaction: &mut WriteTransaction,
    changes: &[AccountChange],
) -> Result<(), StoreError> {
    for change in changes {
        sqlx::query(
            "INSERT INTO chain_account (address, balance, nonce, code_hash) VALUES ($1, $2, $3, $4)
             ON CONFLICT (address) DO UPDATE SET balance = excluded.balance, nonce = excluded.nonce,
                 code_hash = excluded.code_hash",
        )
        .bind(change.address.to_vec())
        .bind(change.account.balance.to_be_bytes_vec())
        .bind(change.account.nonce as i64)
        .bind(change.account.code_hash.to_vec())
        .execute(&mut **transaction)
        .await?;
        if let Some(code) = &change.new_code {
            sqlx::query(
                "INSERT INTO chain_code (hash, code) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(change.account.code_hash.to_vec())
            .bind(code.to_vec())
            .execute(&mut **transaction)
            .await?;
        }
        for (slot, value) in &change.slots {
            sqlx::query(
                "INSERT INTO chain_slot (address, slot, value) VALUES ($1, $2, $3)
                 ON CONFLICT (address, slot) DO UPDATE SET value = excluded.value",
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

/// Returns the number of the next block.
pub(super) async fn next_block(connection: &mut AnyConnection) -> Result<u64, ChainError> {
    let (last,): (Option<i64>,) = sqlx::query_as("SELECT max(number) FROM chain_block")
        .fetch_one(connection)
        .await
        .map_err(StoreError::from)?;
    Ok(last.map_or(1, |last| last as u64 + 1))
}

/// Loads all accounts of the chain with their codes, without slots.
pub(super) async fn load_accounts(
    connection: &mut AnyConnection,
) -> Result<ChainState, ChainError> {
    let mut state = ChainState::default();
    type AccountRow = (Vec<u8>, Vec<u8>, i64, Vec<u8>);
    let accounts: Vec<AccountRow> =
        sqlx::query_as("SELECT address, balance, nonce, code_hash FROM chain_account")
            .fetch_all(&mut *connection)
            .await
            .map_err(StoreError::from)?;
    for (address, balance, nonce, code_hash) in accounts {
        let account = StoredAccount {
            balance: U256::from_be_slice(&balance),
            nonce: nonce as u64,
            code_hash: B256::from_slice(&code_hash),
        };
        state.accounts.insert(Address::from_slice(&address), account);
    }
    let codes: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT hash, code FROM chain_code")
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::from)?;
    for (hash, code) in codes {
        let code = revm::state::Bytecode::new_raw(code.into());
        state.codes.insert(B256::from_slice(&hash), code);
    }
    Ok(state)
}

/// Reads a slot of the chain; one that was never written is zero.
pub(super) async fn read_slot(
    connection: &mut AnyConnection,
    (address, slot): (Address, U256),
) -> Result<U256, ChainError> {
    let row: Option<(Vec<u8>,)> =
        sqlx::query_as("SELECT value FROM chain_slot WHERE address = $1 AND slot = $2")
            .bind(address.to_vec())
            .bind(slot.to_be_bytes_vec())
            .fetch_optional(connection)
            .await
            .map_err(StoreError::from)?;
    Ok(row.map_or(U256::ZERO, |(value,)| U256::from_be_slice(&value)))
}
