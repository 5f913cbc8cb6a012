//! The service over HTTP and JSON.
//!
//! | | |
//! |---|---|
//! | `POST /v1/claims` | hand in a claim, as `praman prove` writes it |
//! | `GET /v1/claims/{id}` | what became of it; `?wait=20` waits until it is decided, or so many seconds |
//! | `GET /v1/claims/{id}/events` | the same at each change, as server-sent events |
//! | `GET /v1/proofs/key` | the key that requests for proofs are sealed to |
//! | `POST /v1/proofs` | ask for a proof, as `praman worker seal` writes it |
//! | `GET /v1/proofs/{id}` | what became of it, with the claim to hand in |
//! | `GET /v1/proofs/{id}/events` | the same at each change |
//! | `GET /v1/schemes`, `GET /v1/schemes/{id}` | what can be claimed; the rules as they are compiled |
//! | `GET /v1/snapshot` | the public snapshot, all of it, so that no one learns whose path is taken |
//! | `GET /v1/snapshot/changes?since=ROOT` | what has changed since a snapshot of this root |
//! | `GET /v1/snapshot/{office}/{number}` | a part of an office's tree, of 512 places |
//! | `POST /v1/verify` | whether a proof holds |
//! | `GET /v1/ceremonies/{name}`, `GET /v1/ceremonies/{name}/file` | a ceremony of keys; its newest file |
//! | `POST /v1/ceremonies/{name}/turns` | take a turn to contribute, or see how one's own stands |
//! | `POST /v1/ceremonies/{name}/contributions` | bring the newest file back with a contribution |
//! | `POST /v1/ceremonies/{name}/attestations` | bring what one signed of it |
//! | `GET /ceremony` | a page that does all of this in a browser; with a coordinator |
//! | `POST /v1/offices/{office}/registers` | upload a register, CSV, for an office whose token is shown |
//! | `GET /v1/offices/{office}/registers` | the office's registers |
//! | `GET /v1/offices/{office}/registers/{id}` | what became of one; also `/events` |
//! | `GET /v1/offices/{office}/registers/{id}/credentials` | what was issued to it; also `/wallets`, `/report` |
//! | `DELETE /v1/offices/{office}/registers/{id}` | forget it |
//! | `POST /v1/offices/{office}/revocations` | revoke credentials |
//! | `POST /v1/accesses` | ask a provider's gate to release a record, as `praman consent prove` writes it |
//! | `POST /v1/consents/requests` | ask a patient for consent, by the national standard's document |
//! | `GET /v1/providers` | providers of health care |
//! | `GET /v1/providers/{provider}/records` | the leaves of its records, to prove against |
//! | `GET /v1/providers/{provider}/consents` | the leaves of the consents that the manager keeps there |
//! | `GET /v1/providers/{provider}/accesses?from=BLOCK` | the accesses that it gave; they name no person |
//! | `GET`, `POST /v1/erasures/{consent}` | an order to erase; a requester's word that it did |
//! | `GET /v1/identity` | which user one's credential belongs to |
//! | `GET /v1/usage?month=2026-11` | what a tenant used, and what it costs |
//! | `GET`, `POST /v1/principals`, `DELETE /v1/principals/{number}` | users |
//! | `GET /v1/approvals`, `POST /v1/approvals/{number}` | approval requests |
//! | `GET /v1/audit?from=NUMBER` | the audit log |
//! | `GET`, `POST /v1/cases` | cases of people who were refused; also `/{number}/answer`, `/decision` |
//! | `POST /v1/cases/{number}/slip`, `/appeal` | how a case stands and its appeal, by the person's slip |
//! | `GET /v1/cases/figures` | how many were kept out |
//! | `GET /v1/openapi.json` | all of this, for programs |
//! | `GET /healthz`, `GET /readyz` | whether the program runs; whether it can do its work |
//!
//! An error is `{"error": {"code": …, "message": …}}`. The content of a request is never logged.

mod access;
mod answer;
mod cases;
mod ceremonies;
mod ceremony_page;
mod claims;
mod consents;
mod issuing;
mod proofs;
mod public;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router};
use praman_language::sentence::Sentence;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::application::{Application, Fault};

#[derive(OpenApi)]
#[openapi(modifiers(&Credential), info(
    title = "praman",
    description = "Benefits paid on a proof instead of on a file. Every error is of the schema Error; \
                   429 and 503 carry Retry-After.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
struct Described;

/// The credential in `Authorization: Bearer …`: an API key, an OpenID issuer's token, or an office's own access
/// token. A client's certificate does as well, if the service has TLS.
struct Credential;

impl Modify for Credential {
    fn modify(&self, described: &mut utoipa::openapi::OpenApi) {
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        described.components.get_or_insert_default().add_security_scheme("credential", token);
    }
}

fn described_routes() -> OpenApiRouter<Arc<Application>> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(claims::submit))
        .routes(routes!(claims::status))
        .routes(routes!(claims::events))
        .routes(routes!(proofs::key))
        .routes(routes!(proofs::ask))
        .routes(routes!(proofs::status))
        .routes(routes!(proofs::events))
        .routes(routes!(public::schemes))
        .routes(routes!(public::scheme))
        .routes(routes!(public::snapshot))
        .routes(routes!(public::snapshot_changes))
        .routes(routes!(public::subtree))
        .routes(routes!(public::spent_count))
        .routes(routes!(public::spent_nullifiers))
        .routes(routes!(public::verify))
        .routes(routes!(ceremonies::status))
        .routes(routes!(ceremonies::file))
        .routes(routes!(ceremonies::take_turn))
        .routes(routes!(ceremonies::contribute))
        .routes(routes!(ceremonies::attest))
        .routes(routes!(issuing::upload, issuing::list))
        .routes(routes!(issuing::status, issuing::forget))
        .routes(routes!(issuing::events))
        .routes(routes!(issuing::content))
        .routes(routes!(issuing::revoke))
        .routes(routes!(consents::release))
        .routes(routes!(consents::withdraw))
        .routes(routes!(consents::ask))
        .routes(routes!(consents::providers))
        .routes(routes!(consents::records))
        .routes(routes!(consents::consents))
        .routes(routes!(consents::accesses))
        .routes(routes!(consents::erasure, consents::confirm_erasure))
        .routes(routes!(access::identity))
        .routes(routes!(access::usage))
        .routes(routes!(access::principals, access::admit))
        .routes(routes!(access::revoke))
        .routes(routes!(access::approvals))
        .routes(routes!(access::decide))
        .routes(routes!(access::audit))
        .routes(routes!(cases::open, cases::list))
        .routes(routes!(cases::figures))
        .routes(routes!(cases::answer))
        .routes(routes!(cases::decide))
        .routes(routes!(cases::show))
        .routes(routes!(cases::appeal))
        .routes(routes!(public::ready))
}

/// Returns the description of the service for programs, OpenAPI 3.1, as `service/server/openapi.json` has it.
pub fn openapi() -> String {
    let (_, described) = described_routes().split_for_parts();
    let mut text = described.to_pretty_json().expect("a description is plain data");
    text.push('\n');
    text
}

/// Returns the routes over an application.
pub(crate) fn routes(application: Arc<Application>) -> Router {
    let (routes, described) = described_routes().split_for_parts();
    let described = Arc::new(described);
    routes
        .route("/ceremony", get(ceremony_page::page))
        .route("/v1/openapi.json", get(async move || Json(described.as_ref().clone())))
        .layer(DefaultBodyLimit::max(application.limits().body_bytes_max))
        .with_state(application)
        .fallback(async || Fault::not_found(Sentence::of("fault-nothing-here")))
        .method_not_allowed_fallback(async || Fault::wrong_method())
}

#[cfg(test)]
mod tests {
    #[test]
    fn openapi_description_is_the_one_that_is_checked_in() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("PRAMAN_WRITE_OPENAPI").is_some() {
            std::fs::write(path, super::openapi()).expect("written");
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            checked_in == super::openapi(),
            "service/praman/openapi.json is not what the routes say: run this test with \
             PRAMAN_WRITE_OPENAPI=1 and look at what changed"
        );
    }
}
