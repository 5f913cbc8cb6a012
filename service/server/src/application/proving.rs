//! Proofs for others.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use praman_access::{Action, Caller};
use praman_proving::{JobId, JobState, NewJob, Priority, ProvingJob, WorkerPublicKey};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::following::{AHEAD, Followed};
use super::{Application, Fault, seconds};

const NO_JOB: &str = "there is no such job";

/// A requested proof; it belongs to the caller.
pub(crate) struct AskedJob {
    /// Its priority.
    pub(crate) priority: Priority,
    /// The key that it is sealed to.
    pub(crate) worker: WorkerPublicKey,
    /// What it is made from, sealed.
    pub(crate) sealed: Vec<u8>,
    /// How long it may wait.
    pub(crate) deadline: Duration,
}

/// Jobs of one stream that are pending at a time.
const STREAM_JOBS_MAX: usize = 256;

impl Application {
    /// Returns the key that requests for proofs are sealed to.
    pub(crate) fn worker_key(&self) -> WorkerPublicKey {
        self.proving.worker()
    }

    /// Returns how long a job waits, with the default if none is given.
    pub(crate) fn job_deadline(&self, asked_s: u32) -> Duration {
        match asked_s {
            0 => self.proving.limits().deadline_max,
            number => seconds(number),
        }
    }

    /// Asks for a proof, and waits a while until it is made.
    pub(crate) async fn prove(
        &self,
        caller: &Caller,
        job: AskedJob,
        wait: Duration,
    ) -> Result<ProvingJob, Fault> {
        let AskedJob { priority, worker, sealed, deadline } = job;
        let tenant = caller.tenant_column().to_owned();
        // The same request sent again, for example because the answer was lost, is counted once.
        let known = self.proving.job(JobId::of(&sealed)).await?;
        let is_new = known.is_none_or(|known| known.tenant != tenant);
        let job = NewJob { tenant, priority, worker, sealed, deadline };
        let ask = async { Ok(self.proving.ask(job).await?) };
        let kept = if is_new {
            self.perform(caller, Action::AskForProof, "a sealed request", ask).await?
        } else {
            ask.await?
        };
        if kept.tenant != caller.tenant_column() {
            let reason = "another tenant has sent the same sealed request: seal it again";
            return Err(Fault::conflict("another-tenants", reason));
        }
        if kept.state.is_finished() || wait.is_zero() {
            return Ok(kept);
        }
        self.job(caller, kept.id, wait).await
    }

    /// Returns what is known of a job once it is finished, or after a while.
    pub(crate) async fn job(
        &self,
        caller: &Caller,
        id: JobId,
        wait: Duration,
    ) -> Result<ProvingJob, Fault> {
        // Checked before waiting: another tenant's job is not found.
        let is_own = |job: &ProvingJob| job.tenant == caller.tenant_column();
        let known = self.proving.job(id).await?.filter(is_own);
        let none = || Fault::not_found(NO_JOB);
        let known = known.ok_or_else(none)?;
        if known.state.is_finished() || wait.is_zero() {
            return Ok(known);
        }
        self.proving.finished(id, self.patience(wait)).await?.ok_or_else(none)
    }

    /// Streams what is known of a job now and at each change, until it is finished.
    pub(crate) fn watch_job(
        self: &Arc<Self>,
        caller: &Caller,
        id: JobId,
    ) -> Result<ReceiverStream<Result<ProvingJob, Fault>>, Fault> {
        let tenant = caller.tenant_column().to_owned();
        self.follow(NO_JOB, move |application, last, patience| {
            let tenant = tenant.clone();
            async move {
                let is_old = |job: &ProvingJob| Some(job.state) == last && job.tenant == tenant;
                let job = application.proving.changed(id, is_old, patience).await?;
                Ok(job.filter(|job| job.tenant == tenant))
            }
        })
    }

    /// Asks for many proofs, and streams each job as it is finished. A job that is not accepted is reported with
    /// its fault and ends the stream: accepted ones go on, and are found by their ids. The stream takes no more
    /// once the client has followed long enough, and ends when the service stops.
    pub(crate) fn prove_many(
        self: &Arc<Self>,
        caller: &Caller,
        jobs: Pin<Box<dyn Stream<Item = Result<AskedJob, Fault>> + Send>>,
    ) -> Result<ReceiverStream<Result<ProvingJob, Fault>>, Fault> {
        let place = self.watcher()?;
        let (told, stream) = tokio::sync::mpsc::channel(AHEAD);
        let (application, caller) = (self.clone(), caller.clone());
        tokio::spawn(async move {
            let _place = place;
            let end = Instant::now() + application.limits.watch_max;
            let one = |job: Result<AskedJob, Fault>| {
                let (application, caller) = (application.clone(), caller.clone());
                async move {
                    let id = application.prove(&caller, job?, Duration::ZERO).await?.id;
                    loop {
                        let patience = application.limits.wait_max;
                        let job = application.job(&caller, id, patience).await?;
                        if job.state.is_finished() || Instant::now() >= end {
                            return Ok(job);
                        }
                    }
                }
            };
            let jobs = jobs.take_until(tokio::time::sleep_until(end));
            let mut finished = Box::pin(jobs.map(one).buffer_unordered(STREAM_JOBS_MAX));
            loop {
                let next = tokio::select! {
                    next = finished.next() => next,
                    () = told.closed() => return,
                    () = application.stopped() => return,
                };
                let Some(outcome) = next else { return };
                let ends = outcome.is_err();
                // A job that was awaited until the end is sent after it.
                let end = end + application.limits.wait_max;
                if !application.tell(&told, outcome, end).await || ends {
                    return;
                }
            }
        });
        Ok(ReceiverStream::new(stream))
    }
}

impl Followed for ProvingJob {
    type State = JobState;

    fn state(&self) -> JobState {
        self.state
    }

    fn is_over(&self) -> bool {
        self.state.is_finished()
    }
}
