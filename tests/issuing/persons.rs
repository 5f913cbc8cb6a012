//! One person is one person: second credentials, lost secrets, corrections, those whom the old system paid.

use super::*;

#[test]
fn person_with_a_live_credential_gets_no_second_one() {
    let (state, _) = with_office(None);
    let second = ["office", "new", "--name", "Second", "--schema", "resident", "--out", "two.json"];
    state.json(&second);
    let write = |name: &str, changed: &[(&str, &str, &str)]| {
        fs::write(state.path(name), support::some_rows(&[FARMER], changed)).expect("written");
    };
    let issue = |register: &str, office: &str, out: &str, more: &[&str]| {
        let issue = ["issue", "--register", register, "--office", office, "--out", out];
        state.json(&[&issue[..], more].concat())
    };
    let claims_from = |out: &str, number: &str| -> Value {
        let file = state.path(&format!("{out}/{number}.json"));
        let text = fs::read_to_string(file).expect("a credential");
        serde_json::from_str::<Value>(&text).expect("JSON")["claims_from"].clone()
    };
    write("first.csv", &[]);
    assert_eq!(issue("first.csv", "office.json", "first", &[])["issued"], 1);
    assert_eq!(claims_from("first", FARMER), 0);

    // Under another register number, by the same office or another, with another name and account.
    let number = (FARMER, "register_no", "WB990000001");
    write("renumbered.csv", &[number]);
    write(
        "altered.csv",
        &[number, (FARMER, "name", "H. Bissas"), (FARMER, "account", "999888777")],
    );
    for (register, office) in [
        ("renumbered.csv", "office.json"),
        ("renumbered.csv", "two.json"),
        ("altered.csv", "two.json"),
        ("first.csv", "two.json"),
    ] {
        let told = issue(register, office, "none", &["--other-person", "WB990000001", FARMER]);
        assert_eq!(
            (&told["issued"], &told["enrolled"][0]["office"]),
            (&json!(0), &json!(0)),
            "{told}"
        );
    }
    // One that was issued before people were known again is known once the register comes again.
    state.sql("delete from person_tag");
    state.sql("delete from person_credential");
    assert_eq!(issue("first.csv", "office.json", "again", &[])["issued"], 0);
    let told = issue("renumbered.csv", "two.json", "none", &[]);
    assert_eq!((&told["issued"], &told["enrolled"][0]["office"]), (&json!(0), &json!(0)), "{told}");
    // Without the number: a person looks first.
    write("unnumbered.csv", &[number, (FARMER, "id_no", "")]);
    let told = issue("unnumbered.csv", "two.json", "none", &[]);
    assert_eq!(
        (&told["issued"], &told["to_review"][0]["office"]),
        (&json!(0), &json!(0)),
        "{told}"
    );
    // The same, with the guardian left out and another account.
    let left_out =
        [number, (FARMER, "id_no", ""), (FARMER, "guardian", ""), (FARMER, "account", "999888777")];
    write("left_out.csv", &left_out);
    let told = issue("left_out.csv", "two.json", "none", &[]);
    assert_eq!(told["to_review"].as_array().map(Vec::len), Some(1), "{told}");
    let relative = [
        (FARMER, "register_no", "WB990000002"),
        (FARMER, "id_no", ""),
        (FARMER, "name", "Karim Molla"),
        (FARMER, "sex", "M"),
        (FARMER, "dob", "1999-01-02"),
    ];
    write("relative.csv", &relative);
    let told = issue("relative.csv", "two.json", "none", &[]);
    assert_eq!(told["to_review"][0]["register_no"], "WB990000002", "one account: {told}");
    let told = issue("relative.csv", "two.json", "relative", &["--other-person", "WB990000002"]);
    assert_eq!(told["issued"], 1, "{told}");
    assert_eq!(claims_from("relative", "WB990000002"), 0, "they never had one");

    // Revoked where it is, it is issued by the other office, whatever the number: from next month on.
    state.json(&["revoke", "--office", "office.json", "--register-no", FARMER]);
    let told = issue("renumbered.csv", "two.json", "moved", &["--other-person", "WB990000001"]);
    assert_eq!(told["issued"], 1, "{told}");
    assert_ne!(claims_from("moved", "WB990000001"), 0);
    // Nothing of the person lies in the store in clear.
    let store = fs::read(state.path("state/praman.db")).expect("a store");
    for secret in ["146507529174", "6563212233079", "Biswas"] {
        let secret = secret.as_bytes();
        assert!(!store.windows(secret.len()).any(|part| part == secret));
    }
}

/// Whatever is known of a lost secret's holder, the new one claims from the month after.
#[test]
fn lost_secret_and_new_one_never_claim_for_one_month() {
    let (state, _) = with_office(None);
    let second = ["office", "new", "--name", "Second", "--schema", "resident", "--out", "two.json"];
    state.json(&second);
    let issue = |changed: &[(&str, &str, &str)], office: &str, out: &str| {
        let rows = support::some_rows(&[FARMER], changed);
        fs::write(state.path("one.csv"), rows).expect("written");
        state.json(&["issue", "--register", "one.csv", "--office", office, "--out", out])
    };
    let claims_from = |out: &str| -> u64 {
        let text = fs::read_to_string(state.path(&format!("{out}/{FARMER}.json"))).expect("issued");
        let credential: Value = serde_json::from_str(&text).expect("JSON");
        credential["claims_from"].as_u64().expect("a month")
    };
    let revoke =
        |office: &str| state.json(&["revoke", "--office", office, "--register-no", FARMER]);
    assert_eq!(issue(&[(FARMER, "id_no", "")], "office.json", "first")["issued"], 1);
    assert_eq!(claims_from("first"), 0);
    revoke("office.json");
    // The guardian is written otherwise, and the identity number is given now, with another account.
    let otherwise = [(FARMER, "guardian", "R. Das"), (FARMER, "account", "999888777")];
    assert_eq!(issue(&otherwise, "two.json", "moved")["issued"], 1);
    let next_month = claims_from("moved");
    assert!(next_month > 0, "the lost secret may have claimed for this month");
    // A clock that is behind the ledger's newest checkpoint takes no month back.
    revoke("two.json");
    state.json(&["ledger", "start", "--keys", "keys"]);
    state.json(&["ledger", "checkpoint", "--keys", "keys"]);
    state.sql("update checkpoint set as_of = as_of + 40");
    assert_eq!(issue(&otherwise, "two.json", "behind")["issued"], 1);
    assert!(claims_from("behind") > next_month);

    // Two rows of one file that may be one person's: the second is looked at.
    let twin = [("WB070000003", "name", "Rahima Bibi"), ("WB070000003", "id_no", "")];
    let twins = [&twin[..], &[("WB070000003", "dob", "1980-02-03")]].concat();
    let other = [("WB070000005", "name", "Rahima Bibi"), ("WB070000005", "id_no", "")];
    let other = [&other[..], &[("WB070000005", "dob", "1980-02-03")]].concat();
    let rows = support::some_rows(&["WB070000003", "WB070000005"], &[&twins[..], &other].concat());
    fs::write(state.path("twins.csv"), rows).expect("written");
    let issue = ["issue", "--register", "twins.csv", "--office", "office.json", "--out", "twins"];
    let told = state.json(&issue);
    let to_review = told["to_review"].as_array().map(Vec::len);
    assert_eq!((&told["issued"], to_review), (&json!(1), Some(1)), "{told}");
}

/// An office that is barred keeps nobody out by a number that it wrote, and a restored state knows nobody.
#[test]
fn identity_number_that_a_barred_office_wrote_is_looked_at_by_a_person() {
    let (state, _) = with_office(None);
    let second = ["office", "new", "--name", "Second", "--schema", "resident", "--out", "two.json"];
    state.json(&second);
    state.json(&["ledger", "start", "--keys", "keys"]);
    state.json(&["backup", "--out", "before.db"]);
    fs::write(state.path("one.csv"), support::some_rows(&[FARMER], &[])).expect("written");
    let issue = |state: &State, office: &str, out: &str, more: &[&str]| {
        let issue = ["issue", "--register", "one.csv", "--office", office, "--out", out];
        state.json(&[&issue[..], more].concat())
    };
    assert_eq!(issue(&state, "two.json", "ghost", &[])["issued"], 1);
    state.json(&["ledger", "checkpoint", "--keys", "keys"]);
    let told = issue(&state, "office.json", "none", &["--other-person", FARMER]);
    assert_eq!(told["enrolled"][0]["office"], 1, "{told}");
    let roles = state.json(&["ledger", "roles"])["participants"].clone();
    let barred = roles.as_array().expect("a list").iter().rfind(|one| one["role"] == "office");
    let barred = barred.expect("an office")["participant"].to_string();
    let order = ["--order", "No. 7", "--reason", "ghosts", "--days", "30"];
    state.json(&[&["ledger", "suspend", &barred][..], &order].concat());
    let told = issue(&state, "office.json", "none", &[]);
    assert_eq!(told["to_review"][0]["office"], 1, "{told}");
    let told = issue(&state, "office.json", "theirs", &["--other-person", FARMER]);
    assert_eq!(told["issued"], 1, "{told}");
    let first_of = |out: &str| -> Value {
        let text = fs::read_to_string(state.path(&format!("{out}/{FARMER}.json"))).expect("issued");
        serde_json::from_str::<Value>(&text).expect("JSON")["claims_from"].clone()
    };
    assert_ne!(first_of("theirs"), 0, "the other credential may have claimed for this month");

    // After a restore everybody may have claimed whom it does not know.
    let mut restored = state.on(None);
    restored.directory = "restored".to_owned();
    restored.json(&["restore", "--from", "before.db"]);
    assert_eq!(issue(&restored, "office.json", "once-more", &[])["issued"], 1);
    assert_ne!(first_of("once-more"), 0);
}

#[test]
fn correction_under_the_same_secret_costs_no_month() {
    let (state, _) = with_office(None);
    let issue = |out: &str, changed: &[(&str, &str, &str)], subjects: bool| {
        fs::write(state.path("one.csv"), support::some_rows(&[FARMER], changed)).expect("written");
        let issue = ["issue", "--register", "one.csv", "--office", "office.json", "--out", out];
        let subjects: &[&str] = if subjects { &["--subjects", "subjects.csv"] } else { &[] };
        assert_eq!(state.json(&[&issue[..], subjects].concat())["issued"], 1);
        let file = state.path(&format!("{out}/{FARMER}.json"));
        let text = fs::read_to_string(file).expect("a credential");
        let credential: Value = serde_json::from_str(&text).expect("JSON");
        (credential["claims_from"].clone(), credential["subject"].as_str().map(str::to_owned))
    };
    let revoke = || state.json(&["revoke", "--office", "office.json", "--register-no", FARMER]);
    let (any, subject) = issue("first", &[], false);
    assert_eq!(any, 0);
    let subject = subject.expect("a commitment");
    fs::write(state.path("subjects.csv"), format!("register_no,subject\n{FARMER},{subject}\n"))
        .expect("written");
    // A whole register is renewed in the same way.
    let all = ["revoke", "--office", "office.json", "--register", "one.csv"];
    assert_eq!(state.json(&all)["revoked"], 1);
    assert_eq!(state.json(&all)["revoked"], 0, "nobody is left");
    assert_eq!(issue("corrected", &[(FARMER, "account", "12345678901")], true).0, 0);
    // Another secret is another matter; and so is the first one after it.
    revoke();
    let (next_month, _) = issue("lost", &[], false);
    assert_ne!(next_month, 0);
    revoke();
    assert_eq!(issue("again", &[], true).0, next_month);
}

#[test]
fn person_whom_the_old_system_paid_claims_from_the_month_after() {
    let (state, _) = with_office(None);
    let rows = support::some_rows(&[FARMER, "WB070000003", "WB070000005"], &[]);
    let mut lines = rows.lines();
    let mut register = format!("{},paid_until\n", lines.next().expect("a header"));
    for (line, paid) in lines.zip(["2026-11", "", "sometime"]) {
        register += &format!("{line},{paid}\n");
    }
    fs::write(state.path("paid.csv"), register).expect("written");
    let issue = ["issue", "--register", "paid.csv", "--office", "office.json", "--out", "paid"];
    assert_eq!(state.json(&issue)["issued"], 2, "what is no month is refused");
    let claims_from = |number: &str| -> Value {
        let text = fs::read_to_string(state.path(&format!("paid/{number}.json"))).expect("issued");
        serde_json::from_str::<Value>(&text).expect("JSON")["claims_from"].clone()
    };
    let december = praman::calendar::month_of(jiff::civil::date(2026, 12, 1)).expect("a month");
    assert_eq!(claims_from(FARMER), json!(december));
    assert_eq!(claims_from("WB070000003"), 0);

    // A month that was mistyped is put right under the same secret; a row that says none keeps it.
    let text = fs::read_to_string(state.path(&format!("paid/{FARMER}.json"))).expect("issued");
    let subject = serde_json::from_str::<Value>(&text).expect("JSON")["subject"].clone();
    let subject = subject.as_str().expect("a commitment").to_owned();
    let rows = support::some_rows(&[FARMER], &[]);
    let (header, row) = rows.split_once('\n').expect("a row");
    let typed = |month: &str| (format!("{header},paid_until"), format!("{},{month}", row.trim()));
    let wrong = praman::calendar::month_of(jiff::civil::date(2062, 12, 1)).expect("a month");
    let today = praman::calendar::date_of(praman::calendar::today()).expect("a date");
    let next_month = praman::calendar::month_of(today).expect("a month").0 + 1;
    let plain = (header.to_owned(), row.trim().to_owned());
    for (place, ((header, row), expected)) in [
        (plain.clone(), json!(december)),
        (typed("2062-11"), json!(wrong)),
        (plain, json!(wrong)),
        (typed("2026-09"), json!(next_month)),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(state.path("paid.csv"), format!("{header}\n{row}\n")).expect("written");
        let subjects = format!("register_no,subject\n{FARMER},{subject}\n");
        fs::write(state.path("subjects.csv"), subjects).expect("written");
        state.json(&["revoke", "--office", "office.json", "--register-no", FARMER]);
        let out = format!("right{place}");
        let issue = ["issue", "--register", "paid.csv", "--office", "office.json", "--out", &out];
        state.json(&[&issue[..], &["--subjects", "subjects.csv"]].concat());
        let text = fs::read_to_string(state.path(&format!("{out}/{FARMER}.json"))).expect("issued");
        let issued: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(issued["claims_from"], expected);
    }
}

#[test]
fn commitment_that_two_persons_would_share_is_refused() {
    let (state, _) = with_office(None);
    let two = [FARMER, "WB070000003"];
    fs::write(state.path("two.csv"), support::some_rows(&two, &[])).expect("written");
    let issue = ["issue", "--register", "two.csv", "--office", "office.json", "--out", "two"];
    let issue = [&issue[..], &["--subjects", "subjects.csv"]].concat();
    for (subject, told) in [("1", "have the same commitment"), ("0", "its commitment is zero")] {
        let lines = two.map(|number| format!("{number},{subject}\n")).concat();
        let subjects = format!("register_no,subject\n{lines}");
        fs::write(state.path("subjects.csv"), subjects).expect("written");
        state.refused(&issue, 1, told);
    }
    // In another file, or of another office, it is as much another person's.
    let one = |number: &str, subject: &str| {
        fs::write(state.path("two.csv"), support::some_rows(&[number], &[])).expect("written");
        let subjects = format!("register_no,subject\n{number},{subject}\n");
        fs::write(state.path("subjects.csv"), subjects).expect("written");
    };
    one(two[0], "7");
    assert_eq!(state.json(&issue)["issued"], 1);
    one(two[1], "7");
    let issue = [&issue[..5], &["--out", "other", "--subjects", "subjects.csv"]].concat();
    state.refused(&issue, 1, "its commitment is in a live credential of another person");
    one(two[1], "8");
    assert_eq!(state.json(&issue)["issued"], 1);
}

/// A number in another's row, taken back, costs its owner a month, unless an officer says whose the row was.
#[test]
fn number_in_anothers_row_costs_no_month_once_an_officer_says_so() {
    let (state, _) = with_office(None);
    let second = ["office", "new", "--name", "Second", "--schema", "resident", "--out", "two.json"];
    state.json(&second);
    let issue = |row: (&str, &[(&str, &str, &str)]), office: &str, out: &str, more: &[&str]| {
        fs::write(state.path("one.csv"), support::some_rows(&[row.0], row.1)).expect("written");
        let issue = ["issue", "--register", "one.csv", "--office", office, "--out", out];
        assert_eq!(state.json(&[&issue[..], more].concat())["issued"], 1);
    };
    let claims_from = |out: &str, number: &str| -> Value {
        let text = fs::read_to_string(state.path(&format!("{out}/{number}.json"))).expect("issued");
        serde_json::from_str::<Value>(&text).expect("JSON")["claims_from"].clone()
    };
    let revoke = |office: &str, number: &str| {
        state.json(&["revoke", "--office", office, "--register-no", number]);
    };
    let id_of = |number: &str| {
        let rows = support::some_rows(&[number], &[]);
        let id = rows.lines().nth(1).and_then(|row| row.split(',').nth(1));
        id.expect("a number").trim_matches('"').to_owned()
    };
    let (one, other) = (FARMER, "WB070000003");
    for (culprit, owner) in [("WB070000009", one), ("WB070000012", other)] {
        let (id, out) = (id_of(owner), format!("by-mistake-{culprit}"));
        issue((culprit, &[(culprit, "id_no", &id)]), "two.json", &out, &[]);
        revoke("two.json", culprit);
    }
    issue((one, &[]), "office.json", "one", &[]);
    assert_ne!(claims_from("one", one), 0, "it may be the same person, who lost a wallet");
    issue((other, &[]), "office.json", "other", &["--other-person", other]);
    assert_eq!(claims_from("other", other), 0);
    // Nor does a register number that was given to another by mistake.
    let (culprit, owner) = ("WB070000022", "WB070000023");
    issue((culprit, &[(culprit, "register_no", owner)]), "office.json", "mistyped", &[]);
    revoke("office.json", owner);
    issue((owner, &[]), "office.json", "owner", &["--other-person", owner]);
    assert_eq!(claims_from("owner", owner), 0);
    // Whoever has the name and birth date, too, had the credential, whatever an officer says.
    revoke("office.json", owner);
    issue((owner, &[]), "office.json", "lost", &["--other-person", owner]);
    assert_ne!(claims_from("lost", owner), 0);
}

/// Everything but the name tells that it may be the same person, in whatever file of whatever day the row comes.
#[test]
fn name_written_otherwise_is_looked_at_where_a_number_is_missing() {
    let (state, _) = with_office(None);
    let row = |changed: &[(&str, &str, &str)]| {
        fs::write(state.path("one.csv"), support::some_rows(&[FARMER], changed)).expect("written");
    };
    let issue = |out: &str, more: &[&str]| {
        let issue = ["issue", "--register", "one.csv", "--office", "office.json", "--out", out];
        state.json(&[&issue[..], more].concat())
    };
    row(&[(FARMER, "id_no", "")]);
    assert_eq!(issue("first", &[])["issued"], 1);
    let other = "WB990000001";
    let otherwise = |name: &'static str| {
        [(FARMER, "register_no", other), (FARMER, "name", name), (FARMER, "account", "999888777")]
    };
    for name in ["Hasina Bibi Biswas", "H. Biswas", "Biswas Hasina", "Hasna Biswas"] {
        // With the number and without it.
        row(&otherwise(name));
        let told = issue("none", &[]);
        assert_eq!(
            (&told["issued"], &told["to_review"][0]["register_no"]),
            (&json!(0), &json!(other))
        );
        row(&[&otherwise(name)[..], &[(FARMER, "id_no", "")]].concat());
        assert_eq!(issue("none", &[])["to_review"][0]["register_no"], other, "{name}");
    }
    // After a lost wallet from next month on, if no officer says that it is another person.
    state.json(&["revoke", "--office", "office.json", "--register-no", FARMER]);
    assert_eq!(issue("again", &[])["issued"], 1);
    let text = fs::read_to_string(state.path(&format!("again/{other}.json"))).expect("issued");
    let credential: Value = serde_json::from_str(&text).expect("JSON");
    assert_ne!(credential["claims_from"], 0);
}

#[test]
fn one_number_and_birth_date_are_one_person_whatever_an_officer_says() {
    let (state, _) = with_office(None);
    let other = "WB990000001";
    let otherwise = [
        (FARMER, "register_no", other),
        (FARMER, "name", "Hasina Bibi Biswas"),
        (FARMER, "account", "999888777"),
        (FARMER, "mobile", "9000000001"),
    ];
    for (out, changed, more) in
        [("first", &[][..], &[][..]), ("second", &otherwise, &["--other-person", other])]
    {
        fs::write(state.path("one.csv"), support::some_rows(&[FARMER], changed)).expect("written");
        let issue = ["issue", "--register", "one.csv", "--office", "office.json", "--out", out];
        assert_eq!(state.json(&[&issue[..], more].concat())["issued"], 1);
        if out == "first" {
            state.json(&["revoke", "--office", "office.json", "--register-no", FARMER]);
        }
    }
    let text = fs::read_to_string(state.path(&format!("second/{other}.json"))).expect("issued");
    let credential: Value = serde_json::from_str(&text).expect("JSON");
    assert_ne!(credential["claims_from"], 0);
    // That it was said stands in the log.
    state.json(&["audit", "export", "--out", "audit.ndjson"]);
    let log = fs::read_to_string(state.path("audit.ndjson")).expect("exported");
    assert!(log.contains("office 0, 1 people said to be others"), "{log}");
}
