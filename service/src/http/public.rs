//! What anyone may know: schemes, the snapshot, whether a proof holds, whether the service does.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use praman_verifier::{Proof, public_from_json};
use serde_json::{Value, json};

use super::Api;
use super::fault::Fault;
use crate::calendar;
use crate::error::ServiceError;

/// A snapshot as it was last made.
pub(super) struct CachedSnapshot {
    tag: String,
    body: Bytes,
}

/// `GET /v1/schemes`.
pub(super) async fn schemes(State(api): State<Arc<Api>>) -> Json<Value> {
    let schemes = api.desk.machine().schemes().iter();
    let row = |published: &crate::claims::PublishedScheme| {
        let scheme = &published.scheme;
        json!({ "id": scheme.id, "name": scheme.name, "schema": scheme.schema.name })
    };
    Json(json!({ "schemes": schemes.map(row).collect::<Vec<_>>() }))
}

/// `GET /v1/schemes/{id}`: the scheme's text, from which a wallet compiles what it proves.
pub(super) async fn scheme(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = id.parse().map_err(|error| Fault::malformed(format!("{error}")))?;
    let published = api.desk.machine().schemes().find(&id);
    let published = published.ok_or_else(|| Fault::not_found(format!("no scheme is {id}")))?;
    Ok(([(header::CONTENT_TYPE, "application/toml")], published.text.clone()).into_response())
}

/// `GET /v1/snapshot`: made once for a state and day; 304 to who has it.
pub(super) async fn snapshot(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let store = api.desk.machine().store();
    let today = calendar::today();
    // One at a time makes it; the others wait and take what it made.
    let mut cached = api.snapshot.lock().await;
    let tag = format!("\"{}-{}\"", store.state_root().await?, today.0);
    if cached.as_ref().is_none_or(|cached| cached.tag != tag) {
        let snapshot = store.snapshot(today, None).await?;
        // Its own root: an office may have issued in between.
        let tag = format!("\"{}-{}\"", snapshot.root, today.0);
        let body = serde_json::to_vec(&snapshot)
            .map_err(|error| ServiceError::Ledger(format!("a snapshot: {error}")))?;
        *cached = Some(CachedSnapshot { tag, body: body.into() });
    }
    let (tag, body) = match &*cached {
        Some(cached) => (cached.tag.clone(), cached.body.clone()),
        None => return Err(Fault::unavailable("there is no snapshot yet")),
    };
    drop(cached);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, "public, no-cache".to_owned())];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// `POST /v1/verify`: `{"public": […], "proof": {…}}` in snarkjs' forms.
pub(super) async fn verify(State(api): State<Arc<Api>>, body: Bytes) -> Result<Json<Value>, Fault> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        public: Value,
        proof: Value,
    }
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|error| Fault::malformed(crate::files::json_fault(&error)))?;
    let verdict = public_from_json(&asked.public.to_string())
        .map_err(|error| error.to_string())
        .and_then(|public| {
            let proof = Proof::from_json(&asked.proof.to_string()).map_err(|e| e.to_string())?;
            crate::computation::compute(|| api.key.verify(&public, &proof))
                .map_err(|refusal| refusal.to_string())
        });
    Ok(Json(match verdict {
        Ok(()) => json!({ "valid": true }),
        Err(reason) => json!({ "valid": false, "reason": reason }),
    }))
}

/// `GET /readyz`: 503 while the store does not answer or claims can't be settled.
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<&'static str, Fault> {
    if let Some(reason) = api.desk.hindrance() {
        return Err(Fault::unavailable(format!("claims wait to be settled: {reason}")));
    }
    let asked: Result<(i64,), _> =
        sqlx::query_as("SELECT 1").fetch_one(api.desk.machine().store().pool()).await;
    match asked {
        Ok(_) => Ok("ready\n"),
        Err(error) => Err(ServiceError::from(error).into()),
    }
}
