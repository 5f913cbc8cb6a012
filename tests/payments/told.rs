//! What a bank says of a payment twice, or in a way that can't be applied: nothing of it moves money in silence.

use super::*;

/// A booking on a day.
fn on(day: &str, one: &Ordered, code: Option<&str>) -> String {
    let booked = format!("</Sts><BookgDt><Dt>{day}</Dt></BookgDt>");
    booking(one, &one.amount, code).replacen("</Sts>", &booked, 1)
}

/// What came of importing a report: the exit code and the output.
fn import(state: &State, file: &str) -> (i32, Value) {
    let ran = state.run(&arguments("import", &[file]));
    (ran.code, serde_json::from_str(&ran.out).expect("JSON"))
}

#[test]
fn line_with_a_discrepancy_is_not_moved_by_the_status_of_its_part() {
    let (state, holders) = claimed();
    let ordered = newest(&state, &state.pay(SCHEME, crate::support::year()));
    let bank = Bank { state: &state };
    let line = |one: &Ordered, status: &str, currency: &str| {
        format!(
            "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{status}</TxSts><OrgnlTxRef><Amt>\
             <InstdAmt Ccy=\"{currency}\">1.00</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>",
            one.reference
        )
    };
    let of_part = &ordered.transfers[0].part;
    let own: Vec<&Ordered> = ordered.transfers.iter().filter(|one| one.part == *of_part).collect();
    let body = format!(
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{of_part}</OrgnlPmtInfId><PmtInfSts>ACSC</PmtInfSts>{}{}{}\
         </OrgnlPmtInfAndSts>",
        line(own[0], "RJCT", "INR"),
        line(own[1], "BANKSOWN", "INR"),
        line(own[2], "RJCT", "USD"),
    );
    let report = bank.write("s1", &status_message("s1", &ordered.message, "PART", &body));
    let (code, told) = import(&state, &report);
    assert_eq!((code, &told["paid"]), (1, &json!(holders.len() - 3)), "{told}");
    assert_eq!(told["discrepancies"].as_array().map(Vec::len), Some(3), "{told}");
}

#[test]
fn payment_booked_on_two_days_or_after_its_return_is_contested() {
    let (state, _) = claimed();
    let ordered = newest(&state, &state.pay(SCHEME, crate::support::year()));
    let bank = Bank { state: &state };
    let statement = |name: &str, entries: &[String]| {
        let file = bank.write(name, &statement_message(name, &entries.concat()));
        import(&state, &file)
    };
    // It comes back, is paid again, and the first is booked out once more: in a statement that has the return, too.
    let one = &ordered.transfers[0];
    let back = on("2026-06-05", one, Some("AC04"));
    let (code, told) = statement("one", &[on("2026-06-04", one, None), back.clone()]);
    assert_eq!((code, &told["returned"]), (0, &json!(1)), "{told}");
    // The same once more tells nothing new.
    let (code, told) = statement("again", &[on("2026-06-04", one, None), back.clone()]);
    assert_eq!((code, &told["unchanged"]), (0, &json!(2)), "{told}");
    let scheme = scheme_arguments();
    assert_eq!(state.run(&reissue(&scheme, &["--same", &one.reference])).code, 0);
    let (code, told) = statement("two", &[back, on("2026-06-07", one, None)]);
    assert_eq!((code, &told["contested"]), (1, &json!(1)), "{told}");
    assert_eq!(reconcile(&state, &[])["contested"], 1);

    // Booked on two days, told by two statements; in a statement of the same day once more it is known.
    let two = &ordered.transfers[2];
    let (code, told) = statement("three", &[on("2026-06-04", two, None)]);
    assert_eq!((code, &told["paid"]), (0, &json!(1)), "{told}");
    assert_eq!(statement("four", &[on("2026-06-04", two, None), String::from("\n")]).0, 0);
    let (code, told) = statement("five", &[on("2026-06-08", two, None)]);
    assert_eq!((code, &told["contested"]), (1, &json!(1)), "{told}");

    // One payment twice in one sum is reported, and pays nothing.
    let three = &ordered.transfers[4];
    let rupees: u64 =
        three.amount.split('.').next().and_then(|text| text.parse().ok()).expect("rupees");
    let details =
        format!("<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls>", three.reference);
    let sum = entry(&format!("{}.00", 2 * rupees), "DBIT", &details.repeat(2));
    let (code, told) = statement("six", &[sum]);
    assert_eq!((code, &told["paid"]), (1, &json!(0)), "{told}");
    assert!(told.to_string().contains("named twice in one sum"), "{told}");

    // While a part is contested, another part of its claim is not paid again; and a file whose transfers came back
    // is not written once more.
    let is_other = |one: &&Ordered| one.account == two.account && one.reference != two.reference;
    let other_part = ordered.transfers.iter().find(is_other).expect("two parts of one claim");
    let report = bank.status("seven", &ordered, &[(other_part, "RJCT", Some("AC04"))]);
    assert_eq!(import(&state, &report).0, 0);
    let anew = reissue(&scheme, &["--same", &other_part.reference]);
    state.refused(&anew, 1, "another instalment of its claim is contested");
    let pay = support::pay_arguments(SCHEME, crate::support::year());
    let mut again: Vec<&str> = pay.iter().map(String::as_str).collect();
    again.extend(["--again", &ordered.message]);
    state.refused(&again, 1, "is not written again");
}

#[test]
fn payment_booked_twice_on_one_day_is_known_by_the_banks_own_references() {
    let (state, _) = claimed();
    let ordered = newest(&state, &state.pay(SCHEME, crate::support::year()));
    let bank = Bank { state: &state };
    let statement = |name: &str, entries: &[String]| {
        let file = bank.write(name, &statement_message(name, &entries.concat()));
        import(&state, &file)
    };
    let as_banks = |reference: &str, entry: String| {
        entry.replacen("</Sts>", &format!("</Sts><AcctSvcrRef>{reference}</AcctSvcrRef>"), 1)
    };
    let one = &ordered.transfers[0];
    let out = |reference: &str| as_banks(reference, on("2026-06-04", one, None));
    assert_eq!(statement("one", &[out("S1")]).0, 0);
    // Known again; without a reference it is taken for the same.
    let (code, told) = statement("again", &[out("S1"), "\n".to_owned()]);
    assert_eq!((code, &told["unchanged"]), (0, &json!(1)), "{told}");
    assert_eq!(statement("without", &[on("2026-06-04", one, None)]).0, 0);
    let (code, told) = statement("two", &[out("S2")]);
    assert_eq!((code, &told["contested"]), (1, &json!(1)), "{told}");

    // What stands where there is no reference proves nothing: two entries are two payments.
    let six = &ordered.transfers[5];
    let out = as_banks("NONREF", on("2026-06-04", six, None));
    let (code, told) = statement("unnamed", &[out.clone(), out]);
    assert_eq!((code, &told["contested"]), (1, &json!(1)), "{told}");

    // Paid, returned, and paid again under the bank's same reference: the money is out.
    let five = &ordered.transfers[4];
    let out = as_banks("S5", on("2026-06-04", five, None));
    let back = as_banks("S5", on("2026-06-04", five, Some("AC04")));
    let (code, told) = statement("represented", &[out.clone(), back, out]);
    assert_eq!((code, &told["contested"]), (1, &json!(1)), "{told}");

    // The statement of the day on which it came back comes first, and that of the day on which it went out later.
    let two = &ordered.transfers[1];
    let (code, told) = statement("back", &[on("2026-06-05", two, Some("AC04"))]);
    assert_eq!((code, &told["returned"]), (0, &json!(1)), "{told}");
    let (code, told) = statement("late", &[on("2026-06-04", two, None)]);
    assert_eq!((code, &told["unchanged"]), (0, &json!(1)), "{told}");
    let (code, told) = statement("more", &[on("2026-06-03", two, None)]);
    assert_eq!((code, &told["contested"]), (1, &json!(1)), "{told}");

    // A return that is undone, of a payment that never came back.
    let three = &ordered.transfers[2];
    let undone = on("2026-06-05", three, None).replacen("<Sts>", "<RvslInd>true</RvslInd><Sts>", 1);
    let (code, told) = statement("undone", &[undone]);
    assert_eq!((code, &told["paid"]), (1, &json!(0)), "{told}");

    // Money in on another account, and the same called a return.
    let four = &ordered.transfers[3];
    let elsewhere = |name: &str, entry: String| {
        let text = statement_message(name, &entry).replace("00000000000", "99887766554");
        import(&state, &bank.write(name, &text))
    };
    let entry = on("2026-06-05", four, Some("AC04"));
    let plain = entry.replace("<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>", "");
    let (code, told) = elsewhere("elsewhere", plain);
    assert_eq!((code, &told["returned"]), (1, &json!(0)), "{told}");
    assert_eq!(elsewhere("returned", entry).0, 0);
}

#[test]
fn status_of_a_whole_is_not_for_what_it_does_not_fit() {
    let (state, holders) = claimed();
    let ordered = newest(&state, &state.pay(SCHEME, crate::support::year()));
    let bank = Bank { state: &state };
    let part = |name: &str, status: &str, more: &str| {
        format!(
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{name}</OrgnlPmtInfId>{more}             <PmtInfSts>{status}</PmtInfSts></OrgnlPmtInfAndSts>"
        )
    };
    let report = |name: &str, group: &str, body: &str| {
        import(&state, &bank.write(name, &status_message(name, &ordered.message, group, body)))
    };
    let first = &ordered.transfers[0].part;
    let of_first: Vec<&Ordered> =
        ordered.transfers.iter().filter(|one| one.part == *first).collect();
    let other = ordered.transfers.iter().find(|one| one.part != *first).expect("two parts");
    let tell = |told: (i32, Value), words: &str| {
        assert_eq!((told.0, &told.1["paid"]), (1, &json!(0)), "{}", told.1);
        assert!(told.1.to_string().contains(words), "{}", told.1);
    };
    // Another count, another sum, and a line of it that names nothing.
    tell(report("s1", "PART", &part(first, "ACSC", "<OrgnlNbOfTxs>1</OrgnlNbOfTxs>")), "counts");
    tell(report("s2", "PART", &part(first, "ACSC", "<OrgnlCtrlSum>1.00</OrgnlCtrlSum>")), "amount");
    let line = |id: &str, status: &str| {
        format!(
            "<TxInfAndSts><OrgnlEndToEndId>{id}</OrgnlEndToEndId><TxSts>{status}</TxSts></TxInfAndSts>"
        )
    };
    let unnamed = "<TxInfAndSts><StsId>9</StsId><TxSts>RJCT</TxSts></TxInfAndSts>";
    tell(report("s3", "PART", &part(first, "ACSC", unnamed)), "names no payment");
    // A payment of another part.
    let elsewhere = line(&other.reference, "ACSC");
    tell(report("s4", "PART", &part(first, "ACSP", &elsewhere)), "it is not in");
    // A part that waits is not paid by its message's status; the other is.
    let (code, told) = report("s5", "ACSC", &part(first, "ACSP", ""));
    assert_eq!(
        (code, &told["paid"]),
        (0, &json!(ordered.transfers.len() - of_first.len())),
        "{told}"
    );
    // Two reports in one file: the second one is final.
    let two = |name: &str, statuses: [&str; 2]| {
        let one = |status: &str| {
            let body = part(first, status, "");
            status_message(name, &ordered.message, "PART", &body)
                .replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "")
        };
        let text = format!("<Files>{}{}</Files>", one(statuses[0]), one(statuses[1]));
        import(&state, &bank.write(name, &text))
    };
    let (code, told) = two("s7", ["ACCP", "ACSP"]);
    assert_eq!((code, &told["paid"]), (0, &json!(0)), "{told}");
    // One that the bank has cut is known by its beginning, and the others of its part are paid.
    let cut = line(&of_first[0].reference[..16], "RJCT");
    let count = format!("<OrgnlNbOfTxs>{}</OrgnlNbOfTxs>", of_first.len());
    let (code, told) = report("s6", "PART", &part(first, "ACSC", &(count + &cut)));
    assert_eq!((code, &told["returned"]), (0, &json!(1)), "{told}");
    assert_eq!(told["paid"], json!(holders.len() - 1), "{told}");
}
