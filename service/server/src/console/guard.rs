//! Who may see a page, and what every page is sent with.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use praman_access::Action;
use praman_audit::AuditStore;
use praman_language::sentence::Sentence;

use super::cookie::{keep_language, session};
use super::visitor::{Visitor, language};
use super::{entrance, layout};
use crate::application::{Application, Fault, Shown, is_refusal};
use crate::console::session::SessionStore;

/// What pages may load, and who may show them in a frame: only the service itself.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                                       font-src 'self'; img-src 'self'; connect-src 'self'; \
                                       form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With no referrer at all, a browser would not say from where a form is sent.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Returns whether a route is a page of the desk.
pub(crate) fn is_page(route: &str) -> bool {
    route == "/desk" || route.starts_with("/desk/")
}

/// Lets a request to a page through if the caller may do its action, and writes every fault as a page.
pub(crate) async fn guard(
    application: Arc<Application>,
    action: Option<Action>,
    shown: Shown,
    request: Request,
    next: Next,
) -> Response {
    let (language, chosen) = language(request.headers(), request.uri().query());
    let path = request.uri().path().to_owned();
    let development_keys = application.has_development_keys();
    let mut visitor = Visitor { language, caller: None, form_token: None, path, development_keys };
    // A body can't be shared between threads, and the caller is looked up meanwhile.
    let (parts, body) = request.into_parts();
    let entered = enter(&application, action, shown, &mut visitor, &parts).await;
    let mut request = Request::from_parts(parts, body);
    let response = match entered {
        Ok(()) => {
            request.extensions_mut().insert(visitor.clone());
            if let Some(caller) = &visitor.caller {
                request.extensions_mut().insert(caller.clone());
            }
            let response = next.run(request).await;
            let refused = is_refusal(&response);
            if let (Some(action), Some(caller), true) = (action, &visitor.caller, refused) {
                AuditStore(application.store()).note_refusal(caller, action, &visitor.path).await;
            }
            response
        }
        Err(fault) => fault.into_response(),
    };
    let mut response = told(&visitor, application.has_login(), response);
    protect(response.headers_mut());
    if chosen && let Ok((name, cookie)) = keep_language(language) {
        response.headers_mut().append(name, cookie);
    }
    response
}

/// Writes answers that a request to a page gets before its guard as a page: that there is no room for it, or
/// that it took too long.
pub(crate) async fn told_as_page(development_keys: bool, request: Request, next: Next) -> Response {
    if !is_page(request.uri().path()) {
        return next.run(request).await;
    }
    let (language, _) = language(request.headers(), request.uri().query());
    let path = request.uri().path().to_owned();
    let visitor = Visitor { language, caller: None, form_token: None, path, development_keys };
    let response = next.run(request).await;
    if response.extensions().get::<Fault>().is_none() {
        return response;
    }
    let mut response = told(&visitor, false, response);
    protect(response.headers_mut());
    response
}

/// Sets the headers of every page.
fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let private = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(private);
}

/// Identifies the visitor, and checks that they may do the action.
async fn enter(
    application: &Application,
    action: Option<Action>,
    shown: Shown,
    visitor: &mut Visitor,
    request: &Parts,
) -> Result<(), Fault> {
    let action = action.ok_or_else(Fault::wrong_method)?;
    let headers = &request.headers;
    if shown.authorization.is_some() {
        // A program shows it with each request, which no page of another site can do.
        let shown = Shown { certificate: None, ..shown };
        visitor.caller = application.identify(&shown).await?;
    } else {
        let reads = request.method == Method::GET || request.method == Method::HEAD;
        if !reads && !is_from_own_page(headers, &request.uri) {
            return Err(Fault::malformed(Sentence::of("fault-form-elsewhere")));
        }
        if let Some(secret) = session(headers, application.desk_is_secure()) {
            visitor.caller = SessionStore(application.store()).session_caller(&secret).await?;
            visitor.form_token = visitor.caller.is_some().then(|| secret.form_token());
        }
    }
    match &visitor.caller {
        _ if action.is_open() => Ok(()),
        Some(caller) => {
            let audit = AuditStore(application.store());
            Ok(audit.authorise(caller, action, &visitor.path).await?)
        }
        None => Err(Fault::not_authorised(Sentence::of("fault-come-in"))),
    }
}

/// Returns whether a request is not from a page of another site: browsers say which page sends it.
pub(crate) fn is_from_own_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let Some(origin) = text("origin") else { return !headers.contains_key("origin") };
    // In HTTP/2 the host is the authority of the request.
    let host = text("host").or(uri.authority().map(|name| name.as_str()));
    origin.split_once("://").is_some_and(|(_, name)| Some(name) == host)
}

/// Renders a fault as a page; a visitor who is not signed in sees the sign-in page.
fn told(visitor: &Visitor, has_login: bool, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let mut fault = parts.extensions.remove::<Fault>();
    if fault.is_none() && is_unreadable(&parts) {
        parts.status = StatusCode::NOT_FOUND;
        fault = Some(Fault::not_found(Sentence::of("fault-nothing-here")));
    }
    let Some(fault) = fault else { return Response::from_parts(parts, body) };
    let page = if parts.status == StatusCode::UNAUTHORIZED {
        entrance::shown(visitor, has_login, None)
    } else {
        layout::fault(visitor, parts.status, &fault)
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    parts.headers.insert(header::CONTENT_TYPE, html);
    Response::from_parts(parts, Body::from(page.into_string()))
}

/// Returns whether it is the router's own answer, in plain text, to an address or query with a malformed part:
/// there is no such page.
fn is_unreadable(response: &axum::http::response::Parts) -> bool {
    let kind = response.headers.get(header::CONTENT_TYPE);
    let is_plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    response.status == StatusCode::BAD_REQUEST && is_plain
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn timeout_is_answered_with_a_page_at_the_desk_alone() {
        let late = || get(async || Fault::timed_out());
        let routes = Router::new().route("/desk/audit", late()).route("/v1/audit", late());
        let routes = routes
            .layer(axum::middleware::from_fn(|request, next| told_as_page(false, request, next)));
        for (path, told) in [
            ("/desk/audit", "role=\"alert\">অনুরোধে বেশি সময় লেগেছে<"),
            ("/v1/audit", "\"message\":\"the request took too long\""),
        ] {
            let request = Request::builder().uri(path).header(header::ACCEPT_LANGUAGE, "bn");
            let request = request.body(Body::empty()).expect("a request");
            let response = routes.clone().oneshot(request).await.expect("answered");
            assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
            let is_protected = response.headers().contains_key(header::CONTENT_SECURITY_POLICY);
            assert_eq!(is_protected, is_page(path), "{path}");
            let body = to_bytes(response.into_body(), 1 << 20).await.expect("read");
            let body = String::from_utf8(body.into()).expect("text");
            assert!(body.contains(told), "{body}");
        }
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let asked = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for &(name, value) in pairs {
                headers.insert(name, HeaderValue::from_static(value));
            }
            is_from_own_page(&headers, &Uri::default())
        };
        assert!(asked(&[]), "a program that is no browser");
        assert!(asked(&[("sec-fetch-site", "same-origin")]));
        assert!(asked(&[("host", "desk:8080"), ("origin", "http://desk:8080")]));
        assert!(!asked(&[("sec-fetch-site", "cross-site")]));
        assert!(!asked(&[("sec-fetch-site", "same-site")]));
        assert!(!asked(&[("host", "desk:8080"), ("origin", "http://evil:8080")]));
        assert!(!asked(&[("host", "desk:8080"), ("origin", "null")]));
    }
}
