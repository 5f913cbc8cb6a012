//! Who somebody is: by a certificate of mutual TLS, or by the token of an OpenID issuer.

use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use openid::{CLIENT, Issuer, SECRET};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use running::{Answer, Service};
use serde_json::{Value, json};
use support::{State, root};

use crate::support;
use crate::support::{openid, service as running};

fn ledger() -> State {
    let state = State::new();
    state.set_up("eligibility", "keys");
    for arguments in [
        &["ledger", "start", "--keys", "keys"][..],
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
    // What a page of another site has a browser send, with the certificate that it shows everywhere, is not
    // what its holder wants.
    let sent = |more: &[&str]| {
        let output = Command::new("curl")
            .current_dir(state.path("."))
            .args(["--silent", "--max-time", "20", "--cacert", "ours.pem", "--output", "answer"])
            .args(["--cert", "relay.pem", "--key", "relay.key.pem", "--write-out", "%{http_code}"])
            .args(more)
            .output()
            .expect("curl is there");
        String::from_utf8(output.stdout).expect("text")
    };
    let cases = format!("https://localhost:{port}/v1/cases");
    let (body, own) = (["--data", ""], format!("Origin: https://localhost:{port}"));
    for another in ["Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "Origin: null"] {
        assert_eq!(sent(&[&body[..], &["-H", another, &cases]].concat()), "401", "{another}");
        let identity = format!("https://localhost:{port}/v1/identity");
        assert_eq!(sent(&["-H", another, &identity]), "401", "{another}");
    }
    for same in ["Sec-Fetch-Site: same-origin", own.as_str()] {
        assert_eq!(sent(&[&body[..], &["-H", same, &cases]].concat()), "400", "it is read");
    }
    // Revoked, it is nobody's at once, and nobody's again: it may be in other hands.
    state.json(&["access", "revoke", &number.to_string()]);
    assert_eq!(ask("/v1/identity", Some("relay")).0, "401 2");
    let admit = ["access", "admit", "--name", "relay", "--role", "kiosk", "--tenant", "tests"];
    let again = [&admit[..], &["--certificate", "relay.pem"]].concat();
    state.refused(&again, 1, "this credential was already used");
    assert_eq!(service.stop(), 0);
    // What is no certificate is named.
    let serve =
        ["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--tls-key", "service.key.pem"];
    let bad = [&serve[..], &["--tls-certificate", "service.key.pem"]].concat();
    state.refused(&bad, 2, "service.key.pem: the file holds no certificate");
    let swapped = [&serve[..], &["--tls-certificate", "relay.pem"]].concat();
    state.refused(&swapped, 2, "relay.pem");
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
    // One subject is one principal, until that is revoked; then it may be another.
    let again = ["access", "admit", "--name", "R. Das", "--role", "auditor", "--tenant", "tests"];
    let again = [&again[..], &by].concat();
    state.refused(&again, 1, "this subject is already user 1");
    state.json(&["access", "revoke", &number.to_string()]);
    assert_eq!(ask(&whole).status, 401);
    state.json(&again);
    assert_eq!(ask(&whole).json()["role"], "auditor");
    state.json(&["access", "revoke", "2"]);
    assert_eq!(ask(&whole).status, 401);
    // At the desk somebody is admitted by a key or by a subject, and by one of them.
    let admit = ["access", "admit", "--name", "O. Roy", "--role", "oversight", "--tenant", "tests"];
    state.json(&[&admit[..], &["--key-out", "oversight.key"]].concat());
    let shown = fs::read_to_string(state.path("oversight.key")).expect("a key");
    let shown = format!("Authorization: Bearer {}", shown.trim());
    let (digest, new) = ("ab".repeat(32), issuer.claims("new.person"));
    for (name, known_by, status) in [
        ("K. Pal", vec!["subject=new.person".to_owned()], 200),
        ("K. Dey", vec!["subject=new.person".to_owned()], 422),
        ("K. Sen", vec![format!("digest={digest}")], 200),
        ("K. Nag", vec![format!("digest={digest}"), "subject=another".to_owned()], 400),
        ("K. Das", vec!["subject=  ".to_owned()], 400),
        ("K. Ray", vec!["digest=ab".to_owned()], 400),
    ] {
        let name = format!("name={name}");
        let mut more = vec!["--data-urlencode", &name, "-d", "role=kiosk&tenant=tests"];
        more.extend(known_by.iter().flat_map(|field| ["-d", field.as_str()]));
        let told = service.curl_as(&shown, "/desk/principals", &more);
        assert_eq!(told.status, status, "{name}: {}", told.body);
    }
    assert_eq!(ask(&issuer.token(&new)).json()["name"], "K. Pal");
    let page = service.curl_as(&shown, "/desk/principals?part=PAL&lang=en", &[]).body;
    assert!(page.contains("K. Pal") && !page.contains("K. Sen"), "{page}");
    assert!(page.contains("name=\"subject\""), "{page}");
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

/// A value of an address's query.
fn asked(address: &str, name: &str) -> String {
    let query = address.split_once('?').expect("a query").1;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).expect("it is asked").1.to_owned()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.headers.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
}

/// A cookie that an answer sets, as it is shown.
fn kept(answer: &Answer, name: &str) -> Option<String> {
    let mut lines = answer.headers.lines();
    let value = lines.find_map(|line| line.strip_prefix(&format!("set-cookie: {name}=")))?;
    Some(format!("Cookie: {name}={}", value.split(';').next()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn people_enter_the_desk_by_their_issuer_and_nobody_in_their_place() {
    let issuer = Issuer::start().await;
    let state = ledger();
    let admit = ["access", "admit", "--name", "R. Das", "--role", "auditor", "--tenant", "tests"];
    let by = ["--issuer", &issuer.address, "--subject", "81f3"];
    state.json(&[&admit[..], &by].concat());
    fs::write(state.path("client.secret"), format!("{SECRET}\n")).expect("written");
    // The address under which browsers come must be known before the service listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let desk = format!("http://127.0.0.1:{port}");
    let listen = format!("127.0.0.1:{port}");
    let openid = ["--openid-issuer", &issuer.address, "--openid-audience", "praman"];
    let login = ["--openid-client", CLIENT, "--openid-client-secret", "client.secret"];
    let at = ["--desk-address", &desk];
    let serve = ["serve", "--keys", "keys", "--listen", &listen];
    let command = state.command(&[&serve[..], &openid, &login, &at].concat());
    let service = Service::run(command, "praman: listening at ").expect("it says where");

    let begin = || {
        let begun = service.curl("/desk/enter/openid?back=/desk/audit", &[]);
        assert_eq!(begun.status, 303, "{}", begun.body);
        let cookie = kept(&begun, "praman-login").expect("an attempt");
        (begun.location.expect("an address"), cookie)
    };
    let entrance = service.curl("/desk/audit?lang=en", &[]);
    assert_eq!(entrance.status, 401);
    assert!(entrance.body.contains("/desk/enter/openid?back=%2Fdesk%2Faudit"), "{}", entrance.body);
    let (address, cookie) = begin();
    let place = issuer.address.replace("127.0.0.1", "localhost");
    assert!(address.starts_with(&format!("{place}/authorize?")), "{address}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked(&address, name), value, "{address}");
    }
    let secret = cookie.split_once('=').expect("a value").1.split('.').next().expect("a secret");
    assert!(!address.contains(secret), "the browser's secret stays with it");
    let end = |back: &str, cookie: &str| {
        let path = back.strip_prefix(&desk).expect("back at the desk");
        service.curl(path, &["-H", cookie])
    };
    let back = issuer.agree(&address);
    let came = end(&back, &cookie);
    assert_eq!(came.status, 200, "{}", came.body);
    assert_eq!(header(&came, "refresh"), Some("0; url=/desk/audit"));
    let ended = came.headers.lines().find(|line| line.contains("praman-login=;"));
    let is_ended = |line: &str| {
        ["samesite=strict", "max-age=0"]
            .iter()
            .all(|attribute| line.trim_end().split("; ").any(|one| one == *attribute))
    };
    assert!(ended.is_some_and(is_ended), "{}", came.headers);
    let session = kept(&came, "praman").expect("a session");
    assert_eq!(service.curl_as(&session, "/desk/audit", &[]).status, 200);

    let refused = |what: &str, back: &str, cookie: &str| {
        let refused = end(back, cookie);
        assert_eq!(refused.status, 422, "{what}: {}", refused.body);
        assert_eq!(kept(&refused, "praman"), None, "{what}");
        refused.body
    };
    refused("the same code again", &back, &cookie);
    let ((address, mine), (_, other)) = (begin(), begin());
    let back = issuer.agree(&address);
    refused("no browser that was sent", &back, "Cookie: none=1");
    refused("another's browser", &back, &other);
    let (state_of, code) = (asked(&back, "state"), asked(&back, "code"));
    let place = back.split_once('?').expect("a query").0;
    refused("another state", &format!("{place}?code={code}&state={}", "0".repeat(64)), &mine);
    let mixed = format!("{place}?code={code}&state={state_of}&iss=https://login.example");
    refused("another issuer", &mixed, &mine);
    let denied = format!("{place}?error=access_denied&state={state_of}");
    refused("nobody who agreed", &denied, &mine);
    // A code that was stolen on the way is good for nobody else, whose browser has another verifier.
    let (_, thief) = begin();
    let thiefs = issuer.agree(&begin().0);
    refused(
        "a stolen code",
        &format!("{place}?code={code}&state={}", asked(&thiefs, "state")),
        &thief,
    );
    assert_eq!(end(&back, &mine).status, 200, "the code was still good");

    let now = jiff::Timestamp::now().as_second();
    for (what, field, value) in [
        ("another attempt's token", "nonce", json!("0".repeat(64))),
        ("a token without a nonce", "nonce", Value::Null),
        ("another client's token", "aud", json!("another")),
        ("a token for another party", "azp", json!("another")),
        ("an old token", "exp", json!(now - 120)),
        ("another issuer's token", "iss", json!("https://login.example")),
    ] {
        let (address, cookie) = begin();
        issuer.say(field, value);
        refused(what, &issuer.agree(&address), &cookie);
        issuer.say_the_truth();
    }
    // Whom the issuer knows and nobody has admitted is told by what they would be.
    issuer.say("sub", json!("77aa <b>"));
    let (address, cookie) = begin();
    let unknown = refused("nobody here", &issuer.agree(&address), &cookie);
    assert!(unknown.contains("77aa &lt;b&gt;"), "{unknown}");
    issuer.say_the_truth();

    // In a browser, from another site and back.
    let walked = Command::new("node")
        .arg(root().join("tests/peers/enter.mjs"))
        .args([&desk, "/desk/audit"])
        .output()
        .expect("node is there");
    assert!(walked.status.success(), "{}", String::from_utf8_lossy(&walked.stderr));
    let ended: Value = serde_json::from_slice(&walked.stdout).expect("JSON");
    let one = json!({ "issuer": "localhost", "path": "/desk/audit", "who": "R. Das · auditor",
                      "cookies": ["praman true Strict"] });
    assert_eq!(ended, json!([one, one]));

    let said = service.said.lock().expect("nobody panics").clone();
    for hidden in [SECRET, code.as_str(), secret, "77aa"] {
        assert!(!said.contains(hidden), "{hidden} is told");
    }
    assert_eq!(service.stop(), 0);
    let log = state.json(&["audit", "export", "--out", "audit.ndjson"]);
    assert!(log["entries"].is_u64(), "{log}");
    let log = fs::read_to_string(state.path("audit.ndjson")).expect("exported");
    let begun = log.lines().filter(|line| line.contains("\"desk.session\"")).count();
    assert_eq!(begun, 4, "twice by hand, twice in a browser: {log}");

    // The issuer has the service's public key, and takes no secret.
    let mine = KeyPair::generate().expect("a key");
    fs::write(state.path("client.pem"), mine.serialize_pem()).expect("written");
    let strange = KeyPair::generate().expect("a key");
    fs::write(state.path("strange.pem"), strange.serialize_pem()).expect("written");
    issuer.take_signatures_of(&mine);
    for (key, expected) in [("client.pem", 200), ("client.pem", 200), ("strange.pem", 422)] {
        let signs = ["--openid-client", CLIENT, "--openid-client-key", key];
        let named = ["--openid-client-key-id", "desk-1"];
        let all = [&serve[..], &openid, &signs, &named, &at].concat();
        let service = Service::run(state.command(&all), "praman: listening at ").expect("listens");
        let begun = service.curl("/desk/enter/openid?back=/desk/audit", &[]);
        let cookie = kept(&begun, "praman-login").expect("an attempt");
        let back = issuer.agree(&begun.location.expect("an address"));
        let path = back.strip_prefix(&desk).expect("back at the desk");
        let came = service.curl(path, &["-H", &cookie]);
        assert_eq!(came.status, expected, "{key}: {}", came.body);
        assert_eq!(service.stop(), 0);
    }
    // One that says that it takes none is named in the log, and nobody is sent there in vain.
    let signs = ["--openid-client", CLIENT, "--openid-client-key", "client.pem"];
    for (methods, expected) in
        [(&["private_key_jwt"][..], 303), (&["client_secret_basic", "client_secret_post"], 503)]
    {
        issuer.take_only(methods);
        let all = [&serve[..], &openid, &signs, &at].concat();
        let service = Service::run(state.command(&all), "praman: listening at ").expect("listens");
        let begun = service.curl("/desk/enter/openid", &[]);
        assert_eq!(begun.status, expected, "{}", begun.body);
        let said = service.said.lock().expect("nobody panics").clone();
        assert_eq!(said.contains("does not take private_key_jwt"), expected == 503, "{said}");
        assert_eq!(service.stop(), 0);
    }
    fs::write(state.path("no.pem"), "-----BEGIN PRIVATE KEY-----\n").expect("written");
    let unreadable = ["--openid-client", CLIENT, "--openid-client-key", "no.pem"];
    state.refused(&[&serve[..], &openid, &unreadable, &at].concat(), 2, "PEM in PKCS #8");

    // An issuer that is away leaves the key.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}", silent.local_addr().expect("an address"));
    let away = ["--openid-issuer", &silent, "--openid-audience", "praman"];
    let service = Service::start(&state, &[&away[..], &login, &at].concat());
    let away = service.curl("/desk/enter/openid", &[]);
    assert_eq!((away.status, header(&away, "retry-after")), (503, Some("30")), "{}", away.body);
    assert!(away.body.contains("name=\"key\""));
    assert_eq!(service.stop(), 0);
    let wrong = |more: &[&str], text: &str| {
        state.refused(&[&serve[..], &openid, more].concat(), 2, text);
    };
    wrong(&login, "--desk-address");
    wrong(&[&login[..], &["--desk-address", "http://desk.example"]].concat(), "https");
    wrong(&[&login[..], &["--desk-address", "https://desk.example/x"]].concat(), "without a path");
    fs::write(state.path("client.secret"), "two words\n").expect("written");
    wrong(&[&login[..], &at].concat(), "client.secret: expected a secret alone on one line");
}
