//! What nodes answer, as far as it is needed: clients differ in what else they say.

use alloy_primitives::{Address, B256, Bloom, BloomInput, Bytes, U64};
use alloy_rpc_types_eth::{FilterSet, Log};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::chain::ChainLog;

/// A block's head.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockHead {
    pub(super) number: U64,
    pub(super) hash: B256,
    pub(super) timestamp: U64,
    /// The block before it.
    #[serde(default, deserialize_with = "if_readable")]
    pub(super) parent_hash: Option<B256>,
    /// What marks the addresses that events are of.
    #[serde(default, deserialize_with = "if_readable")]
    pub(super) logs_bloom: Option<Bloom>,
    /// None before London, and on chains that have a gas price instead.
    pub(super) base_fee_per_gas: Option<U64>,
}

/// Reads what is not needed, and is written otherwise by some clients.
fn if_readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

impl BlockHead {
    /// Whether it is the block after one with a hash, as far as it says.
    pub(super) fn follows(&self, before: Option<B256>) -> bool {
        before.is_none_or(|before| self.parent_hash.is_none_or(|parent| parent == before))
    }

    /// Whether it may have events of some addresses, as far as its mark shows. Some clients answer for a block that they
    /// do not have as for one without events.
    pub(super) fn may_have_events_of(&self, addresses: &FilterSet<Address>) -> bool {
        let has = |address: &Address| {
            let marked = BloomInput::Raw(address.as_slice());
            self.logs_bloom.as_ref().is_some_and(|bloom| bloom.contains_input(marked))
        };
        addresses.iter().any(has)
    }
}

/// What came of a transaction. Some nodes answer for one that is in no block yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub(super) block_number: Option<U64>,
    pub(super) block_hash: Option<B256>,
    /// 1 if it succeeded.
    pub(super) status: Option<U64>,
    pub(super) gas_used: U64,
    pub(super) contract_address: Option<Address>,
    pub(super) logs: Vec<Log>,
}

impl Receipt {
    /// Whether the transaction succeeded.
    pub(super) fn has_succeeded(&self) -> bool {
        self.status == Some(U64::from(1))
    }
}

/// Returns an event of a node's.
pub(super) fn chain_log(log: &Log) -> ChainLog {
    ChainLog {
        block: log.block_number.unwrap_or_default(),
        address: log.address(),
        topics: log.topics().to_vec(),
        data: log.data().data.clone(),
    }
}

/// Returns the bytes that a contract gave with its refusal, from an error's data: hexadecimal, alone or behind a word
/// ("Reverted 0x…" at Nethermind and OpenEthereum), or within an object (Hardhat, anvil).
pub(super) fn revert(data: &Value) -> Option<Bytes> {
    match data {
        Value::String(text) => {
            let hexadecimal = text.split_whitespace().find(|word| word.starts_with("0x"))?;
            hexadecimal.parse().ok()
        }
        Value::Object(fields) => {
            // An object may hold the transaction's hash as well.
            let named = ["data", "return", "result"].iter().find_map(|name| fields.get(*name));
            named.or_else(|| fields.values().find(|value| value.is_object())).and_then(revert)
        }
        _ => None,
    }
}
