//! Who somebody is: by a certificate of mutual TLS, or by the token of an OpenID issuer.

#[path = "support/service.rs"]
mod running;
mod support;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Json, Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use running::Service;
use serde_json::{Value, json};
use support::State;

fn ledger() -> State {
    let state = State::new();
    for arguments in [
        &["setup", "--circuit", "eligibility", "--out", "keys", "--insecure-seed", "1"][..],
        &["ledger", "start", "--keys", "keys"],
        &["access", "tenant", "tests", "--title", "Tests"],
    ] {
        state.json(arguments);
    }
    state
}

fn admit(state: &State, name: &str, more: &[&str]) -> Value {
    let admit = ["access", "admit", "--name", name, "--role", "kiosk", "--tenant", "tests"];
    state.json(&[&admit[..], more].concat())
}

fn authority(state: &State, name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
    let issuer = issuer.expect("an authority");
    fs::write(state.path(&format!("{name}.pem")), issuer.pem()).expect("written");
    issuer
}

fn certificate(state: &State, name: &str, issuer: &CertifiedIssuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().expect("a key");
    let signed = params.signed_by(&key, issuer).expect("signed");
    fs::write(state.path(&format!("{name}.pem")), signed.pem()).expect("written");
    fs::write(state.path(&format!("{name}.key.pem")), key.serialize_pem()).expect("written");
}

#[test]
fn machines_are_known_by_their_certificates() {
    let state = ledger();
    let (ours, theirs) = (authority(&state, "ours"), authority(&state, "theirs"));
    certificate(&state, "service", &ours);
    for name in ["relay", "stranger"] {
        certificate(&state, name, &ours);
    }
    certificate(&state, "forged", &theirs);
    let number =
        admit(&state, "relay", &["--certificate", "relay.pem"])["admitted"]["number"].clone();
    let tls = ["--tls-certificate", "service.pem", "--tls-key", "service.key.pem"];
    let service =
        Service::start(&state, &[&tls[..], &["--client-authorities", "ours.pem"]].concat());
    let port = service.address.rsplit(':').next().expect("a port").to_owned();
    assert!(service.address.starts_with("https://"), "{}", service.address);
    let ask = |path: &str, certificate: Option<&str>| {
        let mut curl = Command::new("curl");
        curl.current_dir(state.path("."))
            .args(["--silent", "--max-time", "20", "--cacert", "ours.pem", "--http2"])
            .args(["--write-out", "\n%{http_code} %{http_version}"]);
        if let Some(name) = certificate {
            curl.args(["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key.pem")]);
        }
        let output =
            curl.arg(format!("https://localhost:{port}{path}")).output().expect("curl is there");
        let text = String::from_utf8(output.stdout).expect("text");
        let (body, told) = text.rsplit_once('\n').expect("a code");
        (told.to_owned(), body.to_owned(), output.status.success())
    };
    let (told, body, _) = ask("/v1/identity", Some("relay"));
    assert_eq!(told, "200 2", "{body}");
    assert!(body.contains("\"name\":\"relay\""), "{body}");
    // Well signed, but nobody's; none; and one that another authority signed is not even spoken with.
    assert_eq!(ask("/v1/identity", Some("stranger")).0, "401 2");
    assert_eq!(ask("/v1/identity", None).0, "401 2");
    assert_eq!(ask("/v1/schemes", None).0, "200 2", "anyone may");
    assert!(!ask("/v1/schemes", Some("forged")).2);
    // Without TLS nothing is answered, and who dawdles over the handshake holds nobody up.
    let dawdling = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).expect("connected");
    let plain = Command::new("curl")
        .args(["--silent", "--max-time", "20", &format!("http://127.0.0.1:{port}/healthz")])
        .output()
        .expect("curl is there");
    assert!(plain.stdout.is_empty());
    assert_eq!(ask("/healthz", None).1, "alive\n");
    drop(dawdling);
    // Revoked, it is nobody's at once.
    state.json(&["access", "revoke", &number.to_string()]);
    assert_eq!(ask("/v1/identity", Some("relay")).0, "401 2");
    assert_eq!(service.stop(), 0);
    // What is no certificate is named.
    let serve =
        ["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--tls-key", "service.key.pem"];
    let bad = [&serve[..], &["--tls-certificate", "service.key.pem"]].concat();
    state.refused(&bad, 2, "service.key.pem: holds no certificate");
    let swapped = [&serve[..], &["--tls-certificate", "relay.pem"]].concat();
    state.refused(&swapped, 2, "relay.pem");
}

/// An OpenID issuer of two keys, of which one is not its own any more.
struct Issuer {
    address: String,
    key: KeyPair,
    other: KeyPair,
    /// How often it was asked for its keys.
    asked: Arc<AtomicUsize>,
}

fn jwk(key: &KeyPair) -> Value {
    let point = key.public_key_raw();
    let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one",
            "x": coordinate(&point[1..33]), "y": coordinate(&point[33..65]) })
}

impl Issuer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let key = KeyPair::generate().expect("a key");
        let keys = json!({ "keys": [jwk(&key)] });
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let described =
            json!({ "issuer": address, "jwks_uri": format!("{address}/keys"), "more": true });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(described)))
            .route(
                "/keys",
                get(async move || {
                    counted.fetch_add(1, Ordering::Relaxed);
                    Json(keys.clone())
                }),
            );
        tokio::spawn(async { axum::serve(listener, routes).await });
        Self { address, key, other: KeyPair::generate().expect("a key"), asked }
    }

    /// What an honest token says.
    fn claims(&self, subject: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({ "iss": self.address, "aud": "praman", "sub": subject,
                "iat": now, "nbf": now, "exp": now + 600, "role": "oversight" })
    }

    fn token(&self, claims: &Value) -> String {
        self.signed_by(&self.key, claims)
    }

    fn signed_by(&self, key: &KeyPair, claims: &Value) -> String {
        self.named(key, "one", claims)
    }

    fn named(&self, key: &KeyPair, id: &str, claims: &Value) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) };
        let key = EncodingKey::from_ec_der(&key.serialize_der());
        encode(&header, claims, &key).expect("signed")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_known_by_their_issuers_tokens_and_have_the_stores_roles() {
    let issuer = Issuer::start().await;
    let state = ledger();
    let by = ["--issuer", &issuer.address, "--subject", "81f3"];
    let number = admit(&state, "R. Das", &by)["admitted"]["number"].clone();
    let openid = ["--openid-issuer", &issuer.address, "--openid-audience", "praman"];
    let service = Service::start(&state, &openid);
    let ask = |token: &str| {
        let shown = format!("Authorization: Bearer {token}");
        service.curl_as(&shown, "/v1/identity", &[])
    };
    let good = issuer.claims("81f3");
    let known = ask(&issuer.token(&good));
    assert_eq!(known.status, 200, "{}", known.body);
    // What the token says of roles is not heard.
    assert_eq!((&known.json()["name"], &known.json()["role"]), (&json!("R. Das"), &json!("kiosk")));

    let with = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        claims
    };
    let now = jiff::Timestamp::now().as_second();
    let mut endless = good.clone();
    endless.as_object_mut().expect("claims").remove("exp");
    for (what, claims) in [
        ("another subject", issuer.claims("81f4")),
        ("another audience", with("aud", json!("another"))),
        ("another issuer", with("iss", json!("https://login.example"))),
        ("expired", with("exp", json!(now - 120))),
        ("not yet", with("nbf", json!(now + 120))),
        ("endless", endless),
        ("nobody", with("sub", Value::Null)),
    ] {
        let refused = ask(&issuer.token(&claims));
        assert_eq!((refused.status, refused.code().as_str()), (401, "not-authorised"), "{what}");
    }
    assert_eq!(ask(&issuer.token(&with("aud", json!(["other", "praman"])))).status, 200);
    // Signed by another key of the same name, by none, or by the public key as if it were a secret.
    assert_eq!(ask(&issuer.signed_by(&issuer.other, &good)).status, 401);
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&good));
    assert_eq!(ask(&unsigned).status, 401);
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let public = EncodingKey::from_secret(issuer.key.public_key_raw());
    assert_eq!(ask(&encode(&header, &good, &public).expect("signed")).status, 401);
    let whole = issuer.token(&good);
    for broken in [&whole[..whole.len() - 4], "a.b.c", "..", "."] {
        assert_eq!(ask(broken).status, 401, "{broken}");
    }
    // Whoever makes keys up does not have the issuer asked each time.
    for made_up in 0..20 {
        let token = issuer.named(&issuer.other, &format!("made-up-{made_up}"), &good);
        assert_eq!(ask(&token).status, 401);
    }
    let asked = issuer.asked.load(Ordering::Relaxed);
    assert!((1..=2).contains(&asked), "asked {asked} times");
    state.json(&["access", "revoke", &number.to_string()]);
    assert_eq!(ask(&whole).status, 401);
    assert!(!service.said.lock().expect("nobody panics").contains("81f3"), "no subject is told");
    assert_eq!(service.stop(), 0);

    // An issuer that is away is told apart from a wrong token, and holds nobody up more than once.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}", listener.local_addr().expect("an address"));
    let away = ["--openid-issuer", &silent, "--openid-audience", "praman"];
    let service = Service::start(&state, &away);
    let shown = format!("Authorization: Bearer {whole}");
    let later = service.curl_as(&shown, "/v1/identity", &[]);
    assert_eq!((later.status, later.code().as_str()), (503, "unavailable"), "{}", later.body);
    assert!(later.headers.contains("retry-after: "), "{}", later.headers);
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(service.curl_as(&shown, "/v1/identity", &[]).status, 503);
    }
    assert!(begun.elapsed().as_secs() < 5, "it is not waited for again at once");
    assert_eq!(service.stop(), 0);
    let serve = ["serve", "--keys", "keys", "--openid-audience", "praman", "--openid-issuer"];
    state.refused(&[&serve[..], &["http://login.example"]].concat(), 2, "come over https");
}
