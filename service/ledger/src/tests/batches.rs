//! Batches of claims.

use ark_ff::UniformRand;
use praman_circuits::Fr;
use praman_circuits::payout::PayoutCommitment;
use praman_verifier::Proof;
use praman_verifier::contracts::{Claims, batch_words};

use super::scene::Scene;
use crate::contract_ledger::own_words;
use crate::{Ledger, LedgerClaim, LedgerError};

fn raw_batch(claims: &[LedgerClaim]) -> Claims::claimBatchCall {
    let words = |claim: &LedgerClaim| batch_words(own_words(claim), &claim.proof);
    Claims::claimBatchCall {
        opening: 0,
        checkpoint: claims[0].checkpoint as u32,
        claims: claims.iter().map(words).collect(),
    }
}

#[tokio::test]
async fn batch_is_accepted_whole_and_once() {
    let mut scene = Scene::open().await;
    for (first, count) in [(0, 1), (1, 2), (3, 5), (8, 17)] {
        let claims = scene.many(first + count).await.split_off(first as usize);
        scene.ledger.claim_batch(&claims).await.expect("accepted");
        for claim in &claims {
            let again = scene.ledger.claim(claim).await;
            assert!(matches!(again, Err(LedgerError::AlreadyClaimed)), "{again:?}");
        }
        let again = scene.ledger.claim_batch(&claims).await;
        assert!(matches!(again, Err(LedgerError::AlreadyClaimed)), "{again:?}");
    }
    let (accepted,): (i64,) = sqlx::query_as("SELECT count(*) FROM accepted_claim")
        .fetch_one(scene.store.pool())
        .await
        .expect("a count");
    assert_eq!(accepted, 25);
}

#[tokio::test]
async fn batch_with_one_bad_claim_anywhere_is_refused_whole() {
    let mut scene = Scene::open().await;
    let claims = scene.many(6).await;
    for place in 0..6 {
        let mut forged = claims.clone();
        let one = Fr::from(1u64);
        forged[place].payout = PayoutCommitment::from_field(forged[place].payout.to_field() + one);
        let refused = scene.ledger.claim_batch(&forged).await;
        assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{place}: {refused:?}");
        for moved in 0..3 {
            let mut forged = claims.clone();
            let mut points = forged[place].proof.points().clone();
            let r = Fr::rand(&mut scene.rng);
            match moved {
                0 => points.a = (points.a * r).into(),
                1 => points.b = (points.b * r).into(),
                _ => points.c = (points.c * r).into(),
            }
            forged[place].proof = Proof::new(points).expect("points");
            let refused = scene.ledger.claim_batch(&forged).await;
            assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{place}: {refused:?}");
        }
    }
    let mut twice = claims.clone();
    twice.push(claims[2].clone());
    let refused = scene.ledger.claim_batch(&twice).await;
    assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "{refused:?}");
    scene.ledger.claim_batch(&claims).await.expect("the honest batch");
}

#[tokio::test]
async fn errors_that_would_cancel_without_coefficients_are_refused() {
    let mut scene = Scene::open().await;
    let claims = scene.many(4).await;
    // C of one moved up and of another moved down by the same point: their plain sum is right.
    for (up, down) in [(0, 1), (1, 2), (3, 0)] {
        let mut forged = claims.clone();
        let shift = claims[3].proof.points().a;
        for (place, sign) in [(up, true), (down, false)] {
            let mut points = forged[place].proof.points().clone();
            let moved = if sign { points.c + shift } else { points.c + (-shift) };
            points.c = moved.into();
            forged[place].proof = Proof::new(points).expect("points");
        }
        let refused = scene.ledger.claim_batch(&forged).await;
        assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{refused:?}");
    }
    // Commitments swapped between two claims: their plain sum is right as well.
    let mut swapped = claims.clone();
    (swapped[1].payout, swapped[2].payout) = (claims[2].payout, claims[1].payout);
    let refused = scene.ledger.claim_batch(&swapped).await;
    assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{refused:?}");
}

#[tokio::test]
async fn batch_with_any_word_changed_is_refused() {
    use alloy_primitives::U256;
    use ark_ff::PrimeField;
    let mut scene = Scene::open().await;
    let claims = scene.many(3).await;
    let honest = raw_batch(&claims);
    let order = U256::from_limbs(Fr::MODULUS.0);
    for claim in 0..3 {
        for place in 0..11 {
            for change in [U256::from(1u64), order, U256::MAX - honest.claims[claim][place]] {
                let mut call = honest.clone();
                call.claims[claim][place] += change;
                assert!(scene.verdict(&call).await.is_err(), "claim {claim}, word {place}");
            }
        }
        // Infinity, which precompiles take for a point.
        for zeroed in [3..5, 5..9, 9..11] {
            let mut call = honest.clone();
            call.claims[claim][zeroed].fill(U256::ZERO);
            let refused = scene.verdict(&call).await;
            assert!(matches!(refused, Err(LedgerError::Malformed(_))), "{refused:?}");
        }
    }
    let mut other = honest.clone();
    other.checkpoint += 1;
    assert!(scene.verdict(&other).await.is_err());
    let mut empty = honest.clone();
    empty.claims.clear();
    assert!(scene.verdict(&empty).await.is_err());
    let mut large = honest.clone();
    large.claims = vec![honest.claims[0]; 257];
    assert!(scene.verdict(&large).await.is_err());
    scene.verdict(&honest).await.expect("the honest batch");
}

#[tokio::test]
async fn largest_batch_fits_a_block() {
    let mut scene = Scene::open().await;
    let claims = scene.many(256).await;
    let receipt = scene.ledger.claim_batch(&claims).await.expect("fits");
    assert!(receipt.gas_used < 22_000_000, "{}", receipt.gas_used);
}

#[tokio::test]
async fn batch_coefficients_depend_on_everything() {
    use crate::chain::Chain;
    use crate::contract_ledger::OPERATOR;
    use alloy_primitives::{Bytes, U256, keccak256};
    use alloy_sol_types::{SolCall, SolValue};
    alloy_sol_types::sol! {
        function seed(uint256 x, uint256 y, uint256[11][] claims) external returns (bytes32);
    }
    let mut scene = Scene::open().await;
    let artifact = include_str!("../../../../verifier/contracts/artifacts/BatchSeed.json");
    let artifact: serde_json::Value = serde_json::from_str(artifact).expect("JSON");
    let mut code = hex::decode(artifact["bytecode"].as_str().expect("code")).expect("hexadecimal");
    code.extend(scene.ledger.network.addresses.verifier.abi_encode());
    let chain = &mut scene.ledger.network.chain;
    let harness = chain.send(OPERATOR, None, code).await.expect("deployed").created.expect("there");
    for count in [1usize, 4, 5, 6, 7, 64, 256] {
        let words = |offset: u64| -> Vec<[U256; 11]> {
            (0..count as u64)
                .map(|i| std::array::from_fn(|j| U256::from(offset + 11 * i + j as u64)))
                .collect()
        };
        let honest = seedCall { x: U256::from(1u64), y: U256::from(2u64), claims: words(5) };
        let of = async |call: &seedCall| -> Bytes {
            chain.view(OPERATOR, harness, call.abi_encode()).await.expect("a seed")
        };
        let claimed = keccak256(
            honest
                .claims
                .iter()
                .flatten()
                .flat_map(|word| word.to_be_bytes::<32>())
                .collect::<Vec<u8>>(),
        );
        let twin = keccak256((honest.x, honest.y, claimed).abi_encode_params());
        let seed = of(&honest).await;
        assert_eq!(seed, Bytes::from(twin.0), "{count} claims");
        let one = U256::from(1u64);
        let mut changed: Vec<seedCall> = vec![honest.clone(); 4];
        changed[0].x += one;
        changed[1].y += one;
        changed[2].claims[count - 1][10] += one;
        changed[3].claims[0][0] += one;
        for call in &changed {
            assert_ne!(of(call).await, seed, "{count} claims");
        }
    }
}
