//! Keys of an issuer, as providers write them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyOperations, PublicKeyUse,
};
use serde::Deserialize;
use serde_json::Value;

/// Keys as an issuer reports them: a key of an unknown kind is left out and does not spoil the others.
#[derive(Deserialize)]
pub(super) struct ToldKeys {
    keys: Vec<Value>,
}

impl From<ToldKeys> for JwkSet {
    fn from(told: ToldKeys) -> Self {
        Self { keys: told.keys.into_iter().filter_map(key).collect() }
    }
}

/// Reads a key. Its numbers may be padded, in the other alphabet of base64, or have zeros before them (RFC 7518, section
/// 6.3.1.1, names that); its id may be a number, and EdDSA's name the newer one of RFC 9864.
fn key(mut told: Value) -> Option<Jwk> {
    if let Some(id) = told.get("kid").and_then(Value::as_i64) {
        told["kid"] = id.to_string().into();
    }
    if told.get("alg").and_then(Value::as_str) == Some("Ed25519") {
        told["alg"] = "EdDSA".into();
    }
    let is_rsa = told.get("kty").and_then(Value::as_str) == Some("RSA");
    for number in ["n", "e", "x", "y"] {
        if let Some(text) = told.get(number).and_then(Value::as_str) {
            told[number] = plain(text, is_rsa)?.into();
        }
    }
    serde_json::from_value(told).ok()
}

/// Returns a number in base64 for URLs without padding; of an RSA key without zeros before it.
fn plain(text: &str, is_rsa: bool) -> Option<String> {
    let bare = text.trim_end_matches('=');
    let bytes = URL_SAFE_NO_PAD.decode(bare).or_else(|_| STANDARD_NO_PAD.decode(bare)).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0 && is_rsa).count();
    Some(URL_SAFE_NO_PAD.encode(&bytes[zeros..]))
}

/// Returns whether a key is for an algorithm and to sign: a token does not choose how its key is used.
pub(super) fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let of_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(
            algorithm,
            Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512
        ),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(_) => algorithm == Algorithm::EdDSA,
        _ => false,
    };
    let to_sign = key.common.public_key_use.as_ref();
    let of_kind = of_kind && to_sign.is_none_or(|what| *what == PublicKeyUse::Signature);
    // RFC 7517, section 4.3.
    let operations = key.common.key_operations.as_ref();
    let verifies = operations.is_none_or(|known| known.contains(&KeyOperations::Verify));
    let named = key.common.key_algorithm.map(|named| named.to_string());
    of_kind && verifies && named.is_none_or(|named| named == format!("{algorithm:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn key_is_read_however_its_numbers_are_written() {
        let read = |key: Value| {
            let told: ToldKeys = serde_json::from_value(json!({ "keys": [key] })).expect("a set");
            let set: JwkSet = told.into();
            set.keys.into_iter().next()
        };
        let usual = read(json!({ "kty": "RSA", "n": "u_-7", "e": "AQAB" })).expect("a key");
        for (n, e) in [("u_-7", "AQAB"), ("u/+7", "AQAB=="), ("ALv_uw==", "AAEAAQ")] {
            let key = read(json!({ "kty": "RSA", "n": n, "e": e, "kid": 7 })).expect("a key");
            assert_eq!(key.algorithm, usual.algorithm, "{n} {e}");
            assert_eq!(key.common.key_id.as_deref(), Some("7"));
        }
        let point = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let of = |more: Value| {
            let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": point });
            key.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
            read(key).expect("a key")
        };
        assert!(fits(&of(json!({ "alg": "Ed25519" })), Algorithm::EdDSA));
        assert!(fits(&of(json!({ "key_ops": ["verify"] })), Algorithm::EdDSA));
        assert!(!fits(&of(json!({ "key_ops": ["encrypt", "wrapKey"] })), Algorithm::EdDSA));
        assert!(read(json!({ "kty": "RSA", "n": "?", "e": "AQAB" })).is_none());
    }
}
