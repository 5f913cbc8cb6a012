//! The embedded chain's state as the store has it: accounts and codes in memory, slots when a contract reads
//! them. A state has a slot for each spent nullifier, for ever; memory does not grow with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256, U256};
use praman_store::Store;
use revm::DatabaseRef;
use revm::primitives::TxKind;
use revm::state::{AccountInfo, Bytecode};
use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};

use super::chain::ChainError;
use super::chain_state::{AccountChange, ChainState, StateFault};
use super::chain_store::{load_accounts, next_block, read_slot};
use super::embedded::{Executed, execute};

/// How many slots are kept in memory at most, beside one transaction's: some megabytes.
const SLOTS_MAX: usize = 1 << 16;

/// Where a slot is.
type Place = (Address, U256);

/// The state after a block.
pub(super) struct StateAt {
    next_block: u64,
    /// Accounts and codes; its slots are not used.
    small: ChainState,
    /// Slots that were read, those without a value included.
    slots: Mutex<HashMap<Place, U256>>,
}

/// A slot that a running contract waits for.
struct Question {
    place: Place,
    answer: oneshot::Sender<U256>,
}

/// What a running contract reads: from memory, and the rest by asking the task that has the connection.
struct Reader {
    state: Arc<StateAt>,
    ask: mpsc::Sender<Question>,
}

/// The newest known state. It checks by itself whether another program has made blocks.
pub(super) struct StoredState(Mutex<Arc<StateAt>>);

impl StoredState {
    /// Opens the state that the store has now.
    ///
    /// # Errors
    /// [`ChainError::Failed`].
    pub(super) async fn open(store: &Store) -> Result<Self, ChainError> {
        let mut reading = store.begin_reading().await?;
        let state = StateAt::read(&mut reading).await?;
        reading.rollback().await?;
        Ok(Self(Mutex::new(Arc::new(state))))
    }

    /// Returns the state as a transaction sees it; the transaction must see one state of the store.
    ///
    /// # Errors
    /// [`ChainError::Failed`].
    pub(super) async fn seen_by(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<Arc<StateAt>, ChainError> {
        let known = self.newest().clone();
        if known.next_block == next_block(connection).await? {
            return Ok(known);
        }
        let state = Arc::new(StateAt::read(connection).await?);
        self.keep(state.clone());
        Ok(state)
    }

    /// Keeps a state, unless a newer one is known.
    pub(super) fn keep(&self, state: Arc<StateAt>) {
        let mut newest = self.newest();
        if state.next_block > newest.next_block {
            *newest = state;
        }
    }

    fn newest(&self) -> MutexGuard<'_, Arc<StateAt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn slots_in_memory(&self) -> usize {
        self.newest().slots().len()
    }
}

impl StateAt {
    async fn read(connection: &mut AnyConnection) -> Result<Self, ChainError> {
        Ok(Self {
            next_block: next_block(connection).await?,
            small: load_accounts(connection).await?,
            slots: Mutex::default(),
        })
    }

    /// Returns the number of the next block.
    pub(super) fn next_block(&self) -> u64 {
        self.next_block
    }

    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.small.nonce(address)
    }

    /// Runs a transaction as in a block with a time; nothing is written. Slots are read by the connection that
    /// sees this state.
    ///
    /// # Errors
    /// [`ChainError`].
    pub(super) async fn run(
        self: &Arc<Self>,
        connection: &mut AnyConnection,
        timestamp: u64,
        from: Address,
        (kind, data): (TxKind, Vec<u8>),
    ) -> Result<Executed, ChainError> {
        let (ask, mut asked) = mpsc::channel(1);
        let state = self.clone();
        // The EVM is not asynchronous: it runs on a thread of its own, and asks for what is not in memory.
        let running = tokio::task::spawn_blocking(move || {
            let (block, nonce) = ((state.next_block, timestamp), state.nonce(from));
            execute(Reader { state, ask }, block, (from, nonce), kind, data)
        });
        while let Some(Question { place, answer }) = asked.recv().await {
            let value = read_slot(connection, place).await?;
            self.remember(place, value);
            // It is waiting for this answer, or has ended.
            let _ = answer.send(value);
        }
        running.await.map_err(ChainError::failed)?
    }

    /// Returns the state after a transaction that made the next block.
    pub(super) fn after(&self, changes: &[AccountChange]) -> Arc<Self> {
        let mut small = self.small.clone();
        small.apply(changes);
        let written = std::mem::take(&mut small.slots);
        // A reader that still has this state asks again.
        let mut slots = std::mem::take(&mut *self.slots());
        if slots.len() + written.len() > SLOTS_MAX {
            slots.clear();
        }
        slots.extend(written);
        Arc::new(Self { next_block: self.next_block + 1, small, slots: Mutex::new(slots) })
    }

    fn remember(&self, place: Place, value: U256) {
        let mut slots = self.slots();
        if slots.len() >= SLOTS_MAX {
            slots.clear();
        }
        slots.insert(place, value);
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Place, U256>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DatabaseRef for Reader {
    type Error = StateFault;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateFault> {
        self.state.small.basic_ref(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateFault> {
        self.state.small.code_by_hash_ref(hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateFault> {
        let place = (address, slot);
        if let Some(value) = self.state.slots().get(&place) {
            return Ok(*value);
        }
        let (answer, answered) = oneshot::channel();
        let question = Question { place, answer };
        self.ask.blocking_send(question).map_err(|_| StateFault::NotRead)?;
        answered.blocking_recv().map_err(|_| StateFault::NotRead)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateFault> {
        self.state.small.block_hash_ref(number)
    }
}
