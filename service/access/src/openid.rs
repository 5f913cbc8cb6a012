//! Tokens of an OpenID issuer: issuer and subject identify the user, and only the store says what they may do,
//! so that an issuer gives no roles.
//!
//! Sources: OpenID Connect Discovery 1.0; RFC 7517 (JWK); RFC 7519 (JWT); RFC 8725 (best practices: the
//! algorithm is the key's and never the token's choice of none or of a shared secret).

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use praman_store::error::ServiceError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::openid_login::OpenIdClient;
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
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// By which algorithms a client may sign who it is.
    #[serde(default)]
    pub(super) token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
}

/// Keys as an issuer reports them: a key of an unknown kind is left out and does not spoil the others.
#[derive(Deserialize)]
struct ToldKeys {
    keys: Vec<serde_json::Value>,
}

impl From<ToldKeys> for JwkSet {
    fn from(told: ToldKeys) -> Self {
        let keys = told.keys.into_iter();
        Self { keys: keys.filter_map(|key| serde_json::from_value(key).ok()).collect() }
    }
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
        match fitting[..] {
            [only] if named.is_empty() && (id.is_none() || only.common.key_id.is_none()) => {
                vec![only.clone()]
            }
            _ => named,
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
    /// [`ServiceError::WrongUse`] for an address without TLS that is not this machine's.
    pub fn new(issuer: &str, audience: &str) -> Result<Self, ServiceError> {
        require_safe(issuer)?;
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ServiceError::Ledger(format!("a client of {issuer}: {error}")))?;
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
        let claims: Claims = self.verify(token, &self.audience).await?;
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
    ) -> Result<T, AccessRefusal> {
        let header = decode_header(token).map_err(|_| AccessRefusal::NotAuthorised)?;
        if !ALGORITHMS.contains(&header.alg) {
            self.tell_of(header.alg).await;
            return Err(AccessRefusal::NotAuthorised);
        }
        // RFC 7515, section 4.1.11: no extension that a token marks as critical is understood here.
        if header.crit.is_some() {
            self.say("a token with a critical extension was refused: none is known here");
            return Err(AccessRefusal::NotAuthorised);
        }
        let keys = self.key(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = SKEW_SECONDS;
        let by_key = |key: &Jwk| {
            let decoding = DecodingKey::from_jwk(key).ok()?;
            Some(decode::<T>(token, &decoding, &validation).ok()?.claims)
        };
        keys.iter().find_map(by_key).ok_or(AccessRefusal::NotAuthorised)
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
    async fn tell_of(&self, algorithm: Algorithm) {
        let name = format!("{algorithm:?}");
        let mut known = self.known.lock().await;
        if !known.told_of.contains(&name) {
            self.say(&format!(
                "tokens signed by {name} are not accepted: have the issuer sign with RS256, ES256 \
                 or EdDSA"
            ));
            known.told_of.push(name);
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
        let Endpoints { authorization_endpoint, token_endpoint, .. } = &discovered.endpoints;
        let places = [authorization_endpoint, token_endpoint].into_iter().flatten();
        for place in places.chain([&discovered.jwks_uri]) {
            require_safe(place).map_err(|error| error.to_string())?;
        }
        let keys: ToldKeys = self.get(&discovered.jwks_uri).await?;
        Ok((keys.into(), discovered.endpoints))
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let (status, body) = self.answer(self.http.get(url)).await?;
        if !status.is_success() {
            return Err(format!("it answers {status}"));
        }
        serde_json::from_slice(&body).map_err(|error| format!("its answer: {error}"))
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

/// Returns whether a key is for an algorithm and to sign: a token does not choose how its key is used.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
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
    let named = key.common.key_algorithm.map(|named| named.to_string());
    of_kind && named.is_none_or(|named| named == format!("{algorithm:?}"))
}

/// Checks that keys come over TLS or from this machine.
pub(super) fn require_safe(address: &str) -> Result<(), ServiceError> {
    let url = reqwest::Url::parse(address)
        .map_err(|error| ServiceError::WrongUse(format!("{address:?} is no address: {error}")))?;
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && is_local) {
        return Ok(());
    }
    Err(ServiceError::WrongUse(format!("{address}: an issuer's keys must come over https")))
}

#[cfg(test)]
mod tests {
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
        let other = set(serde_json::json!([rsa(Some("one"), None, None)]));
        assert!(other.find(Some("two"), Algorithm::RS256).is_empty());
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
