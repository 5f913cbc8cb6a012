//! Formats of banks: what is written, what is read again, and which descriptions are refused.

use jiff::civil::{Date, date};
use praman_circuits::payee::Payee;

use super::*;
use crate::bank_report::{BankReport, Named, Outcome, ReportedAmount};
use crate::payment_file::{Debtor, PaymentBatch, PaymentPart, Transfer};

const ID: &str = "12-000102030405060708090a";
const DAYS: [Date; 2] = [date(2026, 8, 31), date(2027, 2, 28)];

fn reference(place: u32) -> String {
    format!("{:032x}{:02}", 0xabcd_0000_u32 + place, 1)
}

/// A format, with its settings filled in.
fn ach_credit() -> BankFormat {
    let text = BankFormat::SHIPPED[0].text;
    let text = text.replace("user_number = \"\"", "user_number = \"NACH00000000012345\"");
    BankFormat::parse(&text.replace("product_type = \"\"", "product_type = \"PRM\""))
        .expect("a format")
}

const DELIMITED: &str = r#"
name = "a-bank"
layout = "delimited"
separator = ";"
extension = "csv"

[header]
fields = [{ name = "kind", text = "H" }, { name = "message", value = "message" }, { name = "day", value = "created-on", date = "%d/%m/%Y" }]

[payment]
fields = [
  { name = "kind", text = "P" },
  { name = "number", value = "number" },
  { name = "reference", value = "reference" },
  { name = "amount", value = "amount" },
  { name = "account", value = "payee-account" },
  { name = "branch", value = "payee-ifsc" },
  { name = "name", value = "payee-name" },
  { name = "day", value = "payment-day" },
]

[trailer]
fields = [{ name = "kind", text = "T" }, { name = "count", value = "count" }, { name = "sum", value = "sum" }]

[report]
layout = "delimited"
separator = ";"
paid = ["OK"]
returned = ["NOT OK"]
pending = ["SENT"]
payment = [{ name = "kind", is = "R" }, { name = "reference", read = "reference" }, { name = "status", read = "status" }, { name = "reason", read = "reason" }, { name = "amount", read = "amount" }]
total = [{ name = "kind", is = "T" }, { name = "count", read = "count" }, { name = "sum", read = "sum" }]
"#;

/// Writes payments of given names: all on the first day, or the last on the second.
fn write(format: &BankFormat, names: &[&str], two_days: bool) -> Result<Vec<WrittenFile>, String> {
    let debtor = Debtor {
        name: "State Treasury".into(),
        account: "41100200300".into(),
        ifsc: "PRMN0000001".into(),
    };
    let payees: Vec<Payee> = names
        .iter()
        .map(|name| Payee {
            account: "00123456".into(),
            ifsc: "SBIN0000001".into(),
            name: (*name).into(),
        })
        .collect();
    let transfer = |(place, payee)| Transfer {
        reference: reference(place as u32),
        amount: 1_000 + place as u32,
        payee,
    };
    let mut all: Vec<Transfer<'_>> = payees.iter().enumerate().map(transfer).collect();
    let later = if two_days { all.split_off(all.len() - 1) } else { Vec::new() };
    let mut parts = vec![PaymentPart { number: 1, on: DAYS[0], transfers: all }];
    if two_days {
        parts.push(PaymentPart { number: 2, on: DAYS[1], transfers: later });
    }
    let batch = PaymentBatch {
        id: ID,
        scheme: "krishak-bandhu",
        created_on: DAYS[0],
        debtor: &debtor,
        parts: &parts,
    };
    format.write(&batch).map_err(|error| error.to_string())
}

fn lines(file: &WrittenFile) -> Vec<String> {
    let text = String::from_utf8(file.bytes.clone()).expect("text");
    text.strip_suffix("\r\n").expect("an end").split("\r\n").map(str::to_owned).collect()
}

fn report(format: &BankFormat, text: &str) -> Result<BankReport, String> {
    match format.read_file(text.as_bytes()) {
        Ok(BankFormatFile::Report(report)) => Ok(report),
        Ok(BankFormatFile::Sent(_)) => Err("it is a file that went to the bank".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

#[test]
fn ach_credit_file_has_each_value_at_its_published_place() {
    let files = write(&ach_credit(), &["Hasina Biswas", "রিনা দাস", "N"], true).expect("written");
    let of_days: Vec<_> = files.iter().map(|file| (file.day, file.references.len())).collect();
    assert_eq!(of_days, [(Some(DAYS[0]), 2), (Some(DAYS[1]), 1)]);
    let all: Vec<Vec<String>> = files.iter().map(lines).collect();
    assert!(all.iter().flatten().all(|line| line.len() == 306 && line.is_ascii()), "{all:?}");
    // Places as in NPCI's table: the sums of the widths before.
    let at = |line: &str, from: usize, to: usize| line[from - 1..to].trim().to_owned();
    let header = &all[0][0];
    for (from, to, expected) in [
        (1, 2, "12"),
        (10, 49, "State Treasury"),
        (64, 72, "000000012"),
        (100, 112, "0000000100100"),
        (113, 125, "0000000200100"),
        (126, 133, "31082026"),
        (157, 174, "NACH00000000012345"),
        (193, 203, "PRMN0000001"),
        (204, 238, "41100200300"),
        (239, 247, "000000002"),
    ] {
        assert_eq!(at(header, from, to), expected, "{from} to {to} of {header}");
    }
    assert_eq!(at(header, 175, 192).len(), 18, "the rest of the message's id");
    assert_eq!(at(&all[1][0], 126, 133), "28022027");
    let (payment, bengali) = (&all[0][1], &all[0][2]);
    let short = short_reference(&reference(0)).expect("a reference");
    for (from, to, expected) in [
        (1, 2, "23"),
        (32, 71, "Hasina Biswas"),
        (88, 107, "krishak-bandhu"),
        (121, 133, "0000000100000"),
        // Flag and reason are the bank's.
        (154, 156, ""),
        (157, 167, "SBIN0000001"),
        (168, 202, "00123456"),
        (203, 213, "PRMN0000001"),
        (214, 231, "NACH00000000012345"),
        (232, 261, short.as_str()),
        (262, 264, "PRM"),
    ] {
        assert_eq!(at(payment, from, to), expected, "{from} to {to} of {payment}");
    }
    assert!(at(bengali, 32, 71).chars().any(|letter| letter.is_ascii_alphabetic()), "{bengali}");
}

#[test]
fn file_that_was_sent_is_read_again_whole() {
    let delimited = BankFormat::parse(DELIMITED).expect("a format");
    for (format, has_all_parts) in [(ach_credit(), false), (delimited, true)] {
        let names = ["Hasina \"Rina\"; Biswas", "N"];
        let mut seen = Vec::new();
        for file in write(&format, &names, true).expect("written") {
            // One that was cut, or altered, is not taken for the whole.
            let mut all = lines(&file);
            let amount = if has_all_parts { "1000.00" } else { "0000000100000" };
            if let Some(line) = all[1..].iter_mut().find(|line| line.contains(amount)) {
                *line = line.replace(amount, &amount.replacen("1000", "1001", 1));
                let altered = format.read_file(all.join("\r\n").as_bytes());
                assert!(!matches!(altered, Ok(BankFormatFile::Sent(_))), "{all:?}");
            }
            all.remove(1);
            let cut = format.read_file(all.join("\r\n").as_bytes());
            assert!(!matches!(cut, Ok(BankFormatFile::Sent(_))), "{all:?}");
            let BankFormatFile::Sent(sent) = format.read_file(&file.bytes).expect("read") else {
                panic!("{} takes its own file for a report", format.name());
            };
            assert_eq!((sent.message.as_str(), sent.has_all_parts), (ID, has_all_parts));
            for transfer in sent.transfers {
                let payee = (transfer.payee.account.as_str(), transfer.payee.ifsc.as_str());
                assert_eq!(payee, ("00123456", "SBIN0000001"));
                seen.push((transfer.reference, transfer.rupees));
            }
        }
        assert_eq!(seen, [(reference(0), Some(1_000)), (reference(1), Some(1_001))]);
    }
}

#[test]
fn banks_answer_moves_each_payment_or_is_told() {
    let format = ach_credit();
    let file = &write(&format, &["A", "B", "C", "D", "E", "F"], false).expect("written")[0];
    let mut all = lines(file);
    for (line, flag) in [(1, "100"), (2, "002"), (3, "099"), (4, "102"), (5, "7  "), (6, "0  ")] {
        all[line].replace_range(153..156, flag);
    }
    // The bank's line may be cut behind its last letter, and have more behind its end.
    all[1] = all[1].trim_end().to_owned();
    all[2].push_str("01092026");
    let salary =
        format!("{}{}{}", &all[3][..231], "SALARY-2026-08                ", &all[3][261..]);
    all.push(salary);
    all.push(format!("99 remark of {}", short_reference(&reference(9)).expect("one")));
    let read = report(&format, &format!("{}\r\n", all.join("\r\n"))).expect("a report");
    let told: Vec<(String, Outcome)> =
        read.transfers.iter().map(|one| (one.label.clone(), one.outcome.clone())).collect();
    let returned =
        |codes: &[&str]| Outcome::Returned(codes.iter().map(|&code| code.to_owned()).collect());
    let is_unclear = |outcome: &Outcome| matches!(outcome, Outcome::Unclear(_));
    assert_eq!(told[0], (reference(0), Outcome::Paid));
    assert_eq!(told[1], (reference(1), returned(&["AC01", "02"])));
    assert_eq!(told[2], (reference(2), returned(&["99"])));
    assert_eq!(told[3].0, reference(3));
    assert!(is_unclear(&told[3].1), "paid, with the reason of a return");
    assert!(is_unclear(&told[4].1), "a flag that is not known");
    assert_eq!(told[5], (reference(5), returned(&["NARR"])));
    assert_eq!(told[6].0, "payment 7 of the file", "another payer's: its name is not shown");
    assert_eq!(told[7].0, reference(9));
    assert!(is_unclear(&told[7].1) && read.transfers[7].of.is_empty(), "{:?}", told[7]);
    assert_eq!(read.transfers[0].of, [Named::Transfer(reference(0))]);
    assert_eq!(read.transfers[0].amount, Some(ReportedAmount::of(100_000)));
}

#[test]
fn report_with_other_totals_than_its_lines_is_refused() {
    let format = BankFormat::parse(DELIMITED).expect("a format");
    let lines = format!("R;{};OK;;1000.00\r\nR;{};SENT;;5.00\r\n", reference(0), reference(1));
    let read = report(&format, &format!("{lines}T;2;1005.00\r\n")).expect("a report");
    let outcomes: Vec<&Outcome> = read.transfers.iter().map(|one| &one.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Paid, &Outcome::Pending]);
    for totals in ["T;3;1005.00", "T;2;1004.00"] {
        let fault = report(&format, &format!("{lines}{totals}\n")).expect_err(totals);
        assert!(fault.contains("fetch it from the bank again"), "{fault}");
    }
    assert!(
        report(&format, "<html></html>").expect_err("no report").contains("no line is a payment")
    );
    for (totals, words) in [
        ("T;2;1,005.00", "can't be read"),
        ("T;two;1005.00", "can't be read"),
        ("", "no line with"),
    ] {
        let fault = report(&format, &format!("{lines}{totals}\n")).expect_err(totals);
        assert!(fault.contains(words), "{totals}: {fault}");
    }
    let huge = format!("R;{};OK;;184467440737095516.15\n", reference(0));
    let fault = report(&format, &format!("{huge}{huge}T;2;0\n")).expect_err("too large");
    assert!(fault.contains("too large"), "{fault}");
    let unreadable = format!("R;{};OK;;1,000\nT;1;0\n", reference(0));
    let unreadable = report(&format, &unreadable).expect("read");
    assert!(matches!(unreadable.transfers[0].outcome, Outcome::Unclear(_)));
}

#[test]
fn titles_and_the_total_are_no_payments_where_nothing_marks_these() {
    let unmarked = DELIMITED.replace("{ name = \"kind\", is = \"R\" }, ", "");
    let format = BankFormat::parse(&unmarked).expect("a format");
    let line = format!("{};OK;;1000.00\r\n", reference(0));
    let read = report(&format, &format!("Reference;Status;Reason;Amount\r\n{line}T;1;1000.00\r\n"));
    let read = read.expect("a report");
    assert_eq!(read.transfers.len(), 1, "{:?}", read.transfers);
    assert_eq!(read.transfers[0].outcome, Outcome::Paid);
    // A payment of an unknown status is none of these.
    let unknown = format!("{};HELD;;1000.00\r\n", reference(0));
    let read = report(&format, &format!("{unknown}T;1;1000.00\r\n")).expect("a report");
    assert!(matches!(read.transfers[0].outcome, Outcome::Unclear(_)), "{:?}", read.transfers);
    // A total that nothing marks, or that is compared with nothing.
    for (mark, with) in [
        ("{ name = \"kind\", is = \"T\" }, ", ""),
        (", { name = \"amount\", read = \"amount\" }", ""),
    ] {
        let format = DELIMITED.replacen(mark, with, 1);
        assert!(format != DELIMITED && BankFormat::parse(&format).is_err(), "without {mark}");
    }
}

#[test]
fn line_whose_columns_are_not_certain_moves_nothing() {
    let format = BankFormat::parse(DELIMITED).expect("a format");
    // A quotation mark in a name must not make one payment of two.
    let text =
        format!("R;{};\"A;OK;1000.00\nR;{};\"B;NOT OK;1000.00\n", reference(0), reference(1));
    let fault = report(&format, &text).expect_err("two lines in one");
    assert!(fault.starts_with("line 1: its quotation marks"), "{fault}");
    // Letters of several bytes shift columns for a bank that counts bytes.
    let format = ach_credit();
    let file = &write(&format, &["A"], false).expect("written")[0];
    let mut line = lines(file)[1].clone();
    line.replace_range(31..35, "JOSÉ");
    line.replace_range(154..157, "100");
    let read = report(&format, &line).expect("read");
    assert!(matches!(read.transfers[0].outcome, Outcome::Unclear(_)), "{:?}", read.transfers);
    // A line of another kind in which values stand side by side names its payment all the same.
    let mut all = lines(file);
    all[1].replace_range(153..156, "100");
    let mut other = all[1].clone();
    other.replace_range(0..2, "33");
    let read = report(
        &format,
        &format!(
            "{}\n{other}\n12 back: {}",
            all.join("\n"),
            short_reference(&reference(7)).expect("one")
        ),
    );
    let labels: Vec<String> =
        read.expect("read").transfers.into_iter().map(|one| one.label).collect();
    assert_eq!(labels, [reference(0), reference(0), reference(7)]);
    let one = all.join("\r");
    assert!(report(&format, &one).expect_err("one line").contains("carriage return"));
    // What stands in the place of a reference is not shown.
    all[1].replace_range(231..261, "Hasina Biswas                 ");
    let read = report(&format, &all[1]).expect("read");
    assert_eq!(read.transfers[0].label, "payment 1 of the file");
}

#[test]
fn several_days_need_a_file_or_a_field_of_their_own() {
    let undated = DELIMITED.replace("  { name = \"day\", value = \"payment-day\" },\n", "");
    let format = BankFormat::parse(&undated).expect("a format");
    assert!(write(&format, &["A", "B"], false).is_ok());
    let fault = write(&format, &["A", "B"], true).map(|_| ()).expect_err("two days");
    assert!(fault.contains("split = \"day\""), "{fault}");
}

#[test]
fn delimited_file_quotes_what_has_its_separator_and_adds_up() {
    let format = BankFormat::parse(DELIMITED).expect("a format");
    let files = write(&format, &["Biswas; Hasina \"Rina\"", "N"], true).expect("written");
    assert_eq!(files.len(), 1);
    let all = lines(&files[0]);
    assert_eq!(all[0], format!("H;{ID};31/08/2026"));
    let first = format!(
        "P;1;{};1000.00;00123456;SBIN0000001;\"Biswas; Hasina \"\"Rina\"\"\";2026-08-31",
        reference(0)
    );
    assert_eq!((all[1].as_str(), all[3].as_str()), (first.as_str(), "T;2;2001.00"));
    assert!(all[2].ends_with(";2027-02-28"), "{}", all[2]);
}

#[test]
fn value_that_does_not_fit_is_refused_without_naming_the_person() {
    let narrow = BankFormat::SHIPPED[0].text.replace(
        "{ name = \"Beneficiary's bank account number\", width = 35,",
        "{ name = \"Beneficiary's bank account number\", width = 7,",
    );
    let format = BankFormat::parse(&narrow).expect("a format");
    let fault = write(&format, &["Hasina"], false).map(|_| ()).expect_err("it is too long");
    assert!(fault.contains("Beneficiary's bank account number"), "{fault}");
    assert!(fault.contains(&reference(0)) && fault.contains("more than 7 characters"), "{fault}");
    assert!(!fault.contains("00123456") && !fault.contains("Hasina"), "{fault}");
}

#[test]
fn format_that_is_wrong_is_refused_with_the_field() {
    let shipped = BankFormat::SHIPPED[0].text;
    let fault = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        BankFormat::parse(&text.replacen(from, to, 1)).map(|_| ()).expect_err(to)
    };
    for (from, to, expected) in [
        ("split = \"day\"", "split = \"week\"", "week"),
        ("split = \"day\"", "", "split: write \"day\""),
        ("width = 13, value = \"amount\"", "width = 0, value = \"amount\"", "\"Amount\": width"),
        ("value = \"amount\", amount", "amount", "amount is for amounts"),
        ("value = \"payee-account\"", "text = \"0\"", "payee-account"),
        ("value = \"short-reference\"", "text = \"0\"", "short-reference"),
        ("value = \"message-code\"", "text = \"0\"", "message-code"),
        ("value = \"payee-account\"", "value = \"payee-account\", cut = true", "cut is for names"),
        ("value = \"sum\"", "value = \"reference\"", "stands in payments alone"),
        ("date = \"%d%m%Y\"", "date = \"%\"", "date"),
        ("setting = \"user_number\"", "setting = \"user\"", "there is no settings.user"),
        ("text = \"12\"", "text = \"1\\u00072\"", "does not print"),
        ("paid = [\"1\"]", "paid = [\"0\"]", "stands twice"),
        ("\"AC04\"", "\"closed\"", "no code of ISO 20022"),
        ("read = \"status\"", "read = \"sum\"", "must read reference and status"),
        ("layout = \"fixed\"", "layout = \"delimited\"", "separator"),
        ("name = \"ach-credit\"", "name = \"../ach\"", "name: "),
        ("fill = \"0\"", "fill = \"9\"", "fill is"),
        ("value = \"short-reference\"", "value = \"short-reference\", fill = \"0\"", "fill is"),
        ("value = \"payee-name\", letters = \"ascii\"", "value = \"payee-name\"", "letters: write"),
        ("date = \"%d%m%Y\"", "date = \"%d%n%Y\"", "does not print"),
        ("user_number = \"\"", "user_number = \"a\\nb\"", "does not print"),
        ("paid = [\"1\"]", "paid = [\"\"]", "is empty"),
        ("is = \"23\"", "is = \" \"", "is: write"),
    ] {
        let told = fault(shipped, from, to);
        assert!(told.contains(expected), "{to}: {told}");
    }
    for (from, to, expected) in [
        ("separator = \";\"", "separator = \"x\"", "separator"),
        ("text = \"H\"", "text = \"H\", width = 1", "width is for lines of fixed width"),
        ("text = \"H\"", "text = \"H\", value = \"message\"", "one of text, value and setting"),
    ] {
        let told = fault(DELIMITED, from, to);
        assert!(told.contains(expected), "{to}: {told}");
    }
    // A format is paid with only once its settings are filled in.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bank.toml");
    std::fs::write(&path, shipped).expect("written");
    let told = BankFormat::read(&path).map(|_| ()).expect_err("empty").to_string();
    assert!(
        told.contains("bank.toml") && told.contains("settings.product_type is empty"),
        "{told}"
    );
}
