//! Proves an eligibility claim on whatever machine this runs on, checks the proof, and prints how long it
//! took and what the same proof with a fixed blinding hashes to: everywhere the same.
//!
//! `prover/elsewhere.sh` runs it here, as WASM and on aarch64, and compares.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it proved")]

use std::time::Instant;

use praman_circuits::circuit;
use praman_prover::{Arithmetic, Cores, Engine, FixedKeyEngine, MemoryBudget, setup};
use praman_testkit::fixture;
use praman_verifier::PreparedKey;
use rand::SeedableRng;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

fn main() {
    let circuit = circuit::eligibility();
    let claim = fixture::claim(1);
    let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
    let keys = setup(circuit, &mut rng).expect("keys");
    let engine = FixedKeyEngine::new(circuit, &keys, MemoryBudget::SMALL, Arithmetic::Fastest);
    let started = Instant::now();
    let proof = engine.prove(&witness, &mut OsRng, Cores::One).expect("a true claim");
    let spent = started.elapsed();
    let checked = PreparedKey::new(engine.verifying_key()).verify(witness.public(), &proof);
    checked.expect("a right proof");
    let blinding = (3u64.into(), 5u64.into());
    let proof = engine.prove_with(&witness, blinding, Cores::One).expect("a true claim");
    let digest = hex::encode(Sha256::digest(proof.to_json()));
    println!("{digest} by {} arithmetic in {} ms", engine.arithmetic(), spent.as_millis());
}
