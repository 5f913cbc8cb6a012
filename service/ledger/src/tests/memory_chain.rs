//! A chain that keeps nothing, for thousands of runs from one state.

use alloy_primitives::{Address, Bytes};
use revm::primitives::TxKind;

use crate::chain::{Chain, ChainError, ChainLog, ChainReceipt, Head};
use crate::chain_state::{ChainState, changes};
use crate::embedded::{CHAIN_ID, Executed, execute};

#[derive(Clone, Default)]
pub(super) struct MemoryChain {
    state: ChainState,
    pub(super) blocks: u64,
    pub(super) timestamp: u64,
    pub(super) logs: Vec<ChainLog>,
}

impl MemoryChain {
    pub(super) fn at(timestamp: u64) -> Self {
        Self { timestamp, ..Self::default() }
    }
}

impl Chain for MemoryChain {
    fn chain_id(&self) -> u64 {
        CHAIN_ID
    }

    async fn next_nonce(&self, account: Address) -> Result<u64, ChainError> {
        Ok(self.state.nonce(account))
    }

    async fn view(
        &self,
        from: Address,
        target: Address,
        data: Vec<u8>,
    ) -> Result<Bytes, ChainError> {
        let block = (self.blocks + 1, self.timestamp);
        let from = (from, self.state.nonce(from));
        Ok(execute(&self.state, block, from, TxKind::Call(target), data)?.output.into_data())
    }

    async fn send(
        &mut self,
        from: Address,
        target: Option<Address>,
        data: Vec<u8>,
    ) -> Result<ChainReceipt, ChainError> {
        let kind = target.map_or(TxKind::Create, TxKind::Call);
        let block = self.blocks + 1;
        let Executed { output, gas_used, logs, state } = execute(
            &self.state,
            (block, self.timestamp),
            (from, self.state.nonce(from)),
            kind,
            data,
        )?;
        self.state.apply(&changes(&state));
        self.blocks = block;
        self.logs.extend(logs.clone());
        Ok(ChainReceipt { block, gas_used, logs, created: output.address().copied() })
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<ChainLog>, ChainError> {
        let within = |log: &&ChainLog| (first..=last).contains(&log.block);
        Ok(self.logs.iter().filter(within).cloned().collect())
    }

    async fn head(&self) -> Result<Head, ChainError> {
        Ok(Head { number: self.blocks, timestamp: self.timestamp })
    }
}
