//! Settling a period: the sum of what the bank's files have, proved over the ledger's claims, to the rupee.

use praman::claim::SubmittedClaim;
use praman::claims::Check;
use praman::sealed::Passphrase;
use praman::store::Location;
use praman::treasury::TreasuryKey;

use super::*;
use crate::support::Ran;
use crate::support::claim_scene::Scene;

/// Claims that are paid; four more are not, each for a reason of its own.
const PAID: u64 = 24;
const FROZEN: u64 = 101;
const SAME_ACCOUNT: u64 = 102;
const UNOPENABLE: u64 = 103;
const REFUSED: u64 = 104;

/// Odd and different, so that a rupee that goes astray shows.
fn amount(person: u64) -> u32 {
    4_001 + 37 * person as u32
}

fn sum(persons: impl Iterator<Item = u64>) -> u64 {
    persons.map(|person| u64::from(amount(person))).sum()
}

/// A closed period of which some have claimed, on a ledger with a contract of settlements. Nullifiers are numbers.
async fn month_of(paid: u64) -> State {
    let state = State::new();
    state.set_up("settlement", "settlement-keys");
    let location = Location::Folder(state.path("state"));
    let mut scene = Scene::open_for(location, SCHEME, crate::support::year()).await;
    let key = TreasuryKey::generate();
    let passphrase = Passphrase::new("a passphrase for tests".to_owned()).expect("not empty");
    key.save(&state.path("treasury.json"), &passphrase).expect("written");
    key.save_payout(&state.path("payout.json")).expect("written");
    let treasury = key.public();
    let mut claims: Vec<SubmittedClaim> = (1..=paid)
        .map(|person| scene.claim_paying(person, (amount(person), 10_000 + person), treasury))
        .collect();
    claims.push(scene.claim_paying(FROZEN, (amount(FROZEN), 10_000 + FROZEN), treasury));
    // To the account of the first, which is accepted before it.
    claims.push(scene.claim_paying(SAME_ACCOUNT, (amount(SAME_ACCOUNT), 10_001), treasury));
    claims.push(scene.claim(UNOPENABLE, 5));
    claims.push(scene.claim_paying(REFUSED, (amount(REFUSED), 10_000 + REFUSED), treasury));
    let machine = scene.machine();
    let mut ledger = scene.ledger().await;
    for claim in claims {
        // One after the other: which of two to one account is held is the order of their blocks.
        let answer = machine.receive(&[claim.into()], Check::Together).await.expect("answered");
        assert!(answer[0].is_ok(), "{:?}", answer[0].as_ref().err());
        machine.settle(&mut ledger).await.expect("accepted");
    }
    drop((machine, ledger));
    scene.store.close().await;
    state.json(&["ledger", "settlements", "--keys", "settlement-keys"]);
    state
}

/// Which of two claims refuses a claim for good: frozen, decided, and its appeal's time over.
fn refuse(state: &State, claim: u64) {
    let claim = claim.to_string();
    state.json(&["ledger", "freeze", &claim, "--reason", "complaint 7"]);
    let outcome = ["--outcome", "refuse", "--reason", "found"];
    state.json(&[&["ledger", "decide", &claim][..], &outcome].concat());
    // Appealed against and heard: the committee ends it at once, without waiting fifteen days.
    state.json(&["ledger", "appeal", &claim, "--reason", "papers"]);
    let heard = ["--outcome", "refuse", "--reason", "heard"];
    state.json(&[&["ledger", "decide-appeal", &claim][..], &heard].concat());
}

fn settle_arguments(more: &[&str]) -> Vec<String> {
    let settle = ["treasury", "settle", "--key", "treasury.json", "--keys", "settlement-keys"];
    let own = settle.into_iter().chain(more.iter().copied()).map(str::to_owned);
    own.chain(scheme_arguments()).collect()
}

fn settle(state: &State, more: &[&str]) -> (i32, String) {
    let arguments = settle_arguments(more);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = state.run(&[&arguments[..], &["--json"]].concat());
    (ran.code, ran.out + &ran.err)
}

fn settled(state: &State) -> Value {
    let (code, said) = settle(state, &["--leave-out"]);
    assert_eq!(code, 0, "{said}");
    serde_json::from_str(&said).expect("JSON")
}

fn sums(state: &State, more: &[&str]) -> Ran {
    let scheme = scheme_arguments();
    let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
    let sums = ["ledger", "sums", "--keys", "settlement-keys", "--json"];
    state.run(&[&sums[..], &scheme, more].concat())
}

/// Pays the period; the file as the bank reads it.
fn paid(state: &State) -> Read {
    let told = state.pay(SCHEME, crate::support::year());
    newest(state, &told)
}

#[tokio::test(flavor = "multi_thread")]
async fn month_with_returns_is_settled_to_the_rupee() {
    let state = month_of(PAID).await;
    state.json(&["ledger", "freeze", &FROZEN.to_string(), "--reason", "complaint 6"]);
    refuse(&state, REFUSED);
    let (code, said) = settle(&state, &["--leave-out"]);
    assert!(code == 1 && said.contains("is not over"), "{said}");
    state.json(&["ledger", "seal", "0"]);
    let (code, said) = settle(&state, &["--leave-out"]);
    assert!(code == 1 && said.contains("run praman treasury pay"), "{said}");
    assert_eq!(sums(&state, &[]).code, 1, "nothing is settled");

    let ordered = paid(&state);
    assert_eq!(ordered.transfers.len() as u64, 2 * PAID, "two instalments of each");
    // One comes back, an office having corrected nothing: it is paid again to the same account.
    let bank = Bank { state: &state };
    let back = ordered.transfers.iter().find(|one| one.part.ends_with("-2")).expect("a part");
    let report = bank.status("status-1", &ordered, &[(back, "RJCT", Some("AC06"))]);
    assert_eq!(treasury(&state, "import", &[&report])["returned"], 1);
    let scheme = scheme_arguments();
    let ran = state.run(&reissue(&scheme, &["--same", &back.reference]));
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    let again = newest(&state, &serde_json::from_str(&ran.out).expect("JSON"));
    let lines: Vec<_> = ordered
        .transfers
        .iter()
        .filter(|one| one.reference != back.reference)
        .chain(&again.transfers)
        .map(|one| (one, one.amount.as_str(), None))
        .collect();
    let statement = bank.statement("statement-1", &lines);
    assert_eq!(treasury(&state, "import", &[&statement])["paid"], lines.len());
    let books = reconcile(&state, &[]);
    assert_eq!(books["difference"], 0, "{books}");

    // Frozen and held ones are told by name, and left out on request alone.
    let (code, said) = settle(&state, &[]);
    assert_eq!(code, 1, "{said}");
    for claim in [FROZEN, SAME_ACCOUNT, UNOPENABLE] {
        assert!(
            said.contains(&format!("\n{claim}: ")) || said.contains(&format!("\\n{claim}: ")),
            "{said}"
        );
    }
    let told = settled(&state);
    let total = sum(1..=PAID);
    assert_eq!((&told["rupees"], &told["counted"]), (&json!(total), &json!(PAID)), "{told}");
    assert_eq!(told["filed"]["paid"], json!({ "count": 2 * PAID, "rupees": total }), "{told}");
    let why: Vec<&str> = told["left_out"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["reason"].as_str().expect("a reason"))
        .collect();
    assert_eq!(why, ["frozen", "held", "held", "refused"]);
    // What was filed is what the bank has paid, and what anyone recomputes from the ledger alone.
    assert_eq!(books["paid"]["rupees"], json!(total));
    let anyone = sums(&state, &[]);
    assert_eq!(anyone.code, 0, "{} {}", anyone.out, anyone.err);
    let anyone: Value = serde_json::from_str(&anyone.out).expect("JSON");
    assert_eq!((&anyone["proved_rupees"], &anyone["paid_rupees"]), (&json!(total), &json!(total)));
    let parts = ["claims", "counted", "frozen", "refused", "held"];
    let parts = parts.map(|part| anyone[part].as_u64().expect("a count"));
    assert_eq!(parts, [PAID + 4, PAID, 1, 1, 2], "{anyone}");

    // The department learns that sum and no other: one of a claim more would tell that claim's amount.
    let department = reconcile(&state, &["--for-department"]);
    assert_eq!(department["settled"][0]["rupees"], json!(total), "{department}");
    assert_eq!(department["settled"][0]["left_out"]["held"], 2, "{department}");
    assert!(department.get("claimed").is_none(), "{department}");

    // For good: a second run changes nothing, and a claim that is paid later is not in it.
    assert_eq!(settled(&state)["settled_before"], true);
    let case = ["--outcome", "pay", "--reason", "unfounded"];
    let frozen = FROZEN.to_string();
    state.json(&[&["ledger", "decide", &frozen][..], &case].concat());
    state.json(&["ledger", "accept", &frozen]);
    assert_eq!(paid(&state).transfers.len(), 2);
    let later: Value = serde_json::from_str(&sums(&state, &[]).out).expect("JSON");
    assert_eq!(later, anyone);
    let history = ["ledger", "verify-history", "--settlement-keys", "settlement-keys"];
    let history = state.json(&history);
    assert_eq!(history["faults"], json!([]));
    assert_eq!(history["openings"][0]["settlement_agrees"], true);
    // Nobody's amount is on the ledger or in the store.
    state.json(&["ledger", "export", "--out", "events.ndjson"]);
    let events = fs::read_to_string(state.path("events.ndjson")).expect("exported");
    for person in 1..=PAID {
        let word = format!("{:064x}", amount(person));
        assert!(!events.contains(&word), "{person}");
    }
}

/// How many events the contract of settlements has emitted.
fn settlement_events(state: &State) -> usize {
    use alloy_sol_types::SolEvent;
    use praman_verifier::contracts::Settlements;
    let events = fs::read_to_string(state.path("events.ndjson")).expect("exported");
    let topics = [
        Settlements::ChunksProved::SIGNATURE_HASH.to_string(),
        Settlements::SettlementLocked::SIGNATURE_HASH.to_string(),
        Settlements::SettlementOpened::SIGNATURE_HASH.to_string(),
    ];
    events.lines().filter(|line| topics.iter().any(|topic| line.contains(topic))).count()
}

/// Settles and dies at a point.
#[cfg(feature = "failpoints")]
fn die_at(state: &State, point: &str) {
    let arguments = settle_arguments(&["--leave-out"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = state.command(&arguments);
    let died = command.env("FAILPOINTS", format!("{point}=return")).output().expect("starts");
    assert_eq!(died.status.code(), None, "it was not killed at {point}");
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn settling_that_dies_is_repeated_and_tells_one_sum() {
    let state = month_of(PAID).await;
    state.json(&["ledger", "seal", "0"]);
    paid(&state);
    let total = json!(sum(1..=PAID) + sum([FROZEN, REFUSED].into_iter()));
    die_at(&state, "settlement::proved");
    assert_eq!(sums(&state, &[]).code, 1, "nothing is told");
    die_at(&state, "settlement::sent");
    assert_eq!(sums(&state, &[]).code, 1, "the chunks tell no sum");
    // What was brought stays: the repeated run proves nothing a second time.
    die_at(&state, "settlement::locked");
    assert_eq!(sums(&state, &[]).code, 1, "nothing is told");
    die_at(&state, "settlement::opened");
    let anyone: Value = serde_json::from_str(&sums(&state, &[]).out).expect("JSON");
    assert_eq!(anyone["proved_rupees"], total, "{anyone}");
    let told = settled(&state);
    assert_eq!((&told["settled_before"], &told["rupees"]), (&json!(true), &total), "{told}");
    state.json(&["ledger", "export", "--out", "events.ndjson"]);
    assert_eq!(settlement_events(&state), 3, "one of the chunks, one of the lock, one of the sum");
}

/// The sum is prepared, a claim is frozen, then the sum would be told.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn claim_that_is_frozen_while_the_sum_is_prepared_stops_it() {
    let state = month_of(PAID).await;
    state.json(&["ledger", "seal", "0"]);
    paid(&state);
    let arguments = settle_arguments(&["--leave-out"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // It waits where all chunks stand and nothing is opened, and meanwhile another freezes a claim.
    let waits = state
        .command(&arguments)
        .env("FAILPOINTS", "settlement::sent=sleep(6000)")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    let stands = || {
        state.json(&["ledger", "export", "--out", "events.ndjson"]);
        settlement_events(&state) == 1
    };
    while !stands() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    state.json(&["ledger", "freeze", "7", "--reason", "complaint 8"]);
    let ended = waits.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing of it was told") && said.contains("\n7"), "{said}");
    assert_eq!(sums(&state, &[]).code, 1, "nothing is told");
    // It is in a file: no sum has it while its case is open.
    let (code, said) = settle(&state, &["--leave-out"]);
    assert!(code == 1 && said.contains("its case must end first"), "{said}");
    let case = ["--outcome", "pay", "--reason", "unfounded"];
    state.json(&[&["ledger", "decide", "7"][..], &case].concat());
    state.json(&["ledger", "accept", "7"]);
    let told = settled(&state);
    assert_eq!((&told["counted"], &told["proved"]), (&json!(PAID + 2), &json!(0)), "{told}");
}

/// A claim that was refused after its file went out counts, and anyone sees which.
#[tokio::test(flavor = "multi_thread")]
async fn claim_paid_though_refused_is_named_by_anyone() {
    let state = month_of(PAID).await;
    state.json(&["ledger", "seal", "0"]);
    paid(&state);
    refuse(&state, 7);
    let told = settled(&state);
    assert_eq!(told["paid_though_refused"], json!(["7"]), "{told}");
    let shown = sums(&state, &[]);
    assert!(shown.code == 1 && shown.out.contains('7'), "{}", shown.out);
}
