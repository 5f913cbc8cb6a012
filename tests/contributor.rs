//! People contribute to keys by a page in a browser: what it makes is what the program makes.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use support::{State, peer, root};

use crate::coordinator;
use crate::support;
use crate::support::service::Service;

fn walk(state: &State, place: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let output = Command::new("node")
        .arg(root().join("tests/peers/contributor.mjs"))
        .args([place, "made"])
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(state.path("."))
        .output()
        .expect("node is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["violations"], json!([]), "axe-core");
    assert_eq!((&report["left"], &report["fault"]), (&json!(["", ""]), &json!("")), "{report}");
    assert_eq!(report["barred"], "connect-src", "{report}");
    report
}

#[test]
fn page_contributes_as_the_program_does_and_sends_nothing() {
    let state = State::new();
    let ceremony = |arguments: &[&str]| state.json(&[&["ceremony"], arguments].concat());
    fs::copy(root().join("prover/ceremony/vectors/toy.r1cs"), state.path("c.r1cs"))
        .expect("copied");
    ceremony(&["new", "--power", "4", "--out", "p0.ptau"]);
    ceremony(&["contribute", "p0.ptau", "p1.ptau", "--name", "a department"]);
    ceremony(&["prepare", "p1.ptau", "p.ptau"]);
    ceremony(&["new", "--r1cs", "c.r1cs", "--phase1", "p.ptau", "--out", "k0.zkey"]);
    let first = ceremony(&["contribute", "k0.zkey", "k1.zkey", "--name", "first"]);
    let whole = fs::read(state.path("k1.zkey")).expect("read");
    fs::write(state.path("cut.zkey"), &whole[..whole.len() - 100]).expect("written");
    let mut old = whole.clone();
    old[4] = 2;
    fs::write(state.path("version.zkey"), &old).expect("written");

    let page = root().join("service/contributor/ceremony.html");
    let page = page.to_str().expect("UTF-8");
    let report = walk(&state, page, &["k1.zkey", "cut.zkey,p1.ptau,version.zkey"], &[]);
    assert_eq!(report["faults"], json!([]), "faults in the browser");
    let refused: Vec<&str> = report["refused"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|told| told.as_str().expect("a sentence"))
        .collect();
    for (told, words) in refused.iter().zip([
        "cut.zkey",
        "it is no .zkey file",
        "version 2",
        "passphrases are not the same",
        "passphrase",
    ]) {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(refused.len(), 5);
    // A page from a file has no service to ask, and asks none: its worker is its own text.
    let requests = report["requests"].as_array().expect("a list");
    let own = |asked: &&Value| {
        let asked = asked.as_str().expect("a text");
        asked.starts_with("GET file:") || asked.starts_with("GET blob:null/")
    };
    assert!(requests.iter().all(|asked| own(&asked)), "{requests:?}");
    assert_eq!(report["atCoordinator"], false);
    assert_eq!(report["shown"]["contributions"], json!([first["contribution"]]));

    let verify = ["verify", "made/k1-2.zkey", "--r1cs", "c.r1cs", "--phase1", "p.ptau"];
    let checked = ceremony(&verify);
    assert_eq!(checked["valid"], true, "{checked}");
    assert_eq!(checked["contributions"][1]["hash"], report["hash"]);
    assert_eq!(checked["contributions"][1]["name"], "Asha Roy");
    assert_eq!(checked["circuit_hash"], report["shown"]["hash"]);
    let verify = ["zkey", "verify", "c.r1cs", "p.ptau", "made/k1-2.zkey"];
    let said = peer("snarkjs", &verify, &state.path("."));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("ZKey Ok!"), "{said}");
    // What it signed, and the key that it made, the program takes as its own.
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(state.path(name)).expect("read");
        serde_json::from_str(&text).expect("JSON")
    };
    let attestation = read("made/k1-2.zkey.attestation.json");
    assert_eq!(attestation["contribution"], report["hash"]);
    assert_eq!(attestation["public_key"], report["publicKey"]);
    let attestation: praman_ceremony::Attestation =
        serde_json::from_value(attestation).expect("an attestation");
    assert_eq!(attestation.check(), Ok(()));
    fs::write(state.path("horse"), "correct horse\n").expect("written");
    let sign = ["contribute", "k0.zkey", "x.zkey", "--name", "x", "--organisation", "x"];
    let by = ["--signing-key", "made/signing-key.json", "--passphrase-file", "horse"];
    ceremony(&[&sign[..], &by].concat());
}

#[test]
fn page_of_a_coordinator_takes_a_turn_and_brings_the_contribution() {
    let state = coordinator::opened();
    let service = Service::start(&state, &coordinator::COORDINATES);
    let shown = state.shown("kiosk", &[]);
    let token = shown.trim_start_matches("Authorization: Bearer ");
    let variables = [("TOKEN", token), ("PASSPHRASE", "a passphrase for tests")];
    let report = walk(&state, &service.address, &["claims-1", "signing.json"], &variables);
    // A browser says of each answer that is a refusal that it is one.
    let faults = report["faults"].as_array().expect("a list");
    assert!(faults.iter().all(|told| told.to_string().contains("status of 401")), "{faults:?}");
    assert_eq!(report["refused"][0], "The service does not know this access key.");
    let requests = report["requests"].as_array().expect("a list");
    let own = |asked: &&Value| {
        let (_, url) = asked.as_str().expect("a text").split_once(' ').expect("a method");
        url.strip_prefix("blob:").unwrap_or(url).starts_with(&service.address)
    };
    assert!(requests.iter().all(|asked| own(&asked)), "{requests:?}");
    assert_eq!(report["shownCeremony"], "claims-1");
    let status = service.curl(coordinator::CEREMONY, &[]).json();
    let taken = &status["contributions"][0];
    assert_eq!(taken["hash"], report["hash"], "{status}");
    assert_eq!(taken["receipt"]["identity"], "principal 3");
    assert_eq!(taken["attestation"]["organisation"], "High Court");
    let receipt = fs::read_to_string(state.path("made/receipt.json")).expect("read");
    let receipt: Value = serde_json::from_str(&receipt).expect("JSON");
    assert_eq!(receipt, taken["receipt"]);
    assert_eq!(service.stop(), 0);

    // Where there is no coordinator there is no page.
    let service = Service::start(&state, &[]);
    assert_eq!(service.curl("/ceremony", &[]).status, 404);
    assert_eq!(service.stop(), 0);
}
