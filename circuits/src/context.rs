//! Where a proof is good: one contract on one chain.

use ark_bn254::Fr;
use sha3::{Digest, Keccak256};

use crate::field::{from_be_bytes, public_element};

public_element! {
    /// The upper 248 bits of `keccak256("praman.context.1" ‖ chain id ‖ contract address)`, so that
    /// a proof for one ledger is none for another. The contract computes it from its own address.
    Context
}

/// The context of a contract: the chain's EIP-155 id and the 20 bytes of the address.
pub fn context(chain_id: u64, contract: [u8; 20]) -> Context {
    let mut hasher = Keccak256::new();
    hasher.update(b"praman.context.1");
    hasher.update([0; 24]);
    hasher.update(chain_id.to_be_bytes());
    hasher.update(contract);
    let mut bytes: [u8; 32] = hasher.finalize().into();
    bytes.rotate_right(1);
    bytes[0] = 0;
    let context: Option<Fr> = from_be_bytes(&bytes);
    Context::from_field(context.expect("248 bits are below the modulus"))
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
