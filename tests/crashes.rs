//! Killed anywhere, nothing is lost and nothing happens twice.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::State;

use crate::support;

/// Starts a command and kills it after a while; the time that it would have taken by itself.
fn killed(state: &State, arguments: &[&str], after: Duration) {
    let mut command = state.command(arguments);
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    sleep(after);
    // Killed outright, as by a power cut; it may have ended before.
    let _ = child.kill();
    child.wait().expect("it was started");
}

/// Points in time from the start to past the end of a command that takes `whole`.
fn points(whole: Duration, count: u32) -> impl Iterator<Item = Duration> {
    (0..count).map(move |point| whole * point / (count - 2))
}

#[test]
fn credential_is_live_exactly_where_its_file_is() {
    let state = State::new();
    state.json(&["office", "new", "--name", "B", "--schema", "resident", "--out", "o.json"]);
    let register = support::register();
    let register = register.to_str().expect("UTF-8").to_owned();
    let issue = |out: &str| {
        ["issue", "--register", &register, "--office", "o.json", "--out", out].map(str::to_owned)
    };
    // How long it takes, from an office of its own.
    let other = State::new();
    other.json(&["office", "new", "--name", "B", "--schema", "resident", "--out", "o.json"]);
    let started = Instant::now();
    other.json(&issue("c").each_ref().map(String::as_str));
    let whole = started.elapsed();

    for (attempt, after) in points(whole, 12).enumerate() {
        let out = format!("c{attempt}");
        killed(&state, &issue(&out).each_ref().map(String::as_str), after);
    }
    // Once more, to the end; whatever was pending is moved to its place.
    state.json(&issue("last").each_ref().map(String::as_str));
    let live = state.json(&["snapshot", "--out", "s.json"])["live"].as_u64().expect("a count");
    let files: usize = (0..12)
        .map(|attempt| format!("c{attempt}"))
        .chain(["last".to_owned()])
        .filter_map(|out| fs::read_dir(state.path(&out)).ok())
        .map(|entries| {
            entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file())).count()
        })
        .sum();
    assert_eq!((live, files), (1_987, 1_987));
}

#[test]
fn claim_is_accepted_once_and_paid_once() {
    let state = State::with_everything("krishak-bandhu", support::year());
    let holders = ["WB070000002", "WB070000003", "WB070000005", "WB070000009"];
    for holder in holders {
        assert_eq!(state.prove(holder, "krishak-bandhu", support::year(), holder).code, 0);
    }
    let scheme = support::scheme("krishak-bandhu");
    let scheme = scheme.to_str().expect("UTF-8");
    let started = Instant::now();
    state.run(&["snapshot", "--out", "time.json"]);
    let whole = started.elapsed().max(Duration::from_millis(30)) * 2;
    for holder in holders {
        let file = format!("{holder}/claim.json");
        let claim = ["claim", "--file", &file, "--scheme", scheme, "--keys", "keys"];
        for after in points(whole, 8) {
            killed(&state, &claim, after);
        }
        // Whichever of them went through: it is accepted, and the answer stays the same.
        let last = state.claim(holder, "krishak-bandhu");
        assert_eq!(last.code, 0, "{}", last.err);
        assert_eq!(state.claim(holder, "krishak-bandhu").out, last.out);
    }
    let pay = support::pay_arguments("krishak-bandhu", support::year());
    let pay = pay.each_ref().map(String::as_str);
    for after in points(Duration::from_millis(400), 12) {
        killed(&state, &pay, after);
    }
    state.pay("krishak-bandhu", support::year());
    let again = state.pay("krishak-bandhu", support::year());
    assert_eq!(again["claims"], 0);
    let mut transfers = 0;
    for entry in fs::read_dir(state.path("bank")).expect("files") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            let xml = fs::read_to_string(&path).expect("whole");
            assert!(xml.trim_end().ends_with("</Document>"), "half a file: {}", path.display());
            transfers += xml.matches("<CdtTrfTxInf>").count();
        }
    }
    assert_eq!(transfers, 2 * holders.len(), "two instalments for each");
}
