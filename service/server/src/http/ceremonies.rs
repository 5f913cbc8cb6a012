//! Ceremonies of keys: turns, files, receipts.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::StreamExt;
use praman_access::Caller;
use praman_ceremony::Attestation;
use praman_coordinator::{
    CeremonyName, CeremonyStatus, CoordinatorError, TakenContribution, TurnState,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::Error;
use crate::application::{Application, Fault};

type NamePath = Result<Path<String>, PathRejection>;

fn read_name(path: NamePath) -> Result<CeremonyName, Fault> {
    let malformed = |reason: String| Fault::malformed(reason);
    let Path(name) = path.map_err(|error| malformed(error.to_string()))?;
    name.parse().map_err(|error: praman_coordinator::MalformedName| malformed(error.to_string()))
}

/// How a ceremony of keys stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Ceremony {
    /// The hash of circuit and phase 1 that every contribution names.
    circuit_hash: String,
    /// How many hands the keys need, and whose: TOML.
    policy: String,
    /// Whether contributions are taken.
    open: bool,
    /// SHA-256 of the newest file.
    newest_sha256: String,
    /// How many wait for their turn.
    waiting: u32,
    /// What was taken, in its order.
    contributions: Vec<KeyContribution>,
}

/// A contribution that was taken.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyContribution {
    /// Its number, from 1.
    number: u32,
    /// Its hash, by which its contributor knows it again.
    hash: String,
    /// What the coordinator signed.
    receipt: Value,
    /// What its contributor signed, if they brought it.
    attestation: Option<Value>,
}

impl From<CeremonyStatus> for Ceremony {
    fn from(status: CeremonyStatus) -> Self {
        let CeremonyStatus { circuit_hash, policy, is_open, newest_sha256, waiting, contributions } =
            status;
        let shown = |TakenContribution { number, hash, receipt, attestation }| KeyContribution {
            number,
            hash,
            receipt: serde_json::json!(receipt),
            attestation: attestation.map(|attestation| serde_json::json!(attestation)),
        };
        Self {
            circuit_hash,
            policy,
            open: is_open,
            newest_sha256,
            waiting,
            contributions: contributions.into_iter().map(shown).collect(),
        }
    }
}

/// A contributor's turn.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyTurn {
    /// Whether it is their turn: fetch the newest file, contribute, and bring it back.
    holding: bool,
    /// How many come before.
    before: u32,
    /// When the turn ends, in seconds since 1970.
    ends_at: Option<i64>,
}

/// Get the state of a ceremony of keys, with all contributions and receipts.
#[utoipa::path(
    get,
    path = "/v1/ceremonies/{name}",
    params(("name" = String, Path, description = "the ceremony's name")),
    responses((status = 200, body = Ceremony), (status = "4XX", body = Error, description = "no such ceremony"))
)]
pub(super) async fn status(
    State(application): State<Arc<Application>>,
    name: NamePath,
) -> Result<Json<Ceremony>, Fault> {
    Ok(Json(application.ceremony(&read_name(name)?).await?.into()))
}

/// Get the newest file of a ceremony, a .zkey.
#[utoipa::path(
    get,
    path = "/v1/ceremonies/{name}/file",
    params(("name" = String, Path, description = "the ceremony's name")),
    responses(
        (status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = "4XX", body = Error, description = "no such ceremony"),
    )
)]
pub(super) async fn file(
    State(application): State<Arc<Application>>,
    name: NamePath,
) -> Result<Response, Fault> {
    let (length, parts) = application.ceremony_file(read_name(name)?).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Take a turn to contribute, or see how yours stands. Contributors have the turn in the order that they asked, each for
/// a limited time.
#[utoipa::path(
    post,
    path = "/v1/ceremonies/{name}/turns",
    params(("name" = String, Path, description = "the ceremony's name")),
    security(("credential" = [])),
    responses(
        (status = 200, body = KeyTurn),
        (status = "4XX", body = Error, description = "closed, or you have contributed"),
    )
)]
pub(super) async fn take_turn(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    name: NamePath,
) -> Result<Json<KeyTurn>, Fault> {
    let turn = application.take_turn(&caller, &read_name(name)?).await?;
    let holding = turn.state == TurnState::Holding;
    Ok(Json(KeyTurn { holding, before: turn.before, ends_at: turn.ends_at }))
}

/// Bring the newest file back with your contribution. The answer is the coordinator's signed receipt; the same file once
/// more gets the same receipt.
#[utoipa::path(
    post,
    path = "/v1/ceremonies/{name}/contributions",
    params(("name" = String, Path, description = "the ceremony's name")),
    request_body(content = Vec<u8>, description = "the .zkey", content_type = "application/octet-stream"),
    security(("credential" = [])),
    responses(
        (status = 201, description = "the contribution is taken: its receipt", body = Value),
        (status = "4XX", body = Error, description = "it is not; nothing is changed"),
        (status = "5XX", body = Error, description = "bring it again"),
    )
)]
pub(super) async fn contribute(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    name: NamePath,
    body: Body,
) -> Result<Response, Fault> {
    let name = read_name(name)?;
    let room = application.room_for_contribution(&caller, &name).await?;
    let (mut file, mut body) = (Vec::with_capacity(room.length), body.into_data_stream());
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|_| Fault::malformed("the body ended too early"))?;
        if file.len() + bytes.len() > room.length {
            return Err(CoordinatorError::TooLong(room.length).into());
        }
        file.extend_from_slice(&bytes);
    }
    let receipt = application.contribute_to_keys(&caller, &name, file).await?;
    Ok((StatusCode::CREATED, Json(receipt)).into_response())
}

/// Bring what you signed of your contribution: `praman ceremony contribute` writes it beside the file.
#[utoipa::path(
    post,
    path = "/v1/ceremonies/{name}/attestations",
    params(("name" = String, Path, description = "the ceremony's name")),
    request_body(content = Value, description = "the attestation", content_type = "application/json"),
    security(("credential" = [])),
    responses(
        (status = 204, description = "it is kept"),
        (status = "4XX", body = Error, description = "it is not signed right, or of no contribution of yours"),
    )
)]
pub(super) async fn attest(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    name: NamePath,
    attestation: Result<Json<Attestation>, JsonRejection>,
) -> Result<StatusCode, Fault> {
    let malformed = |_| Fault::malformed("the body must be an attestation, as JSON");
    let Json(attestation) = attestation.map_err(malformed)?;
    application.attest_contribution(&caller, &read_name(name)?, &attestation).await?;
    Ok(StatusCode::NO_CONTENT)
}
