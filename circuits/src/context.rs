//! Where a proof is good: one contract on one chain.

use ark_bn254::Fr;
use ark_ff::PrimeField;

use crate::domain::Domain;
use crate::field::public_element;
use crate::poseidon;

public_element! {
    /// `Poseidon(tag, chain id, contract address)`, so that a proof for one ledger is none for
    /// another.
    Context
}

/// The context of a contract: the chain's EIP-155 id and the 20 bytes of the address.
pub fn context(chain_id: u64, contract: [u8; 20]) -> Context {
    let contract = Fr::from_be_bytes_mod_order(&contract);
    Context::from_field(poseidon::hash(&[Domain::Context.tag(), Fr::from(chain_id), contract]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_and_contract_both_count() {
        assert_ne!(context(1, [1; 20]), context(2, [1; 20]));
        assert_ne!(context(1, [1; 20]), context(1, [2; 20]));
    }
}
