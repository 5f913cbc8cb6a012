//! The engine against ark-groth16: the same proofs to the byte.

use ark_ff::UniformRand;
use praman_circuits::{circuit, fixture};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::arkworks::ArkworksEngine;
use crate::setup::setup;

#[test]
fn proofs_are_those_of_arkworks() {
    let circuit = circuit::eligibility();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let keys = setup(circuit, &mut rng).expect("keys");
    let fastest = FixedKeyEngine::new(circuit, &keys, MemoryBudget::SMALL, Arithmetic::Fastest);
    let portable = FixedKeyEngine::new(circuit, &keys, MemoryBudget(8 << 20), Arithmetic::Portable);
    let peer = ArkworksEngine::new(circuit, keys);
    for number in 0..4 {
        let claim = fixture::claim(number);
        let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
        let (r, s) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let theirs = peer.prove_with(&witness, r, s).expect("proved");
        assert_eq!(fastest.prove_with(&witness, r, s).expect("proved"), theirs);
        assert_eq!(portable.prove_with(&witness, r, s).expect("proved"), theirs);
    }
}
