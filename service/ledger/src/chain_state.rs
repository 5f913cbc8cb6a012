//! The state of the embedded chain and what one transaction changes in it.

use std::collections::HashMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::DatabaseRef;
use revm::primitives::KECCAK_EMPTY;
use revm::state::{Account, AccountInfo, Bytecode, EvmState};

/// A read that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum StateFault {
    /// The state is broken.
    #[error("the chain has no code with hash {0}")]
    MissingCode(B256),
    /// The reader of the store has stopped; it reports why.
    #[error("a slot was not read")]
    NotRead,
}

impl revm::database_interface::DBErrorMarker for StateFault {}

/// An account without its storage.
#[derive(Clone, Copy)]
pub(super) struct StoredAccount {
    pub(super) balance: U256,
    pub(super) nonce: u64,
    pub(super) code_hash: B256,
}

/// All accounts, codes and slots.
#[derive(Clone, Default)]
pub(super) struct ChainState {
    pub(super) accounts: HashMap<Address, StoredAccount>,
    pub(super) codes: HashMap<B256, Bytecode>,
    pub(super) slots: HashMap<(Address, U256), U256>,
}

/// What a transaction changes in one account. Praman's contracts never destroy themselves and are
/// created once, so slots are only ever written.
pub(super) struct AccountChange {
    pub(super) address: Address,
    pub(super) account: StoredAccount,
    pub(super) new_code: Option<Bytes>,
    pub(super) slots: Vec<(U256, U256)>,
}

/// Returns the changes of a transaction's state, by address.
pub(super) fn changes(state: &EvmState) -> Vec<AccountChange> {
    let mut changes: Vec<AccountChange> = state
        .iter()
        .filter(|(_, account)| account.is_touched())
        .filter(|(_, account)| !(account.is_empty() && account.is_loaded_as_not_existing()))
        .map(|(address, account)| change(*address, account))
        .collect();
    changes.sort_by_key(|change| change.address);
    changes
}

fn change(address: Address, account: &Account) -> AccountChange {
    let code_hash = account.info.code_hash;
    let is_new = code_hash != account.original_info().code_hash && code_hash != KECCAK_EMPTY;
    let code = account.info.code.as_ref().map(Bytecode::original_bytes);
    let mut slots: Vec<(U256, U256)> = account
        .changed_storage_slots()
        .map(|(slot, value)| (*slot, value.present_value()))
        .collect();
    slots.sort_unstable();
    AccountChange {
        address,
        account: StoredAccount {
            balance: account.info.balance,
            nonce: account.info.nonce,
            code_hash,
        },
        new_code: code.filter(|_| is_new),
        slots,
    }
}

impl ChainState {
    pub(super) fn apply(&mut self, changes: &[AccountChange]) {
        for change in changes {
            self.accounts.insert(change.address, change.account);
            if let Some(code) = &change.new_code {
                self.codes.insert(change.account.code_hash, Bytecode::new_raw(code.clone()));
            }
            for (slot, value) in &change.slots {
                self.slots.insert((change.address, *slot), *value);
            }
        }
    }

    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.accounts.get(&address).map_or(0, |account| account.nonce)
    }
}

impl DatabaseRef for ChainState {
    type Error = StateFault;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateFault> {
        Ok(self.accounts.get(&address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..Default::default()
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateFault> {
        if hash == KECCAK_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        self.codes.get(&hash).cloned().ok_or(StateFault::MissingCode(hash))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateFault> {
        Ok(self.slots.get(&(address, slot)).copied().unwrap_or_default())
    }

    fn block_hash_ref(&self, _: u64) -> Result<B256, StateFault> {
        Ok(B256::ZERO) // praman's contracts ask for none
    }
}
