//! The nodes of a network: several endpoints, any of which may be away.

use std::time::{Duration, Instant};

use alloy_json_rpc::{RpcError, RpcRecv, RpcSend};
use alloy_primitives::{Bytes, U64};
use alloy_rpc_client::{ClientBuilder, RpcClient};
use alloy_transport::{TransportError, TransportErrorKind};
use alloy_transport_http::reqwest;
use praman_store::error::ServiceError;

use crate::chain::ChainError;

/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// For how long a node is taken to be of the chain that it told.
const KNOWN: Duration = Duration::from_secs(5);
/// How long to wait before all nodes are asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The endpoints of a network's nodes. One is used until it fails; then the next.
pub(super) struct Nodes {
    /// Each node's name, how it is asked, and when it last told that it is of the chain.
    clients: Vec<(String, RpcClient, Option<Instant>)>,
    current: usize,
    chain_id: u64,
    /// For how long nodes that are all away are waited for.
    pub(super) patience: Duration,
}

/// Why a node did not do what it was asked.
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
    /// None answered, or not in time, or not with sense.
    Away(String),
}

impl From<NodeError> for ChainError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Answered { revert: Some(bytes), .. } => Self::Reverted(bytes),
            NodeError::Answered { message, .. } => {
                Self::failed(format!("the node says: {message}"))
            }
            NodeError::Away(reason) => Self::failed(reason),
        }
    }
}

impl Nodes {
    pub(super) fn new(
        endpoints: &[String],
        chain_id: u64,
        patience: Duration,
    ) -> Result<Self, ServiceError> {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIME)
            .connect_timeout(REQUEST_TIME / 4)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| ServiceError::Ledger("an HTTP client can't be made".to_owned()))?;
        let mut clients = Vec::new();
        for (number, endpoint) in endpoints.iter().enumerate() {
            let url = endpoint.parse::<reqwest::Url>().ok();
            let url =
                url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
                    // Not the text itself: it may hold an access key.
                    let reason = format!("endpoint {} is not an http or https address", number + 1);
                    ServiceError::WrongUse(reason)
                })?;
            let name = format!("node {} ({})", number + 1, url.host_str().unwrap_or("no host"));
            let client = ClientBuilder::default().http_with_client(http.clone(), url);
            clients.push((name, client, None));
        }
        if clients.is_empty() {
            return Err(ServiceError::WrongUse("give at least one node's address".to_owned()));
        }
        Ok(Self { clients, current: 0, chain_id, patience })
    }

    /// Asks the nodes until one answers, as long as patience lasts.
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
            for _ in 0..self.clients.len() {
                match self.ask_current(method, params.clone()).await {
                    Err(NodeError::Away(reason)) => said = reason,
                    // How much is asked for at once is the caller's to change.
                    Err(NodeError::Answered { message, code, revert: None })
                        if method != "eth_getLogs" && is_of_node(code, &message) =>
                    {
                        let name = &self.clients[self.current].0;
                        said = format!("{name} says: {message}");
                    }
                    answered => return answered,
                }
                self.take_next();
            }
            if started.elapsed() >= self.patience {
                return Err(NodeError::Away(format!("no node answers; the last: {said}")));
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
                let error = node_error(name, error);
                // It may come back as another, and one that refuses may be another already.
                *known = None;
                if matches!(error, NodeError::Answered { .. }) {
                    self.check_chain().await?;
                }
                Err(error)
            }
        }
    }

    /// How many nodes there are.
    pub(super) fn count(&self) -> usize {
        self.clients.len()
    }

    /// Asks the next node from now on.
    pub(super) fn take_next(&mut self) {
        self.current = (self.current + 1) % self.clients.len();
    }

    /// Lets every node be asked again of which chain it is.
    pub(super) fn doubt_chain(&mut self) {
        self.clients.iter_mut().for_each(|(_, _, known)| *known = None);
    }

    /// Asks the current node of which chain it is, unless it told a moment ago. A node of another chain
    /// would take nonces and tell of claims that are none of ours.
    async fn check_chain(&mut self) -> Result<(), NodeError> {
        let (name, client, known) = &mut self.clients[self.current];
        if known.is_some_and(|known| known.elapsed() < KNOWN) {
            return Ok(());
        }
        let id = client.request_noparams::<U64>("eth_chainId").await;
        let id = id.map_err(|error| node_error(name, error))?.to::<u64>();
        if id != self.chain_id {
            return Err(NodeError::Away(format!(
                "{name} belongs to chain {id}, not to chain {}: correct its address",
                self.chain_id
            )));
        }
        *known = Some(Instant::now());
        Ok(())
    }
}

/// Whether an error is of the node that answers, and not of what it was asked: another may know, or the same a
/// moment later.
fn is_of_node(code: i64, message: &str) -> bool {
    /// "Limit exceeded" by EIP-1474, and HTTP's code that some gateways give here.
    const TOO_OFTEN: [i64; 2] = [-32_005, 429];
    const SAID: [&str; 9] = [
        "missing trie node",
        "header not found",
        "state is not available",
        "world state unavailable",
        "transaction indexing is in progress",
        "rate limit",
        "too many requests",
        "request limit",
        "service unavailable",
    ];
    TOO_OFTEN.contains(&code) || SAID.iter().any(|said| message.contains(said))
}

/// What is wrong with a node's certificate, if that is what is wrong.
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

/// What went wrong, without addresses: they may hold access keys.
fn node_error(name: &str, error: TransportError) -> NodeError {
    match error {
        RpcError::ErrorResp(payload) => NodeError::Answered {
            revert: payload
                .as_revert_data()
                .or_else(|| payload.try_data_as::<Bytes>().and_then(Result::ok)),
            code: payload.code,
            message: payload.message.to_lowercase().escape_default().to_string(),
        },
        RpcError::Transport(kind) => {
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
            NodeError::Away(format!("{name} {reason}"))
        }
        _ => NodeError::Away(format!("{name} does not answer as a node does")),
    }
}
