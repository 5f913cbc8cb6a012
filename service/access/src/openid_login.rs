//! Signing in to the desk with an OpenID issuer: a browser is sent there and comes back with a code, which the
//! service exchanges for a token of who it is.
//!
//! Sources: OpenID Connect Core 1.0, section 3.1 (authorization code flow); RFC 7636 (PKCE, by S256);
//! RFC 9207 (the issuer that answers is named); RFC 9700 (best practices).

use std::future::Future;
use std::pin::Pin;

use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
};
use praman_store::named::read_digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::openid::{Endpoints, OpenIdIssuer, require_safe};
use super::openid_client_key::{ASSERTION_TYPE, OpenIdClientKey};
use super::openid_error::OpenIdSettingError;
use super::openid_token::TokenKind;
use super::principal::Credential;
use super::refusal::AccessRefusal;

/// Where the issuer sends a user back to, below the desk's address.
const BACK: &str = "/desk/enter/openid/back";

/// How the issuer knows the service, if users sign in with it.
pub struct OpenIdClient {
    id: String,
    proof: OpenIdClientProof,
    back: RedirectUrl,
}

/// How the service shows the issuer that it is this client.
pub enum OpenIdClientProof {
    /// By its name alone: a public client.
    Name,
    /// By a secret from the issuer.
    Secret(Zeroizing<String>),
    /// By a token that it signs itself (`private_key_jwt`).
    Key(OpenIdClientKey),
}

/// What else a token answer has: who it is of.
#[derive(Debug, Deserialize, Serialize)]
struct IdTokenField {
    id_token: String,
}

impl ExtraTokenFields for IdTokenField {}

type Tokens = StandardTokenResponse<IdTokenField, BasicTokenType>;
type Flow = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What a token says: who it is of, for whom and for which attempt it was made.
#[derive(Deserialize)]
struct IdClaims {
    sub: String,
    nonce: Option<String>,
    azp: Option<String>,
    aud: serde_json::Value,
}

/// A user on the way to their issuer and back, known by a secret that their browser keeps. The issuer sees only
/// hashes of it, each under a tag of its own.
pub struct LoginAttempt(Zeroizing<[u8; 32]>);

impl LoginAttempt {
    /// Begins an attempt.
    pub fn begin() -> Self {
        Self(praman_files::sealed::random_key())
    }

    /// Parses the attempt that a browser kept.
    pub fn parse(text: &str) -> Option<Self> {
        read_digest(text).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Returns the secret, as a browser keeps it.
    pub fn secret(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }

    fn derived(&self, tag: &str) -> String {
        hex::encode(Sha256::new().chain_update(tag).chain_update(*self.0).finalize())
    }

    fn state(&self) -> String {
        self.derived("praman.login-state.1")
    }

    fn nonce(&self) -> String {
        self.derived("praman.login-nonce.1")
    }

    fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.derived("praman.login-verifier.1"))
    }
}

/// What a browser comes back with.
#[derive(Deserialize)]
pub struct LoginAnswer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    /// Which issuer says that it answers.
    #[serde(default)]
    iss: Option<String>,
}

/// Who signed in.
pub struct LoggedIn {
    /// What they are known by.
    pub credential: Credential,
    /// Who they are to the issuer.
    pub subject: String,
}

impl OpenIdClient {
    /// Creates a client from the name that the issuer knows it by and how it shows that, for a service that
    /// browsers reach at an address. The issuer sends them back to `/desk/enter/openid/back`, which it must know.
    ///
    /// # Errors
    /// [`OpenIdSettingError`] for an address that is malformed, has a path, or is without TLS and not this
    /// machine's.
    pub fn new(
        id: &str,
        proof: OpenIdClientProof,
        address: &str,
    ) -> Result<Self, OpenIdSettingError> {
        require_safe(address)?;
        let wrong = |error| OpenIdSettingError::no_address(address, error);
        let url = reqwest::Url::parse(address).map_err(wrong)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OpenIdSettingError::WithPath(address.to_owned()));
        }
        let back = format!("{}{BACK}", url.origin().ascii_serialization());
        let back = RedirectUrl::new(back).map_err(wrong)?;
        Ok(Self { id: id.to_owned(), proof, back })
    }

    fn flow(&self, endpoints: &Endpoints) -> Option<Flow> {
        let safe = |address: &Option<String>| {
            address.clone().filter(|address| require_safe(address).is_ok())
        };
        let authorization = AuthUrl::new(safe(&endpoints.authorization_endpoint)?).ok()?;
        let token = TokenUrl::new(safe(&endpoints.token_endpoint)?).ok()?;
        let mut flow = oauth2::Client::new(ClientId::new(self.id.clone()))
            .set_auth_uri(authorization)
            .set_token_uri(token)
            .set_redirect_uri(self.back.clone());
        if let OpenIdClientProof::Secret(secret) = &self.proof {
            flow = flow.set_client_secret(ClientSecret::new(secret.to_string()));
            // Some issuers take it only in the body, and say so.
            let takes = |method: &str| endpoints.takes(method) == Some(true);
            if takes("client_secret_post") && !takes("client_secret_basic") {
                flow = flow.set_auth_type(AuthType::RequestBody);
            }
        }
        Some(flow)
    }

    /// Returns what shows the issuer who the service is, where it signs that itself.
    ///
    /// # Errors
    /// What the issuer does not take.
    fn assertion(&self, endpoints: &Endpoints) -> Result<Option<String>, &'static str> {
        let key = match &self.proof {
            OpenIdClientProof::Key(key) => key,
            OpenIdClientProof::Name => return Ok(None),
            OpenIdClientProof::Secret(_) => {
                let takes = |method: &str| endpoints.takes(method) != Some(false);
                return match takes("client_secret_basic") || takes("client_secret_post") {
                    true => Ok(None),
                    false => Err("it takes no client secret: give the service a key to sign with"),
                };
            }
        };
        if endpoints.takes("private_key_jwt") == Some(false) {
            return Err("it does not take private_key_jwt: give the service a client secret");
        }
        let taken = endpoints.token_endpoint_auth_signing_alg_values_supported.as_deref();
        let endpoint = endpoints.token_endpoint.as_deref().unwrap_or_default();
        let signed = key.assertion(&self.id, endpoint, taken);
        signed.map(Some).ok_or("it takes no algorithm that the client's key signs by")
    }
}

impl Endpoints {
    /// Whether a client may show who it is by a method; none if the issuer does not say.
    fn takes(&self, method: &str) -> Option<bool> {
        let methods = self.token_endpoint_auth_methods_supported.as_ref()?;
        Some(methods.iter().any(|one| one == method))
    }
}

impl OpenIdIssuer {
    /// Returns whether users sign in with it.
    pub fn has_login(&self) -> bool {
        self.client.is_some()
    }

    /// Returns its client, how users sign in with it, and what the client has signed to show who it is.
    async fn flow(&self) -> Result<(&OpenIdClient, Flow, Option<String>), AccessRefusal> {
        let client = self.client.as_ref().ok_or(AccessRefusal::NotAuthorised)?;
        let endpoints = self.endpoints().await?;
        let away = |reason: &str| {
            self.say(reason);
            AccessRefusal::IssuerAway
        };
        let assertion = client.assertion(&endpoints).map_err(away)?;
        let no_flow = || away("it has no authorization and token endpoints over https");
        let flow = client.flow(&endpoints).ok_or_else(no_flow)?;
        Ok((client, flow, assertion))
    }

    /// Returns the address to send a browser to.
    ///
    /// # Errors
    /// [`AccessRefusal::IssuerAway`] if the issuer does not say.
    pub async fn login_address(&self, attempt: &LoginAttempt) -> Result<String, AccessRefusal> {
        let (_, flow, _) = self.flow().await?;
        let (address, _) = flow
            .authorize_url(|| CsrfToken::new(attempt.state()))
            .add_scope(Scope::new("openid".to_owned()))
            .add_extra_param("nonce", attempt.nonce())
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&attempt.verifier()))
            .url();
        Ok(address.into())
    }

    /// Returns who has come back.
    ///
    /// # Errors
    /// [`AccessRefusal::NotAuthorised`] if it is not the browser that was sent, if another issuer answers, or if the
    /// code or token is not valid; [`AccessRefusal::IssuerAway`].
    pub async fn logged_in(
        &self,
        attempt: &LoginAttempt,
        answer: LoginAnswer,
    ) -> Result<LoggedIn, AccessRefusal> {
        let refused = AccessRefusal::NotAuthorised;
        let is_unnamed = answer.iss.is_none();
        let of_another = answer.iss.is_some_and(|named| named != self.issuer);
        if answer.state != attempt.state() || answer.code.is_empty() || of_another {
            return Err(refused);
        }
        if is_unnamed && self.endpoints().await?.names_itself() {
            self.say("an answer without its name was refused: it says that all have it");
            return Err(refused);
        }
        let (client, flow, assertion) = self.flow().await?;
        let mut exchange = flow
            .exchange_code(AuthorizationCode::new(answer.code))
            .set_pkce_verifier(attempt.verifier());
        if let Some(assertion) = assertion {
            exchange = exchange
                .add_extra_param("client_assertion_type", ASSERTION_TYPE)
                .add_extra_param("client_assertion", assertion);
        }
        let tokens = exchange.request_async(self).await;
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(oauth2::RequestTokenError::ServerResponse(told)) => {
                if *told.error() == BasicErrorResponseType::InvalidClient {
                    self.say("it does not take the service for its client: look at the secret or the key");
                }
                return Err(refused);
            }
            Err(error) => {
                // Its messages are about the transport or an unreadable answer, and do not contain what was sent.
                self.say(&error.to_string());
                return Err(AccessRefusal::IssuerAway);
            }
        };
        let id_token = &tokens.extra_fields().id_token;
        let claims: IdClaims = self.verify(id_token, &client.id, TokenKind::Id).await?;
        let is_its = claims.nonce.as_deref() == Some(attempt.nonce().as_str());
        // OpenID Connect Core, section 3.1.3.7: of several audiences one is the party that the token is for.
        let is_shared = claims.aud.as_array().is_some_and(|audiences| audiences.len() > 1);
        let is_for_it = match &claims.azp {
            Some(party) => *party == client.id,
            None => !is_shared,
        };
        if !is_its || !is_for_it {
            return Err(refused);
        }
        let credential = Credential::open_id(&self.issuer, &claims.sub);
        Ok(LoggedIn { credential, subject: claims.sub })
    }
}

impl<'a> AsyncHttpClient<'a> for OpenIdIssuer {
    type Error = Away;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Away>> + Send + 'a>>;

    fn call(&'a self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let url = request.uri().to_string();
            let (parts, body) = request.into_parts();
            let request = self.http.request(parts.method, url).headers(parts.headers).body(body);
            let (status, body) = self.answer(request).await.map_err(Away)?;
            let mut response = HttpResponse::new(with_what_is_needed(body));
            *response.status_mut() = status;
            Ok(response)
        })
    }
}

/// Returns a token answer with what is needed of it, in RFC 6749's form: the ID token. Issuers differ in how they write
/// the rest, and some leave out the access token. Any other answer stays as it is.
fn with_what_is_needed(body: Vec<u8>) -> Vec<u8> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(text) else { return body };
    let Some(token) = answer.get("id_token").and_then(serde_json::Value::as_str) else {
        return body;
    };
    // The access token is not used.
    let needed =
        serde_json::json!({ "access_token": "", "token_type": "bearer", "id_token": token });
    serde_json::to_vec(&needed).unwrap_or(body)
}

/// The issuer did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_answer_is_read_for_its_id_token_alone() {
        for told in [
            r#"{"access_token":"a","token_type":"Bearer","expires_in":"3600","id_token":"t"}"#,
            r#"{"id_token":"t","token_type":"Bearer","not_before":7,"id_token_expires_in":"3600.0"}"#,
            r#"{"access_token":"a","expires_in":-1,"scope":["openid"],"refresh_token":false,"id_token":"t"}"#,
            "\u{feff}{\"access_token\":\"a\",\"id_token\":\"t\"}",
        ] {
            let read: Tokens =
                serde_json::from_slice(&with_what_is_needed(told.as_bytes().to_vec())).expect(told);
            assert_eq!(read.extra_fields().id_token, "t", "{told}");
        }
        for same in [&b"no JSON"[..], br#"{"access_token":"a"}"#, br#"{"error":"invalid_client"}"#]
        {
            assert_eq!(with_what_is_needed(same.to_vec()), same);
        }
    }

    #[test]
    fn parts_of_a_login_attempt_differ_from_each_other() {
        let attempt = LoginAttempt::begin();
        let kept = LoginAttempt::parse(&attempt.secret()).expect("a secret");
        assert_eq!(attempt.state(), kept.state());
        let parts = [attempt.state(), attempt.nonce(), attempt.verifier().secret().clone()];
        for (place, part) in parts.iter().enumerate() {
            assert_eq!(part.len(), 64, "RFC 7636 takes 43 to 128 characters");
            assert!(!parts[place + 1..].contains(part));
            assert_ne!(*part, *attempt.secret());
        }
        assert_ne!(LoginAttempt::begin().state(), attempt.state());
        assert!(LoginAttempt::parse("ab").is_none());
    }
}
