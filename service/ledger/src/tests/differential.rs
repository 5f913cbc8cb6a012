//! One verdict on every proof: natively, by praman's contract, and by the one that snarkjs generates
//! for the same key.

use std::process::Command;

use alloy_primitives::U256;
use ark_ff::{PrimeField, UniformRand};
use praman_circuits::Fr;
use praman_testkit::fixture;
use praman_testkit::simulation::rerandomised;
use praman_verifier::contracts::{proof_words, snarkjs_call, word};
use praman_verifier::{PreparedKey, Proof};

use super::rounds;
use super::scene::{Scene, raw};
use crate::chain::Chain;
use crate::contract_ledger::OPERATOR;

/// The creation code of the peer's verifier.
fn peer(key: &praman_verifier::VerifyingKey) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("verification_key.json");
    std::fs::write(&path, key.to_json()).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers/solidity_verifier.mjs");
    let made = Command::new("node").arg(script).arg(&path).output().expect("node is installed");
    let complaint = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "run `npm ci` in tests/peers first: {complaint}");
    hex::decode(String::from_utf8(made.stdout).expect("text").trim()).expect("hexadecimal")
}

#[tokio::test]
async fn proofs_get_one_verdict_from_three_verifiers() {
    let mut scene = Scene::open().await;
    let claims = scene.many(10).await;
    let code = peer(scene.key.verifying_key());
    let chain = &mut scene.ledger.network.chain;
    let peer = chain.send(OPERATOR, None, code).await.expect("deployed").created.expect("there");
    let native = PreparedKey::new(scene.key.verifying_key());
    let base = {
        use crate::Ledger;
        let mut public = fixture::claim(1).public();
        public.context = scene.ledger.context();
        public
    };
    let order = U256::from_limbs(Fr::MODULUS.0);
    let mut accepted = 0;
    let cases = rounds(200, 1_000);
    for case in 0..cases {
        let claim = &claims[case as usize % claims.len()];
        let mut public = base.clone();
        (public.nullifier, public.payout) = (claim.nullifier, claim.payout);
        public.envelope = claim.envelope;
        let mut inputs = public.to_fields();
        let own = inputs.len() - 3;
        let mut points = claim.proof.points().clone();
        let r = Fr::rand(&mut scene.rng);
        let mut call = raw(claim);
        match case % 10 {
            0..4 => points = rerandomised(&claim.proof, &mut scene.rng).points().clone(),
            4 => points.a = (points.a * r).into(),
            5 => points.b = (points.b * r).into(),
            6 => points.c = (points.c * r).into(),
            7 => inputs[own] = r,
            8 => inputs[own + 1 + case as usize / 10 % 2] += Fr::from(1u64),
            _ => (points.a, points.c) = (points.c, points.a),
        }
        let proof = Proof::new(points).expect("points");
        call.own = std::array::from_fn(|place| word(inputs[own + place]));
        call.proof = proof_words(&proof);
        let native = native.verify(&inputs, &proof).is_ok();
        let ours = scene.verdict(&call).await.is_ok();
        let theirs = {
            let words = snarkjs_call(&inputs, &proof);
            let chain = &scene.ledger.network.chain;
            let output = chain.view(OPERATOR, peer, words).await.expect("it answers");
            U256::from_be_slice(&output) == U256::from(1u64)
        };
        assert_eq!((native, native), (ours, theirs), "case {case}");
        accepted += u64::from(native);
        // A word at or above its modulus: no verifier takes it.
        if case % 50 == 0 {
            call.own[0] += order;
            assert!(scene.verdict(&call).await.is_err());
        }
    }
    assert_eq!(accepted, cases * 4 / 10);
}
