//! The nodes of a network: several endpoints, any of which may be away.

use std::time::{Duration, Instant};

use alloy_json_rpc::{RpcError, RpcRecv, RpcSend};
use alloy_primitives::{Bytes, U64};
use alloy_rpc_client::{ClientBuilder, RpcClient};
use alloy_transport::{TransportError, TransportErrorKind};
use alloy_transport_http::reqwest;

use super::answers::revert;
use crate::chain::ChainError;
use crate::failure::{LedgerFailure, NetworkSettingError};

/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// For how long a node's answer about its chain is trusted.
const KNOWN: Duration = Duration::from_secs(5);
/// How long to wait before all nodes are asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The endpoints of a network's nodes. One is used until it fails; then the next.
pub(super) struct Nodes {
    /// Each node's name, its client, and when it last confirmed that it is on the chain.
    clients: Vec<(String, RpcClient, Option<Instant>)>,
    current: usize,
    chain_id: u64,
    /// How long to wait when all nodes are away.
    pub(super) patience: Duration,
}

/// Why a request to a node failed.
pub(super) enum NodeError {
    /// It answered, with an error.
    Answered {
        /// What it says, in lower case.
        message: String,
        /// JSON-RPC's code.
        code: i64,
        /// The bytes of a revert.
        revert: Option<Bytes>,
    },
    /// None answered, or not in time, or not sensibly.
    Away {
        /// What is wrong.
        reason: String,
        /// Whether the request may have been too much for it, or for what is before it.
        is_heavy: bool,
    },
}

impl NodeError {
    /// Whether an account has less than a transaction may cost.
    pub(super) fn is_about_funds(&self) -> bool {
        const SAID: [&str; 6] = [
            "exceeds the configured cap",
            "insufficient funds",
            "insufficientfunds",
            "insufficient balance",
            "exceeds account balance",
            "enough funds",
        ];
        let Self::Answered { message, .. } = self else { return false };
        SAID.iter().any(|said| message.contains(said))
    }
}

impl From<NodeError> for ChainError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Answered { revert: Some(bytes), .. } => Self::Reverted(bytes),
            NodeError::Answered { message, .. } => {
                Self::failed(format!("the node says: {message}"))
            }
            NodeError::Away { reason, .. } => Self::failed(reason),
        }
    }
}

impl Nodes {
    pub(super) fn new(
        endpoints: &[String],
        chain_id: u64,
        patience: Duration,
    ) -> Result<Self, LedgerFailure> {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIME)
            .connect_timeout(REQUEST_TIME / 4)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| LedgerFailure::Chain("an HTTP client can't be made".to_owned()))?;
        let mut clients = Vec::new();
        for (number, endpoint) in endpoints.iter().enumerate() {
            let url = endpoint.parse::<reqwest::Url>().ok();
            let url = url
                .filter(|url| matches!(url.scheme(), "http" | "https"))
                .ok_or(NetworkSettingError::Endpoint(number + 1))?;
            let name = format!("node {} ({})", number + 1, url.host_str().unwrap_or("no host"));
            let client = ClientBuilder::default().http_with_client(http.clone(), url);
            clients.push((name, client, None));
        }
        if clients.is_empty() {
            return Err(NetworkSettingError::NoEndpoint.into());
        }
        Ok(Self { clients, current: 0, chain_id, patience })
    }

    /// Asks the nodes until one answers, as long as the patience lasts. What one refuses in its own words is asked of
    /// the others too: each keeps its own part of the past, and has its own limits.
    pub(super) async fn ask<P, R>(
        &mut self,
        method: &'static str,
        params: P,
    ) -> Result<R, NodeError>
    where
        P: RpcSend + Clone,
        R: RpcRecv,
    {
        let started = Instant::now();
        let mut said = String::new();
        loop {
            let (mut refused, mut was_heavy) = (None, false);
            for _ in 0..self.clients.len() {
                match self.ask_current(method, params.clone()).await {
                    Err(NodeError::Away { reason, is_heavy }) => {
                        said = reason;
                        was_heavy |= is_heavy;
                    }
                    Err(NodeError::Answered { message, code, revert: None }) => {
                        if is_of_node(method, code, &message) {
                            let name = &self.clients[self.current].0;
                            said = format!("{name} says: {message}");
                        } else if method == LOGS {
                            // How much to ask for at once is for the caller to decide.
                            return Err(NodeError::Answered { message, code, revert: None });
                        } else {
                            refused = Some(NodeError::Answered { message, code, revert: None });
                        }
                    }
                    answered => return answered,
                }
                self.take_next();
            }
            if let Some(refused) = refused {
                return Err(refused);
            }
            let is_too_much = was_heavy && method == LOGS;
            if is_too_much || started.elapsed() >= self.patience {
                let reason = format!("no node answers; the last: {said}");
                return Err(NodeError::Away { reason, is_heavy: was_heavy });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask_current<P, R>(&mut self, method: &'static str, params: P) -> Result<R, NodeError>
    where
        P: RpcSend,
        R: RpcRecv,
    {
        self.check_chain().await?;
        let (name, client, known) = &mut self.clients[self.current];
        match client.request::<P, R>(method, params).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let mut error = node_error(name, error);
                if let NodeError::Answered { revert, .. } = &mut error
                    && !matches!(method, "eth_call" | "eth_estimateGas")
                {
                    // Of other requests, it is no contract's reason.
                    *revert = None;
                }
                // It may come back on another chain, and a node that refuses may be on one already.
                *known = None;
                if matches!(error, NodeError::Answered { .. }) {
                    self.check_chain().await?;
                }
                Err(error)
            }
        }
    }

    /// Returns how many nodes there are.
    pub(super) fn count(&self) -> usize {
        self.clients.len()
    }

    /// Switches to the next node.
    pub(super) fn take_next(&mut self) {
        self.current = (self.current + 1) % self.clients.len();
    }

    /// Makes every node be asked again which chain it is on.
    pub(super) fn doubt_chain(&mut self) {
        self.clients.iter_mut().for_each(|(_, _, known)| *known = None);
    }

    /// Asks the current node which chain it is on, unless it has just answered that. A node of another chain
    /// would use up nonces and report claims that are not ours.
    async fn check_chain(&mut self) -> Result<(), NodeError> {
        let (name, client, known) = &mut self.clients[self.current];
        if known.is_some_and(|known| known.elapsed() < KNOWN) {
            return Ok(());
        }
        let id = client.request_noparams::<U64>("eth_chainId").await;
        let away = |reason: String| NodeError::Away { reason, is_heavy: false };
        let id = id.map_err(|error| match node_error(name, error) {
            // One that does not say which chain it is on is not asked.
            NodeError::Answered { message, .. } => away(format!("{name} says: {message}")),
            away => away,
        })?;
        let id = id.to::<u64>();
        if id != self.chain_id {
            return Err(away(format!(
                "{name} belongs to chain {id}, not to chain {}: correct its address",
                self.chain_id
            )));
        }
        *known = Some(Instant::now());
        Ok(())
    }
}

/// The method that asks for events.
const LOGS: &str = "eth_getLogs";

/// Returns whether an error is due to the node and not to the request: another node may answer, or the same one
/// a moment later.
fn is_of_node(method: &str, code: i64, message: &str) -> bool {
    /// HTTP's code, which some gateways give here.
    const TOO_MANY_REQUESTS: i64 = 429;
    /// "Limit exceeded" by EIP-1474: of requests, or of the blocks and events of one request.
    const LIMIT_EXCEEDED: i64 = -32_005;
    const TOO_OFTEN: [&str; 11] = [
        "rate limit",
        "rate-limit",
        "ratelimit",
        "request rate exceeded",
        "over capacity",
        "capacity exceeded",
        "daily request count",
        "too many requests",
        "request limit",
        "request count exceeded",
        "compute units per second",
    ];
    const NOT_THERE: [&str; 8] = [
        "missing trie node",
        "header not found",
        "unknown block",
        "state is not available",
        "state unavailable",
        "no state available",
        "transaction indexing is in progress",
        "service unavailable",
    ];
    let says = |words: &[&str]| words.iter().any(|said| message.contains(said));
    if code == TOO_MANY_REQUESTS || says(&TOO_OFTEN) {
        return true;
    }
    // A limit on blocks and events is for the caller to keep to.
    method != LOGS && (code == LIMIT_EXCEEDED || says(&NOT_THERE))
}

/// Returns what is wrong with a node's certificate, if that is the cause.
fn certificate_fault(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(fault) = error.to_string().strip_prefix("invalid peer certificate: ") {
            return Some(fault.to_owned());
        }
        cause = error.source();
    }
    None
}

/// Describes what went wrong, without addresses: they may hold access keys.
fn node_error(name: &str, error: TransportError) -> NodeError {
    match error {
        RpcError::ErrorResp(payload) => NodeError::Answered {
            revert: payload
                .data
                .as_ref()
                .and_then(|data| serde_json::from_str(data.get()).ok())
                .and_then(|data| revert(&data)),
            code: payload.code,
            message: payload.message.to_lowercase().escape_default().to_string(),
        },
        RpcError::Transport(kind) => {
            // What is too large or takes too long is refused by gateways, or breaks off.
            const TOO_LARGE: [u16; 5] = [408, 413, 502, 503, 504];
            let is_heavy = match &kind {
                TransportErrorKind::HttpError(error) => TOO_LARGE.contains(&error.status),
                TransportErrorKind::Custom(error) => {
                    let error = error.downcast_ref::<reqwest::Error>();
                    error.is_some_and(|error| !error.is_connect())
                }
                _ => false,
            };
            let reason = match &kind {
                TransportErrorKind::HttpError(error) => {
                    format!("answers with HTTP {}", error.status)
                }
                TransportErrorKind::Custom(error) => match error.downcast_ref::<reqwest::Error>() {
                    Some(error) if error.is_connect() => match certificate_fault(error) {
                        Some(fault) => format!("shows a certificate that is not valid: {fault}"),
                        None => "does not take connections".to_owned(),
                    },
                    Some(error) if error.is_timeout() => "does not answer in time".to_owned(),
                    _ => "broke the connection".to_owned(),
                },
                _ => "cannot be asked".to_owned(),
            };
            NodeError::Away { reason: format!("{name} {reason}"), is_heavy }
        }
        _ => {
            let reason = format!("{name} does not answer as a node does");
            NodeError::Away { reason, is_heavy: false }
        }
    }
}
