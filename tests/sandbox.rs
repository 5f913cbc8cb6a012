//! The sandbox: a scheme tried on synthetic people, and frauds by a script.

use std::fs;

use serde_json::{Value, json};
use support::{State, scheme};

use crate::support;

const FRAUDS: [(&str, &str, &str); 9] = [
    ("ghost", "ledger", "the proof does not hold"),
    ("double", "ledger", "already claimed for this period"),
    ("forged", "ledger", "the proof does not hold"),
    ("stolen-card", "statement", "E1"),
    ("redirected", "statement", "E3"),
    ("inflated", "treasury", "content is not what was proved"),
    ("ineligible", "statement", "E8"),
    ("sandbox-proof", "ledger", "the proof does not hold"),
    ("revoked", "statement", "E3"),
];

fn run(state: &State, id: &str, period: &str, more: &[&str]) -> Value {
    let scheme = scheme(id);
    let scheme = scheme.to_str().expect("UTF-8");
    let sandbox = ["sandbox", "--scheme", scheme, "--period", period];
    state.json(&[&sandbox[..], more].concat())
}

#[test]
fn every_fraud_is_named_and_refused_and_the_books_balance() {
    let state = State::new();
    let report = run(&state, "annapurna", "2026-06", &["--people", "600", "--claims", "24"]);
    assert_eq!(report["succeeded"], json!([]), "{report}");
    let frauds = report["frauds"].as_array().expect("frauds");
    assert_eq!(frauds.len(), FRAUDS.len());
    for (name, by, words) in FRAUDS {
        let fraud = frauds.iter().find(|fraud| fraud["fraud"] == name).expect(name);
        let reason = fraud["reason"].as_str().expect("a reason");
        assert!(fraud["by"] == by && reason.contains(words), "{fraud}");
    }
    let sums = &report["reconciliation"];
    assert_eq!((&sums["difference"], &sums["paid"]["count"]), (&json!(0), &json!(24)), "{sums}");
    assert!(report["returned"].as_u64() > Some(0) && sums["returned"]["count"] == 0, "{report}");
    // What a district's few would tell is not told.
    let districts = report["impact"]["districts"].as_object().expect("districts");
    let told: u64 = districts.values().filter_map(|one| one["eligible"].as_u64()).sum();
    let hidden = districts.values().filter(|one| one["eligible"].is_null()).count();
    assert!(hidden != 1 && told <= report["impact"]["eligible"].as_u64().expect("a number"));
    // The same seed gives the same people and the same answer, another gives others.
    let again = run(&state, "annapurna", "2026-06", &["--people", "600", "--claims", "24"]);
    assert_eq!((&again["impact"], &again["returned"]), (&report["impact"], &report["returned"]));
    let other = ["--people", "600", "--claims", "24", "--seed", "2"];
    assert_ne!(run(&state, "annapurna", "2026-06", &other)["impact"], report["impact"]);
    // The bank's answers are there to be looked at.
    let bank = state.path(report["folder"].as_str().expect("a folder")).join("bank");
    assert!(fs::read_dir(bank).expect("a folder").count() >= 4);
}

#[test]
fn sandbox_runs_on_its_own_day_and_refuses_what_it_can_not_try() {
    let state = State::new();
    let on = ["--people", "300", "--claims", "5", "--on", "2026-08-15"];
    let report = run(&state, "old-age-pension", "2026-08", &on);
    assert_eq!(report["claims"], 5, "{report}");
    let student = scheme("kanyashree-k1");
    let student = student.to_str().expect("UTF-8");
    let sandbox = ["sandbox", "--scheme", student, "--period", support::year()];
    state.refused(&sandbox, 1, "schemes of the schema resident");
    fs::write(state.path("bad.toml"), "id = \"x\"\n").expect("written");
    state.refused(&["sandbox", "--scheme", "bad.toml", "--period", support::year()], 2, "bad.toml");
    let annapurna = scheme("annapurna");
    let annapurna = annapurna.to_str().expect("UTF-8");
    state.refused(&["sandbox", "--scheme", annapurna, "--period", "soon"], 2, "soon");
}
