//! Events, and nodes that are behind.

use super::*;

fn node(blocks: u64, events: u64, busy: u64) -> Arc<Node> {
    Arc::new(Node { blocks, events, busy: AtomicU64::new(busy), ..Node::default() })
}

#[tokio::test]
async fn events_are_asked_for_in_pieces_that_a_node_grants() {
    for (blocks, events) in [(5_000, 1_000), (4_999, 1_000), (1_000, 1_000), (5_000, 10), (1, 1)] {
        let node = node(blocks, events, 0);
        let (_folder, chain) = chain_of(vec![node.clone()]).await;
        let until = if blocks == 1 { 100 } else { 12_000 };
        let logs = chain.logs(1, until).await.expect("all events");
        let told: Vec<u64> = logs.iter().map(|log| log.block).collect();
        let expected: Vec<u64> = (1..=until).filter(|block| block % 50 == 0).collect();
        assert_eq!(told, expected, "{blocks} blocks, {events} events");
        let asked = node.asked.load(Ordering::Relaxed);
        let pieces = until.div_ceil(blocks).max(until.div_ceil(50 * events));
        assert!(asked <= 4 * pieces + 16, "asked {asked} times for {pieces} pieces");
    }
}

#[tokio::test]
async fn request_that_fails_at_one_node_is_asked_of_the_next() {
    let (first, second) = (node(5_000, 1_000, u64::MAX), node(5_000, 1_000, 0));
    let (_folder, chain) = chain_of(vec![first, second]).await;
    assert_eq!(chain.nonce_on_chain(Address::ZERO).await.expect("by the second"), 5);
    // A node that gives no events at all, as it keeps no history.
    let (_folder, chain) = chain_of(vec![node(0, 0, 0), node(1_000, 1_000, 0)]).await;
    assert_eq!(chain.logs(1, 3_000).await.expect("by the second").len(), 60);
    // A single node is asked again a moment later.
    let (_folder, chain) = chain_of(vec![node(5_000, 1_000, 2)]).await;
    assert_eq!(chain.nonce_on_chain(Address::ZERO).await.expect("at last"), 5);
}

/// One that is behind would leave out the newest events, and look like a chain that has lost blocks.
#[tokio::test]
async fn node_that_is_behind_loses_no_event_and_takes_back_no_block() {
    let behind = || Arc::new(Node { head: 90, ..Node::default() });
    let (_folder, chain) = chain_of(vec![behind()]).await;
    let refused = chain.logs(1, 100).await.expect_err("a block is missing").to_string();
    assert!(refused.contains("block 100"), "{refused}");

    for nodes in [vec![behind()], vec![behind(), Arc::new(Node { head: 110, ..Node::default() })]] {
        let has_other = nodes.len() > 1;
        let (_folder, mut chain) = chain_of(nodes).await;
        chain.follow(no_contracts(), 0, &[]);
        sqlx::query("INSERT INTO recorded_block (number, hash) VALUES (100, $1)")
            .bind(hash(100).to_vec())
            .execute(chain.store.writer())
            .await
            .expect("recorded before");
        let recorded = chain.record().await;
        if has_other {
            recorded.expect("by the other");
        } else {
            let refused = recorded.expect_err("it is behind").to_string();
            assert!(refused.contains("is 90, and block 100 was recorded"), "{refused}");
        }
        let (newest,): (i64,) = sqlx::query_as("SELECT max(number) FROM recorded_block")
            .fetch_one(chain.store.pool())
            .await
            .expect("a number");
        assert_eq!(newest, if has_other { 110 } else { 100 });
    }
}

/// The blocks that are recorded, with their hashes.
async fn recorded(chain: &RemoteChain) -> Vec<(i64, Vec<u8>)> {
    let all = "SELECT number, hash FROM recorded_block ORDER BY number";
    sqlx::query_as(all).fetch_all(chain.store.pool()).await.expect("blocks")
}

#[tokio::test]
async fn block_that_is_replaced_between_two_pieces_is_recorded_anew() {
    let node = Arc::new(Node { head: 300, blocks: 100, replaces_after: 3, ..Node::default() });
    let (_folder, mut chain) = chain_of(vec![node.clone()]).await;
    chain.follow(no_contracts(), 0, &[]);
    chain.record().await.expect("recorded");
    assert_eq!(node.chain.load(Ordering::Relaxed), 1, "blocks were replaced meanwhile");
    for (number, hash) in recorded(&chain).await {
        assert_eq!(hash, node.hash(number as u64).to_vec(), "block {number}");
    }
}

#[tokio::test]
async fn other_chain_of_the_same_id_takes_nothing_back() {
    let node = Arc::new(Node { head: 300, ..Node::default() });
    let (_folder, mut chain) = chain_of(vec![node.clone()]).await;
    chain.follow(no_contracts(), 0, &[]);
    chain.record().await.expect("recorded");
    let before = recorded(&chain).await;
    node.chain.store(2, Ordering::Relaxed);
    let refused = chain.record().await.expect_err("another chain").to_string();
    assert!(refused.contains("another chain with the same id"), "{refused}");
    assert_eq!(recorded(&chain).await, before);
    // Blocks that the same chain has replaced are taken back.
    node.chain.store(1, Ordering::Relaxed);
    chain.record().await.expect("recorded");
    assert_ne!(recorded(&chain).await, before);
}

#[tokio::test]
async fn request_that_breaks_off_is_asked_again_in_smaller_pieces() {
    let node = Arc::new(Node { patient_for: 700, ..Node::default() });
    let (_folder, chain) = chain_of(vec![node.clone()]).await;
    assert_eq!(chain.logs(1, 12_000).await.expect("all events").len(), 240);
}
