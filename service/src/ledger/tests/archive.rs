//! The history of a chain of ten thousand claims.

use praman_verifier::contracts::Claims;

use super::scene::Scene;
use crate::ledger::{Ledger, history, text_hash};

const CLAIMS: u64 = 10_000;

#[tokio::test]
async fn the_history_of_ten_thousand_claims_is_replayed() {
    let mut scene = Scene::open().await;
    let claims = scene.many(CLAIMS).await;
    for batch in claims.chunks(250) {
        scene.ledger.claim_batch(batch).await.expect("accepted");
    }
    let reason = text_hash("the period is over");
    scene.call(&Claims::closeOpeningCall { opening: 0, reason }).await.expect("closed");
    let seal = history::seal(&scene.ledger.network, 0).await.expect("a seal");
    let (count, root) = (seal.claims.len() as u64, seal.root());
    let propose = Claims::proposeSealCall { opening: 0, count, root };
    scene.call(&propose).await.expect("proposed");
    let history = history::verify(&scene.ledger.network).await.expect("replayed");
    assert_eq!((history.claims as u64, &history.faults[..]), (CLAIMS, &[][..]));
    assert_eq!((history.openings[0].claims as u64, history.openings[0].root), (CLAIMS, root));
    // An event that is changed, missing or doubled in the store is found.
    for change in [
        "UPDATE chain_log SET data = zeroblob(length(data))
         WHERE block = (SELECT max(block) - 5 FROM chain_log)",
        "INSERT INTO chain_log SELECT block, 99, address, topics, data FROM chain_log
         WHERE block = (SELECT max(block) - 6 FROM chain_log)",
    ] {
        sqlx::query(change).execute(scene.store.pool()).await.expect("changed");
        let history = history::verify(&scene.ledger.network).await.expect("replayed");
        assert!(!history.faults.is_empty(), "{change}");
    }
}
