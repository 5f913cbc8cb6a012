//! Where a proof is good: one contract on one chain.

use sha3::{Digest, Keccak256};

use crate::field::{keccak_to_field, public_element};

public_element! {
    /// The upper 248 bits of `keccak256("praman.context.1" ‖ chain id ‖ contract address)`, so that
    /// a proof for one ledger is none for another, and nobody can link a person's nullifiers on two. The
    /// contract computes it from its own address, or inherits that of the ledger that it takes the place of.
    Context
}

/// The context of a contract: the chain's EIP-155 id and the 20 bytes of the address.
pub fn context(chain_id: u64, contract: [u8; 20]) -> Context {
    let mut hasher = Keccak256::new();
    hasher.update(b"praman.context.1");
    hasher.update([0; 24]);
    hasher.update(chain_id.to_be_bytes());
    hasher.update(contract);
    Context::from_field(keccak_to_field(hasher))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_depends_on_chain_and_contract() {
        assert_ne!(context(1, [1; 20]), context(2, [1; 20]));
        assert_ne!(context(1, [1; 20]), context(1, [2; 20]));
    }
}
