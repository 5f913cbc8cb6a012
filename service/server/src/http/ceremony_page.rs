//! The page by which people contribute to keys in a browser, as `service/contributor` builds it.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

use crate::application::{Application, Fault};

const PAGE: &str = include_str!("../../../contributor/ceremony.html");

/// What the page itself says that it may load, and that no site shows it in a frame: a page can't say that.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!("{}; frame-ancestors 'none'", own_policy(PAGE));
    HeaderValue::from_str(&policy).expect("a policy is plain text")
});

const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    // Who comes back gets the page of the version that is running.
    (header::CACHE_CONTROL, "no-cache"),
];

fn own_policy(page: &str) -> &str {
    let (_, rest) = page.split_once("Content-Security-Policy\" content=\"").expect("it has one");
    rest.split('"').next().expect("a text before its end")
}

/// Sends the page, where there are ceremonies to contribute to.
pub(super) async fn page(State(application): State<Arc<Application>>) -> Result<Response, Fault> {
    application.require_coordinator()?;
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY.clone())];
    Ok((policy, HEADERS, Html(PAGE)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_runs_what_it_says_itself_and_asks_its_own_service_alone() {
        let policy = POLICY.to_str().expect("plain");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(policy.contains("connect-src 'self'; form-action 'none'; base-uri 'none'"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert!(policy.ends_with("; frame-ancestors 'none'"), "{policy}");
    }
}
