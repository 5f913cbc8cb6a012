//! The service over HTTP and JSON.
//!
//! | | |
//! |---|---|
//! | `POST /v1/claims` | hand in a claim, as `praman prove` writes it |
//! | `GET /v1/claims/{id}` | what became of it; `?wait=20` waits until it is decided, or so many seconds |
//! | `GET /v1/schemes`, `GET /v1/schemes/{id}` | what can be claimed; the rules as they are compiled |
//! | `GET /v1/snapshot` | the public snapshot, all of it, so that nobody learns whose path is taken |
//! | `POST /v1/verify` | whether a proof holds |
//! | `GET /healthz`, `GET /readyz` | whether the program lives; whether it can do its work |
//!
//! An error is `{"error": {"code": …, "message": …}}`. What is asked is never logged.

mod claims;
mod fault;
mod public;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use praman_verifier::{PreparedKey, VerifyingKey};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tower::ServiceBuilder;

use crate::claims::ClaimDesk;
use crate::error::ServiceError;
use fault::Fault;
use public::CachedSnapshot;

/// Bounds of what clients may ask.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Bytes of a request's body: a claim has some 5,000.
    pub body_bytes_max: usize,
    /// Requests at a time.
    pub requests_max: usize,
    /// How long a request may take, the longest wait included.
    pub request_time_max: Duration,
    /// How long a client may wait for a claim to be decided.
    pub wait_max: Duration,
    /// How long requests may take to end when the service stops.
    pub drain_max: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 * 1024,
            requests_max: 4_096,
            request_time_max: Duration::from_secs(60),
            wait_max: Duration::from_secs(30),
            drain_max: Duration::from_secs(45),
        }
    }
}

/// What answers requests.
pub(crate) struct Api {
    desk: ClaimDesk,
    key: PreparedKey,
    limits: HttpLimits,
    snapshot: Mutex<Option<CachedSnapshot>>,
}

/// The routes over a desk.
fn routes(desk: ClaimDesk, key: &VerifyingKey, limits: HttpLimits) -> Router {
    let key = PreparedKey::new(key);
    let api = Arc::new(Api { desk, key, limits, snapshot: Mutex::default() });
    let bounds = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(fault::out_of_bounds))
        .load_shed()
        .concurrency_limit(limits.requests_max)
        .timeout(limits.request_time_max);
    Router::new()
        .route("/v1/claims", post(claims::submit))
        .route("/v1/claims/{id}", get(claims::status))
        .route("/v1/schemes", get(public::schemes))
        .route("/v1/schemes/{id}", get(public::scheme))
        .route("/v1/snapshot", get(public::snapshot))
        .route("/v1/verify", post(public::verify))
        .route("/readyz", get(public::ready))
        .layer(bounds)
        .layer(DefaultBodyLimit::max(limits.body_bytes_max))
        .with_state(api)
        // Answered however much else there is to do.
        .route("/healthz", get(async || "alive\n"))
        .fallback(async || Fault::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(async || Fault::wrong_method())
}

/// Answers until asked to stop, then lets requests end that have begun.
///
/// # Errors
/// [`ServiceError::Ledger`] if the listener fails.
pub async fn serve(
    listener: TcpListener,
    desk: ClaimDesk,
    key: &VerifyingKey,
    limits: HttpLimits,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServiceError> {
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stop = async move {
        stop.await;
        let _ = stopping.send(());
    };
    let server =
        axum::serve(listener, routes(desk, key, limits)).with_graceful_shutdown(stop).into_future();
    let drained = async move {
        if stopped.await.is_err() {
            // The server has ended before it was asked to.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(limits.drain_max).await;
    };
    tokio::select! {
        ended = server => ended.map_err(|error| ServiceError::Ledger(format!("listening: {error}"))),
        // A client that never ends its request holds nothing up.
        () = drained => Ok(()),
    }
}
