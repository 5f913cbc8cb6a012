//! A chain behind JSON-RPC nodes.
//!
//! A transaction is signed with the account's own next nonce, kept, sent, sent again with a higher fee
//! while it is pending, and done only when its block is as deep as configured and still on the chain.
//! Nonces are this program's own: a node's pending count includes transactions that it will drop.

mod answers;
mod fee;
mod nodes;
mod outbox;
mod recording;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, Bytes, U64};
use alloy_signer_local::PrivateKeySigner;
use praman_store::Store;
use praman_verifier::contracts::Addresses;
use tokio::sync::Mutex;

use super::chain::{Chain, ChainError, ChainLog, ChainReceipt, Head};
use super::event_handler::EventHandlers;
use super::failure::LedgerFailure;
use answers::BlockHead;
use fee::Fee;
use nodes::Nodes;
use outbox::Sent;
use sending::{brings, request};

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

/// How long to wait before asking again how a transaction stands: at first, and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A chain behind JSON-RPC nodes.
pub struct RemoteChain {
    store: Store,
    settings: RemoteSettings,
    nodes: Mutex<Nodes>,
    keys: HashMap<Address, PrivateKeySigner>,
    contracts: Option<(Addresses, u64, EventHandlers)>,
    /// How many blocks' events the nodes have lately granted at once.
    span: AtomicU64,
}

impl RemoteChain {
    /// Connects to a network, signing for the accounts of some keys.
    ///
    /// # Errors
    /// [`NetworkSettingError`](super::NetworkSettingError) for malformed addresses.
    pub fn new(
        store: &Store,
        settings: RemoteSettings,
        keys: impl IntoIterator<Item = PrivateKeySigner>,
    ) -> Result<Self, LedgerFailure> {
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

    /// Follows the events of the contract of settlements, too.
    pub(super) fn follow_settlements(&mut self, settlements: Address) {
        if let Some((contracts, ..)) = &mut self.contracts {
            contracts.settlements = settlements;
        }
    }

    /// Follows these contracts' events, of blocks after `before`.
    pub fn follow(&mut self, contracts: Addresses, before: u64, handlers: EventHandlers) {
        self.contracts = Some((contracts, before, handlers));
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

    async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<BlockHead>, ChainError> {
        Ok(self.nodes.lock().await.ask("eth_getBlockByNumber", (tag, false)).await?)
    }

    async fn nonce_on_chain(&self, account: Address) -> Result<u64, ChainError> {
        let params = (account, BlockNumberOrTag::Latest);
        // A nonce from another chain would leave a gap that nothing fills.
        self.nodes.lock().await.doubt_chain();
        let nonce: U64 = self.nodes.lock().await.ask("eth_getTransactionCount", params).await?;
        Ok(nonce.to())
    }

    /// Returns the newest block.
    async fn newest(&self) -> Result<BlockHead, ChainError> {
        let newest = self.block(BlockNumberOrTag::Latest).await?;
        newest.ok_or_else(|| ChainError::failed("the node has no blocks"))
    }

    async fn fee(&self) -> Result<Fee, ChainError> {
        let newest = self.newest().await?;
        Fee::now(&mut *self.nodes.lock().await, &newest).await
    }
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
            let mut found = outbox::find(&self.store, brings).await?;
            if found.is_none() && !is_claim {
                // The same was done, in a block that was replaced.
                let mut taken_back = outbox::taken_back(&self.store, from).await?.into_iter();
                found = taken_back.find(|sent| {
                    sending::brings(sent.account, sent.target, &sent.data).0 == brings
                });
            }
            if let Some(sent) = found {
                let Some(receipt) = self.bring(sent.clone()).await? else {
                    if is_claim {
                        continue;
                    }
                    // A contract refuses a claim that it has. Anything else is not sent twice unasked.
                    return Err(ChainError::failed(format!(
                        "another transaction has used number {} of account {}: look whether it did \
                         the same, and repeat the command if not; no other program may send with \
                         this account",
                        sent.nonce, sent.account
                    )));
                };
                if is_claim {
                    self.record().await?;
                    return Ok(receipt);
                }
                // The same call may be needed again: acknowledging the next notice is one. Its nonce stays known.
                outbox::keep_done(&self.store, brings, &sent).await?;
                // It stands, and must not be sent again because its events could not be had now: they are recorded
                // before anything else is done.
                if let Err(error) = self.record().await {
                    tracing::warn!(
                        "a transaction stands, and its events are not recorded yet: {error}"
                    );
                }
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
            self.sign(&mut sent, fee)?;
            // If another took the nonce or submits the same: look again.
            outbox::keep(&self.store, brings, &sent).await?;
        }
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<ChainLog>, ChainError> {
        self.logs_between(first, last).await
    }

    /// Returns the newest block that is as deep as configured.
    async fn head(&self) -> Result<Head, ChainError> {
        let newest = self.newest().await?.number.to::<u64>();
        let number = newest.saturating_sub(self.settings.confirmations);
        let block = self.block(BlockNumberOrTag::Number(number)).await?;
        let block =
            block.ok_or_else(|| ChainError::failed("the node has lost its newest block"))?;
        Ok(Head { number, timestamp: block.timestamp.to() })
    }
}
