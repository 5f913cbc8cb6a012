//! Cookies: what a browser keeps, and to whom it sends it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use cookie::time::Duration;
use cookie::{Cookie, CookieBuilder, SameSite};
use praman_language::Language;

use super::session::SessionSecret;
use crate::application::Fault;

/// The cookie that keeps the language.
const LANGUAGE: &str = "praman-language";

/// For how long the way to an issuer and back may take.
const LOGIN: Duration = Duration::minutes(10);

/// A cookie of the desk that no script reads.
#[derive(Clone, Copy)]
pub(super) enum DeskCookie {
    /// A session: it is sent only from the service's own pages.
    Session,
    /// A user on the way to their issuer: it is sent when they come back, and lasts ten minutes.
    Login,
}

impl DeskCookie {
    /// Returns its name: over TLS one that a browser sends to no other host.
    pub(super) fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-praman",
            (Self::Session, false) => "praman",
            (Self::Login, true) => "__Host-praman-login",
            (Self::Login, false) => "praman-login",
        }
    }

    /// Reads its value from a request.
    pub(super) fn read(self, headers: &HeaderMap, secure: bool) -> Option<&str> {
        read(headers, self.name(secure))
    }

    /// Sets the cookie.
    pub(super) fn set(self, value: &str, secure: bool) -> Result<(HeaderName, HeaderValue), Fault> {
        let cookie = self.with_value(value, secure);
        header_of(match self {
            Self::Session => cookie.same_site(SameSite::Strict),
            Self::Login => cookie.same_site(SameSite::Lax).max_age(LOGIN),
        })
    }

    /// Deletes the cookie.
    pub(super) fn end(self, secure: bool) -> Result<(HeaderName, HeaderValue), Fault> {
        let cookie = self.with_value("", secure).same_site(SameSite::Strict);
        header_of(cookie.max_age(Duration::ZERO))
    }

    fn with_value(self, value: &str, secure: bool) -> CookieBuilder<'_> {
        let cookie = Cookie::build((self.name(secure), value.to_owned()));
        cookie.path("/").http_only(true).secure(secure)
    }
}

fn header_of(cookie: CookieBuilder<'_>) -> Result<(HeaderName, HeaderValue), Fault> {
    let cookie = HeaderValue::from_str(&cookie.build().to_string());
    let mut cookie = cookie.map_err(|_| Fault::malformed("no such cookie"))?;
    cookie.set_sensitive(true);
    Ok((header::SET_COOKIE, cookie))
}

/// Reads a cookie's value. Anything in the header that is no cookie is skipped.
fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let cookies = lines.filter_map(|line| line.to_str().ok()).flat_map(Cookie::split_parse);
    cookies.flatten().find(|cookie| cookie.name() == name)?.value_raw()
}

/// Reads the session of a request.
pub(super) fn session(headers: &HeaderMap, secure: bool) -> Option<SessionSecret> {
    SessionSecret::parse(DeskCookie::Session.read(headers, secure)?)
}

/// Reads the language that was chosen before.
pub(super) fn kept_language(headers: &HeaderMap) -> Option<Language> {
    read(headers, LANGUAGE).and_then(Language::of)
}

/// Sets a language cookie for a year. It identifies no one.
pub(super) fn keep_language(language: Language) -> Result<(HeaderName, HeaderValue), Fault> {
    let cookie = Cookie::build((LANGUAGE, language.code())).path("/desk");
    header_of(cookie.same_site(SameSite::Lax).max_age(Duration::days(365)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_their_whole_name() {
        let mut found = HeaderMap::new();
        let value = HeaderValue::from_static("xpraman=1; odd;=; praman=2; praman-login=3");
        found.insert(header::COOKIE, value);
        assert_eq!(read(&found, "praman"), Some("2"));
        assert_eq!(DeskCookie::Login.read(&found, false), Some("3"));
        assert_eq!(DeskCookie::Session.read(&found, true), None);
        assert_eq!(read(&found, "man"), None);
    }

    #[test]
    fn cookie_over_tls_is_bound_to_this_host_alone() {
        for cookie in [DeskCookie::Session, DeskCookie::Login] {
            let (_, kept) = cookie.set("ab", true).expect("a cookie");
            let kept = kept.to_str().expect("text").to_owned();
            assert!(kept.starts_with("__Host-") && kept.contains("; Secure"), "{kept}");
            let has = |cookie: &str, attribute| cookie.split("; ").any(|one| one == attribute);
            assert!(has(&kept, "HttpOnly") && has(&kept, "Path=/"), "{kept}");
            assert!(has(&kept, "SameSite=Strict") || has(&kept, "SameSite=Lax"), "{kept}");
            let (_, ended) = cookie.end(false).expect("a cookie");
            let ended = ended.to_str().expect("text");
            assert!(ended.contains("=; ") && has(ended, "Max-Age=0"), "{ended}");
            assert!(has(ended, "SameSite=Strict") && !ended.contains("Secure"), "{ended}");
        }
    }
}
