//! Issuing and revoking by the service, as an officer asks it by curl.

mod households;
mod persons;
use std::collections::HashSet;
use std::fs;
use std::process::Command;

use postgres::Postgres;
use praman::store::{Location, Store};
use running::{Answer, Service};
use serde_json::{Value, json};
use support::State;

use crate::support;
use crate::support::{postgres, service as running};

const SCHEME: &str = "krishak-bandhu";
const FARMER: &str = "WB070000002";

/// An office without credentials, and its officers' token.
fn with_office(database: Option<String>) -> (State, String) {
    let state = State::empty_on(database);
    let new = ["office", "new", "--name", "Block", "--schema", "resident", "--out", "office.json"];
    state.json(&new);
    state.set_up("eligibility", "keys");
    state.json(&["ledger", "start", "--keys", "keys"]);
    let token = token(&state, "office.json");
    (state, token)
}

fn token(state: &State, office: &str) -> String {
    state.json(&["office", "token", "--office", office, "--out", "token"]);
    fs::read_to_string(state.path("token")).expect("a token")
}

/// A service that issues, as an officer sees it.
struct Officer<'a> {
    service: &'a Service,
    token: &'a str,
}

impl Officer<'_> {
    fn ask(&self, path: &str, arguments: &[&str]) -> Answer {
        let shown = format!("Authorization: Bearer {}", self.token);
        self.service.curl(path, &[&["-H", &shown], arguments].concat())
    }

    /// Uploads a file; the register's path.
    fn upload(&self, file: &str, query: &str) -> String {
        let answer = self.ask(
            &format!("/v1/offices/0/registers{query}"),
            &["--data-binary", &format!("@{file}"), "-H", "Content-Type: text/csv"],
        );
        assert_eq!(answer.status, 202, "{}", answer.body);
        let place = answer.headers.lines().find_map(|line| line.strip_prefix("location: "));
        place.expect("a place").to_owned()
    }

    /// What became of it in the end.
    fn finished(&self, register: &str) -> Value {
        self.ask(&format!("{register}?wait=30"), &[]).json()
    }

    fn lines(&self, path: &str) -> Vec<Value> {
        let answer = self.ask(path, &[]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.headers.contains("no-store"), "{}", answer.headers);
        answer.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

fn sample() -> String {
    support::register().display().to_string()
}

#[test]
fn register_is_uploaded_followed_and_fetched() {
    let (state, token) = with_office(None);
    let service = Service::start(&state, &["--office", "office.json"]);
    let officer = Officer { service: &service, token: &token };
    let register = officer.upload(&sample(), "?secrets=made");
    let events = officer.ask(&format!("{register}/events"), &[]);
    assert!(events.body.contains("\"state\":\"issued\""), "{}", events.body);
    let issued = officer.finished(&register);
    for (field, expected) in [
        ("state", json!("issued")),
        ("rows", json!(2_191)),
        ("accepted", json!(1_987)),
        ("issued", json!(1_987)),
        ("already_issued", json!(0)),
        ("without_subject", json!(0)),
    ] {
        assert_eq!(issued[field], expected, "{field}: {issued}");
    }
    assert_eq!(issued["checked_bytes"], issued["bytes"]);
    let report = officer.ask(&format!("{register}/report"), &[]).body;
    let truth = fs::read_to_string(support::root().join("service/data/register-truth.csv"));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&report), sorted(&truth.expect("the truth")));

    // What was fetched claims.
    let credentials = officer.lines(&format!("{register}/credentials"));
    let wallets = officer.lines(&format!("{register}/wallets"));
    assert_eq!((credentials.len(), wallets.len()), (1_987, 1_987));
    let of = |lines: &[Value]| {
        let found = lines.iter().find(|line| line["register_no"] == FARMER);
        found.expect("the farmer's").clone()
    };
    let (credential, mut wallet) = (of(&credentials), of(&wallets));
    wallet.as_object_mut().expect("an object").remove("register_no");
    fs::create_dir_all(state.path("credentials/wallets")).expect("a folder");
    let write = |name: &str, value: &Value| {
        fs::write(state.path(&format!("credentials/{name}")), value.to_string()).expect("written");
    };
    write(&format!("{FARMER}.json"), &credential);
    write(&format!("wallets/{FARMER}.json"), &wallet);
    let scheme = support::scheme(SCHEME);
    let scheme = scheme.to_str().expect("UTF-8");
    for arguments in [
        &["treasury", "new", "--out", "treasury.json", "--payout", "payout.json"][..],
        &["ledger", "checkpoint", "--keys", "keys"],
    ] {
        state.json(arguments);
    }
    state.open_period(scheme, support::year(), &[]);
    state.json(&["snapshot", "--out", "snapshot.json"]);
    assert_eq!(state.prove(FARMER, SCHEME, support::year(), FARMER).code, 0);
    assert_eq!(service.submit(&state, FARMER, "?wait=20", &[]).json()["state"], "accepted");

    // The same register again: nobody gets a second credential.
    let again = officer.finished(&officer.upload(&sample(), "?secrets=made"));
    assert_eq!((&again["issued"], &again["already_issued"]), (&json!(0), &json!(1_987)));
    let listed = officer.ask("/v1/offices/0/registers", &[]).json();
    assert_eq!(listed["registers"].as_array().map(Vec::len), Some(2));

    // Revoked, all or none.
    let revoke = |numbers: Value| {
        let body = json!({ "register_nos": numbers }).to_string();
        officer.ask("/v1/offices/0/revocations", &["--data-binary", &body])
    };
    let refused = revoke(json!([FARMER, "WB1"]));
    assert_eq!((refused.status, refused.code().as_str()), (422, "no-live-credential"));
    let revoked = revoke(json!([FARMER, "WB070000003"]));
    assert_eq!(revoked.json()["revoked"], 2, "{}", revoked.body);
    let snapshot = service.curl("/v1/snapshot", &[]).json();
    assert_eq!(snapshot["offices"][0]["live"], 1_985);
    assert_eq!(snapshot["offices"][0]["root"], revoked.json()["root"]);
    assert_eq!(revoke(json!([])).status, 400);

    // Forgotten, and issued still.
    assert_eq!(officer.ask(&register, &["-X", "DELETE"]).status, 204);
    assert_eq!(officer.ask(&register, &[]).status, 404);
    assert_eq!(officer.ask(&format!("{register}/credentials"), &[]).status, 404);
    assert_eq!(officer.ask(&register, &["-X", "DELETE"]).status, 404);
    assert_eq!(service.stop(), 0);
}

/// A register of guesses does not become a way to look people up: what it tells is counted, bounded and logged.
#[test]
fn matches_with_people_of_other_offices_are_counted_and_bounded() {
    let (state, _) = with_office(None);
    let second = ["office", "new", "--name", "Second", "--schema", "resident", "--out", "two.json"];
    state.json(&second);
    fs::write(state.path("one.csv"), support::some_rows(&[FARMER], &[])).expect("written");
    let issue = ["issue", "--register", "one.csv", "--office", "office.json", "--out", "first"];
    assert_eq!(state.json(&issue)["issued"], 1);
    let token = token(&state, "two.json");
    let service = Service::start(&state, &["--office", "office.json", "--office", "two.json"]);
    let officer = Officer { service: &service, token: &token };
    let body = format!("@{}", state.path("one.csv").display());
    let upload = || {
        let path = "/v1/offices/1/registers?secrets=made";
        let id = officer.ask(path, &["--data-binary", &body]).json()["id"].clone();
        officer.finished(&format!("/v1/offices/1/registers/{}", id.as_str().expect("an id")))
    };
    state.json(&["access", "tenant", "town", "--title", "Town", "--office", "1"]);
    state.json(&["access", "quota", "town", "registers.matches", "--a-day", "1"]);
    let told = upload();
    assert_eq!((&told["state"], &told["enrolled"]), (&json!("issued"), &json!(1)), "{told}");
    let refused = upload();
    assert_eq!(refused["state"], "failed", "{refused}");
    let said = refused["message"].as_str().expect("a reason");
    assert!(said.contains("more than this office may learn in a day"), "{said}");
    state.json(&["audit", "export", "--out", "audit.ndjson"]);
    let log = fs::read_to_string(state.path("audit.ndjson")).expect("exported");
    assert_eq!(log.matches("\"action\":\"registers.matches\"").count(), 2, "{log}");
    assert_eq!(service.stop(), 0);
}

#[test]
fn holders_who_gave_their_commitment_keep_their_secret() {
    let (state, token) = with_office(None);
    let sample = fs::read(support::register()).expect("the sample");
    let sample = String::from_utf8_lossy(&sample);
    let commitment = "12345678901234567890";
    let mut register = String::new();
    for (number, line) in sample.lines().enumerate().take(60) {
        let cell = match number {
            0 => "subject",
            _ if line.starts_with(FARMER) => commitment,
            1 => "no number",
            _ => "",
        };
        register.push_str(&format!("{line},{cell}\n"));
    }
    fs::write(state.path("register.csv"), register).expect("written");
    let service = Service::start(&state, &["--office", "office.json"]);
    let officer = Officer { service: &service, token: &token };
    let path = state.path("register.csv").display().to_string();
    let uploaded = officer.upload(&path, "");
    let issued = officer.finished(&uploaded);
    assert_eq!(issued["issued"], 1, "{issued}");
    assert_eq!(issued["without_subject"], json!(issued["accepted"].as_u64().expect("some") - 1));
    let credentials = officer.lines(&format!("{uploaded}/credentials"));
    assert_eq!(credentials[0]["register_no"], FARMER);
    assert_eq!(credentials[0]["subject"], commitment);
    assert_eq!(officer.ask(&format!("{uploaded}/wallets"), &[]).status, 404);
    let report = officer.ask(&format!("{uploaded}/report"), &[]).body;
    assert!(report.contains(",reject,subject"), "{report}");
    assert_eq!(issued["repeated"], 0);
    // The others' wallets are made when the office asks for it; the farmer has a credential.
    let made = officer.finished(&officer.upload(&path, "?secrets=made"));
    assert_eq!((&made["already_issued"], &made["issued"]), (&json!(1), &issued["without_subject"]));
    assert_eq!(service.stop(), 0);
}

#[test]
fn upload_by_a_stranger_or_of_no_register_is_refused() {
    let (state, token) = with_office(None);
    let second =
        ["office", "new", "--name", "Other", "--schema", "resident", "--out", "other.json"];
    state.json(&second);
    let other = self::token(&state, "other.json");
    let service = Service::start(&state, &["--office", "office.json"]);
    let officer = Officer { service: &service, token: &token };
    let all = format!("/v1/offices/0/registers/{}", "0".repeat(64));
    for path in ["/v1/offices/0/registers", &all, &format!("{all}/credentials")] {
        assert_eq!(service.curl(path, &[]).status, 401, "{path}");
        for wrong in [&other, "", "zz"] {
            let answer = Officer { service: &service, token: wrong }.ask(path, &[]);
            assert_eq!((answer.status, answer.code().as_str()), (401, "not-authorised"), "{path}");
            assert!(answer.headers.contains("www-authenticate: bearer"), "{}", answer.headers);
        }
    }
    let body = ["--data-binary", r#"{"register_nos":["WB070000002"]}"#];
    assert_eq!(service.curl("/v1/offices/0/revocations", &body).status, 401);
    assert_eq!(officer.ask("/v1/offices/1/registers", &[]).status, 404);
    assert_eq!(officer.ask("/v1/offices/x/registers", &[]).status, 400);
    assert_eq!(officer.ask(&all, &[]).status, 404);
    assert_eq!(officer.ask("/v1/offices/0/registers/zz", &[]).status, 400);
    let upload = |body: &str, query: &str| {
        officer.ask(&format!("/v1/offices/0/registers{query}"), &["--data-binary", body])
    };
    assert_eq!(upload("a", "?secrets=known").status, 400);
    for (body, words) in [
        ("a,b\n1,2\n", "the header has no column register_no"),
        ("\u{feff}\n", "the file is empty"),
        ("", "the file is empty"),
    ] {
        let id = upload(body, "").json()["id"].as_str().expect("an id").to_owned();
        let register = format!("/v1/offices/0/registers/{id}");
        let failed = officer.finished(&register);
        assert_eq!(
            (&failed["state"], &failed["reason"]),
            (&json!("failed"), &json!("no-register"))
        );
        assert!(failed["message"].as_str().is_some_and(|said| said.contains(words)), "{failed}");
        assert_eq!(officer.ask(&format!("{register}/report"), &[]).status, 404);
    }
    let huge = state.path("huge.csv");
    fs::write(&huge, vec![b'x'; 65 << 20]).expect("written");
    let answer = upload(&format!("@{}", huge.display()), "");
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("at most 67108864 bytes"), "{}", answer.body);
    fs::write(&huge, "a\n".repeat(700_000)).expect("written");
    let id = upload(&format!("@{}", huge.display()), "").json()["id"].to_string();
    let failed = officer.finished(&format!("/v1/offices/0/registers/{}", id.trim_matches('"')));
    assert!(failed["message"].as_str().is_some_and(|said| said.contains("at most 600000 lines")));
    assert_eq!(service.stop(), 0);
    // A service without an office, and one with the key of an office elsewhere.
    let none = Service::start(&state, &[]);
    assert_eq!(none.curl("/v1/offices/0/registers", &[]).status, 401);
    assert_eq!(
        Officer { service: &none, token: &token }.ask("/v1/offices/0/registers", &[]).status,
        401
    );
    drop(none);
    let (elsewhere, _) = with_office(None);
    fs::copy(state.path("other.json"), elsewhere.path("other.json")).expect("copied");
    let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--office", "other.json"];
    elsewhere.refused(&serve, 1, "not accredited");
}

#[test]
fn uploaded_register_is_stored_in_no_column_in_clear() {
    let (state, token) = with_office(None);
    let service = Service::start(&state, &["--office", "office.json"]);
    let officer = Officer { service: &service, token: &token };
    let register = officer.upload(&sample(), "?secrets=made");
    assert_eq!(officer.finished(&register)["state"], "issued");
    let farmer = |path: &str| {
        let lines = officer.lines(&format!("{register}/{path}"));
        lines.into_iter().find(|line| line["register_no"] == FARMER).expect("the farmer's")
    };
    let (credential, wallet) = (farmer("credentials"), farmer("wallets"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let canaries = [
        "6563212233079".to_owned(),
        "UCBA0684268".to_owned(),
        "Hasina".to_owned(),
        "146507529174".to_owned(),
        FARMER.to_owned(),
        text(&wallet["secret"]),
        text(&credential["salt"]),
        token.clone(),
    ];
    let said = service.said.lock().expect("whole").clone();
    let mut places = vec![("what was said".to_owned(), said.into_bytes())];
    for entry in fs::read_dir(state.path("state")).expect("a folder") {
        let path = entry.expect("an entry").path();
        places.push((path.display().to_string(), fs::read(&path).expect("a file")));
    }
    for (place, bytes) in &places {
        for canary in &canaries {
            let stands = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!stands, "{canary} stands in {place}");
        }
    }
    assert_eq!(service.stop(), 0);
    // The store keeps to its master key: another is refused, and none is made in the place of a lost one.
    state.json(&["key", "new", "--out", "another.json"]);
    let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--office", "office.json"];
    let other = ["--master-key", "another.json"];
    state.refused(&[&serve[..], &other].concat(), 3, "under another master key");
    fs::rename(state.path("state/master-key.json"), state.path("kept.json")).expect("moved");
    state.refused(&serve, 2, "give it with --master-key");
    let kept = ["--office", "office.json", "--master-key", "kept.json"];
    let service = Service::start(&state, &kept);
    let officer = Officer { service: &service, token: &token };
    assert_eq!(officer.lines(&format!("{register}/credentials")).len(), 1_987);
    assert_eq!(service.stop(), 0);
    // Given to another office in the database, it opens no more.
    state.json(&[
        "office",
        "new",
        "--name",
        "Other",
        "--schema",
        "resident",
        "--out",
        "other.json",
    ]);
    let location = Location::new(&state.path("state"), None).expect("a place");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::connect(&location).await.expect("a store");
        let moved = sqlx::query("UPDATE register_upload SET office = 1");
        moved.execute(store.writer()).await.expect("moved");
        store.close().await;
    });
    let token = self::token(&state, "other.json");
    let arguments = ["--office", "other.json", "--master-key", "kept.json"];
    let service = Service::start(&state, &arguments);
    let officer = Officer { service: &service, token: &token };
    let stolen = register.replace("/offices/0/", "/offices/1/");
    assert_eq!(officer.ask(&stolen, &[]).status, 200);
    let answer = officer.ask(&format!("{stolen}/credentials"), &[]);
    assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"));
    assert_eq!(service.stop(), 0);
}

/// Dies at each point of issuing once; the register is issued once.
fn killed_at_each_point(database: Option<String>) {
    let (state, token) = with_office(database.clone());
    let location = Location::new(&state.path("state"), database.as_deref()).expect("a place");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let free_leases = || {
        // As if the dead program's lease had ended.
        runtime.block_on(async {
            let store = Store::connect(&location).await.expect("a store");
            let free = sqlx::query("UPDATE register_upload SET held_until = 0");
            free.execute(store.writer()).await.expect("freed");
            store.close().await;
        });
    };
    let sample = sample();
    for (point, attempts) in [
        ("issuing::uploaded", 0),
        ("issuing::taken", 1),
        ("issuing::written", 1),
        ("issuing::issued", 1),
    ] {
        let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--proofs", "1"];
        let mut command = state.command(&[&serve[..], &["--office", "office.json"]].concat());
        command.env("FAILPOINTS", format!("{point}=return"));
        let service = Service::run(command, "praman: listening at ").expect("it listens");
        if attempts == 0 {
            // The client hears nothing, and the register is kept.
            let sent = Command::new("curl")
                .args(["--silent", "-H", &format!("Authorization: Bearer {token}")])
                .args(["--data-binary", &format!("@{sample}")])
                .arg(format!("{}/v1/offices/0/registers?secrets=made", service.address))
                .output();
            assert!(!sent.expect("curl is there").status.success());
        }
        service.dies();
        free_leases();
    }
    let service = Service::start(&state, &["--office", "office.json"]);
    let officer = Officer { service: &service, token: &token };
    let listed = officer.ask("/v1/offices/0/registers", &[]).json();
    let registers = listed["registers"].as_array().expect("registers").clone();
    assert_eq!(registers.len(), 1);
    let id = registers[0]["id"].as_str().expect("an id").to_owned();
    let register = format!("/v1/offices/0/registers/{id}");
    assert_eq!(officer.finished(&register)["issued"], 1_987);
    let lines = officer.lines(&format!("{register}/credentials"));
    let holders: HashSet<String> =
        lines.iter().map(|line| line["register_no"].to_string()).collect();
    assert_eq!((lines.len(), holders.len()), (1_987, 1_987));
    let snapshot = service.curl("/v1/snapshot", &[]).json();
    assert_eq!(snapshot["offices"][0]["live"], 1_987);
    assert_eq!(service.stop(), 0);
}

#[cfg(feature = "failpoints")]
#[test]
fn service_that_dies_issues_all_or_nothing_and_once() {
    killed_at_each_point(None);
    let server = Postgres::start();
    killed_at_each_point(Some(server.address()));
}

/// A software token in a folder of its own.
fn soft_token(state: &State) -> String {
    fs::create_dir_all(state.path("tokens")).expect("a folder");
    let configuration = format!("directories.tokendir = {}\n", state.path("tokens").display());
    fs::write(state.path("softhsm.conf"), configuration).expect("written");
    let made = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", state.path("softhsm.conf"))
        .args(["--init-token", "--free", "--label", "praman", "--pin", "4321", "--so-pin", "8765"])
        .output()
        .expect("softhsm2-util is missing: install your system's package softhsm2");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    "/usr/lib/softhsm/libsofthsm2.so".to_owned()
}

#[test]
fn master_key_in_a_token_is_used_and_a_wrong_pin_is_refused() {
    let (state, token) = with_office(None);
    let module = soft_token(&state);
    fs::write(state.path("pin"), "4321\n").expect("written");
    fs::write(state.path("wrong"), "1234\n").expect("written");
    let run = |arguments: &[&str]| {
        let mut command = state.command(arguments);
        let output = command.env("SOFTHSM2_CONF", state.path("softhsm.conf")).output();
        let output = output.expect("the program starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let new = |out: &str, pin: &str, label: &str| {
        run(&[
            "key",
            "new",
            "--out",
            out,
            "--token-module",
            &module,
            "--token",
            label,
            "--passphrase-file",
            pin,
        ])
    };
    let (code, said) = new("master.json", "wrong", "praman");
    assert_eq!((code, said.contains("PIN is wrong")), (Some(1), true), "{said}");
    let (code, said) = new("master.json", "pin", "elsewhere");
    assert_eq!((code, said.contains("no token \"elsewhere\"")), (Some(3), true), "{said}");
    let (code, said) = new("master.json", "pin", "praman");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = new("second.json", "pin", "praman");
    assert_eq!((code, said.contains("already")), (Some(2), true), "{said}");
    assert_eq!(run(&["key", "check", "master.json", "--passphrase-file", "pin"]).0, Some(0));
    assert_eq!(run(&["key", "check", "master.json", "--passphrase-file", "wrong"]).0, Some(1));
    let told = fs::read_to_string(state.path("master.json")).expect("it tells where the key is");
    assert!(told.contains("praman-master-token-1") && !told.contains("4321"), "{told}");

    let serve = [
        "serve",
        "--keys",
        "keys",
        "--listen",
        "127.0.0.1:0",
        "--office",
        "office.json",
        "--master-key",
        "master.json",
        "--pin-file",
        "pin",
    ];
    let start = || {
        let mut command = state.command(&serve);
        command.env("SOFTHSM2_CONF", state.path("softhsm.conf"));
        Service::run(command, "praman: listening at ").expect("it listens")
    };
    let service = start();
    let officer = Officer { service: &service, token: &token };
    let register = officer.upload(&sample(), "?secrets=made");
    assert_eq!(officer.finished(&register)["issued"], 1_987);
    assert_eq!(service.stop(), 0);
    let service = start();
    let officer = Officer { service: &service, token: &token };
    assert_eq!(officer.lines(&format!("{register}/credentials")).len(), 1_987);
    assert_eq!(service.stop(), 0);
    // A second token of one label: no PIN is tried, and the right one is named by its serial number.
    soft_token(&state);
    let (code, said) = run(&["key", "check", "master.json", "--passphrase-file", "pin"]);
    assert_eq!((code, said.contains("there are 2 tokens \"praman\"")), (Some(3), true), "{said}");
    let serials = said.trim().rsplit_once("label: ").expect("serial numbers").1.to_owned();
    let opened = serials.split(", ").filter(|serial| {
        let named = told.replace("\"praman\"", &format!("\"{serial}\""));
        fs::write(state.path("named.json"), named).expect("written");
        run(&["key", "check", "named.json", "--passphrase-file", "pin"]).0 == Some(0)
    });
    assert_eq!(opened.count(), 1, "{serials}");
}
