//! A bank that takes its own format in the place of ISO 20022's.

use praman::calendar;

use super::*;

/// Pays in the bank's format.
fn pay_in_format<'a>(scheme: &'a [String; 4], more: &[&'a str]) -> Vec<&'a str> {
    let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
    let own = ["--out", "bank", "--format", "bank.toml"];
    pay_arguments("pay", &[&scheme[..], &own, more].concat())
}

/// Runs what must be done.
fn done(state: &State, arguments: &[&str]) -> Value {
    let ran = state.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {} {}", ran.out, ran.err);
    serde_json::from_str(&ran.out).expect("JSON")
}

/// Writes the bank's format, filled in, and returns it.
fn fill_in(state: &State) -> String {
    if !state.path("bank.toml").exists() {
        state.json(&["treasury", "format", "ach-credit", "--out", "bank.toml"]);
    }
    let format = fs::read_to_string(state.path("bank.toml")).expect("a format");
    let filled = format
        .replace("user_number = \"\"", "user_number = \"NACH00000000012345\"")
        .replace("product_type = \"\"", "product_type = \"PRM\"");
    fs::write(state.path("bank.toml"), &filled).expect("written");
    filled
}

/// Gives a file in the bank's format to a state, and returns what it says.
fn told(state: &State, file: &str) -> (i32, Value) {
    let ran = state.run(&arguments("import", &[file, "--format", "bank.toml"]));
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err)))
}

/// A state from a backup, in a folder of its own.
fn restore(state: &State, backup: &str, directory: &str) -> State {
    let mut restored = state.on(None);
    restored.directory = directory.to_owned();
    restored.json(&["restore", "--from", backup]);
    restored
}

/// The places of a line, from 1, as the bank's description counts them.
fn at(line: &str, from: usize, to: usize) -> &str {
    line[from - 1..to].trim()
}

#[test]
fn month_of_payments_in_the_banks_own_format_reconciles_to_the_rupee() {
    let (state, holders) = claimed();
    let claims = holders.len();
    state.json(&["backup", "--out", "before.db"]);
    state.json(&["treasury", "format", "ach-credit", "--out", "bank.toml"]);
    state.refused(&["treasury", "format", "ach-credit", "--out", "bank.toml"], 2, "exists");
    let scheme = scheme_arguments();
    let pay = pay_in_format(&scheme, &[]);
    // A format is to be filled in first.
    state.refused(&pay, 2, "settings.product_type is empty");
    assert!(!state.path("bank").exists(), "nothing goes out");
    let filled = fill_in(&state);
    // Killed before a file is in its place, a batch goes out in the format in which it was recorded.
    #[cfg(feature = "failpoints")]
    {
        for point in ["treasury::drafted=return", "treasury::ordered=return"] {
            let died = state.command(&pay).env("FAILPOINTS", point).output().expect("starts");
            assert_eq!(died.status.code(), None, "it was not killed");
            let backup = if point.contains("drafted") { "drafted.db" } else { "going.db" };
            state.json(&["backup", "--out", backup]);
        }
        fs::write(state.path("bank.toml"), filled.replace("\"PRM\"", "\"OLD\"")).expect("written");
    }
    let paid = done(&state, &pay);
    fs::write(state.path("bank.toml"), &filled).expect("written");
    assert_eq!(paid["claims"], claims, "{paid}");
    // Two instalments are on two days, and the bank's file has one day.
    let paths: Vec<&str> =
        paid["files"].as_array().expect("files").iter().filter_map(Value::as_str).collect();
    let files: Vec<String> =
        paths.iter().map(|path| fs::read_to_string(path).expect("the bank's file")).collect();
    let lines: Vec<Vec<&str>> = files.iter().map(|file| file.lines().collect()).collect();
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [claims + 1, claims + 1]);
    let (mut total, sums) = (0, reconcile(&state, &[]));
    for of_day in &lines {
        let paise: u64 =
            of_day[1..].iter().map(|line| at(line, 121, 133).parse::<u64>().expect("paise")).sum();
        assert_eq!(at(of_day[0], 113, 125).parse::<u64>(), Ok(paise), "the header's sum");
        assert_eq!(at(of_day[0], 239, 247).parse::<usize>(), Ok(claims), "the header's count");
        assert!(of_day[1..].iter().all(|line| at(line, 262, 264) == "PRM"), "as it was recorded");
        total += paise;
    }
    assert_eq!(sums["ordered"]["rupees"], total / 100);
    assert_eq!((&sums["ordered"]["count"], &sums["difference"]), (&json!(2 * claims), &json!(0)));

    // The ledger has number, hash and count of each file.
    let kept = treasury_files(&state);
    let kept: Vec<&Value> = kept.as_array().expect("files").iter().collect();
    for (kept, file) in kept.iter().zip(&files) {
        assert_eq!(kept["digest"], hex::encode(Sha256::digest(file)));
        let of = (&kept["kind"], &kept["transfers"], kept["block"].is_u64());
        assert_eq!(of, (&json!("bank-file"), &json!(claims), true));
    }
    let message = kept[0]["message"].as_str().expect("an id").to_owned();
    let own = arguments("import", &[paths[0], "--format", "bank.toml"]);
    state.refused(&own, 1, "this file goes to the bank");

    // Lost files are written again, each by its day and the same to the byte.
    state.refused(&pay_in_format(&scheme, &["--again", &message]), 1, "give one with --day");
    let days: Vec<&str> = paths.iter().map(|path| day_of(path)).collect();
    for (place, path) in paths.iter().enumerate() {
        fs::remove_file(path).expect("lost");
        done(&state, &pay_in_format(&scheme, &["--again", &message, "--day", days[place]]));
        assert_eq!(fs::read_to_string(path).expect("written again"), files[place]);
    }

    // The bank answers with the same lines: one account is closed, one payment is not ours.
    let mut answer: Vec<String> = lines[0].iter().map(|line| (*line).to_owned()).collect();
    for line in &mut answer[1..] {
        line.replace_range(153..156, "100");
    }
    answer[1].replace_range(153..156, "001");
    fs::write(state.path("answer.txt"), format!("{}\r\n", answer.join("\r\n"))).expect("written");
    let (code, moved) = told(&state, "answer.txt");
    assert_eq!(
        (code, &moved["returned"], &moved["paid"]),
        (0, &json!(1), &json!(claims - 1)),
        "{moved}"
    );
    let (code, again) = told(&state, "answer.txt");
    assert_eq!((code, &again["file"]), (0, &Value::Null), "it is known");
    let mut other = answer[2].clone();
    other.replace_range(231..261, "SALARY-2026-08                ");
    let wrong = answer[2].replacen(at(&answer[2], 121, 133), "0000000000100", 1);
    fs::write(state.path("other.txt"), format!("{other}\r\n{wrong}\r\n")).expect("written");
    let (code, apart) = told(&state, "other.txt");
    let discrepancies = apart["discrepancies"].as_array().map(Vec::len);
    assert_eq!((code, discrepancies), (1, Some(2)), "{apart}");
    let returned = state.json(&["treasury", "returned"])["returned"].clone();
    assert_eq!(returned[0]["reason"], "AC04 01", "{returned}");
    let sums = reconcile(&state, &[]);
    assert_eq!(
        (&sums["returned"]["count"], &sums["paid"]["count"]),
        (&json!(1), &json!(claims - 1))
    );
    assert_eq!(sums["difference"], 0, "{sums}");

    // The bank has answered about the first file: it is not written again. The other one is.
    let first = pay_in_format(&scheme, &["--again", &message, "--day", days[0]]);
    state.refused(&first, 1, "its file is not written again");
    done(&state, &pay_in_format(&scheme, &["--again", &message, "--day", days[1]]));
    // A message of ISO's is read as one, whatever else the bank takes.
    let iso = Bank { state: &state }.write("iso", &status_message("iso", &message, "ACSP", ""));
    let (code, read) = told(&state, &iso);
    assert_eq!((code, &read["discrepancies"]), (0, &json!([])));
    // What came back is paid again in the same format.
    let reference = returned[0]["reference"].as_str().expect("a reference");
    let own = ["--out", "bank", "--format", "bank.toml", "--same", reference];
    let arguments: Vec<&str> = scheme.iter().map(String::as_str).chain(own).collect();
    let again = done(&state, &pay_arguments("reissue", &arguments));
    assert_eq!(
        (&again["transfers"], again["files"].as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );

    // A state from before the files learns from them what went out.
    let restored = restore(&state, "before.db", "before");
    restored.refused(&pay, 1, "was restored from a backup");
    for path in &paths {
        let adopted = json!({ "adopted": claims, "unknown": [] });
        assert_eq!(told(&restored, path), (0, adopted));
    }
    assert_eq!(told(&restored, "answer.txt").1["paid"], claims - 1);
    let sums = reconcile(&restored, &[]);
    let counts = (&sums["paid"]["count"], &sums["returned"]["count"], &sums["ordered"]["count"]);
    assert_eq!(counts, (&json!(claims - 1), &json!(1), &json!(claims)), "{sums}");

    // A state from between draft and file counts all of a batch as sent once it knows one of its files.
    #[cfg(feature = "failpoints")]
    {
        let restored = restore(&state, "drafted.db", "drafted");
        told(&restored, paths[0]);
        let sums = reconcile(&restored, &[]);
        let counts = (&sums["ordered"]["count"], &sums["waiting"]["count"]);
        assert_eq!(counts, (&json!(2 * claims), &json!(0)), "nobody is paid twice: {sums}");
        restored.refused(&["treasury", "resume"], 1, "");

        // A claim that was taken out of the batch before it went out is in no file of it, and waits.
        let restored = restore(&state, "drafted.db", "fewer");
        let mut fewer: Vec<String> = lines[0].iter().map(|line| (*line).to_owned()).collect();
        let out = fewer.pop().expect("a payment");
        let (paise, sum) = (at(&out, 121, 133), at(&fewer[0], 113, 125));
        let [paise, sum] = [paise, sum].map(|amount| amount.parse::<u64>().expect("paise"));
        fewer[0].replace_range(112..125, &format!("{:013}", sum - paise));
        fewer[0].replace_range(238..247, &format!("{:09}", claims - 1));
        fs::write(state.path("fewer.txt"), format!("{}\r\n", fewer.join("\r\n"))).expect("written");
        assert_eq!(told(&restored, "fewer.txt").1["adopted"], claims - 1);
        let sums = reconcile(&restored, &[]);
        let counts = (&sums["ordered"]["count"], &sums["waiting"]["count"]);
        assert_eq!(counts, (&json!(2 * (claims - 1)), &json!(1)), "{sums}");

        // What was going out at the backup, and was answered by the bank, is not written once more.
        let restored = restore(&state, "going.db", "going");
        for path in &paths {
            told(&restored, path);
        }
        assert_eq!(told(&restored, "answer.txt").1["paid"], claims - 1);
        let date = calendar::date_of(calendar::today()).expect("a date");
        let days = [date, date.tomorrow().expect("a day")].map(|day| day.to_string());
        let days = days.each_ref().map(|day| ["--no-statement-of", day]).concat();
        restored.json(&[&["treasury", "resume", "--files-are-lost"][..], &days].concat());
        let paid = done(&restored, &pay);
        assert_eq!((&paid["claims"], &paid["files"]), (&json!(0), &json!([])), "{paid}");
    }
}

#[test]
fn claim_that_a_restored_state_does_not_know_keeps_the_payments_of_all_its_days() {
    let state = State::with_everything(SCHEME, crate::support::year());
    let proved: Vec<&str> = HOLDERS
        .into_iter()
        .filter(|holder| state.prove(holder, SCHEME, crate::support::year(), holder).code == 0)
        .take(2)
        .collect();
    let [early, late] = proved[..] else { panic!("two farmers: {proved:?}") };
    assert_eq!(state.claim(early, SCHEME).code, 0);
    state.json(&["backup", "--out", "before.db"]);
    assert_eq!(state.claim(late, SCHEME).code, 0);
    fill_in(&state);
    let scheme = scheme_arguments();
    let pay = pay_in_format(&scheme, &[]);
    let paid = done(&state, &pay);
    let files: Vec<&str> =
        paid["files"].as_array().expect("files").iter().filter_map(Value::as_str).collect();
    assert_eq!(files.len(), 2);

    let restored = restore(&state, "before.db", "before");
    for file in &files {
        let (code, read) = told(&restored, file);
        assert_eq!((code, &read["adopted"]), (1, &json!(1)), "{read}");
        assert_eq!(read["unknown"].as_array().map(Vec::len), Some(1), "{read}");
    }
    // The claimant comes with their claim, and each day's file is read again.
    assert_eq!(restored.claim(late, SCHEME).code, 0);
    for file in &files {
        let (code, read) = told(&restored, file);
        assert_eq!((code, &read["unknown"]), (0, &json!([])), "{read}");
    }
    let sums = reconcile(&restored, &[]);
    let counts = (&sums["ordered"]["count"], &sums["waiting"]["count"], &sums["difference"]);
    assert_eq!(counts, (&json!(4), &json!(0), &json!(0)), "{sums}");
}

/// The day in a file's name.
fn day_of(path: &str) -> &str {
    let name = path.strip_suffix(".txt").expect("an end");
    &name[name.len() - 10..]
}

#[test]
fn batch_approved_for_one_format_is_written_in_no_other() {
    let (state, _) = claimed();
    two_treasurers(&state);
    assert_eq!(pay_as(&state, "sen.key")["waits"], json!([1]));
    state.json(&["--as", "roy.key", "access", "approve", "1"]);
    fill_in(&state);
    let scheme = scheme_arguments();
    let other = [&["--as", "sen.key"][..], &pay_in_format(&scheme, &[])].concat();
    state.refused(&other, 1, "was approved to be written in the format ISO 20022");
    assert!(!state.path("bank").exists(), "nothing goes out");
    assert!(pay_as(&state, "sen.key")["claims"].as_u64() > Some(0));
}
