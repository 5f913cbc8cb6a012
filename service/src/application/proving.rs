//! Proofs for others.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::following::{AHEAD, Followed};
use super::{Application, Fault, seconds};
use crate::proving::{JobId, JobState, NewJob, ProvingJob, WorkerPublicKey};

/// Jobs of one stream that are waited for at a time.
const STREAM_JOBS_MAX: usize = 256;

impl Application {
    /// The key that requests for proofs are sealed to.
    pub(crate) fn worker_key(&self) -> WorkerPublicKey {
        self.proving.worker()
    }

    /// How long a job waits if nothing is said.
    pub(crate) fn job_deadline(&self, asked_s: u32) -> Duration {
        match asked_s {
            0 => self.proving.limits().deadline_max,
            number => seconds(number),
        }
    }

    /// Asks for a proof, and waits a while until it is made.
    pub(crate) async fn prove(&self, job: NewJob, wait: Duration) -> Result<ProvingJob, Fault> {
        let kept = self.proving.ask(job).await?;
        if kept.state.is_finished() || wait.is_zero() {
            return Ok(kept);
        }
        self.job(kept.id, wait).await
    }

    /// What is known of a job once it is finished, or after a while.
    pub(crate) async fn job(&self, id: JobId, wait: Duration) -> Result<ProvingJob, Fault> {
        let job = self.proving.finished(id, self.patience(wait)).await?;
        job.ok_or_else(|| Fault::not_found("there is no such job"))
    }

    /// What is known of a job now and whenever it moves, until it is finished.
    pub(crate) fn watch_job(
        self: &Arc<Self>,
        id: JobId,
    ) -> Result<ReceiverStream<Result<ProvingJob, Fault>>, Fault> {
        self.follow("there is no such job", move |application, last, patience| async move {
            let is_old = |job: &ProvingJob| Some(job.state) == last;
            application.proving.changed(id, is_old, patience).await
        })
    }

    /// Asks for many proofs, and tells each job as it is finished. One that is not taken is told by its
    /// fault and ends the stream: what was taken goes on, and is found by its id.
    pub(crate) fn prove_many(
        self: &Arc<Self>,
        jobs: Pin<Box<dyn Stream<Item = Result<NewJob, Fault>> + Send>>,
    ) -> Result<ReceiverStream<Result<ProvingJob, Fault>>, Fault> {
        let place = self.watcher()?;
        let (told, stream) = tokio::sync::mpsc::channel(AHEAD);
        let application = self.clone();
        tokio::spawn(async move {
            let _place = place;
            let end = Instant::now() + application.limits.watch_max;
            let one = |job: Result<NewJob, Fault>| {
                let application = application.clone();
                async move {
                    let id = application.prove(job?, Duration::ZERO).await?.id;
                    loop {
                        let job = application.job(id, application.limits.wait_max).await?;
                        if job.state.is_finished() || Instant::now() >= end {
                            return Ok(job);
                        }
                    }
                }
            };
            let mut finished = Box::pin(jobs.map(one).buffer_unordered(STREAM_JOBS_MAX));
            loop {
                let next = tokio::select! {
                    next = finished.next() => next,
                    () = told.closed() => return,
                };
                let Some(outcome) = next else { return };
                let ends = outcome.is_err();
                if told.send(outcome).await.is_err() || ends {
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
