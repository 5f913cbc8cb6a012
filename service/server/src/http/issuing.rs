//! Issuing and revoking over HTTP, for those who act for an office.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::StreamExt;
use praman_access::Caller;
use praman_files::json_fault;
use praman_issuing::{RegisterContent, RegisterId, RegisterUpload};
use praman_register::Counts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{self, Error, Wait, WaitQuery, patience};
use crate::application::{Application, Fault};

/// An uploaded register.
#[derive(Serialize, ToSchema)]
pub(super) struct Register {
    /// 64 hexadecimal digits.
    id: String,
    office: u32,
    /// waiting, issuing, issued or failed.
    state: &'static str,
    /// Why nothing was issued: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What is wrong, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    bytes: u64,
    /// How many bytes were read and checked.
    checked_bytes: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// When it was uploaded, in milliseconds since 1970.
    uploaded_at: u64,
}

/// The result of issuing to a register.
#[derive(Serialize, ToSchema)]
struct Outcome {
    rows: usize,
    accepted: usize,
    rejected: usize,
    duplicates: usize,
    /// Credentials issued.
    issued: usize,
    /// Accepted people who already had a live credential from this office.
    already_issued: usize,
    /// Accepted people with the same register number as an earlier row: they got no credential.
    repeated: usize,
    /// Accepted people whose row has no commitment of their wallet.
    without_subject: usize,
    /// Accepted people who already have a live credential, under another number or from another office.
    enrolled: usize,
    /// Accepted people who may already have one: an officer reviews them first.
    to_review: usize,
    /// Households that got no credential, and people of whom the row says that they have died: the report says why.
    refused: usize,
    /// The office's new root, decimal.
    root: String,
}

impl From<RegisterUpload> for Register {
    fn from(upload: RegisterUpload) -> Self {
        Self {
            id: upload.id.to_string(),
            office: upload.office.0,
            state: upload.state.name(),
            reason: upload.reason.map(|reason| reason.name()),
            message: upload.message,
            bytes: upload.bytes,
            checked_bytes: upload.checked_bytes,
            outcome: upload.outcome.map(|outcome| {
                let Counts { rows, accepted, rejected, duplicates } = outcome.counts;
                Outcome {
                    rows,
                    accepted,
                    rejected,
                    duplicates,
                    issued: outcome.issued,
                    already_issued: outcome.already_issued,
                    repeated: outcome.repeated,
                    without_subject: outcome.without_subject,
                    enrolled: outcome.enrolled,
                    to_review: outcome.to_review,
                    refused: outcome.refused,
                    root: outcome.root.to_string(),
                }
            }),
            uploaded_at: upload.uploaded_at,
        }
    }
}

type OfficePath = Result<Path<u32>, PathRejection>;
type RegisterPath = Result<Path<(u32, String)>, PathRejection>;

fn read_office(path: OfficePath) -> Result<u32, Fault> {
    let Path(office) = path.map_err(|_| Fault::malformed("office must be a whole number"))?;
    Ok(office)
}

fn read_register(path: RegisterPath) -> Result<(u32, RegisterId), Fault> {
    let Path((office, id)) = path.map_err(|_| Fault::malformed("office must be a whole number"))?;
    Ok((office, id.parse().map_err(|error| Fault::malformed(format!("{error}")))?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadOptions {
    /// `made`: the service makes wallets for people whose row has no commitment in the column `subject`. The
    /// wallets are given to them or kept in a kiosk's vault. If absent, these people get no credential.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    secrets: Option<Secrets>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Secrets {
    Made,
}

/// Upload a register as CSV. Credentials are issued to its accepted rows.
#[utoipa::path(
    post,
    path = "/v1/offices/{office}/registers",
    params(("office" = u32, Path, description = "the office's number"), UploadOptions),
    request_body(content = String, description = "the register", content_type = "text/csv"),
    security(("credential" = [])),
    responses(
        (status = 202, description = "the register is stored", body = Register),
        (status = "4XX", description = "the register is not stored", body = Error),
        (status = "5XX", description = "the register is not stored: upload it again", body = Error),
    )
)]
pub(super) async fn upload(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    office: OfficePath,
    options: Result<Query<UploadOptions>, QueryRejection>,
    body: Body,
) -> Result<Response, Fault> {
    let acting = application.acting_office(&caller, read_office(office)?).await?;
    let Query(options) =
        options.map_err(|_| Fault::malformed("secrets must be `made` or absent"))?;
    let mut uploading = acting.upload(options.secrets.is_some()).await?;
    let mut body = body.into_data_stream();
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|_| Fault::malformed("the body ended too early"))?;
        uploading.push(&bytes).await?;
    }
    let upload = uploading.finish().await?;
    let place = format!("/v1/offices/{}/registers/{}", upload.office.0, upload.id);
    let place = [(header::LOCATION, place)];
    Ok((StatusCode::ACCEPTED, place, Json(Register::from(upload))).into_response())
}

/// An office's registers.
#[derive(Serialize, ToSchema)]
pub(super) struct Registers {
    registers: Vec<Register>,
}

/// List an office's registers, newest first.
#[utoipa::path(
    get,
    path = "/v1/offices/{office}/registers",
    params(("office" = u32, Path, description = "the office's number")),
    security(("credential" = [])),
    responses((status = 200, body = Registers), (status = "4XX", body = Error, description = "not for this caller"))
)]
pub(super) async fn list(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    office: OfficePath,
) -> Result<Json<Registers>, Fault> {
    let registers =
        application.acting_office(&caller, read_office(office)?).await?.registers().await?;
    Ok(Json(Registers { registers: registers.into_iter().map(Register::from).collect() }))
}

/// Get the state and result of a register.
#[utoipa::path(
    get,
    path = "/v1/offices/{office}/registers/{id}",
    params(
        ("office" = u32, Path, description = "the office's number"),
        ("id" = String, Path, description = "the register's id"),
        Wait,
    ),
    security(("credential" = [])),
    responses((status = 200, body = Register), (status = "4XX", body = Error, description = "no such register"))
)]
pub(super) async fn status(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    path: RegisterPath,
    wait: WaitQuery,
) -> Result<Json<Register>, Fault> {
    let (office, id) = read_register(path)?;
    let acting = application.acting_office(&caller, office).await?;
    Ok(Json(application.register(&acting, id, patience(wait)?).await?.into()))
}

/// Watch a register: its state whenever more of it is checked, until it is issued or failed.
#[utoipa::path(
    get,
    path = "/v1/offices/{office}/registers/{id}/events",
    params(
        ("office" = u32, Path, description = "the office's number"),
        ("id" = String, Path, description = "the register's id"),
    ),
    security(("credential" = [])),
    responses(
        (status = 200, description = "a stream of registers", body = Register, content_type = "text/event-stream"),
        (status = "4XX", body = Error, description = "no such register, or too many clients are watching"),
    )
)]
pub(super) async fn events(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    path: RegisterPath,
) -> Result<impl IntoResponse, Fault> {
    let (office, id) = read_register(path)?;
    let acting = application.acting_office(&caller, office).await?;
    let told = application.watch_register(acting, id)?;
    Ok(answer::events(told.map(|told| told.map(Register::from))))
}

/// Download a register's `credentials`, the `wallets` that the service made, or the `report`. They are kept for
/// thirty days, or until the register is forgotten.
#[utoipa::path(
    get,
    path = "/v1/offices/{office}/registers/{id}/{content}",
    params(
        ("office" = u32, Path, description = "the office's number"),
        ("id" = String, Path, description = "the register's id"),
        ("content" = String, Path, description = "credentials, wallets or report"),
    ),
    security(("credential" = [])),
    responses(
        (status = 200, description = "one JSON object per line; the report is CSV", body = String,
         content_type = "application/x-ndjson"),
        (status = "4XX", body = Error, description = "no such register, or it does not have this content"),
    )
)]
pub(super) async fn content(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<(u32, String, String)>, PathRejection>,
) -> Result<Response, Fault> {
    let Path((office, id, content)) =
        path.map_err(|_| Fault::malformed("an office's number must be a whole number"))?;
    let id: RegisterId = id.parse().map_err(|error| Fault::malformed(format!("{error}")))?;
    let acting = application.acting_office(&caller, office).await?;
    let content = RegisterContent::of_name(&content)
        .filter(|&content| content != RegisterContent::Register)
        .ok_or_else(|| Fault::not_found("no such content: give credentials, wallets or report"))?;
    let kind = match content {
        RegisterContent::Report => "text/csv; charset=utf-8",
        _ => "application/x-ndjson",
    };
    let parts = acting.content(id, content).await?;
    let parts = parts.map(|part| match part {
        Ok(part) => Ok(Bytes::copy_from_slice(&part)),
        Err(error) => {
            tracing::warn!("{error}");
            // The answer is cut off, and the client sees that.
            Err(std::io::Error::other("the service can't read on"))
        }
    });
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Forget a register and its results. Its credentials stay live.
#[utoipa::path(
    delete,
    path = "/v1/offices/{office}/registers/{id}",
    params(
        ("office" = u32, Path, description = "the office's number"),
        ("id" = String, Path, description = "the register's id"),
    ),
    security(("credential" = [])),
    responses(
        (status = 204, description = "forgotten"),
        (status = "4XX", body = Error, description = "no such register, or it is still being processed"),
    )
)]
pub(super) async fn forget(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    path: RegisterPath,
) -> Result<StatusCode, Fault> {
    let (office, id) = read_register(path)?;
    application.acting_office(&caller, office).await?.forget(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The holders whose credentials are to be revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    /// The holders' register numbers.
    register_nos: Vec<String>,
}

/// The result of a revocation.
#[derive(Serialize, ToSchema)]
pub(super) struct Revoked {
    revoked: usize,
    /// The office's new root, decimal.
    root: String,
}

/// Revoke credentials: the holders' leaves are emptied. From the next checkpoint on, the credentials prove nothing.
#[utoipa::path(
    post,
    path = "/v1/offices/{office}/revocations",
    params(("office" = u32, Path, description = "the office's number")),
    request_body = Revocation,
    security(("credential" = [])),
    responses(
        (status = 200, body = Revoked),
        (status = "4XX", body = Error, description = "no credential was revoked"),
    )
)]
pub(super) async fn revoke(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    office: OfficePath,
    body: Bytes,
) -> Result<Json<Revoked>, Fault> {
    let acting = application.acting_office(&caller, read_office(office)?).await?;
    let revocation: Revocation =
        serde_json::from_slice(&body).map_err(|error| Fault::malformed(json_fault(&error)))?;
    let (revoked, root) = acting.revoke(&revocation.register_nos).await?;
    Ok(Json(Revoked { revoked, root: root.to_string() }))
}
