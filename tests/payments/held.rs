//! What is not paid until persons have looked: what never went out, what differs from what was approved or
//! accepted, what the bank reports twice, two claims to one account, and a state that was restored.

use praman::calendar;

use super::*;

#[test]
fn report_about_batch_that_never_went_out_changes_nothing() {
    let (state, holders) = claimed();
    two_treasurers(&state);
    assert_eq!(pay_as(&state, "sen.key")["waits"], json!([1]));
    let waiting = state.json(&["--as", "roy.key", "access", "approvals"])["approvals"].clone();
    let document = &waiting[0]["document"];
    // The second person sees how many, their sum and a hash of what it is.
    assert_eq!(document["transfers"], 2 * holders.len(), "{document}");
    assert!(document["rupees"].as_u64().is_some_and(|rupees| rupees > 0), "{document}");
    assert_eq!(document["contents"].as_str().map(str::len), Some(64), "{document}");
    let message = document["batch"].as_str().expect("an id").to_owned();
    let bank = Bank { state: &state };
    let body = String::new();
    let rejected = status_message("status-1", &message, "RJCT", &body);
    let file = bank.write("status-1", &rejected);
    let import = [&["--as", "sen.key"][..], &arguments("import", &[&file])].concat();
    let ran = state.run(&import);
    assert_eq!(ran.code, 1, "{} {}", ran.out, ran.err);
    assert!(ran.out.contains("no such payment was sent"), "{}", ran.out);
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    // Killed before the file is in its place, the batch goes out all the same: it is not denied any more.
    #[cfg(feature = "failpoints")]
    {
        let pay = support::pay_arguments(SCHEME, crate::support::year());
        let pay: Vec<&str> = pay.iter().map(String::as_str).collect();
        let mut command = state.command(&[&["--as", "sen.key"][..], &pay].concat());
        let died = command.env("FAILPOINTS", "treasury::ordered=return").output().expect("starts");
        assert_eq!(died.status.code(), None, "it was not killed");
        assert!(!state.path("bank").exists());
        state.refused(&["--as", "roy.key", "access", "deny", "1"], 1, "approved");
    }
    let told = pay_as(&state, "sen.key");
    assert_eq!(told["claims"], holders.len(), "{told}");
    state.refused(&["--as", "roy.key", "access", "deny", "1"], 1, "approved");
    let ordered = newest(&state, &told);
    assert_eq!(ordered.message, message);
    let scheme = scheme_arguments();
    let again = reissue(&scheme, &["--same", &ordered.transfers[0].reference]);
    state.refused(&[&["--as", "sen.key"][..], &again].concat(), 1, "was not returned");
    // Another batch's id does not follow from this one's.
    assert!(message.starts_with("1-") && message.len() == 24, "{message}");
}

/// Has a treasurer pay, who must be refused with some words.
fn pay_is_refused(state: &State, key: &str, words: &str) {
    let pay = support::pay_arguments(SCHEME, crate::support::year());
    let pay: Vec<&str> = pay.iter().map(String::as_str).collect();
    state.refused(&[&["--as", key][..], &pay].concat(), 1, words);
}

#[test]
fn approved_batch_is_paid_from_the_account_that_was_approved() {
    let (state, holders) = claimed();
    two_treasurers(&state);
    pay_as(&state, "sen.key");
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    state.pay_from("51100200300");
    let refused = "was approved to be paid from State Treasury, 41100200300";
    pay_is_refused(&state, "sen.key", refused);
    assert!(!state.path("bank").exists(), "nothing goes out");
    // The log had it as allowed before it was tried: that it was refused follows.
    state.json(&["audit", "export", "--out", "audit.ndjson"]);
    let log = fs::read_to_string(state.path("audit.ndjson")).expect("exported");
    let of_payments = log.lines().filter(|line| line.contains("\"payments.pay\""));
    let refused = of_payments.filter(|line| line.contains("\"refused\"")).count();
    assert_eq!(refused, 1, "{log}");
    state.pay_from("41100200300");
    assert_eq!(pay_as(&state, "sen.key")["claims"], holders.len());
}

#[cfg(feature = "failpoints")]
#[test]
fn batch_drafted_before_a_crash_is_paid_from_the_account_that_is_given() {
    let (state, holders) = claimed();
    die_at_a_draft(&state);
    state.pay_from("51100200300");
    let told = state.pay(SCHEME, crate::support::year());
    assert_eq!(told["claims"], holders.len());
    let file = fs::read_to_string(state.path(told["files"][0].as_str().expect("a file")));
    let file = file.expect("the bank's file");
    assert!(file.contains("51100200300") && !file.contains("41100200300"), "{file}");
}

#[test]
fn batch_that_is_not_as_approved_does_not_go_out() {
    let (state, _) = claimed();
    two_treasurers(&state);
    pay_as(&state, "sen.key");
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    // A transfer is slipped out of the batch by who holds the store.
    state.sql("delete from payment_transfer where reference = (select min(reference) from payment_transfer)");
    pay_is_refused(&state, "sen.key", "differs from what was approved");
    assert!(!state.path("bank").exists(), "nothing goes out");
}

#[test]
fn returned_part_is_reissued_by_the_terms_that_were_kept() {
    let (state, _) = claimed();
    let paid = state.pay(SCHEME, crate::support::year());
    let ordered = newest(&state, &paid);
    let bank = Bank { state: &state };
    let second = ordered.transfers.iter().find(|one| one.part.ends_with("-2")).expect("a part");
    let report = bank.status("status-1", &ordered, &[(second, "RJCT", Some("AC06"))]);
    assert_eq!(treasury(&state, "import", &[&report])["returned"], 1);
    // A scheme's file that says one instalment now.
    let text = fs::read_to_string(support::scheme(SCHEME)).expect("readable");
    assert!(text.contains("instalments = 2"));
    let changed = text.replace("instalments = 2", "instalments = 1");
    fs::write(state.path("changed.toml"), changed).expect("written");
    let other = ["--scheme", "changed.toml", "--period", crate::support::year(), "--out", "bank"];
    let anew = pay_arguments("reissue", &[&other[..], &["--same", &second.reference]].concat());
    state.refused(&anew, 1, "is paid in 2 instalments");
    let scheme = scheme_arguments();
    let ran = state.run(&reissue(&scheme, &["--same", &second.reference]));
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    let anew = newest(&state, &told);
    assert_eq!(anew.transfers.len(), 1);
    assert_eq!(anew.transfers[0].amount, second.amount, "the part that came back, and no more");
    assert_eq!(reconcile(&state, &[])["difference"], 0);
    // What is reconciled is what was written, not what a file would say.
    state.sql("update payment_batch set instalments = 1");
    assert_eq!(reconcile(&state, &[])["difference"], 0);
}

#[test]
fn unwritable_folder_stops_nothing_and_a_lost_file_is_written_again() {
    let (state, holders) = claimed();
    fs::write(state.path("a-file"), "").expect("written");
    let pay = |out: &str, more: &[&str]| {
        let scheme = scheme_arguments();
        let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
        state.run(&pay_arguments("pay", &[&scheme[..], &["--out", out], more].concat()))
    };
    assert_ne!(pay("a-file/bank", &[]).code, 0);
    // Drafted for a folder that is gone by the time at which it goes out: it goes where this run says.
    two_treasurers(&state);
    pay_as(&state, "sen.key");
    state.sql("update payment_batch set folder = '/proc/none'");
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    let told = pay_as(&state, "sen.key");
    assert_eq!(told["claims"], holders.len(), "{told}");
    let ordered = newest(&state, &told);
    let file = state.path(told["files"][0].as_str().expect("a file"));
    let bytes = fs::read(&file).expect("there");
    fs::remove_file(&file).expect("lost");
    assert_eq!(pay_as(&state, "sen.key")["files"], json!([]));
    let scheme = scheme_arguments();
    let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
    let again = ["--out", "again", "--again", &ordered.message];
    let again =
        [&["--as", "sen.key"][..], &pay_arguments("pay", &[&scheme[..], &again].concat())].concat();
    let ran = state.run(&again);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    let written = fs::read(state.path(told["files"][0].as_str().expect("a file"))).expect("there");
    assert!(written == bytes, "the same to the byte");
    let other = ["--out", "again", "--again", "1-0"];
    let other =
        [&["--as", "sen.key"][..], &pay_arguments("pay", &[&scheme[..], &other].concat())].concat();
    state.refused(&other, 1, "no batch of this scheme and period");
}

/// Whoever signs a correction with the office's key: where the office has two officers, both look at it.
#[test]
fn correction_of_an_office_with_two_officers_waits_for_the_second() {
    let (state, _) = claimed();
    let told = state.pay(SCHEME, crate::support::year());
    let ordered = newest(&state, &told);
    let xml = fs::read_to_string(state.path(told["files"][0].as_str().expect("a file")));
    let (xml, one) = (xml.expect("the bank's file"), &ordered.transfers[0]);
    let bank = Bank { state: &state };
    let report = bank.status("status-1", &ordered, &[(one, "RJCT", Some("AC04"))]);
    assert_eq!(treasury(&state, "import", &[&report])["returned"], 1);
    let payee =
        json!({ "account": "778899001122", "ifsc": "SBIN0001234", "name": payee_of(&xml, one) });
    fs::write(state.path("payee.json"), payee.to_string()).expect("written");
    let correct = ["office", "correct", "--office", "office.json", "--reference", &one.reference];
    let rest = ["--payee", "payee.json", "--payout", "payout.json", "--out", "correction.json"];
    state.json(&[&correct[..], &rest].concat());
    let second = ["office", "new", "--name", "Second", "--schema", "resident", "--out", "two.json"];
    state.json(&second);
    state.json(&["access", "tenant", "block", "--title", "Block", "--office", "0"]);
    state.json(&["access", "tenant", "town", "--title", "Town", "--office", "1"]);
    for (name, tenant, member, out) in [
        ("R. Das", "block", "0", "das.key"),
        ("M. Ali", "block", "0", "ali.key"),
        ("K. Roy", "town", "1", "other.key"),
    ] {
        let admit = ["access", "admit", "--name", name, "--role", "office", "--tenant", tenant];
        state.json(&[&admit[..], &["--member", member, "--key-out", out]].concat());
    }
    let scheme = scheme_arguments();
    let again = reissue(&scheme, &["--correction", "correction.json"]);
    state.refused(&again, 1, "pending approval by officer 1 of two of office 0");
    state.refused(&again, 1, "access approve 1");
    let shown = state.json(&["--as", "das.key", "access", "approvals"])["approvals"].clone();
    let document = &shown[0]["document"];
    assert_eq!((&document["office"], &document["transfer"]), (&json!(0), &json!(one.reference)));
    assert!(!shown.to_string().contains("778899001122"), "the account is the treasury's to see");
    // Another office's officer neither sees nor decides it.
    let others = state.json(&["--as", "other.key", "access", "approvals"])["approvals"].clone();
    assert_eq!(others.as_array().map(Vec::len), Some(0), "{others}");
    state.refused(&["--as", "other.key", "access", "approve", "1"], 1, "no approval request 1");
    state.json(&["--as", "das.key", "access", "approve", "1"]);
    // Whoever was the first, and may have signed it, is not the second.
    state.refused(&again, 1, "pending approval by officer 2 of two");
    state.refused(&["--as", "das.key", "access", "approve", "2"], 1, "can't be the second");
    // What one of them denies stays denied, and who is left alone does not correct alone.
    state.json(&["--as", "ali.key", "access", "deny", "2"]);
    state.refused(&again, 1, "has denied approval request 2");
    let shown = state.json(&["access", "list"]);
    let principals = shown["principals"].as_array().expect("principals");
    let ali = principals.iter().find(|one| one["name"] == "M. Ali").expect("admitted");
    state.json(&["access", "revoke", &ali["number"].to_string()]);
    state.refused(&again, 1, "has denied approval request 2");
    state.json(&[&correct[..], &rest[..5], &["signed-again.json"]].concat());
    let again = reissue(&scheme, &["--correction", "signed-again.json"]);
    state.refused(&again, 1, "pending approval by officer 1 of two of office 0");
    state.json(&["--as", "das.key", "access", "approve", "3"]);
    state.refused(&again, 1, "pending approval by officer 2 of two");
    // The first one's key is replaced: nobody has denied anything, and the second is asked again.
    let das = principals.iter().find(|one| one["name"] == "R. Das").expect("admitted");
    let admit = ["access", "admit", "--name", "R. Das", "--role", "office", "--tenant", "block"];
    state.json(&[&admit[..], &["--member", "0", "--key-out", "das2.key"]].concat());
    state.json(&["access", "revoke", &das["number"].to_string()]);
    state.refused(&again, 1, "pending approval by officer 2 of two");
    state.refused(&["--as", "das2.key", "access", "approve", "5"], 1, "can't be the second");
    let admit = ["access", "admit", "--name", "S. Khan", "--role", "office", "--tenant", "block"];
    state.json(&[&admit[..], &["--member", "0", "--key-out", "khan.key"]].concat());
    state.json(&["--as", "khan.key", "access", "approve", "5"]);
    let ran = state.run(&again);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
}

/// Who holds the store's file can seal an account to the treasury; an office's signature they have not.
#[test]
fn correction_written_into_the_store_leads_no_money_anywhere() {
    let (state, _) = claimed();
    let ordered = newest(&state, &state.pay(SCHEME, crate::support::year()));
    let bank = Bank { state: &state };
    let one = &ordered.transfers[0];
    let report = bank.status("status-1", &ordered, &[(one, "RJCT", Some("AC04"))]);
    assert_eq!(treasury(&state, "import", &[&report])["returned"], 1);
    let scheme = scheme_arguments();
    let again = reissue(&scheme, &["--same", &one.reference]);
    let unsigned = "without the office's signature";
    for (signature, words) in [("null", unsigned), ("zeroblob(64)", "not signed by a known")] {
        state.sql("delete from payment_correction");
        state.sql(&format!(
            "insert into payment_correction (reference, office, sealed, signature)
             values ('{}', 0, x'00', {signature})",
            one.reference
        ));
        state.refused(&again, 1, words);
    }
    state.sql("delete from payment_correction");
    let ran = state.run(&again);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
}

#[test]
fn payment_reported_returned_and_paid_waits_for_two_persons() {
    let (state, _) = claimed();
    let paid = state.pay(SCHEME, crate::support::year());
    let ordered = newest(&state, &paid);
    let bank = Bank { state: &state };
    let one = &ordered.transfers[0];
    let rejected = bank.status("status-1", &ordered, &[(one, "RJCT", Some("AC04"))]);
    assert_eq!(treasury(&state, "import", &[&rejected])["returned"], 1);
    let accepted = bank.status("status-2", &ordered, &[(one, "ACSC", None)]);
    let ran = state.run(&arguments("import", &[&accepted]));
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, &told["contested"]), (1, &json!(1)), "{told}");
    assert_eq!(reconcile(&state, &[])["contested"], 1);
    let scheme = scheme_arguments();
    let anew = reissue(&scheme, &["--same", &one.reference]);
    state.refused(&anew, 1, "two treasurers resolve");
    let resolve = |outcome: &str, by: &str| {
        let resolve = ["treasury", "resolve", &one.reference, "--outcome", outcome];
        let by: &[&str] = if by.is_empty() { &[] } else { &["--as", by] };
        let ran = state.run(&[by, &resolve, &["--json"]].concat());
        (ran.code, ran.out + &ran.err)
    };
    let (code, said) = resolve("returned", "");
    assert!(code == 1 && said.contains("two treasurers must approve"), "{said}");
    two_treasurers(&state);
    assert_eq!(resolve("returned", "sen.key").0, 0);
    state.refused(&["--as", "sen.key", "access", "approve", "1"], 1, "can't be the second");
    let anew = [&["--as", "sen.key"][..], &anew].concat();
    state.refused(&anew, 1, "two treasurers resolve");
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    assert_eq!(state.run(&anew).code, 0, "it came back, and is paid anew");
    let (code, said) = resolve("returned", "sen.key");
    assert!(code == 1 && said.contains("is not contested"), "{said}");

    // Reported paid while what is paid in its place waits: that is stopped first, then it is decided.
    let again = bank.status("status-3", &ordered, &[(one, "ACSC", None)]);
    let import = [&["--as", "sen.key"][..], &arguments("import", &[&again])].concat();
    assert_eq!(state.run(&import).code, 1);
    assert_eq!(resolve("paid", "sen.key").0, 0);
    state.refused(&["--as", "roy.key", "access", "approve", "3"], 1, "is drafted");
    state.json(&["--as", "roy.key", "access", "approve", "2"]);
    state.json(&["--as", "roy.key", "access", "deny", "2"]);
    state.json(&["--as", "roy.key", "access", "approve", "3"]);
    state.refused(&anew, 1, "was not returned");
    assert_eq!(reconcile_as(&state, "sen.key")["difference"], 0);
    assert_eq!(pay_as(&state, "sen.key")["files"], json!([]), "nothing is left to go out");

    // What two persons found paid, no report that is sent once more overturns.
    let late = bank.statement("statement-0", &[(one, &one.amount, Some("AC04"))]);
    let ran = state.run(&[&["--as", "sen.key"][..], &arguments("import", &[&late])].concat());
    assert!(ran.code == 1 && ran.out.contains("two treasurers resolved it as paid"), "{}", ran.out);
    let resolve_again = ["treasury", "resolve", &one.reference, "--outcome", "paid"];
    let asked = state.json(&[&["--as", "sen.key"][..], &resolve_again].concat())["waits"].clone();
    state.json(&["--as", "roy.key", "access", "approve", &asked.to_string()]);

    // Booked by a statement and rejected by a report of before it: contested in this order too.
    let two = &ordered.transfers[1];
    let import = |file: &str| {
        let ran = state.run(&[&["--as", "sen.key"][..], &arguments("import", &[file])].concat());
        (ran.code, ran.out)
    };
    let booked = bank.statement("statement-1", &[(two, &two.amount, None)]);
    assert_eq!(import(&booked).0, 0);
    let rejected = bank.status("status-4", &ordered, &[(two, "RJCT", Some("AC04"))]);
    let (code, said) = import(&rejected);
    assert!(code == 1 && said.contains("rejected after it was paid"), "{said}");
    let anew = reissue(&scheme, &["--same", &two.reference]);
    let anew = [&["--as", "sen.key"][..], &anew].concat();
    state.refused(&anew, 1, "was not returned");
    let decide = |outcome: &str, number: &str| {
        let resolve = ["--as", "sen.key", "treasury", "resolve", &two.reference];
        state.json(&[&resolve[..], &["--outcome", outcome]].concat());
        state.json(&["--as", "roy.key", "access", "approve", number]);
    };
    decide("returned", "5");
    assert_eq!(state.run(&anew).code, 0);
    state.json(&["--as", "roy.key", "access", "approve", "6"]);
    let again = newest(&state, &pay_as(&state, "sen.key"));
    // The first one was paid after all, when the second was on its way: nothing more is paid, whatever
    // becomes of that.
    let paid = bank.status("status-5", &ordered, &[(two, "ACSC", None)]);
    assert_eq!(import(&paid).0, 1);
    decide("paid", "7");
    let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
    let sums = [&["--as", "sen.key"][..], &arguments("reconcile", &scheme)].concat();
    assert_eq!(state.run(&sums).code, 1, "too much is out");
    let scheme = scheme_arguments();
    let back = &again.transfers[0];
    let returned = bank.status("status-6", &again, &[(back, "RJCT", Some("AC06"))]);
    assert_eq!(import(&returned).0, 0);
    assert_eq!(state.json(&["treasury", "returned"])["returned"], json!([]));
    let anew = reissue(&scheme, &["--same", &back.reference]);
    state.refused(&[&["--as", "sen.key"][..], &anew].concat(), 1, "already being paid again");
    assert_eq!(reconcile_as(&state, "sen.key")["difference"], 0);
}

#[test]
fn two_claims_to_one_account_wait_for_two_persons() {
    let farmers = &HOLDERS[..4];
    let sample = support::some_rows(farmers, &[]);
    let row = sample.lines().nth(1).expect("a row");
    let cells: Vec<&str> = row.trim_matches('"').split("\",\"").collect();
    let (ifsc, account) = (cells[15], cells[16]);
    // Spelt otherwise, at another branch of the bank: the same account.
    let branch = format!("{}0999999", &ifsc[..4]);
    let spelt = format!("00{account}");
    let changed = [(farmers[1], "ifsc", branch.as_str()), (farmers[1], "account", spelt.as_str())];
    let state = State::new();
    let rows = support::some_rows(farmers, &changed);
    fs::write(state.path("farmers.csv"), rows).expect("written");
    let state = state.with_register("farmers.csv", SCHEME, crate::support::year());
    let mut claims = 0;
    for holder in farmers {
        if state.prove(holder, SCHEME, crate::support::year(), holder).code == 0 {
            assert_eq!(state.claim(holder, SCHEME).code, 0);
            claims += 1;
        } else {
            assert!(!farmers[..2].contains(holder), "both must claim");
        }
    }
    let paid = state.pay(SCHEME, crate::support::year());
    assert_eq!(paid["claims"], claims - 1, "{paid}");
    let held = paid["held"][0].clone();
    assert!(held[1].as_str().is_some_and(|why| why.contains("same account")), "{held}");
    let nullifier = held[0].as_str().expect("a claim");
    let again = state.pay(SCHEME, crate::support::year());
    assert_eq!((&again["claims"], again["held"].as_array().map(Vec::len)), (&json!(0), Some(1)));
    let release = ["treasury", "release", nullifier];
    state.refused(&release, 1, "two treasurers must approve");
    two_treasurers(&state);
    state.json(&[&["--as", "sen.key"][..], &release].concat());
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    // Let go by two, it is ordered as everything else: a batch that two let out.
    assert_eq!(pay_as(&state, "sen.key")["waits"], json!([2]));
    state.json(&["--as", "roy.key", "access", "approve", "2"]);
    let told = pay_as(&state, "sen.key");
    assert_eq!((&told["claims"], told["held"].as_array().map(Vec::len)), (&json!(1), Some(0)));
    assert_eq!(reconcile_as(&state, "sen.key")["difference"], 0);
    // No account, and nothing that is the same in another period, is in the store.
    let store = fs::read(state.path("state/praman.db")).expect("a store");
    assert!(!store.windows(account.len()).any(|part| part == account.as_bytes()));
}

#[test]
fn restored_state_pays_nothing_until_it_knows_what_went_out() {
    let (state, holders) = claimed();
    state.json(&["backup", "--out", "before.db"]);
    let paid = state.pay(SCHEME, crate::support::year());
    let file = paid["files"][0].as_str().expect("a file").to_owned();
    let ordered = newest(&state, &paid);
    let bank = Bank { state: &state };
    let statement: Vec<_> =
        ordered.transfers.iter().map(|one| (one, one.amount.as_str(), None)).collect();
    let statement = bank.statement("statement-1", &statement);
    // It covers the days from the backup to the restore.
    let day = |days: i64| {
        let today = calendar::date_of(calendar::today()).expect("a date");
        today.saturating_add(jiff::Span::new().days(days)).to_string()
    };
    let days = format!(
        "{}T01:00:00</CreDtTm><FrToDt><FrDtTm>{}T00:00:00</FrDtTm><ToDtTm>{}T23:59:59</ToDtTm></FrToDt>\n",
        day(2),
        day(-1),
        day(1)
    );
    let text = fs::read_to_string(state.path(&statement)).expect("readable");
    let (head, body) = text.split_once("<Stmt>").expect("a statement");
    let made = "2026-06-06T20:00:00</CreDtTm>";
    let text = format!("{head}<Stmt>{}", body.replacen(made, &days, 1));
    fs::write(state.path(&statement), text).expect("written");
    validate(&state, &[&statement]);
    // What the bank books as one sum names a message that the restored state lost.
    let batch = format!("<Btch><PmtInfId>{}-1</PmtInfId></Btch>", ordered.message);
    let in_one = statement_message("in-one", &entry("5.00", "DBIT", &batch));
    let in_one = bank.write("in-one", &in_one);
    let pay = support::pay_arguments(SCHEME, crate::support::year());
    let pay: Vec<&str> = pay.iter().map(String::as_str).collect();
    // With the file that went out, or with what the bank says of it alone, if that is said; and where the terms of the period
    // were kept only after the backup: then the file tells in how many parts a claim is paid, and no report.
    let runs = [("one", true, true), ("two", false, true), ("three", true, false)];
    for (directory, with_file, knows_terms) in runs {
        let mut restored = state.on(None);
        restored.directory = directory.to_owned();
        restored.json(&["restore", "--from", "before.db"]);
        if !knows_terms {
            restored.sql("delete from payment_terms");
            let told = restored.run(&arguments("import", &[&statement]));
            assert_eq!(told.code, 1, "{}", told.out);
            restored.refused(&["treasury", "resume"], 1, "the bank has named payments that");
        }
        restored.refused(&pay, 1, "was restored from a backup");
        let scheme = scheme_arguments();
        let anew = reissue(&scheme, &["--same", &ordered.transfers[0].reference]);
        restored.refused(&anew, 1, "was restored from a backup");
        if knows_terms {
            restored.refused(&["treasury", "resume"], 1, "no statement of the bank covers");
        }
        if with_file {
            assert_eq!(restored.run(&arguments("import", &[&in_one])).code, 1);
            if knows_terms {
                restored.refused(&["treasury", "resume"], 1, &format!("{}-1", ordered.message));
            }
            let adopted = treasury(&restored, "import", &[&file]);
            assert_eq!(adopted, json!({ "adopted": 2 * holders.len(), "unknown": [] }));
            if knows_terms {
                restored.refused(&["treasury", "resume"], 1, "no statement of the bank covers");
            }
        }
        let told = treasury(&restored, "import", &[&statement]);
        assert_eq!(told["paid"], 2 * holders.len(), "{told}");
        let mut resume = vec!["treasury", "resume"];
        if !with_file {
            restored.refused(&resume, 1, "known only from the bank's reports");
            // The bank's usual word of the whole message: its file is lost for good.
            let whole = status_message("whole", &ordered.message, "ACSC", "");
            let whole = bank.write("whole", &whole);
            assert_eq!(restored.run(&arguments("import", &[&whole])).code, 1);
            restored.refused(&resume, 1, "give --files-are-lost");
            resume.push("--files-are-lost");
        }
        restored.json(&resume);
        assert_eq!(
            restored.pay(SCHEME, crate::support::year())["claims"],
            0,
            "nobody is paid twice"
        );
        let sums = reconcile(&restored, &[]);
        let paid = &sums["paid"]["count"];
        assert_eq!((paid, &sums["difference"]), (&json!(2 * holders.len()), &json!(0)), "{sums}");
        restored.refused(&["treasury", "resume"], 1, "already pays");
    }
    // A database that was brought back by its own means is told so. Two treasurers let it pay again.
    let since = format!("{}T00:00:00+05:30", day(0));
    state.json(&["treasury", "mark-restored", "--since", &since]);
    state.refused(&pay, 1, "was restored from a backup");
    two_treasurers(&state);
    let (today, tomorrow) = (day(0), day(1));
    let resume = ["--as", "sen.key", "treasury", "resume", "--no-statement-of", &today];
    let other_account = statement_message("other", "").replace("00000000000", "999");
    let other_account = other_account.replacen(made, &days, 2);
    let other_account = bank.write("other", &other_account);
    state.run(&["--as", "sen.key", "treasury", "import", &other_account, "--key", "treasury.json"]);
    state.refused(&["--as", "sen.key", "treasury", "resume"], 1, "for the account that payments");
    let resume = [&resume[..], &["--no-statement-of", &tomorrow]].concat();
    assert_eq!(state.json(&resume)["waits"], 1);
    state.refused(&[&["--as", "sen.key"][..], &pay].concat(), 1, "was restored from a backup");
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    assert_eq!(pay_as(&state, "sen.key")["claims"], 0);
    // Where nothing was restored, a file that goes out is none that comes in.
    let import = arguments("import", &[&file]);
    state.refused(&import, 1, "except after a restore");
}

/// Clocks are wrong where machines are new, and marks are made twice: what is not known never gets less by it.
#[test]
fn restored_state_asks_for_every_day_whatever_clocks_and_marks_say() {
    let (state, _) = claimed();
    state.json(&["backup", "--out", "before.db"]);
    let now = jiff::Timestamp::now();
    let in_days = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let backed_up = |of: &State, at: jiff::Timestamp| {
        let value = hex::encode(at.as_millisecond().to_be_bytes());
        of.sql(&format!("update chain_setting set value = x'{value}' where key = 'backed_up'"));
    };
    let of = |directory: &str| {
        let mut other = state.on(None);
        other.directory = directory.to_owned();
        other
    };
    let resume = ["treasury", "resume"];
    let restored = of("one");
    restored.json(&["restore", "--from", "before.db"]);
    // A second mark, of today, forgets none of the ten days.
    backed_up(&restored, in_days(-10));
    let asked = restored.run(&resume);
    assert!(asked.code == 1 && asked.err.contains(" and 4 more whole"), "{}", asked.err);
    let since = now.to_string();
    let mark = ["treasury", "mark-restored", "--since", &since];
    restored.json(&mark);
    assert_eq!(restored.run(&resume).err, asked.err);
    // Only who has the machine marks: it stops payments, and bears on offices.
    restored.refused(&[&["--as", "sen.key"][..], &mark].concat(), 2, "does not apply here");
    // A clock that is put back forgets nothing: what was restored stays restored as late as it was.
    let restored_later = |of: &State| {
        let value = hex::encode(in_days(5).as_millisecond().to_be_bytes());
        of.sql(&format!("update chain_setting set value = x'{value}' where key = 'restored'"));
    };
    restored_later(&restored);
    let asked = restored.run(&resume).err;
    assert!(asked.contains(" and 9 more whole"), "{asked}");
    restored.json(&mark);
    assert_eq!(restored.run(&resume).err, asked);
    // The clock was behind when it was restored: it is marked again under a right one.
    let other = of("other");
    other.json(&["restore", "--from", "before.db"]);
    backed_up(&other, in_days(3));
    other.refused(&resume, 1, "set this machine's clock");
    let since = in_days(-1).to_string();
    other.json(&["treasury", "mark-restored", "--since", &since]);
    other.refused(&resume, 1, "no statement of the bank covers");
    let day =
        |days: i64| calendar::date_at(in_days(days).as_millisecond()).expect("a date").to_string();
    let days: Vec<String> = (-1..=1).map(day).collect();
    let without: Vec<&str> =
        days.iter().flat_map(|day| ["--no-statement-of", day.as_str()]).collect();
    other.json(&[&resume[..], &without].concat());
    // A backup of tomorrow is not restored, unless it is said when it was made.
    let ahead = of("ahead");
    std::fs::create_dir(state.path("ahead")).expect("a folder");
    std::fs::copy(state.path("before.db"), state.path("ahead/praman.db")).expect("copied");
    backed_up(&ahead, in_days(1));
    std::fs::rename(state.path("ahead/praman.db"), state.path("ahead.db")).expect("moved");
    let two = of("two");
    let restore = ["restore", "--from", "ahead.db"];
    two.refused(&restore, 2, "which has not come by this machine's clock");
    let made_at = in_days(-2).to_string();
    two.json(&[&restore[..], &["--made-at", &made_at]].concat());
    let asked = two.run(&resume).err;
    let first = calendar::date_at(in_days(-2).as_millisecond()).expect("a date").to_string();
    assert!(asked.contains(&first), "{asked}");
}
