//! What anyone may know, over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use praman_circuits::office::StateRoot;
use praman_holder::subtree::Subtree;
use praman_ledger::snapshot::SnapshotChanges;
use praman_verifier::{Proof, public_from_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::Error;
use crate::application::{Application, Fault};

/// What can be claimed.
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

/// What can be claimed.
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

/// A scheme's text, from which a wallet compiles what it proves.
#[utoipa::path(
    get,
    path = "/v1/schemes/{id}",
    params(("id" = String, Path, description = "the scheme")),
    responses(
        (status = 200, description = "TOML", body = String, content_type = "application/toml"),
        (status = "4XX", body = Error, description = "no scheme of this id"),
    )
)]
pub(super) async fn scheme(
    State(application): State<Arc<Application>>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let text = application.scheme(&id)?.text.clone();
    Ok(([(header::CONTENT_TYPE, "application/toml")], text).into_response())
}

/// The public snapshot, as `praman snapshot` writes it; 304 to who has it.
#[utoipa::path(
    get,
    path = "/v1/snapshot",
    params(("If-None-Match" = Option<String>, Header, description = "the ETag of the one at hand")),
    responses(
        (status = 200, description = "the snapshot, with its ETag", body = Object),
        (status = 304, description = "it is the one at hand"),
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

/// Which snapshot is at hand.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// The root of the snapshot at hand, decimal.
    #[param(value_type = String)]
    since: StateRoot,
}

/// What has changed since a snapshot, for `praman snapshot --update`.
#[utoipa::path(
    get,
    path = "/v1/snapshot/changes",
    params(Since),
    responses(
        (status = 200, description = "the offices and leaves that have changed", body = Object),
        (status = "4XX", body = Error, description = "no root, or none that is known: take the snapshot"),
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

/// A part of an office's tree, of 512 places, and what leads from it to the office's root.
#[utoipa::path(
    get,
    path = "/v1/snapshot/{office}/{number}",
    params(
        ("office" = u32, Path, description = "the office's number"),
        ("number" = u32, Path, description = "which 512 places: that of a credential divided by 512"),
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

/// Public inputs and a proof in snarkjs' forms.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[schema(value_type = Vec<String>)]
    public: Value,
    #[schema(value_type = Object)]
    proof: Value,
}

/// Whether a proof holds.
#[derive(Serialize, ToSchema)]
pub(super) struct Verdict {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Whether a proof holds under the service's key.
#[utoipa::path(
    post,
    path = "/v1/verify",
    request_body = Asked,
    responses((status = 200, body = Verdict), (status = "4XX", body = Error, description = "malformed"))
)]
pub(super) async fn verify(
    State(application): State<Arc<Application>>,
    body: Bytes,
) -> Result<Json<Verdict>, Fault> {
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|error| Fault::malformed(praman_files::json_fault(&error)))?;
    let read = public_from_json(&asked.public.to_string())
        .and_then(|public| Ok((public, Proof::from_json(&asked.proof.to_string())?)));
    let verdict = match read {
        Ok((public, proof)) => application.verify(&public, &proof).await,
        Err(error) => Err(error.to_string()),
    };
    Ok(Json(Verdict { valid: verdict.is_ok(), reason: verdict.err() }))
}

/// Whether the service can do its work.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "it can", body = String),
        (status = 503, description = "the store does not answer, or claims can't be settled", body = Error),
    )
)]
pub(super) async fn ready(
    State(application): State<Arc<Application>>,
) -> Result<&'static str, Fault> {
    application.ready().await.map(|()| "ready\n")
}
