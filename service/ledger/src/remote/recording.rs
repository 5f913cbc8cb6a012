//! The contracts' events, kept as the chain has them.

use std::sync::atomic::Ordering;
use std::time::Instant;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Log};
use praman_verifier::contracts::Addresses;

use super::answers::{BlockHead, chain_log};
use super::nodes::NodeError;
use super::{BLOCKS_AT_ONCE, POLL, RemoteChain, outbox};
use crate::LedgerStore;
use crate::chain::{Chain, ChainError, ChainLog};
use crate::event_handler::EventHandlers;
use crate::journal;

/// How many of the newest blocks are asked for one by one.
const NEAR: u64 = 4;

/// How often an empty answer is doubted if the block may have events: a full block's mark is of all addresses.
const DOUBTED_MOST: u32 = 5;

/// How often a block may be replaced while its events are asked for.
const REPLACED_MOST: u32 = 20;

/// The events of some blocks.
struct Piece {
    logs: Vec<ChainLog>,
    /// The last of these blocks, and its hash.
    last: u64,
    hash: B256,
}

impl RemoteChain {
    /// Records the contracts' events, up to the newest block that stands; reverts what came from blocks
    /// that the chain has replaced.
    ///
    /// # Errors
    /// [`ChainError`]; also if a paid claim was reverted.
    pub async fn record(&self) -> Result<(), ChainError> {
        const TIMES: u32 = 5;
        for _ in 0..TIMES {
            if self.record_once().await? {
                return Ok(());
            }
        }
        Err(ChainError::failed("the chain replaces its blocks again and again: try later"))
    }

    /// Returns false if the chain has replaced a block meanwhile.
    async fn record_once(&self) -> Result<bool, ChainError> {
        let Some((contracts, before, handlers)) = &self.contracts else { return Ok(true) };
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT number, hash FROM recorded_block ORDER BY number DESC LIMIT 1000",
        )
        .fetch_all(self.store.pool())
        .await?;
        let newest = rows.first().map(|(number, _)| *number as u64);
        let head = self.head_not_before(newest.unwrap_or_default()).await?;
        self.settle_taken_back().await;
        let mut known = None;
        for (number, hash) in rows {
            let block = self.known_block(number as u64).await?;
            if block.hash.as_slice() == hash {
                known = Some((number as u64, block.hash));
                break;
            }
        }
        let (mut known, mut known_hash) = match known {
            Some(known) => {
                self.keep_first(*before).await?;
                known
            }
            None => (*before, self.check_first(*before).await?),
        };
        if newest.is_some_and(|newest| newest > known) {
            let mut transaction = self.store.begin().await?;
            LedgerStore(&self.store).forget_after(&mut transaction, handlers, known).await?;
            outbox::take_back(&mut transaction, known).await?;
            transaction.commit().await?;
            for account in self.keys.keys() {
                for sent in outbox::pending(&self.store, *account).await? {
                    // Whatever comes next from the account sends them first.
                    if let Err(error) = self.broadcast(&sent).await {
                        tracing::warn!(
                            "a transaction that was taken back is not sent yet: {error}"
                        );
                    }
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
            let piece = self.some_logs(known + 1, head, true).await?;
            // What follows a block that was replaced meanwhile is of another chain than what was recorded.
            if self.known_block(known).await?.hash != known_hash {
                return Ok(false);
            }
            if !self.keep_logs((contracts, handlers), known, &piece).await? {
                return Ok(true);
            }
            (known, known_hash) = (piece.last, piece.hash);
        }
        Ok(true)
    }

    /// Records which transactions of replaced blocks stand again: the same call is another one then.
    async fn settle_taken_back(&self) {
        let settled = async {
            for account in self.keys.keys() {
                for sent in outbox::taken_back(&self.store, *account).await? {
                    if let Some(block) = self.stands_in(&sent).await? {
                        outbox::arrived(&self.store, &sent, block).await?;
                    }
                }
            }
            Ok::<(), ChainError>(())
        };
        if let Err(error) = settled.await {
            tracing::warn!("transactions that were taken back are not looked up yet: {error}");
        }
    }

    /// Returns the hash of the block before all others that are recorded. A chain with another one there is not the one
    /// that was followed, whatever its id is: nothing is taken back for it.
    async fn check_first(&self, before: u64) -> Result<B256, ChainError> {
        let hash = self.known_block(before).await?.hash;
        match self.first(before).await? {
            Some(kept) if kept != hash.as_slice() => Err(ChainError::failed(format!(
                "the node's chain has another block {before} than the one that was recorded: it is \
                 another chain with the same id; correct the nodes' addresses"
            ))),
            Some(_) => Ok(hash),
            None => {
                self.insert_first(before, hash).await?;
                Ok(hash)
            }
        }
    }

    /// Keeps that block if an earlier version did not, and a node has it.
    async fn keep_first(&self, before: u64) -> Result<(), ChainError> {
        // A node without history may answer with an error.
        if self.first(before).await?.is_none()
            && let Ok(Some(block)) = self.block(BlockNumberOrTag::Number(before)).await
        {
            self.insert_first(before, block.hash).await?;
        }
        Ok(())
    }

    async fn first(&self, before: u64) -> Result<Option<Vec<u8>>, ChainError> {
        let kept: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT hash FROM recorded_block WHERE number = $1")
                .bind(before as i64)
                .fetch_optional(self.store.pool())
                .await?;
        Ok(kept.map(|(hash,)| hash))
    }

    async fn insert_first(&self, before: u64, hash: B256) -> Result<(), ChainError> {
        sqlx::query(
            "INSERT INTO recorded_block (number, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(before as i64)
        .bind(hash.to_vec())
        .execute(self.store.writer())
        .await?;
        Ok(())
    }

    /// Returns the number of the newest block that stands, of a node that has the newest block that was recorded: one
    /// that is behind would look like a chain that has lost blocks.
    async fn head_not_before(&self, recorded: u64) -> Result<u64, ChainError> {
        let mut left = self.nodes.lock().await.count();
        loop {
            let newest = self.newest().await?.number.to::<u64>();
            if newest >= recorded {
                return Ok(newest.saturating_sub(self.settings.confirmations));
            }
            left -= 1;
            if left == 0 {
                return Err(ChainError::failed(format!(
                    "the node is behind: its newest block is {newest}, and block {recorded} was \
                     recorded; wait until it has caught up, or give another node"
                )));
            }
            self.nodes.lock().await.take_next();
        }
    }

    /// Returns a block that a node has had.
    async fn known_block(&self, number: u64) -> Result<BlockHead, ChainError> {
        let block = self.block(BlockNumberOrTag::Number(number)).await?;
        block.ok_or_else(|| ChainError::failed(format!("the node has lost block {number}")))
    }

    /// Records the events of blocks after `known`; returns false if another process has recorded more in between.
    async fn keep_logs(
        &self,
        (contracts, handlers): (&Addresses, EventHandlers),
        known: u64,
        piece: &Piece,
    ) -> Result<bool, ChainError> {
        let mut transaction = self.store.begin().await?;
        // Another process may have recorded the same in between.
        let (kept,): (Option<i64>,) = sqlx::query_as("SELECT max(number) FROM recorded_block")
            .fetch_one(&mut *transaction)
            .await?;
        if kept.is_some_and(|kept| kept as u64 > known) {
            return Ok(false);
        }
        journal::record(&mut transaction, contracts, handlers, &piece.logs).await?;
        sqlx::query("INSERT INTO recorded_block (number, hash) VALUES ($1, $2)")
            .bind(piece.last as i64)
            .bind(piece.hash.to_vec())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Returns the events of as many blocks as a node grants, from a first one on; the newest of the chain one by one.
    async fn some_logs(
        &self,
        first: u64,
        until: u64,
        is_newest: bool,
    ) -> Result<Piece, ChainError> {
        let mut filter = Filter::new();
        if let Some((contracts, ..)) = &self.contracts {
            // In full, so that no contract's events are left out.
            let Addresses {
                committee,
                participants,
                offices,
                claims,
                disputes,
                nodes,
                verifier: _,
                consents,
                anchors,
                archives,
                scopes,
                settlements,
            } = *contracts;
            let mut known = vec![
                committee,
                participants,
                offices,
                claims,
                disputes,
                nodes,
                consents,
                anchors,
                archives,
                scopes,
            ];
            if !settlements.is_zero() {
                known.push(settlements);
            }
            filter = filter.address(known);
        }
        // Without the last, a node says nothing of the events in it.
        self.known_block(until).await?;
        let mut left = self.nodes.lock().await.count();
        let (started, mut replaced) = (Instant::now(), 0);
        loop {
            if is_newest && until - first < NEAR {
                return self.logs_by_block(&filter, first, until).await;
            }
            let span = self.span.load(Ordering::Relaxed).max(1);
            // Up to the newest ones, which are asked for one by one.
            let range_end = if is_newest { until - NEAR } else { until };
            let last = range_end.min(first.saturating_add(span - 1));
            let asked = filter.clone().from_block(first).to_block(last);
            // A node that does not have the last block yet would leave its events out without a word, and one that
            // replaces it meanwhile would give those of another chain.
            let before = self.known_block(last).await?.hash;
            let answer: Result<Vec<Log>, NodeError> =
                self.nodes.lock().await.ask("eth_getLogs", (asked,)).await;
            match answer {
                Ok(logs) => {
                    if self.known_block(last).await?.hash != before {
                        replaced += 1;
                        if replaced > REPLACED_MOST {
                            return Err(ChainError::failed(format!(
                                "the nodes give one block {last} and then another: they are not of \
                                 one chain, or it replaces its blocks again and again"
                            )));
                        }
                        continue;
                    }
                    // A node that grants this may grant more.
                    self.span.store((span * 2).min(BLOCKS_AT_ONCE), Ordering::Relaxed);
                    let logs = logs.iter().map(chain_log).collect();
                    return Ok(Piece { logs, last, hash: before });
                }
                // Whether a node limits blocks or events, halving gets within the limit.
                Err(NodeError::Answered { .. } | NodeError::Away { is_heavy: true, .. })
                    if last > first =>
                {
                    self.span.store((last - first).div_ceil(2).max(1), Ordering::Relaxed);
                }
                // It may be away for a moment.
                Err(NodeError::Away { is_heavy: true, .. })
                    if started.elapsed() < self.nodes.lock().await.patience =>
                {
                    tokio::time::sleep(POLL.1).await;
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

    /// Returns the events of some of the newest blocks, each asked for by its hash: behind one address may be several
    /// nodes, and one that does not have a block yet says so, and does not leave its events out.
    async fn logs_by_block(
        &self,
        filter: &Filter,
        first: u64,
        last: u64,
    ) -> Result<Piece, ChainError> {
        let started = Instant::now();
        let mut doubted = 0;
        'again: loop {
            let tip = self.known_block(last).await?.hash;
            let (mut logs, mut before) = (Vec::new(), None);
            let mut number = first;
            while number <= last {
                let problem = match self.logs_of_block(filter, number).await {
                    // A block of another chain than the one before it is asked of another node, or a moment later.
                    Ok(Some((block, found))) if block.follows(before) => {
                        let is_left_out =
                            found.is_empty() && block.may_have_events_of(&filter.address);
                        if is_left_out && doubted < DOUBTED_MOST {
                            doubted += 1;
                            self.nodes.lock().await.take_next();
                            tokio::time::sleep(POLL.1 / 4).await;
                            continue;
                        }
                        before = Some(block.hash);
                        logs.extend(found.iter().map(chain_log));
                        (number, doubted) = (number + 1, 0);
                        continue;
                    }
                    Ok(_) => None,
                    Err(error) => Some(error),
                };
                let mut nodes = self.nodes.lock().await;
                if started.elapsed() >= nodes.patience {
                    return Err(problem.map_or_else(
                        || ChainError::failed(format!("the nodes do not have block {number} yet")),
                        ChainError::from,
                    ));
                }
                nodes.take_next();
                drop(nodes);
                tokio::time::sleep(POLL.1 / 4).await;
                continue 'again;
            }
            let hash = before.unwrap_or_default();
            // If one was replaced meanwhile, so was the last.
            if hash == tip && self.known_block(last).await?.hash == tip {
                return Ok(Piece { logs, last, hash });
            }
            if started.elapsed() >= self.nodes.lock().await.patience {
                return Err(ChainError::failed(format!(
                    "the nodes give one block {last} and then another: they are not of one chain, or \
                     it replaces its blocks again and again"
                )));
            }
        }
    }

    /// Returns a block and its events; none if the node does not have it.
    async fn logs_of_block(
        &self,
        filter: &Filter,
        number: u64,
    ) -> Result<Option<(BlockHead, Vec<Log>)>, NodeError> {
        let tag = BlockNumberOrTag::Number(number);
        let block: Option<BlockHead> =
            self.nodes.lock().await.ask("eth_getBlockByNumber", (tag, false)).await?;
        let Some(block) = block else { return Ok(None) };
        let asked = filter.clone().at_block_hash(block.hash);
        let logs = self.nodes.lock().await.ask("eth_getLogs", (asked,)).await?;
        Ok(Some((block, logs)))
    }

    /// Returns the events of blocks from `first` to `last`, both included, in order.
    pub(super) async fn logs_between(
        &self,
        first: u64,
        last: u64,
    ) -> Result<Vec<ChainLog>, ChainError> {
        let is_newest = last + NEAR > self.newest().await?.number.to::<u64>();
        let (mut logs, mut next) = (Vec::new(), first);
        while next <= last {
            let piece = self.some_logs(next, last, is_newest).await?;
            logs.extend(piece.logs);
            next = piece.last + 1;
        }
        Ok(logs)
    }
}
