//! What anyone may know, over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use praman_circuits::office::StateRoot;
use praman_circuits::period::Period;
use praman_circuits::scope::Scope;
use praman_holder::spent::{SpentCount, SpentNullifiers};
use praman_holder::subtree::Subtree;
use praman_ledger::snapshot::SnapshotChanges;
use praman_verifier::{Proof, public_from_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::Error;
use crate::application::{Application, Fault};

/// The schemes that can be claimed.
#[derive(Serialize, ToSchema)]
pub(super) struct Schemes {
    schemes: Vec<SchemeRow>,
}

#[derive(Serialize, ToSchema)]
struct SchemeRow {
    id: String,
    name: String,
    schema: &'static str,
}

/// List the schemes that can be claimed.
#[utoipa::path(get, path = "/v1/schemes", responses((status = 200, body = Schemes)))]
pub(super) async fn schemes(State(application): State<Arc<Application>>) -> Json<Schemes> {
    let row = |published: &praman_claims::PublishedScheme| {
        let scheme = &published.scheme;
        SchemeRow {
            id: scheme.id.as_str().to_owned(),
            name: scheme.name.clone(),
            schema: scheme.schema.name,
        }
    };
    Json(Schemes { schemes: application.schemes().iter().map(row).collect() })
}

/// Get a scheme's text, from which a wallet compiles what it proves.
#[utoipa::path(
    get,
    path = "/v1/schemes/{id}",
    params(("id" = String, Path, description = "the scheme's id")),
    responses(
        (status = 200, description = "TOML", body = String, content_type = "application/toml"),
        (status = "4XX", body = Error, description = "no scheme has this id"),
    )
)]
pub(super) async fn scheme(
    State(application): State<Arc<Application>>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let text = application.scheme(&id)?.text.clone();
    Ok(([(header::CONTENT_TYPE, "application/toml")], text).into_response())
}

/// Get the public snapshot, as `praman snapshot` writes it. The status is 304 if the client already has it.
#[utoipa::path(
    get,
    path = "/v1/snapshot",
    params(("If-None-Match" = Option<String>, Header, description = "the ETag of the client's snapshot")),
    responses(
        (status = 200, description = "the snapshot, with its ETag", body = Object),
        (status = 304, description = "the client already has this snapshot"),
    )
)]
pub(super) async fn snapshot(
    State(application): State<Arc<Application>>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let cached = application.snapshot().await?;
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|k| k == cached.tag.as_str());
    let headers = [(header::ETAG, cached.tag), (header::CACHE_CONTROL, "public, no-cache".into())];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, [(header::CONTENT_TYPE, "application/json")], cached.body).into_response())
}

/// Which snapshot the client has.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// The root of the client's snapshot, decimal.
    #[param(value_type = String)]
    since: StateRoot,
}

/// Get the changes since a snapshot, for `praman snapshot --update`.
#[utoipa::path(
    get,
    path = "/v1/snapshot/changes",
    params(Since),
    responses(
        (status = 200, description = "the offices and leaves that changed", body = Object),
        (status = "4XX", body = Error, description = "the root is malformed or not known: get the whole snapshot"),
    )
)]
pub(super) async fn snapshot_changes(
    State(application): State<Arc<Application>>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Json<SnapshotChanges>, Fault> {
    let Query(Since { since }) =
        since.map_err(|_| Fault::malformed("since must be the root of a snapshot, decimal"))?;
    Ok(Json(application.snapshot_changes(since).await?))
}

/// Get a part of an office's tree: 512 places, and the path from them to the office's root.
#[utoipa::path(
    get,
    path = "/v1/snapshot/{office}/{number}",
    params(
        ("office" = u32, Path, description = "the office's number"),
        ("number" = u32, Path, description = "which 512 places: a credential's place divided by 512"),
    ),
    responses(
        (status = 200, description = "the part", body = Object),
        (status = "4XX", body = Error, description = "no such part"),
    )
)]
pub(super) async fn subtree(
    State(application): State<Arc<Application>>,
    place: Result<Path<(u32, u32)>, PathRejection>,
) -> Result<Json<Subtree>, Fault> {
    let Path((office, number)) =
        place.map_err(|_| Fault::malformed("office and number must be whole numbers"))?;
    Ok(Json(application.subtree(office, number).await?))
}

/// Get how many nullifiers are spent in a scope's period. A wallet asks for those that begin with so few hexadecimal
/// digits of its own that there are many.
#[utoipa::path(
    get,
    path = "/v1/nullifiers/{scope}/{period}",
    params(
        ("scope" = String, Path, description = "the scope of a scheme or of its group, decimal"),
        ("period" = u32, Path, description = "the period's number in claims"),
    ),
    responses(
        (status = 200, description = "the count", body = Object),
        (status = "4XX", body = Error, description = "scope or period is malformed"),
    )
)]
pub(super) async fn spent_count(
    State(application): State<Arc<Application>>,
    place: Result<Path<(String, u32)>, PathRejection>,
) -> Result<Json<SpentCount>, Fault> {
    let Path((scope, period)) = place.map_err(|_| malformed_period())?;
    Ok(Json(application.spent_count(scope_of(&scope)?, Period(period)).await?))
}

/// Get the nullifiers that are spent in a scope's period and begin with some hexadecimal digits. A wallet looks among
/// them for its own before it claims, so that nobody learns of a claim that would be refused.
#[utoipa::path(
    get,
    path = "/v1/nullifiers/{scope}/{period}/{prefix}",
    params(
        ("scope" = String, Path, description = "the scope of a scheme or of its group, decimal"),
        ("period" = u32, Path, description = "the period's number in claims"),
        ("prefix" = String, Path,
            description = "the first one to three hexadecimal digits of the nullifier's 32 bytes, in small letters, or the word all"),
    ),
    responses(
        (status = 200, description = "the nullifiers, decimal", body = Object),
        (status = "4XX", body = Error,
            description = "scope, period or prefix is malformed, or too many nullifiers begin so"),
    )
)]
pub(super) async fn spent_nullifiers(
    State(application): State<Arc<Application>>,
    place: Result<Path<(String, u32, String)>, PathRejection>,
) -> Result<Json<SpentNullifiers>, Fault> {
    let Path((scope, period, prefix)) = place.map_err(|_| malformed_period())?;
    let prefix = prefix.parse().map_err(|error| Fault::malformed(format!("{error}")))?;
    Ok(Json(application.spent_nullifiers(scope_of(&scope)?, Period(period), prefix).await?))
}

fn malformed_period() -> Fault {
    Fault::malformed("the period must be a whole number")
}

fn scope_of(text: &str) -> Result<Scope, Fault> {
    text.parse().map_err(|error| Fault::malformed(format!("scope: {error}")))
}

/// Public inputs and a proof, in snarkjs' formats.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofToCheck {
    #[schema(value_type = Vec<String>)]
    public: Value,
    #[schema(value_type = Object)]
    proof: Value,
}

/// Whether a proof is valid.
#[derive(Serialize, ToSchema)]
pub(super) struct Verdict {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Check a proof with the service's key.
#[utoipa::path(
    post,
    path = "/v1/verify",
    request_body = ProofToCheck,
    responses((status = 200, body = Verdict), (status = "4XX", body = Error, description = "the request is malformed"))
)]
pub(super) async fn verify(
    State(application): State<Arc<Application>>,
    body: Bytes,
) -> Result<Json<Verdict>, Fault> {
    let asked: ProofToCheck = serde_json::from_slice(&body)
        .map_err(|error| Fault::malformed(praman_files::json_fault(&error)))?;
    let read = public_from_json(&asked.public.to_string())
        .and_then(|public| Ok((public, Proof::from_json(&asked.proof.to_string())?)));
    let verdict = match read {
        Ok((public, proof)) => application.verify(&public, &proof).await,
        Err(error) => Err(error.to_string()),
    };
    Ok(Json(Verdict { valid: verdict.is_ok(), reason: verdict.err() }))
}

/// Check whether the service can do its work.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "the service is ready", body = String),
        (status = 503, description = "the store does not answer, or claims can't be settled", body = Error),
    )
)]
pub(super) async fn ready(
    State(application): State<Arc<Application>>,
) -> Result<&'static str, Fault> {
    application.ready().await.map(|()| "ready\n")
}
