//! The history of a chain of many claims: two thousand at every landing, ten thousand by `tests/thorough.sh`.

use praman_verifier::contracts::{Archives, Claims};

use super::rounds;
use super::scene::Scene;
use crate::{EmbeddedLedger, Ledger, history, text_hash};

#[tokio::test]
async fn history_of_many_claims_is_replayed() {
    let many = rounds(2_000, 10_000);
    let mut scene = Scene::open().await;
    let claims = scene.many(many).await;
    for batch in claims.chunks(250) {
        scene.ledger.claim_batch(batch).await.expect("accepted");
    }
    let reason = text_hash("the period is over");
    scene.call(&Claims::closeOpeningCall { opening: 0, reason }).await.expect("closed");
    let seal = history::seal(&mut scene.ledger.network, 0).await.expect("a seal");
    let (count, root) = (seal.claims.len() as u64, seal.root());
    let propose = Archives::proposeSealCall { opening: 0, count, root };
    scene.archive(&propose).await.expect("proposed");
    let history = history::verify(&mut scene.ledger.network, None).await.expect("replayed");
    assert_eq!((history.claims as u64, &history.faults[..]), (many, &[][..]));
    assert_eq!((history.openings[0].claims as u64, history.openings[0].root), (many, root));
    // An event that is changed, missing or doubled in the store is found.
    for change in [
        "UPDATE chain_log SET data = zeroblob(length(data))
         WHERE block = (SELECT max(block) - 5 FROM chain_log)",
        "INSERT INTO chain_log SELECT block, 99, address, topics, data FROM chain_log
         WHERE block = (SELECT max(block) - 6 FROM chain_log)",
    ] {
        sqlx::query(change).execute(scene.store.pool()).await.expect("changed");
        let history = history::verify(&mut scene.ledger.network, None).await.expect("replayed");
        assert!(!history.faults.is_empty(), "{change}");
    }
}

/// A ledger that was opened before another program's claim reports it.
#[tokio::test]
async fn claim_of_another_program_is_replayed() {
    let mut scene = Scene::open().await;
    let claims = scene.many(2).await;
    let key = scene.key.verifying_key();
    let mut before = EmbeddedLedger::open(&scene.store, key, &[]).await.expect("opened");
    scene.ledger.claim(&claims[0]).await.expect("accepted");
    let history = history::verify(&mut before.network, None).await.expect("replayed");
    assert_eq!((history.claims, &history.faults[..]), (1, &[][..]));
    scene.ledger.claim(&claims[1]).await.expect("accepted");
    let seal = history::seal(&mut before.network, 0).await.expect("a seal");
    assert_eq!(seal.claims.len(), 2);
}
