//! What an operator has: settings in layers, metrics, lines with request ids, and the files to deploy by.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::post;
use running::Service;
use serde_json::{Value, json};
use support::{State, root};

use crate::support;
use crate::support::service as running;

/// A ledger and keys, which a service needs to start.
fn scene() -> State {
    let state = State::new();
    state.set_up("eligibility", "keys");
    state.json(&["ledger", "start", "--keys", "keys"]);
    state
}

#[test]
fn flag_overrides_variable_and_variable_overrides_file() {
    let state = State::new();
    let file = "dir = \"elsewhere\"\n\
                [serve]\n\
                keys = \"keys\"\n\
                listen = \"127.0.0.1:1\"\n\
                waiting = 1_000\n\
                office = [\"a.json\", \"b.json\"]\n\
                behind-tls = true\n\
                [worker.run]\n\
                keys = \"others\"\n";
    fs::write(state.path("praman.toml"), file).expect("written");
    let show = |variables: &[(&str, &str)], verb: &[&str]| {
        let arguments = [&["--config", "praman.toml", "config", "show"][..], verb].concat();
        let mut command = state.command(&[&arguments[..], &["--origin", "--json"]].concat());
        let output = command.envs(variables.iter().copied()).output().expect("runs");
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        found["settings"].as_array().expect("settings").clone()
    };
    let of = |settings: &[Value], name: &str| {
        let found = settings.iter().find(|setting| setting["name"] == name);
        let found = found.unwrap_or_else(|| panic!("no {name}"));
        (found["values"].clone(), found["origin"].clone())
    };
    let plain = show(&[], &[]);
    assert_eq!(of(&plain, "dir"), (json!(["state"]), json!("flag")));
    assert_eq!(of(&plain, "listen"), (json!(["127.0.0.1:1"]), json!("file")));
    assert_eq!(of(&plain, "waiting"), (json!(["1000"]), json!("file")));
    assert_eq!(of(&plain, "office"), (json!(["a.json", "b.json"]), json!("file")));
    assert_eq!(of(&plain, "log"), (json!(["warn"]), json!("default")));
    let variables =
        [("PRAMAN_SERVE_LISTEN", "127.0.0.1:2"), ("PRAMAN_DATABASE", "postgres://u:secret@h/n")];
    let with_variables = show(&variables, &[]);
    assert_eq!(of(&with_variables, "listen"), (json!(["127.0.0.1:2"]), json!("variable")));
    assert_eq!(of(&with_variables, "database").0, json!(["(hidden)"]));
    assert_eq!(of(&show(&[], &["worker", "run"]), "keys"), (json!(["others"]), json!("file")));

    // What stands in the file is what a verb does: its folder of keys is not there.
    let refused = state.run(&["--config", "praman.toml", "serve"]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("a.json") || refused.err.contains("keys"), "{}", refused.err);

    // What is wrong is named by file and line, before anything is done.
    for (wrong, words) in [
        ("[serve]\nlissen = 1\n", "line 2: \"lissen\" is not known here; known are keys"),
        ("[serve]\nlisten = \"here\"\n", "line 2: listen: invalid value 'here'"),
        ("[serve]\nwaiting = 0\n", "line 2: waiting: "),
        ("[serve]\nbehind-tls = 1\n", "line 2: behind-tls must be true or false"),
        ("[serve]\nkeys = [\"a\", \"b\"]\n", "line 2: keys must have one value"),
        ("[serve]\nkeys = { a = 1 }\n", "line 2: keys must be a text"),
        ("[server]\n", "line 1: \"server\" is not known here"),
        ("[serve\n", "line 1: "),
    ] {
        fs::write(state.path("wrong.toml"), wrong).expect("written");
        for verb in [&["config", "check"][..], &["access", "tenants"]] {
            let arguments = [&["--config", "wrong.toml"], verb].concat();
            let ran = state.run(&arguments);
            assert!(ran.code != 0 && ran.err.contains(words), "{wrong}: {}", ran.err);
        }
    }
    state.refused(&["--config", "nowhere.toml", "config", "check"], 2, "nowhere.toml");
}

#[test]
fn example_file_names_every_setting_and_is_well_formed() {
    let state = State::new();
    let path = root().join("deploy/praman.toml");
    let example = state.json(&["config", "example"])["example"].as_str().expect("text").to_owned();
    if std::env::var_os("PRAMAN_WRITE_EXAMPLE").is_some() {
        fs::write(&path, &example).expect("written");
    }
    let kept = fs::read_to_string(&path).expect("an example");
    assert!(kept == example, "run this test with PRAMAN_WRITE_EXAMPLE=1 and look at the change");
    state.json(&["--config", path.to_str().expect("UTF-8"), "config", "check"]);
}

/// The names of all metrics that a service tells.
fn names(told: &str) -> BTreeSet<&str> {
    let lines = told.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split(['{', ' ']).next()).collect()
}

#[test]
fn logs_and_metrics_name_nobody_and_fit_dashboards_and_alerts() {
    let state = scene();
    let telling = ["--metrics", "127.0.0.1:0", "--log", "info", "--log-format", "json"];
    let service = Service::start(&state, &telling);
    let claim = "ab".repeat(32);
    for path in
        ["/v1/schemes", "/readyz", &format!("/v1/claims/{claim}"), "/nowhere/at/all", "/desk"]
    {
        service.curl(path, &[]);
    }
    assert_eq!(service.curl("/v1/schemes", &["--request", "MADE-UP"]).status, 405);
    let answer = service.curl("/v1/schemes", &["-H", "X-Request-Id: kiosk-7.a"]);
    assert!(answer.headers.contains("x-request-id: kiosk-7.a"), "{}", answer.headers);
    let made = service.curl("/v1/schemes", &["-H", "X-Request-Id: not plain!"]).headers;
    assert!(made.contains("x-request-id: ") && !made.contains("not plain"), "{made}");
    let said = service.said.lock().expect("said").clone();
    let lines: Vec<Value> = said
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = lines.iter().find(|line| line["span"]["id"] == "kiosk-7.a").expect("a line");
    assert_eq!(
        (&of["span"]["route"], &of["span"]["status"]),
        (&json!("/v1/schemes"), &json!(200)),
        "{of}"
    );
    assert!(lines.iter().any(|line| line["span"]["route"] == "/v1/claims/{id}"), "{said}");
    assert!(!said.contains(&claim) && !said.contains("/nowhere"), "{said}");

    let address = said_metrics(&service);
    let output =
        Command::new("curl").args(["--silent", "--fail", &address]).output().expect("curl");
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(
        told.contains(
            "praman_requests_total{method=\"GET\",route=\"/v1/claims/{id}\",status=\"404\"} 1"
        ),
        "{told}"
    );
    assert!(told.contains("praman_waiting{what=\"claims_received\"} 0"), "{told}");
    assert!(told.trim_end().ends_with("# EOF"), "{told}");
    assert!(!told.contains(&claim) && !told.contains("nowhere/at"), "{told}");
    assert!(told.contains("method=\"other\"") && !told.contains("MADE-UP"), "{told}");
    // Every label is one of few.
    for line in told.lines().filter(|line| !line.starts_with('#')) {
        let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
        for label in labels.map_or("", |(labels, _)| labels).split("\",") {
            let name = label.split('=').next().unwrap_or_default();
            let known = ["", "method", "route", "status", "what", "stage", "le", "version"];
            assert!(known.contains(&name), "{line}");
        }
    }
    // Neither dashboard nor alerts ask for what nobody tells.
    let told = names(&told);
    let board = fs::read_to_string(root().join("deploy/grafana/praman.json")).expect("a dashboard");
    let board: Value = serde_json::from_str(&board).expect("JSON");
    let asked = board["panels"].as_array().expect("panels").iter().flat_map(|panel| {
        panel["targets"]
            .as_array()
            .expect("targets")
            .iter()
            .map(|target| target["expr"].to_string())
    });
    let mut asked: Vec<String> = asked
        .flat_map(|expression| {
            let letters = |letter: char| !letter.is_ascii_lowercase() && letter != '_';
            let found = expression.split(letters).filter(|word| word.starts_with("praman_"));
            found.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let deployment = deployment();
    asked.extend(
        deployment["metrics"]
            .as_array()
            .expect("names")
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned()),
    );
    assert!(asked.len() > 15, "{asked:?}");
    for name in asked {
        assert!(told.contains(name.as_str()), "nobody tells {name}: {told:?}");
    }
    assert_eq!(service.stop(), 0);
}

#[test]
fn alerts_fire_when_something_is_wrong_and_only_then() {
    let own = root().join("tests/peers/promtool");
    let program = if own.exists() { own } else { "promtool".into() };
    let rules = root().join("deploy/prometheus");
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]] {
        let output = Command::new(&program)
            .args(arguments)
            .current_dir(&rules)
            .output()
            .expect("missing: promtool (Debian's package prometheus)");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}

/// Where the metrics are, once the service has said so.
fn said_metrics(service: &Service) -> String {
    for _ in 0..100 {
        let said = service.said.lock().expect("said").clone();
        if let Some(place) = said.lines().find_map(|line| line.strip_prefix("praman: metrics at "))
        {
            return place.to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it does not say where metrics are");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_a_collector_in_the_trace_of_the_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let take = post(async move |body: Bytes| {
        heard.lock().expect("told").extend_from_slice(&body);
        ([("content-type", "application/grpc"), ("grpc-status", "0")], Body::empty())
    });
    tokio::spawn(async move { axum::serve(listener, Router::new().route(export, take)).await });
    let state = scene();
    let service = Service::start(&state, &["--otlp", &address]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("traceparent: 00-{trace}-b7ad6b7169203331-01");
    let claim = "cd".repeat(32);
    let path = format!("/v1/claims/{claim}");
    service.curl(&path, &["-H", &parent, "-H", "X-Request-Id: traced-1"]);
    // What is left is sent before the service leaves.
    assert_eq!(service.stop(), 0);
    let told = told.lock().expect("told").clone();
    let holds = |bytes: &[u8]| told.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(b"traced-1") && holds(b"/v1/claims/{id}") && holds(b"praman"), "{}", told.len());
    assert!(holds(&hex::decode(trace).expect("digits")), "it is of the request's trace");
    assert!(!holds(claim.as_bytes()), "what was asked is not told");
    state.refused(&["serve", "--keys", "keys", "--otlp", "no address"], 2, "--otlp");
}

fn deployment() -> Value {
    let output = Command::new("python3")
        .arg(root().join("tests/peers/validate_deployment.py"))
        .arg(root().join("deploy"))
        .output()
        .expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn manifests_units_and_images_are_well_formed_and_of_this_program() {
    let found = deployment();
    let kinds: BTreeSet<&str> =
        found["kinds"].as_array().expect("kinds").iter().filter_map(Value::as_str).collect();
    for kind in [
        "ConfigMap",
        "Deployment",
        "Service",
        "StatefulSet",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
    ] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
    // The settings that the manifests bring are ones that the program takes.
    let state = State::new();
    let settings = found["settings"].as_str().expect("settings");
    fs::write(state.path("praman.toml"), settings).expect("written");
    state.json(&["--config", "praman.toml", "config", "check"]);
    // So are the units; they are read with a program that is there in the place of the installed one.
    for name in ["praman.service", "praman-worker.service"] {
        let unit = fs::read_to_string(root().join("deploy/systemd").join(name)).expect("a unit");
        let program = env!("CARGO_BIN_EXE_praman");
        fs::write(state.path(name), unit.replace("/usr/bin/praman", program)).expect("written");
        let verified = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(state.path(name))
            .output()
            .expect("missing: systemd-analyze (Debian's package systemd)");
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && !said.contains(name), "{said}");
    }
    let image = fs::read_to_string(root().join("deploy/Containerfile")).expect("a Containerfile");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let (_, rust) = manifest.split_once("rust-version = \"").expect("a version");
    let rust = rust.split('"').next().expect("a version");
    assert!(image.contains(&format!("rust:{rust}-")), "the image's Rust is not {rust}");
}
