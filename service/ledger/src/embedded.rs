//! An EVM in this process, its chain in the store.
//!
//! Each transaction is a block. State, block, events and what follows from them are written in one
//! transaction of the store before anything is answered, so a crash at any point leaves a claim
//! accepted in all of them or in none.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use praman_circuits::period::Day;
use praman_store::failpoint::may_die;
use praman_store::{EMBEDDED_CHAIN_ID, Store};
use praman_verifier::contracts::Addresses;
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::primitives::{TxKind, hardfork::SpecId};
use revm::state::EvmState;
use revm::{Context, DatabaseRef, ExecuteEvm, MainBuilder, MainContext};

use super::chain::{Chain, ChainError, ChainLog, ChainReceipt, Head};
use super::chain_state::{ChainState, StateFault, changes};
use super::chain_store::{load_logs, load_logs_of, write_changes, write_logs};
use super::event_handler::EventHandlers;
use super::journal;
use super::stored_state::StoredState;

/// The embedded chain's EIP-155 id, in the range that public registries leave free.
pub const CHAIN_ID: u64 = EMBEDDED_CHAIN_ID;

/// Enough for the largest batch of claims, or for one deployment.
const BLOCK_GAS: u64 = 30_000_000;

/// Days from 1900-01-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: u64 = 25_567;

/// The embedded chain. No key signs on it, since only this process writes it: the program says who a
/// transaction is from.
pub struct EmbeddedChain {
    store: Store,
    state: StoredState,
    /// Whose events are kept, and by whom besides; none before the contracts are there.
    contracts: Option<(Addresses, EventHandlers)>,
    /// The time of blocks, if it is not the clock's.
    timestamp: Option<u64>,
}

impl EmbeddedChain {
    /// Opens the chain in a store.
    ///
    /// # Errors
    /// [`ChainError::Failed`].
    pub async fn open(store: &Store) -> Result<Self, ChainError> {
        Ok(Self {
            store: store.clone(),
            state: StoredState::open(store).await?,
            contracts: None,
            timestamp: None,
        })
    }

    /// Follows the events of the contract of settlements, too.
    pub(super) fn follow_settlements(&mut self, settlements: Address) {
        if let Some((contracts, ..)) = &mut self.contracts {
            contracts.settlements = settlements;
        }
    }

    /// Follows these contracts' events from now on; those of offices also from before.
    pub(super) async fn follow(
        &mut self,
        contracts: Addresses,
        handlers: EventHandlers,
    ) -> Result<(), ChainError> {
        self.contracts = Some((contracts, handlers));
        if journal::follows_offices(&mut *self.store.pool().acquire().await?).await? {
            return Ok(());
        }
        let mut transaction = self.store.begin().await?;
        let of = [contracts.offices, contracts.participants];
        let logs = load_logs_of(&mut transaction, of).await?;
        journal::begin_following_offices(&mut transaction, &contracts, &logs).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Sets the time of blocks to the end of a day in UTC, instead of the clock's.
    pub fn set_day(&mut self, day: Day) {
        let days = u64::from(day.0).saturating_sub(DAYS_BEFORE_EPOCH);
        self.timestamp = Some((days + 1) * 86_400 - 1);
    }

    /// Sets the time of blocks, instead of the clock's.
    pub fn set_timestamp(&mut self, seconds: u64) {
        self.timestamp = Some(seconds);
    }

    #[cfg(test)]
    pub(super) fn slots_in_memory(&self) -> usize {
        self.state.slots_in_memory()
    }

    fn timestamp(&self) -> u64 {
        let clock = || u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        self.timestamp.unwrap_or_else(clock)
    }
}

/// What came of a transaction that succeeded.
pub(super) struct Executed {
    pub(super) output: Output,
    pub(super) gas_used: u64,
    pub(super) logs: Vec<ChainLog>,
    pub(super) state: EvmState,
}

/// Runs a transaction on a state, as in a block with a number and a time; nothing is written.
pub(super) fn execute(
    state: impl DatabaseRef<Error = StateFault>,
    (number, timestamp): (u64, u64),
    (from, nonce): (Address, u64),
    kind: TxKind,
    data: Vec<u8>,
) -> Result<Executed, ChainError> {
    let block = BlockEnv {
        number: U256::from(number),
        timestamp: U256::from(timestamp),
        gas_limit: BLOCK_GAS,
        prevrandao: Some(B256::ZERO),
        ..Default::default()
    };
    let outcome = Context::mainnet()
        .with_ref_db(state)
        .with_cfg(settings())
        .with_block(block)
        .build_mainnet()
        .transact(transaction(from, kind, data, nonce)?)
        .map_err(ChainError::failed)?;
    let gas_used = outcome.result.tx_gas_used();
    match outcome.result {
        ExecutionResult::Success { output, logs, .. } => {
            let logs = chain_logs(number, logs);
            Ok(Executed { output, gas_used, logs, state: outcome.state })
        }
        ExecutionResult::Revert { output, .. } => Err(ChainError::Reverted(output)),
        ExecutionResult::Halt { reason, .. } => {
            Err(ChainError::failed(format!("the transaction halted: {reason:?}")))
        }
    }
}

/// Converts events to the program's form.
fn chain_logs(block: u64, events: Vec<Log>) -> Vec<ChainLog> {
    let log = |log: Log| ChainLog {
        block,
        address: log.address,
        topics: log.data.topics().to_vec(),
        data: log.data.data,
    };
    events.into_iter().map(log).collect()
}

fn settings() -> CfgEnv {
    let mut settings = CfgEnv::new_with_spec(SpecId::MERGE);
    settings.chain_id = CHAIN_ID;
    settings
}

fn transaction(
    from: Address,
    kind: TxKind,
    data: Vec<u8>,
    nonce: u64,
) -> Result<TxEnv, ChainError> {
    TxEnv::builder()
        .caller(from)
        .kind(kind)
        .data(data.into())
        .gas_limit(BLOCK_GAS)
        .gas_price(0)
        .nonce(nonce)
        .chain_id(Some(CHAIN_ID))
        .build()
        .map_err(|error| ChainError::failed(format!("{error:?}")))
}

impl Chain for EmbeddedChain {
    fn chain_id(&self) -> u64 {
        CHAIN_ID
    }

    async fn next_nonce(&self, account: Address) -> Result<u64, ChainError> {
        let mut reading = self.store.begin_reading().await?;
        let state = self.state.seen_by(&mut reading).await?;
        reading.rollback().await?;
        Ok(state.nonce(account))
    }

    async fn view(
        &self,
        from: Address,
        target: Address,
        data: Vec<u8>,
    ) -> Result<Bytes, ChainError> {
        let mut reading = self.store.begin_reading().await?;
        let state = self.state.seen_by(&mut reading).await?;
        let call = (TxKind::Call(target), data);
        let executed = state.run(&mut reading, self.timestamp(), from, call).await?;
        reading.rollback().await?;
        Ok(executed.output.into_data())
    }

    /// Runs a transaction as the next block and writes it. A refused one makes no block: nothing in
    /// it needs a replay.
    async fn send(
        &mut self,
        from: Address,
        target: Option<Address>,
        data: Vec<u8>,
    ) -> Result<ChainReceipt, ChainError> {
        // The lock first: another process may have made blocks since this one read the chain.
        let mut transaction = self.store.begin().await?;
        let before = self.state.seen_by(&mut transaction).await?;
        let timestamp = self.timestamp();
        let call = (target.map_or(TxKind::Create, TxKind::Call), data.clone());
        let Executed { output, gas_used, logs, state } =
            before.run(&mut transaction, timestamp, from, call).await?;
        let block = before.next_block();
        let changes = changes(&state);
        write_changes(&mut transaction, &changes).await?;
        sqlx::query(
            "INSERT INTO chain_block (number, timestamp, sender, target, data, success, gas_used)
             VALUES ($1, $2, $3, $4, $5, 1, $6)",
        )
        .bind(block as i64)
        .bind(timestamp as i64)
        .bind(from.to_vec())
        .bind(target.map(|address| address.to_vec()))
        .bind(data)
        .bind(gas_used as i64)
        .execute(&mut *transaction)
        .await?;
        write_logs(&mut transaction, &logs).await?;
        if let Some((contracts, handlers)) = &self.contracts {
            journal::record(&mut transaction, contracts, handlers, &logs).await?;
        }
        may_die!("chain::block");
        transaction.commit().await?;
        may_die!("chain::kept");
        self.state.keep(before.after(&changes));
        Ok(ChainReceipt { block, gas_used, logs, created: output.address().copied() })
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<ChainLog>, ChainError> {
        load_logs(&self.store, first, last).await
    }

    async fn head(&self) -> Result<Head, ChainError> {
        let mut reading = self.store.begin_reading().await?;
        let state = self.state.seen_by(&mut reading).await?;
        reading.rollback().await?;
        Ok(Head { number: state.next_block() - 1, timestamp: self.timestamp() })
    }
}

/// Returns the gas of a call to a contract that is created on an empty chain; the call must answer with one.
///
/// # Errors
/// [`ChainError`] if it cannot be created, reverts or answers otherwise.
pub fn scratch_gas(code: Vec<u8>, call: Vec<u8>) -> Result<u64, ChainError> {
    let from = Address::repeat_byte(1);
    let mut state = ChainState::default();
    for (kind, data) in [(TxKind::Create, code), (TxKind::Call(from.create(0)), call)] {
        let Executed { output, gas_used, state: change, .. } =
            execute(&state, (1, 1), (from, state.nonce(from)), kind, data)?;
        match output {
            Output::Create(..) => state.apply(&changes(&change)),
            Output::Call(data) => {
                let holds = U256::try_from_be_slice(&data) == Some(U256::from(1u64));
                return if holds { Ok(gas_used) } else { Err(ChainError::failed("it refuses")) };
            }
        }
    }
    Err(ChainError::failed("the contract was not called"))
}

/// Creates a contract on an empty chain and returns what came of it.
#[cfg(test)]
pub(super) fn creation_outcome(code: &[u8]) -> Result<Bytes, ChainError> {
    let from = Address::repeat_byte(1);
    let executed =
        execute(ChainState::default(), (1, 1), (from, 0), TxKind::Create, code.to_vec())?;
    Ok(executed.output.into_data())
}
