//! What the service stands on fails and comes back: each time it says what is wrong, goes on by itself, and
//! has lost nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anvil::Anvil;
use proxy::{Door, Proxy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use running::{Answer, Service};
use serde_json::json;
use support::State;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support;
use crate::support::{anvil, node_scene, proxy, service as running};

const SCHEME: &str = "krishak-bandhu";
const HOLDERS: [&str; 6] =
    ["WB070000002", "WB070000003", "WB070000005", "WB070000009", "WB070000013", "WB070000021"];

fn prove_all(state: &State, count: usize) -> Vec<&'static str> {
    let proved: Vec<&str> = HOLDERS
        .into_iter()
        .filter(|holder| state.prove(holder, SCHEME, support::year(), holder).code == 0)
        .collect();
    assert!(proved.len() >= count, "{proved:?}");
    proved
}

/// Asks until an answer is as it should be.
fn until(mut ask: impl FnMut() -> Answer, is_right: impl Fn(&Answer) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if is_right(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{} {}", answer.status, answer.body);
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn accepted(service: &Service, state: &State, holder: &str) {
    let answer = until(
        || service.submit(state, holder, "?wait=10", &[]),
        |answer| answer.status == 200 && answer.json()["state"] == "accepted",
    );
    assert_eq!(answer.json()["state"], "accepted");
}

// ---- the disk

/// Starts a service whose state lies on a small disk of its own, seen by it alone.
fn on_small_disk(state: &State) -> (Service, PathBuf) {
    fs::rename(state.path("state"), state.path("prepared")).expect("moved");
    fs::create_dir(state.path("state")).expect("a folder");
    let serve =
        state.command(&["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--proofs", "1"]);
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=32m none state && cp prepared/* state/ && exec \"$@\"")
        .arg("sh")
        .arg(serve.get_program())
        .args(serve.get_args())
        .current_dir(state.path("."));
    for (name, value) in serve.get_envs() {
        command.env(name, value.expect("set"));
    }
    let service = Service::run(command, "praman: listening at ").expect("it listens");
    let seen = format!("/proc/{}/root{}", service.child.id(), state.path("state").display());
    (service, PathBuf::from(seen))
}

/// Fills a disk to its last byte.
fn fill(disk: &Path) -> PathBuf {
    use std::io::Write;
    let path = disk.join("filler");
    let mut filler = fs::File::create(&path).expect("a file");
    for size in [1 << 20, 4_096, 1] {
        while filler.write_all(&vec![7; size]).is_ok() {}
    }
    path
}

#[test]
fn full_disk_refuses_claims_and_loses_none() {
    let state = State::with_everything(SCHEME, support::year());
    let holders = prove_all(&state, 3);
    let (service, disk) = on_small_disk(&state);
    accepted(&service, &state, holders[0]);
    let filler = fill(&disk);
    let mut refused = 0;
    for _ in 0..3 {
        // What fits into pages that are there already may still be kept.
        let answer = service.submit(&state, holders[1], "?wait=1", &[]);
        assert!(matches!(answer.status, 202 | 503), "{} {}", answer.status, answer.body);
        if answer.status == 503 {
            assert_eq!(answer.code(), "unavailable");
            refused += 1;
        }
    }
    assert!(refused > 0, "the disk is full");
    assert_eq!(service.curl("/healthz", &[]).status, 200);
    let said = service.said.lock().expect("whole").clone();
    assert!(said.contains("full"), "{said}");
    fs::remove_file(filler).expect("removed");
    for holder in &holders[..3] {
        accepted(&service, &state, holder);
    }
    // What the disk holds in the end is paid from: each claim once.
    let stopped = Command::new("kill").args(["-STOP", &service.child.id().to_string()]).status();
    assert!(stopped.expect("kill runs").success());
    for entry in fs::read_dir(&disk).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_owned();
        fs::copy(&path, state.path("state").join(name)).expect("copied");
    }
    drop(service);
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 3);
}

// ---- the clock

#[test]
fn clock_that_jumps_stops_nothing() {
    let library = ["x86_64", "aarch64"]
        .map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1"));
    let library = library.iter().find(|path| Path::new(path).exists());
    let library = library.expect("libfaketime is missing: install your system's package faketime");
    let state = State::with_everything(SCHEME, support::year());
    let holders = prove_all(&state, 4);
    let offset = state.path("offset");
    let jump = |text: &str| fs::write(&offset, text).expect("written");
    jump("+0");
    let mut command =
        state.command(&["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--proofs", "1"]);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &offset)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let service = Service::run(command, "praman: listening at ").expect("it listens");
    for (holder, offset) in holders.iter().zip(["+0", "+86400", "-86400", "+3600"]) {
        jump(offset);
        accepted(&service, &state, holder);
        assert_eq!(service.curl("/readyz", &[]).status, 200);
    }
    assert_eq!(service.stop(), 0);
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 4);
    assert_eq!(state.json(&["ledger", "verify-history"])["faults"], json!([]));
}

// ---- the chain

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn node(anvil: &Anvil) -> SocketAddr {
    anvil.url().trim_start_matches("http://").parse().expect("an address")
}

const RELAYER: [&str; 4] = ["--account", "relayer.key", "--proofs", "1"];

/// The service is hindered, says why, and keeps a claim meanwhile.
fn hindered(service: &Service, state: &State, holder: &str, words: &str) {
    let kept = service.submit(state, holder, "", &[]);
    assert_eq!(kept.status, 202, "{}", kept.body);
    let answer = until(|| service.curl("/readyz", &[]), |answer| answer.status == 503);
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains(words), "{message} does not say {words:?}");
    assert_eq!(service.curl("/healthz", &[]).status, 200);
}

#[test]
fn chain_that_is_gone_stuck_another_or_reorganised_comes_back() {
    let runtime = runtime();
    let anvil = runtime.block_on(Anvil::start(&[]));
    let proxy = Proxy::start(Door::To(node(&anvil)));
    let state = State::new();
    node_scene::take_part(&state, &runtime, &anvil, &format!("http://{}", proxy.address));
    node_scene::open(&state, SCHEME, support::year());
    let holders = prove_all(&state, 5);
    let service = Service::start(&state, &RELAYER);
    accepted(&service, &state, holders[0]);

    proxy.set(Door::Shut);
    hindered(&service, &state, holders[1], "no node answers");
    proxy.set(Door::To(node(&anvil)));
    accepted(&service, &state, holders[1]);
    until(|| service.curl("/readyz", &[]), |answer| answer.status == 200);

    // Another chain answers in its place.
    let other = runtime.block_on(Anvil::start(&["--chain-id", "999"]));
    proxy.set(Door::To(node(&other)));
    hindered(&service, &state, holders[2], "belongs to chain 999");
    proxy.set(Door::To(node(&anvil)));
    accepted(&service, &state, holders[2]);
    drop(other);

    // Nothing is mined.
    runtime.block_on(anvil.call("evm_setAutomine", json!([false])));
    hindered(&service, &state, holders[3], "");
    runtime.block_on(anvil.call("evm_setAutomine", json!([true])));
    node_scene::mine(&runtime, &anvil);
    accepted(&service, &state, holders[3]);

    // The last block is taken back, and with it a claim.
    runtime.block_on(anvil.call("anvil_reorg", json!([1, []])));
    accepted(&service, &state, holders[4]);
    for holder in &holders[..5] {
        accepted(&service, &state, holder);
    }
    assert_eq!(service.stop(), 0);
    let history = state.json(&["ledger", "verify-history"]);
    assert_eq!((&history["faults"], &history["claims"]), (&json!([]), &json!(5)));
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 5);
}

/// A certificate for the loopback that ends in a year.
fn certificate(issuer: &CertifiedIssuer<'static, KeyPair>, year: i32) -> TlsAcceptor {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(year, 1, 1);
    let certificate = parameters.signed_by(&key, issuer).expect("signed");
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(configuration))
}

#[test]
fn certificate_that_has_expired_is_named_and_a_new_one_goes_on() {
    let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key"));
    let issuer = issuer.expect("signed");
    let (good, expired) = (certificate(&issuer, 2_060), certificate(&issuer, 2_021));

    let runtime = runtime();
    let anvil = runtime.block_on(Anvil::start(&[]));
    let proxy = Proxy::start(Door::Tls(node(&anvil), good.clone()));
    let state = State::new();
    fs::write(state.path("issuer.pem"), issuer.pem()).expect("written");
    node_scene::take_part(&state, &runtime, &anvil, &anvil.url());
    node_scene::open(&state, SCHEME, support::year());
    let holders = prove_all(&state, 2);
    // Another folder joins the network through the certificate.
    state.json(&["ledger", "describe", "--out", "network.json"]);
    fs::rename(state.path("state"), state.path("first")).expect("moved");
    let url = format!("https://{}", proxy.address);
    let run = |arguments: &[&str]| {
        let mut command = state.command(arguments);
        command.env("SSL_CERT_FILE", state.path("issuer.pem"));
        command
    };
    let join = ["ledger", "join", "--rpc", &url, "--network", "network.json", "--json"];
    let joined = run(&join).output().expect("the program starts");
    assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stderr));
    let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0"];
    let command = run(&[&serve[..], &RELAYER].concat());
    let service = Service::run(command, "praman: listening at ").expect("it listens");
    accepted(&service, &state, holders[0]);
    proxy.set(Door::Tls(node(&anvil), expired));
    hindered(&service, &state, holders[1], "xpired");
    proxy.set(Door::Tls(node(&anvil), good));
    accepted(&service, &state, holders[1]);
    assert_eq!(service.stop(), 0);
}
