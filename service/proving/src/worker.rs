//! A worker: takes sealed requests from the queue, proves, delivers the claims.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use praman_claims::Schemes;
use praman_files::sealed::random_key;
use praman_holder::claim::SubmittedClaim;
use praman_prover::{Cores, FixedKeyEngine, Prover, ProvingError, ProvingPool};
use praman_store::Store;
use tokio::task::{Id, JoinSet};
use tokio::time::{interval, sleep};

use super::desk::ProvingDesk;
use super::job::{JobId, Priority, ProvingFault};
use super::queue::{QueueLimits, TakenJob};
use super::request::ProvingRequest;
use super::worker_key::{WorkerKey, WorkerPublicKey};
use crate::ProvingStore;

/// How often an idle worker polls for jobs that were queued elsewhere.
const LOOK: Duration = Duration::from_millis(100);

/// How long to wait after the store failed.
const REST: Duration = Duration::from_secs(1);

/// Bounds of a worker.
#[derive(Clone, Copy, Debug)]
pub struct WorkerLimits {
    /// Proofs at a time, each on a core of its own: as much memory as they take.
    pub threads: usize,
    /// The bounds of the queue.
    pub queue: QueueLimits,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, queue: QueueLimits::default() }
    }
}

/// What a worker works with.
pub struct Worker {
    store: Store,
    prover: Prover<FixedKeyEngine>,
    pool: ProvingPool,
    key: WorkerKey,
    schemes: Schemes,
    limits: WorkerLimits,
    /// This worker among those on the same store.
    name: String,
    /// The desk of the same program, to be notified at once.
    desk: Option<ProvingDesk>,
}

type Proved = Result<String, ProvingFault>;

impl Worker {
    /// Creates a worker on a store.
    ///
    /// # Errors
    /// [`ProvingError`] if the system gives no threads.
    pub fn new(
        store: &Store,
        prover: Prover<FixedKeyEngine>,
        key: WorkerKey,
        schemes: Schemes,
        limits: WorkerLimits,
    ) -> Result<Self, ProvingError> {
        let pool = ProvingPool::new(limits.threads)?;
        let name = hex::encode(&random_key()[..8]);
        let limits = WorkerLimits { threads: pool.threads(), ..limits };
        Ok(Self { store: store.clone(), prover, pool, key, schemes, limits, name, desk: None })
    }

    /// Runs the worker in the program of a desk.
    pub fn beside(self, desk: &ProvingDesk) -> Self {
        Self { desk: Some(desk.clone()), ..self }
    }

    /// Returns the key that its requests are sealed to.
    pub fn public_key(&self) -> WorkerPublicKey {
        self.key.public()
    }

    /// Works until it is asked to stop; then finishes what it has begun.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let worker = Arc::new(self);
        let mut stop = pin!(stop);
        let mut stopping = false;
        let mut heartbeat = interval(worker.limits.queue.lease / 3);
        let mut running: JoinSet<Proved> = JoinSet::new();
        let mut held: HashMap<Id, (JobId, u32)> = HashMap::new();
        loop {
            let free = worker.limits.threads - running.len();
            if free > 0 && !stopping {
                worker.begin(free, &mut running, &mut held).await;
            }
            if stopping && running.is_empty() {
                return;
            }
            tokio::select! {
                Some(done) = running.join_next_with_id() => {
                    let (id, outcome) = match done {
                        Ok((id, outcome)) => (id, outcome),
                        // The panic is not printed: it must reveal nothing of what was proved.
                        Err(error) => (error.id(), Err(ProvingFault::EngineFailed)),
                    };
                    if let Some((job, attempt)) = held.remove(&id) {
                        worker.end(job, attempt, outcome).await;
                    }
                }
                _ = heartbeat.tick() => {
                    let jobs: Vec<_> = held.values().copied().collect();
                    worker.tell_of(&jobs).await;
                }
                () = worker.look(), if running.len() < worker.limits.threads && !stopping => {}
                () = &mut stop, if !stopping => stopping = true,
            }
        }
    }

    /// Takes jobs and begins them.
    async fn begin(
        self: &Arc<Self>,
        free: usize,
        running: &mut JoinSet<Proved>,
        held: &mut HashMap<Id, (JobId, u32)>,
    ) {
        let (key, limits) = (self.key.public(), &self.limits.queue);
        let taken =
            match ProvingStore(&self.store).take_proofs(&self.name, &key, free, limits).await {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!("taking proofs: {error}");
                    sleep(REST).await;
                    return;
                }
            };
        // One proof on all cores is the fastest; many, each on one core, give the highest throughput.
        let alone = running.is_empty() && taken.len() == 1;
        for TakenJob { id, priority, sealed, attempt } in taken {
            let cores =
                if alone && priority == Priority::Interactive { Cores::All } else { Cores::One };
            let worker = self.clone();
            let task = running.spawn_blocking(move || worker.prove(&sealed, cores));
            held.insert(task.id(), (id, attempt));
        }
    }

    /// Makes the claim of a sealed request. What it is made from is wiped before this returns.
    fn prove(&self, sealed: &[u8], cores: Cores) -> Proved {
        let request = ProvingRequest::open(sealed, &self.key)?;
        let (prepared, period) = request.prepare(&self.schemes)?;
        let proof = match cores {
            Cores::All => self.pool.prove(&self.prover, &prepared.witness),
            Cores::One => self.prover.prove_on(&prepared.witness, cores),
        };
        let proof = proof.map_err(|error| match error {
            ProvingError::Engine(_) => ProvingFault::EngineFailed,
            _ => ProvingFault::NotEligible,
        })?;
        let checkpoint = prepared.public.checkpoint;
        Ok(SubmittedClaim::new(prepared.into_claim(period, 0, proof), checkpoint).to_json())
    }

    /// Stores the result of a job.
    async fn end(&self, job: JobId, attempt: u32, outcome: Proved) {
        let brought = match outcome {
            Ok(claim) => {
                ProvingStore(&self.store).finish_proof(job, attempt, &claim).await.map(drop)
            }
            Err(reason) => {
                ProvingStore(&self.store).fail_proof(job, attempt, reason, &self.limits.queue).await
            }
        };
        match brought {
            Ok(()) => {
                if let Some(desk) = &self.desk {
                    desk.tell(job);
                }
            }
            // The lease ends, and it is proved again.
            Err(error) => tracing::warn!("bringing a proof: {error}"),
        }
    }

    async fn tell_of(&self, jobs: &[(JobId, u32)]) {
        let limits = &self.limits.queue;
        let told = ProvingStore(&self.store).still_proving(jobs, limits).await.map(drop);
        if let Err(error) = told.and(ProvingStore(&self.store).tidy_proofs(limits).await) {
            tracing::warn!("telling of proofs: {error}");
        }
    }

    async fn look(&self) {
        match &self.desk {
            Some(desk) => desk.queued(LOOK).await,
            None => sleep(LOOK).await,
        }
    }
}

/// Keeps the memory of this program out of swap and core dumps, as far as the system allows it.
///
/// All of it is locked if there is no limit on locked memory; else each buffer that holds witnesses, by
/// itself.
#[cfg(target_os = "linux")]
pub fn guard_memory() {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, geteuid, getrlimit, set_dumpable_behavior, setrlimit,
    };
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let undumped = setrlimit(Resource::Core, none)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if undumped.is_err() {
        tracing::warn!("core dumps can't be turned off on this system");
    }
    // With a limit, allocating memory that can't be locked would fail.
    let unlimited = getrlimit(Resource::Memlock).current.is_none() || geteuid().is_root();
    if unlimited {
        let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        let _ = mlockall(all);
    }
}

/// Does nothing on this system.
#[cfg(not(target_os = "linux"))]
pub fn guard_memory() {}
