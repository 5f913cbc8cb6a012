//! The doctor: what is wrong with an installation is named, with what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;
use support::State;

use crate::support;

fn examine(state: &State, more: &[&str]) -> (i32, Value) {
    let ran = state.run(&[&["doctor", "--json"][..], more].concat());
    (ran.code, serde_json::from_str(&ran.out).expect("JSON"))
}

/// How a check stands, and what it says.
fn standing(report: &Value, check: &str) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().expect("findings");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let of = findings.iter().filter(|finding| finding["check"] == check);
    of.map(|finding| (text(&finding["standing"]), text(&finding["says"]))).collect()
}

#[test]
fn installation_that_works_is_reported_so_and_each_fault_is_named() {
    let state = State::with_everything("krishak-bandhu", support::year());
    fs::set_permissions(state.path("state"), fs::Permissions::from_mode(0o700)).expect("set");
    let (code, report) = examine(&state, &["--keys", "keys"]);
    assert_eq!((code, &report["works"]), (0, &Value::Bool(true)), "{report}");
    for check in ["folder", "disk", "store", "clock", "ledger", "checkpoint", "claims", "audit"] {
        assert_eq!(standing(&report, check)[0].0, "well", "{check}: {report}");
    }
    assert_eq!(standing(&report, "keys")[0].0, "watch", "development keys are told of");
    assert_eq!(standing(&report, "access")[0].0, "watch", "one person acts alone");
    let findings = report["findings"].as_array().expect("findings");
    let unwell = findings.iter().filter(|finding| finding["standing"] != "well");
    assert!(unwell.clone().all(|finding| finding["advice"].is_string()), "{report}");

    // Each thing that goes wrong is named.
    let secret = state.path("state/office.json");
    fs::copy(state.path("office.json"), &secret).expect("copied");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).expect("set");
    let (code, report) = examine(&state, &[]);
    assert_eq!(code, 1);
    assert!(standing(&report, "secrets")[0].1.contains("office.json"), "{report}");
    fs::remove_file(&secret).expect("removed");

    state.sql("update audit_entry set name = 'x' where number = 1");
    let (code, report) = examine(&state, &[]);
    assert_eq!(code, 1);
    assert!(standing(&report, "audit")[0].1.contains("entry 1 was changed"), "{report}");
    state.sql("update audit_entry set name = 'operator' where number = 1");
    assert_eq!(examine(&state, &[]).0, 0);

    state.sql("update checkpoint set as_of = as_of - 9");
    assert!(standing(&examine(&state, &[]).1, "checkpoint")[0].1.contains("days old"));
    state.sql(
        "insert into register_upload (id, office, state, makes_secrets, data_key, bytes, \
         uploaded_at) values (x'00', 0, 'waiting', 0, x'00', 1, 1)",
    );
    let (code, report) = examine(&state, &[]);
    assert_eq!((code, standing(&report, "registers")[0].0.as_str()), (1, "wrong"), "{report}");

    // A certificate at its end, and keys of another circuit.
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let old = params.self_signed(&key).expect("signed");
    fs::write(state.path("old.pem"), old.pem()).expect("written");
    let (_, report) = examine(&state, &["--tls-certificate", "old.pem", "--keys", "state"]);
    assert!(standing(&report, "certificate")[0].1.contains("has expired"), "{report}");
    assert_eq!(standing(&report, "keys")[0].0, "wrong", "{report}");

    // A schema of a newer program, and no database at all.
    state.sql("insert into _sqlx_migrations values (9999,'newer',datetime('now'),1,x'00',0)");
    let (code, report) = examine(&state, &[]);
    assert_eq!(code, 1);
    assert!(standing(&report, "store")[0].1.contains("newer praman"), "{report}");
    let nowhere = state.on(Some("postgres://nobody@127.0.0.1:9/none".to_owned()));
    let (code, report) = examine(&nowhere, &[]);
    assert_eq!((code, standing(&report, "store")[0].0.as_str()), (1, "wrong"), "{report}");
}

#[test]
fn store_journal_and_backup_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let state = State::new();
    // As most users' shells have it.
    let run = |arguments: &str| {
        let program = env!("CARGO_BIN_EXE_praman");
        let script = format!("umask 022; exec '{program}' --dir state {arguments}");
        let ran = std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(state.path("."))
            .env("PRAMAN_PASSPHRASE", "a passphrase for tests")
            .status();
        assert!(ran.expect("sh is there").success(), "{arguments}");
    };
    run("office new --name Block --schema resident --out office.json");
    run("backup --out state/backup.db");
    let entries = std::fs::read_dir(state.path("state")).expect("a folder");
    let mut names = Vec::new();
    for entry in entries.flatten().chain(std::fs::read_dir(state.path(".")).expect("it").flatten())
    {
        let mode = entry.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", entry.path());
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    assert!(
        ["praman.db", "backup.db", "office.json"].iter().all(|one| names.contains(&(*one).into()))
    );
    // What others may read all the same is told.
    let database = state.path("state/praman.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).expect("set");
    let (code, report) = examine(&state, &[]);
    assert_eq!(code, 1, "{report}");
    assert!(report.to_string().contains("others can read praman.db"), "{report}");
}
