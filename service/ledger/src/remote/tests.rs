//! Nodes that answer in unusual ways.

mod events;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::{B256, keccak256};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::*;

/// A node of a chain, every fiftieth block of which has an event.
struct Node {
    /// The number of its newest block.
    head: u64,
    /// How many blocks' events it gives at once, and how many events.
    blocks: u64,
    events: u64,
    /// Of how many blocks a gateway before it still waits for the events.
    patient_for: u64,
    asked: AtomicU64,
    /// Which chain it has: 0, one that has replaced its blocks above 50, or another one altogether.
    chain: AtomicU64,
    /// After how many answers about events it replaces its blocks.
    replaces_after: u64,
    /// How often it says first that it can't answer now.
    busy: AtomicU64,
    /// What it says of a transaction that it is sent, and whether it takes it.
    says: Option<(i64, &'static str)>,
    takes: bool,
    /// An account's next nonce.
    nonce: AtomicU64,
    /// Whether it makes a block each time that it is asked for the newest.
    grows: bool,
    made: AtomicU64,
    /// Whether the account has enough for the first form of a transaction alone.
    is_poor: bool,
    /// Whether it says that what it was sent is mined; it has no receipts.
    mined: bool,
    /// What its blocks take.
    base_fee: u64,
    /// The price that it asks for; blocks take nothing.
    least_price: u64,
    /// The transactions that it was sent.
    sent: std::sync::Mutex<Vec<Bytes>>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            head: 12_000,
            blocks: 5_000,
            events: 1_000,
            patient_for: u64::MAX,
            asked: AtomicU64::new(0),
            chain: AtomicU64::new(0),
            replaces_after: u64::MAX,
            busy: AtomicU64::new(0),
            says: None,
            takes: true,
            nonce: AtomicU64::new(5),
            grows: false,
            made: AtomicU64::new(0),
            is_poor: false,
            mined: false,
            base_fee: 0,
            least_price: 0,
            sent: std::sync::Mutex::default(),
        }
    }
}

fn number(text: &Value) -> u64 {
    let text = text.as_str().expect("hexadecimal");
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number")
}

fn hash(block: u64) -> B256 {
    keccak256(block.to_be_bytes())
}

impl Node {
    fn hash(&self, block: u64) -> B256 {
        match self.chain.load(Ordering::Relaxed) {
            0 => hash(block),
            1 if block <= 50 => hash(block),
            other => hash(block + 1_000_000 * other),
        }
    }

    /// The result of a request, or the error.
    fn answer(&self, method: &str, params: &Value) -> Result<Value, (i64, String)> {
        let refuse = |code: i64, message: &str| Err((code, message.to_owned()));
        match method {
            "eth_chainId" => Ok(json!("0x1c21")),
            "eth_gasPrice" => Ok(json!(format!("{:#x}", self.least_price))),
            "eth_maxPriorityFeePerGas" => refuse(-32_601, "Method not found"),
            "eth_estimateGas" => Ok(json!("0x5208")),
            "eth_call" => Ok(json!("0x")),
            "eth_getTransactionReceipt" => Ok(Value::Null),
            "eth_getBlockByNumber" => {
                let block = match params[0].as_str() {
                    Some("latest") if self.grows => {
                        self.head + self.made.fetch_add(1, Ordering::Relaxed)
                    }
                    Some("latest") => self.head,
                    _ => number(&params[0]),
                };
                let has = json!({ "number": format!("{block:#x}"), "hash": self.hash(block),
                                  "timestamp": "0x1", "extraData": "0x", "baseFeePerGas": format!("{:#x}", self.base_fee) });
                Ok(if !self.grows && block > self.head { Value::Null } else { has })
            }
            "eth_getTransactionByHash" => {
                let has = self.sent.lock().expect("nobody panics");
                let is_it = |raw: &Bytes| json!(keccak256(raw)) == params[0];
                // What the account can't pay is not taken.
                let taken = if self.is_poor { &has[..has.len().min(1)] } else { &has[..] };
                let found = self.takes && taken.iter().any(is_it);
                let block = self.mined.then_some("0x7");
                Ok(if found {
                    json!({ "hash": params[0], "blockNumber": block })
                } else {
                    Value::Null
                })
            }
            "eth_sendRawTransaction" => {
                let raw: Bytes = serde_json::from_value(params[0].clone()).expect("bytes");
                let hash = keccak256(&raw);
                let mut sent = self.sent.lock().expect("nobody panics");
                sent.push(raw);
                if self.is_poor && sent.last() != sent.first() {
                    return refuse(-32_000, "insufficient funds for gas * price + value");
                }
                match self.says {
                    Some((code, message)) => refuse(code, message),
                    None => Ok(json!(hash)),
                }
            }
            "eth_getTransactionCount" => {
                let less = |left: u64| left.checked_sub(1);
                match self.busy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
                    Ok(_) => {
                        let message = "missing trie node d0a7 (path ) state 0x1f is not available";
                        refuse(-32_000, message)
                    }
                    Err(_) => Ok(json!(format!("{:#x}", self.nonce.load(Ordering::Relaxed)))),
                }
            }
            "eth_getLogs" => {
                self.asked.fetch_add(1, Ordering::Relaxed);
                if self.asked.load(Ordering::Relaxed) > self.replaces_after {
                    self.chain.fetch_max(1, Ordering::Relaxed);
                }
                let by_hash = (0..=self.head)
                    .rev()
                    .find(|&block| json!(self.hash(block)) == params[0]["blockHash"]);
                let (first, last) = match (by_hash, params[0]["blockHash"].is_null()) {
                    (Some(block), _) => (block, block),
                    (None, false) => return refuse(-32_000, "unknown block"),
                    _ => (number(&params[0]["fromBlock"]), number(&params[0]["toBlock"])),
                };
                // A node that is behind says nothing of it.
                let told: Vec<u64> =
                    (first..=last.min(self.head)).filter(|block| block % 50 == 0).collect();
                if last - first + 1 > self.blocks {
                    return refuse(-32_005, "Requested range exceeds maximum RPC range limit");
                }
                if told.len() as u64 > self.events {
                    return refuse(-32_000, "query returned more than 10 results");
                }
                let log = |block: &u64| {
                    json!({
                        "address": Address::ZERO, "topics": [B256::ZERO], "data": "0x",
                        "blockNumber": format!("{block:#x}"), "blockHash": self.hash(*block),
                        "transactionHash": B256::ZERO, "transactionIndex": "0x0", "logIndex": "0x0",
                        "removed": false
                    })
                };
                Ok(told.iter().map(log).collect())
            }
            other => panic!("{other} is not asked here"),
        }
    }
}

async fn answer(State(node): State<Arc<Node>>, Json(request): Json<Value>) -> Response {
    let method = request["method"].as_str().expect("a method");
    if method == "eth_getLogs" {
        let asked = &request["params"][0];
        if asked["blockHash"].is_null()
            && number(&asked["toBlock"]) - number(&asked["fromBlock"]) >= node.patient_for
        {
            return StatusCode::GATEWAY_TIMEOUT.into_response();
        }
    }
    let mut reply = json!({ "jsonrpc": "2.0", "id": request["id"] });
    match node.answer(method, &request["params"]) {
        Ok(result) => reply["result"] = result,
        Err((code, message)) => reply["error"] = json!({ "code": code, "message": message }),
    }
    Json(reply).into_response()
}

/// Contracts at addresses that no event is of.
fn no_contracts() -> Addresses {
    let nobody = Address::repeat_byte(9);
    Addresses {
        committee: nobody,
        participants: nobody,
        offices: nobody,
        claims: nobody,
        disputes: nobody,
        nodes: nobody,
        verifier: nobody,
        consents: nobody,
        anchors: nobody,
        archives: nobody,
        scopes: nobody,
        settlements: nobody,
    }
}

/// A chain behind some nodes, with an account.
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
    let mut settings = RemoteSettings::new(endpoints, 0x1c21);
    settings.raise_after = Duration::from_millis(200);
    let chain = RemoteChain::new(&store, settings, [account()]);
    (folder, chain.expect("addresses"))
}

/// An account whose key only these tests have.
fn account() -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[0x42; 32]).expect("a key")
}
