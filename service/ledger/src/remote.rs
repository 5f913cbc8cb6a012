//! A chain behind JSON-RPC nodes.
//!
//! A transaction is signed with the account's own next nonce, kept, sent, sent again with a higher fee
//! while it is pending, and done only when its block is as deep as configured and still on the chain.
//! Nonces are this program's own: a node's pending count includes transactions that it will drop.

mod nodes;
mod outbox;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEnvelope, TxLegacy};
use alloy_eips::BlockNumberOrTag;
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U128, U256, keccak256};
use alloy_rpc_types_eth::{Block, Filter, Log, TransactionReceipt, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use praman_store::Store;
use praman_store::error::ServiceError;
use praman_verifier::contracts::{Addresses, Claims};
use tokio::sync::Mutex;

use super::chain::{Chain, ChainError, ChainLog, ChainReceipt, Head};
use super::journal;
use crate::LedgerStore;
use nodes::{NodeError, Nodes};
use outbox::Sent;

/// How to connect to a network.
#[derive(Clone, Debug)]
pub struct RemoteSettings {
    /// The nodes' addresses.
    pub endpoints: Vec<String>,
    /// The network's chain id; a node of another is refused.
    pub chain_id: u64,
    /// How many blocks must lie on one for it to stand: 0 where blocks are final, as with QBFT.
    pub confirmations: u64,
    /// How long a transaction is pending before it is sent with a higher fee.
    pub raise_after: Duration,
    /// How long to wait for nodes, and for a transaction to stand.
    pub patience: Duration,
}

impl RemoteSettings {
    /// Returns settings for a network whose blocks are final, waiting as long as people do.
    pub fn new(endpoints: Vec<String>, chain_id: u64) -> Self {
        let (raise_after, patience) = (Duration::from_secs(15), Duration::from_secs(300));
        Self { endpoints, chain_id, confirmations: 0, raise_after, patience }
    }
}

/// How many blocks' events are requested at once, at most: a node may grant fewer.
const BLOCKS_AT_ONCE: u64 = 5_000;

/// How long to wait before asking again how a transaction stands.
const POLL: Duration = Duration::from_millis(50);

/// A chain behind JSON-RPC nodes.
pub struct RemoteChain {
    store: Store,
    settings: RemoteSettings,
    nodes: Mutex<Nodes>,
    keys: HashMap<Address, PrivateKeySigner>,
    contracts: Option<(Addresses, u64)>,
    /// How many blocks' events the nodes have lately granted at once.
    span: AtomicU64,
}

/// What is paid for a unit of gas.
#[derive(Clone, Copy)]
struct Fee {
    price: u64,
    /// Whether it is a gas price, as on chains without a base fee.
    is_legacy: bool,
}

/// The state of a sent transaction.
enum Standing {
    Stands(Box<TransactionReceipt>),
    Waits,
    /// Another transaction has used its nonce.
    Lost,
}

impl RemoteChain {
    /// Connects to a network, signing for the accounts of some keys.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] for malformed addresses.
    pub fn new(
        store: &Store,
        settings: RemoteSettings,
        keys: impl IntoIterator<Item = PrivateKeySigner>,
    ) -> Result<Self, ServiceError> {
        let nodes = Nodes::new(&settings.endpoints, settings.chain_id, settings.patience)?;
        Ok(Self {
            store: store.clone(),
            settings,
            nodes: Mutex::new(nodes),
            keys: keys.into_iter().map(|key| (key.address(), key)).collect(),
            contracts: None,
            span: AtomicU64::new(BLOCKS_AT_ONCE),
        })
    }

    /// Follows these contracts' events, of blocks after `before`.
    pub fn follow(&mut self, contracts: Addresses, before: u64) {
        self.contracts = Some((contracts, before));
    }

    /// Sets how long to wait for nodes that are away, and for a transaction to stand: the caller tries again.
    /// The wait for a transaction is long enough to raise its fee meanwhile.
    pub(super) async fn wait_at_most(&mut self, away: Duration, standing: Duration) {
        self.settings.patience = standing.max(2 * self.settings.raise_after);
        self.nodes.lock().await.patience = away;
    }

    /// Returns the accounts that it signs for.
    pub fn accounts(&self) -> impl Iterator<Item = Address> + '_ {
        self.keys.keys().copied()
    }

    async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<Block>, ChainError> {
        Ok(self.nodes.lock().await.ask("eth_getBlockByNumber", (tag, false)).await?)
    }

    async fn nonce_on_chain(&self, account: Address) -> Result<u64, ChainError> {
        let params = (account, BlockNumberOrTag::Latest);
        // A nonce from another chain would leave a gap that nothing fills.
        self.nodes.lock().await.doubt_chain();
        let nonce: U64 = self.nodes.lock().await.ask("eth_getTransactionCount", params).await?;
        Ok(nonce.to())
    }

    /// Returns the fee for a unit of gas now, twice what the last block took; 0 if the chain takes none.
    async fn fee(&self) -> Result<Fee, ChainError> {
        let block = self.block(BlockNumberOrTag::Latest).await?;
        let (price, is_legacy) = match block.and_then(|block| block.header.base_fee_per_gas) {
            Some(0) => (0, true),
            Some(base) => (base.saturating_mul(2).saturating_add(1_000_000_000), false),
            None => {
                let price: U128 = self.nodes.lock().await.ask("eth_gasPrice", ()).await?;
                (price.saturating_to(), true)
            }
        };
        Ok(Fee { price, is_legacy })
    }

    fn sign(&self, sent: &mut Sent, is_legacy: bool) -> Result<(), ChainError> {
        let key = self.keys.get(&sent.account).ok_or_else(|| {
            let reason =
                format!("the key of account {} is missing: give it with --account", sent.account);
            ServiceError::WrongUse(reason)
        })?;
        let to = sent.target.map_or(TxKind::Create, TxKind::Call);
        let (chain_id, nonce, gas_limit) = (self.settings.chain_id, sent.nonce, sent.gas);
        let (value, input) = (U256::ZERO, sent.data.clone());
        let envelope = if is_legacy {
            let (chain_id, gas_price) = (Some(chain_id), u128::from(sent.fee));
            signed(TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input }, key)?
        } else {
            let max_fee_per_gas = u128::from(sent.fee);
            let max_priority_fee_per_gas = max_fee_per_gas.min(1_000_000_000);
            let access_list = AccessList::default();
            let transaction = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                input,
            };
            signed(transaction, key)?
        };
        sent.raw = envelope.encoded_2718().into();
        sent.hashes.push(*envelope.tx_hash());
        Ok(())
    }

    /// Sends a form of a transaction; whatever a node answers, its state is looked up by its hash.
    async fn broadcast(&self, sent: &Sent) -> Result<(), ChainError> {
        let answer: Result<B256, NodeError> =
            self.nodes.lock().await.ask("eth_sendRawTransaction", (sent.raw.clone(),)).await;
        match answer {
            Ok(_) => Ok(()),
            // Nodes report in many ways that they have it, or had: look it up instead of reading that.
            Err(NodeError::Answered { .. }) if self.is_there(sent).await? => Ok(()),
            // A fee that is too low is raised in time.
            Err(NodeError::Answered { message, .. })
                if ["underpriced", "base fee", "fee too low", "gas price", "fee per gas"]
                    .iter()
                    .any(|known| message.contains(known)) =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether a node has a form of a transaction, or its nonce is used.
    async fn is_there(&self, sent: &Sent) -> Result<bool, ChainError> {
        for &hash in &sent.hashes {
            let found: Option<serde_json::Value> =
                self.nodes.lock().await.ask("eth_getTransactionByHash", (hash,)).await?;
            if found.is_some() {
                return Ok(true);
            }
        }
        Ok(self.nonce_on_chain(sent.account).await? > sent.nonce)
    }

    async fn standing(&self, sent: &Sent) -> Result<Standing, ChainError> {
        for &hash in &sent.hashes {
            let receipt: Option<TransactionReceipt> =
                self.nodes.lock().await.ask("eth_getTransactionReceipt", (hash,)).await?;
            let Some(receipt) = receipt else { continue };
            let number = receipt.block_number.unwrap_or(u64::MAX);
            let deep = self.head().await?.number >= number;
            let block = self.block(BlockNumberOrTag::Number(number)).await?;
            let same = block.is_some_and(|block| Some(block.header.hash) == receipt.block_hash);
            return Ok(if deep && same {
                Standing::Stands(Box::new(receipt))
            } else {
                Standing::Waits
            });
        }
        // Asked after the receipts: one that arrived in between is found next time.
        let lost = self.nonce_on_chain(sent.account).await? > sent.nonce;
        Ok(if lost { Standing::Lost } else { Standing::Waits })
    }

    /// Sends a kept transaction until it stands; returns none if another has used its nonce.
    async fn bring(&self, mut sent: Sent) -> Result<Option<ChainReceipt>, ChainError> {
        let started = Instant::now();
        let (mut last, mut lost) = (Instant::now(), 0);
        // First all that were kept before it, in order: a node accepts it only after those.
        for earlier in outbox::pending(&self.store, sent.account).await? {
            if earlier.nonce <= sent.nonce {
                self.broadcast(&earlier).await?;
            }
        }
        loop {
            match self.standing(&sent).await? {
                Standing::Stands(receipt) => return self.arrived(&sent, *receipt).await.map(Some),
                Standing::Lost => {
                    lost += 1;
                    // More than once: nodes do not all report the same at the same time.
                    if lost > 5 {
                        outbox::forget(&self.store, &sent).await?;
                        return Ok(None);
                    }
                }
                Standing::Waits => lost = 0,
            }
            if started.elapsed() >= self.settings.patience {
                return Err(ChainError::failed(
                    "the transaction is not final yet; it is stored, and the same call finds it \
                     later",
                ));
            }
            if last.elapsed() >= self.settings.raise_after {
                last = Instant::now();
                if sent.fee > 0 {
                    // Nodes require a tenth more than for the form before.
                    sent.fee = (sent.fee + sent.fee / 8 + 1).max(self.fee().await?.price);
                    // Keep its type: a legacy transaction is a list of RLP.
                    let is_legacy = sent.raw.first().is_some_and(|&first| first >= 0xc0);
                    self.sign(&mut sent, is_legacy)?;
                    outbox::keep_form(&self.store, &sent).await?;
                }
                self.broadcast(&sent).await?;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn arrived(
        &self,
        sent: &Sent,
        receipt: TransactionReceipt,
    ) -> Result<ChainReceipt, ChainError> {
        let block = receipt.block_number.unwrap_or_default();
        if !receipt.status() {
            outbox::forget(&self.store, sent).await?;
            // Find out why, if the block's state is still there; running out of gas leaves no reason.
            let request = request(sent.account, sent.target, sent.data.clone());
            let params = (request, BlockNumberOrTag::Number(block));
            let again: Result<Bytes, NodeError> =
                self.nodes.lock().await.ask("eth_call", params).await;
            return Err(match again {
                Err(NodeError::Answered { revert: Some(bytes), .. }) => ChainError::Reverted(bytes),
                _ => ChainError::failed("the transaction failed; it may have run out of gas"),
            });
        }
        outbox::arrived(&self.store, sent, block).await?;
        Ok(ChainReceipt {
            block,
            gas_used: receipt.gas_used,
            logs: receipt.logs().iter().map(chain_log).collect(),
            created: receipt.contract_address,
        })
    }

    /// Records the contracts' events, up to the newest block that stands; reverts what came from blocks
    /// that the chain has replaced.
    ///
    /// # Errors
    /// [`ChainError`]; also if a paid claim was reverted.
    pub async fn record(&self) -> Result<(), ChainError> {
        let Some((contracts, before)) = &self.contracts else { return Ok(()) };
        let head = self.head().await?.number;
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT number, hash FROM recorded_block ORDER BY number DESC LIMIT 1000",
        )
        .fetch_all(self.store.pool())
        .await?;
        let newest = rows.first().map(|(number, _)| *number as u64);
        let mut known = *before;
        for (number, hash) in rows {
            let block = self.block(BlockNumberOrTag::Number(number as u64)).await?;
            if block.is_some_and(|block| block.header.hash.as_slice() == hash) {
                known = number as u64;
                break;
            }
        }
        if newest.is_some_and(|newest| newest > known) {
            let mut transaction = self.store.begin().await?;
            LedgerStore(&self.store).forget_after(&mut transaction, known).await?;
            outbox::take_back(&mut transaction, known).await?;
            transaction.commit().await?;
            for account in self.keys.keys() {
                for sent in outbox::pending(&self.store, *account).await? {
                    self.broadcast(&sent).await?;
                }
            }
        }
        if !journal::follows_offices(&mut *self.store.pool().acquire().await?).await? {
            let logs = self.logs(*before + 1, known).await?;
            let mut transaction = self.store.begin().await?;
            journal::begin_following_offices(&mut transaction, contracts, &logs).await?;
            transaction.commit().await?;
        }
        // Each piece is kept by itself: an interrupted run continues from there.
        while known < head {
            let (logs, last) = self.some_logs(known + 1, head).await?;
            if !self.keep_logs(contracts, (known, last), &logs).await? {
                return Ok(());
            }
            known = last;
        }
        Ok(())
    }

    /// Records the events of blocks after `known` up to `last`; returns false if another process has recorded more
    /// in between.
    async fn keep_logs(
        &self,
        contracts: &Addresses,
        (known, last): (u64, u64),
        logs: &[ChainLog],
    ) -> Result<bool, ChainError> {
        let block = self.block(BlockNumberOrTag::Number(last)).await?;
        let hash = block.ok_or_else(|| ChainError::failed("the node lost a block"))?.header.hash;
        let mut transaction = self.store.begin().await?;
        // Another process may have recorded the same in between.
        let (kept,): (Option<i64>,) = sqlx::query_as("SELECT max(number) FROM recorded_block")
            .fetch_one(&mut *transaction)
            .await?;
        if kept.is_some_and(|kept| kept as u64 > known) {
            return Ok(false);
        }
        journal::record(&mut transaction, contracts, logs).await?;
        sqlx::query("INSERT INTO recorded_block (number, hash) VALUES ($1, $2)")
            .bind(last as i64)
            .bind(hash.to_vec())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Returns the events of as many blocks as a node grants, from a first one on, and the last of these blocks.
    async fn some_logs(&self, first: u64, until: u64) -> Result<(Vec<ChainLog>, u64), ChainError> {
        let mut filter = Filter::new();
        if let Some((contracts, _)) = &self.contracts {
            let Addresses { committee, participants, offices, claims, disputes, nodes, .. } =
                *contracts;
            let known = [committee, participants, offices, claims, disputes, nodes];
            let later = [contracts.consents, contracts.anchors, contracts.archives];
            filter = filter.address([&known[..], &later].concat());
        }
        let mut left = self.nodes.lock().await.count();
        loop {
            let span = self.span.load(Ordering::Relaxed).max(1);
            let last = until.min(first.saturating_add(span - 1));
            let asked = filter.clone().from_block(first).to_block(last);
            let answer: Result<Vec<Log>, NodeError> =
                self.nodes.lock().await.ask("eth_getLogs", (asked,)).await;
            match answer {
                Ok(logs) => {
                    // A node that grants this may grant more.
                    self.span.store((span * 2).min(BLOCKS_AT_ONCE), Ordering::Relaxed);
                    return Ok((logs.iter().map(chain_log).collect(), last));
                }
                // Whether a node limits blocks or events, halving gets within the limit.
                Err(NodeError::Answered { .. }) if last > first => {
                    self.span.store((last - first).div_ceil(2).max(1), Ordering::Relaxed);
                }
                // This node can't give even one block's, as it keeps no history: another may.
                Err(NodeError::Answered { .. }) if left > 1 => {
                    left -= 1;
                    self.nodes.lock().await.take_next();
                    self.span.store(BLOCKS_AT_ONCE, Ordering::Relaxed);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn signed<T: SignableTransaction<alloy_primitives::Signature>>(
    transaction: T,
    key: &PrivateKeySigner,
) -> Result<TxEnvelope, ChainError>
where
    TxEnvelope: From<Signed<T>>,
{
    let signature = key.sign_hash_sync(&transaction.signature_hash());
    let signature = signature.map_err(|_| ChainError::failed("the account's key cannot sign"))?;
    Ok(TxEnvelope::from(transaction.into_signed(signature)))
}

fn request(from: Address, target: Option<Address>, data: Bytes) -> TransactionRequest {
    let to = Some(target.map_or(TxKind::Create, TxKind::Call));
    TransactionRequest { from: Some(from), to, input: data.into(), ..Default::default() }
}

fn chain_log(log: &Log) -> ChainLog {
    ChainLog {
        block: log.block_number.unwrap_or_default(),
        address: log.address(),
        topics: log.topics().to_vec(),
        data: log.data().data.clone(),
    }
}

/// Returns what a transaction is kept under: a claim's nullifiers, so that it is submitted once in whatever
/// form its proof comes; for all else its sender and bytes.
fn brings(from: Address, target: Option<Address>, data: &[u8]) -> (B256, bool) {
    let nullifiers = if let Ok(call) = Claims::claimCall::abi_decode(data) {
        vec![call.own[0]]
    } else if let Ok(call) = Claims::claimBatchCall::abi_decode(data) {
        call.claims.iter().map(|claim| claim[0]).collect()
    } else {
        let target = target.unwrap_or_default();
        return (keccak256([from.as_slice(), target.as_slice(), data].concat()), false);
    };
    let words = nullifiers.iter().flat_map(|nullifier| nullifier.to_be_bytes::<32>());
    let target = target.unwrap_or_default();
    (keccak256([target.to_vec(), words.collect()].concat()), true)
}

impl Chain for RemoteChain {
    fn chain_id(&self) -> u64 {
        self.settings.chain_id
    }

    fn sends_as(&self, account: Address) -> bool {
        self.keys.contains_key(&account)
    }

    async fn next_nonce(&self, account: Address) -> Result<u64, ChainError> {
        let on_chain = self.nonce_on_chain(account).await?;
        outbox::next_nonce(&self.store, account, on_chain).await
    }

    async fn view(
        &self,
        from: Address,
        target: Address,
        data: Vec<u8>,
    ) -> Result<Bytes, ChainError> {
        let params = (request(from, Some(target), data.into()), BlockNumberOrTag::Latest);
        Ok(self.nodes.lock().await.ask("eth_call", params).await?)
    }

    async fn send(
        &mut self,
        from: Address,
        target: Option<Address>,
        data: Vec<u8>,
    ) -> Result<ChainReceipt, ChainError> {
        let (brings, is_claim) = brings(from, target, &data);
        loop {
            if let Some(sent) = outbox::find(&self.store, brings).await? {
                let Some(receipt) = self.bring(sent.clone()).await? else { continue };
                if !is_claim {
                    // The same call may be needed again: acknowledging the next notice is one.
                    outbox::forget(&self.store, &sent).await?;
                }
                self.record().await?;
                return Ok(receipt);
            }
            // A refusal here costs no nonce and no fee.
            let request = request(from, target, data.clone().into());
            let params = (request.clone(), BlockNumberOrTag::Latest);
            let _: Bytes = self.nodes.lock().await.ask("eth_call", params).await?;
            let estimate: U64 = self.nodes.lock().await.ask("eth_estimateGas", (request,)).await?;
            let estimate: u64 = estimate.to();
            let fee = self.fee().await?;
            let mut sent = Sent {
                account: from,
                nonce: self.next_nonce(from).await?,
                target,
                data: data.clone().into(),
                gas: estimate + estimate / 5,
                fee: fee.price,
                raw: Bytes::new(),
                hashes: Vec::new(),
            };
            self.sign(&mut sent, fee.is_legacy)?;
            // If another took the nonce or submits the same: look again.
            outbox::keep(&self.store, brings, &sent).await?;
        }
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<ChainLog>, ChainError> {
        let (mut logs, mut next) = (Vec::new(), first);
        while next <= last {
            let (some, reached) = self.some_logs(next, last).await?;
            logs.extend(some);
            next = reached + 1;
        }
        Ok(logs)
    }

    /// Returns the newest block that is as deep as configured.
    async fn head(&self) -> Result<Head, ChainError> {
        let lost = || ChainError::failed("the node has no blocks");
        let newest = self.block(BlockNumberOrTag::Latest).await?.ok_or_else(lost)?;
        let number = newest.header.number.saturating_sub(self.settings.confirmations);
        let block = self.block(BlockNumberOrTag::Number(number)).await?.ok_or_else(lost)?;
        Ok(Head { number, timestamp: block.header.timestamp })
    }
}
