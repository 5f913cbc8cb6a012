//! A bank that takes its own format in the place of ISO 20022's.

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
    let format = fs::read_to_string(state.path("bank.toml")).expect("a format");
    let filled = format
        .replace("user_number = \"\"", "user_number = \"NACH00000000012345\"")
        .replace("product_type = \"\"", "product_type = \"PRM\"");
    fs::write(state.path("bank.toml"), &filled).expect("written");
    // Killed before a file is in its place, a batch goes out in the format in which it was recorded.
    #[cfg(feature = "failpoints")]
    {
        for point in ["treasury::drafted=return", "treasury::ordered=return"] {
            let died = state.command(&pay).env("FAILPOINTS", point).output().expect("starts");
            assert_eq!(died.status.code(), None, "it was not killed");
            if point.contains("drafted") {
                state.json(&["backup", "--out", "drafted.db"]);
            }
        }
        fs::write(state.path("bank.toml"), filled.replace("\"PRM\"", "\"XXX\"")).expect("written");
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
    let import = |state: &State, file: &str| {
        state.run(&arguments("import", &[file, "--format", "bank.toml"]))
    };
    let told = |state: &State, file: &str| -> Value {
        let ran = import(state, file);
        assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
        serde_json::from_str(&ran.out).expect("JSON")
    };
    let ran = import(&state, paths[0]);
    assert!(ran.code == 1 && ran.err.contains("this file goes to the bank"), "{}", ran.err);

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
    let moved = told(&state, "answer.txt");
    assert_eq!((&moved["returned"], &moved["paid"]), (&json!(1), &json!(claims - 1)), "{moved}");
    assert_eq!(told(&state, "answer.txt")["file"], Value::Null, "it is known");
    let mut other = answer[2].clone();
    other.replace_range(231..261, "SALARY-2026-08                ");
    let wrong = answer[2].replacen(at(&answer[2], 121, 133), "0000000000100", 1);
    fs::write(state.path("other.txt"), format!("{other}\r\n{wrong}\r\n")).expect("written");
    let ran = import(&state, "other.txt");
    let apart: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (ran.code, apart["discrepancies"].as_array().map(Vec::len)),
        (1, Some(2)),
        "{apart}"
    );
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
    assert_eq!(told(&state, &iso)["discrepancies"], json!([]));
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
    let mut restored = state.on(None);
    restored.directory = "restored".to_owned();
    restored.json(&["restore", "--from", "before.db"]);
    restored.refused(&pay, 1, "was restored from a backup");
    for path in &paths {
        assert_eq!(told(&restored, path), json!({ "adopted": claims, "unknown": [] }));
    }
    assert_eq!(told(&restored, "answer.txt")["paid"], claims - 1);
    let sums = reconcile(&restored, &[]);
    let counts = (&sums["paid"]["count"], &sums["returned"]["count"], &sums["ordered"]["count"]);
    assert_eq!(counts, (&json!(claims - 1), &json!(1), &json!(claims)), "{sums}");

    // A state from between draft and file counts all of a batch as sent once it knows one of its files.
    #[cfg(feature = "failpoints")]
    {
        let mut restored = state.on(None);
        restored.directory = "drafted".to_owned();
        restored.json(&["restore", "--from", "drafted.db"]);
        told(&restored, paths[0]);
        let sums = reconcile(&restored, &[]);
        let counts = (&sums["ordered"]["count"], &sums["waiting"]["count"]);
        assert_eq!(counts, (&json!(2 * claims), &json!(0)), "nobody is paid twice: {sums}");
        restored.refused(&["treasury", "resume"], 1, "");
    }
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
    state.json(&["treasury", "format", "ach-credit", "--out", "bank.toml"]);
    let format = fs::read_to_string(state.path("bank.toml")).expect("a format");
    let filled = format.replace("= \"\"", "= \"NAC\"");
    fs::write(state.path("bank.toml"), filled).expect("written");
    let scheme = scheme_arguments();
    let other = [&["--as", "sen.key"][..], &pay_in_format(&scheme, &[])].concat();
    state.refused(&other, 1, "was approved to be written in the format ISO 20022");
    assert!(!state.path("bank").exists(), "nothing goes out");
    assert!(pay_as(&state, "sen.key")["claims"].as_u64() > Some(0));
}
