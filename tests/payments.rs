//! Payments: a month of them, with returns, reconciled to the rupee; and two treasurers.

mod banks;
mod held;
mod lost_for_good;
mod own_format;
mod settlement;
mod told;
use std::fs;
use std::process::Command;

use praman::treasury::{BankReport, TransferReference};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::State;

use crate::support;

const SCHEME: &str = "krishak-bandhu";

const HOLDERS: [&str; 6] =
    ["WB070000002", "WB070000003", "WB070000005", "WB070000009", "WB070000013", "WB070000021"];

/// A state on which some farmers have claimed; who did.
fn claimed() -> (State, Vec<&'static str>) {
    let state = State::copy_of("claimed", || {
        let state = State::with_everything(SCHEME, support::year());
        for holder in HOLDERS {
            if state.prove(holder, SCHEME, support::year(), holder).code == 0 {
                assert_eq!(state.claim(holder, SCHEME).code, 0);
            }
        }
        state
    });
    let proved = HOLDERS.into_iter().filter(|holder| state.path(holder).exists()).collect();
    (state, proved)
}

/// A transfer as a bank reads it from the file.
#[derive(Clone, Debug)]
struct Ordered {
    part: String,
    reference: String,
    amount: String,
    account: String,
}

/// What a bank reads.
struct Read {
    message: String,
    transfers: Vec<Ordered>,
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = text.split_once(begin).unwrap_or_else(|| panic!("no {begin}")).1;
    rest.split_once(end).expect("an end").0
}

fn read(xml: &str) -> Read {
    let mut transfers = Vec::new();
    for part in xml.split("<PmtInf>").skip(1) {
        let id = between(part, "<PmtInfId>", "<").to_owned();
        for transfer in part.split("<CdtTrfTxInf>").skip(1) {
            let account = transfer.split_once("<CdtrAcct>").expect("an account").1;
            transfers.push(Ordered {
                part: id.clone(),
                reference: between(transfer, "<EndToEndId>", "<").to_owned(),
                amount: between(transfer, "<InstdAmt Ccy=\"INR\">", "<").to_owned(),
                account: between(account, "<Id>\n", "</Id>").trim().replace("<Othr>\n", ""),
            });
        }
    }
    Read { message: between(xml, "<MsgId>", "<").to_owned(), transfers }
}

/// A mock bank that writes its reports into a folder.
struct Bank<'a> {
    state: &'a State,
}

impl Bank<'_> {
    fn write(&self, name: &str, xml: &str) -> String {
        let file = format!("{name}.xml");
        fs::write(self.state.path(&file), xml).expect("written");
        file
    }

    /// A status report: of transfers, or of parts.
    fn status(&self, name: &str, of: &Read, lines: &[(&Ordered, &str, Option<&str>)]) -> String {
        let mut body = String::new();
        for (transfer, status, code) in lines {
            let reason = code.map_or(String::new(), |code| {
                format!("<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>")
            });
            body += &format!(
                "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{}</OrgnlPmtInfId><TxInfAndSts>\
                 <OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{status}</TxSts>{reason}\
                 </TxInfAndSts></OrgnlPmtInfAndSts>\n",
                transfer.part, transfer.reference
            );
        }
        self.write(name, &status_message(name, &of.message, "PART", &body))
    }

    /// A statement: money out, or back with a code.
    fn statement(&self, name: &str, lines: &[(&Ordered, &str, Option<&str>)]) -> String {
        let mut body = String::new();
        for (transfer, amount, code) in lines {
            body += &booking(transfer, amount, *code);
        }
        self.write(name, &statement_message(name, &body))
    }
}

fn status_message(id: &str, original: &str, status: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.12\"><CstmrPmtStsRpt>\
         <GrpHdr><MsgId>{id}</MsgId><CreDtTm>2026-06-05T10:00:00</CreDtTm></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId>\
         <OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>{status}</GrpSts></OrgnlGrpInfAndSts>\
         {body}</CstmrPmtStsRpt></Document>\n"
    )
}

/// A transfer that is booked: money out, or back with a code.
fn booking(transfer: &Ordered, amount: &str, code: Option<&str>) -> String {
    let direction = if code.is_some() { "CRDT" } else { "DBIT" };
    let back =
        code.map_or(String::new(), |code| format!("<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf>"));
    let details = format!(
        "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><Amt Ccy=\"INR\">{amount}</Amt>\
         <CdtDbtInd>{direction}</CdtDbtInd>{back}</TxDtls>",
        transfer.reference
    );
    entry(amount, direction, &details)
}

fn entry(amount: &str, direction: &str, details: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"INR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>\
         <Sts><Cd>BOOK</Cd></Sts><BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>\
         <NtryDtls>{details}</NtryDtls></Ntry>\n"
    )
}

fn statement_message(id: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
         <GrpHdr><MsgId>{id}</MsgId><CreDtTm>2026-06-06T20:00:00</CreDtTm></GrpHdr>\
         <Stmt><Id>{id}</Id><CreDtTm>2026-06-06T20:00:00</CreDtTm>\
         <Acct><Id><Othr><Id>00000000000</Id></Othr></Id></Acct>\
         <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"INR\">1.00</Amt>\
         <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-06-06</Dt></Dt></Bal>\n{body}</Stmt>\
         </BkToCstmrStmt></Document>\n"
    )
}

/// Every file is what ISO's schema says.
fn validate(state: &State, files: &[&str]) {
    let output = Command::new("python3")
        .arg(support::root().join("tests/peers/validate_iso20022.py"))
        .args(files)
        .current_dir(state.path("."))
        .output()
        .expect("python3 is there");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{err} (python3 -m pip install --no-deps --target tests/peers/python \
         -r tests/peers/requirements.txt)"
    );
}

fn treasury(state: &State, verb: &str, more: &[&str]) -> Value {
    let ran = state.run(&arguments(verb, more));
    assert_eq!(ran.code, 0, "{verb}: {} {}", ran.out, ran.err);
    serde_json::from_str(&ran.out).expect("JSON")
}

fn arguments<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["treasury", verb, "--key", "treasury.json", "--json"], more].concat()
}

/// The same, of what is paid.
fn pay_arguments<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    arguments(verb, &[&["--debtor", support::DEBTOR], more].concat())
}

fn scheme_arguments() -> [String; 4] {
    let scheme = support::scheme(SCHEME).to_str().expect("UTF-8").to_owned();
    ["--scheme".to_owned(), scheme, "--period".to_owned(), support::year().to_owned()]
}

fn reconcile(state: &State, more: &[&str]) -> Value {
    let scheme = scheme_arguments();
    let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
    treasury(state, "reconcile", &[&scheme, more].concat())
}

fn reissue<'a>(scheme: &'a [String; 4], more: &[&'a str]) -> Vec<&'a str> {
    let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
    pay_arguments("reissue", &[&scheme[..], &["--out", "bank"], more].concat())
}

#[test]
fn month_of_payments_with_returns_reconciles_to_the_rupee() {
    let (state, holders) = claimed();
    let claims = holders.len();
    assert!(claims >= 5, "{holders:?}");
    let bank = Bank { state: &state };
    assert_eq!(reconcile(&state, &[])["waiting"]["count"], claims);

    // Day 1: the file goes out.
    let paid = state.pay(SCHEME, support::year());
    let file = paid["files"][0].as_str().expect("a file");
    let xml = fs::read_to_string(state.path(file)).expect("the bank's file");
    validate(&state, &[file]);
    let ordered = read(&xml);
    assert_eq!(ordered.transfers.len(), 2 * claims, "two instalments");
    let first: Vec<&Ordered> =
        ordered.transfers.iter().filter(|one| one.part.ends_with("-1")).collect();
    let (wrong, late) = (first[0], first[1]);
    let sums = reconcile(&state, &[]);
    assert_eq!((&sums["ordered"]["count"], &sums["difference"]), (&json!(2 * claims), &json!(0)));
    let total = sums["claimed"]["rupees"].clone();
    assert_eq!(
        (&sums["claimed"], &sums["ordered"]["rupees"]),
        (&json!({ "count": claims, "rupees": total }), &total,)
    );
    // The ledger has number, hash and count of the file.
    let files = treasury_files(&state);
    assert_eq!(files[0]["digest"], hex::encode(Sha256::digest(&xml)));
    assert_eq!((&files[0]["transfers"], files[0]["block"].is_u64()), (&json!(2 * claims), true));

    // Day 2: the bank takes all but one account.
    let mut lines = vec![(wrong, "RJCT", Some("AC01"))];
    lines.extend(first[1..].iter().map(|&one| (one, "ACSP", None)));
    let report = bank.status("status-1", &ordered, &lines);
    let import = |file: &str| treasury(&state, "import", &[file]);
    let told = import(&report);
    assert_eq!((&told["returned"], &told["unchanged"]), (&json!(1), &json!(claims - 1)), "{told}");
    // The same file again changes nothing; nor does what it says, in another file.
    assert_eq!(import(&report)["file"], Value::Null);
    let again = bank.status("status-2", &ordered, &lines);
    let again = import(&again);
    assert_eq!((&again["returned"], &again["unchanged"]), (&json!(0), &json!(claims)), "{again}");
    let returned = state.json(&["treasury", "returned"])["returned"].clone();
    assert_eq!(
        returned[0],
        json!({ "reference": wrong.reference, "reason": "AC01",
                                    "scheme": SCHEME, "period": returned[0]["period"] })
    );
    // Its department sees it, and no other; the bank's files are of all.
    state.json(&["access", "tenant", "farms", "--title", "Farms", "--scheme", SCHEME]);
    state.json(&["access", "tenant", "food", "--title", "Food"]);
    for tenant in ["farms", "food"] {
        let key = format!("{tenant}.key");
        let admit = ["access", "admit", "--name", tenant, "--role", "department", "--tenant"];
        state.json(&[&admit[..], &[tenant, "--key-out", &key]].concat());
        let seen = state.json(&["--as", &key, "treasury", "returned"])["returned"].clone();
        assert_eq!(seen, if tenant == "farms" { returned.clone() } else { json!([]) });
        state.refused(&["--as", &key, "treasury", "files"], 1, "several departments");
    }
    // Whoever claimed is told what to do.
    let receipts: Vec<Value> = holders
        .iter()
        .map(|holder| serde_json::from_str(&claim_json(&state, holder)).expect("JSON"))
        .collect();
    let states: Vec<&Value> = receipts.iter().map(|receipt| &receipt["state"]).collect();
    assert_eq!(states.iter().filter(|state| **state == "returned").count(), 1, "{receipts:?}");
    assert!(receipts.iter().any(|receipt| receipt["reason"] == "account-wrong"), "{receipts:?}");

    // Day 3: money moves; the bank mistypes one amount, which is told and changes nothing.
    let mut lines: Vec<_> =
        first[1..claims - 1].iter().map(|&one| (one, one.amount.as_str(), None)).collect();
    let mistyped = first[claims - 1];
    lines.push((mistyped, "1.00", None));
    let report = bank.statement("statement-1", &lines);
    let ran = state.run(&arguments("import", &[&report]));
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, &told["paid"]), (1, &json!(claims - 2)), "{told}");
    assert_eq!(told["discrepancies"][0]["of"], mistyped.reference, "{told}");
    let corrected = bank.statement("statement-2", &[(mistyped, &mistyped.amount, None)]);
    assert_eq!(import(&corrected)["paid"], 1);
    // Day 5: what was paid comes back.
    let back = bank.statement("statement-3", &[(late, &late.amount, Some("AC04"))]);
    assert_eq!(import(&back)["returned"], 1);
    let unknown = Ordered { reference: "0".repeat(34), ..late.clone() };
    let unknown = bank.statement("statement-4", &[(&unknown, "5.00", None)]);
    assert_eq!(state.run(&arguments("import", &[&unknown])).code, 1, "it is none of ours");
    validate(&state, &["status-1.xml", "statement-1.xml", "statement-3.xml"]);
    let sums = reconcile(&state, &[]);
    assert_eq!((&sums["returned"]["count"], &sums["difference"]), (&json!(2), &json!(0)), "{sums}");
    assert_eq!(sums["reasons"], json!({ "AC01": 1, "AC04": 1 }));
    // A department sees that it balances, and no sum of so few.
    let seen = reconcile(&state, &["--for-department"]);
    assert_eq!((&seen["returned"]["suppressed"], &seen["balanced"]), (&json!(true), &json!(true)));
    let sum = total.as_u64().expect("a sum");
    assert_eq!(seen["claimed"]["rupees"], sum - sum % 10_000, "in steps");

    // Day 9: paid anew, without a second claim. Another's account is not taken.
    let payee = payee_of(&xml, wrong);
    let correct_to = |account: [&str; 2], office: &str, name: &str, out: &str| {
        let [account, ifsc] = account;
        let corrected = json!({ "account": account, "ifsc": ifsc, "name": name });
        fs::write(state.path("payee.json"), corrected.to_string()).expect("written");
        let correct = ["office", "correct", "--office", office, "--reference"];
        let rest = ["--payee", "payee.json", "--payout", "payout.json", "--out", out];
        state.json(&[&correct[..], &[&wrong.reference], &rest].concat());
    };
    let correct_by = |office: &str, name: &str, out: &str| {
        correct_to(["778899001122", "SBIN0001234"], office, name, out);
    };
    let correct = |name: &str, out: &str| correct_by("office.json", name, out);
    let scheme = scheme_arguments();
    // Nor one to which another claim of the period goes, until two persons have looked.
    let of_another = xml.split("<CdtTrfTxInf>").find(|one| one.contains(&late.reference));
    let ifsc = between(of_another.expect("a transfer"), "<MmbId>", "<");
    let account = late.account.rsplit('>').next().expect("a number").trim();
    correct_to([account, ifsc], "office.json", &payee, "shared.json");
    state.refused(&reissue(&scheme, &["--correction", "shared.json"]), 1, "the same account");
    correct("Somebody Else", "theft.json");
    let theft = reissue(&scheme, &["--correction", "theft.json"]);
    state.refused(&theft, 1, "not in the name that was proved");
    correct(&payee.to_uppercase(), "correction.json");
    let text = fs::read_to_string(state.path("correction.json")).expect("readable");
    assert!(!text.contains("778899001122"), "the account is the treasury's to see");
    let mut forged: Value = serde_json::from_str(&text).expect("JSON");
    forged["reference"] = json!(late.reference);
    fs::write(state.path("forged.json"), forged.to_string()).expect("written");
    let forged = reissue(&scheme, &["--correction", "forged.json"]);
    state.refused(&forged, 1, "not signed by a known office");
    // Nor does another office correct it, or this one while it is suspended.
    let other = ["office", "new", "--name", "Other", "--schema", "resident", "--out", "other.json"];
    state.json(&other);
    correct_by("other.json", &payee, "others.json");
    let others = reissue(&scheme, &["--correction", "others.json"]);
    state.refused(&others, 1, "did not register the account");
    let roles = state.json(&["ledger", "roles"])["participants"].clone();
    let office = roles.as_array().expect("a list").iter().find(|one| one["role"] == "office");
    let office = office.expect("an office")["participant"].to_string();
    let order = ["--order", "No. 7", "--reason", "fraud", "--days", "3"];
    state.json(&[&["ledger", "suspend", &office][..], &order].concat());
    let barred = reissue(&scheme, &["--correction", "correction.json"]);
    state.refused(&barred, 1, "can't correct accounts");
    state.json(&["ledger", "lift", &office, "--reason", "order No. 8"]);
    let paid_one = reissue(&scheme, &["--same", &mistyped.reference]);
    state.refused(&paid_one, 1, "was not returned");
    let anew = reissue(&scheme, &["--correction", "correction.json", "--same", &late.reference]);
    let ran = state.run(&anew);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    let anew_told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(anew_told["transfers"], 2, "{anew_told}");
    state.refused(&anew, 1, "already being paid again");
    let file = anew_told["files"][0].as_str().expect("a file");
    validate(&state, &[file]);
    let second = read(&fs::read_to_string(state.path(file)).expect("the bank's file"));
    let accounts: Vec<&str> = second.transfers.iter().map(|one| one.account.as_str()).collect();
    assert!(accounts.iter().any(|account| account.contains("778899001122")), "{accounts:?}");
    assert!(second.transfers.iter().all(|one| {
        one.reference.parse::<TransferReference>().is_ok()
            && ordered.transfers.iter().all(|old| old.reference != one.reference)
    }));
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 0, "nobody is paid twice");
    // The old transfer can't be paid any more without being told.
    let twice = bank.statement("statement-5", &[(late, &late.amount, None)]);
    let ran = state.run(&arguments("import", &[&twice]));
    assert!(ran.code == 1 && ran.out.contains("ask the bank"), "{}", ran.out);

    // Day 12: the bank books the new file as one, and says of the second instalment that it is done.
    let part = &second.transfers[0].part;
    let sum: u64 = second.transfers.iter().map(|one| rupees(&one.amount)).sum();
    let batch = format!("<Btch><PmtInfId>{part}</PmtInfId></Btch>");
    let booked = statement_message("statement-6", &entry(&format!("{sum}.00"), "DBIT", &batch));
    assert_eq!(import(&bank.write("statement-6", &booked))["paid"], 2);
    let rest = format!(
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{}-2</OrgnlPmtInfId><PmtInfSts>ACSC</PmtInfSts>\
         </OrgnlPmtInfAndSts>",
        ordered.message
    );
    let rest = status_message("status-3", &ordered.message, "PART", &rest);
    assert_eq!(import(&bank.write("status-3", &rest))["paid"], claims);
    validate(&state, &["statement-6.xml", "status-3.xml"]);

    // The month's end.
    let sums = reconcile(&state, &[]);
    assert_eq!(sums["paid"], json!({ "count": 2 * claims, "rupees": total }), "{sums}");
    assert_eq!((&sums["reissued"], &sums["difference"]), (&json!(2), &json!(0)));
    // A department is told the same all week.
    assert_eq!(reconcile(&state, &["--for-department"]), seen);
    let receipt: Value = serde_json::from_str(&claim_json(&state, holders[0])).expect("JSON");
    assert_eq!(receipt["state"], "paid", "{receipt}");
    let history = state.json(&["ledger", "verify-history"]);
    assert_eq!(history["claims"], claims, "no claim was made twice: {history}");
    let files = treasury_files(&state);
    assert!(files.as_array().is_some_and(|files| files.len() >= 10));
    assert!(files.as_array().expect("files").iter().all(|file| file["block"].is_u64()), "{files}");
    println!(
        "{claims} claims, {total} rupees, {} files: {sums}",
        files.as_array().expect("files").len()
    );

    // No account and no amount of a person is in the store.
    let store = fs::read(state.path("state/praman.db")).expect("a store");
    for secret in [&b"778899001122"[..], wrong.account.trim().as_bytes()] {
        assert!(secret.len() > 5 && !store.windows(secret.len()).any(|part| part == secret));
    }
}

fn rupees(amount: &str) -> u64 {
    amount.trim_end_matches(".00").parse().expect("whole rupees")
}

/// The payee's name, as the file has it.
fn payee_of(xml: &str, transfer: &Ordered) -> String {
    let rest = xml.split_once(&transfer.reference).expect("ordered").1;
    between(rest.split_once("<Cdtr>").expect("a payee").1, "<Nm>", "</Nm>").to_owned()
}

fn treasury_files(state: &State) -> Value {
    state.json(&["treasury", "files"])["files"].clone()
}

fn claim_json(state: &State, holder: &str) -> String {
    state.claim_as(holder, SCHEME, &["--json"]).out
}

#[test]
fn payment_by_one_treasurer_waits_for_another_to_approve() {
    let (state, holders) = claimed();
    let claims = holders.len();
    state.json(&["access", "tenant", "treasury", "--title", "Treasury"]);
    for (name, out) in [("T. Sen", "sen.key"), ("T. Roy", "roy.key")] {
        let admit = ["access", "admit", "--name", name, "--role", "treasury", "--tenant"];
        state.json(&[&admit[..], &["treasury", "--key-out", out]].concat());
    }
    let pay = support::pay_arguments(SCHEME, support::year());
    let pay = |key: &str| {
        let pay: Vec<&str> = pay.iter().map(String::as_str).collect();
        let by: &[&str] = if key.is_empty() { &[] } else { &["--as", key] };
        let ran = state.run(&[by, &pay, &["--json"]].concat());
        (ran.code, serde_json::from_str::<Value>(&ran.out).unwrap_or_default())
    };
    let (code, told) = pay("");
    assert!(code == 1 && told.to_string().contains("--as FILE"), "{told}");
    let (_, told) = pay("sen.key");
    assert_eq!(
        (&told["claims"], &told["waits"], &told["files"]),
        (&json!(0), &json!([1]), &json!([]),)
    );
    assert!(!state.path("bank").exists(), "nothing goes out");
    state.refused(&["--as", "sen.key", "access", "approve", "1"], 1, "can't be the second");
    let waiting = state.json(&["--as", "roy.key", "access", "approvals"])["approvals"].clone();
    assert_eq!(waiting[0]["document"]["transfers"], 2 * claims, "{waiting}");
    // Denied, its claims are paid by another batch, which is approved.
    state.json(&["--as", "roy.key", "access", "deny", "1"]);
    let (_, told) = pay("sen.key");
    assert_eq!(told["waits"], json!([2]), "{told}");
    // One that nobody approves for a week is none, and its claims are in the next.
    state.sql("update approval set expires_at = 1 where number = 2");
    state.refused(&["--as", "roy.key", "access", "approve", "2"], 1, "request it again");
    let (_, told) = pay("sen.key");
    assert_eq!((&told["claims"], &told["waits"]), (&json!(0), &Value::Null), "{told}");
    let (_, told) = pay("sen.key");
    assert_eq!(told["waits"], json!([3]), "{told}");
    let waiting = state.json(&["--as", "roy.key", "access", "approvals"])["approvals"].clone();
    let about = &waiting[0]["document"];
    assert_eq!((&about["paid_anew"], &about["instalments"]), (&json!(false), &json!(2)), "{about}");
    assert!(about["debtor"].as_str().is_some_and(|debtor| debtor.contains(", ")), "{about}");
    state.json(&["--as", "roy.key", "access", "approve", "3"]);
    // What is frozen after it was approved does not go out.
    state.sql("insert into dispute select min(nullifier), 0, 1 from accepted_claim");
    let (_, told) = pay("roy.key");
    assert_eq!(
        (&told["claims"], told["files"].as_array().map(Vec::len)),
        (&json!(claims - 1), Some(1))
    );
    // Found to be good, it is paid; but not by one treasurer who is left of two.
    state.sql("update dispute set payable = 1");
    state.json(&["access", "revoke", "2"]);
    let (code, told) = pay("sen.key");
    assert!(code == 1 && told.to_string().contains("add another"), "{told}");
    let admit = ["access", "admit", "--name", "T. Lal", "--role", "treasury", "--tenant"];
    state.json(&[&admit[..], &["treasury", "--key-out", "lal.key"]].concat());
    assert_eq!(pay("sen.key").1["waits"], json!([4]));
    state.json(&["--as", "lal.key", "access", "approve", "4"]);
    assert_eq!(pay("sen.key").1["claims"], json!(1));
    let (_, told) = pay("sen.key");
    assert_eq!((&told["claims"], &told["files"]), (&json!(0), &json!([])));
    let sums = reconcile_as(&state, "sen.key");
    assert_eq!((&sums["ordered"]["count"], &sums["difference"]), (&json!(2 * claims), &json!(0)));
    // Each of it is in the log, with who.
    state.json(&["audit", "export", "--out", "audit.ndjson"]);
    let log = fs::read_to_string(state.path("audit.ndjson")).expect("exported");
    for wanted in ["\"T. Sen\"", "\"T. Roy\"", "payments.pay", "approval 3: approve"] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    assert_eq!(state.run(&["audit", "verify"]).code, 0);
}

fn reconcile_as(state: &State, key: &str) -> Value {
    let scheme = scheme_arguments();
    let scheme: Vec<&str> = scheme.iter().map(String::as_str).collect();
    let ran = state.run(&[&["--as", key][..], &arguments("reconcile", &scheme)].concat());
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    serde_json::from_str(&ran.out).expect("JSON")
}

/// Admits two treasurers.
fn two_treasurers(state: &State) {
    state.json(&["access", "tenant", "treasury", "--title", "Treasury"]);
    for (name, out) in [("T. Sen", "sen.key"), ("T. Roy", "roy.key")] {
        let admit = ["access", "admit", "--name", name, "--role", "treasury", "--tenant"];
        state.json(&[&admit[..], &["treasury", "--key-out", out]].concat());
    }
}

/// Pays as somebody.
fn pay_as(state: &State, key: &str) -> Value {
    let pay = support::pay_arguments(SCHEME, support::year());
    let pay: Vec<&str> = pay.iter().map(String::as_str).collect();
    state.json(&[&["--as", key][..], &pay].concat())
}

/// The bank's file that was written last.
fn newest(state: &State, told: &Value) -> Read {
    let file = told["files"][0].as_str().expect("a file");
    read(&fs::read_to_string(state.path(file)).expect("the bank's file"))
}

/// The treasury pays, and dies when its batch is drafted.
#[cfg(feature = "failpoints")]
fn die_at_a_draft(state: &State) {
    let pay = support::pay_arguments(SCHEME, support::year());
    let pay: Vec<&str> = pay.iter().map(String::as_str).collect();
    let mut command = state.command(&pay);
    let died = command.env("FAILPOINTS", "treasury::drafted=return").output().expect("starts");
    assert_eq!(died.status.code(), None, "it was not killed");
}

#[cfg(feature = "failpoints")]
#[test]
fn batch_that_was_drafted_before_transfers_were_kept_is_written_whole() {
    let (state, holders) = claimed();
    die_at_a_draft(&state);
    state.sql("delete from payment_transfer");
    let paid = state.pay(SCHEME, support::year());
    assert_eq!(paid["claims"], holders.len());
    let sums = reconcile(&state, &[]);
    assert_eq!(
        (&sums["ordered"]["count"], &sums["difference"]),
        (&json!(2 * holders.len()), &json!(0),)
    );
}

#[cfg(feature = "failpoints")]
#[test]
fn import_that_dies_is_repeated_whole() {
    let (state, _) = claimed();
    let paid = state.pay(SCHEME, support::year());
    let file = state.path(paid["files"][0].as_str().expect("a file"));
    let ordered = read(&fs::read_to_string(file).expect("the bank's file"));
    let bank = Bank { state: &state };
    let lines: Vec<_> =
        ordered.transfers.iter().map(|one| (one, one.amount.as_str(), None)).collect();
    let statement = bank.statement("statement-1", &lines);
    let arguments = arguments("import", &[&statement]);
    let mut command = state.command(&arguments);
    let died = command.env("FAILPOINTS", "treasury::imported=return").output().expect("starts");
    assert_eq!(died.status.code(), None, "it was not killed");
    assert_eq!(reconcile(&state, &[])["paid"]["count"], 0, "nothing is half-done");
    assert_eq!(treasury(&state, "import", &[&statement])["paid"], lines.len());
    assert_eq!(reconcile(&state, &[])["difference"], 0);
}

#[test]
fn import_of_what_is_no_report_is_refused_with_its_line() {
    let state = State::new();
    state.json(&["treasury", "new", "--out", "treasury.json", "--payout", "payout.json"]);
    for (name, text, words) in [
        ("empty.xml", String::new(), "ends before its end"),
        ("page.xml", "<html>\n</html>".to_owned(), "line 1: the file is neither a pain.002"),
        ("cut.xml", statement_message("s", "").replace("</Document>", ""), "ends before"),
    ] {
        fs::write(state.path(name), text).expect("written");
        state.refused(&["treasury", "import", name, "--key", "treasury.json"], 2, words);
    }
    assert!(BankReport::read(&statement_message("s", "")).expect("a report").transfers.is_empty());
}
