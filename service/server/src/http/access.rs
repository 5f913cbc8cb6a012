//! Who may do what, over HTTP: identities, principals, approvals, usage, the audit log.

use std::sync::Arc;

use axum::extract::rejection::{QueryRejection, StringRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use praman_access::{
    Admission, Approval, Caller, Credential, Decision, NewPrincipal, Principal, PrincipalNumber,
    Usage, days_from_now,
};
use praman_audit::AuditEntry;
use praman_consent::document;
use praman_language::calendar;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Error;
use super::claims::read_body;
use crate::application::{Application, Fault};

/// The caller's identity.
#[derive(Serialize, ToSchema)]
pub(super) struct Identity {
    /// The principal's number; absent for an office's own token.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<u32>,
    name: String,
    /// The caller's role.
    role: &'static str,
    /// The tenant that the user acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// The office's or participant's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<u32>,
}

/// The caller's identity.
#[utoipa::path(
    get,
    path = "/v1/identity",
    security(("credential" = [])),
    responses((status = 200, body = Identity), (status = "4XX", body = Error))
)]
pub(super) async fn identity(Extension(caller): Extension<Caller>) -> Json<Identity> {
    Json(Identity {
        principal: caller.principal.map(|principal| principal.0),
        name: caller.name,
        role: caller.role.name(),
        tenant: caller.tenant.map(|tenant| tenant.to_string()),
        member: caller.member,
    })
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageOf {
    /// The month, for example 2026-11; the current month if absent.
    #[serde(default)]
    month: Option<String>,
    /// The tenant; the caller's own if absent. Overseers and auditors may name another.
    #[serde(default)]
    tenant: Option<String>,
}

/// Get a tenant's usage in a month, and its cost.
#[utoipa::path(
    get,
    path = "/v1/usage",
    params(UsageOf),
    security(("credential" = [])),
    responses((status = 200, body = Usage), (status = "4XX", body = Error))
)]
pub(super) async fn usage(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    asked: Result<Query<UsageOf>, QueryRejection>,
) -> Result<Json<Usage>, Fault> {
    let Query(asked) =
        asked.map_err(|_| Fault::malformed("unknown parameter: give only month and tenant"))?;
    let month = match asked.month {
        None => calendar::date_of(calendar::today()),
        Some(text) => calendar::read_month(&text),
    };
    let month = month.ok_or_else(|| Fault::malformed("write month as 2026-11"))?;
    let read = |name: String| name.parse().map_err(|reason: String| Fault::malformed(reason));
    let tenant = asked.tenant.map(read);
    Ok(Json(application.usage(&caller, tenant.transpose()?, month).await?))
}

/// List the users that the caller may see.
#[utoipa::path(
    get,
    path = "/v1/principals",
    security(("credential" = [])),
    responses((status = 200, body = Vec<Object>), (status = "4XX", body = Error))
)]
pub(super) async fn principals(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Principal>>, Fault> {
    Ok(Json(application.principals(&caller).await?))
}

/// A user to add. Send no secret: for an API key, send the digest that `praman access key` prints.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Admit {
    /// The user's name, as people say it.
    name: String,
    /// The role: department, office, kiosk, …
    role: String,
    /// The tenant that the user acts for.
    tenant: String,
    /// The office's or participant's number, for roles that have one.
    #[serde(default)]
    member: Option<u32>,
    /// api-key, certificate or openid.
    credential_kind: String,
    /// 64 hexadecimal digits.
    credential: String,
    /// For how many days; without end if absent.
    #[serde(default)]
    days: Option<u32>,
}

/// Add a user. Where two persons are needed, the second must approve it.
#[utoipa::path(
    post,
    path = "/v1/principals",
    security(("credential" = [])),
    request_body(content = Admit),
    responses(
        (status = 201, description = "the user is added", body = Object),
        (status = 202, description = "a second person must approve it", body = Object),
        (status = "4XX", body = Error),
    )
)]
pub(super) async fn admit(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    body: Result<String, StringRejection>,
) -> Result<(StatusCode, Json<Admission>), Fault> {
    let text = read_body(body, &application)?;
    let asked: Admit =
        document::read(&text).map_err(|fault| Fault::malformed(fault.to_string()))?;
    let wrong = |field: &str, reason: String| Fault::malformed(format!("{field}: {reason}"));
    let new = NewPrincipal {
        name: asked.name,
        role: asked.role.parse().map_err(|reason| wrong("role", reason))?,
        tenant: asked.tenant.parse().map_err(|reason| wrong("tenant", reason))?,
        member: asked.member,
        credential: Credential::parse(&asked.credential_kind, &asked.credential)
            .map_err(|reason| wrong("credential", reason))?,
        expires_at: asked.days.map(days_from_now),
    };
    let admission = application.admit_principal(&caller, &new).await?;
    let status = match admission {
        Admission::Admitted(_) => StatusCode::CREATED,
        Admission::Waits(_) => StatusCode::ACCEPTED,
    };
    Ok((status, Json(admission)))
}

/// Whether the user could act until now.
#[derive(Serialize, ToSchema)]
pub(super) struct Ended {
    ended: bool,
}

/// Remove a user, at once.
#[utoipa::path(
    delete,
    path = "/v1/principals/{number}",
    params(("number" = u32, Path, description = "the user's number")),
    security(("credential" = [])),
    responses((status = 200, body = Ended), (status = "4XX", body = Error))
)]
pub(super) async fn revoke(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Result<Json<Ended>, Fault> {
    let number = number.parse().map_err(|_| Fault::malformed("number must be a whole number"))?;
    let ended = application.revoke_principal(&caller, PrincipalNumber(number)).await?;
    Ok(Json(Ended { ended }))
}

/// List approval requests, pending and decided, newest first.
#[utoipa::path(
    get,
    path = "/v1/approvals",
    security(("credential" = [])),
    responses((status = 200, body = Vec<Object>), (status = "4XX", body = Error))
)]
pub(super) async fn approvals(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Approval>>, Fault> {
    Ok(Json(application.approvals(&caller).await?))
}

/// The second person's decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    /// approve or deny.
    #[schema(value_type = String)]
    decision: Decision,
}

/// Approve or deny an approval request, as the second person.
#[utoipa::path(
    post,
    path = "/v1/approvals/{number}",
    params(("number" = u32, Path, description = "the approval request's number")),
    security(("credential" = [])),
    request_body(content = Decided),
    responses(
        (status = 200, body = Object),
        (status = 422, description = "the caller made the request, or may not decide it", body = Error),
        (status = "4XX", body = Error),
    )
)]
pub(super) async fn decide(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    body: Result<String, StringRejection>,
) -> Result<Json<Approval>, Fault> {
    let number = number.parse().map_err(|_| Fault::malformed("number must be a whole number"))?;
    let text = read_body(body, &application)?;
    let Decided { decision } =
        document::read(&text).map_err(|fault| Fault::malformed(fault.to_string()))?;
    Ok(Json(application.decide(&caller, number, decision).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FromEntry {
    /// The number of the first entry.
    #[serde(default)]
    from: u64,
}

/// Read the audit log: 1,000 entries at most, in order. Each reading is an entry too.
#[utoipa::path(
    get,
    path = "/v1/audit",
    params(FromEntry),
    security(("credential" = [])),
    responses((status = 200, body = Vec<Object>), (status = "4XX", body = Error))
)]
pub(super) async fn audit(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    from: Result<Query<FromEntry>, QueryRejection>,
) -> Result<Json<Vec<AuditEntry>>, Fault> {
    let Query(FromEntry { from }) =
        from.map_err(|_| Fault::malformed("from must be the number of an entry"))?;
    Ok(Json(application.audit_entries(&caller, from).await?))
}
