//! Signing in with the OpenID issuer: to it, and back.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::html;
use praman_access::{AccessRefusal, AccessStore, LoginAnswer, LoginAttempt, OpenIdIssuer};
use praman_language::sentence::Sentence;
use serde::Deserialize;

use super::cookie::DeskCookie;
use super::visitor::Visitor;
use super::{entrance, layout};
use crate::application::{Application, Fault};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    back: String,
}

fn issuer(application: &Application) -> Result<&OpenIdIssuer, Fault> {
    let issuer = application.openid().filter(|issuer| issuer.has_login());
    issuer.ok_or_else(|| Fault::not_found(Sentence::of("fault-no-openid")))
}

/// Sends a browser to the issuer. The browser keeps the attempt's secret, and where it was.
pub(super) async fn begin(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let attempt = LoginAttempt::begin();
    let address = match issuer(&application)?.login_address(&attempt).await {
        Ok(address) => address,
        Err(AccessRefusal::IssuerAway) => return Ok(away(&visitor)),
        Err(refusal) => return Err(refusal.into()),
    };
    let back = hex::encode(entrance::way_back(&asked.back));
    let kept = format!("{}.{back}", *attempt.secret());
    let cookie = DeskCookie::Login.set(&kept, application.desk_is_secure())?;
    Ok(([cookie], Redirect::to(&address)).into_response())
}

/// Handles a browser that comes back.
pub(super) async fn end(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Query(answer): Query<LoginAnswer>,
) -> Result<Response, Fault> {
    let issuer = issuer(&application)?;
    let secure = application.desk_is_secure();
    let ended = DeskCookie::Login.end(secure)?;
    let kept = DeskCookie::Login.read(&headers, secure).and_then(|kept| kept.split_once('.'));
    let attempt = kept.and_then(|(secret, back)| Some((LoginAttempt::parse(secret)?, back)));
    let Some((attempt, back)) = attempt else {
        return Ok(refused(&visitor, "desk-openid-refused", None));
    };
    let came = match issuer.logged_in(&attempt, answer).await {
        Ok(came) => came,
        Err(AccessRefusal::IssuerAway) => return Ok(([ended], away(&visitor)).into_response()),
        Err(AccessRefusal::NotAuthorised) => {
            let page = refused(&visitor, "desk-openid-refused", None);
            return Ok(([ended], page).into_response());
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let Some(caller) = AccessStore(application.store()).caller_of(came.credential).await? else {
        let page = refused(&visitor, "desk-openid-unknown", Some(&came.subject));
        return Ok(([ended], page).into_response());
    };
    let session = entrance::begin_session(&application, &caller, &headers).await?;
    let back = hex::decode(back).ok().and_then(|back| String::from_utf8(back).ok());
    let back = entrance::way_back(&back.unwrap_or_default()).to_owned();
    // Redirected from the issuer, the browser would not yet send a cookie that is only for the desk's own pages:
    // the request must come from one of them.
    let onward = [("refresh", format!("0; url={back}"))];
    let page = layout::page(
        &visitor,
        &visitor.text("desk-enter-title"),
        html! { p { a href=(back) { (visitor.text("desk-go-on")) } } },
    );
    Ok((AppendHeaders([session, ended]), onward, page).into_response())
}

/// Answers when the issuer does not: users can sign in with a key.
fn away(visitor: &Visitor) -> Response {
    let page = entrance::shown(visitor, true, Some(visitor.text("desk-openid-away")));
    let later = [(header::RETRY_AFTER, HeaderValue::from_static("30"))];
    (StatusCode::SERVICE_UNAVAILABLE, later, page).into_response()
}

/// Refuses to sign a person in. A person whom the issuer knows, but who is not a user, sees the subject to be
/// added with.
fn refused(visitor: &Visitor, text: &str, subject: Option<&str>) -> Response {
    let told = match subject {
        Some(subject) => visitor.with(text, "subject", subject),
        None => visitor.text(text),
    };
    let page = entrance::shown(visitor, true, Some(told));
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}
