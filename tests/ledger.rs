//! `praman ledger`: what stands, who takes part, orders, seals, history; embedded and on a node.

use anvil::Anvil;
use serde_json::json;
use support::State;
use support::service::Service;

use crate::support;
use crate::support::{anvil, node_scene};

#[test]
fn embedded_ledger_shows_its_status_and_replays_its_history() {
    let state = State::with_everything("annapurna", "2026-06");
    let status = state.json(&["ledger", "status"]);
    assert_eq!((&status["checkpoints"], &status["openings"]), (&json!(1), &json!(1)));
    assert_eq!(status["paused"], json!(false));
    let roles = state.json(&["ledger", "roles"]);
    let roles = roles["participants"].as_array().expect("a list");
    let live = roles.iter().filter(|participant| participant["state"] == "live").count();
    assert_eq!((roles.len(), live), (6, 6), "one operator in five roles, and an office");
    let history = state.json(&["ledger", "verify-history"]);
    assert_eq!((&history["faults"], &history["checkpoints"]), (&json!([]), &json!(1)));
    let exported = state.json(&["ledger", "export", "--out", "events.ndjson"]);
    let lines = std::fs::read_to_string(state.path("events.ndjson")).expect("written");
    assert_eq!(lines.lines().count() as u64, exported["events"].as_u64().expect("a number"));
    // The office is suspended: its credentials end at once, and it shows.
    let office = roles.iter().find(|participant| participant["role"] == "office").expect("there");
    let number = office["participant"].to_string();
    let order = ["--order", "No. 7 of 2026", "--reason", "ghosts", "--days", "30"];
    state.json(&[&["ledger", "suspend", &number][..], &order].concat());
    let roles = state.json(&["ledger", "roles"]);
    let roles = roles["participants"].as_array().expect("a list");
    let office = roles.iter().find(|participant| participant["role"] == "office").expect("there");
    assert_eq!(office["state"], "suspended");
    assert_eq!(state.json(&["ledger", "status"])["checkpoints"], json!(2), "without the office");
    assert_eq!(state.json(&["ledger", "verify-history"])["faults"], json!([]));
    // One pauses and the committee, which has one member here, resumes.
    state.json(&["ledger", "pause"]);
    assert_eq!(state.json(&["ledger", "status"])["paused"], json!(true));
    state.json(&["ledger", "resume"]);
    assert_eq!(state.json(&["ledger", "status"])["paused"], json!(false));
    // The directory of nodes is exported with its hash.
    let nodes = state.json(&["ledger", "nodes", "--out", "nodes.json"]);
    assert_eq!((&nodes["nodes"], &nodes["signed_by"]), (&json!(0), &json!(null)));
    // What was never accepted is in no dispute.
    state.refused(&["ledger", "freeze", "12", "--reason", "a complaint"], 1, "NoSuchClaim");
    // A seal takes another person than who proposed it.
    let sealed = state.json(&["ledger", "seal", "0"]);
    assert_eq!((&sealed["claims"], &sealed["seal"]), (&json!(0), &json!("proposed")));
    state.refused(&["ledger", "seal", "0", "--confirm"], 1, "may not do this");
    state.refused(&["ledger", "seal", "9"], 1, "there is no opening 9");
}

#[test]
fn period_that_is_over_is_opened_for_arrears_by_two_persons() {
    let state = State::with_everything("annapurna", "2026-06");
    let scheme = support::scheme("lakshmir-bhandar");
    let scheme = scheme.to_str().expect("UTF-8");
    let open = ["ledger", "open", "--keys", "keys", "--scheme", scheme, "--period", "2026-03"];
    state.refused(&open, 1, "the rules of this period ended on 2026-05-31");
    state.refused(&[&open[..], &["--arrears"]].concat(), 2, "--last-day");
    let until = |day: &str| {
        let more = ["--last-day", day];
        [&open[..], &more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let refused = |arguments: &[String], code, words| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        state.refused(&arguments, code, words);
    };
    let last_day = praman::calendar::date_of(support::next_week()).expect("a date").to_string();
    refused(&until(&last_day), 1, "--arrears");
    let over = [until("2026-06-01"), vec!["--arrears".to_owned()]].concat();
    refused(&over, 2, "between today and");
    // Where there is a second person, the operator asks, and nothing is open until they have approved.
    state.json(&["access", "tenant", "tests", "--title", "Tests"]);
    for (name, role, out) in [("R. Das", "agency", "das.key"), ("M. Ali", "oversight", "ali.key")] {
        let admit = ["access", "admit", "--name", name, "--role", role, "--tenant", "tests"];
        state.json(&[&admit[..], &["--key-out", out]].concat());
    }
    let arrears = [&open[..], &["--arrears", "--last-day", &last_day]].concat();
    let openings = || state.json(&["ledger", "status"])["openings"].clone();
    assert_eq!(state.json(&arrears)["waits"], 1);
    assert_eq!(state.json(&arrears)["waits"], 1, "the same is asked once");
    state.refused(&["access", "approve", "1"], 1, "their own credential");
    state.refused(&[&["--as", "das.key"][..], &arrears].concat(), 1, "may not do this");
    assert_eq!(openings(), 1);
    let shown = state.json(&["--as", "das.key", "access", "approvals"]);
    let document = &shown["approvals"][0]["document"];
    let asked = json!({ "scheme": "lakshmir-bhandar", "period": "2026-03", "last_day": last_day });
    assert_eq!(document, &asked);
    // The operator asks, who may be either of the two: both approve.
    state.json(&["--as", "das.key", "access", "approve", "1"]);
    assert_eq!(state.json(&arrears)["waits"], 1);
    state.json(&["--as", "ali.key", "access", "approve", "1"]);
    assert_eq!(state.json(&arrears)["last_day"], last_day);
    assert_eq!(openings(), 2);
    // Another day is another decision, and one that was denied stays so.
    let tomorrow = praman_circuits::period::Day(praman::calendar::today().0 + 9);
    let tomorrow = praman::calendar::date_of(tomorrow).expect("a date").to_string();
    let longer = [&open[..], &["--arrears", "--last-day", &tomorrow]].concat();
    assert_eq!(state.json(&longer)["waits"], 2);
    state.json(&["--as", "ali.key", "access", "deny", "2"]);
    state.refused(&longer, 1, "denied");
    // The first who approved has their key taken: nobody has denied anything, and it is asked again.
    let later = praman_circuits::period::Day(praman::calendar::today().0 + 10);
    let later = praman::calendar::date_of(later).expect("a date").to_string();
    let longer = [&open[..], &["--arrears", "--last-day", &later]].concat();
    assert_eq!(state.json(&longer)["waits"], 3);
    state.json(&["--as", "das.key", "access", "approve", "3"]);
    let principals = state.json(&["access", "list"])["principals"].clone();
    let principals = principals.as_array().expect("principals");
    let das = principals.iter().find(|one| one["name"] == "R. Das").expect("admitted");
    state.json(&["access", "revoke", &das["number"].to_string()]);
    assert_eq!(state.json(&longer)["waits"], 4);
    assert_eq!(state.json(&["ledger", "verify-history"])["faults"], json!([]));
}

#[test]
fn network_of_real_nodes_is_deployed_and_governed_by_its_keys() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let anvil = runtime.block_on(Anvil::start(&[]));
    let state = State::new();
    state.refused(&["ledger", "status"], 2, "belongs to no network");
    let mut addresses = Vec::new();
    for name in ["one", "two", "three", "agency"] {
        let file = format!("{name}.json");
        let made = state.json(&["ledger", "account", "--out", &file]);
        let address = made["address"].as_str().expect("an address").to_owned();
        runtime.block_on(anvil.give_money(address.parse().expect("an address")));
        addresses.push(address);
    }
    state.set_up("eligibility", "keys");
    let (url, chain_id) = (anvil.url(), anvil::CHAIN_ID.to_string());
    let deploy = |url: &str, chain_id: &str| {
        let mut arguments = vec!["ledger", "deploy", "--keys", "keys", "--rpc", url];
        arguments.extend(["--chain-id", chain_id, "--account", "one.json", "--delay-hours", "0"]);
        for member in &addresses[..3] {
            arguments.extend(["--member", member]);
        }
        arguments.extend(["--quorum", "2"]);
        arguments.iter().map(|&text| text.to_owned()).collect::<Vec<String>>()
    };
    let run = |arguments: Vec<String>| {
        state.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let wrong = run(deploy("ftp://example.org", &chain_id));
    assert_eq!(wrong.code, 2, "{}", wrong.err);
    let done = run(deploy(&url, &chain_id));
    assert_eq!(done.code, 0, "{}", done.err);
    let again = run(deploy(&url, &chain_id));
    assert_eq!(again.code, 1, "{}", again.err);
    std::fs::write(state.path("papers.txt"), "who we are").expect("written");
    let request = ["ledger", "request", "--role", "agency", "--document", "papers.txt"];
    let request = state.json(&[&request[..], &["--account", "agency.json"]].concat());
    let id = request["participant"].to_string();
    // One member is not enough; a second carries it, and without a delay it is enacted at once.
    let approve = ["ledger", "approve", &id, "--reason", "as resolved"];
    state.refused(&[&approve[..], &["--account", "agency.json"]].concat(), 1, "may not do this");
    let both = ["--account", "two.json", "--account", "three.json"];
    let carried = state.json(&[&approve[..], &both].concat());
    assert_eq!(carried["carried"], json!(true));
    state.json(&["ledger", "acknowledge", &id, "--account", "agency.json"]);
    let roles = state.json(&["ledger", "roles"]);
    assert_eq!(roles["participants"][0]["state"], "live");
    assert_eq!(roles["participants"][0]["unread_notices"], 0);
    let status = state.json(&["ledger", "status"]);
    assert_eq!(
        (&status["chain_id"], &status["quorum"]),
        (&json!(anvil::CHAIN_ID), &json!("2 of 3"))
    );
    let debar = ["ledger", "debar", &id, "--order", "No. 8", "--reason", "fraud", "--days", "60"];
    state.json(&[&debar[..], &both].concat());
    assert_eq!(state.json(&["ledger", "roles"])["participants"][0]["state"], "suspended");
    assert_eq!(state.json(&["ledger", "verify-history"])["faults"], json!([]));
    // The directory is signed by who exports it, over the file's own bytes.
    let nodes = ["ledger", "nodes", "--out", "nodes.json", "--account", "two.json"];
    let exported = state.json(&nodes);
    assert_eq!(exported["signed_by"].as_str(), Some(addresses[1].to_lowercase().as_str()));
    let signature = std::fs::read(state.path("nodes.json.signature.json")).expect("beside it");
    let signature: serde_json::Value = serde_json::from_slice(&signature).expect("JSON");
    let text = signature["signature"].as_str().expect("hexadecimal");
    let bytes = alloy_primitives::hex::decode(text).expect("hexadecimal");
    let bytes = alloy_primitives::Signature::from_raw(&bytes).expect("a signature");
    let file = std::fs::read(state.path("nodes.json")).expect("written");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&file);
    let signer = bytes.recover_address_from_prehash(&alloy_primitives::B256::from_slice(&digest));
    assert_eq!(signer.expect("recovered").to_string().to_lowercase(), addresses[1].to_lowercase());
    // Any one member pauses; one alone does not resume.
    state.json(&["ledger", "pause", "--account", "three.json"]);
    let alone = state.json(&["ledger", "resume", "--account", "three.json"]);
    assert_eq!(alone["paused"], json!(true));
    let both = ["ledger", "resume", "--account", "one.json", "--account", "two.json"];
    assert_eq!(state.json(&both)["paused"], json!(false));
    drop(anvil);
}

/// A scheme's claims on a node, every role with a key of its own.
#[test]
fn claims_on_real_nodes_are_paid_and_frozen_ones_are_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let anvil = runtime.block_on(Anvil::start(&[]));
    let state = State::new();
    node_scene::take_part(&state, &runtime, &anvil, &anvil.url());
    let (scheme, url, by) =
        (support::scheme("krishak-bandhu"), anvil.url(), ["--account", "member.key"]);
    let scheme = scheme.to_str().expect("UTF-8");
    // An office that the department has not accredited brings no root, and holds up nobody.
    let checkpoint = ["ledger", "checkpoint", "--keys", "keys", "--account"];
    let without = |words: &str| {
        let ran = state.run(&[&checkpoint[..], &["agency.key"]].concat());
        assert!(ran.code == 0 && ran.out.contains(words), "{} {}", ran.out, ran.err);
    };
    without("praman ledger accredit");
    let accredit = ["ledger", "accredit", "3", "--office", "0", "--schema", "resident"];
    let stranger = [&accredit[..], &["--account", "agency.key"]].concat();
    state.refused(&stranger, 1, "may not do this");
    let odd = ["ledger", "accredit", "3", "--office", "0", "--schema", "unheard"];
    state.refused(&odd, 2, "there is no schema");
    state.json(&[&accredit[..], &["--account", "department.key"]].concat());
    without("give its key with --account");
    state.refused(&[&checkpoint[..], &["office.key"]].concat(), 2, "the key of the agency");
    state.json(&[&checkpoint[..], &["agency.key", "--account", "office.key"]].concat());
    let last_day = praman::calendar::date_of(support::next_week()).expect("a date").to_string();
    let open =
        ["ledger", "open", "--keys", "keys", "--scheme", scheme, "--period", support::year()];
    let until = ["--arrears", "--last-day", &last_day];
    let department = ["--account", "department.key"];
    let alone = [&open[..], &until, &department].concat();
    state.refused(&alone, 1, "has not adopted these rules with this last day");
    state.open_period(scheme, support::year(), &[&department[..], &by].concat());
    state.json(&["snapshot", "--out", "snapshot.json"]);
    let relayer = ["--account", "relayer.key"];
    let mut nullifiers = Vec::new();
    for holder in ["WB070000002", "WB070000003", "WB070000005"] {
        let proved = state.prove(holder, "krishak-bandhu", support::year(), holder);
        assert_eq!(proved.code, 0, "{}", proved.err);
        let proved: serde_json::Value = serde_json::from_str(&proved.out).expect("JSON");
        nullifiers.push(proved["nullifier"].as_str().expect("a number").to_owned());
        let unsigned = state.claim(holder, "krishak-bandhu");
        assert_eq!(
            (unsigned.code, unsigned.err.contains("relayer")),
            (2, true),
            "{}",
            unsigned.err
        );
        let accepted = state.claim_as(holder, "krishak-bandhu", &relayer);
        assert_eq!(accepted.code, 0, "{}", accepted.err);
        let again = state.claim_as(holder, "krishak-bandhu", &relayer);
        assert_eq!((again.code, &again.out), (0, &accepted.out), "brought once, told again");
    }
    // Two are frozen: the third alone is paid.
    let act = |verb: &str, nullifier: &str, more: &[&str]| {
        let act = ["ledger", verb, nullifier, "--reason", "complaint 12"];
        state.json(&[&act[..], more].concat());
    };
    let agency = ["--account", "agency.key"];
    // One by the department of its scheme, one by the agency.
    let department = ["--account", "department.key"];
    act("freeze", &nullifiers[0], &department);
    act("freeze", &nullifiers[1], &agency);
    assert_eq!(state.pay("krishak-bandhu", support::year())["claims"], 1);
    act("decide", &nullifiers[0], &[&agency[..], &["--outcome", "pay"]].concat());
    act("decide", &nullifiers[1], &[&agency[..], &["--outcome", "refuse"]].concat());
    assert_eq!(
        state.pay("krishak-bandhu", support::year())["claims"],
        0,
        "an appeal can still come"
    );
    act("accept", &nullifiers[0], &department);
    assert_eq!(state.pay("krishak-bandhu", support::year())["claims"], 1, "both agree: at once");
    runtime.block_on(async {
        anvil.call("evm_increaseTime", json!([16 * 24 * 3_600])).await;
        anvil.call("evm_mine", json!([])).await;
    });
    act("settle", &nullifiers[1], &agency);
    assert_eq!(
        state.pay("krishak-bandhu", support::year())["claims"],
        0,
        "the one that was refused is not"
    );
    let history = state.json(&["ledger", "verify-history"]);
    assert_eq!((&history["faults"], &history["claims"]), (&json!([]), &json!(3)));
    // An auditor joins from a folder of its own and comes to the same.
    state.json(&["ledger", "describe", "--out", "network.json"]);
    let auditor = State::new();
    let description = std::fs::read_to_string(state.path("network.json")).expect("written");
    let mut odd: serde_json::Value = serde_json::from_str(&description).expect("JSON");
    odd["contracts"]["verifier"] = odd["contracts"]["nodes"].clone();
    std::fs::write(auditor.path("odd.json"), odd.to_string()).expect("written");
    std::fs::write(auditor.path("network.json"), description).expect("written");
    let join = |file| ["ledger", "join", "--rpc", &url, "--network", file];
    auditor.refused(&join("odd.json"), 1, "but the contracts name");
    auditor.refused(&["ledger", "describe", "--out", "d.json"], 2, "no network of real nodes");
    auditor.json(&join("network.json"));
    auditor.refused(&join("network.json"), 1, "belongs to chain");
    assert_eq!(auditor.json(&["ledger", "verify-history"]), history);

    // A state that was restored takes no revocation back that the ledger has, until its operator says so.
    state.json(&["backup", "--out", "before.db"]);
    state.json(&["revoke", "--office", "office.json", "--register-no", "WB070000009"]);
    let checkpoint = [&checkpoint[..], &["agency.key", "--account", "office.key"]].concat();
    let revoked = state.json(&checkpoint)["root"].clone();
    assert!(revoked.is_string());
    let mut restored = state.on(None);
    restored.directory = "restored".to_owned();
    restored.json(&["restore", "--from", "before.db"]);
    let ran = restored.run(&[&checkpoint[..], &["--json"]].concat());
    assert!(ran.code == 0 && ran.err.contains("keeps the root"), "{} {}", ran.out, ran.err);
    let told: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(told["root"], revoked, "the ledger's root stands");
    restored.json(&["revoke", "--office", "office.json", "--register-no", "WB070000009"]);
    restored.json(&["office", "catch-up"]);
    let told = restored.json(&checkpoint);
    assert_eq!((&told["root"], &told["offices_apart"]), (&revoked, &json!([])), "{told}");
    restored.refused(&["office", "catch-up"], 1, "was not restored");
    drop(anvil);
}

const FARMERS: &str = "krishak-bandhu";

/// The participant that an office is on the ledger.
fn participant_of_office(state: &State, office: usize) -> String {
    let roles = state.json(&["ledger", "roles"])["participants"].clone();
    let offices: Vec<&serde_json::Value> = roles
        .as_array()
        .expect("a list")
        .iter()
        .filter(|participant| participant["role"] == "office")
        .collect();
    offices[office]["participant"].to_string()
}

/// Proves a farmer's claim by a new snapshot and brings it.
fn claim(state: &State, holder: &str) -> i32 {
    state.json(&["snapshot", "--out", "snapshot.json"]);
    let proved = state.prove(holder, FARMERS, support::year(), holder);
    assert_eq!(proved.code, 0, "{}", proved.err);
    state.claim(holder, FARMERS).code
}

#[test]
fn office_barred_or_retired_stops_no_other_office() {
    let farmers = ["WB070000002", "WB070000005", "WB070000009", "WB070000013"];
    let rows = support::some_rows(&farmers, &[]);
    let state = State::new();
    std::fs::write(state.path("farmers.csv"), rows).expect("written");
    let state = state.with_register("farmers.csv", FARMERS, support::year());
    let new = ["office", "new", "--name", "Second", "--schema", "resident", "--out", "second.json"];
    state.json(&new);
    std::fs::write(state.path("one.csv"), support::some_rows(&["WB070000003"], &[]))
        .expect("written");
    let issue = |register: &str, out: &str| {
        let issue = ["issue", "--register", register, "--office", "second.json", "--out", out];
        issue.map(str::to_owned)
    };
    let issued = issue("one.csv", "second");
    state.json(&issued.each_ref().map(String::as_str));
    let checkpoint = ["ledger", "checkpoint", "--keys", "keys"];
    let doctor = || {
        let ran = state.run(&["doctor", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
        let of_offices = report["findings"].as_array().expect("a list").iter();
        let of_offices = of_offices.filter(|one| one["check"] == "offices");
        of_offices.map(|one| one["standing"].as_str().expect("a word").to_owned()).collect()
    };
    state.json(&checkpoint);
    let well: Vec<String> = doctor();
    assert_eq!(well, ["well"]);
    let second = participant_of_office(&state, 1);
    let order = ["--order", "No. 7", "--reason", "ghosts", "--days", "30"];
    state.json(&[&["ledger", "suspend", &second][..], &order].concat());
    let watched: Vec<String> = doctor();
    assert_eq!(watched, ["well", "watch"]);

    // The other office's people claim and are revoked; the barred one's do not.
    let told = state.json(&checkpoint);
    assert_eq!(told["offices_apart"], json!([{ "office": 1, "stands": false }]), "{told}");
    assert_eq!(claim(&state, farmers[0]), 0);
    state.json(&["revoke", "--office", "office.json", "--register-no", farmers[1]]);
    state.json(&checkpoint);
    assert_eq!(claim(&state, farmers[2]), 0);
    let barred =
        ["--credential", "second/WB070000003.json", "--tier", "0", "--period", support::year()];
    let rest = ["--snapshot", "snapshot.json", "--payout", "payout.json", "--keys", "keys"];
    let scheme = support::scheme(FARMERS);
    let scheme = ["--scheme", scheme.to_str().expect("UTF-8"), "--out", "none"];
    let prove = [&["prove", "--circuit", "eligibility"][..], &barred, &rest, &scheme].concat();
    state.refused(&prove, 1, "is not active on the ledger");
    std::fs::write(state.path("two.csv"), support::some_rows(&["WB070000021"], &[]))
        .expect("written");
    let issued = issue("two.csv", "third");
    state.refused(&issued.each_ref().map(String::as_str), 1, "can't issue");

    // Lifted, it goes on; retired, it is gone for good, and the others go on all the same.
    state.json(&["ledger", "lift", &second, "--reason", "order No. 9"]);
    state.json(&issued.each_ref().map(String::as_str));
    assert_eq!(state.json(&checkpoint)["offices_apart"], json!([]));
    state.json(&["snapshot", "--out", "snapshot.json"]);
    assert_eq!(state.run(&prove).code, 0, "its people claim again");
    state.json(&["ledger", "retire", &second, "--reason", "closed"]);
    state.json(&checkpoint);
    assert_eq!(claim(&state, farmers[3]), 0);
    // Whom it issued to is free to be issued to by another office, from next month on.
    let moved = ["issue", "--register", "one.csv", "--office", "office.json", "--out", "moved"];
    assert_eq!(state.json(&moved)["issued"], 1);
    let moved = std::fs::read_to_string(state.path("moved/WB070000003.json")).expect("issued");
    let moved: serde_json::Value = serde_json::from_str(&moved).expect("JSON");
    assert_ne!(moved["claims_from"], 0, "the earlier secret may have claimed this month");
    state.json(&checkpoint);
    let watched: Vec<String> = doctor();
    assert_eq!(watched, ["well", "watch"]);
    assert_eq!(state.json(&["ledger", "verify-history"])["faults"], json!([]));
}

#[test]
fn rules_of_a_period_that_takes_claims_are_not_changed_in_silence() {
    let state = State::with_everything("krishak-bandhu", support::year());
    let text = std::fs::read_to_string(support::scheme("krishak-bandhu")).expect("readable");
    let changed = text.replace("floor = 4000", "floor = 5000");
    assert_ne!(changed, text);
    std::fs::write(state.path("changed.toml"), changed).expect("written");
    let open = |scheme: &str, code: i32, words: &str| {
        let open =
            ["ledger", "open", "--keys", "keys", "--scheme", scheme, "--period", support::year()];
        let ran = state.run(&open);
        assert_eq!(ran.code, code, "{}", ran.err);
        assert!(ran.err.contains(words), "{}", ran.err);
    };
    let same = support::scheme("krishak-bandhu");
    open(same.to_str().expect("UTF-8"), 0, "");
    // Nor is how it is paid: neither by a file that is refused nor by one with the same rules.
    let paid = text.replace("instalments = 2", "instalments = 4");
    assert_ne!(paid, text);
    std::fs::write(state.path("paid.toml"), &paid).expect("written");
    let both = paid.replace("floor = 4000", "floor = 5000");
    std::fs::write(state.path("both.toml"), both).expect("written");
    open("changed.toml", 1, "under other rules");
    for scheme in ["both.toml", "paid.toml"] {
        open(scheme, 1, "is paid in 2 instalments");
    }
    open(same.to_str().expect("UTF-8"), 0, "");
}

/// Contracts that are deployed again take over the context of the earlier ledger and what is spent there.
#[test]
fn new_ledger_takes_the_place_of_an_earlier_one_by_a_file() {
    let before = State::with_everything("krishak-bandhu", support::year());
    assert_eq!(before.prove("WB070000002", "krishak-bandhu", support::year(), "proof").code, 0);
    assert_eq!(before.claim("proof", "krishak-bandhu").code, 0);
    // Nothing is accepted behind what is handed over.
    let hand_over = ["ledger", "hand-over", "--out", "ledger.json"];
    before.refused(&hand_over, 1, "praman ledger end");
    for _ in 0..2 {
        assert_eq!(before.json(&["ledger", "end", "--keys", "keys"])["ended"], true);
    }
    assert_eq!(before.json(&["ledger", "status"])["paused"], true);
    before.refused(&["ledger", "resume"], 1, "has ended");
    let handed = before.json(&["ledger", "hand-over", "--out", "ledger.json"]);
    assert_eq!((&handed["spent"], &handed["scopes"]), (&json!(1), &json!(1)));

    let after = State::new();
    std::fs::copy(before.path("ledger.json"), after.path("ledger.json")).expect("copied");
    let keys = before.path("keys");
    let keys = keys.to_str().expect("UTF-8");
    let own = after.json(&["ledger", "start", "--keys", keys])["context"].clone();
    assert_ne!(own, handed["context"], "no two ledgers have one context");
    std::os::unix::fs::symlink(keys, after.path("keys")).expect("linked");
    let mut service = Service::start(&after, &[]);
    let take_over = ["ledger", "take-over", "ledger.json", "--keys", keys];
    let taken = after.json(&take_over);
    // A service checks proofs against the context that it began with: it stops, and is started again.
    let stopped = service.child.wait().expect("it ends by itself");
    assert_eq!(stopped.code(), Some(3));
    assert_eq!(taken["context"], handed["context"]);
    assert_eq!(taken["taken_over"], json!({ "spent": 1, "scopes": 1, "brought": 2 }));
    assert_eq!(after.json(&take_over)["taken_over"]["brought"], 0, "it is all there");
    let started = after.json(&["ledger", "start", "--keys", keys]);
    assert_eq!(started["context"], handed["context"], "from now on");
    // It hands over what it took over.
    after.json(&["ledger", "end", "--keys", keys]);
    let onward = after.json(&["ledger", "hand-over", "--out", "onward.json"]);
    assert_eq!((&onward["spent"], &onward["context"]), (&json!(1), &handed["context"]));
    let read =
        |state: &State, name: &str| std::fs::read_to_string(state.path(name)).expect("written");
    assert_eq!(read(&after, "onward.json"), read(&before, "ledger.json"));
    assert_eq!(after.json(&["ledger", "verify-history"])["faults"], json!([]));
    // A ledger that took claims already, a file of something else, half a file.
    let late = ["ledger", "take-over", "ledger.json", "--keys", "keys"];
    before.refused(&late, 1, "only a new ledger");
    let text = read(&before, "ledger.json");
    for (name, text, words) in [
        ("other.json", text.replace("succession-1", "snapshot-1"), "praman ledger hand-over"),
        ("half.json", text[..text.len() / 2].to_owned(), "line"),
    ] {
        std::fs::write(after.path(name), text).expect("written");
        after.refused(&["ledger", "take-over", name, "--keys", keys], 2, words);
    }
}

#[test]
fn rehearsals_keep_of_events_what_the_program_keeps() {
    let domains = |handlers: praman::ledger::EventHandlers| -> Vec<&str> {
        handlers.iter().map(|handler| handler.domain()).collect()
    };
    assert_eq!(domains(praman::EVENT_HANDLERS), ["claims", "consent"]);
    assert_eq!(domains(praman_sandbox::EVENT_HANDLERS), domains(praman::EVENT_HANDLERS));
}
