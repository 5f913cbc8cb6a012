//! A household has one credential and one secret: issuing, claiming, leaving, the death of the head.

use super::*;
use crate::support::Ran;

const SCHEME_FILE: &str = "examples/household-support.toml";

/// Two of the sample's people, as children.
const CHILDREN: [(&str, &str, &str); 2] =
    [("WB070000004", "dob", "2014-05-01"), ("WB070000005", "dob", "2018-09-09")];

/// A household of four: numbers, households and relations of its rows.
const FAMILY: [(&str, &str, &str); 4] = [
    (FARMER, "H1", "HEAD"),
    ("WB070000003", "H1", "স্বামী"),
    ("WB070000004", "H1", "Daughter"),
    ("WB070000005", "H1", "CHILD"),
];

/// Keys, a ledger, and an office that issues to households.
fn with_household_office() -> State {
    let state = State::new();
    new_office(&state, "Households", "office.json");
    state.set_up("eligibility", "keys");
    state.json(&["ledger", "start", "--keys", "keys"]);
    state
}

fn new_office(state: &State, name: &str, out: &str) {
    state.json(&["office", "new", "--name", name, "--schema", "household", "--out", out]);
}

/// Writes a register of some rows of the sample.
fn write(state: &State, rows: &[(&str, &str, &str)], changed: &[(&str, &str, &str)]) {
    let numbers: Vec<&str> = rows.iter().map(|(number, ..)| *number).collect();
    let text = support::some_rows(&numbers, &[&CHILDREN[..], changed].concat());
    let mut lines = text.lines();
    let mut register = format!("{},household_no,relation\n", lines.next().expect("a header"));
    for (line, (_, household, relation)) in lines.zip(rows) {
        register += &format!("{line},{household},{relation}\n");
    }
    fs::write(state.path("households.csv"), register).expect("written");
}

/// Writes commitments of some households.
fn give(state: &State, subjects: &[(&str, &str)]) {
    let lines: String =
        subjects.iter().map(|(number, subject)| format!("{number},{subject}\n")).collect();
    fs::write(state.path("subjects.csv"), format!("register_no,subject\n{lines}"))
        .expect("written");
}

fn issue(state: &State, office: &str, out: &str, more: &[&str]) -> Value {
    let issue = ["issue", "--register", "households.csv", "--office", office, "--out", out];
    state.json(&[&issue[..], more].concat())
}

fn credential(state: &State, path: &str) -> Value {
    let text = fs::read_to_string(state.path(path)).expect("a credential");
    serde_json::from_str(&text).expect("JSON")
}

/// The reason why the one household that is refused is refused.
fn reason(told: &Value) -> (String, String) {
    let refused = told["not_issued"].as_array().expect("a list");
    assert_eq!((&told["issued"], refused.len()), (&json!(0), 1), "{told}");
    let text = |field: &str| refused[0][field].as_str().expect("a text").to_owned();
    (text("number"), text("reason"))
}

fn next_month() -> u64 {
    let today = praman::calendar::date_of(praman::calendar::today()).expect("a date");
    u64::from(praman::calendar::month_of(today).expect("a month").0 + 1)
}

fn scheme_file() -> String {
    support::root().join(SCHEME_FILE).display().to_string()
}

/// Proves a household's claim for this month by a credential and a tier of the scheme.
fn prove(state: &State, credential: &str, tier: &str, out: &str) -> Ran {
    state.prove_by([credential, &scheme_file(), tier, support::month(), out], &[])
}

/// Hands in a claim that was proved.
fn claim(state: &State, proof: &str) -> Ran {
    let (file, scheme) = (format!("{proof}/claim.json"), scheme_file());
    state.run(&["claim", "--file", &file, "--scheme", &scheme, "--keys", "keys"])
}

fn look_at_ledger(state: &State) {
    state.json(&["ledger", "checkpoint", "--keys", "keys"]);
    state.json(&["snapshot", "--out", "snapshot.json"]);
}

#[test]
fn household_claims_once_and_who_leaves_it_takes_no_secret_along() {
    let state = with_household_office();
    state.json(&["treasury", "new", "--out", "treasury.json", "--payout", "payout.json"]);
    write(&state, &FAMILY, &[]);
    let told = issue(&state, "office.json", "first", &[]);
    assert_eq!((&told["issued"], &told["refused"]), (&json!(1), &json!(0)), "{told}");
    let first = credential(&state, "first/H1.json");
    assert_eq!((&first["schema"], &first["claims_from"]), (&json!(3), &json!(0)));
    // Four members, and what they have together: 45,900 + 68,700 + 85,800 + 82,800 rupees.
    assert_eq!((&first["attributes"][4], &first["attributes"][5]), (&json!(4), &json!(283_200)));
    assert_eq!(first["payee"]["account"], "6563212233079", "the head's");
    look_at_ledger(&state);
    state.open_period(&scheme_file(), support::month(), &[]);
    let proved = prove(&state, "first/H1.json", "0", "proof");
    assert_eq!(proved.code, 0, "{} {}", proved.out, proved.err);
    assert_eq!(claim(&state, "proof").code, 0);

    // Nobody is a member of two households, whatever the office.
    new_office(&state, "Second", "two.json");
    write(&state, &[("WB070000003", "H9", "HEAD")], &[]);
    let told = issue(&state, "two.json", "none", &["--other-person", "WB070000003"]);
    let enrolled = json!([{ "register_no": "WB070000003", "office": 0 }]);
    assert_eq!(told["enrolled"], enrolled);
    let (household, why) = reason(&told);
    assert_eq!(household, "H9");
    assert!(why.contains("WB070000003 has a live credential of office 0"), "{why}");
    write(&state, &[("WB070000003", "H9", "HEAD")], &[("WB070000003", "id_no", "")]);
    let told = issue(&state, "two.json", "none", &[]);
    assert_eq!(told["to_review"], enrolled);
    assert!(reason(&told).1.contains("an officer reviews WB070000003 first"), "{told}");

    // The household splits. Who keeps the secret would share it with those who left.
    let split = [
        (FARMER, "H1", "HEAD"),
        ("WB070000004", "H1", "CHILD"),
        ("WB070000003", "H2", "HEAD"),
        ("WB070000005", "H2", "CHILD"),
    ];
    state.json(&["revoke", "--office", "office.json", "--register-no", "H1"]);
    look_at_ledger(&state);
    let late = prove(&state, "first/H1.json", "0", "late");
    assert!(late.code != 0 && late.err.contains("E3"), "the old credential is gone: {}", late.err);
    write(&state, &split, &[]);
    give(&state, &[("H1", first["subject"].as_str().expect("a commitment"))]);
    let told = issue(&state, "office.json", "none", &["--subjects", "subjects.csv"]);
    let (household, why) = reason(&told);
    assert_eq!(household, "H1");
    assert!(why.starts_with("2 of its earlier members"), "{why}");
    // Both get secrets of their own, and claim from next month on.
    let told = issue(&state, "office.json", "split", &[]);
    assert_eq!((&told["issued"], &told["not_issued"]), (&json!(2), &json!([])), "{told}");
    for household in ["H1", "H2"] {
        let issued = credential(&state, &format!("split/{household}.json"));
        assert_eq!(issued["claims_from"], next_month(), "{household}");
        assert_ne!(issued["subject"], first["subject"]);
    }
    look_at_ledger(&state);
    let early = prove(&state, "split/H1.json", "1", "early");
    assert!(early.code != 0 && early.err.contains("E5"), "this month was claimed: {}", early.err);

    // A register revokes the households that it names.
    let all = ["revoke", "--office", "office.json", "--register", "households.csv"];
    assert_eq!(state.json(&all)["revoked"], 2);
    assert_eq!(state.json(&all)["revoked"], 0);
}

#[test]
fn household_whose_head_has_died_keeps_its_secret() {
    let state = with_household_office();
    state.json(&["treasury", "new", "--out", "treasury.json", "--payout", "payout.json"]);
    write(&state, &FAMILY, &[]);
    assert_eq!(issue(&state, "office.json", "first", &[])["issued"], 1);
    look_at_ledger(&state);
    state.open_period(&scheme_file(), support::month(), &[]);
    assert_eq!(prove(&state, "first/H1.json", "0", "before").code, 0);
    assert_eq!(claim(&state, "before").code, 0);
    let first = credential(&state, "first/H1.json");
    let subject = first["subject"].as_str().expect("a commitment");
    state.json(&["revoke", "--office", "office.json", "--register-no", "H1"]);
    let after = [
        (FARMER, "H1", "DECEASED"),
        ("WB070000003", "H1", "HEAD"),
        ("WB070000004", "H1", "CHILD"),
        ("WB070000005", "H1", "CHILD"),
    ];
    give(&state, &[("H1", subject)]);
    let kept = ["--subjects", "subjects.csv"];
    // A member is missing, and no row says that they have died.
    write(&state, &after[1..], &[]);
    let (_, why) = reason(&issue(&state, "office.json", "none", &kept));
    assert!(why.starts_with("1 of its earlier members"), "{why}");
    write(&state, &after, &[]);
    let told = issue(&state, "office.json", "after", &kept);
    assert_eq!((&told["issued"], &told["refused"]), (&json!(1), &json!(0)), "{told}");
    let issued = credential(&state, "after/H1.json");
    assert_eq!((&issued["subject"], &issued["claims_from"]), (&first["subject"], &json!(0)));
    assert_eq!(issued["payee"]["account"], "2808414852538", "the new head's");
    assert_eq!(issued["attributes"][4], 3, "the dead are no members");
    // What was claimed before the death is not claimed again.
    look_at_ledger(&state);
    fs::create_dir(state.path("after/wallets")).expect("a folder");
    let wallet = "wallets/H1.json";
    fs::copy(state.path(&format!("first/{wallet}")), state.path(&format!("after/{wallet}")))
        .expect("kept");
    let again = prove(&state, "after/H1.json", "0", "again");
    assert_eq!(again.code, 0, "{} {}", again.out, again.err);
    let again = claim(&state, "again");
    let said = again.out + &again.err;
    assert!(again.code == 1 && said.contains("E31"), "{} {said}", again.code);
    // A member by marriage who was in no household, and a birth, cost no month either.
    state.json(&["revoke", "--office", "office.json", "--register-no", "H1"]);
    let joined = [&after[1..], &[("WB070000009", "H1", "OTHER")]].concat();
    write(&state, &joined, &[]);
    let (_, why) = reason(&issue(&state, "office.json", "none", &kept));
    assert!(why.starts_with("1 of its earlier members"), "the row of the dead is kept: {why}");
    write(&state, &[&after[..], &[("WB070000009", "H1", "OTHER")]].concat(), &[]);
    assert_eq!(issue(&state, "office.json", "joined", &kept)["issued"], 1);
    assert_eq!(credential(&state, "joined/H1.json")["claims_from"], 0);
    // Without the secret they claim from next month on.
    state.json(&["revoke", "--office", "office.json", "--register-no", "H1"]);
    assert_eq!(issue(&state, "office.json", "lost", &[])["issued"], 1);
    assert_eq!(credential(&state, "lost/H1.json")["claims_from"], next_month());
}

#[test]
fn bad_household_is_refused_alone_with_its_row() {
    let state = with_household_office();
    let good = ("WB070000009", "H5", "HEAD");
    for (place, (row, words)) in [
        (("WB070000003", "H1", "HEAD"), "two heads, rows WB070000002 and WB070000003"),
        (("WB070000003", "H1", "S/O"), "row WB070000003 has no relation"),
        (("WB070000003", "", "SPOUSE"), "row WB070000003 has no household number"),
    ]
    .into_iter()
    .enumerate()
    {
        // The good one is issued to each time.
        write(&state, &[(FARMER, row.1, "HEAD"), row, good], &[]);
        let told = issue(&state, "office.json", &format!("out{place}"), &[]);
        let listed = told["not_issued"].as_array().expect("a list");
        assert_eq!(told["issued"], 1, "{told}");
        let of_row = |one: &Value| {
            one["number"] == row.1 && one["reason"].as_str().is_some_and(|why| why.contains(words))
        };
        assert!(listed.iter().any(of_row), "{told}");
        let revoke = ["revoke", "--office", "office.json", "--register-no", "H5"];
        assert_eq!(state.json(&revoke)["revoked"], 1);
    }
    // A row that is rejected for what it says.
    write(&state, &FAMILY, &[("WB070000005", "mobile", "12345")]);
    let (_, why) = reason(&issue(&state, "office.json", "none", &[]));
    assert!(why.contains("row WB070000005 is rejected for mobile"), "{why}");
    // One person in two rows.
    let twice = [&FAMILY[..], &[("WB070000006", "H1", "OTHER")]].concat();
    write(&state, &twice, &[("WB070000006", "id_no", "190139624598")]);
    let (_, why) = reason(&issue(&state, "office.json", "none", &[]));
    assert!(why.contains("row WB070000006 is the same person as row WB070000003"), "{why}");
    // Two households with one secret.
    write(&state, &[("WB070000007", "H6", "HEAD"), ("WB070000008", "H7", "HEAD")], &[]);
    let wallet = praman::wallet::Wallet::generate().subject();
    let subject = serde_json::to_value(wallet).expect("a commitment");
    let subject = subject.as_str().expect("a text");
    give(&state, &[("H6", subject), ("H7", subject)]);
    let told = issue(&state, "office.json", "none", &["--subjects", "subjects.csv"]);
    let refused: Vec<&Value> =
        told["not_issued"].as_array().expect("a list").iter().map(|one| &one["number"]).collect();
    assert_eq!((&told["issued"], refused), (&json!(0), vec![&json!("H6"), &json!("H7")]), "{told}");
    // An office of residents gives the dead nothing.
    let new = ["office", "new", "--name", "Block", "--schema", "resident", "--out", "block.json"];
    state.json(&new);
    write(&state, &[(FARMER, "H1", "DECEASED"), ("WB070000003", "H1", "HEAD")], &[]);
    let told = issue(&state, "block.json", "residents", &[]);
    assert_eq!((&told["issued"], &told["not_issued"][0]["number"]), (&json!(1), &json!(FARMER)));
    assert!(state.path("residents/WB070000003.json").exists());
}

#[test]
fn service_issues_to_households_and_its_report_says_whose_household_is_refused() {
    let state = with_household_office();
    let token = token(&state, "office.json");
    let rows = [&FAMILY[..], &[("WB070000009", "H2", "CHILD")]].concat();
    write(&state, &rows, &[]);
    let service = Service::start(&state, &["--office", "office.json"]);
    let officer = Officer { service: &service, token: &token };
    let file = state.path("households.csv").display().to_string();
    let register = officer.upload(&file, "?secrets=made");
    let issued = officer.finished(&register);
    assert_eq!((&issued["state"], &issued["issued"]), (&json!("issued"), &json!(1)), "{issued}");
    assert_eq!(issued["refused"], 1, "{issued}");
    let credentials = officer.lines(&format!("{register}/credentials"));
    assert_eq!(credentials[0]["register_no"], "H1");
    let report = officer.ask(&format!("{register}/report"), &[]).body;
    let row = report.lines().find(|line| line.starts_with("WB070000009,")).expect("a row");
    assert!(row.starts_with("WB070000009,refused,") && row.contains("no head"), "{row}");
    assert!(report.contains("WB070000004,accept,"), "{report}");
    let body = json!({ "register_nos": ["H1"] }).to_string();
    let revoked = officer.ask("/v1/offices/0/revocations", &["--data-binary", &body]);
    assert_eq!(revoked.json()["revoked"], 1, "{}", revoked.body);
    assert_eq!(service.stop(), 0);
}
