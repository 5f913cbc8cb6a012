//! A chain that keeps nothing, for thousands of runs from one state.

use alloy_primitives::{Address, Bytes};
use revm::context::result::{ExecutionResult, Output};
use revm::primitives::TxKind;

use crate::ledger::chain::{Chain, ChainError, ChainLog, ChainReceipt, Head};
use crate::ledger::chain_state::{ChainState, changes};
use crate::ledger::embedded::{CHAIN_ID, chain_logs, execute, halted};

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
        match execute(&self.state, block, from, TxKind::Call(target), data)?.0 {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            ExecutionResult::Revert { output, .. } => Err(ChainError::Reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(halted(reason)),
        }
    }

    async fn send(
        &mut self,
        from: Address,
        target: Option<Address>,
        data: Vec<u8>,
    ) -> Result<ChainReceipt, ChainError> {
        let kind = target.map_or(TxKind::Create, TxKind::Call);
        let block = self.blocks + 1;
        let (result, state) = execute(&self.state, (block, self.timestamp), from, kind, data)?;
        let gas_used = result.tx_gas_used();
        let (created, events) = match result {
            ExecutionResult::Success { output: Output::Create(_, created), logs, .. } => {
                (created, logs)
            }
            ExecutionResult::Success { logs, .. } => (None, logs),
            ExecutionResult::Revert { output, .. } => return Err(ChainError::Reverted(output)),
            ExecutionResult::Halt { reason, .. } => return Err(halted(reason)),
        };
        self.state.apply(&changes(&state));
        self.blocks = block;
        let logs = chain_logs(block, events);
        self.logs.extend(logs.clone());
        Ok(ChainReceipt { block, gas_used, logs, created })
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<ChainLog>, ChainError> {
        let within = |log: &&ChainLog| (first..=last).contains(&log.block);
        Ok(self.logs.iter().filter(within).cloned().collect())
    }

    async fn head(&self) -> Result<Head, ChainError> {
        Ok(Head { number: self.blocks, timestamp: self.timestamp })
    }
}
