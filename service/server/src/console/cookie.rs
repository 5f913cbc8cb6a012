//! Cookies: what a browser keeps, and who it gives it to.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::session::SessionSecret;
use crate::application::Fault;

/// A cookie of the desk that no script reads.
#[derive(Clone, Copy)]
pub(super) enum Cookie {
    /// A session: it comes from the service's own pages alone.
    Session,
    /// Somebody on the way to their issuer: it comes back from there, and lasts ten minutes.
    Login,
}

impl Cookie {
    /// Its name: over TLS one that a browser gives to no other host.
    pub(super) fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-praman",
            (Self::Session, false) => "praman",
            (Self::Login, true) => "__Host-praman-login",
            (Self::Login, false) => "praman-login",
        }
    }

    /// What a request brings in it.
    pub(super) fn read(self, headers: &HeaderMap, secure: bool) -> Option<&str> {
        read(headers, self.name(secure))
    }

    /// Has the browser keep a value.
    pub(super) fn set(self, value: &str, secure: bool) -> Result<(HeaderName, HeaderValue), Fault> {
        let site = match self {
            Self::Session => "Strict",
            Self::Login => "Lax; Max-Age=600",
        };
        self.header(&format!("{value}; SameSite={site}"), secure)
    }

    /// Has the browser keep it no more.
    pub(super) fn end(self, secure: bool) -> Result<(HeaderName, HeaderValue), Fault> {
        self.header("; SameSite=Strict; Max-Age=0", secure)
    }

    fn header(self, value: &str, secure: bool) -> Result<(HeaderName, HeaderValue), Fault> {
        let only_tls = if secure { "; Secure" } else { "" };
        let cookie = format!("{}={value}; Path=/; HttpOnly{only_tls}", self.name(secure));
        let mut cookie =
            HeaderValue::from_str(&cookie).map_err(|_| Fault::malformed("no such cookie"))?;
        cookie.set_sensitive(true);
        Ok((header::SET_COOKIE, cookie))
    }
}

/// A cookie's value.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// The session of a request.
pub(super) fn session(headers: &HeaderMap, secure: bool) -> Option<SessionSecret> {
    SessionSecret::parse(Cookie::Session.read(headers, secure)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_their_whole_name() {
        let mut found = HeaderMap::new();
        let value = HeaderValue::from_static("xpraman=1; praman=2; praman-login=3");
        found.insert(header::COOKIE, value);
        assert_eq!(read(&found, "praman"), Some("2"));
        assert_eq!(Cookie::Login.read(&found, false), Some("3"));
        assert_eq!(Cookie::Session.read(&found, true), None);
        assert_eq!(read(&found, "man"), None);
    }

    #[test]
    fn over_tls_a_cookie_is_of_this_host_alone() {
        for cookie in [Cookie::Session, Cookie::Login] {
            let (_, kept) = cookie.set("ab", true).expect("a cookie");
            let kept = kept.to_str().expect("text").to_owned();
            assert!(kept.starts_with("__Host-") && kept.contains("; Secure"), "{kept}");
            assert!(kept.contains("; HttpOnly") && kept.contains("; Path=/;"), "{kept}");
            let (_, ended) = cookie.end(false).expect("a cookie");
            assert!(ended.to_str().expect("text").contains("=; SameSite=Strict; Max-Age=0"));
        }
    }
}
