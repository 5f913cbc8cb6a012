//! A restored state whose files, or claims that they name, can't be had any more.

use praman::calendar;

use super::*;

#[test]
fn claim_that_is_known_only_after_the_state_pays_again_is_not_paid_twice() {
    let state = State::with_everything(SCHEME, crate::support::year());
    let proved: Vec<&str> = HOLDERS
        .into_iter()
        .filter(|holder| state.prove(holder, SCHEME, crate::support::year(), holder).code == 0)
        .take(3)
        .collect();
    let [one, two, late] = proved[..] else { panic!("three farmers: {proved:?}") };
    for holder in [one, two] {
        assert_eq!(state.claim(holder, SCHEME).code, 0);
    }
    state.json(&["backup", "--out", "before.db"]);
    assert_eq!(state.claim(late, SCHEME).code, 0);
    let paid = state.pay(SCHEME, crate::support::year());
    let file = paid["files"][0].as_str().expect("a file").to_owned();

    let mut restored = state.on(None);
    restored.directory = "restored".to_owned();
    restored.json(&["restore", "--from", "before.db"]);
    let ran = restored.run(&arguments("import", &[&file]));
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, &told["adopted"]), (1, &json!(4)), "{told}");
    let date = calendar::date_of(calendar::today()).expect("a date");
    let days = [date, date.tomorrow().expect("a day")].map(|day| day.to_string());
    let resume = ["treasury", "resume"];
    let resume =
        [&resume[..], &days.each_ref().map(|day| ["--no-statement-of", day]).concat()].concat();
    restored.refused(&resume, 1, "name claims which it does not know");
    // Two treasurers see how much is missing.
    two_treasurers(&restored);
    let resume = [&["--as", "sen.key"][..], &resume, &["--files-are-lost"]].concat();
    let number = restored.json(&resume)["waits"].clone();
    let shown = restored.json(&["--as", "roy.key", "access", "approvals"])["approvals"].clone();
    let asked = shown.as_array().expect("approvals").iter().find(|one| one["number"] == number);
    let document = &asked.expect("it waits")["document"];
    assert_eq!(document["unknown"], 2, "{document}");
    assert_ne!(document["lost_files"], 0, "{document}");
    restored.json(&["--as", "roy.key", "access", "approve", &number.to_string()]);
    assert_eq!(pay_as(&restored, "sen.key")["claims"], 0);

    // The claimant comes with their claim: it was paid by the file.
    assert_eq!(restored.claim(late, SCHEME).code, 0);
    let paid = pay_as(&restored, "sen.key");
    assert_eq!((&paid["claims"], &paid["files"]), (&json!(0), &json!([])), "{paid}");
    let sums = reconcile_as(&restored, "sen.key");
    assert_eq!((&sums["ordered"]["count"], &sums["difference"]), (&json!(6), &json!(0)), "{sums}");
}

#[test]
fn second_payment_known_without_the_first_one_stands_for_it() {
    let (state, holders) = claimed();
    state.json(&["backup", "--out", "before.db"]);
    let paid = state.pay(SCHEME, crate::support::year());
    let ordered = newest(&state, &paid);
    let back = &ordered.transfers[0];
    let bank = Bank { state: &state };
    let report = bank.status("status", &ordered, &[(back, "RJCT", Some("AC06"))]);
    assert_eq!(treasury(&state, "import", &[&report])["returned"], 1);
    let scheme = scheme_arguments();
    let anew = state.run(&reissue(&scheme, &["--same", &back.reference]));
    let anew: Value = serde_json::from_str(&anew.out).expect("JSON");
    let anew = newest(&state, &anew);

    // The file that went out first is lost; the one that paid a part of it anew is there, or the bank names it.
    let statement = [(&anew.transfers[0], anew.transfers[0].amount.as_str(), None)];
    let statement = bank.statement("statement", &statement);
    let file = fs::read_dir(state.path("bank"))
        .expect("files")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&anew.message)))
        .expect("the second file");
    let file = file.to_str().expect("UTF-8");
    for (directory, known_by) in [("by-file", file), ("by-report", &statement)] {
        let mut restored = state.on(None);
        restored.directory = directory.to_owned();
        restored.json(&["restore", "--from", "before.db"]);
        assert_eq!(restored.run(&arguments("import", &[known_by])).code, 0);
        let date = calendar::date_of(calendar::today()).expect("a date");
        let days = [date, date.tomorrow().expect("a day")].map(|day| day.to_string());
        let days = days.each_ref().map(|day| ["--no-statement-of", day]).concat();
        let resume = [&["treasury", "resume"][..], &days].concat();
        restored.refused(&resume, 1, "known only from the bank's reports");
        restored.json(&[&resume[..], &["--files-are-lost"]].concat());
        let paid = restored.pay(SCHEME, crate::support::year());
        assert_eq!(paid["claims"], holders.len() - 1, "{paid}");
        let again = newest(&restored, &paid);
        assert!(again.transfers.iter().all(|one| one.reference != back.reference), "paid twice");
        assert_eq!(reconcile(&restored, &[])["difference"], 0);
    }
}

/// The backup has a batch that waits for its second treasurer. It went out, came back and was paid anew: by the bank's
/// word of the last payment alone the batch is not let out once more.
#[test]
fn batch_pending_at_the_backup_is_not_sent_beside_a_later_payment() {
    let (state, _) = claimed();
    two_treasurers(&state);
    assert_eq!(pay_as(&state, "sen.key")["waits"], json!([1]));
    state.json(&["backup", "--out", "before.db"]);
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    let ordered = newest(&state, &pay_as(&state, "sen.key"));
    let back = &ordered.transfers[0];
    let bank = Bank { state: &state };
    let import = |state: &State, file: &str| {
        state.run(&[&["--as", "sen.key"][..], &arguments("import", &[file])].concat())
    };
    let report = bank.status("status", &ordered, &[(back, "RJCT", Some("AC06"))]);
    assert_eq!(import(&state, &report).code, 0);
    let scheme = scheme_arguments();
    let anew = reissue(&scheme, &["--same", &back.reference]);
    let anew = [&["--as", "sen.key"][..], &anew].concat();
    let waits: Value = serde_json::from_str(&state.run(&anew).out).expect("JSON");
    state.json(&["--as", "roy.key", "access", "approve", &waits["waits"][0].to_string()]);
    let again = newest(&state, &pay_as(&state, "sen.key"));
    let statement = [(&again.transfers[0], again.transfers[0].amount.as_str(), None)];
    let statement = bank.statement("statement", &statement);

    let mut restored = state.on(None);
    restored.directory = "restored".to_owned();
    restored.json(&["restore", "--from", "before.db"]);
    assert_eq!(import(&restored, &statement).code, 1);
    let date = calendar::date_of(calendar::today()).expect("a date");
    let days = [date, date.tomorrow().expect("a day")].map(|day| day.to_string());
    let days = days.each_ref().map(|day| ["--no-statement-of", day]).concat();
    let resume = ["--as", "sen.key", "treasury", "resume", "--files-are-lost"];
    let resume = [&resume[..], &days].concat();
    restored.refused(&resume, 1, "was drafted when the state was backed up");
}
