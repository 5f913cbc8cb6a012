//! The embedded chain's state, which is in the store and not in memory.

use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use praman_store::Store;

use super::scene::{Scene, TODAY, raw};
use crate::chain::Chain;
use crate::contract_ledger::OPERATOR;
use crate::{EmbeddedChain, Ledger, LedgerError};

/// Writes as many slots as long-accepted claims would leave.
async fn put_slots(store: &Store, contract: Address, count: u32) {
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
         INSERT INTO chain_slot (address, slot, value)
         SELECT $1, CAST(printf('%032d', i) AS BLOB), CAST(printf('%032d', 1) AS BLOB) FROM n",
    )
    .bind(contract.to_vec())
    .bind(i64::from(count))
    .execute(store.writer())
    .await
    .expect("put");
}

#[tokio::test]
async fn slots_are_read_when_contract_asks_and_not_before() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let contract = scene.ledger.network.addresses.claims;
    put_slots(&scene.store, contract, 100_000).await;
    let chain = EmbeddedChain::open(&scene.store).await.expect("a chain");
    assert_eq!(chain.slots_in_memory(), 0);
    let call = raw(&claim).abi_encode();
    chain.view(OPERATOR, contract, call).await.expect("it holds");
    let read = chain.slots_in_memory();
    assert!((1..200).contains(&read), "{read}");
    scene.ledger.claim(&claim).await.expect("accepted");
    let again = scene.ledger.claim(&claim).await;
    assert!(matches!(again, Err(LedgerError::AlreadyClaimed)), "{again:?}");
}

#[tokio::test]
async fn chain_sees_what_another_program_did_without_being_told() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let contract = scene.ledger.network.addresses.claims;
    let other = EmbeddedChain::open(&scene.store).await.expect("a chain");
    let (block, nonce) = (other.head().await, other.next_nonce(OPERATOR).await);
    other.view(OPERATOR, contract, raw(&claim).abi_encode()).await.expect("not spent");
    scene.ledger.claim(&claim).await.expect("accepted");
    let refused = other.view(OPERATOR, contract, raw(&claim).abi_encode()).await;
    assert!(refused.is_err(), "spent by the other");
    let after = (other.head().await, other.next_nonce(OPERATOR).await);
    assert_eq!(after.0.expect("a head").number, block.expect("a head").number + 1);
    assert_eq!(after.1.expect("a nonce"), nonce.expect("a nonce") + 1);
}

#[tokio::test]
async fn chain_makes_its_block_after_those_of_another_program() {
    let mut scene = Scene::open().await;
    let (first, second) = {
        let claims = scene.many(2).await;
        (claims[0].clone(), claims[1].clone())
    };
    let contract = scene.ledger.network.addresses.claims;
    let mut other = EmbeddedChain::open(&scene.store).await.expect("a chain");
    other.set_day(TODAY);
    scene.ledger.claim(&first).await.expect("accepted");
    let receipt = other.send(OPERATOR, Some(contract), raw(&second).abi_encode()).await;
    let block = receipt.expect("accepted").block;
    assert_eq!(other.head().await.expect("a head").number, block);
    let refused = scene.ledger.claim(&second).await;
    assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "seen by the first: {refused:?}");
}
