//! Cases of people who were refused, over HTTP.

use std::sync::Arc;

use axum::extract::rejection::StringRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use praman_access::Caller;
use praman_circuits::office::OfficeId;
use praman_consent::document;
use praman_grievance::{
    Advice, Case, CaseOutcome, ExclusionFigures, GrievanceStore, NO_SLIP, NewCase, SlipCode,
};
use praman_language::Language;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Error;
use super::claims::read_body;
use crate::application::{Application, Fault};

/// A grievance to open. It does not say who the person is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    /// The office whose register the grievance is about.
    office: u32,
    /// The scheme.
    scheme: String,
    /// Why the person was refused: a cause's name or code.
    cause: String,
    /// The language of the advice: bn, hi or en.
    #[schema(value_type = String)]
    language: Language,
}

/// A grievance that was just opened.
#[derive(Serialize, ToSchema)]
pub(super) struct Opened {
    #[schema(value_type = Object)]
    case: Case,
    /// The code on the person's slip. It is shown here once, and is not stored.
    slip: String,
    /// The advice for the person.
    told: Advice,
}

fn read<T: serde::de::DeserializeOwned>(
    body: Result<String, StringRejection>,
    application: &Application,
) -> Result<T, Fault> {
    let text = read_body(body, application)?;
    document::read(&text).map_err(|fault| Fault::malformed(fault.to_string()))
}

fn read_number(text: &str) -> Result<u32, Fault> {
    text.parse().map_err(|_| Fault::malformed("a case's number must be a whole number"))
}

/// Open a grievance for a person who was refused.
#[utoipa::path(
    post,
    path = "/v1/cases",
    security(("credential" = [])),
    request_body(content = Open),
    responses((status = 201, body = Opened), (status = "4XX", body = Error))
)]
pub(super) async fn open(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    body: Result<String, StringRejection>,
) -> Result<(StatusCode, Json<Opened>), Fault> {
    let asked: Open = read(body, &application)?;
    let new = NewCase {
        office: OfficeId(asked.office),
        scheme: asked
            .scheme
            .parse()
            .map_err(|error| Fault::malformed(format!("scheme: {error}")))?,
        cause: asked
            .cause
            .parse()
            .map_err(|reason| Fault::malformed(format!("cause: {reason}")))?,
        language: asked.language,
    };
    let opened = application.open_case(&caller, &new).await?;
    let told = opened.case.advice();
    let (case, slip) = (opened.case, opened.slip.printed());
    Ok((StatusCode::CREATED, Json(Opened { case, slip, told })))
}

/// List the grievances that the caller may see, those due next first. 1,000 at most.
#[utoipa::path(
    get,
    path = "/v1/cases",
    security(("credential" = [])),
    responses((status = 200, body = Vec<Object>), (status = "4XX", body = Error))
)]
pub(super) async fn list(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Case>>, Fault> {
    Ok(Json(GrievanceStore(application.store()).cases(&caller, 1_000).await?))
}

/// Count the people left out, by office and cause. Small counts are not shown.
#[utoipa::path(
    get,
    path = "/v1/cases/figures",
    security(("credential" = [])),
    responses((status = 200, body = ExclusionFigures), (status = "4XX", body = Error))
)]
pub(super) async fn figures(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<ExclusionFigures>, Fault> {
    Ok(Json(GrievanceStore(application.store()).exclusion(&caller).await?))
}

/// The outcome of a grievance.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// set-right or stands.
    #[schema(value_type = String)]
    outcome: CaseOutcome,
}

/// Answer a grievance.
#[utoipa::path(
    post,
    path = "/v1/cases/{number}/answer",
    params(("number" = u32, Path, description = "the grievance's number")),
    security(("credential" = [])),
    request_body(content = Answer),
    responses((status = 200, body = Object), (status = "4XX", body = Error))
)]
pub(super) async fn answer(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    body: Result<String, StringRejection>,
) -> Result<Json<Case>, Fault> {
    let Answer { outcome } = read(body, &application)?;
    Ok(Json(application.answer_case(&caller, read_number(&number)?, outcome).await?))
}

/// Decide an appeal. The decision is final.
#[utoipa::path(
    post,
    path = "/v1/cases/{number}/decision",
    params(("number" = u32, Path, description = "the grievance's number")),
    security(("credential" = [])),
    request_body(content = Answer),
    responses((status = 200, body = Object), (status = "4XX", body = Error))
)]
pub(super) async fn decide(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    body: Result<String, StringRejection>,
) -> Result<Json<Case>, Fault> {
    let Answer { outcome } = read(body, &application)?;
    Ok(Json(application.decide_appeal(&caller, read_number(&number)?, outcome).await?))
}

/// The code on a person's slip. It is sent in the body, so that no address contains it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Slip {
    /// The code.
    slip: String,
}

impl Slip {
    fn read(&self) -> Result<SlipCode, Fault> {
        self.slip.parse().map_err(|reason: &str| Fault::malformed(reason))
    }
}

/// Show a grievance to the person who holds its slip.
#[utoipa::path(
    post,
    path = "/v1/cases/{number}/slip",
    params(("number" = u32, Path, description = "the grievance's number")),
    request_body(content = Slip),
    responses((status = 200, body = Object), (status = "4XX", body = Error))
)]
pub(super) async fn show(
    State(application): State<Arc<Application>>,
    Path(number): Path<String>,
    body: Result<String, StringRejection>,
) -> Result<Json<Case>, Fault> {
    let slip: Slip = read(body, &application)?;
    let found = GrievanceStore(application.store())
        .case_of_slip(read_number(&number)?, &slip.read()?)
        .await?;
    let none = || Fault::not_found(NO_SLIP);
    Ok(Json(found.ok_or_else(none)?))
}

/// Appeal against the answer to a grievance, with its slip.
#[utoipa::path(
    post,
    path = "/v1/cases/{number}/appeal",
    params(("number" = u32, Path, description = "the grievance's number")),
    request_body(content = Slip),
    responses((status = 200, body = Object), (status = "4XX", body = Error))
)]
pub(super) async fn appeal(
    State(application): State<Arc<Application>>,
    Path(number): Path<String>,
    body: Result<String, StringRejection>,
) -> Result<Json<Case>, Fault> {
    let slip: Slip = read(body, &application)?;
    Ok(Json(
        GrievanceStore(application.store())
            .appeal_case(read_number(&number)?, &slip.read()?)
            .await?,
    ))
}
