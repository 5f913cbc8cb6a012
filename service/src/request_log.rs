//! What is said of requests: an id, the route, the status and the time; never what was asked.
//!
//! A request brings its id in `X-Request-Id`, or is given one; the answer has it, and so has every line that is
//! said while it is answered. Lines go to standard error, plain or as JSON.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use tracing_subscriber::EnvFilter;

use crate::application::Application;
use crate::error::ServiceError;

/// The header that an id comes and goes in.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that a request brings.
const ID_BYTES_MAX: usize = 64;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Plain,
    /// One JSON object a line.
    Json,
}

/// Begins to write lines: what is filtered is written as `tracing` does, such as `info` or `praman=debug`.
///
/// # Errors
/// [`ServiceError::WrongUse`] for a filter that can't be read.
pub fn begin(format: LogFormat, filter: &str) -> Result<(), ServiceError> {
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        ServiceError::WrongUse(format!("--log {filter:?} can't be read: {error}"))
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let begun = match format {
        LogFormat::Plain => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    begun.map_err(|error| ServiceError::WrongUse(format!("lines are written already: {error}")))
}

/// The id that a request brings, if it may be written; else a new one.
fn id_of(headers: &HeaderMap) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let brought = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let brought = brought
        .filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain))
        .map(str::to_owned);
    brought.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

/// Answers a request, counts it, and says so.
pub(crate) async fn log(
    State(application): State<Arc<Application>>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let id = id_of(request.headers());
    let method = request.method().as_str().to_owned();
    // A remote procedure's path names nobody; any other is told as its route is written.
    let route = match &route {
        Some(route) if route.as_str().contains("{*") => {
            crate::access_control::door::procedure_of(request.uri().path())
        }
        Some(route) => route.as_str().to_owned(),
        None => "none".to_owned(),
    };
    let span = tracing::info_span!("request", id = %id, %method, %route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), begun.elapsed());
    application.metrics().answered(&method, &route, status, took);
    span.in_scope(|| {
        let milliseconds = took.as_secs_f64() * 1_000.0;
        tracing::info!(status = status.as_u16(), milliseconds, "answered");
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_if_it_is_plain_and_else_made() {
        let of = |id: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(id));
            id_of(&headers)
        };
        assert_eq!(of("7f3a-1_2.b"), "7f3a-1_2.b");
        for bad in ["", "a b", "a\"b", "x\tz"] {
            assert_ne!(of(bad), bad);
        }
        assert_ne!(id_of(&HeaderMap::new()), id_of(&HeaderMap::new()));
    }
}
