//! Nodes that answer in unusual ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::*;

/// A node of a chain of twelve thousand blocks, every fiftieth of which has an event.
struct Node {
    /// How many blocks' events it gives at once, and how many events.
    blocks: u64,
    events: u64,
    asked: AtomicU64,
    /// How often it says first that it can't answer now.
    busy: AtomicU64,
}

fn number(text: &Value) -> u64 {
    let text = text.as_str().expect("hexadecimal");
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number")
}

async fn answer(State(node): State<Arc<Node>>, Json(request): Json<Value>) -> Json<Value> {
    let reply =
        |result: Value| Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }));
    let refuse = |code: i64, message: &str| {
        let error = json!({ "code": code, "message": message });
        Json(json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }))
    };
    match request["method"].as_str().expect("a method") {
        "eth_chainId" => reply(json!("0x1c21")),
        "eth_getTransactionCount" => {
            let busy = node
                .busy
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            match busy {
                Ok(_) => {
                    refuse(-32_000, "missing trie node d0a7 (path ) state 0x1f is not available")
                }
                Err(_) => reply(json!("0x5")),
            }
        }
        "eth_getLogs" => {
            node.asked.fetch_add(1, Ordering::Relaxed);
            let range = &request["params"][0];
            let (first, last) = (number(&range["fromBlock"]), number(&range["toBlock"]));
            let told: Vec<u64> = (first..=last).filter(|block| block % 50 == 0).collect();
            if last - first + 1 > node.blocks {
                return refuse(-32_005, "Requested range exceeds maximum RPC range limit");
            }
            if told.len() as u64 > node.events {
                return refuse(-32_000, "query returned more than 10 results");
            }
            let log = |block: &u64| {
                json!({
                    "address": Address::ZERO, "topics": [B256::ZERO], "data": "0x",
                    "blockNumber": format!("{block:#x}"), "blockHash": B256::ZERO,
                    "transactionHash": B256::ZERO, "transactionIndex": "0x0", "logIndex": "0x0",
                    "removed": false
                })
            };
            reply(told.iter().map(log).collect())
        }
        other => panic!("{other} is not asked here"),
    }
}

async fn chain_of(nodes: Vec<Arc<Node>>) -> (tempfile::TempDir, RemoteChain) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).await.expect("a store");
    let mut endpoints = Vec::new();
    for node in nodes {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        endpoints.push(format!("http://{}", listener.local_addr().expect("an address")));
        let router = axum::Router::new().fallback(answer).with_state(node);
        tokio::spawn(async { axum::serve(listener, router).await });
    }
    let chain = RemoteChain::new(&store, RemoteSettings::new(endpoints, 0x1c21), []);
    (folder, chain.expect("addresses"))
}

fn node(blocks: u64, events: u64, busy: u64) -> Arc<Node> {
    Arc::new(Node { blocks, events, asked: AtomicU64::new(0), busy: AtomicU64::new(busy) })
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
