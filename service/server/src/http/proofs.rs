//! Proofs for others over HTTP.

use std::sync::Arc;

use axum::extract::rejection::StringRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::StreamExt;
use praman_access::Caller;
use praman_files::json_fault;
use praman_proving::{JobId, Priority, ProvingJob, REQUEST_BYTES};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{self, Error, Wait, WaitQuery, patience};
use super::claims::read_body;
use crate::application::{Application, AskedJob, Fault};

/// The key that requests are sealed to.
#[derive(Serialize, ToSchema)]
pub(super) struct Key {
    /// X25519, 64 hexadecimal digits.
    worker_key: String,
    /// The length of a sealed request, in bytes.
    request_bytes: usize,
}

/// A request for a proof, as `praman worker seal` writes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The key that the request is sealed to.
    worker_key: String,
    /// The inputs of the proof, sealed, in hexadecimal.
    sealed: String,
    /// interactive: a person is waiting; batch: nobody is waiting for this one alone.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    priority: Priority,
    /// How many seconds it may wait; one day if absent.
    #[serde(default)]
    deadline_s: u32,
}

/// A proving job.
#[derive(Serialize, ToSchema)]
pub(super) struct Job {
    /// Its digest: 64 hexadecimal digits.
    id: String,
    /// waiting, proving, proved or failed.
    state: &'static str,
    priority: &'static str,
    /// How often it was started.
    attempts: u32,
    /// Why it failed: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The reason as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    /// The claim, once it is proved: the body of `POST /v1/claims`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    claim: Option<serde_json::Value>,
    /// When it was requested, in milliseconds since 1970.
    queued_at: u64,
}

impl From<ProvingJob> for Job {
    fn from(job: ProvingJob) -> Self {
        Self {
            id: job.id.to_string(),
            state: job.state.name(),
            priority: job.priority.name(),
            attempts: job.attempts,
            reason: job.reason.map(|reason| reason.name()),
            message: job.reason.map(|reason| reason.sentence()),
            claim: job.claim.and_then(|claim| serde_json::from_str(&claim).ok()),
            queued_at: job.queued_at,
        }
    }
}

/// Get the key that requests for proofs are sealed to.
#[utoipa::path(get, path = "/v1/proofs/key", responses((status = 200, body = Key)))]
pub(super) async fn key(State(application): State<Arc<Application>>) -> Json<Key> {
    let worker_key = application.worker_key().to_string();
    Json(Key { worker_key, request_bytes: REQUEST_BYTES })
}

/// Request a proof.
#[utoipa::path(
    post,
    path = "/v1/proofs",
    params(Wait),
    security(("credential" = [])),
    request_body = Request,
    responses(
        (status = 200, description = "the job is finished", body = Job),
        (status = 202, description = "the request is stored, and the proof will be made", body = Job),
        (status = "4XX", description = "the request is not stored", body = Error),
        (status = "5XX", description = "send the same request again", body = Error),
    )
)]
pub(super) async fn ask(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    wait: WaitQuery,
    body: Result<String, StringRejection>,
) -> Result<Response, Fault> {
    let patience = patience(wait)?;
    let text = read_body(body, &application)?;
    let request: Request =
        serde_json::from_str(&text).map_err(|error| Fault::malformed(json_fault(&error)))?;
    let worker = request.worker_key.parse();
    let job = AskedJob {
        priority: request.priority,
        worker: worker.map_err(|error| Fault::malformed(format!("worker_key: {error}")))?,
        sealed: hex::decode(&request.sealed)
            .map_err(|_| Fault::malformed("sealed is not hexadecimal"))?,
        deadline: application.job_deadline(request.deadline_s),
    };
    let job = application.prove(&caller, job, patience).await?;
    let place = [(header::LOCATION, format!("/v1/proofs/{}", job.id))];
    let status = if job.state.is_finished() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, place, Json(Job::from(job))).into_response())
}

/// Get the state of a job, and its claim once it is proved.
#[utoipa::path(
    get,
    path = "/v1/proofs/{id}",
    params(("id" = String, Path, description = "the job's id"), Wait),
    security(("credential" = [])),
    responses(
        (status = 200, body = Job),
        (status = "4XX", description = "the id is malformed, or no job has it", body = Error),
    )
)]
pub(super) async fn status(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    wait: WaitQuery,
) -> Result<Json<Job>, Fault> {
    let patience = patience(wait)?;
    Ok(Json(application.job(&caller, read_id(&id)?, patience).await?.into()))
}

/// Watch a job: its state at each change, until it is finished.
#[utoipa::path(
    get,
    path = "/v1/proofs/{id}/events",
    params(("id" = String, Path, description = "the job's id")),
    security(("credential" = [])),
    responses(
        (status = 200, description = "a stream of jobs", body = Job, content_type = "text/event-stream"),
        (status = "4XX", description = "the id is malformed, or too many clients are watching", body = Error),
    )
)]
pub(super) async fn events(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let told = application.watch_job(&caller, read_id(&id)?)?;
    Ok(answer::events(told.map(|told| told.map(Job::from))))
}

fn read_id(text: &str) -> Result<JobId, Fault> {
    text.parse().map_err(|error| Fault::malformed(format!("{error}")))
}
