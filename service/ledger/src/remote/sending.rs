//! Transactions: signed, sent, sent again with a higher fee, and done when they stand.

use std::time::{Duration, Instant};

use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEnvelope, TxLegacy};
use alloy_eips::BlockNumberOrTag;
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use praman_verifier::contracts::{Claims, Settlements};

use super::answers::{Receipt, chain_log};
use super::fee::Fee;
use super::nodes::NodeError;
use super::outbox::{self, Sent};
use super::{POLL, RemoteChain};
use crate::chain::{Chain, ChainError, ChainReceipt};
use crate::failure::NetworkSettingError;

/// What a node says that does not take transactions.
struct Refusals {
    own: Option<String>,
    /// Of one that must come first.
    of_earlier: Option<String>,
}

/// The state of a sent transaction.
enum Standing {
    Stands(Box<Receipt>),
    Waits,
    /// Another transaction has used its nonce.
    Lost,
}

impl RemoteChain {
    /// Signs a form of a transaction for a fee.
    pub(super) fn sign(&self, sent: &mut Sent, fee: Fee) -> Result<(), ChainError> {
        let key = self.keys.get(&sent.account);
        let key = key.ok_or(NetworkSettingError::NoKey(sent.account))?;
        let to = sent.target.map_or(TxKind::Create, TxKind::Call);
        let (chain_id, nonce, gas_limit) = (self.settings.chain_id, sent.nonce, sent.gas);
        let (value, input) = (U256::ZERO, sent.data.clone());
        let price = u128::from(fee.price);
        let envelope = match fee.tip {
            None => {
                let (chain_id, gas_price) = (Some(chain_id), price);
                signed(TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input }, key)?
            }
            Some(tip) => {
                let transaction = TxEip1559 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: price,
                    max_priority_fee_per_gas: u128::from(tip),
                    to,
                    value,
                    access_list: AccessList::default(),
                    input,
                };
                signed(transaction, key)?
            }
        };
        sent.fee = fee.price;
        sent.raw = envelope.encoded_2718().into();
        if !sent.hashes.contains(envelope.tx_hash()) {
            sent.hashes.push(*envelope.tx_hash());
        }
        Ok(())
    }

    /// Sends a form of a transaction. Returns what a node says that does not take it; whatever a node answers, a
    /// transaction that is there is there.
    pub(super) async fn broadcast(&self, sent: &Sent) -> Result<Option<String>, ChainError> {
        let answer: Result<B256, NodeError> =
            self.nodes.lock().await.ask("eth_sendRawTransaction", (sent.raw.clone(),)).await;
        match answer {
            Ok(_) => Ok(None),
            // An account without money gets none by waiting. A form before may be there.
            Err(error) if error.is_about_funds() && !self.is_this_form_there(sent).await? => {
                Err(error.into())
            }
            // Nodes report in many ways that they have it, or had: look it up instead of reading that.
            Err(NodeError::Answered { .. }) if self.is_there(sent).await? => Ok(None),
            // Any other refusal may pass: a fee is raised, a full pool empties.
            Err(NodeError::Answered { message, revert: None, .. }) => Ok(Some(message)),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a transaction, and first all that were kept before it: a node takes it only after those. Returns what a node
    /// says that does not take it, and what one says of those.
    async fn broadcast_in_order(&self, sent: &Sent) -> Result<Refusals, ChainError> {
        let on_chain = self.nonce_on_chain(sent.account).await?;
        let mut refused = None;
        for earlier in outbox::before(&self.store, sent.account, sent.nonce, on_chain).await? {
            let said = self.broadcast(&earlier).await?;
            let of_earlier =
                |said| format!("of transaction {}, which is first: {said}", earlier.nonce);
            refused = refused.or(said.map(of_earlier));
        }
        Ok(Refusals { own: self.broadcast(sent).await?, of_earlier: refused })
    }

    /// Returns whether a node has a form of a transaction, or its nonce is used.
    async fn is_there(&self, sent: &Sent) -> Result<bool, ChainError> {
        let has_it = self.has_a_form(sent, |_| true).await?;
        Ok(has_it || self.nonce_on_chain(sent.account).await? > sent.nonce)
    }

    /// Returns whether a node has the newest form of a transaction, or its nonce is used.
    async fn is_this_form_there(&self, sent: &Sent) -> Result<bool, ChainError> {
        let newest = Sent { hashes: vec![keccak256(&sent.raw)], ..sent.clone() };
        self.is_there(&newest).await
    }

    /// Returns whether any node has a form of a transaction, as it is wanted.
    async fn has_a_form(
        &self,
        sent: &Sent,
        is_wanted: fn(&serde_json::Value) -> bool,
    ) -> Result<bool, ChainError> {
        let nodes = self.nodes.lock().await.count();
        for _ in 0..nodes {
            for &hash in &sent.hashes {
                let mut nodes = self.nodes.lock().await;
                let found: Option<serde_json::Value> =
                    nodes.ask("eth_getTransactionByHash", (hash,)).await?;
                if found.as_ref().is_some_and(is_wanted) {
                    return Ok(true);
                }
            }
            self.nodes.lock().await.take_next();
        }
        Ok(false)
    }

    async fn standing(&self, sent: &Sent) -> Result<Standing, ChainError> {
        for &hash in &sent.hashes {
            let receipt: Option<Receipt> =
                self.nodes.lock().await.ask("eth_getTransactionReceipt", (hash,)).await?;
            let Some(receipt) = receipt else { continue };
            let Some(number) = receipt.block_number.map(|number| number.to::<u64>()) else {
                return Ok(Standing::Waits);
            };
            let deep = self.head().await?.number >= number;
            let block = self.block(BlockNumberOrTag::Number(number)).await?;
            let same = block.is_some_and(|block| Some(block.hash) == receipt.block_hash);
            return Ok(if deep && same {
                Standing::Stands(Box::new(receipt))
            } else {
                Standing::Waits
            });
        }
        // Asked after the receipts: one that arrived in between is found next time.
        if self.nonce_on_chain(sent.account).await? <= sent.nonce {
            return Ok(Standing::Waits);
        }
        // A node may know that it was mined, and not have its receipt yet. One that is behind may still have it waiting.
        let is_mined = |form: &serde_json::Value| !form["blockNumber"].is_null();
        let is_mined = self.has_a_form(sent, is_mined).await?;
        Ok(if is_mined { Standing::Waits } else { Standing::Lost })
    }

    /// Returns the block in which a transaction stands, if it does.
    pub(super) async fn stands_in(&self, sent: &Sent) -> Result<Option<u64>, ChainError> {
        Ok(match self.standing(sent).await? {
            Standing::Stands(receipt) => receipt.block_number.map(|number| number.to()),
            Standing::Waits | Standing::Lost => None,
        })
    }

    /// Sends a kept transaction until it stands; returns none if another has used its nonce.
    pub(super) async fn bring(&self, mut sent: Sent) -> Result<Option<ChainReceipt>, ChainError> {
        let started = Instant::now();
        let (mut last, mut lost_since, mut pause) = (Instant::now(), None, POLL.0);
        let mut refusals = match self.broadcast_in_order(&sent).await {
            Err(error) => self.send_for_less(&mut sent, error).await?,
            taken => taken?,
        };
        let mut seen = self.newest().await?.number;
        loop {
            match self.standing(&sent).await? {
                Standing::Stands(receipt) => return self.arrived(&sent, *receipt).await.map(Some),
                Standing::Lost => {
                    // For a while: nodes do not all report the same at the same time, and what is counted as lost is
                    // sent again under another nonce.
                    let since = *lost_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.settings.raise_after.min(LOST_AFTER) {
                        outbox::forget(&self.store, &sent).await?;
                        return Ok(None);
                    }
                }
                Standing::Waits => lost_since = None,
            }
            if started.elapsed() >= self.settings.patience {
                let said = refusals.own.or(refusals.of_earlier);
                let said = said.map(|said| format!("; the node says: {said}"));
                return Err(ChainError::failed(format!(
                    "the transaction is not final yet; it is stored, and the same call finds it \
                     later{}",
                    said.unwrap_or_default()
                )));
            }
            // A price of nothing that is refused is not waited for.
            let is_unpaid = refusals.own.is_some() && sent.fee == 0 && sent.hashes.len() == 1;
            if is_unpaid || last.elapsed() >= self.settings.raise_after {
                last = Instant::now();
                let newest = self.newest().await?.number;
                // While no block is made, no price is too low.
                let may_help = refusals.own.is_some() || newest > seen;
                seen = newest;
                refusals = self.send_again(&mut sent, may_help, refusals.own.is_some()).await?;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL.1);
        }
    }

    /// Sends a transaction for what is asked now, if that is less than what a node has just refused as too much.
    async fn send_for_less(
        &self,
        sent: &mut Sent,
        refused: ChainError,
    ) -> Result<Refusals, ChainError> {
        let now = self.fee().await?;
        if now.price >= sent.fee {
            return Err(refused);
        }
        self.sign(sent, now)?;
        outbox::keep_form(&self.store, sent).await?;
        self.broadcast_in_order(sent).await
    }

    /// Sends a transaction again, for more if that may help. What the account can't pay is not asked of it: the form
    /// before stays.
    async fn send_again(
        &self,
        sent: &mut Sent,
        may_help: bool,
        is_refused: bool,
    ) -> Result<Refusals, ChainError> {
        let raised = match may_help {
            true => self.raised_fee(sent, is_refused).await?,
            false => None,
        };
        let Some(fee) = raised else { return self.broadcast_in_order(sent).await };
        let (price, raw) = (sent.fee, sent.raw.clone());
        self.sign(sent, fee)?;
        outbox::keep_form(&self.store, sent).await?;
        let answer = self.broadcast_in_order(sent).await;
        if let Err(error) = answer {
            (sent.fee, sent.raw) = (price, raw);
            outbox::keep_form(&self.store, sent).await?;
            return match error {
                ChainError::Failed(reason) => {
                    Ok(Refusals { own: Some(reason.to_string()), of_earlier: None })
                }
                refused => Err(refused),
            };
        }
        answer
    }

    /// Returns the fee of a transaction's next form; none where nothing is paid and no node refuses that.
    async fn raised_fee(&self, sent: &Sent, is_refused: bool) -> Result<Option<Fee>, ChainError> {
        let Some(fee) = Fee::of(&sent.raw) else { return Ok(None) };
        if fee.price > 0 {
            let mut now = self.fee().await?;
            if now.price == 0 {
                // Blocks take nothing, and nodes have a least price.
                now = Fee::asked(&mut *self.nodes.lock().await).await?;
            }
            return Ok(fee.may_rise(now).then(|| fee.raised(now)));
        }
        if !is_refused {
            return Ok(None);
        }
        // A chain without a base fee may still have nodes with a least price.
        let asked = Fee::asked(&mut *self.nodes.lock().await).await?;
        Ok((asked.price > 0).then(|| fee.raised(asked)))
    }

    async fn arrived(&self, sent: &Sent, receipt: Receipt) -> Result<ChainReceipt, ChainError> {
        let block = receipt.block_number.unwrap_or_default().to::<u64>();
        if !receipt.has_succeeded() {
            // It may be sent again, and its nonce stays known.
            let (name, _) = brings(sent.account, sent.target, &sent.data);
            outbox::arrived(&self.store, sent, block).await?;
            outbox::keep_done(&self.store, name, sent).await?;
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
            gas_used: receipt.gas_used.to(),
            logs: receipt.logs.iter().map(chain_log).collect(),
            created: receipt.contract_address,
        })
    }
}

/// For how long nodes must say that another transaction has used a nonce.
const LOST_AFTER: Duration = Duration::from_secs(10);

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

/// Returns a call as nodes are asked to try it.
pub(super) fn request(from: Address, target: Option<Address>, data: Bytes) -> TransactionRequest {
    let to = Some(target.map_or(TxKind::Create, TxKind::Call));
    // Every client reads `data`; not every one `input`.
    let input = TransactionInput { input: None, data: Some(data) };
    TransactionRequest { from: Some(from), to, input, ..Default::default() }
}

/// Returns what a transaction is kept under: a claim's nullifiers, so that it is submitted once in whatever
/// form its proof comes; a settlement's chunks by their states and bits, since a repeated run draws other proofs; for all
/// else its sender and bytes. Whether it is a claim, which is never brought a second time.
pub(super) fn brings(from: Address, target: Option<Address>, data: &[u8]) -> (B256, bool) {
    let nullifiers = if let Ok(call) = Claims::claimCall::abi_decode(data) {
        vec![call.own[0]]
    } else if let Ok(call) = Claims::claimBatchCall::abi_decode(data) {
        call.claims.iter().map(|claim| claim[0]).collect()
    } else if let Ok(call) = Settlements::proveCall::abi_decode(data) {
        let states = call.chunks.iter().flat_map(|chunk| &chunk[..2]);
        let words = states.chain(&call.counted).flat_map(|word| word.to_be_bytes::<32>());
        let target = target.unwrap_or_default();
        let of = [from.as_slice(), target.as_slice(), &call.opening.to_be_bytes()].concat();
        return (keccak256([of, words.collect()].concat()), false);
    } else {
        let target = target.unwrap_or_default();
        return (keccak256([from.as_slice(), target.as_slice(), data].concat()), false);
    };
    let words = nullifiers.iter().flat_map(|nullifier| nullifier.to_be_bytes::<32>());
    let target = target.unwrap_or_default();
    (keccak256([target.to_vec(), words.collect()].concat()), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_a_settlement_are_the_same_whatever_proofs_they_come_with() {
        let name = |opening: u32, proof: u64, bits: u64| {
            let mut chunk = [U256::from(5); 11];
            chunk[3..].fill(U256::from(proof));
            let call = Settlements::proveCall {
                opening,
                chunks: vec![chunk],
                counted: vec![U256::from(bits)],
            };
            brings(Address::ZERO, None, &call.abi_encode())
        };
        assert_eq!(name(1, 7, 3), name(1, 8, 3));
        assert_ne!(name(1, 7, 3), name(1, 7, 2));
        assert_ne!(name(1, 7, 3), name(2, 7, 3));
        assert!(!name(1, 7, 3).1, "chunks may be brought again after others");
    }
}
