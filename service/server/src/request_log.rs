//! What is logged of requests: an id, the route, the status and the time; never their content.
//!
//! A request has its id in `X-Request-Id`, or gets one; the answer has it, and so has every line that is logged
//! while it is answered. Lines go to standard error, plain or as JSON; spans to a collector of OpenTelemetry, as
//! parts of the trace that the request names.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Instrument;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::application::Application;

/// The header of the id, in requests and answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Reads which trace a request belongs to.
static TRACES: LazyLock<TraceContextPropagator> = LazyLock::new(TraceContextPropagator::new);

/// The longest id that is accepted from a request.
const ID_BYTES_MAX: usize = 64;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people to read.
    #[default]
    Plain,
    /// One JSON object per line.
    Json,
}

/// Which lines and spans are written, and where spans go.
#[derive(Clone, Debug)]
pub struct Telling {
    /// How lines are written.
    pub format: LogFormat,
    /// Which are written: `tracing` filters, such as `info` or `praman=debug`.
    pub filter: String,
    /// Where a collector of OpenTelemetry takes spans, OTLP over gRPC; none by default.
    pub collector: Option<String>,
}

/// Spans on their way to a collector.
pub struct Spans(Option<SdkTracerProvider>);

impl Spans {
    /// Sends what is left, or gives up after a few seconds.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // It waits for the collector, on a thread of its own.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!("the remaining spans are lost: {error}");
        }
    }
}

/// Why logging does not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogSettingError {
    /// The filter is malformed.
    #[error("--log {filter:?} can't be read: {source}")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The collector's address is malformed.
    #[error("--otlp {collector:?} is not an address: {source}")]
    Collector {
        /// The address.
        collector: String,
        /// What is wrong with it.
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// This program logs already.
    #[error("lines are written already: {0}")]
    Begun(#[from] tracing_subscriber::util::TryInitError),
}

impl Telling {
    /// Starts the logging. Must be called within a runtime.
    ///
    /// # Errors
    /// [`LogSettingError`] for a filter or an address that can't be read.
    pub fn begin(&self) -> Result<Spans, LogSettingError> {
        let filter = EnvFilter::builder()
            .parse(&self.filter)
            .map_err(|source| LogSettingError::Filter { filter: self.filter.clone(), source })?;
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match self.format {
            LogFormat::Plain => lines.with_ansi(false).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let provider = self.collector.as_deref().map(provider).transpose()?;
        // Only spans of requests are sent: a library's spans may hold the content of requests.
        // Errors stay in the lines, on this machine.
        let requests = filter_fn(|of| of.is_span() && of.target().starts_with("praman"));
        let spans = provider.as_ref().map(|provider| {
            let tracer = provider.tracer("praman");
            tracing_opentelemetry::layer().with_tracer(tracer).with_filter(requests)
        });
        let begun =
            tracing_subscriber::registry().with(spans).with(lines.with_filter(filter)).try_init();
        begun?;
        Ok(Spans(provider))
    }
}

/// Sends diagnostics of a single command to standard error, a line each. The service has settings of its own.
pub fn begin_for_a_command() {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time();
    let lines = lines.with_filter(LevelFilter::WARN);
    // If a test has started it already, that one stays.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

fn provider(collector: &str) -> Result<SdkTracerProvider, LogSettingError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(collector).build();
    let exporter = exporter
        .map_err(|source| LogSettingError::Collector { collector: collector.to_owned(), source })?;
    let resource = Resource::builder()
        .with_service_name("praman")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
    Ok(provider.with_resource(resource).build())
}

/// The headers that name a request's trace: W3C's Trace Context.
struct TraceHeaders<'a>(&'a HeaderMap);

impl Extractor for TraceHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Returns the id of a request, if it may be written; else a new one.
fn id_of(headers: &HeaderMap) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let brought = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let brought = brought
        .filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain))
        .map(str::to_owned);
    brought.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

/// Returns a method's name; unknown methods share one, so that clients can't create labels.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Answers a request, counts it, and logs it.
pub(crate) async fn log(
    State(application): State<Arc<Application>>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let id = id_of(request.headers());
    let method = known(request.method());
    // A remote procedure's path names no person; any other request is logged by its route.
    let route = match &route {
        Some(route) if route.as_str().contains("{*") => {
            praman_access::door::procedure_of(request.uri().path())
        }
        Some(route) => route.as_str().to_owned(),
        None => "none".to_owned(),
    };
    let span = tracing::info_span!("request", id = %id, method, %route, status = Empty);
    let trace = TRACES.extract(&TraceHeaders(request.headers()));
    // Without a collector this fails, and the trace is not needed.
    let _ = span.set_parent(trace);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), begun.elapsed());
    application.metrics().answered(method, &route, status, took);
    span.record("status", status.as_u16());
    span.in_scope(|| {
        let milliseconds = took.as_secs_f64() * 1_000.0;
        tracing::info!(milliseconds, "answered");
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
    fn plain_request_id_is_kept_and_any_other_is_replaced() {
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
