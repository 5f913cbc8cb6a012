//! Tokens of an OpenID issuer: issuer and subject identify the user, and only the store says what they may do,
//! so that an issuer gives no roles.
//!
//! Sources: OpenID Connect Discovery 1.0; RFC 7517 (JWK); RFC 7519 (JWT); RFC 8725 (best practices: the
//! algorithm is the key's and never the token's choice of none or of a shared secret).

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, Validation, decode_header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::openid_error::OpenIdSettingError;
use super::openid_key::{ToldKeys, fits};
use super::openid_login::OpenIdClient;
use super::openid_token::{TokenKind, ToldHeader, is_to_show, verified};
use super::principal::Credential;
use super::refusal::AccessRefusal;

/// How long the issuer's keys are used before it is asked again.
const KEYS_AGE_MAX: Duration = Duration::from_secs(3_600);
/// How long they are used while the issuer does not answer: a key that it has withdrawn meanwhile is valid no
/// longer than this.
const KEYS_KEPT_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How soon the issuer is asked again for an unknown key.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// How long the issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// By how many seconds its clock may be off.
const SKEW_SECONDS: u64 = 60;

/// How many keys without an id are tried for a token that names one.
const NAMELESS_MAX: usize = 4;
/// How many algorithms that are not accepted the operator is warned of.
const TOLD_MAX: usize = 8;

/// How tokens may be signed: only by a key of the issuer's own, never by a secret that both share.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// An OpenID issuer whose tokens this service accepts.
pub struct OpenIdIssuer {
    pub(super) issuer: String,
    audience: String,
    pub(super) http: reqwest::Client,
    /// How the issuer knows the service, if users sign in with it.
    pub(super) client: Option<OpenIdClient>,
    /// Held while the issuer is asked: one request at a time.
    asking: Mutex<()>,
    known: Mutex<Known>,
}

/// The issuer's keys and addresses, as it last reported them.
struct Known {
    set: JwkSet,
    endpoints: Option<Endpoints>,
    told: Option<Instant>,
    /// Algorithms that were reported to the operator as not accepted.
    told_of: Vec<String>,
    /// When it was last asked, whether or not it answered: a client that sends tokens can't make the service ask
    /// more often, nor delay those whose keys are known.
    asked: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
    #[serde(flatten)]
    endpoints: Endpoints,
}

/// Where users sign in; an issuer for machines alone has neither.
#[derive(Clone, Deserialize)]
pub(super) struct Endpoints {
    /// Where a browser is sent.
    pub(super) authorization_endpoint: Option<String>,
    /// Where a code is exchanged for a token.
    pub(super) token_endpoint: Option<String>,
    /// How a client may show its secret there; by the header, by default.
    #[serde(default, deserialize_with = "names")]
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// By which algorithms a client may sign who it is.
    #[serde(default, deserialize_with = "names")]
    pub(super) token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// Whether it names itself in its answers to browsers (RFC 9207): one without its name is another's then.
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    names_itself: Value,
    /// Whom access tokens are by, where that is not the issuer (AD FS).
    #[serde(default)]
    access_token_issuer: Value,
}

impl Endpoints {
    /// Whether every answer to a browser names the issuer.
    pub(super) fn names_itself(&self) -> bool {
        self.names_itself == Value::Bool(true)
    }
}

/// Reads a list of names, of which some issuers give one alone or none within.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => {
            let texts = names.iter().filter_map(Value::as_str);
            Some(texts.map(str::to_owned).collect())
        }
        _ => None,
    })
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Known {
    /// Returns the keys of an id that are for an algorithm: two while an issuer changes them. If the token or the key
    /// has no id, the only such key there is. None of a set that is too old.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Jwk> {
        if !self.is_kept() {
            return Vec::new();
        }
        // Two keys may have the same id: one to encrypt, one to sign.
        let fitting: Vec<&Jwk> = self.set.keys.iter().filter(|key| fits(key, algorithm)).collect();
        let named = fitting.iter().copied();
        let named = named.filter(|key| id.is_some() && key.common.key_id.as_deref() == id);
        let named: Vec<Jwk> = named.cloned().collect();
        let nameless: Vec<&Jwk> =
            fitting.iter().copied().filter(|key| key.common.key_id.is_none()).collect();
        match (&fitting[..], nameless.len()) {
            _ if !named.is_empty() => named,
            ([only], _) if id.is_none() => vec![(*only).clone()],
            // An issuer that gives only its older keys an id.
            (_, 1..=NAMELESS_MAX) if id.is_some() => nameless.into_iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Returns what the known keys answer, if they can be used; none if the issuer must be asked.
    fn answer(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<Result<Vec<Jwk>, AccessRefusal>> {
        let found = self.find(id, algorithm);
        if !found.is_empty() && (self.is_fresh() || self.was_just_asked()) {
            return Some(Ok(found));
        }
        self.was_just_asked().then(|| match self.is_kept() {
            true => Err(AccessRefusal::NotAuthorised),
            false => Err(AccessRefusal::IssuerAway),
        })
    }

    /// Returns whether the keys are new enough to use.
    fn is_fresh(&self) -> bool {
        self.told.is_some_and(|at| at.elapsed() < KEYS_AGE_MAX)
    }

    /// Returns whether the keys may be used while the issuer does not answer.
    fn is_kept(&self) -> bool {
        self.told.is_some_and(|at| at.elapsed() < KEYS_KEPT_MAX)
    }

    /// Returns whether it is too soon to ask again.
    fn was_just_asked(&self) -> bool {
        self.asked.is_some_and(|at| at.elapsed() < ASK_AGAIN)
    }
}

impl OpenIdIssuer {
    /// Creates an issuer from its address, which tokens must name exactly, and the audience that they must
    /// be for. It is asked for its keys when the first token arrives.
    ///
    /// # Errors
    /// [`OpenIdSettingError`] for an address without TLS that is not this machine's.
    pub fn new(issuer: &str, audience: &str) -> Result<Self, OpenIdSettingError> {
        require_safe(issuer)?;
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| OpenIdSettingError::Client { issuer: issuer.to_owned(), source })?;
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            http,
            client: None,
            asking: Mutex::new(()),
            known: Mutex::new(Known {
                set: JwkSet { keys: Vec::new() },
                endpoints: None,
                told: None,
                told_of: Vec::new(),
                asked: None,
            }),
        })
    }

    /// Lets users sign in to the desk with it as well.
    pub fn with_login(self, client: OpenIdClient) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Returns the credential of a subject of this issuer.
    pub fn credential(&self, subject: &str) -> Credential {
        Credential::open_id(&self.issuer, subject)
    }

    /// Returns the credential that a token is of.
    ///
    /// # Errors
    /// [`AccessRefusal::NotAuthorised`]; [`AccessRefusal::IssuerAway`] if its keys can't be had.
    pub async fn credential_of(&self, token: &str) -> Result<Credential, AccessRefusal> {
        let claims: Claims = self.verify(token, &self.audience, TokenKind::Access).await?;
        Ok(self.credential(&claims.sub))
    }

    /// Verifies a token for an audience and returns its claims.
    ///
    /// # Errors
    /// Those of [`credential_of`](Self::credential_of).
    pub(super) async fn verify<T: DeserializeOwned>(
        &self,
        token: &str,
        audience: &str,
        kind: TokenKind,
    ) -> Result<T, AccessRefusal> {
        let told = ToldHeader::of(token).ok_or(AccessRefusal::NotAuthorised)?;
        let known = ALGORITHMS.iter().any(|algorithm| format!("{algorithm:?}") == told.alg);
        if !known {
            self.tell_of(&told.alg).await;
            return Err(AccessRefusal::NotAuthorised);
        }
        if !told.is_of_access() {
            self.say("a token of another type than JWT or at+jwt was refused");
            return Err(AccessRefusal::NotAuthorised);
        }
        let header = decode_header(token).map_err(|_| AccessRefusal::NotAuthorised)?;
        // RFC 7515, section 4.1.11: no extension that a token marks as critical is understood here.
        if header.crit.is_some() {
            self.say("a token with a critical extension was refused: none is known here");
            return Err(AccessRefusal::NotAuthorised);
        }
        let keys = self.key(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&self.names(kind).await);
        // Looked at below: not every issuer has it in every token.
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = SKEW_SECONDS;
        let mut answer = verified(token, &keys, &validation);
        if answer.is_none() && !self.known.lock().await.was_just_asked() {
            // An issuer may give a new key the id of the one before.
            let _asking = self.asking.lock().await;
            if !self.known.lock().await.was_just_asked() {
                self.ask_again().await;
            }
            let keys = self.known.lock().await.find(header.kid.as_deref(), header.alg);
            answer = verified(token, &keys, &validation);
        }
        let is_taken = |claims: &Value| is_to_show(claims) && kind.is_for(claims, audience);
        let claims = answer.flatten().filter(is_taken).ok_or(AccessRefusal::NotAuthorised)?;
        serde_json::from_value(claims).map_err(|_| AccessRefusal::NotAuthorised)
    }

    /// Returns what tokens of a kind name as their issuer.
    async fn names(&self, kind: TokenKind) -> Vec<String> {
        // Google's tokens name it with and without the scheme (Google Identity, OpenID Connect reference).
        const GOOGLE: &str = "https://accounts.google.com";
        let mut names = vec![self.issuer.clone()];
        if self.issuer == GOOGLE {
            names.extend(GOOGLE.strip_prefix("https://").map(str::to_owned));
        }
        let known = self.known.lock().await;
        let other = known.endpoints.as_ref().and_then(|told| told.access_token_issuer.as_str());
        names.extend(other.filter(|_| kind == TokenKind::Access).map(str::to_owned));
        names
    }

    /// Returns the keys of an id; asks the issuer again when none is known, or the known ones are old. A token with a
    /// known key does not wait for a request for another.
    async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Jwk>, AccessRefusal> {
        if let Some(Ok(found)) = self.known.lock().await.answer(id, algorithm) {
            return Ok(found);
        }
        let _asking = self.asking.lock().await;
        if let Some(answer) = self.known.lock().await.answer(id, algorithm) {
            return answer;
        }
        let has_answered = self.ask_again().await;
        let found = self.known.lock().await.find(id, algorithm);
        match (found.is_empty(), has_answered) {
            (false, _) => Ok(found),
            (true, true) => Err(AccessRefusal::NotAuthorised),
            (true, false) => Err(AccessRefusal::IssuerAway),
        }
    }

    /// Returns where users sign in; asks again when what is known is old.
    ///
    /// # Errors
    /// [`AccessRefusal::IssuerAway`].
    pub(super) async fn endpoints(&self) -> Result<Endpoints, AccessRefusal> {
        let is_asked = |known: &Known| !known.is_fresh() && !known.was_just_asked();
        // They are reported with the keys, and kept as long.
        if is_asked(&*self.known.lock().await) {
            let _asking = self.asking.lock().await;
            if is_asked(&*self.known.lock().await) {
                self.ask_again().await;
            }
        }
        let known = self.known.lock().await;
        let endpoints = known.endpoints.clone().filter(|_| known.is_kept());
        endpoints.ok_or(AccessRefusal::IssuerAway)
    }

    /// Asks the issuer for its keys and addresses; returns whether it has answered.
    async fn ask_again(&self) -> bool {
        // Set before asking: a client that disconnects meanwhile can't make the service ask again at once.
        self.known.lock().await.asked = Some(Instant::now());
        let told = self.ask().await;
        let mut known = self.known.lock().await;
        match told {
            Ok((set, endpoints)) => {
                (known.set, known.endpoints, known.told) = (set, Some(endpoints), known.asked);
                true
            }
            Err(reason) => {
                self.say(&reason);
                false
            }
        }
    }

    /// Warns the operator, once, of an algorithm whose tokens are not accepted.
    async fn tell_of(&self, algorithm: &str) {
        // Anyone can send a token: what it says is shown only if it looks like a name, and few such names are.
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '+');
        let name = match algorithm {
            name if !name.is_empty() && name.len() <= 24 && name.chars().all(is_name) => name,
            _ => "an algorithm without a usual name",
        };
        let mut known = self.known.lock().await;
        if known.told_of.len() < TOLD_MAX && !known.told_of.iter().any(|told| told == name) {
            self.say(&format!(
                "tokens signed by {name} are not accepted: have the issuer sign with RS256, ES256 \
                 or EdDSA"
            ));
            known.told_of.push(name.to_owned());
        }
    }

    /// Warns the operator of what is wrong with the issuer.
    pub(super) fn say(&self, reason: &str) {
        tracing::warn!("the OpenID issuer {}: {reason}", self.issuer);
    }

    async fn ask(&self) -> Result<(JwkSet, Endpoints), String> {
        let place = self.issuer.trim_end_matches('/');
        let discovered: Discovered =
            self.get(&format!("{place}/.well-known/openid-configuration")).await?;
        if discovered.issuer != self.issuer {
            return Err(format!("it calls itself {}", discovered.issuer));
        }
        // Where users sign in is looked at when one does: tokens need only the keys.
        require_safe(&discovered.jwks_uri).map_err(|error| error.to_string())?;
        let keys: ToldKeys = self.get(&discovered.jwks_uri).await?;
        Ok((keys.into(), discovered.endpoints))
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let (status, body) = self.answer(self.http.get(url)).await?;
        if !status.is_success() {
            return Err(format!("it answers {status}"));
        }
        let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
        serde_json::from_slice(text).map_err(|error| format!("its answer: {error}"))
    }

    /// Returns the issuer's answer to a request, within bounds.
    pub(super) async fn answer(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(reqwest::StatusCode, Vec<u8>), String> {
        let told = |error: reqwest::Error| error.without_url().to_string();
        let mut answer = request.send().await.map_err(told)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(told)? {
            body.extend_from_slice(&part);
            if body.len() > ANSWER_BYTES_MAX {
                return Err("its answer is too long".to_owned());
            }
        }
        Ok((status, body))
    }
}

/// Checks that keys come over TLS or from this machine.
pub(super) fn require_safe(address: &str) -> Result<(), OpenIdSettingError> {
    let url = reqwest::Url::parse(address)
        .map_err(|error| OpenIdSettingError::no_address(address, error))?;
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && is_local) {
        return Ok(());
    }
    Err(OpenIdSettingError::NotSecure(address.to_owned()))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::PublicKeyUse;
    use serde_json::json;

    use super::*;

    /// Keys as issuers report them, and which one a token's header finds.
    #[test]
    fn key_is_found_by_id_use_and_algorithm() {
        let point = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let set = |keys: serde_json::Value| -> Known {
            let told: ToldKeys =
                serde_json::from_value(serde_json::json!({ "keys": keys })).expect("a set");
            Known {
                set: told.into(),
                endpoints: None,
                told: Some(Instant::now()),
                told_of: Vec::new(),
                asked: None,
            }
        };
        let rsa = |id: Option<&str>, purpose: Option<&str>, named: Option<&str>| {
            let mut key = serde_json::json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
            for (name, value) in [("kid", id), ("use", purpose), ("alg", named)] {
                if let Some(value) = value {
                    key[name] = value.into();
                }
            }
            key
        };
        let odd = serde_json::json!({ "kty": "unheard", "kid": "one" });
        let ed = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": point });
        // One id twice, the key to encrypt first, beside a key of an unknown kind.
        let both = set(serde_json::json!([
            odd,
            rsa(Some("one"), Some("enc"), None),
            rsa(Some("one"), Some("sig"), None),
            ed
        ]));
        let found = both.find(Some("one"), Algorithm::RS512);
        let [found] = &found[..] else { panic!("the key to sign: {found:?}") };
        assert_eq!(found.common.public_key_use, Some(PublicKeyUse::Signature));
        assert_eq!(both.find(Some("ed"), Algorithm::EdDSA).len(), 1);
        assert!(both.find(Some("ed"), Algorithm::RS256).is_empty(), "no token chooses");
        assert_eq!(both.find(None, Algorithm::EdDSA).len(), 1, "the only one for it");
        // A single key without an id.
        let alone = set(serde_json::json!([rsa(None, None, Some("RS256"))]));
        assert_eq!(alone.find(Some("any"), Algorithm::RS256).len(), 1);
        assert_eq!(alone.find(None, Algorithm::RS256).len(), 1);
        assert!(alone.find(None, Algorithm::PS256).is_empty(), "it says what it is for");
        let two = set(serde_json::json!([rsa(None, None, None), rsa(None, None, None)]));
        assert!(two.find(None, Algorithm::RS256).is_empty());
        // While an issuer changes its keys, two may have the same id: each is tried.
        let twins =
            set(serde_json::json!([rsa(Some("t"), None, None), rsa(Some("t"), None, None)]));
        assert_eq!(twins.find(Some("t"), Algorithm::RS256).len(), 2);
        // An issuer that gives only some of its keys an id.
        let mixed = set(serde_json::json!([rsa(Some("old"), None, None), rsa(None, None, None)]));
        let [found] = &mixed.find(Some("new"), Algorithm::RS256)[..] else { panic!("one") };
        assert_eq!(found.common.key_id, None);
        let other = set(serde_json::json!([rsa(Some("one"), None, None)]));
        assert!(other.find(Some("two"), Algorithm::RS256).is_empty());
    }

    #[tokio::test]
    async fn names_of_an_issuer_are_those_that_it_tells() {
        let issuer = OpenIdIssuer::new("https://accounts.google.com", "us").expect("an issuer");
        let names = issuer.names(TokenKind::Id).await;
        assert_eq!(names, ["https://accounts.google.com", "accounts.google.com"]);
        let issuer = OpenIdIssuer::new("https://login.example/adfs", "us").expect("an issuer");
        let told = json!({ "access_token_issuer": "http://login.example/adfs/services/trust",
                           "authorization_response_iss_parameter_supported": true });
        let told: Endpoints = serde_json::from_value(told).expect("endpoints");
        assert!(told.names_itself());
        issuer.known.lock().await.endpoints = Some(told);
        assert_eq!(issuer.names(TokenKind::Id).await, ["https://login.example/adfs"]);
        assert_eq!(issuer.names(TokenKind::Access).await.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_of_an_issuer_that_is_away_are_good_for_a_day() {
        // A port that nothing listens on.
        let issuer = OpenIdIssuer::new("http://127.0.0.1:1", "praman").expect("an issuer");
        assert!(matches!(
            issuer.key(Some("one"), Algorithm::EdDSA).await,
            Err(AccessRefusal::IssuerAway)
        ));
        let set = serde_json::json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "kid": "one",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }] });
        {
            let mut known = issuer.known.lock().await;
            known.set = serde_json::from_value(set).expect("RFC 8037, A.2");
            known.told = Some(Instant::now());
        }
        for (hours, is_good) in [(0, true), (2, true), (23, true), (25, false), (40, false)] {
            let told = issuer.known.lock().await.told.expect("told");
            tokio::time::advance(Duration::from_secs(hours * 3_600) - told.elapsed()).await;
            let key = issuer.key(Some("one"), Algorithm::EdDSA).await;
            match is_good {
                true => assert!(key.is_ok(), "after {hours} hours"),
                false => {
                    assert!(matches!(key, Err(AccessRefusal::IssuerAway)), "after {hours} hours")
                }
            }
        }
    }

    #[test]
    fn issuer_without_tls_is_refused_unless_on_this_machine() {
        assert!(OpenIdIssuer::new("https://login.example", "praman").is_ok());
        assert!(OpenIdIssuer::new("http://127.0.0.1:8090/realm", "praman").is_ok());
        for bad in ["http://login.example", "ftp://127.0.0.1", "login.example", ""] {
            assert!(OpenIdIssuer::new(bad, "praman").is_err(), "{bad}");
        }
    }
}
