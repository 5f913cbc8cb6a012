//! Signing in and signing out.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use praman_access::{AccessStore, Action, ApiKey, Caller};
use praman_language::sentence::Sentence;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::cookie::{DeskCookie, session};
use super::form::{Entering, Nothing, Posted};
use super::layout;
use super::visitor::Visitor;
use crate::application::{Application, Fault, PeerCertificate};
use crate::console::session::SessionStore;

/// Renders the sign-in page, with what was wrong before.
pub(super) fn shown(visitor: &Visitor, has_openid: bool, wrong: Option<String>) -> Markup {
    let outside = visitor.path.starts_with("/desk/enter");
    let back = if outside { "/desk" } else { visitor.path.as_str() };
    let openid = serde_urlencoded::to_string([("back", back)]).unwrap_or_default();
    layout::page(
        visitor,
        &visitor.text("desk-enter-title"),
        html! {
            @if let Some(wrong) = wrong {
                p class="notice bad" role="alert" { (wrong) }
            }
            @if has_openid {
                p { a class="button" href={ "/desk/enter/openid?" (openid) } {
                    (visitor.text("desk-openid"))
                } }
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

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
) -> Markup {
    shown(&visitor, application.has_login(), None)
}

#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    key: String,
    #[serde(default)]
    back: String,
}

/// Signs a user in: begins a new session, and ends an earlier one of this browser.
pub(super) async fn enter(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    certificate: Option<Extension<PeerCertificate>>,
    headers: HeaderMap,
    Entering(entering): Entering<Shown>,
) -> Result<Response, Fault> {
    let key = Zeroizing::new(entering.key);
    let caller = whose(&application, key.trim(), certificate).await?;
    let Some(caller) = caller.filter(|caller| caller.principal.is_some()) else {
        let wrong = visitor.text("desk-key-wrong");
        let page = shown(&visitor, application.has_login(), Some(wrong));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let cookie = begin_session(&application, &caller, &headers).await?;
    Ok(([cookie], Redirect::to(way_back(&entering.back))).into_response())
}

/// Returns the page of the desk to go back to, from input that anyone may have written: the first page, if it is
/// not one of the desk's.
pub(super) fn way_back(asked: &str) -> &str {
    let inside = asked == "/desk" || asked.starts_with("/desk/") || asked.starts_with("/desk?");
    let plain = asked.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if inside && plain { asked } else { "/desk" }
}

/// Begins a session, and ends the one in the request; returns the new cookie.
pub(super) async fn begin_session(
    application: &Application,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<(HeaderName, HeaderValue), Fault> {
    let principal =
        caller.principal.ok_or_else(|| Fault::not_authorised(Sentence::of("fault-come-in")))?;
    let (store, secure) = (application.store(), application.desk_is_secure());
    application
        .perform(caller, Action::KeepSession, "begin", async {
            if let Some(earlier) = session(headers, secure) {
                SessionStore(store).end_session(&earlier).await?;
            }
            let secret = SessionStore(store).begin_session(principal).await?;
            DeskCookie::Session.set(&secret.cookie(), secure)
        })
        .await
}

/// Identifies the user by a key, or by the certificate of the connection.
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
    Ok(AccessStore(application.store()).caller_of(credential).await?)
}

/// Signs a user out: ends the session.
pub(super) async fn leave(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Fault> {
    let (store, secure) = (application.store(), application.desk_is_secure());
    if let (Some(secret), Some(caller)) = (session(&headers, secure), &visitor.caller) {
        let end = async { Ok(SessionStore(store).end_session(&secret).await?) };
        application.perform(caller, Action::KeepSession, "end", end).await?;
    }
    Ok(([DeskCookie::Session.end(secure)?], Redirect::to("/desk/enter")).into_response())
}

#[cfg(test)]
mod tests {
    use super::way_back;

    #[test]
    fn way_back_outside_the_desk_is_replaced_by_the_desk() {
        for page in ["/desk", "/desk/audit", "/desk?lang=bn", "/desk/claims?scheme=a&lang=en"] {
            assert_eq!(way_back(page), page);
        }
        for outside in [
            "",
            "https://elsewhere.example",
            "//elsewhere.example",
            "/v1/claims",
            "/desk\\@x",
            "/desks",
            "/desk@elsewhere.example",
            "/desk/\r\nx",
            "/desk/ x",
            "/desk/\u{e9}",
        ] {
            assert_eq!(way_back(outside), "/desk", "{outside:?}");
        }
    }
}
