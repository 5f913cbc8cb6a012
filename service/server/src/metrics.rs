//! What the service reports to Prometheus: counts and times by route and state. No label is of a person, a
//! claim, a tenant or an address.
//!
//! Requests are counted as they are answered; pending items are read from the store at each scrape.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use praman_audit::AuditStore;
use praman_store::Store;
use praman_store::error::StoreError;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::application::Application;

/// Figures of the whole store.
#[derive(Clone, Copy)]
pub(crate) struct FigureStore<'s>(pub(crate) &'s Store);

/// Upper bounds of the times of requests, in seconds.
const SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// An answered request: the route as it is written, never the requested path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Routed {
    route: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)] // as labels are written
enum Waiting {
    claims_received,
    claims_verified,
    claims_submitted,
    proofs_waiting,
    proofs_proving,
    registers_open,
    transfers_returned,
    approvals_waiting,
    cases_open,
    cases_late,
    erasures_overdue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)] // as labels are written
enum ClaimStage {
    keeping,
    verifying,
    recording,
    settling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Staged {
    stage: ClaimStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Version {
    version: &'static str,
}

/// What is counted, and what is looked up.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Routed, Histogram, fn() -> Histogram>,
    waiting: Family<What, Gauge>,
    stages: Family<Staged, Gauge<f64, AtomicU64>>,
    audit_entries: Gauge,
    audit_anchored: Gauge,
    hindered: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("praman");
        let requests = Family::<Answered, Counter>::default();
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let seconds = Family::new_with_constructor(histogram);
        let (waiting, stages) = (Family::default(), Family::default());
        let (audit_entries, audit_anchored, hindered) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("requests", "Requests that were answered", requests.clone());
        registry.register_with_unit("request", "Time to an answer", Unit::Seconds, seconds.clone());
        registry.register("waiting", "What waits now", waiting.clone());
        registry.register_with_unit(
            "claim_stage",
            "Time that the steps of claims have taken",
            Unit::Seconds,
            stages.clone(),
        );
        registry.register("audit_entries", "Entries of the audit log", audit_entries.clone());
        registry.register(
            "audit_anchored_entries",
            "Entries that the ledger has fixed",
            audit_anchored.clone(),
        );
        registry.register(
            "ledger_hindered",
            "1 while claims can't be brought to the ledger",
            hindered.clone(),
        );
        let build = Family::<Version, Gauge>::default();
        build.get_or_create(&Version { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("build", "The program's version", build);
        Self {
            registry,
            requests,
            seconds,
            waiting,
            stages,
            audit_entries,
            audit_anchored,
            hindered,
        }
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub(crate) fn answered(
        &self,
        method: &'static str,
        route: &str,
        status: StatusCode,
        took: Duration,
    ) {
        let route = route.to_owned();
        let answered = Answered { method, route: route.clone(), status: status.as_u16() };
        self.requests.get_or_create(&answered).inc();
        self.seconds.get_or_create(&Routed { route }).observe(took.as_secs_f64());
    }

    /// Writes all figures, as Prometheus reads them.
    async fn written(&self, application: &Application) -> Result<String, StoreError> {
        for (what, count) in FigureStore(application.store()).what_waits().await? {
            self.waiting.get_or_create(&What { what }).set(count);
        }
        let what = Waiting::claims_received;
        self.waiting.get_or_create(&What { what }).set(application.claims_to_look_at() as i64);
        let times = application.stage_times();
        for (stage, time) in [
            (ClaimStage::keeping, times.keeping),
            (ClaimStage::verifying, times.verifying),
            (ClaimStage::recording, times.recording),
            (ClaimStage::settling, times.settling),
        ] {
            self.stages.get_or_create(&Staged { stage }).set(time.as_secs_f64());
        }
        self.audit_entries.set(AuditStore(application.store()).audit_length().await? as i64);
        let anchored = AuditStore(application.store()).last_audit_anchor().await?;
        self.audit_anchored.set(anchored.map_or(0, |(anchor, _)| anchor.entries as i64));
        self.hindered.set(i64::from(application.is_hindered()));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes it");
        Ok(text)
    }
}

impl FigureStore<'_> {
    /// Counts what of each kind is pending now.
    async fn what_waits(&self) -> Result<Vec<(Waiting, i64)>, StoreError> {
        let now = self.0.database().now();
        let statements = [
            (Waiting::claims_verified, "claim WHERE state = 'verified'".to_owned()),
            (Waiting::claims_submitted, "claim WHERE state = 'submitted'".to_owned()),
            (Waiting::proofs_waiting, "proving_job WHERE state = 'waiting'".to_owned()),
            (Waiting::proofs_proving, "proving_job WHERE state = 'proving'".to_owned()),
            (
                Waiting::registers_open,
                "register_upload WHERE state IN ('waiting', 'issuing')".to_owned(),
            ),
            (Waiting::transfers_returned, "payment_transfer WHERE state = 'returned'".to_owned()),
            (
                Waiting::erasures_overdue,
                format!("erasure_order WHERE confirmed_at IS NULL AND due_at < {now}"),
            ),
            (
                Waiting::approvals_waiting,
                format!("approval WHERE state = 'waiting' AND expires_at >= {now}"),
            ),
            (Waiting::cases_open, "grievance_case WHERE state IN ('open', 'appealed')".to_owned()),
            (
                Waiting::cases_late,
                format!("grievance_case WHERE {}", praman_grievance::is_late(now)),
            ),
        ];
        let mut found = Vec::new();
        for (what, of) in statements {
            let statement = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {of}"));
            let (count,): (i64,) = sqlx::query_as(statement).fetch_one(self.0.pool()).await?;
            found.push((what, count));
        }
        Ok(found)
    }
}

/// Returns the page that Prometheus reads, and whether the program runs, for a listener of its own: a flood of
/// requests to the service does not reach it.
pub fn routes(application: std::sync::Arc<Application>) -> Router {
    Router::new()
        .route("/metrics", get(page))
        .route("/healthz", get(async || "alive\n"))
        .with_state(application)
}

/// Answers with the figures, as Prometheus reads them.
pub async fn page(State(application): State<std::sync::Arc<Application>>) -> Response {
    match application.metrics().written(&application).await {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::warn!("metrics: {error}");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
