//! Proofs for others over gRPC.

use std::time::Duration;

use futures_util::StreamExt;
use praman_holder::claim::SubmittedClaim;
use praman_proving::{JobId, JobState, Priority, ProvingJob, REQUEST_BYTES, WorkerPublicKey};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::elements::{read_32, write_claim};
use super::{Answers, Api, answers, caller, v1};
use crate::application::{Application, AskedJob, Fault, seconds};

impl From<ProvingJob> for v1::Job {
    fn from(job: ProvingJob) -> Self {
        let state = match job.state {
            JobState::Waiting => v1::JobState::Waiting,
            JobState::Proving => v1::JobState::Proving,
            JobState::Proved => v1::JobState::Proved,
            JobState::Failed => v1::JobState::Failed,
        };
        let priority = match job.priority {
            Priority::Interactive => v1::Priority::Interactive,
            Priority::Batch => v1::Priority::Batch,
        };
        let claim = job.claim.as_deref().and_then(|claim| SubmittedClaim::from_json(claim).ok());
        Self {
            id: job.id.column(),
            state: state.into(),
            priority: priority.into(),
            attempts: job.attempts,
            reason: job.reason.map(|reason| reason.name().to_owned()).unwrap_or_default(),
            message: job.reason.map(|reason| reason.sentence().to_owned()).unwrap_or_default(),
            claim: claim.as_ref().map(write_claim),
            queued_at: job.queued_at,
        }
    }
}

/// Reads the requested proof; it waits no longer than its call.
fn read_job(
    request: v1::ProveRequest,
    call: Option<Duration>,
    application: &Application,
) -> Result<AskedJob, Fault> {
    let priority = match request.priority() {
        v1::Priority::Batch => Priority::Batch,
        v1::Priority::Interactive | v1::Priority::Unspecified => Priority::Interactive,
    };
    let deadline = application.job_deadline(request.deadline_seconds);
    Ok(AskedJob {
        priority,
        worker: WorkerPublicKey(read_32(&request.worker_key, "worker_key")?),
        sealed: request.sealed,
        deadline: call.map_or(deadline, |call| call.min(deadline)),
    })
}

/// Reads the deadline of a call, as gRPC writes it: at most eight digits and a unit.
fn deadline_of(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[tonic::async_trait]
impl v1::proving_server::Proving for Api {
    async fn key(
        &self,
        _request: Request<v1::KeyRequest>,
    ) -> Result<Response<v1::KeyReply>, Status> {
        let worker_key = self.0.worker_key().0.to_vec();
        Ok(Response::new(v1::KeyReply { worker_key, request_bytes: REQUEST_BYTES as u32 }))
    }

    async fn prove(&self, request: Request<v1::ProveRequest>) -> Result<Response<v1::Job>, Status> {
        let call = deadline_of(request.metadata());
        let caller = caller(&request)?;
        let request = request.into_inner();
        let wait = seconds(request.wait_seconds);
        let job = self.0.prove(&caller, read_job(request, call, &self.0)?, wait).await?;
        Ok(Response::new(job.into()))
    }

    type ProveManyStream = Answers<v1::Job>;

    async fn prove_many(
        &self,
        request: Request<Streaming<v1::ProveRequest>>,
    ) -> Result<Response<Self::ProveManyStream>, Status> {
        let call = deadline_of(request.metadata());
        let caller = caller(&request)?;
        let application = self.0.clone();
        let jobs = request.into_inner().map(move |asked| match asked {
            Ok(asked) => read_job(asked, call, &application),
            Err(status) => Err(Fault::malformed(status.message())),
        });
        Ok(Response::new(answers(self.0.prove_many(&caller, Box::pin(jobs))?)))
    }

    type WatchStream = Answers<v1::Job>;

    async fn watch(
        &self,
        request: Request<v1::WatchJobRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let caller = caller(&request)?;
        let id = JobId::from_column(&request.get_ref().id)
            .ok_or_else(|| Fault::malformed("id must have 32 bytes"))?;
        Ok(Response::new(answers(self.0.watch_job(&caller, id)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_read_as_grpc_writes_them() {
        let read = |text: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().expect("a value"));
            deadline_of(&metadata)
        };
        assert_eq!(read("2S"), Some(Duration::from_secs(2)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3_600)));
        for bad in ["", "S", "2", "2s", "-2S", "123456789S", "é"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(deadline_of(&MetadataMap::new()), None);
    }
}
