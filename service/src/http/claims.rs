//! Claims over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{QueryRejection, StringRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Api;
use super::fault::Fault;
use crate::claim::SubmittedClaim;
use crate::claims::{ClaimId, ClaimReceipt, ClientKey};

/// What a client calls its claim, at most.
const KEY_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// Seconds to wait until the claim is decided.
    #[serde(default)]
    wait: u64,
}

type WaitQuery = Result<Query<Wait>, QueryRejection>;

impl Api {
    fn patience(&self, wait: WaitQuery) -> Result<Duration, Fault> {
        let Query(Wait { wait }) =
            wait.map_err(|_| Fault::malformed("wait is a number of seconds"))?;
        Ok(Duration::from_secs(wait).min(self.limits.wait_max))
    }

    async fn decided(&self, id: ClaimId, patience: Duration) -> Result<ClaimReceipt, Fault> {
        let is_old = |receipt: &ClaimReceipt| !receipt.state.is_decided();
        let receipt = self.desk.changed(id, is_old, patience).await?;
        receipt.ok_or_else(|| Fault::not_found("there is no such claim"))
    }
}

/// `POST /v1/claims`: 200 where it is decided already, else 202.
pub(super) async fn submit(
    State(api): State<Arc<Api>>,
    wait: WaitQuery,
    headers: HeaderMap,
    body: Result<String, StringRejection>,
) -> Result<Response, Fault> {
    let patience = api.patience(wait)?;
    let text = body.map_err(|error| match error {
        StringRejection::InvalidUtf8(_) => Fault::malformed("the body is not UTF-8"),
        _ => Fault::malformed(format!("a claim has at most {} bytes", api.limits.body_bytes_max)),
    })?;
    let client_key = client_key(&headers)?;
    let claim = SubmittedClaim::from_json(&text)?;
    let kept = api.desk.submit(claim, client_key).await?;
    let receipt = if kept.state.is_decided() || patience.is_zero() {
        kept
    } else {
        api.decided(kept.id, patience).await?
    };
    let place = [(header::LOCATION, format!("/v1/claims/{}", receipt.id))];
    let status = if receipt.state.is_decided() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, place, answer(&receipt)).into_response())
}

/// `GET /v1/claims/{id}`.
pub(super) async fn status(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    wait: WaitQuery,
) -> Result<Json<serde_json::Value>, Fault> {
    let patience = api.patience(wait)?;
    let id: ClaimId = id.parse().map_err(|error| Fault::malformed(format!("{error}")))?;
    Ok(answer(&api.decided(id, patience).await?))
}

/// A receipt, with its reason in words.
fn answer(receipt: &ClaimReceipt) -> Json<serde_json::Value> {
    let mut json = serde_json::to_value(receipt).expect("a receipt is plain data");
    if let Some(reason) = receipt.reason {
        json["message"] = reason.sentence().into();
    }
    Json(json)
}

/// The `Idempotency-Key` header. Clients are not told apart yet: a key is best a random number.
fn client_key(headers: &HeaderMap) -> Result<Option<ClientKey>, Fault> {
    let Some(name) = headers.get("idempotency-key") else { return Ok(None) };
    match name.to_str() {
        Ok(name) if (1..=KEY_BYTES_MAX).contains(&name.len()) => {
            Ok(Some(ClientKey { client: String::new(), name: name.to_owned() }))
        }
        _ => Err(Fault::malformed(format!(
            "Idempotency-Key has 1 to {KEY_BYTES_MAX} printable ASCII characters"
        ))),
    }
}
