//! The service over HTTP, as curl asks it, on both databases.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use postgres::Postgres;
use running::Service;
use serde_json::Value;
use support::State;

use crate::support;
use crate::support::{postgres, service as running};

const SCHEME: &str = "krishak-bandhu";
const HOLDERS: [&str; 4] = ["WB070000002", "WB070000003", "WB070000005", "WB070000009"];

fn with_claims() -> State {
    let state = State::with_everything(SCHEME, support::year());
    for holder in HOLDERS {
        assert_eq!(state.prove(holder, SCHEME, support::year(), holder).code, 0);
    }
    state
}

#[test]
fn claim_is_handed_in_and_followed_by_curl() {
    let state = with_claims();
    let service = Service::start(&state, &[]);
    assert_eq!(service.curl("/healthz", &[]).status, 200);
    assert_eq!(service.curl("/readyz", &[]).status, 200);

    let kept = service.submit(&state, HOLDERS[0], "", &["-H", "Idempotency-Key: a"]);
    assert_eq!(kept.status, 202, "{}", kept.body);
    let id = kept.json()["id"].as_str().expect("an id").to_owned();
    assert!(kept.headers.contains(&format!("location: /v1/claims/{id}")), "{}", kept.headers);
    let accepted = service.curl(&format!("/v1/claims/{id}?wait=20"), &[]).json();
    assert_eq!(accepted["state"], "accepted", "{accepted}");
    // The same again: the same receipt.
    let again = service.submit(&state, HOLDERS[0], "?wait=20", &["-H", "Idempotency-Key: a"]);
    assert_eq!((again.status, again.json()), (200, accepted.clone()));
    // The client's key for another claim.
    let other = service.submit(&state, HOLDERS[1], "", &["-H", "Idempotency-Key: a"]);
    assert_eq!((other.status, other.code().as_str()), (409, "key-used"));
    // A claim has eight names: nobody takes all the names of others by one claim.
    for number in 0..12 {
        let name = format!("Idempotency-Key: {number}");
        assert_eq!(service.submit(&state, HOLDERS[0], "?wait=20", &["-H", &name]).status, 200);
    }
    let free = service.submit(&state, HOLDERS[1], "?wait=20", &["-H", "Idempotency-Key: 11"]);
    assert_eq!((free.status, &free.json()["state"]), (200, &"accepted".into()), "{}", free.body);
    // A second claim of one person.
    assert_eq!(state.prove(HOLDERS[0], SCHEME, support::year(), "second").code, 0);
    let second = service.submit(&state, "second", "?wait=20", &[]).json();
    assert_eq!(
        (&second["state"], &second["reason"]),
        (&"refused".into(), &"already-claimed".into())
    );
    assert!(second["message"].as_str().is_some_and(|words| words.contains("claimed")));

    // It is in the store that the command line pays from.
    assert_eq!(service.stop(), 0);
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 2);
    let service = Service::start(&state, &[]);
    let ordered = service.curl(&format!("/v1/claims/{id}"), &[]).json();
    assert_eq!(ordered["state"], "ordered");
}

#[test]
fn public_data_is_served_to_anyone() {
    let state = with_claims();
    let service = Service::start(&state, &[]);
    let schemes = service.curl("/v1/schemes", &[]).json();
    assert_eq!(schemes["schemes"].as_array().map(Vec::len), Some(8));
    let text = service.curl(&format!("/v1/schemes/{SCHEME}"), &[]);
    assert!(text.body.contains("[[version.tier]]"), "{}", text.body);

    let snapshot = service.curl("/v1/snapshot", &[]);
    let tag = snapshot.headers.lines().find_map(|line| line.strip_prefix("etag: "));
    let tag = tag.expect("a tag").to_owned();
    assert_eq!(snapshot.json()["offices"][0]["live"], 1_987);
    let again = service.curl("/v1/snapshot", &["-H", &format!("If-None-Match: {tag}")]);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    state.json(&["revoke", "--office", "office.json", "--register-no", HOLDERS[3]]);
    let changed = service.curl("/v1/snapshot", &["-H", &format!("If-None-Match: {tag}")]);
    assert_eq!(changed.json()["offices"][0]["live"], 1_986);
    // Who has the first brings it up to date by what has changed: one leaf.
    std::fs::write(state.path("known.json"), &snapshot.body).expect("written");
    let root = snapshot.json()["root"].as_str().expect("a root").to_owned();
    let changes = service.curl(&format!("/v1/snapshot/changes?since={root}"), &[]);
    assert_eq!(changes.json()["offices"][0]["leaves"].as_array().map(Vec::len), Some(1));
    std::fs::write(state.path("changes.json"), &changes.body).expect("written");
    let updated = state.json(&["snapshot", "--out", "known.json", "--update", "changes.json"]);
    assert_eq!(updated["root"], changed.json()["root"]);
    let known = std::fs::read_to_string(state.path("known.json")).expect("a snapshot");
    assert_eq!(serde_json::from_str::<Value>(&known).expect("JSON"), changed.json());
    let twice = ["snapshot", "--out", "known.json", "--update", "changes.json"];
    state.refused(&twice, 2, "the snapshot's root is");
    assert_eq!(service.curl("/v1/snapshot/changes?since=5", &[]).status, 404);
    assert_eq!(service.curl("/v1/snapshot/changes?since=x", &[]).status, 400);
    assert_eq!(service.curl("/v1/snapshot/changes", &[]).status, 400);

    let read = |name: &str| std::fs::read_to_string(state.path(name)).expect("a file");
    let folder = HOLDERS[0];
    let (public, proof) =
        (read(&format!("{folder}/public.json")), read(&format!("{folder}/proof.json")));
    let body = format!(r#"{{"public": {public}, "proof": {proof}}}"#);
    assert_eq!(service.curl("/v1/verify", &["--data-binary", &body]).json()["valid"], true);
    let other = read(&format!("{}/public.json", HOLDERS[1]));
    let body = format!(r#"{{"public": {other}, "proof": {proof}}}"#);
    let verdict = service.curl("/v1/verify", &["--data-binary", &body]).json();
    assert_eq!(verdict["valid"], false);
}

#[test]
fn bad_requests_are_answered_with_what_is_wrong() {
    let state = with_claims();
    let service = Service::start(&state, &[]);
    let claim = std::fs::read_to_string(state.path(&format!("{}/claim.json", HOLDERS[0])));
    let claim: Value = serde_json::from_str(&claim.expect("a claim")).expect("JSON");
    let with = |field: &str, value: Value| {
        let mut other = claim.clone();
        other[field] = value;
        let file = state.path("other.json");
        std::fs::write(&file, other.to_string()).expect("written");
        let answer =
            service.curl("/v1/claims", &["--data-binary", &format!("@{}", file.display())]);
        (answer.status, answer.code())
    };
    let refused = |code: &str| (422, code.to_owned());
    let malformed = (400, "malformed".to_owned());
    assert_eq!(with("scheme", "no-such-scheme".into()), refused("scheme-unknown"));
    assert_eq!(with("scheme", "No Such".into()), malformed);
    assert_eq!(with("envelope", "00".into()), refused("envelope-malformed"));
    assert_eq!(with("envelope", "zz".into()), malformed);
    assert_eq!(with("as_of", 1.into()), refused("checkpoint-not-good"));
    assert_eq!(with("period", (-1).into()), malformed);
    assert_eq!(with("proof", Value::Null), refused("proof-invalid"));
    assert_eq!(with("secret", 1.into()), malformed);
    let modulus = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
    assert_eq!(with("nullifier", modulus.into()), malformed);

    let post = |body: &str| {
        let answer = service.curl("/v1/claims", &["--data-binary", body]);
        (answer.status, answer.json()["error"]["message"].as_str().expect("words").to_owned())
    };
    assert_eq!(post("{"), (400, "line 1, column 1: the text ends too early".to_owned()));
    assert_eq!(post("[]").0, 400);
    let huge = state.path("huge.json");
    std::fs::write(&huge, "x".repeat(1 << 20)).expect("written");
    let (status, words) = post(&format!("@{}", huge.display()));
    assert_eq!((status, words.as_str()), (400, "a body must have at most 65536 bytes"));
    for (path, status) in [
        ("/v1/claims/zz", 400),
        (&format!("/v1/claims/{}", "0".repeat(64)), 404),
        ("/v1/claims?wait=soon", 405),
        ("/v1/nothing", 404),
        ("/v1/schemes/nothing", 404),
        ("/v1/schemes/No", 400),
    ] {
        let answer = service.curl(path, &[]);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.json()["error"]["message"].is_string(), "{path}");
    }
    let long = format!("Idempotency-Key: {}", "a".repeat(129));
    assert_eq!(service.submit(&state, HOLDERS[0], "", &["-H", &long]).status, 400);
    // A client that never ends its request holds up neither others nor the end.
    let mut half_open = TcpStream::connect(service.host()).expect("connected");
    half_open
        .write_all(b"POST /v1/claims HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{")
        .expect("sent");
    assert_eq!(service.submit(&state, HOLDERS[0], "?wait=20", &[]).json()["state"], "accepted");
    drop(half_open);
    assert_eq!(service.stop(), 0);
}

/// Kills the service again and again while claims come in; each claim is accepted once.
fn killed_anywhere(arguments: &[&str], state: &State) {
    let mut service = Service::start(state, arguments);
    for round in 0..24u64 {
        let holder = HOLDERS[(round / 6) as usize];
        let file = state.path(&format!("{holder}/claim.json"));
        // Handed in by a client of its own, and killed in the midst of it.
        let mut client = Command::new("curl")
            .args(["--silent", "--max-time", "5", "--data-binary"])
            .arg(format!("@{}", file.display()))
            .arg(format!("{}/v1/claims?wait=5", service.address))
            .stdout(Stdio::null())
            .spawn()
            .expect("curl is there");
        std::thread::sleep(Duration::from_micros(8_000 + 1_500 * (round % 6)));
        service.child.kill().expect("killed");
        client.wait().expect("ends");
        service = Service::start(state, arguments);
    }
    for holder in HOLDERS {
        let receipt = service.submit(state, holder, "?wait=30", &[]);
        assert_eq!(receipt.json()["state"], "accepted", "{}", receipt.body);
        assert_eq!(service.submit(state, holder, "?wait=30", &[]).json(), receipt.json());
    }
    assert_eq!(service.stop(), 0);
}

#[test]
fn service_killed_anywhere_accepts_each_claim_once() {
    let state = with_claims();
    killed_anywhere(&[], &state);
    let paid = state.pay(SCHEME, support::year());
    assert_eq!(paid["claims"], HOLDERS.len());
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 0);
}

#[test]
fn two_services_on_one_database_do_the_same() {
    let mut server = Postgres::start();
    let state = State::on_database(Some(server.address()), SCHEME, support::year());
    for holder in HOLDERS {
        assert_eq!(state.prove(holder, SCHEME, support::year(), holder).code, 0);
    }
    let services = [Service::start(&state, &[]), Service::start(&state, &[])];
    for holder in &HOLDERS[..2] {
        let receipts = std::thread::scope(|scope| {
            services
                .each_ref()
                .map(|service| {
                    scope.spawn(|| service.submit(&state, holder, "?wait=30", &[]).json())
                })
                .map(|answer| answer.join().expect("answered"))
        });
        assert_eq!(receipts[0]["state"], "accepted", "{}", receipts[0]);
        assert_eq!(receipts[0], receipts[1]);
    }
    // One dies: what it was doing is done by the other.
    let [first, second] = services;
    drop(first);
    let receipt = second.submit(&state, HOLDERS[2], "?wait=30", &[]).json();
    assert_eq!(receipt["state"], "accepted", "{receipt}");
    // The database dies and comes back; so does the service, by itself.
    server.crash_and_restart();
    let mut receipt = Value::Null;
    for _ in 0..60 {
        let answer = second.submit(&state, HOLDERS[3], "?wait=30", &[]);
        receipt = answer.json();
        if answer.status == 200 {
            break;
        }
        assert!(matches!(answer.status, 503 | 202), "{}", answer.body);
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(receipt["state"], "accepted", "{receipt}");
    assert_eq!(second.stop(), 0);
    assert_eq!(state.pay(SCHEME, support::year())["claims"], HOLDERS.len());
}

#[test]
fn restored_backup_serves() {
    let state = with_claims();
    let service = Service::start(&state, &[]);
    let before = service.submit(&state, HOLDERS[0], "?wait=20", &[]).json();
    assert_eq!(before["state"], "accepted");
    // Taken while the service runs; what comes after it is not in it.
    state.json(&["backup", "--out", "backup.db"]);
    state.refused(&["backup", "--out", "backup.db"], 2, "never overwrites a file");
    assert_eq!(service.submit(&state, HOLDERS[1], "?wait=20", &[]).status, 200);
    drop(service);
    state.refused(&["restore", "--from", "backup.db"], 2, "already holds a state");
    std::fs::rename(state.path("state"), state.path("lost")).expect("lost");
    let bytes = std::fs::read(state.path("backup.db")).expect("a backup");
    for (name, cut) in [("cut.db", bytes.len() / 2), ("short.db", 100)] {
        std::fs::write(state.path(name), &bytes[..cut]).expect("written");
    }
    for broken in ["cut.db", "short.db"] {
        state.refused(&["restore", "--from", broken], 2, "not a complete backup");
    }
    // What is left of another state would be put over the backup.
    std::fs::create_dir_all(state.path("state")).expect("a folder");
    for left in ["state/praman.db-wal", "state/praman.db-shm", "state/praman.db-journal"] {
        std::fs::write(state.path(left), b"left").expect("written");
        state.refused(&["restore", "--from", "backup.db"], 2, "is left of another state");
        std::fs::remove_file(state.path(left)).expect("removed");
    }
    state.json(&["restore", "--from", "backup.db"]);
    let service = Service::start(&state, &[]);
    assert_eq!(service.submit(&state, HOLDERS[0], "", &[]).json(), before);
    assert_eq!(service.submit(&state, HOLDERS[1], "?wait=20", &[]).json()["state"], "accepted");
    assert_eq!(service.stop(), 0);
    state.resume_payments();
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 2);
}

#[test]
fn request_without_an_end_is_cut_off_when_the_service_stops() {
    let state = with_claims();
    let service = Service::start(&state, &[]);
    let mut idle = TcpStream::connect(service.host()).expect("open");
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).expect("answered");
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert_eq!(service.stop(), 0, "an idle connection holds nothing up");
}

#[test]
fn clients_that_send_nothing_or_too_slowly_are_cut_off() {
    let state = State::with_everything(SCHEME, support::year());
    let service = Service::start(&state, &[]);
    let begun = std::time::Instant::now();
    let connections =
        ["", "P", "POST /v1/claims HTTP/1.1\r\nHost: a", "PRI * HTTP/2.0\r\n"].map(|sent| {
            let mut connection = TcpStream::connect(service.host()).expect("open");
            connection.write_all(sent.as_bytes()).expect("sent");
            connection.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
            connection
        });
    for mut connection in connections {
        // Closed, with or without a word; it does not wait for ever.
        let mut said = Vec::new();
        let closed = connection.read_to_end(&mut said);
        let timed_out = closed.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out && begun.elapsed() < Duration::from_secs(25));
    }
    // Nor does one wait that sends a byte of a body, and then none.
    let begun = std::time::Instant::now();
    let mut slow = TcpStream::connect(service.host()).expect("open");
    slow.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let head = "POST /v1/claims HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{";
    slow.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).expect("answered");
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(service.curl("/healthz", &[]).status, 200, "others were served all the while");
    assert_eq!(service.stop(), 0);
}

#[test]
fn backup_moves_a_state_from_one_database_to_the_other_and_back() {
    let state = with_claims();
    let service = Service::start(&state, &["--office", "office.json"]);
    let before = service.submit(&state, HOLDERS[0], "?wait=20", &[]).json();
    assert_eq!(service.stop(), 0);
    state.json(&["backup", "--out", "file.db"]);
    // Into a database, on which it serves and goes on.
    let server = Postgres::start();
    let moved = state.on(Some(server.address()));
    moved.json(&["restore", "--from", "file.db"]);
    moved.refused(&["restore", "--from", "file.db"], 2, "already holds a state");
    let service = Service::start(
        &moved,
        &["--office", "office.json", "--master-key", "state/master-key.json"],
    );
    assert_eq!(service.submit(&moved, HOLDERS[0], "", &[]).json(), before);
    let second = service.submit(&moved, HOLDERS[1], "?wait=20", &[]).json();
    assert_eq!(second["state"], "accepted", "{second}");
    moved.json(&["backup", "--out", "database.db"]);
    moved.refused(&["backup", "--out", "database.db"], 2, "never overwrites a file");
    assert_eq!(service.stop(), 0);
    moved.resume_payments();
    assert_eq!(moved.pay(SCHEME, support::year())["claims"], 2);
    // And back into a file: what the backup holds, and no more.
    let mut back = moved.on(None);
    back.directory = "back".to_owned();
    back.json(&["restore", "--from", "database.db"]);
    let service = Service::start(&back, &[]);
    for (holder, receipt) in [(HOLDERS[0], &before), (HOLDERS[1], &second)] {
        assert_eq!(service.submit(&back, holder, "", &[]).json(), *receipt);
    }
    assert_eq!(service.stop(), 0);
    assert_eq!(back.json(&["ledger", "verify-history"])["claims"], 2);
}

#[test]
fn peer_that_floods_shuts_out_no_other() {
    let state = State::with_everything("krishak-bandhu", support::year());
    let part = ["--peer-connections", "16", "--metrics", "127.0.0.1:0"];
    let service = Service::start(&state, &part);
    let address = service.address.trim_start_matches("http://").to_owned();
    // Connections that begin a request and never end it.
    let mut open = Vec::new();
    for _ in 0..200 {
        use std::io::Write;
        let Ok(mut connection) = std::net::TcpStream::connect(&address) else { continue };
        let head = "POST /v1/claims HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{";
        let _ = connection.write_all(head.as_bytes());
        open.push(connection);
    }
    let other = service.curl("/healthz", &["--interface", "127.0.0.2"]);
    assert_eq!((other.status, other.body.as_str()), (200, "alive\n"));
    let other = service.curl("/v1/schemes", &["--interface", "127.0.0.2"]);
    assert_eq!(other.status, 200, "{}", other.body);
    // The operator's own listener answers, whoever floods the service.
    let said = service.said.lock().expect("whole").clone();
    let metrics = said.split("metrics at ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let health = metrics.expect("a listener").replace("/metrics", "/healthz");
    let asked = std::process::Command::new("curl").args(["-s", &health]).output().expect("curl");
    assert_eq!(asked.stdout, b"alive\n");
    // Whose connections end comes in again.
    drop(open);
    let again = (0..50).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let asked = std::process::Command::new("curl")
            .args(["-s", "-m", "2", &format!("{}/healthz", service.address)])
            .output();
        asked.is_ok_and(|asked| asked.stdout == b"alive\n")
    });
    assert!(again);
    assert_eq!(service.stop(), 0);
}
