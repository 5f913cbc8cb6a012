//! An OpenID issuer of a test's own, which tells of its tokens what a test says.

use std::collections::HashMap;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use rcgen::KeyPair;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a service is called at it.
pub(crate) const CLIENT: &str = "praman-desk";
/// The secret that it has given the service.
pub(crate) const SECRET: &str = "s3cret-of-the-desk";

/// An OpenID issuer of two keys, of which one is not its own any more.
pub(crate) struct Issuer {
    pub(crate) address: String,
    pub(crate) key: KeyPair,
    pub(crate) other: KeyPair,
    /// How often it was asked for its keys.
    pub(crate) asked: Arc<AtomicUsize>,
    /// Whom it has agreed to let in.
    agreed: Arc<Mutex<Agreed>>,
}

/// What it knows of those who come in by it.
#[derive(Default)]
struct Agreed {
    /// What was asked, by the code that was given for it.
    codes: HashMap<String, Option<Asked>>,
    /// What its tokens say otherwise than is true.
    lies: Vec<(String, Value)>,
    /// The client's public key, if it signs who it is in the place of a secret.
    client_key: Option<Vec<u8>>,
    /// How a client may show who it is, if the issuer says so.
    methods: Option<Vec<&'static str>>,
    /// The assertions that it has seen: each is good once.
    assertions: Vec<String>,
}

/// What a browser asks with.
#[derive(Clone, Deserialize)]
struct Asked {
    redirect_uri: String,
    state: String,
    nonce: String,
    code_challenge: String,
}

fn jwk(key: &KeyPair) -> Value {
    let point = key.public_key_raw();
    let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one",
            "x": coordinate(&point[1..33]), "y": coordinate(&point[33..65]) })
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let key = KeyPair::generate().expect("a key");
        let keys = json!({ "keys": [jwk(&key)] });
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        // Browsers come to it under another name than the desk's, and so from another site.
        let port = listener.local_addr().expect("an address").port();
        let described = json!({ "issuer": address, "jwks_uri": format!("{address}/keys"),
                                "authorization_endpoint": format!("http://localhost:{port}/authorize"),
                                "token_endpoint": format!("{address}/token"), "more": true });
        let agreed: Arc<Mutex<Agreed>> = Arc::default();
        let signer = Signer { address: address.clone(), key: key.serialize_der() };
        let given = agreed.clone();
        let taken = agreed.clone();
        let says = agreed.clone();
        let describe = move || {
            let mut described = described.clone();
            if let Some(methods) = &says.lock().expect("nobody panics").methods {
                described["token_endpoint_auth_methods_supported"] = json!(methods);
            }
            ready(Json(described))
        };
        let form = r#"<!doctype html><form method="post"><button id="yes">Yes</button></form>"#;
        let agree = move |Query(asked): Query<Asked>| ready(Redirect::to(&give(&given, asked)));
        let take = move |headers: HeaderMap, shown: String| {
            let shown = serde_urlencoded::from_str(&shown).expect("a whole request");
            ready(take(&taken, &signer, &headers, &shown))
        };
        let routes = Router::new()
            .route("/authorize", get(async move || Html(form)).post(agree))
            .route("/token", post(take))
            .route("/.well-known/openid-configuration", get(describe))
            .route(
                "/keys",
                get(async move || {
                    counted.fetch_add(1, Ordering::Relaxed);
                    Json(keys.clone())
                }),
            );
        tokio::spawn(async { axum::serve(listener, routes).await });
        let other = KeyPair::generate().expect("a key");
        Self { address, key, other, asked, agreed }
    }

    /// What an honest token says.
    pub(crate) fn claims(&self, subject: &str) -> Value {
        claims(&self.address, "praman", subject)
    }

    /// Lets somebody in who was sent to an address; where their browser is sent back to.
    pub(crate) fn agree(&self, address: &str) -> String {
        let query = address.split_once('?').expect("a query").1;
        give(&self.agreed, serde_urlencoded::from_str(query).expect("a whole request"))
    }

    /// Has tokens say something that is not so.
    pub(crate) fn say(&self, field: &str, value: Value) {
        self.agreed.lock().expect("nobody panics").lies.push((field.to_owned(), value));
    }

    /// Takes no secret from now on, but what the client signs with a key.
    pub(crate) fn take_signatures_of(&self, key: &KeyPair) {
        self.agreed.lock().expect("nobody panics").client_key = Some(key.public_key_raw().to_vec());
    }

    /// Says how a client may show who it is.
    pub(crate) fn take_only(&self, methods: &[&'static str]) {
        self.agreed.lock().expect("nobody panics").methods = Some(methods.to_vec());
    }

    pub(crate) fn say_the_truth(&self) {
        self.agreed.lock().expect("nobody panics").lies.clear();
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signed_by(&self.key, claims)
    }

    pub(crate) fn signed_by(&self, key: &KeyPair, claims: &Value) -> String {
        self.named(key, "one", claims)
    }

    pub(crate) fn named(&self, key: &KeyPair, id: &str, claims: &Value) -> String {
        sign(&key.serialize_der(), id, claims)
    }
}

fn claims(issuer: &str, audience: &str, subject: &str) -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({ "iss": issuer, "aud": audience, "sub": subject,
            "iat": now, "nbf": now, "exp": now + 600, "role": "oversight" })
}

fn sign(key: &[u8], id: &str, claims: &Value) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) };
    encode(&header, claims, &EncodingKey::from_ec_der(key)).expect("signed")
}

/// What signs the tokens of those who come in.
#[derive(Clone)]
struct Signer {
    address: String,
    key: Vec<u8>,
}

/// What a service shows for a token.
#[derive(Deserialize)]
struct Shown {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
    client_id: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
}

/// Whether a client has signed who it is, by a key, for a token endpoint, and not before (RFC 7523, section 3).
fn is_signed(shown: &Shown, key: &[u8], endpoint: &str, seen: &mut Vec<String>) -> bool {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let (Some(assertion), Some(told)) = (&shown.client_assertion, &shown.client_assertion_type)
    else {
        return false;
    };
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[endpoint]);
    rules.set_issuer(&[CLIENT]);
    rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = DecodingKey::from_ec_components(&coordinate(&key[1..33]), &coordinate(&key[33..65]));
    let Ok(read) = decode::<Value>(assertion, &key.expect("a key"), &rules) else { return false };
    let claims = read.claims;
    let id = claims["jti"].as_str().unwrap_or_default().to_owned();
    let is_new = !id.is_empty() && !seen.contains(&id);
    seen.push(id);
    let lasts = claims["exp"].as_i64().unwrap_or(0) - jiff::Timestamp::now().as_second();
    told == kind
        && shown.client_id.as_deref() == Some(CLIENT)
        && claims["sub"] == CLIENT
        && read.header.kid.as_deref() == Some("desk-1")
        && (1..=300).contains(&lasts)
        && is_new
}

/// Gives a code for what was asked.
fn give(agreed: &Mutex<Agreed>, asked: Asked) -> String {
    let mut agreed = agreed.lock().expect("nobody panics");
    let code = format!("code-{}-{}", agreed.codes.len(), &asked.state[..8]);
    let back = format!("{}?code={code}&state={}", asked.redirect_uri, asked.state);
    agreed.codes.insert(code, Some(asked));
    back
}

/// Takes a code for a token: once, and of the client and the attempt that it was given for.
fn take(
    agreed: &Mutex<Agreed>,
    signer: &Signer,
    headers: &HeaderMap,
    shown: &Shown,
) -> (StatusCode, Json<Value>) {
    let mut agreed = agreed.lock().expect("nobody panics");
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error })));
    let client = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let by_secret = headers.get("authorization").is_some_and(|shown| shown == client.as_str());
    let is_client = match agreed.client_key.clone() {
        None => by_secret,
        Some(key) => {
            let endpoint = format!("{}/token", signer.address);
            !headers.contains_key("authorization")
                && is_signed(shown, &key, &endpoint, &mut agreed.assertions)
        }
    };
    if !is_client {
        return refused("invalid_client");
    }
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&shown.code_verifier));
    let slot = agreed.codes.get_mut(&shown.code);
    let fits = |asked: &mut Asked| {
        asked.code_challenge == challenge && asked.redirect_uri == shown.redirect_uri
    };
    let asked = slot.and_then(|slot| slot.take_if(fits));
    let Some(asked) = asked.filter(|_| shown.grant_type == "authorization_code") else {
        return refused("invalid_grant");
    };
    let mut token = claims(&signer.address, CLIENT, "81f3");
    token["nonce"] = json!(asked.nonce);
    for (field, value) in &agreed.lies {
        token[field] = value.clone();
    }
    let answer = json!({ "access_token": "none", "token_type": "Bearer",
                         "id_token": sign(&signer.key, "one", &token) });
    (StatusCode::OK, Json(answer))
}
