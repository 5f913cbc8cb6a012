//! How the service shows an issuer who it is: by a token that it signs with a key of its own.
//!
//! Sources: OpenID Connect Core 1.0, section 9 (`private_key_jwt`); RFC 7523, sections 2.2 and 3.

use std::path::Path;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use praman_files::FileError;
use serde::Serialize;
use zeroize::Zeroizing;

/// What kind of assertion the token is (RFC 7523, section 2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// For how many seconds an assertion is good.
const SECONDS: i64 = 60;

/// The service's own signing key at an issuer, which has the public key.
pub struct OpenIdClientKey {
    key: EncodingKey,
    /// The algorithms that the key can sign by; the usual one first.
    algorithms: Vec<Algorithm>,
    /// The name by which the issuer finds the public key.
    id: Option<String>,
}

/// What an assertion says.
#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl OpenIdClientKey {
    /// Reads a private key, PEM in PKCS #8: of RSA, of P-256 or P-384, or Ed25519.
    ///
    /// # Errors
    /// [`FileError::Io`]; [`FileError::Malformed`] for another key.
    pub fn read(path: &Path, id: Option<String>) -> Result<Self, FileError> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let pem = Zeroizing::new(std::fs::read(path).map_err(FileError::io(path))?);
        let kinds = [
            (EncodingKey::from_rsa_pem(&pem), &[RS256, PS256, RS384, PS384, RS512, PS512][..]),
            (EncodingKey::from_ec_pem(&pem), &[ES256, ES384]),
            (EncodingKey::from_ed_pem(&pem), &[EdDSA]),
        ];
        for (key, algorithms) in kinds {
            let Ok(key) = key else { continue };
            // A key of one curve can't sign by another's algorithm.
            let signs = |one: &Algorithm| encode(&Header::new(*one), &(), &key).is_ok();
            let algorithms: Vec<Algorithm> = algorithms.iter().copied().filter(signs).collect();
            if !algorithms.is_empty() {
                return Ok(Self { key, algorithms, id });
            }
        }
        let reason = "expected a private key of RSA, P-256, P-384 or Ed25519, PEM in PKCS #8: \
                      openssl pkcs8 -topk8 -nocrypt writes it so";
        Err(FileError::malformed(path, reason))
    }

    /// Signs who the service is, for an issuer's token endpoint, by an algorithm that the issuer takes.
    /// None if it takes none of them.
    pub(super) fn assertion(
        &self,
        client: &str,
        endpoint: &str,
        taken: Option<&[String]>,
    ) -> Option<String> {
        let is_taken = |one: &&Algorithm| {
            taken.is_none_or(|taken| taken.iter().any(|name| *name == format!("{one:?}")))
        };
        let algorithm = *self.algorithms.iter().find(is_taken)?;
        let now = jiff::Timestamp::now().as_second();
        let assertion = Assertion {
            iss: client,
            sub: client,
            aud: endpoint,
            jti: hex::encode(&praman_files::sealed::random_key()[..16]),
            iat: now,
            exp: now + SECONDS,
        };
        let header = Header { kid: self.id.clone(), ..Header::new(algorithm) };
        encode(&header, &assertion, &self.key).ok()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::decode_header;
    use rcgen::KeyPair;

    use super::*;

    #[test]
    fn assertion_is_signed_by_an_algorithm_of_the_key_that_the_issuer_takes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
        let of = |kind| KeyPair::generate_for(kind).expect("a key");
        for (key, taken, expected) in [
            (of(&rcgen::PKCS_ECDSA_P256_SHA256), None, Some(Algorithm::ES256)),
            (of(&rcgen::PKCS_ECDSA_P384_SHA384), None, Some(Algorithm::ES384)),
            (of(&rcgen::PKCS_ED25519), None, Some(Algorithm::EdDSA)),
            (of(&rcgen::PKCS_ECDSA_P256_SHA256), Some("RS256"), None),
            (rsa.expect("a key"), Some("RS512"), Some(Algorithm::RS512)),
        ] {
            std::fs::write(&path, key.serialize_pem()).expect("written");
            let key = OpenIdClientKey::read(&path, Some("one".to_owned())).expect("a key");
            let taken = taken.map(|name: &str| vec![name.to_owned()]);
            let signed = key.assertion("desk", "https://login.example/token", taken.as_deref());
            let header = signed.map(|signed| decode_header(&signed).expect("a header"));
            assert_eq!(header.as_ref().map(|header| header.alg), expected);
            assert!(header.is_none_or(|header| header.kid.as_deref() == Some("one")));
        }
        // A public key signs nothing.
        let public = of(&rcgen::PKCS_ECDSA_P256_SHA256).public_key_pem();
        std::fs::write(&path, public).expect("written");
        assert!(OpenIdClientKey::read(&path, None).is_err());
    }
}
