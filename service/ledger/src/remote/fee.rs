//! What is paid for a unit of gas, in wei.

use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::U128;

use super::answers::BlockHead;
use super::nodes::Nodes;
use crate::chain::ChainError;

/// What the proposer of a block is given beside the base fee, where a node does not say what is usual.
const USUAL_TIP: u64 = 1_000_000_000;

/// What is paid for a unit of gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fee {
    /// All of it, at most.
    pub(super) price: u64,
    /// What of it goes to the proposer, at most; none for a gas price, as on chains without a base fee.
    pub(super) tip: Option<u64>,
}

impl Fee {
    /// Returns the fee now: twice what the last block took, and the usual tip. It is 0 if the chain takes none.
    pub(super) async fn now(nodes: &mut Nodes, newest: &BlockHead) -> Result<Self, ChainError> {
        match newest.base_fee_per_gas.map(|base| base.saturating_to::<u64>()) {
            Some(0) => Ok(Self { price: 0, tip: None }),
            Some(base) => {
                // Not every client has the method.
                let usual: Result<U128, _> = nodes.ask("eth_maxPriorityFeePerGas", ()).await;
                let tip = usual.map_or(USUAL_TIP, |tip| tip.saturating_to()).max(1);
                Ok(Self { price: base.saturating_mul(2).saturating_add(tip), tip: Some(tip) })
            }
            None => Self::asked(nodes).await,
        }
    }

    /// Returns the gas price that a node asks for, also where blocks take none: some nodes have a least price.
    pub(super) async fn asked(nodes: &mut Nodes) -> Result<Self, ChainError> {
        let price: U128 = nodes.ask("eth_gasPrice", ()).await?;
        Ok(Self { price: price.saturating_to(), tip: None })
    }

    /// Returns the fee of a signed transaction.
    pub(super) fn of(raw: &[u8]) -> Option<Self> {
        let signed = TxEnvelope::decode_2718(&mut &raw[..]).ok()?;
        let price = u64::try_from(signed.max_fee_per_gas()).ok()?;
        let tip = signed.max_priority_fee_per_gas();
        Some(Self { price, tip: tip.map(|tip| u64::try_from(tip).unwrap_or(price)) })
    }

    /// Whether more may be paid than this: not much more than what is asked for now, whatever keeps it waiting.
    pub(super) fn may_rise(self, now: Self) -> bool {
        const TIMES: u64 = 10;
        self.price < now.price.saturating_mul(TIMES)
    }

    /// Returns a fee with which nodes take a transaction in the place of one with this fee, and at least what is asked
    /// for now. They want a tenth more, of the tip too. Its kind stays.
    pub(super) fn raised(self, now: Self) -> Self {
        let more = |fee: u64| fee.saturating_add(fee / 8).saturating_add(1);
        let tip = self.tip.map(|tip| more(tip).max(now.tip.unwrap_or_default()));
        let price = more(self.price).max(now.price);
        Self { price: price.max(tip.unwrap_or_default()), tip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// go-ethereum replaces a transaction only if both its fee and its tip are a tenth higher.
    #[test]
    fn raised_fee_is_more_than_a_tenth_higher_in_both_parts() {
        let first = Fee { price: 61_000_000_000, tip: Some(1_000_000_000) };
        let again = first.raised(Fee { price: 20_000_000_000, tip: Some(100) });
        assert!(again.price * 10 >= first.price * 11);
        assert!(again.tip.expect("a tip") * 10 >= 11 * 1_000_000_000);
        // What is asked for now may be more.
        let now = Fee { price: 900_000_000_000, tip: Some(30_000_000_000) };
        assert_eq!(first.raised(now), now);
        // What waits for another reason is not paid for without end.
        let mut fee = first;
        let mut times = 0;
        while fee.may_rise(first) {
            fee = fee.raised(first);
            times += 1;
        }
        assert!(times < 25 && fee.price < 12 * first.price, "{times} times, to {}", fee.price);
        // A gas price stays one, and no tip is above the whole.
        let legacy = Fee { price: 0, tip: None };
        assert_eq!(legacy.raised(Fee { price: 1_000, tip: Some(7) }).tip, None);
        assert_eq!(legacy.raised(Fee { price: 1_000, tip: None }).price, 1_000);
        let small = Fee { price: 5, tip: Some(5) }.raised(Fee { price: 1, tip: Some(50) });
        assert_eq!(small, Fee { price: 50, tip: Some(50) });
    }
}
