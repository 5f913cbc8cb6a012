//! The way of a claim through the command line, each step a process of its own.

use std::fs;

use serde_json::Value;
use support::State;
use support::service::Service;

use crate::support;

/// Land of 1.71 acres: 10,000 a year.
const FARMER: &str = "WB070000002";

#[test]
fn claim_from_a_register_is_paid_once() {
    let state = State::with_everything("krishak-bandhu", support::year());
    let proved = state.prove(FARMER, "krishak-bandhu", support::year(), "proof");
    assert_eq!(proved.code, 0, "{}", proved.err);
    let json: Value = serde_json::from_str(&proved.out).expect("JSON");
    assert_eq!(json["keys"], "development");
    assert!(json["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));

    let verify = ["verify", "--keys", "keys", "--public", "proof/public.json", "--proof"];
    assert_eq!(state.json(&[&verify[..], &["proof/proof.json"]].concat())["valid"], true);
    let by_key = ["verify", "--vk", "keys/verification_key.json", "--public", "proof/public.json"];
    let by_key = state.json(&[&by_key[..], &["--proof", "proof/proof.json"]].concat());
    assert_eq!(by_key["valid"], true);
    assert_eq!(by_key["keys"], "development");

    // Accepted once; brought again it has the same answer; a second claim has the same nullifier and
    // is refused.
    let first = state.claim("proof", "krishak-bandhu");
    assert_eq!(first.code, 0, "{}", first.err);
    let again = state.claim("proof", "krishak-bandhu");
    assert_eq!((again.code, again.out), (0, first.out));
    assert_eq!(state.prove(FARMER, "krishak-bandhu", support::year(), "second").code, 0);
    let second = state.claim("second", "krishak-bandhu");
    assert_eq!(second.code, 1);
    assert!(second.out.contains("already claimed for this period"), "{}", second.out);

    // Paid once, in two instalments.
    let paid = state.pay("krishak-bandhu", support::year());
    assert_eq!((&paid["claims"], &paid["rupees"]), (&1.into(), &10_000.into()));
    let file = paid["files"][0].as_str().expect("a file");
    let xml = fs::read_to_string(state.path(file)).expect("the bank's file");
    assert!(xml.contains("pain.001.001.09"));
    assert_eq!(xml.matches("<InstdAmt Ccy=\"INR\">5000.00</InstdAmt>").count(), 2);
    assert!(xml.contains("<Id>6563212233079</Id>") && xml.contains("UCBA0684268"));
    let again = state.pay("krishak-bandhu", support::year());
    assert_eq!((&again["claims"], &again["files"]), (&0.into(), &Value::Array(Vec::new())));
}

#[test]
fn revoked_holder_proves_nothing_more() {
    let state = State::with_everything("krishak-bandhu", support::year());
    let revoke = ["revoke", "--office", "office.json", "--register-no", FARMER];
    assert_eq!(state.json(&revoke)["revoked"], 1);
    state.refused(&revoke, 1, "no live credential");
    state.json(&["snapshot", "--out", "snapshot.json"]);
    let refused = state.prove(FARMER, "krishak-bandhu", support::year(), "proof");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("revoked"), "{}", refused.err);
    assert!(!state.path("proof").exists(), "nothing is half done");
    // Issued to again, the holder has a new leaf.
    let register = support::register();
    let issued = state.json(&[
        "issue",
        "--register",
        register.to_str().expect("UTF-8"),
        "--office",
        "office.json",
        "--out",
        "more",
    ]);
    assert_eq!(issued["issued"], 1);
    // What replaces a revoked credential claims from the next month on: she can't be paid twice.
    state.json(&["snapshot", "--out", "snapshot.json"]);
    fs::rename(state.path("credentials"), state.path("before")).expect("moved");
    fs::rename(state.path("more"), state.path("credentials")).expect("moved");
    let refused = state.prove(FARMER, "krishak-bandhu", support::year(), "proof");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("E5"), "{}", refused.err);
    assert_eq!(state.prove(FARMER, "krishak-bandhu", "2029", "proof").code, 0);
}

#[test]
fn row_whose_account_no_bank_takes_is_refused_alone() {
    let state = State::new();
    // One row of the sample is not UTF-8, on purpose: only the first ones are needed here.
    let bytes = fs::read(support::register()).expect("the sample");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let few: Vec<&str> = text.lines().take(10).collect();
    let odd = few.join("\n").replace("UCBA0684268,6563212233079", "UCBA0684268,");
    assert!(odd.contains("UCBA0684268,\n"));
    fs::write(state.path("register.csv"), odd).expect("written");
    let scheme = support::scheme("krishak-bandhu");
    let scheme = scheme.to_str().expect("UTF-8");
    for arguments in [
        &["setup", "--circuit", "eligibility", "--out", "keys", "--insecure-seed", "1"][..],
        &["office", "new", "--name", "Block", "--schema", "resident", "--out", "office.json"],
        &["treasury", "new", "--out", "treasury.json", "--payout", "payout.json"],
        &["issue", "--register", "register.csv", "--office", "office.json", "--out", "credentials"],
        &["ledger", "checkpoint", "--keys", "keys"],
    ] {
        state.json(arguments);
    }
    state.open_period(scheme, support::year(), &[]);
    state.json(&["snapshot", "--out", "snapshot.json"]);
    // It could claim, and never be paid: it is refused by the column's name.
    let checked = state.run(&["register", "check", "register.csv"]);
    assert!(checked.out.contains("account"), "{} {}", checked.out, checked.err);
    assert!(!state.path(&format!("credentials/{FARMER}.json")).exists());
    let holder = "WB070000003";
    assert_eq!(state.prove(holder, "krishak-bandhu", support::year(), holder).code, 0);
    assert_eq!(state.claim(holder, "krishak-bandhu").code, 0);
    let paid = state.pay("krishak-bandhu", support::year());
    assert_eq!((&paid["claims"], &paid["held"]), (&1.into(), &serde_json::json!([])));
}

#[test]
fn ineligible_holder_is_refused_with_the_reason() {
    let state = State::with_everything("annapurna", support::month());
    // Born 1954: over 60.
    let refused = state.prove("WB070000001", "annapurna", support::month(), "proof");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("E8"), "{}", refused.err);
    // A month that was over when the credential was issued.
    let past = state.prove("WB070000002", "annapurna", "2026-06", "proof");
    assert_eq!(past.code, 1);
    assert!(past.err.contains("issued too late"), "{}", past.err);
    // A month in which another scheme was in its place.
    let early = state.prove("WB070000002", "annapurna", "2026-05", "proof");
    assert_eq!(early.code, 1);
    assert!(early.err.contains("no rules in force"), "{}", early.err);
}

/// The contract's door is in `every_part_of_a_claim_is_bound`, and gRPC's in `tests/peers/grpc.mjs`.
#[test]
fn swapped_envelope_is_refused_at_every_door() {
    let state = State::with_everything("krishak-bandhu", support::year());
    for (holder, out) in [(FARMER, "first"), ("WB070000003", "second")] {
        assert_eq!(state.prove(holder, "krishak-bandhu", support::year(), out).code, 0);
    }
    // Someone on the way replaces the first claim's envelope by the second's.
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(state.path(name)).expect("a claim")).expect("JSON")
    };
    let mut tampered = read("first/claim.json");
    tampered["envelope"] = read("second/claim.json")["envelope"].clone();
    fs::create_dir(state.path("tampered")).expect("a folder");
    fs::write(state.path("tampered/claim.json"), tampered.to_string()).expect("written");
    let refused = state.claim("tampered", "krishak-bandhu");
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("does not hold"), "{}", refused.out);
    let service = Service::start(&state, &[]);
    let refused = service.submit(&state, "tampered", "?wait=20", &[]);
    assert_eq!((refused.status, &refused.json()["reason"]), (200, &"proof-invalid".into()));
    // With the envelope that it was proved with the claim is taken, and paid.
    let accepted = service.submit(&state, "first", "?wait=20", &[]);
    assert_eq!(accepted.json()["state"], "accepted", "{}", accepted.body);
    drop(service);
    let paid = state.pay("krishak-bandhu", support::year());
    assert_eq!((&paid["claims"], &paid["held"]), (&1.into(), &serde_json::json!([])));
}

/// Annapurna takes the place of Lakshmir Bhandar, in a month in which both are open. A woman who has claimed one of
/// them learns from her own wallet that she can't claim the other; nobody else does.
#[test]
fn wallet_looks_up_its_nullifier_and_makes_no_claim_that_would_be_refused() {
    let state = State::with_everything("annapurna", support::month());
    // Lakshmir Bhandar as it would be if its rules went on until today.
    let old = fs::read_to_string(support::scheme("lakshmir-bhandar")).expect("shipped");
    let old = old.replace("to = 2026-05-31", "to = 2099-12-31");
    fs::create_dir(state.path("schemes")).expect("a folder");
    fs::write(state.path("schemes/old.toml"), &old).expect("written");
    let new = support::scheme("annapurna");
    fs::copy(&new, state.path("schemes/new.toml")).expect("copied");
    state.open_period("schemes/old.toml", support::month(), &[]);
    let inputs = |scheme: &str| {
        let inputs = ["prove", "--circuit", "eligibility", "--scheme", scheme, "--tier", "0"];
        let files = ["--snapshot", "snapshot.json", "--payout", "payout.json", "--keys", "keys"];
        let whose = ["--credential", "credentials/WB070000010.json", "--period", support::month()];
        [&inputs[..], &files, &whose].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let prove = |scheme: &str, more: &[&str]| {
        let inputs = inputs(scheme);
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        state.run(&[&inputs[..], more].concat())
    };
    let schemes = state.path("schemes");
    let service = Service::start(&state, &["--schemes", schemes.to_str().expect("UTF-8")]);
    let fetch = |path: &str, name: &str| {
        let spent = service.curl(path, &[]);
        assert_eq!(spent.status, 200, "{}", spent.body);
        fs::write(state.path(name), spent.body).expect("written");
    };
    // Both schemes have one nullifier in the month, so one place to look.
    let place = prove("schemes/new.toml", &["--lookup"]);
    assert_eq!((place.code, &place.out), (0, &prove("schemes/old.toml", &["--lookup"]).out));
    let counted = place.out.trim().to_owned();
    fetch(&counted, "count.json");
    let place = prove("schemes/new.toml", &["--lookup", "count.json"]);
    let same = prove("schemes/old.toml", &["--lookup", "count.json"]);
    assert_eq!((place.code, &place.out), (0, &same.out));
    // Where few have claimed, the wallet takes the whole list.
    let place = place.out.trim().to_owned();
    assert_eq!(place, format!("{counted}/all"));
    fetch(&place, "before.json");
    let proved = prove("schemes/old.toml", &["--spent", "before.json", "--out", "old"]);
    assert_eq!(proved.code, 0, "{}", proved.err);
    let paid = service.submit(&state, "old", "?wait=20", &[]).json();
    assert_eq!(paid["state"], "accepted", "{paid}");
    // The wallet sees it and makes no claim to the other.
    fetch(&place, "after.json");
    let refused = prove("schemes/new.toml", &["--spent", "after.json", "--out", "new"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("already claimed for this period"), "{}", refused.err);
    assert!(!state.path("new").exists());
    // What is not a place, and the answer of another.
    let (scope, number) = counted.rsplit_once('/').expect("a period");
    for bad in ["0A3", "0a3f", "none"] {
        assert_eq!(service.curl(&format!("{counted}/{bad}"), &[]).status, 400, "{bad}");
    }
    for bad in [format!("{scope}/june"), format!("{scope}x/{number}"), format!("{scope}/-1")] {
        assert_eq!(service.curl(&bad, &[]).status, 400, "{bad}");
    }
    for other in [format!("{scope}/1/all"), format!("{counted}/fff")] {
        fetch(&other, "other.json");
        let refused = prove("schemes/new.toml", &["--spent", "other.json", "--out", "third"]);
        assert_eq!(refused.code, 2, "{other}: {}", refused.err);
    }
    // A kiosk's request for a proof is held to the same.
    let key = service.curl("/v1/proofs/key", &[]).json();
    let key = key["worker_key"].as_str().expect("a key").to_owned();
    let files = ["--snapshot", "snapshot.json", "--payout", "payout.json"];
    let whose = ["--credential", "credentials/WB070000010.json", "--period", support::month()];
    let seal = ["worker", "seal", "--to", &key, "--scheme", "schemes/new.toml", "--tier", "0"];
    let more = ["--spent", "after.json", "--out", "request.json"];
    let refused = [&seal[..], &files, &whose, &more].concat();
    state.refused(&refused, 1, "already claimed for this period");
    // A wallet that does not look is refused before the ledger sees anything: it would not answer now.
    assert_eq!(prove("schemes/new.toml", &["--out", "new"]).code, 0);
    state.json(&["ledger", "pause"]);
    let second = service.submit(&state, "new", "?wait=20", &[]).json();
    assert_eq!(
        (&second["state"], &second["reason"]),
        (&"refused".into(), &"already-claimed".into())
    );
}

#[test]
fn group_of_schemes_with_two_schemas_is_refused_with_its_file() {
    let state = State::with_everything("krishak-bandhu", support::year());
    fs::create_dir(state.path("schemes")).expect("a folder");
    let old = fs::read_to_string(support::scheme("lakshmir-bhandar")).expect("shipped");
    let students = fs::read_to_string(support::scheme("kanyashree-k1")).expect("shipped");
    let students = students.replacen("from = ", "excludes_with = \"women-cash\"\nfrom = ", 1);
    fs::write(state.path("schemes/a.toml"), old).expect("written");
    fs::write(state.path("schemes/b.toml"), students).expect("written");
    let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0", "--schemes", "schemes"];
    state.refused(&serve, 2, "a group has one schema");
}

#[test]
fn holders_may_keep_their_secrets_to_themselves() {
    let state = State::new();
    state.json(&["office", "new", "--name", "B", "--schema", "resident", "--out", "o.json"]);
    let subject = state.json(&["hash", "poseidon", "1", "2"]);
    let subject = subject["hash"].as_str().expect("a hash");
    fs::write(state.path("subjects.csv"), format!("register_no,subject\n{FARMER},{subject}\n"))
        .expect("written");
    let register = support::register();
    let issued = state.json(&[
        "issue",
        "--register",
        register.to_str().expect("UTF-8"),
        "--office",
        "o.json",
        "--out",
        "c",
        "--subjects",
        "subjects.csv",
    ]);
    assert_eq!(issued["issued"], 1);
    assert!(!state.path("c/wallets").exists());
    let text = fs::read_to_string(state.path(&format!("c/{FARMER}.json"))).expect("a credential");
    assert!(text.contains(subject));
}

#[test]
fn bundles_have_a_line_for_each_holder() {
    let state = State::new();
    state.json(&["office", "new", "--name", "B", "--schema", "resident", "--out", "o.json"]);
    let register = support::register();
    let register = register.to_str().expect("UTF-8");
    let issue = ["issue", "--register", register, "--office", "o.json", "--bundle", "--out"];
    let issued = state.json(&[&issue[..], &["c"]].concat());
    assert_eq!((&issued["issued"], &issued["refused"]), (&1_987.into(), &204.into()));
    for name in ["c/credentials.ndjson", "c/wallets.ndjson"] {
        let text = fs::read_to_string(state.path(name)).expect("a bundle");
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 1_987);
        assert_eq!(lines[1]["register_no"], FARMER);
    }
    // Nobody is issued to twice by the same register.
    assert_eq!(state.json(&[&issue[..], &["again"]].concat())["issued"], 0);
}

#[test]
fn demonstration_shows_each_stage() {
    let state = State::new();
    let demo = state.json(&["demo", "--claims", "6", "--people", "400", "--seed", "5"]);
    for (member, expected) in [
        ("accepted", 1_987),
        ("refused", 97),
        ("duplicates", 107),
        ("issued", 400),
        ("claims_sent", 6),
        ("claims_accepted", 6),
        ("double_claims_refused", 1),
        ("forged_claims_refused", 1),
    ] {
        assert_eq!(demo[member], expected, "{member}");
    }
    assert!(demo["paid_rupees"].as_u64().is_some_and(|paid| paid > 0));
    assert!(demo["proofs_per_second"].as_f64().is_some_and(|rate| rate > 0.0));
    assert!(demo["seconds"].is_number());
    for file in demo["bank_files"].as_array().expect("files") {
        assert!(fs::metadata(state.path(file.as_str().expect("a path"))).is_ok());
    }
}

#[test]
fn processes_that_run_at_once_do_not_overwrite_each_other() {
    let holders = [FARMER, "WB070000003", "WB070000005"];
    let state = State::new();
    fs::write(state.path("farmers.csv"), support::some_rows(&holders, &[])).expect("written");
    let state = state.with_register("farmers.csv", "krishak-bandhu", support::year());
    for holder in holders {
        assert_eq!(state.prove(holder, "krishak-bandhu", support::year(), holder).code, 0);
    }
    let scheme = support::scheme("krishak-bandhu");
    let scheme = scheme.to_str().expect("UTF-8");
    let register = support::register();
    let register = register.to_str().expect("UTF-8");
    // Each claim twice, at once, and an office of its own issuing beside them, twice at once too.
    state.json(&["office", "new", "--name", "C", "--schema", "resident", "--out", "c.json"]);
    let files: Vec<String> = holders.iter().map(|holder| format!("{holder}/claim.json")).collect();
    let mut running: Vec<_> = files
        .iter()
        .chain(&files)
        .map(|file| {
            let claim = ["claim", "--file", file, "--scheme", scheme, "--keys", "keys"];
            state.command(&claim).spawn().expect("starts")
        })
        .collect();
    let issuing: Vec<_> = ["c1", "c2"]
        .iter()
        .map(|out| {
            let issue = ["issue", "--register", register, "--office", "c.json", "--out", out];
            state.command(&issue).spawn().expect("starts")
        })
        .collect();
    let codes: Vec<_> =
        running.iter_mut().map(|child| child.wait().expect("ends").code()).collect();
    assert!(
        codes.iter().all(|code| *code == Some(0)),
        "the same claim, the same answer: {codes:?}"
    );
    for mut child in issuing {
        child.wait().expect("ends");
    }
    let live = state.json(&["snapshot", "--out", "s.json"])["live"].as_u64().expect("a count");
    // Everybody once: those whom the first office has issued to get nothing of the other.
    assert_eq!(live, 1_987);
}
