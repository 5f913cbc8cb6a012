//! Claims over HTTP.

use std::sync::Arc;

use axum::extract::rejection::StringRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::StreamExt;
use praman_claims::{ClaimId, ClaimReceipt, Origin};
use praman_grievance::Advice;
use praman_holder::claim::SubmittedClaim;
use praman_language::Language;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{self, Error, Wait, WaitQuery, patience};
use crate::application::{Application, Fault};
use crate::server::TooSlow;

/// The receipt of a claim.
#[derive(Serialize, ToSchema)]
pub(super) struct Receipt {
    /// Its digest: 64 hexadecimal digits.
    id: String,
    /// Its nullifier, decimal.
    nullifier: String,
    /// received, verified, submitted, accepted, refused, ordered, paid or returned.
    state: &'static str,
    /// Why it was refused or returned: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The reason as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    /// Advice for the person who claimed: a code, why, what to bring, and by when to appeal.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Advice>,
    /// The block that accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u64>,
    /// When it was stored, in milliseconds since 1970.
    received_at: u64,
}

/// Returns the language of a request, else English.
fn language_of(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.and_then(Language::accepted).unwrap_or(Language::English)
}

impl Receipt {
    fn of(receipt: ClaimReceipt, language: Language) -> Self {
        Self {
            refusal: receipt.advice(language),
            id: receipt.id.to_string(),
            nullifier: receipt.nullifier.to_string(),
            state: receipt.state.name(),
            reason: receipt.reason.map(|reason| reason.name()),
            message: receipt.reason.map(|reason| reason.sentence()),
            block: receipt.block,
            received_at: receipt.received_at,
        }
    }
}

/// Submit a claim, as `praman prove` writes it.
#[utoipa::path(
    post,
    path = "/v1/claims",
    params(
        Wait,
        ("Idempotency-Key" = Option<String>, Header, description = "the client's own name for the claim"),
        ("Praman-District" = Option<String>, Header,
            description = "the district where the claim is submitted; it is counted, and not stored with the claim"),
        ("Accept-Language" = Option<String>, Header, description = "the language of a refusal: bn, hi or en"),
    ),
    request_body(content = String, description = "claim.json", content_type = "application/json"),
    responses(
        (status = 200, description = "the claim is decided", body = Receipt),
        (status = 202, description = "the claim is stored, and not decided yet", body = Receipt),
        (status = "4XX", description = "the claim is not stored", body = Error),
        (status = "5XX", description = "send the same claim again", body = Error),
    )
)]
pub(super) async fn submit(
    State(application): State<Arc<Application>>,
    Extension(origin): Extension<Origin>,
    wait: WaitQuery,
    headers: HeaderMap,
    body: Result<String, StringRejection>,
) -> Result<Response, Fault> {
    let patience = patience(wait)?;
    application.require_room_for_claim(origin)?;
    let text = read_body(body, &application)?;
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let claim = SubmittedClaim::from_json(&text)?;
    let (client_key, district) = (header("idempotency-key"), header("praman-district"));
    let receipt = application.submit((claim, origin), client_key, district, patience).await?;
    let place = [(header::LOCATION, format!("/v1/claims/{}", receipt.id))];
    let status = if receipt.state.is_decided() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, place, Json(Receipt::of(receipt, language_of(&headers)))).into_response())
}

/// Get the receipt of a claim.
#[utoipa::path(
    get,
    path = "/v1/claims/{id}",
    params(("id" = String, Path, description = "the receipt's id"), Wait),
    responses(
        (status = 200, body = Receipt),
        (status = "4XX", description = "the id is malformed, or no claim has it", body = Error),
    )
)]
pub(super) async fn status(
    State(application): State<Arc<Application>>,
    Path(id): Path<String>,
    wait: WaitQuery,
    headers: HeaderMap,
) -> Result<Json<Receipt>, Fault> {
    let patience = patience(wait)?;
    let receipt = application.claim(read_id(&id)?, patience).await?;
    Ok(Json(Receipt::of(receipt, language_of(&headers))))
}

/// Watch a claim: its receipt at each change, until it is decided.
#[utoipa::path(
    get,
    path = "/v1/claims/{id}/events",
    params(("id" = String, Path, description = "the receipt's id")),
    responses(
        (status = 200, description = "a stream of receipts", body = Receipt, content_type = "text/event-stream"),
        (status = "4XX", description = "the id is malformed, or too many clients are watching", body = Error),
    )
)]
pub(super) async fn events(
    State(application): State<Arc<Application>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Fault> {
    let told = application.watch_claim(read_id(&id)?)?;
    let language = language_of(&headers);
    Ok(answer::events(told.map(move |told| told.map(|told| Receipt::of(told, language)))))
}

fn read_id(text: &str) -> Result<ClaimId, Fault> {
    text.parse().map_err(|error| Fault::malformed(format!("{error}")))
}

/// Returns whether a body arrived too slowly.
fn is_too_slow(error: &StringRejection) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns a body's text.
pub(super) fn read_body(
    body: Result<String, StringRejection>,
    application: &Application,
) -> Result<String, Fault> {
    body.map_err(|error| match error {
        StringRejection::InvalidUtf8(_) => Fault::malformed("the body is not UTF-8"),
        error if is_too_slow(&error) => Fault::timed_out(),
        _ => {
            let most = application.limits().body_bytes_max;
            Fault::malformed(format!("a body must have at most {most} bytes"))
        }
    })
}
