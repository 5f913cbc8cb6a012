//! Coming in and leaving.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, http::HeaderName};
use maud::{Markup, html};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::form::{Entering, Nothing, Posted};
use super::layout;
use super::visitor::{Visitor, session, session_cookie_name};
use crate::access_control::{ApiKey, Caller};
use crate::application::{Application, Fault, PeerCertificate};

/// The entrance, with what was wrong before.
pub(super) fn shown(visitor: &Visitor, wrong: Option<&str>) -> Markup {
    let back = if visitor.path == "/desk/enter" { "/desk" } else { visitor.path.as_str() };
    layout::page(
        visitor,
        &visitor.text("desk-enter-title"),
        html! {
            @if let Some(wrong) = wrong {
                p class="notice bad" role="alert" { (visitor.text(wrong)) }
            }
            form method="post" action="/desk/enter" class="stack" {
                input type="hidden" name="back" value=(back);
                label for="key" { (visitor.text("desk-key")) }
                input id="key" name="key" type="password" autocomplete="current-password"
                    spellcheck="false" aria-describedby="key-help";
                p id="key-help" class="help" { (visitor.text("desk-key-help")) }
                button { (visitor.text("desk-enter")) }
            }
            p { a href="/desk/slip" { (visitor.text("desk-slip-link")) } }
        },
    )
}

pub(super) async fn page(Extension(visitor): Extension<Visitor>) -> Markup {
    shown(&visitor, None)
}

#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    key: String,
    #[serde(default)]
    back: String,
}

/// Begins a session, a new one whatever the browser has brought; an earlier one of this browser ends.
pub(super) async fn enter(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    certificate: Option<Extension<PeerCertificate>>,
    headers: HeaderMap,
    Entering(entering): Entering<Shown>,
) -> Result<Response, Fault> {
    let key = Zeroizing::new(entering.key);
    let caller = whose(&application, key.trim(), certificate).await?;
    let Some(principal) = caller.and_then(|caller| caller.principal) else {
        let page = shown(&visitor, Some("desk-key-wrong"));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let secure = application.desk_is_secure();
    if let Some(earlier) = session(&headers, secure) {
        application.store().end_session(&earlier).await?;
    }
    let secret = application.store().begin_session(principal).await?;
    let cookie = set_cookie(&secret.cookie(), secure, None)?;
    // Only to a page of the desk: what the form says may be anybody's.
    let inside = entering.back.starts_with("/desk") && !entering.back.contains(['\\', '\n', '\r']);
    let back = if inside { entering.back.as_str() } else { "/desk" };
    Ok(([cookie], Redirect::to(back)).into_response())
}

/// Who shows a key, or the certificate of the connection.
async fn whose(
    application: &Application,
    key: &str,
    certificate: Option<Extension<PeerCertificate>>,
) -> Result<Option<Caller>, Fault> {
    let credential = match (key, certificate) {
        ("", Some(Extension(PeerCertificate(certificate)))) => certificate,
        (key, _) => match ApiKey::parse(key) {
            Some(key) => key.credential(),
            None => return Ok(None),
        },
    };
    Ok(application.store().caller_of(credential).await?)
}

/// Ends the session.
pub(super) async fn leave(
    State(application): State<Arc<Application>>,
    headers: HeaderMap,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Fault> {
    let secure = application.desk_is_secure();
    if let Some(secret) = session(&headers, secure) {
        application.store().end_session(&secret).await?;
    }
    Ok(([set_cookie("", secure, Some(0))?], Redirect::to("/desk/enter")).into_response())
}

fn set_cookie(
    value: &str,
    secure: bool,
    max_age: Option<u32>,
) -> Result<(HeaderName, HeaderValue), Fault> {
    let name = session_cookie_name(secure);
    let only_tls = if secure { "; Secure" } else { "" };
    let age = max_age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{only_tls}{age}");
    let mut cookie =
        HeaderValue::from_str(&cookie).map_err(|_| Fault::malformed("no such cookie"))?;
    cookie.set_sensitive(true);
    Ok((header::SET_COOKIE, cookie))
}
