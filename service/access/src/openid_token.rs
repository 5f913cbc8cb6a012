//! What an OpenID token is for: read from its header before it is verified, and from its claims after.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::Value;

/// What a token says of itself before it is verified.
#[derive(Deserialize)]
pub(super) struct ToldHeader {
    pub(super) alg: String,
    typ: Option<String>,
}

impl ToldHeader {
    pub(super) fn of(token: &str) -> Option<Self> {
        const BYTES_MAX: usize = 4_096;
        let (header, _) = token.split_once('.')?;
        let bytes = URL_SAFE_NO_PAD.decode(header.get(..header.len().min(BYTES_MAX))?).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Whether it can be what a caller shows. Others, as a notice of a logout, are signed by the same keys (RFC 8725,
    /// section 3.11).
    pub(super) fn is_of_access(&self) -> bool {
        let Some(kind) = &self.typ else { return true };
        let kind = kind.to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        !kind.contains('+') || kind == "at+jwt"
    }
}

/// Returns a token's claims by the first key that verifies it: none within if it is not valid, and none if no key has
/// signed it.
pub(super) fn verified(
    token: &str,
    keys: &[Jwk],
    validation: &Validation,
) -> Option<Option<Value>> {
    for key in keys {
        let Ok(decoding) = DecodingKey::from_jwk(key) else { continue };
        match decode::<Value>(token, &decoding, validation) {
            Ok(token) => return Some(Some(token.claims)),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {}
            Err(_) => return Some(None),
        }
    }
    None
}

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A caller shows it with a request.
    Access,
    /// It says who has signed in.
    Id,
}

impl TokenKind {
    /// Whether claims are for an audience. Amazon Cognito's access tokens have none: they name the client.
    pub(super) fn is_for(self, claims: &Value, audience: &str) -> bool {
        // An ID token says who signed in, and travels in addresses: it is shown with no request (RFC 8725, 3.12).
        let is_id = claims["token_use"].as_str().is_some_and(|told| told != "access")
            || claims["typ"].as_str().is_some_and(|told| told.eq_ignore_ascii_case("ID"));
        if self == Self::Access && is_id {
            return false;
        }
        match &claims["aud"] {
            Value::String(one) => one == audience,
            Value::Array(all) => all.iter().any(|one| one == audience),
            Value::Null => {
                self == Self::Access
                    && claims["token_use"] == "access"
                    && claims["client_id"] == audience
            }
            _ => false,
        }
    }
}

/// Whether claims are of a token that a caller shows: not of one that asks for others, or reports what has happened.
pub(super) fn is_to_show(claims: &Value) -> bool {
    let kind = claims.get("typ").and_then(Value::as_str).unwrap_or_default();
    let is_other = ["refresh", "offline", "logout"].contains(&kind.to_ascii_lowercase().as_str());
    !is_other && claims.get("events").is_none() && claims.get("iss").is_some_and(Value::is_string)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    #[test]
    fn token_of_another_type_is_not_one_that_a_caller_shows() {
        let header = |header: serde_json::Value| {
            let header = URL_SAFE_NO_PAD.encode(header.to_string());
            ToldHeader::of(&format!("{header}.e30.x"))
        };
        for kind in [None, Some("JWT"), Some("at+jwt"), Some("application/at+jwt"), Some("jwt")] {
            let told = header(json!({ "alg": "ES256", "typ": kind })).expect("a header");
            assert!(told.is_of_access(), "{kind:?}");
        }
        for kind in ["logout+jwt", "secevent+jwt", "dpop+jwt", "application/logout+jwt"] {
            let told = header(json!({ "alg": "ES256", "typ": kind })).expect("a header");
            assert!(!told.is_of_access(), "{kind}");
        }
        assert!(header(json!([])).is_none());
        assert!(is_to_show(&json!({ "iss": "https://i", "typ": "Bearer" })));
        for (claims, is_access, is_id) in [
            (json!({ "aud": "us" }), true, true),
            (json!({ "aud": ["them", "us"] }), true, true),
            (json!({ "aud": "them" }), false, false),
            (json!({ "client_id": "us", "token_use": "access" }), true, false),
            (json!({ "client_id": "us", "token_use": "id" }), false, false),
            (json!({ "client_id": "us" }), false, false),
            (json!({ "aud": "us", "token_use": "id" }), false, true),
            (json!({ "aud": "us", "typ": "ID" }), false, true),
            (json!({ "aud": "us", "typ": "Bearer" }), true, true),
            (json!({ "aud": "them", "client_id": "us", "token_use": "access" }), false, false),
            (json!({}), false, false),
        ] {
            assert_eq!(TokenKind::Access.is_for(&claims, "us"), is_access, "{claims}");
            assert_eq!(TokenKind::Id.is_for(&claims, "us"), is_id, "{claims}");
        }
        for other in [
            json!({ "iss": "https://i", "typ": "Refresh" }),
            json!({ "iss": "https://i", "events": {} }),
            json!({ "iss": ["https://i"] }),
        ] {
            assert!(!is_to_show(&other), "{other}");
        }
    }
}
