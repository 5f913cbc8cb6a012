//! The way of a consent through public doors: command line, HTTP, gRPC, kills, and another implementation's
//! check of its proof.

use std::fs;
use std::process::Command;

use consent_scene::request_json;
use serde_json::{Value, json};
use service::Service;
use support::{State, peer, root};

use crate::support;
use crate::support::{consent_scene, service};

const PATIENT: &str = "rahima@praman-cm";

fn request(state: &State, id: &str) {
    let mut request = request_json();
    request["requestId"] = json!(id);
    request["consent"]["permission"]["frequency"]["repeats"] = json!(2);
    fs::write(state.path("request.json"), request.to_string()).expect("written");
}

const REQUEST: &str = "5f7a535d-a3fd-416b-b069-c97d021fbacd";
const MANAGER: [&str; 2] = ["--manager", "manager.json"];

/// A provider with a record of a patient, who has granted a request.
struct Granted {
    state: State,
    requester: String,
    consent: String,
    consent_id: String,
}

impl Granted {
    /// What shows that the requester asks.
    fn shown(&self) -> String {
        let text = fs::read_to_string(self.state.path("first/access.json")).expect("an access");
        let access: Value = serde_json::from_str(&text).expect("JSON");
        self.state.shown("application", &["--member", &access["requester"].to_string()])
    }

    fn new() -> Self {
        let state = State::new();
        state.set_up("eligibility", "keys");
        state.set_up("consent", "consent-keys");
        for arguments in [
            &["ledger", "start", "--keys", "keys"][..],
            &["consent", "manager", "--name", "praman-cm", "--out", "manager.json"],
            &["consent", "provider", "--name", "city-laboratory"],
            &["consent", "wallet", "--out", "wallet.json"],
        ] {
            state.json(arguments);
        }
        let requester =
            state.json(&["consent", "requester", "--name", "heart-clinic", "--out", "heart.json"]);
        let subject = ["consent", "subject", "--wallet", "wallet.json"];
        let subject = state.json(&[&subject[..], &["--provider", "city-laboratory"]].concat());
        let subject = subject["subject"].as_str().expect("a commitment");
        fs::write(state.path("report.txt"), "troponin 0.04").expect("written");
        let record = ["consent", "record", "--provider", "city-laboratory", "--subject", subject];
        let what = ["--type", "DiagnosticReport", "--date", "2026-05-04"];
        let files = ["--content", "report.txt", "--out", "record.json"];
        state.json(&[&record[..], &what, &files].concat());
        request(&state, REQUEST);
        let asked = state.json(&[&["consent", "request", "request.json"][..], &MANAGER].concat());
        assert_eq!(
            (asked["state"].as_str(), &asked["repeated"]),
            (Some("REQUESTED"), &json!(false))
        );
        let again = state.json(&[&["consent", "request", "request.json"][..], &MANAGER].concat());
        assert_eq!(again["repeated"], true);
        let register = ["consent", "register", "--patient", PATIENT, "--language", "bn"];
        state.json(&[&register[..], &["--wallet", "wallet.json"], &MANAGER].concat());
        let grants = json!({ "grants": [
            { "hip": { "id": "city-laboratory" }, "hiTypes": ["DiagnosticReport"] },
        ] });
        fs::write(state.path("grants.json"), grants.to_string()).expect("written");
        let grant = ["consent", "grant", REQUEST, "--grants", "grants.json"];
        let by = ["--wallet", "wallet.json", "--language", "bn", "--out", "consents"];
        let granted = state.json(&[&grant[..], &by, &MANAGER].concat());
        // Granted again it is refused; its files can be had again.
        state.refused(
            &[&grant[..], &by, &MANAGER].concat(),
            1,
            "already granted for this provider",
        );
        let files = ["consent", "files", REQUEST, "--wallet", "wallet.json", "--out", "again"];
        let again = state.json(&[&files[..], &MANAGER].concat());
        assert_eq!(again["granted"][0]["consent"], granted["granted"][0]["consent"]);
        let granted = &granted["granted"][0];
        Self {
            requester: requester["requester"].to_string(),
            consent: granted["file"].as_str().expect("a file").to_owned(),
            consent_id: granted["consent"].as_str().expect("an id").to_owned(),
            state,
        }
    }

    fn prove<'a>(&'a self, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let from = ["consent", "prove", "--consent", &self.consent, "--record", "record.json"];
        let by = ["--wallet", "wallet.json", "--requester", &self.requester];
        let what = ["--purpose", "CAREMGT", "--keys", "consent-keys", "--out", out];
        [&from[..], &by, &what, more].concat()
    }

    fn release(&self, folder: &str) -> support::Ran {
        let file = format!("{folder}/access.json");
        self.state.run(&["consent", "release", &file, "--keys", "consent-keys", "--json"])
    }
}

#[test]
fn consent_is_given_used_seen_and_withdrawn_by_command_line() {
    let granted = Granted::new();
    let state = &granted.state;
    state.json(&granted.prove("first", &["--wtns", "c.wtns"]));
    let released = granted.release("first");
    assert_eq!(released.code, 0, "{}", released.err);
    // The same again is the same access; a fresh proof of the same is refused; the next is given.
    let again: Value = serde_json::from_str(&granted.release("first").out).expect("JSON");
    assert_eq!(again["repeated"], true);
    state.json(&granted.prove("same", &["--number", "0"]));
    let refused = granted.release("same");
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("access-used"), "{}", refused.out);
    state.json(&granted.prove("second", &[]));
    assert_eq!(granted.release("second").code, 0);
    state.refused(&granted.prove("third", &[]), 1, "C9");
    let mut wrong = granted.prove("wrong", &["--number", "0"]);
    let place = wrong.iter().position(|word| *word == "CAREMGT").expect("a purpose");
    wrong[place] = "HPAYMT";
    state.refused(&wrong, 1, "C3");
    wrong[place] = "CARE";
    state.refused(&wrong, 2, "not a code of a purpose");

    // snarkjs takes the witness and the proof.
    state.json(&["circuit", "export", "consent", "--r1cs", "c.r1cs"]);
    let folder = state.path(".");
    let snarkjs = |arguments: &[&str]| {
        let ran = peer("snarkjs", arguments, &folder);
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    assert!(snarkjs(&["wtns", "check", "c.r1cs", "c.wtns"]).contains("WITNESS IS CORRECT"));
    // Another's circuit and witness are checked the same way from the command line.
    let check = ["circuit", "check", "--r1cs", "c.r1cs", "--wtns"];
    let checked = state.json(&[&check[..], &["c.wtns"]].concat());
    assert_eq!(checked["satisfied"], true, "{checked}");
    let mut altered = fs::read(state.path("c.wtns")).expect("a witness");
    let last = altered.len() - 32;
    altered[last] ^= 1;
    fs::write(state.path("altered.wtns"), altered).expect("written");
    state.refused(&[&check[..], &["altered.wtns"]].concat(), 1, "does not satisfy the circuit");
    state.refused(&["circuit", "check", "--r1cs", "c.wtns"], 2, "it is no .r1cs file");
    // No wire of it is free, by its name and as another's file.
    for audited in [&["consent"][..], &["--r1cs", "c.r1cs", "--wtns", "c.wtns"]] {
        let audited = state.json(&[&["circuit", "audit"], audited].concat());
        assert_eq!(audited["every_wire_is_determined"], true, "{audited}");
        assert_eq!(audited["dropped_inputs"], 0, "{audited}");
    }
    state.refused(&["circuit", "audit", "--r1cs", "c.wtns"], 2, "it is no .r1cs file");
    state.refused(&["circuit", "audit", "consent", "--r1cs", "c.r1cs"], 2, "cannot be used with");
    let verify = |public: &str| {
        let key = "consent-keys/verification_key.json";
        snarkjs(&["groth16", "verify", key, public, "first/proof.json"])
    };
    assert!(verify("first/public.json").contains("OK!"));
    assert!(!verify("second/public.json").contains("OK!"));

    let view = |language: &str| {
        let of = ["consent", "view", "--patient", PATIENT, "--wallet", "wallet.json"];
        let how = ["--language", language, "--html", "view.html"];
        state.json(&[&of[..], &how, &MANAGER].concat())
    };
    let seen = view("bn");
    assert_eq!(seen["live"][0]["uses"].as_array().map(Vec::len), Some(2), "{seen}");
    assert!(fs::read_to_string(state.path("view.html")).expect("a page").contains("ব্যবহার হয়েছে"));
    let artefact = ["consent", "export", &granted.consent, "--out", "artefact.json"];
    state.json(&artefact);
    let checked = state.json(&["consent", "check", "artefact.json"]);
    assert_eq!(
        (checked["document"].as_str(), checked["hiu"].as_str()),
        (Some("artefact"), Some("heart-clinic"))
    );
    assert_eq!(checked["status"], "GRANTED");

    state.json(&granted.prove("late", &["--number", "1"]));
    let withdraw = ["consent", "withdraw", &granted.consent, "--wallet", "wallet.json"];
    let withdraw = [&withdraw[..], &MANAGER].concat();
    state.json(&withdraw);
    state.refused(&withdraw, 1, "already withdrawn");
    // The artefact says so from now on, and nobody takes it for one in force.
    let mut again = artefact;
    again[4] = "withdrawn.json";
    assert_eq!(state.json(&again)["status"], "REVOKED");
    assert_eq!(state.json(&["consent", "check", "withdrawn.json"])["status"], "REVOKED");
    let refused = granted.release("late");
    assert!(refused.code == 1 && refused.out.contains("access-used"), "{}", refused.out);
    let refused = granted.release("first");
    assert!(refused.code == 1 && refused.out.contains("roots-moved"), "{}", refused.out);
    state.refused(&granted.prove("never", &["--number", "0"]), 1, "C3");
    assert_eq!(view("hi")["ended"][0]["state"], "REVOKED");

    let erasures = ["consent", "erasures", "--requester", "heart-clinic"];
    assert_eq!(state.json(&erasures)["erasures"].as_array().map(Vec::len), Some(1));
    state.json(&["consent", "erased", &granted.consent_id, "--key", "heart.json"]);
    assert_eq!(state.json(&erasures)["erasures"].as_array().map(Vec::len), Some(0));
    assert_eq!(view("en")["ended"][0]["erased"], true);
    assert_eq!(state.json(&["consent", "overdue"])["overdue"], json!([]));
    let history = state.json(&["ledger", "verify-history"]);
    assert_eq!((&history["accesses"], &history["withdrawals"]), (&json!(2), &json!(1)));
    bad_files_are_refused(&granted);
    an_emergency_is_opened_told_and_reviewed(state);
}

fn an_emergency_is_opened_told_and_reviewed(state: &State) {
    let emergency =
        |arguments: &[&str]| state.json(&[&["consent", "break-glass"], arguments].concat());
    for (name, key) in [("Dr. Das", "das.json"), ("Dr. Khatun", "khatun.json")] {
        let clinician = ["clinician", "--provider", "city-laboratory", "--name", name];
        emergency(&[&clinician[..], &["--out", key]].concat());
    }
    // One person is one clinician however the name is written; who left signs no more; and all of it is logged.
    let clinician = ["consent", "break-glass", "clinician", "--provider", "city-laboratory"];
    let named =
        |name: &'static str| [&clinician[..], &["--name", name, "--out", "third.json"]].concat();
    state.refused(&named("Dr Das"), 1, "is a clinician of this provider already");
    assert!(!state.path("third.json").exists(), "no key is left of who was refused");
    state.json(&named("Dr. Left"));
    let remove = ["remove-clinician", "--provider", "city-laboratory", "--name", "Dr. Left"];
    emergency(&remove);
    state.refused(&[&["consent", "break-glass"][..], &remove].concat(), 1, "no clinician");
    state.json(&["access", "tenant", "kiosks", "--title", "Kiosks"]);
    let kiosk = ["access", "admit", "--name", "K", "--role", "kiosk", "--tenant", "kiosks"];
    state.json(&[&kiosk[..], &["--key-out", "kiosk.key"]].concat());
    state.refused(&[&["--as", "kiosk.key"][..], &named("Dr. No")].concat(), 1, "may not do this");
    state.json(&["audit", "export", "--out", "clinicians.ndjson"]);
    let log = fs::read_to_string(state.path("clinicians.ndjson")).expect("exported");
    assert!(log.contains("clinicians.keep") && log.contains("providers.keep"), "{log}");
    let draft = ["draft", "--provider", "city-laboratory", "--patient", PATIENT, "--hours", "2"];
    let why = ["--reason", "unconscious on arrival, medicines unknown"];
    let what = ["--type", "DiagnosticReport", "--out", "scope.json"];
    let drafted = emergency(&[&draft[..], &why, &what].concat());
    for name in ["das", "khatun"] {
        let (key, out) = (format!("{name}.json"), format!("{name}.sig"));
        emergency(&["sign", "scope.json", "--key", &key, "--out", &out]);
    }
    let open = ["consent", "break-glass", "open", "scope.json", "--signed", "das.sig"];
    emergency(&["sign", "scope.json", "--key", "third.json", "--out", "third.sig"]);
    let left = [&open[..], &["--signed", "third.sig"], &MANAGER].concat();
    state.refused(&left, 1, "two different clinicians");
    let alone = [&open[..], &["--signed", "das.sig"], &MANAGER].concat();
    state.refused(&alone, 1, "two different clinicians");
    let both = state.run(&[&open[..], &["--signed", "khatun.sig"], &MANAGER].concat());
    assert_eq!(both.code, 0, "{}", both.err);
    let queue = emergency(&[&["queue"][..], &MANAGER].concat());
    assert_eq!(queue["waiting"][0]["id"], drafted["id"]);
    let id = drafted["id"].as_str().expect("an id");
    emergency(&[&["review", id, "--outcome", "unjustified"][..], &MANAGER].concat());
    assert_eq!(emergency(&[&["queue"][..], &MANAGER].concat())["waiting"], json!([]));
}

fn bad_files_are_refused(granted: &Granted) {
    let state = &granted.state;
    let text = fs::read_to_string(state.path("first/access.json")).expect("readable");
    let write = |change: &dyn Fn(&mut Value)| {
        let mut access: Value = serde_json::from_str(&text).expect("JSON");
        change(&mut access);
        fs::create_dir_all(state.path("bad")).expect("made");
        fs::write(state.path("bad/access.json"), access.to_string()).expect("written");
    };
    for (words, change) in [
        ("nullifier", (|a: &mut Value| a["nullifier"] = json!("-1")) as fn(&mut Value)),
        ("purpose", |a| a["purpose"] = json!("CARE")),
        ("record_type", |a| a["record_type"] = json!("XRay")),
        ("proof", |a| a["proof"]["pi_a"][0] = json!("1")),
        ("request_id", |a| a["request_id"] = json!("one")),
        ("access_mode", |a| a["access_mode"] = json!("READ")),
        ("manager", |a| a["manager"] = json!("one")),
        ("format", |a| a["format"] = json!("praman-access-1")),
        ("extra", |a| a["extra"] = json!(1)),
    ] {
        write(&change);
        let refused = granted.release("bad");
        assert_eq!(refused.code, 2, "{words}: {}", refused.err);
        assert!(words == "extra" || refused.err.contains(words), "{words}: {}", refused.err);
    }
    fs::write(state.path("bad/access.json"), "[").expect("written");
    assert_eq!(granted.release("bad").code, 2);
    // A key of another circuit.
    let file = "first/access.json";
    let release = ["consent", "release", file, "--keys", "keys"];
    state.refused(&release, 2, "for circuit eligibility");
    let mut consent: Value =
        serde_json::from_str(&fs::read_to_string(state.path(&granted.consent)).expect("readable"))
            .expect("JSON");
    consent["artefact"]["consentDetail"]["hiTypes"] = json!(["DiagnosticReport", "Invoice"]);
    fs::write(state.path("altered.json"), consent.to_string()).expect("written");
    state.refused(&["consent", "export", "altered.json", "--out", "x.json"], 2, "signature");
    // The status is not signed, and one that says the consent has ended is believed.
    let file = fs::read_to_string(state.path(&granted.consent)).expect("readable");
    let revoked = file.replacen("\"GRANTED\"", "\"REVOKED\"", 1);
    fs::write(state.path("revoked.json"), revoked).expect("written");
    state.refused(&["consent", "export", "revoked.json", "--out", "x.json"], 2, "artefact.status");
    let first = file.replacen("praman-consent-2", "praman-consent-1", 1);
    fs::write(state.path("first.json"), first).expect("written");
    state.refused(&["consent", "export", "first.json", "--out", "x.json"], 2, "first edition");
    fs::write(state.path("twisted.json"), "{\"requestId\": 5}").expect("written");
    state.refused(&["consent", "check", "twisted.json"], 2, "requestId");
}

#[test]
fn gate_that_dies_gives_the_same_access_when_it_is_asked_again() {
    let granted = Granted::new();
    let state = &granted.state;
    state.json(&granted.prove("first", &[]));
    let killed = |point: &str, arguments: &[&str]| {
        let mut command = state.command(arguments);
        let ended = command.env("FAILPOINTS", format!("{point}=return")).output().expect("starts");
        assert_eq!(ended.status.code(), None, "{point}: it was not killed");
    };
    let release = ["consent", "release", "first/access.json", "--keys", "consent-keys"];
    killed("chain::block", &release);
    let uses = || state.json(&["ledger", "verify-history"])["accesses"].clone();
    assert_eq!(uses(), 0, "nothing was recorded");
    killed("gate::recorded", &release);
    assert_eq!(uses(), 1);
    let released = granted.release("first");
    assert_eq!(released.code, 0, "{}", released.err);
    assert_eq!(serde_json::from_str::<Value>(&released.out).expect("JSON")["repeated"], true);
    assert_eq!(uses(), 1);

    // A withdrawal that dies before it is kept is none; one that dies before the ledger knows is told to
    // it by whoever comes next.
    let withdraw = ["consent", "withdraw", &granted.consent, "--wallet", "wallet.json"];
    let withdraw = [&withdraw[..], &MANAGER].concat();
    killed("consent::withdraw", &withdraw);
    assert_eq!(granted.release("first").code, 0);
    killed("chain::block", &withdraw);
    state.refused(&withdraw, 1, "already withdrawn");
    let service = Service::start(state, &["--consent-keys", "consent-keys"]);
    let body = format!("@{}", state.path("first/access.json").display());
    let requester = granted.shown();
    let told = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        service.curl_as(&requester, "/v1/accesses", &["--data-binary", &body]).status == 422
    });
    assert!(told, "the service brings the root to the ledger by itself");
}

#[test]
fn patient_withdraws_without_the_manager_by_files_and_over_http() {
    let granted = Granted::new();
    let state = &granted.state;
    state.json(&granted.prove("first", &["--number", "0"]));
    let directly = ["consent", "withdraw-directly", &granted.consent, "--wallet", "wallet.json"];
    let written = state.json(&[&directly[..], &["--out", "withdrawals"]].concat());
    // Two accesses on each of thirty days.
    assert_eq!((&written["accesses"], &written["again_before"]), (&json!(60), &Value::Null));
    assert_eq!(written["files"].as_array().map(Vec::len), Some(1), "{written}");
    let text = fs::read_to_string(state.path("withdrawals/1.json")).expect("a withdrawal");
    assert!(!text.contains(&granted.consent_id) && !text.contains("rahima"), "{text}");
    state.json(&["consent", "wallet", "--out", "stranger.json"]);
    let mut stranger = directly;
    stranger[4] = "stranger.json";
    state.refused(&stranger, 1, "not the wallet");

    let service = Service::start(state, &["--consent-keys", "consent-keys"]);
    let requester = granted.shown();
    let file = |file: &str| format!("@{}", state.path(file).display());
    // Whoever brings it shows no credential.
    let withdraw = |name: &str| service.curl("/v1/withdrawals", &["--data-binary", &file(name)]);
    fs::write(state.path("bad.json"), text.replacen("\"count\":2", "\"count\":0", 1))
        .expect("written");
    let refused = withdraw("bad.json");
    assert!(refused.status == 400 && refused.body.contains("windows[0].count"), "{}", refused.body);
    let ended = withdraw("withdrawals/1.json");
    assert_eq!((ended.status, &ended.json()["ended"]), (200, &json!(60)), "{}", ended.body);
    let body = file("first/access.json");
    let refused = service.curl_as(&requester, "/v1/accesses", &["--data-binary", &body]);
    assert_eq!((refused.status, refused.code().as_str()), (422, "access-withdrawn"));
    drop(service);

    // The same again, from the command line, ends nothing more; the patient's app makes no proof any more.
    assert_eq!(state.json(&directly)["ended"], 0);
    let bring = ["consent", "bring-withdrawal", "withdrawals/1.json"];
    assert_eq!(state.json(&bring)["ended"], 0);
    state.refused(&["consent", "bring-withdrawal", "bad.json"], 2, "windows[0].count");
    state.refused(&granted.prove("second", &[]), 1, "C9");
    let history = state.json(&["ledger", "verify-history"]);
    assert_eq!((&history["accesses"], &history["withdrawn_accesses"]), (&json!(0), &json!(60)));
}

#[test]
fn gate_answers_over_http_and_grpc() {
    let granted = Granted::new();
    let state = &granted.state;
    state.json(&granted.prove("first", &["--number", "0"]));
    let serve = ["--consent-keys", "consent-keys", "--consent-manager", "manager.json"];
    let service = Service::start(state, &serve);
    let requester = granted.shown();
    let post = |path: &str, file: &str| {
        let body = format!("@{}", state.path(file).display());
        service.curl_as(&requester, path, &["--data-binary", &body])
    };
    // Another requester asks neither for this access nor in this one's name.
    let other = ["access", "admit", "--name", "other", "--role", "application"];
    let other = [&other[..], &["--tenant", "tests", "--member", "99", "--key-out", "other.key"]];
    state.json(&other.concat());
    let key = fs::read_to_string(state.path("other.key")).expect("a key");
    let other = format!("Authorization: Bearer {}", key.trim());
    for (path, file) in
        [("/v1/accesses", "first/access.json"), ("/v1/consents/requests", "request.json")]
    {
        let body = format!("@{}", state.path(file).display());
        let refused = service.curl_as(&other, path, &["--data-binary", &body]);
        assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "{path}");
        assert_eq!(service.curl(path, &["--data-binary", &body]).status, 401, "{path}");
    }
    let released = post("/v1/accesses", "first/access.json");
    assert_eq!(released.status, 200, "{}", released.body);
    assert_eq!(released.json()["repeated"], false);
    assert_eq!(released.json()["access_mode"], "VIEW");
    assert_eq!(post("/v1/accesses", "first/access.json").json()["repeated"], true);
    let replay = fs::read_to_string(state.path("first/access.json")).expect("readable");
    let mut replay: Value = serde_json::from_str(&replay).expect("JSON");
    replay["request_id"] = json!("00000000-0000-4000-8000-000000000000");
    fs::write(state.path("replay.json"), replay.to_string()).expect("written");
    let refused = post("/v1/accesses", "replay.json");
    assert_eq!((refused.status, refused.code().as_str()), (422, "access-used"));
    assert_eq!(post("/v1/accesses", "request.json").status, 400);

    let asked = post("/v1/consents/requests", "request.json");
    assert_eq!((asked.status, &asked.json()["repeated"]), (202, &json!(true)));
    // The gateway's current form has ids and times in headers.
    let whole = fs::read_to_string(state.path("request.json")).expect("readable");
    let mut bare: Value = serde_json::from_str(&whole).expect("JSON");
    let requester_id = bare["consent"]["hiu"]["id"].as_str().expect("an id").to_owned();
    for field in ["requestId", "timestamp"] {
        bare.as_object_mut().expect("fields").remove(field);
    }
    fs::write(state.path("bare.json"), bare.to_string()).expect("written");
    let by_headers = |named: &str| {
        let body = format!("@{}", state.path("bare.json").display());
        let (id, named) = (format!("REQUEST-ID: {REQUEST}"), format!("X-HIU-ID: {named}"));
        let time = "TIMESTAMP: 2026-10-06T15:10:00.587Z";
        let headers = ["-H", id.as_str(), "-H", time, "-H", named.as_str()];
        let arguments = [&["--data-binary", body.as_str()][..], &headers].concat();
        service.curl_as(&requester, "/v1/consents/requests", &arguments)
    };
    let asked = by_headers(&requester_id);
    assert_eq!((asked.status, &asked.json()["repeated"]), (202, &json!(true)), "{}", asked.body);
    let refused = by_headers("another");
    assert!(refused.status == 400 && refused.body.contains("X-HIU-ID"), "{}", refused.body);
    let refused = post("/v1/consents/requests", "bare.json");
    assert!(refused.status == 400 && refused.body.contains("requestId is missing"));
    fs::write(state.path("callback.json"), json!({ "consentRequest": { "id": "r" } }).to_string())
        .expect("written");
    let refused = post("/v1/consents/requests", "callback.json");
    assert!(refused.body.contains("a callback with the state of a request"), "{}", refused.body);
    for (file, kind) in [("bare.json", "request"), ("callback.json", "status")] {
        assert_eq!(state.json(&["consent", "check", file])["document"], kind);
    }
    let other = fs::read_to_string(state.path("request.json")).expect("readable");
    fs::write(state.path("other.json"), other.replace("VIEW", "STORE")).expect("written");
    let refused = post("/v1/consents/requests", "other.json");
    assert_eq!((refused.status, refused.code().as_str()), (409, "request-id-used"));
    fs::write(state.path("bad.json"), other.replace("VIEW", "READ")).expect("written");
    let id = other.replace(REQUEST, "00000000-0000-4000-8000-000000000001");
    fs::write(state.path("bad.json"), id.replace("VIEW", "READ")).expect("written");
    let refused = post("/v1/consents/requests", "bad.json");
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("consent.permission.accessMode"), "{}", refused.body);

    let providers = service.curl("/v1/providers", &[]).json();
    let number = providers[0]["number"].to_string();
    let tree = |kind: &str| service.curl(&format!("/v1/providers/{number}/{kind}"), &[]).json();
    let (records, consents) = (tree("records"), tree("consents"));
    assert_eq!(records["leaves"].as_array().map(Vec::len), Some(1));
    assert_eq!((records["manager"].clone(), consents["manager"].is_u64()), (Value::Null, true));
    // A device proves against the public trees, without the state. They may come from two services.
    let write = |name: &str, text: String| fs::write(state.path(name), text).expect("written");
    write("records.json", records.to_string());
    write("consents.json", consents.to_string());
    let given = ["--number", "1", "--records", "records.json", "--consents", "consents.json"];
    let by_trees = granted.prove("second", &given);
    let mut elsewhere = state.on(None);
    elsewhere.directory = "elsewhere".to_owned();
    elsewhere.json(&by_trees);
    write("records.json", records.to_string().replacen("\"leaves\":[\"", "\"leaves\":[\"1", 1));
    elsewhere.refused(&by_trees, 2, "records.json: leaves: ");
    write("records.json", consents.to_string());
    elsewhere.refused(&by_trees, 2, "records.json: manager: ");
    write("records.json", records.to_string());
    write("consents.json", records.to_string());
    elsewhere.refused(&by_trees, 2, "consents.json: manager: ");
    let without = granted.prove("second", &["--number", "1", "--records", "records.json"]);
    elsewhere.refused(&without, 2, "--consents");
    let trail = || service.curl(&format!("/v1/providers/{number}/accesses"), &[]).json();
    assert_eq!(trail().as_array().map(Vec::len), Some(1));
    assert_eq!(service.curl("/v1/providers/99/records", &[]).status, 404);
    assert_eq!(service.curl("/v1/providers/99/consents", &[]).status, 404);
    assert_eq!(service.curl("/v1/providers/x/accesses", &[]).status, 400);
    assert_eq!(service.curl_as(&requester, "/v1/erasures/none", &[]).status, 404);

    // Another implementation asks for the second access, by the description alone.
    let script = root().join("tests/peers/consents.mjs");
    let access = state.path("second/access.json");
    let ran = Command::new("node")
        .arg(script)
        .env("REQUESTER", &requester)
        .arg(service.host())
        .arg(access)
        .arg(state.path("request.json"))
        .output()
        .expect("node is there");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(trail().as_array().map(Vec::len), Some(2));

    let withdraw = ["consent", "withdraw", &granted.consent, "--wallet", "wallet.json"];
    state.json(&[&withdraw[..], &MANAGER].concat());
    let refused = post("/v1/accesses", "first/access.json");
    assert_eq!((refused.status, refused.code().as_str()), (422, "roots-moved"));
    let order = format!("/v1/erasures/{}", granted.consent_id);
    assert_eq!(service.curl_as(&requester, &order, &[]).json()["reason"], "withdrawn");
    let forged = format!("{{\"signature\":\"{}\"}}", "00".repeat(64));
    let refused = service.curl_as(&requester, &order, &["--data", &forged]);
    assert_eq!((refused.status, refused.code().as_str()), (422, "not-signed"));
    assert_eq!(
        service.curl_as(&requester, &order, &["--data", "{\"signature\":\"xy\"}"]).status,
        400
    );

    // What was asked is in no log.
    let said = service.said.lock().expect("nobody panics with it").clone();
    assert!(!said.contains("rahima"), "{said}");
}

#[test]
fn consent_demonstration_shows_what_is_allowed_and_what_is_refused() {
    let state = State::new();
    let shown = state.json(&["demo", "consent"]);
    for (name, count) in [
        ("granted", 2),
        ("accesses_allowed", 2),
        ("refused_by_count", 1),
        ("refused_by_purpose", 1),
        ("refused_after_withdrawal", 1),
        ("erasures_confirmed", 1),
        ("emergencies_to_review", 1),
    ] {
        assert_eq!(shown[name], count, "{name}: {shown}");
    }
    let page = |path: &Value| {
        let path = state.path(path.as_str().expect("a path"));
        fs::read_to_string(path).expect("a page")
    };
    assert!(page(&shown["timeline"]).contains("refuses (roots-moved)"));
    let views = shown["views"].as_array().expect("views");
    for (view, words) in
        views.iter().zip(["আপনার স্বাস্থ্য-সম্মতি", "आपकी स्वास्थ्य सहमतियाँ", "Your health consents"])
    {
        assert!(page(view).contains(words));
    }
}
