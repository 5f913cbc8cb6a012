//! A coordinator hands out keys' files in turn, loses nothing and takes nothing twice.

use std::fs;
#[cfg(feature = "failpoints")]
use std::process::Command;

use praman::store::Location;
use serde_json::{Value, json};
use support::service::{Answer, Service};
use support::{State, root};

use crate::support;

/// A state with a ceremony of a small circuit that is open, and three users who may contribute.
pub(crate) fn opened() -> State {
    let state = State::new();
    state.set_up("eligibility", "keys");
    fs::copy(root().join("prover/ceremony/vectors/toy.r1cs"), state.path("c.r1cs"))
        .expect("copied");
    let ceremony = |arguments: &[&str]| state.json(&[&["ceremony"], arguments].concat());
    ceremony(&["new", "--power", "4", "--out", "p0.ptau"]);
    ceremony(&["contribute", "p0.ptau", "p.ptau", "--name", "a department"]);
    ceremony(&["new", "--r1cs", "c.r1cs", "--phase1", "p.ptau", "--out", "k0.zkey"]);
    let digest = ceremony(&["verify", "p.ptau"])["digest"].clone();
    let key = ceremony(&["coordinator-key", "--out", "coordinator.json"]);
    // Users have numbers in the order that they are admitted.
    for role in ["auditor", "treasury", "kiosk", "relayer"] {
        state.shown(role, &[]);
    }
    let signing = ceremony(&["signing-key", "--name", "kiosk", "--out", "signing.json"]);
    let contributor = |number: u32, name: &str| {
        format!(
            "[[contributor]]\nname = \"{name}\"\norganisation = \"{name}\"\nkind = \"court\"\n\
             identity = \"principal {number}\"\n"
        )
    };
    let kiosk = format!("{}public_key = {}\n", contributor(3, "kiosk"), signing["public_key"]);
    let policy = format!(
        "format = \"praman-ceremony-policy-1\"\ncircuit = \"eligibility\"\ncontributions = 2\n\
         coordinator = {}\n[phase1]\ndigest = {digest}\ncontributions = 2\n\
         [beacon]\nannounced = \"a draw\"\nexponent = 10\n{}{}{}",
        key["public_key"],
        contributor(1, "auditor"),
        contributor(2, "treasury"),
        kiosk
    );
    fs::write(state.path("policy.toml"), policy).expect("written");
    let open = ["open", "claims-1", "--file", "k0.zkey", "--policy", "policy.toml"];
    ceremony(&[&open[..], &["--turn-minutes", "30"]].concat());
    state
}

pub(crate) const COORDINATES: [&str; 2] = ["--coordinator", "coordinator.json"];
pub(crate) const CEREMONY: &str = "/v1/ceremonies/claims-1";

struct Contributor<'a> {
    state: &'a State,
    service: &'a Service,
    role: &'a str,
}

impl Contributor<'_> {
    fn ask(&self, path: &str, arguments: &[&str]) -> Answer {
        let shown = self.state.shown(self.role, &[]);
        self.service.curl_as(&shown, &format!("{CEREMONY}{path}"), arguments)
    }

    fn turn(&self) -> Value {
        let answer = self.ask("/turns", &["-X", "POST"]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    fn bring(&self, file: &str) -> Answer {
        let file = format!("@{}", self.state.path(file).display());
        self.ask("/contributions", &["--data-binary", &file])
    }

    /// Fetches the newest file and contributes to it.
    fn contribute(&self, to: &str) {
        let base = format!("{to}.base");
        let out = self.state.path(&base);
        let out = out.to_str().expect("UTF-8");
        let url = format!("{}{CEREMONY}/file", self.service.address);
        let fetched = std::process::Command::new("curl")
            .args(["--silent", "--fail", "--output", out, &url])
            .status();
        assert!(fetched.expect("curl is there").success());
        let mut arguments = vec!["ceremony", "contribute", &base, to, "--name", self.role];
        if self.role == "kiosk" {
            arguments.extend(["--organisation", "kiosk", "--signing-key", "signing.json"]);
        }
        self.state.json(&arguments);
    }
}

fn execute(state: &State, statement: &'static str) {
    let location = Location::Folder(state.path(".").join(&state.directory));
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let store = praman::store::Store::connect(&location).await.expect("a store");
        sqlx::query(statement).execute(store.writer()).await.expect("executed");
        store.close().await;
    });
}

#[test]
fn contributors_have_turns_and_none_is_lost() {
    let state = opened();
    let service = Service::start(&state, &COORDINATES);
    let of = |role| Contributor { state: &state, service: &service, role };
    let (auditor, treasury, kiosk) = (of("auditor"), of("treasury"), of("kiosk"));
    let refused = |answer: Answer, code: &str, words: &str| {
        assert!(answer.status >= 400, "{}", answer.body);
        assert_eq!(answer.code(), code, "{}", answer.body);
        assert!(answer.body.contains(words), "{}", answer.body);
    };

    let turn = auditor.turn();
    assert_eq!((&turn["holding"], &turn["before"]), (&json!(true), &json!(0)));
    assert_eq!(treasury.turn()["before"], 1);
    assert_eq!(kiosk.turn()["before"], 2);
    // Asked again, it is the same turn.
    assert_eq!(auditor.turn(), turn);
    auditor.contribute("auditor.zkey");
    refused(treasury.bring("auditor.zkey"), "not-your-turn", "it is not your turn");
    // A file that is not the newest with one more changes nothing, and the turn stays.
    refused(auditor.bring("k0.zkey"), "contribution", "another number of contributions");
    fs::write(state.path("long.zkey"), vec![0; 8_000]).expect("written");
    refused(auditor.bring("long.zkey"), "malformed", "the file is longer");
    refused(auditor.bring("c.r1cs"), "contribution", "it is no .zkey file");
    let taken = auditor.bring("auditor.zkey");
    assert_eq!(taken.status, 201, "{}", taken.body);
    assert_eq!(
        (&taken.json()["number"], &taken.json()["identity"]),
        (&json!(1), &json!("principal 1"))
    );
    assert_eq!(auditor.bring("auditor.zkey").json(), taken.json(), "the same receipt");
    refused(of("relayer").ask("/turns", &["-X", "POST"]), "forbidden", "does not list");
    refused(auditor.ask("/turns", &["-X", "POST"]), "already-contributed", "does once");

    // The next has the turn at once; a file on an old base is refused as one.
    assert_eq!(treasury.turn()["holding"], true);
    state.json(&["ceremony", "contribute", "k0.zkey", "old.zkey", "--name", "treasury"]);
    refused(treasury.bring("old.zkey"), "contribution", "another number of contributions");
    // Whose time is over lost the turn, and takes another behind the others.
    execute(&state, "UPDATE ceremony_turn SET ends_at = 1 WHERE state = 'holding'");
    treasury.contribute("treasury.zkey");
    assert_eq!(kiosk.turn()["holding"], true);
    refused(treasury.bring("treasury.zkey"), "not-your-turn", "not your turn");
    kiosk.contribute("kiosk.zkey");
    assert_eq!(kiosk.bring("kiosk.zkey").status, 201);
    assert_eq!(treasury.turn()["holding"], true);
    refused(treasury.bring("treasury.zkey"), "contribution", "another number of contributions");
    treasury.contribute("treasury-2.zkey");
    assert_eq!(treasury.bring("treasury-2.zkey").status, 201);

    // What they sign is theirs alone.
    let signed = ["ceremony", "contribute", "k0.zkey", "x.zkey", "--name", "x"];
    let by = ["--organisation", "x", "--signing-key", "signing.json"];
    state.json(&[&signed[..], &by].concat());
    let attestation = format!("@{}", state.path("x.zkey.attestation.json").display());
    let json_body = ["-H", "Content-Type: application/json", "--data-binary", &attestation];
    refused(auditor.ask("/attestations", &json_body), "contribution", "no contribution that you");
    let attestation = format!("@{}", state.path("kiosk.zkey.attestation.json").display());
    let json_body = ["-H", "Content-Type: application/json", "--data-binary", &attestation];
    refused(auditor.ask("/attestations", &json_body), "contribution", "no contribution that you");
    assert_eq!(kiosk.ask("/attestations", &json_body).status, 204);
    let kept = service.curl(CEREMONY, &[]).json();
    assert_eq!(kept["contributions"][1]["attestation"]["name"], "kiosk");
    assert_eq!(kept["contributions"][0]["attestation"], Value::Null);
    let anyone = service.curl(&format!("{CEREMONY}/turns"), &["-X", "POST"]);
    assert_eq!(anyone.status, 401);

    // Anyone reads who contributed, and checks it all.
    let status = service.curl(CEREMONY, &[]).json();
    let identities: Vec<&Value> = status["contributions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|contribution| &contribution["receipt"]["identity"])
        .collect();
    assert_eq!(identities, ["principal 1", "principal 3", "principal 2"]);
    assert_eq!((&status["open"], &status["waiting"]), (&json!(true), &json!(0)));
    let verify =
        ["ceremony", "verify", "treasury-2.zkey", "--r1cs", "c.r1cs", "--phase1", "p.ptau"];
    assert_eq!(state.json(&verify)["valid"], true);
    let unknown = service.curl("/v1/ceremonies/another", &[]);
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "not-found"));
    state.json(&["ceremony", "close", "claims-1"]);
    let closed = of("relayer");
    refused(closed.ask("/turns", &["-X", "POST"]), "closed", "takes no more contributions");
    assert_eq!(service.stop(), 0);

    // A coordinator whose receipts would not count says so before anybody contributes.
    state.json(&["ceremony", "coordinator-key", "--out", "other.json"]);
    let open = ["open", "claims-2", "--file", "k0.zkey", "--policy", "policy.toml"];
    state.json(&[&["ceremony"], &open[..]].concat());
    let service = Service::start(&state, &["--coordinator", "other.json"]);
    let shown = state.shown("auditor", &[]);
    let answer = service.curl_as(&shown, "/v1/ceremonies/claims-2/turns", &["-X", "POST"]);
    refused(answer, "other-coordinator", "the key of another coordinator");
}

/// Killed before, while and after a contribution is written, it has taken it once when it is brought again.
#[cfg(feature = "failpoints")]
#[test]
fn coordinator_that_dies_takes_each_contribution_once() {
    let state = opened();
    let points = ["coordinator::checked", "coordinator::written", "coordinator::taken"];
    for (number, (point, role)) in (1..).zip(points.iter().zip(["auditor", "treasury", "kiosk"])) {
        let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0"];
        let mut command = state.command(&[&serve[..], &COORDINATES].concat());
        command.env("FAILPOINTS", format!("{point}=return"));
        let service = Service::run(command, "praman: listening at ").expect("it listens");
        let file = format!("{role}.zkey");
        let contributor = Contributor { state: &state, service: &service, role };
        assert_eq!(contributor.turn()["holding"], true);
        contributor.contribute(&file);
        let sent = Command::new("curl")
            .args(["--silent", "-H", &state.shown(role, &[])])
            .args(["--data-binary", &format!("@{}", state.path(&file).display())])
            .arg(format!("{}{CEREMONY}/contributions", service.address))
            .output();
        assert!(!sent.expect("curl is there").status.success(), "{point}");
        service.dies();

        let service = Service::start(&state, &COORDINATES);
        let contributor = Contributor { state: &state, service: &service, role };
        let taken = contributor.bring(&file);
        assert_eq!((taken.status, &taken.json()["number"]), (201, &json!(number)), "{point}");
        let status = service.curl(CEREMONY, &[]).json();
        assert_eq!(status["contributions"].as_array().expect("a list").len(), number);
        assert_eq!(status["newest_sha256"], taken.json()["file_sha256"]);
        service.stop();
    }
    let last = ["ceremony", "verify", "kiosk.zkey", "--r1cs", "c.r1cs", "--phase1", "p.ptau"];
    assert_eq!(state.json(&last)["contributions"].as_array().expect("a list").len(), 3);
}
