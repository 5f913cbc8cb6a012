//! A node that can be told to fail.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy_primitives::Address;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

pub(crate) const CHAIN_ID: u64 = 77_001;

/// A running anvil with its state in a file; or a node of Hardhat's, which has none.
pub(crate) struct Anvil {
    process: Child,
    port: u16,
    state: tempfile::TempDir,
    arguments: Vec<String>,
}

fn binary() -> PathBuf {
    let modules =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers/node_modules"));
    let platform = match std::env::consts::ARCH {
        "aarch64" => "linux-arm64",
        _ => "linux-amd64",
    };
    let path = modules.join(format!("@foundry-rs/anvil-{platform}/bin/anvil"));
    assert!(path.exists(), "no anvil: run `npm ci` in tests/peers");
    path
}

fn launch(port: u16, state: &Path, arguments: &[String]) -> Option<(Child, u16)> {
    let mut process = Command::new(binary())
        .args(["--port", &port.to_string()])
        .args(arguments)
        .args(["--state-interval", "1", "--preserve-historical-states", "--state"])
        .arg(state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("anvil starts");
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Listening on 127.0.0.1:")?.parse().ok());
    let Some(port) = port else {
        let _ = process.kill();
        let _ = process.wait();
        return None;
    };
    // It stops when nobody reads what it says.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Some((process, port))
}

impl Anvil {
    /// Starts a node; `--chain-id N` or `--hardfork NAME` among the arguments make it another chain's.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("a folder");
        let mut arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        for (name, value) in [("--chain-id", &CHAIN_ID.to_string()[..]), ("--hardfork", "paris")] {
            if !arguments.iter().any(|argument| argument == name) {
                arguments.extend([name.to_owned(), value.to_owned()]);
            }
        }
        let (process, port) = launch(0, &state.path().join("state.json"), &arguments)
            .expect("anvil says where it listens");
        Self { process, port, state, arguments }
    }

    /// Starts Hardhat's node, of EDR, from the folder in which it is installed.
    pub(crate) fn start_hardhat(folder: &Path, hardfork: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a port").port();
        let settings = format!(
            "module.exports = {{ solidity: '0.8.28', networks: {{ hardhat: {{ chainId: {CHAIN_ID}, hardfork: \
             '{hardfork}' }} }} }};"
        );
        let state = tempfile::tempdir_in(folder).expect("a folder");
        std::fs::write(state.path().join("hardhat.config.js"), settings).expect("written");
        std::fs::write(state.path().join("package.json"), "{}").expect("written");
        let process = Command::new("node")
            .arg(folder.join("node_modules/hardhat/internal/cli/bootstrap.js"))
            .args(["node", "--hostname", "127.0.0.1", "--port", &port.to_string()])
            .current_dir(state.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("node is there");
        let node = Self { process, port, state, arguments: Vec::new() };
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return node;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("Hardhat's node does not listen");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        ask(&self.url(), method, params).await
    }

    pub(crate) async fn give_money(&self, account: Address) {
        self.call("hardhat_setBalance", json!([account, "0xde0b6b3a7640000000"])).await;
    }

    pub(crate) async fn nonce(&self, account: Address) -> u64 {
        let nonce = self.call("eth_getTransactionCount", json!([account, "latest"])).await;
        let text = nonce.as_str().expect("a number");
        u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hexadecimal")
    }

    pub(crate) async fn pool(&self) -> Value {
        self.call("txpool_status", json!([])).await
    }

    /// The time of the newest block.
    pub(crate) async fn now(&self) -> u64 {
        let block = self.call("eth_getBlockByNumber", json!(["latest", false])).await;
        let text = block["timestamp"].as_str().expect("a number").trim_start_matches("0x");
        u64::from_str_radix(text, 16).expect("hexadecimal")
    }

    /// Waits until the state is surely written.
    pub(crate) async fn wait_for_state(&self) {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }

    /// Kills the node and starts it again from what it had written. It starts from no half-written state,
    /// so it is stopped first, and killed only if it was not in the midst of writing.
    pub(crate) async fn kill_and_restart(&mut self) {
        let state = self.state.path().join("state.json");
        let is_whole = || {
            let text = std::fs::read(&state).unwrap_or_default();
            serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok()
        };
        let signal = |signal| {
            let node = Pid::from_child(&self.process);
            kill_process(node, signal).expect("the node is ours");
        };
        for _ in 0..100 {
            signal(Signal::STOP);
            if is_whole() {
                break;
            }
            signal(Signal::CONT);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
        // Its port is free a moment later.
        for _ in 0..50 {
            if let Some((process, _)) = launch(self.port, &state, &self.arguments) {
                self.process = process;
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("anvil does not start again");
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks a node; an error is a test's failure.
pub(crate) async fn ask(url: &str, method: &str, params: Value) -> Value {
    let client = alloy_rpc_client::ClientBuilder::default().http(url.parse().expect("an address"));
    let method = method.to_owned();
    client.request::<Value, Value>(method, params).await.expect("an answer")
}
