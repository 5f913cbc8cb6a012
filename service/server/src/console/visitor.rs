//! Who opens a page, and in which language.

use axum::http::{HeaderMap, header};
use praman_access::{Action, Caller};
use praman_language::{Argument, Language};

use super::cookie;

/// Who opens a page, and what its frame needs of them.
#[derive(Clone)]
pub(super) struct Visitor {
    /// The language that they read.
    pub(super) language: Language,
    /// Who they are; none for a visitor who has not signed in.
    pub(super) caller: Option<Caller>,
    /// The token of their forms; none for a caller that shows a credential with each request, or is not signed in.
    pub(super) form_token: Option<String>,
    /// The page's path.
    pub(super) path: String,
    /// Whether one party made the service's keys.
    pub(super) development_keys: bool,
}

impl Visitor {
    /// Returns whether they may do an action.
    pub(super) fn may(&self, action: Action) -> bool {
        let caller = self.caller.as_ref();
        action.is_open() || caller.is_some_and(|caller| action.may_be_done_by(caller.role))
    }

    /// Returns a text of the desk.
    pub(super) fn text(&self, name: &str) -> String {
        self.language.text(name)
    }

    /// Returns a text of the desk with a number in it.
    pub(super) fn count(&self, name: &str, count: usize) -> String {
        self.language.format(name, &[("count", Argument::Count(count as u64))])
    }

    /// Returns a text of the desk with another text in it.
    pub(super) fn with(&self, name: &str, argument: &str, text: &str) -> String {
        self.language.format(name, &[(argument, Argument::Text(text))])
    }

    /// Formats a number.
    pub(super) fn number(&self, number: u64) -> String {
        self.language.number(number)
    }

    /// Formats a number, hidden if it is small.
    pub(super) fn told(&self, number: Option<u64>) -> String {
        number.map_or_else(|| self.text("desk-few"), |number| self.number(number))
    }

    /// Formats a time in milliseconds since 1970.
    pub(super) fn time(&self, at: i64) -> String {
        let time = jiff::Timestamp::from_millisecond(at);
        time.map(|time| self.language.time(time)).unwrap_or_default()
    }
}

/// Returns the language of a request: what the page's address says, what was chosen before, what the browser
/// asks for, else the state's.
pub(super) fn language(headers: &HeaderMap, query: Option<&str>) -> (Language, bool) {
    let asked = query.into_iter().flat_map(|query| query.split('&'));
    let asked = asked.filter_map(|pair| pair.strip_prefix("lang=")).find_map(Language::of);
    if let Some(language) = asked {
        return (language, true);
    }
    let kept = cookie::kept_language(headers);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let of_browser = accepted.and_then(Language::accepted);
    (kept.or(of_browser).unwrap_or(Language::Bengali), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, header::HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn language_is_the_one_asked_for_kept_or_accepted() {
        let none = HeaderMap::new();
        assert_eq!(language(&none, None).0, Language::Bengali);
        assert_eq!(language(&none, Some("a=1&lang=hi")), (Language::Hindi, true));
        assert_eq!(language(&none, Some("lang=xx")).0, Language::Bengali);
        let kept = headers(header::COOKIE, "a=b; praman-language=en");
        assert_eq!(language(&kept, None), (Language::English, false));
        assert_eq!(language(&kept, Some("lang=bn")).0, Language::Bengali);
        let accepted = headers(header::ACCEPT_LANGUAGE, "fr-FR, hi-IN;q=0.8, en;q=0.5");
        assert_eq!(language(&accepted, None).0, Language::Hindi);
    }
}
