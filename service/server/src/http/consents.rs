//! Consents and the release gate over HTTP.

use std::sync::Arc;

use axum::extract::rejection::{QueryRejection, StringRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use praman_access::Caller;
use praman_consent::access::{AccessRequest, TreeLeaves};
use praman_consent::gateway::GatewayHeaders;
use praman_consent::{self as consent, ErasureOrder, Withdrawal, mode_code, write_time};
use praman_ledger::ProviderId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Error;
use super::claims::read_body;
use crate::application::{Application, Fault};

/// A record's release.
#[derive(Serialize, ToSchema)]
pub(super) struct Released {
    /// The commitment of the record to release, decimal.
    record: String,
    /// The number of the requester who gets the record.
    requester: u32,
    /// What the requester may do with it: VIEW, STORE, QUERY or STREAM.
    access_mode: &'static str,
    /// The block that recorded the access.
    block: u64,
    /// Whether the same request was released before. If so, this is the same access.
    repeated: bool,
}

/// Ask a provider's gate to release a record. `praman consent prove` writes the request.
#[utoipa::path(
    post,
    path = "/v1/accesses",
    security(("credential" = [])),
    request_body(content = String, description = "access.json", content_type = "application/json"),
    responses(
        (status = 200, description = "the provider may release the record", body = Released),
        (status = 422, description = "the provider must not release it: the code says why", body = Error),
        (status = "4XX", description = "the request is not accepted", body = Error),
        (status = "5XX", description = "send the same request again", body = Error),
    )
)]
pub(super) async fn release(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    body: Result<String, StringRejection>,
) -> Result<Json<Released>, Fault> {
    let text = read_body(body, &application)?;
    let request =
        AccessRequest::from_json(&text).map_err(|fault| Fault::malformed(fault.to_string()))?;
    let release = application.release(&caller, request).await?;
    Ok(Json(Released {
        record: release.record.to_string(),
        requester: release.requester.0,
        access_mode: mode_code(release.mode),
        block: release.block,
        repeated: release.repeated,
    }))
}

/// What became of a withdrawal.
#[derive(Serialize, ToSchema)]
pub(super) struct Withdrawn {
    /// How many accesses it has ended. Those that were given or ended before are not counted.
    ended: usize,
}

/// End accesses of a consent that are left, without the consent manager. `praman consent withdraw-directly` writes
/// the withdrawal; it tells neither whose consent it is nor what it covers.
#[utoipa::path(
    post,
    path = "/v1/withdrawals",
    request_body(content = String, description = "a withdrawal", content_type = "application/json"),
    responses(
        (status = 200, description = "the ledger takes none of these accesses", body = Withdrawn),
        (status = "4XX", description = "not accepted: the message names the field", body = Error),
        (status = "5XX", description = "send the same withdrawal again", body = Error),
    )
)]
pub(super) async fn withdraw(
    State(application): State<Arc<Application>>,
    body: Result<String, StringRejection>,
) -> Result<Json<Withdrawn>, Fault> {
    let text = read_body(body, &application)?;
    let withdrawal =
        Withdrawal::from_json(&text).map_err(|fault| Fault::malformed(fault.to_string()))?;
    Ok(Json(Withdrawn { ended: application.end_accesses(withdrawal).await? }))
}

/// A received request for consent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestedConsent {
    /// The sender's id of the request.
    request_id: String,
    /// REQUESTED, GRANTED, DENIED or EXPIRED.
    state: &'static str,
    /// Whether it was received before.
    repeated: bool,
    /// Types of health information that are not known here: the request does not get these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_hi_types: Vec<String>,
}

/// Ask a patient for consent, with the national standard's document (ABDM).
#[utoipa::path(
    post,
    path = "/v1/consents/requests",
    security(("credential" = [])),
    params(
        ("REQUEST-ID" = Option<String>, Header, description = "the request's id, if it is not in the document"),
        ("TIMESTAMP" = Option<String>, Header, description = "when it was sent, if it is not in the document"),
        ("X-HIU-ID" = Option<String>, Header, description = "the requester; must be that of the document"),
    ),
    request_body(content = String, description = "the standard's consent request",
                 content_type = "application/json"),
    responses(
        (status = 202, description = "the patient is asked", body = RequestedConsent),
        (status = "4XX", description = "not accepted: the message names the field", body = Error),
    )
)]
pub(super) async fn ask(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<String, StringRejection>,
) -> Result<(StatusCode, Json<RequestedConsent>), Fault> {
    let text = read_body(body, &application)?;
    let header = |name: &str| {
        let unreadable = |_| Fault::malformed(format!("the header {name} can't be read"));
        headers
            .get(name)
            .map(|value| value.to_str().map(str::to_owned).map_err(unreadable))
            .transpose()
    };
    let headers = GatewayHeaders {
        request_id: header("request-id")?,
        timestamp: header("timestamp")?,
        requester: header("x-hiu-id")?,
    };
    let received = application.ask_for_consent(&caller, &text, &headers).await?;
    let asked = RequestedConsent {
        request_id: received.id,
        state: received.state.name(),
        repeated: received.repeated,
        unknown_hi_types: received.unknown_types,
    };
    Ok((StatusCode::ACCEPTED, Json(asked)))
}

/// A health-care provider.
#[derive(Serialize, ToSchema)]
pub(super) struct Provider {
    /// Its number on the ledger.
    number: u32,
    /// Its name.
    name: String,
}

/// List the health-care providers.
#[utoipa::path(
    get,
    path = "/v1/providers",
    responses((status = 200, body = Vec<Provider>), (status = "4XX", body = Error))
)]
pub(super) async fn providers(
    State(application): State<Arc<Application>>,
) -> Result<Json<Vec<Provider>>, Fault> {
    let known = application.providers().await?.into_iter();
    Ok(Json(known.map(|known| Provider { number: known.number.0, name: known.name }).collect()))
}

/// Get a provider's records. They come whole, so that nobody learns which patient's path is used.
#[utoipa::path(
    get,
    path = "/v1/providers/{provider}/records",
    params(("provider" = u32, Path, description = "the provider's number")),
    responses((status = 200, body = TreeLeaves), (status = "4XX", body = Error))
)]
pub(super) async fn records(
    State(application): State<Arc<Application>>,
    Path(provider): Path<String>,
) -> Result<Json<TreeLeaves>, Fault> {
    Ok(Json(application.record_leaves(read_provider(&provider)?).await?))
}

/// Get the consents that this service's manager keeps at a provider. They come whole, so that nobody learns which
/// patient's path is used.
#[utoipa::path(
    get,
    path = "/v1/providers/{provider}/consents",
    params(("provider" = u32, Path, description = "the provider's number")),
    responses((status = 200, body = TreeLeaves), (status = "4XX", body = Error))
)]
pub(super) async fn consents(
    State(application): State<Arc<Application>>,
    Path(provider): Path<String>,
) -> Result<Json<TreeLeaves>, Fault> {
    Ok(Json(application.consent_leaves(read_provider(&provider)?).await?))
}

fn read_provider(text: &str) -> Result<ProviderId, Fault> {
    let number = text.parse().map_err(|_| Fault::malformed("provider must be a whole number"))?;
    Ok(ProviderId(number))
}

/// An access that a gate allowed. It names no person.
#[derive(Serialize, ToSchema)]
pub(super) struct Access {
    /// Its nullifier, decimal.
    nullifier: String,
    /// The requester's number.
    requester: u32,
    /// The minute that its proof is for, in minutes since 1900-01-01.
    as_of: u32,
    /// A digest that identifies the request, its public inputs and its proof: 64 hexadecimal digits.
    digest: String,
    /// The block that recorded it.
    block: u64,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FromBlock {
    /// The number of the first block.
    #[serde(default)]
    from: u64,
}

/// List the accesses that a provider's gate allowed, in the ledger's order. 10,000 at most.
#[utoipa::path(
    get,
    path = "/v1/providers/{provider}/accesses",
    params(("provider" = u32, Path, description = "the provider's number"), FromBlock),
    responses((status = 200, body = Vec<Access>), (status = "4XX", body = Error))
)]
pub(super) async fn accesses(
    State(application): State<Arc<Application>>,
    Path(provider): Path<String>,
    from: Result<Query<FromBlock>, QueryRejection>,
) -> Result<Json<Vec<Access>>, Fault> {
    let Query(FromBlock { from }) =
        from.map_err(|_| Fault::malformed("from must be the number of a block"))?;
    let trail = application.trail(read_provider(&provider)?, from).await?.into_iter();
    let access = trail.map(|entry| Access {
        nullifier: entry.nullifier.to_string(),
        requester: entry.requester.0,
        as_of: entry.as_of.0,
        digest: hex::encode(entry.digest),
        block: entry.block,
    });
    Ok(Json(access.collect()))
}

/// An order to erase the data that a requester got by a consent.
#[derive(Serialize, ToSchema)]
pub(super) struct Erasure {
    /// The consent's id.
    consent: String,
    /// The number of the requester who must erase the data.
    requester: u32,
    /// withdrawn or erase-at.
    reason: String,
    /// When it was ordered.
    ordered_at: String,
    /// By when the erasure must be confirmed.
    due_at: String,
    /// When the erasure was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<String>,
}

impl From<ErasureOrder> for Erasure {
    fn from(order: ErasureOrder) -> Self {
        Self {
            consent: order.consent,
            requester: order.requester.0,
            reason: order.reason,
            ordered_at: write_time(order.ordered_at),
            due_at: write_time(order.due_at),
            confirmed_at: order.confirmed_at.map(write_time),
        }
    }
}

/// Get the order to erase the data that a requester got by a consent.
#[utoipa::path(
    get,
    path = "/v1/erasures/{consent}",
    security(("credential" = [])),
    params(("consent" = String, Path, description = "the artefact's consentId")),
    responses((status = 200, body = Erasure), (status = "4XX", body = Error))
)]
pub(super) async fn erasure(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(consent): Path<String>,
) -> Result<Json<Erasure>, Fault> {
    Ok(Json(application.erasure(&caller, &consent).await?.into()))
}

/// A requester's confirmation that it has erased the data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Erased {
    /// The requester's Ed25519 signature of `praman.erased.1:` and the consentId: 128 hexadecimal digits.
    signature: String,
}

/// Confirm that the data that a requester got by a consent is erased.
#[utoipa::path(
    post,
    path = "/v1/erasures/{consent}",
    security(("credential" = [])),
    params(("consent" = String, Path, description = "the artefact's consentId")),
    request_body(content = Erased),
    responses((status = 200, body = Erasure), (status = "4XX", body = Error))
)]
pub(super) async fn confirm_erasure(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(consent): Path<String>,
    body: Result<String, StringRejection>,
) -> Result<Json<Erasure>, Fault> {
    let text = read_body(body, &application)?;
    let Erased { signature } =
        consent::document::read(&text).map_err(|fault| Fault::malformed(fault.to_string()))?;
    let signature = hex::decode(&signature)
        .map_err(|_| Fault::malformed("signature: must have 128 hexadecimal digits"))?;
    Ok(Json(application.confirm_erasure(&caller, &consent, &signature).await?.into()))
}
