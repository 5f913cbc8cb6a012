//! One listener for HTTP and gRPC, within bounds.
//!
//! A connection must send the head of a request in time, the first one included; requests on it are
//! counted, and timed with their bodies; watching clients are counted apart. When the service stops it takes
//! no more connections, finishes requests that have begun, and exits after a while in any case.

mod body;
#[cfg(test)]
mod doors;
mod peers;

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{BoxError, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use praman_access::{Action, door};
use praman_audit::AuditStore;
use praman_claims::Origin;
use praman_language::sentence::Sentence;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic_web::GrpcWebLayer;
use tower::{ServiceBuilder, ServiceExt};

use crate::application::{Application, Fault, Limits, PeerCertificate, Shown, is_refusal};
use crate::tls::Tls;
use crate::{console, grpc, http, request_log};
pub(crate) use body::TooSlow;
use body::{Paced, Placed};
use peers::Taken;
pub use peers::{PeerLimits, Peers};

/// How often a silent connection is checked.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Returns all routes.
async fn routes(application: Arc<Application>, peers: Arc<Peers>) -> Router {
    let limits = *application.limits();
    let development_keys = application.has_development_keys();
    let bounds = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(out_of_bounds))
        .load_shed()
        .concurrency_limit(limits.requests_max)
        .layer(middleware::from_fn(move |request, next| in_time(limits, request, next)));
    http::routes(application.clone())
        .merge(console::routes(application.clone()).reset_fallback())
        // An unknown path is answered as over HTTP; gRPC reads 404 as unimplemented.
        .merge(grpc::routes(application.clone()).await.reset_fallback())
        .layer(middleware::from_fn_with_state(application.clone(), counted))
        .layer(middleware::from_fn_with_state(application.clone(), guard))
        .layer(bounds)
        // Before the shared bounds: a peer that has its full part takes nothing of the others'.
        .layer(middleware::from_fn_with_state(peers, within_part))
        .layer(middleware::from_fn(move |request, next| {
            console::told_as_page(development_keys, request, next)
        }))
        .layer(middleware::from_fn_with_state(application, request_log::log))
        .layer(middleware::from_fn(over_grpc_web))
        // Answered under any load.
        .route("/healthz", get(async || "alive\n"))
}

/// Lets a request through if the caller may do its route's action.
async fn guard(
    State(application): State<Arc<Application>>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let grpc = speaks_grpc(request.headers());
    let shown = Shown {
        authorization: request
            .headers()
            .get(header::AUTHORIZATION)
            .map(|shown| shown.to_str().unwrap_or_default().to_owned()),
        // A browser shows a certificate for pages of other sites, too, without asking its owner.
        certificate: request
            .extensions()
            .get()
            .copied()
            .filter(|_| console::is_from_own_page(request.headers(), request.uri())),
    };
    let path = request.uri().path();
    // An unknown path is answered further in; at the desk by a page.
    let Some(route) = route else {
        if console::is_page(path) {
            let action = Some(Action::EnterDesk);
            return console::guard(application, action, shown, request, next).await;
        }
        return next.run(request).await;
    };
    let action = if route.as_str().contains("{*") {
        door::action_of_procedure(path)
    } else {
        door::action_of(request.method().as_str(), route.as_str())
    };
    if console::is_page(route.as_str()) {
        return console::guard(application, action, shown, request, next).await;
    }
    let Some(action) = action else {
        let fault =
            if grpc { Fault::not_found("no such procedure") } else { Fault::wrong_method() };
        return told(grpc, fault);
    };
    let path = path.to_owned();
    match application.let_in(action, &shown, &path).await {
        Ok(None) => {
            if action == Action::SubmitClaim
                && let Some(origin) = application.admitted_origin(&shown).await
            {
                request.extensions_mut().insert(origin);
            }
            next.run(request).await
        }
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller.clone());
            let response = next.run(request).await;
            if is_refusal(&response) {
                AuditStore(application.store()).note_refusal(&caller, action, &path).await;
            }
            response
        }
        Err(fault) => told(grpc, fault),
    }
}

/// Answers a request in time: the upload of a register has more time.
async fn in_time(limits: Limits, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let uploads = path.ends_with("/registers")
        || path == "/praman.v1.Issuing/Upload"
        || (path.starts_with("/v1/ceremonies/") && path.ends_with("/contributions"));
    let most = if uploads { limits.upload_time_max } else { limits.request_time_max };
    let grpc = speaks_grpc(request.headers());
    let request = request.map(|body| Body::new(Paced::new(body)));
    match tokio::time::timeout(most, next.run(request)).await {
        Ok(response) => response,
        Err(_) => told(grpc, Fault::timed_out()),
    }
}

/// Counts clients that watch the service's health among all that watch, and ends that in time. Other streams of
/// answers count themselves, and end by themselves.
async fn counted(
    State(application): State<Arc<Application>>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path() != "/grpc.health.v1.Health/Watch" {
        return next.run(request).await;
    }
    match application.watcher() {
        Ok(_place) => {
            let end = Some(Box::pin(tokio::time::sleep(application.watch_max())));
            next.run(request).await.map(|body| Body::new(Placed { body, _place, end }))
        }
        Err(fault) => told(true, fault),
    }
}

/// The address that a connection comes from.
#[derive(Clone, Copy)]
struct PeerAddress(IpAddr);

/// Answers a request of a peer that does not have its full part of requests yet. A stream of answers is a request
/// until it ends.
async fn within_part(
    State(peers): State<Arc<Peers>>,
    axum::Extension(PeerAddress(address)): axum::Extension<PeerAddress>,
    mut request: Request,
    next: Next,
) -> Response {
    let grpc = speaks_grpc(request.headers());
    let sender = peers.sender_of(address, request.headers());
    let Some(_place) = peers.take(sender, Taken::Request) else {
        return told(grpc, Fault::busy(Sentence::of("fault-busy"), 1));
    };
    request.extensions_mut().insert(sender.map_or(Origin::Trusted, Origin::Peer));
    next.run(request).await.map(|body| Body::new(Placed { body, _place, end: None }))
}

/// Answers when there are more requests than there is room for.
async fn out_of_bounds(headers: HeaderMap, _: BoxError) -> Response {
    told(speaks_grpc(&headers), Fault::busy(Sentence::of("fault-busy"), 1))
}

fn speaks_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

/// Answers gRPC-Web, which pages speak over HTTP/1.1, as gRPC: from here on a request is one of gRPC.
async fn over_grpc_web(request: Request, next: Next) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/grpc-web")) {
        return next.run(request).await;
    }
    let translated = ServiceBuilder::new()
        .layer(GrpcWebLayer::new())
        .map_request(|request: Request<tonic::body::Body>| request.map(Body::new))
        .service(next);
    match translated.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// Writes a fault in the client's protocol.
fn told(grpc: bool, fault: Fault) -> Response {
    if grpc {
        return tonic::Status::from(fault).into_http();
    }
    fault.into_response()
}

/// Answers until asked to stop, then finishes requests that have begun.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    application: Arc<Application>,
    peers: Arc<Peers>,
    stop: impl Future<Output = ()>,
) {
    let limits = *application.limits();
    let routes = routes(application.clone(), peers.clone()).await;
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, PeerAddress(peer.ip())),
            Err(error) => {
                // Out of files, or the client has gone already: go on with others.
                tracing::warn!("accepting a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // With no room the connection is closed: the client tries again.
        let Some(part) = peers.take(peers.peer_of(peer.0), Taken::Connection) else { continue };
        let Ok(place) = connections.clone().try_acquire_owned() else { continue };
        let _ = stream.set_nodelay(true);
        let (tls, routes, watcher) = (tls.clone(), routes.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _places = (part, place);
            let Some(tls) = tls else {
                return answer(stream, (peer, None), routes, limits, watcher).await;
            };
            // A client that does not finish its handshake in time is dropped.
            let handshake = tokio::time::timeout(limits.head_time_max, tls.accept(stream));
            if let Ok(Some((stream, certificate))) = handshake.await {
                answer(stream, (peer, certificate), routes, limits, watcher).await;
            }
        });
    }
    drop(listener);
    application.stop();
    // A client that never finishes its request delays nothing.
    let _ = tokio::time::timeout(limits.drain_max, graceful.shutdown()).await;
}

/// Answers the requests of one connection.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    (peer, certificate): (PeerAddress, Option<PeerCertificate>),
    routes: Router,
    limits: Limits,
    watcher: Watcher,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head_time_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.connection_requests_max)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let asked = Arc::new(AtomicBool::new(false));
    let seen = asked.clone();
    let service = routes.map_request(move |mut request: Request<hyper::body::Incoming>| {
        seen.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        if let Some(certificate) = certificate {
            request.extensions_mut().insert(certificate);
        }
        request
    });
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = watcher.watch(connection.into_owned());
    let mut connection = std::pin::pin!(connection);
    // Before the first request even the protocol is unknown.
    if tokio::time::timeout(limits.head_time_max, &mut connection).await.is_err()
        && asked.load(Ordering::Relaxed)
    {
        let _ = connection.await;
    }
}
