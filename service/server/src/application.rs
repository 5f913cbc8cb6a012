//! What the service does, over HTTP ([`crate::http`]) or gRPC ([`crate::grpc`]) alike, which only read requests
//! and write answers.

mod access;
mod cases;
mod ceremonies;
mod claims;
mod consents;
mod fault;
mod following;
mod issuing;
mod proving;
mod public;

use std::sync::Arc;
use std::time::Duration;

use praman_access::OpenIdIssuer;
use praman_claims::{ClaimDesk, StageTimes};
use praman_coordinator::Coordinator;
use praman_issuing::IssuingDesk;
use praman_proving::ProvingDesk;
use praman_store::Store;
use praman_verifier::{PreparedKey, VerifyingKey};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};

use crate::metrics::Metrics;
pub(crate) use access::{PeerCertificate, Shown, is_refusal};
pub use consents::ConsentDoor;
pub(crate) use fault::{Fault, FaultKind, Told};
pub(crate) use issuing::ActingOffice;
pub(crate) use proving::AskedJob;
use public::CachedSnapshot;
pub(crate) use public::office_tree;

/// Bounds of clients' requests.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request's body: a claim has some 5,000, a sealed request for a proof 25,000.
    pub body_bytes_max: usize,
    /// Requests at a time.
    pub requests_max: usize,
    /// Connections at a time.
    pub connections_max: usize,
    /// Requests at a time on one connection.
    pub connection_requests_max: u32,
    /// Watching clients at a time.
    pub watchers_max: usize,
    /// How long a client may take to send the head of a request, the first included.
    pub head_time_max: Duration,
    /// How long a request may take, the longest wait included.
    pub request_time_max: Duration,
    /// How long a register may take to be uploaded.
    pub upload_time_max: Duration,
    /// How long a client may wait for a decision.
    pub wait_max: Duration,
    /// How long a client may watch.
    pub watch_max: Duration,
    /// How long requests may take to end when the service stops.
    pub drain_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024,
            requests_max: 4_096,
            connections_max: 4_096,
            connection_requests_max: 256,
            watchers_max: 1_024,
            head_time_max: Duration::from_secs(10),
            request_time_max: Duration::from_secs(60),
            upload_time_max: Duration::from_secs(15 * 60),
            wait_max: Duration::from_secs(30),
            watch_max: Duration::from_secs(600),
            drain_max: Duration::from_secs(45),
        }
    }
}

/// Converts a time that a client has given in seconds.
pub(crate) fn seconds(number: u32) -> Duration {
    Duration::from_secs(u64::from(number))
}

/// The optional parts of a service.
#[derive(Default)]
pub struct OptionalDesks {
    /// Where offices upload registers.
    pub issuing: Option<IssuingDesk>,
    /// A release gate, and where consents are requested.
    pub consents: Option<ConsentDoor>,
    /// Where contributors to keys take turns.
    pub coordinator: Option<Coordinator>,
    /// The issuer whose tokens are accepted.
    pub openid: Option<OpenIdIssuer>,
    /// Whether browsers reach the service only over TLS, so that its cookies are never sent without it.
    pub desk_is_secure: bool,
    /// Whether one party made the keys, which every page says.
    pub development_keys: bool,
}

/// All that answers are made from.
pub struct Application {
    desk: ClaimDesk,
    proving: ProvingDesk,
    issuing: Option<IssuingDesk>,
    consents: Option<ConsentDoor>,
    coordinator: Option<Coordinator>,
    openid: Option<OpenIdIssuer>,
    desk_is_secure: bool,
    development_keys: bool,
    metrics: Metrics,
    key: PreparedKey,
    limits: Limits,
    snapshot: Mutex<Option<CachedSnapshot>>,
    watchers: Arc<Semaphore>,
    /// Checks of proofs that are no claims.
    checking: Semaphore,
    /// Whether the service is stopping.
    stopping: watch::Sender<bool>,
}

impl Application {
    /// Creates the service over open desks.
    pub fn new(
        desk: ClaimDesk,
        proving: ProvingDesk,
        more: OptionalDesks,
        key: &VerifyingKey,
        limits: Limits,
    ) -> Arc<Self> {
        let key = PreparedKey::new(key);
        let watchers = Arc::new(Semaphore::new(limits.watchers_max));
        let OptionalDesks {
            issuing,
            consents,
            coordinator,
            openid,
            desk_is_secure,
            development_keys,
        } = more;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let checking = Semaphore::new(cores.div_ceil(2));
        let (snapshot, stopping) = (Mutex::default(), watch::Sender::new(false));
        Arc::new(Self {
            desk,
            proving,
            issuing,
            consents,
            coordinator,
            openid,
            desk_is_secure,
            development_keys,
            metrics: Metrics::default(),
            key,
            limits,
            snapshot,
            watchers,
            checking,
            stopping,
        })
    }

    pub(crate) fn store(&self) -> &Store {
        self.desk.machine().store()
    }

    /// Returns whether one party made the keys.
    pub(crate) fn has_development_keys(&self) -> bool {
        self.development_keys
    }

    /// Returns what is counted for Prometheus.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns how many claims wait to be checked.
    pub(crate) fn claims_to_look_at(&self) -> usize {
        self.desk.waiting()
    }

    /// Returns how long the steps of claims have taken.
    pub(crate) fn stage_times(&self) -> StageTimes {
        self.desk.machine().stage_times()
    }

    /// Returns whether claims can't be submitted to the ledger now.
    pub(crate) fn is_hindered(&self) -> bool {
        self.desk.hindrance().is_some()
    }

    /// Returns the issuer whose tokens are accepted.
    pub(crate) fn openid(&self) -> Option<&OpenIdIssuer> {
        self.openid.as_ref()
    }

    /// Returns whether users sign in to the desk with the issuer.
    pub(crate) fn has_login(&self) -> bool {
        self.openid().is_some_and(OpenIdIssuer::has_login)
    }

    /// Returns whether browsers reach the service only over TLS.
    pub(crate) fn desk_is_secure(&self) -> bool {
        self.desk_is_secure
    }

    /// Returns the bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Ends requests that only wait for a change: clients continue at another replica.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    async fn stopped(&self) {
        // The sender lives as long as the service.
        let _ = self.stopping.subscribe().wait_for(|&stopping| stopping).await;
    }

    fn patience(&self, asked: Duration) -> Duration {
        asked.min(self.limits.wait_max)
    }

    /// Returns how long a client may watch at a time.
    pub(crate) fn watch_max(&self) -> Duration {
        self.limits.watch_max
    }

    /// Takes a place among the watching clients.
    pub(crate) fn watcher(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let place = self.watchers.clone().try_acquire_owned();
        place.map_err(|_| Fault::busy("too many clients are watching: try again later", 5))
    }
}
