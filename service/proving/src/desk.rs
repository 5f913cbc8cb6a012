//! Where clients ask for proofs.

use std::sync::Arc;
use std::time::Duration;

use praman_store::Store;
use praman_store::error::StoreError;
use praman_store::waiters::Waiters;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use super::job::{JobId, Priority, ProvingJob};
use super::queue::{NewJob, QueueLimits, Queued};
use super::request::REQUEST_BYTES;
use super::worker_key::WorkerPublicKey;
use crate::ProvingStore;

/// How often finished jobs are polled for while a client waits for one.
const ROUND: Duration = Duration::from_millis(40);

/// How far to look back, since a transaction may end after its own time.
const LOOK_BACK_MS: i64 = 3_000;

/// How long a waiting client waits before it looks itself.
const REST: Duration = Duration::from_secs(2);

/// The longest name of a tenant.
const TENANT_BYTES_MAX: usize = 64;

/// Why a job is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ProvingRefusal {
    /// Sealed to a key that no worker of this service has.
    #[error(
        "the request is sealed to another key than that of this service's workers: get the key \
         again"
    )]
    OtherKey,
    /// The length is not a request's.
    #[error("a sealed request must have {REQUEST_BYTES} bytes")]
    Length,
    /// The tenant's name is malformed.
    #[error("a tenant's name must have at most {TENANT_BYTES_MAX} printable ASCII characters")]
    Tenant,
    /// Too many jobs are pending.
    #[error("too many proofs are pending: try again in {} s", .retry_after.as_secs())]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

struct Shared {
    store: Store,
    worker: WorkerPublicKey,
    limits: QueueLimits,
    waiters: Waiters<JobId>,
    /// A client waits, or a worker of this program has finished a job.
    look: Notify,
    /// A job was put into the queue.
    queued: Notify,
}

/// Where clients ask for proofs.
#[derive(Clone)]
pub struct ProvingDesk {
    shared: Arc<Shared>,
}

impl ProvingDesk {
    /// Opens the desk for requests that are sealed to a worker's key.
    pub fn open(store: &Store, worker: WorkerPublicKey, limits: QueueLimits) -> Self {
        let shared = Arc::new(Shared {
            store: store.clone(),
            worker,
            limits,
            waiters: Waiters::default(),
            look: Notify::new(),
            queued: Notify::new(),
        });
        tokio::spawn(look_for_finished(Arc::downgrade(&shared)));
        Self { shared }
    }

    /// Returns the key that requests are sealed to.
    pub fn worker(&self) -> WorkerPublicKey {
        self.shared.worker
    }

    /// Returns the bounds.
    pub fn limits(&self) -> &QueueLimits {
        &self.shared.limits
    }

    /// Asks for a proof. The same sealed request is one job, however often it is sent.
    ///
    /// # Errors
    /// [`ProvingRefusal`].
    pub async fn ask(&self, job: NewJob) -> Result<ProvingJob, ProvingRefusal> {
        if job.sealed.len() != REQUEST_BYTES {
            return Err(ProvingRefusal::Length);
        }
        if job.worker != self.shared.worker {
            return Err(ProvingRefusal::OtherKey);
        }
        let printable = job.tenant.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if job.tenant.len() > TENANT_BYTES_MAX || !printable {
            return Err(ProvingRefusal::Tenant);
        }
        match ProvingStore(&self.shared.store).queue_proof(&job, &self.shared.limits).await? {
            Queued::Kept(kept) => {
                self.shared.queued.notify_one();
                Ok(kept)
            }
            Queued::Full => {
                Err(ProvingRefusal::Busy { retry_after: self.shared.limits.retry_after })
            }
        }
    }

    /// Returns what is known of a job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn job(&self, id: JobId) -> Result<Option<ProvingJob>, StoreError> {
        ProvingStore(&self.shared.store).proving_job(id).await
    }

    /// Returns what is known of a job once its state has changed, or after a while.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn changed(
        &self,
        id: JobId,
        is_old: impl Fn(&ProvingJob) -> bool,
        patience: Duration,
    ) -> Result<Option<ProvingJob>, StoreError> {
        let deadline = Instant::now() + patience;
        loop {
            let waiter = self.shared.waiters.waiter(id);
            let woken = waiter.woken();
            let job = self.job(id).await?;
            if job.as_ref().is_none_or(|job| !is_old(job)) || Instant::now() >= deadline {
                return Ok(job);
            }
            self.shared.look.notify_one();
            let _ = timeout_at(deadline.min(Instant::now() + REST), woken).await;
        }
    }

    /// Returns a job once it is finished, or as it is after a while.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn finished(
        &self,
        id: JobId,
        patience: Duration,
    ) -> Result<Option<ProvingJob>, StoreError> {
        self.changed(id, |job| !job.state.is_finished(), patience).await
    }

    /// Wakes who waits for a job that this program's worker has finished.
    pub(super) fn tell(&self, id: JobId) {
        self.shared.waiters.wake(&[id]);
    }

    /// Returns when a job was put into the queue here, or after a while.
    pub(super) async fn queued(&self, patience: Duration) {
        let _ = tokio::time::timeout(patience, self.shared.queued.notified()).await;
    }
}

impl Default for Priority {
    /// Returns the default: a person waits.
    fn default() -> Self {
        Self::Interactive
    }
}

/// Polls for what workers elsewhere have finished, as long as a client waits.
async fn look_for_finished(shared: std::sync::Weak<Shared>) {
    // Nothing earlier is waited for; the first query returns the time.
    let mut after = i64::MAX;
    loop {
        let Some(desk) = shared.upgrade() else { return };
        let _ = tokio::time::timeout(REST, desk.look.notified()).await;
        match ProvingStore(&desk.store).proofs_finished_after(after).await {
            Ok((finished, now)) => {
                desk.waiters.wake(&finished);
                after = now - LOOK_BACK_MS;
            }
            Err(error) => tracing::warn!("looking for proofs: {error}"),
        }
        if desk.waiters.is_empty() {
            continue;
        }
        // A client still waits: look again soon.
        desk.look.notify_one();
        drop(desk);
        sleep(ROUND).await;
    }
}
