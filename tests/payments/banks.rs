//! Three banks that report in ways of their own: all of it is applied, or told.

use super::*;

#[test]
fn banks_that_report_in_ways_of_their_own_are_understood() {
    let (state, holders) = claimed();
    let ordered = newest(&state, &state.pay(SCHEME, crate::support::year()));
    let bank = Bank { state: &state };
    let import = |file: &str| -> (i32, Value) {
        let ran = state.run(&arguments("import", &[file]));
        let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
        println!("{file}: exit code {}: {told}", ran.code);
        (ran.code, told)
    };
    let of_part = |number: &str| -> Vec<&Ordered> {
        ordered.transfers.iter().filter(|one| one.part.ends_with(number)).collect()
    };
    let (first, second) = (of_part("-1"), of_part("-2"));

    // The first bank: a header around the report, ISO-8859-1, other namespaces first, capitals, a line without
    // an id, two reasons; and one status that nobody knows.
    let line = |id: &str, status: &str, reasons: &str| {
        format!("<TxInfAndSts>{id}<TxSts>{status}</TxSts>{reasons}</TxInfAndSts>")
    };
    let id = |reference: &str| {
        format!("<OrgnlEndToEndId>{}</OrgnlEndToEndId>", reference.to_uppercase())
    };
    let reasons = "<StsRsnInf><Rsn><Prtry>R17</Prtry></Rsn><AddtlInf>ferm\u{e9}</AddtlInf></StsRsnInf>\
                   <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>";
    let lines = line(&id(&first[0].reference), "RJCT", reasons)
        + &line("<StsId>9</StsId>", "RJCT", "")
        + &line(&id(&first[1].reference), "ZZZZ", "")
        + &line(&id(&first[2].reference), "ACPD", "");
    let report = status_message(
        "one",
        &ordered.message,
        "PART",
        &format!(
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{}</OrgnlPmtInfId>{lines}</OrgnlPmtInfAndSts>",
            first[0].part
        ),
    );
    let report = report.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "").replace(
        "<Document xmlns=",
        "<Document xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=",
    );
    let enveloped = format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<Xchg><Hdr>x</Hdr>{report}</Xchg>"
    );
    let latin: Vec<u8> = enveloped.chars().map(|character| character as u8).collect();
    fs::write(state.path("one.xml"), latin).expect("written");
    let (code, told) = import("one.xml");
    assert_eq!((code, &told["returned"], &told["unchanged"]), (1, &json!(1), &json!(1)), "{told}");
    assert_eq!(told["discrepancies"].as_array().map(Vec::len), Some(2), "{told}");
    let returned = state.json(&["treasury", "returned"])["returned"].clone();
    assert_eq!(returned[0]["reason"], "AC04 R17");

    // The second: one sum for the first part, less what was rejected, with its fee, and no more than the batch
    // block; dollars of somebody else beside it.
    let sum: u64 = first[1..].iter().map(|one| rupees(&one.amount)).sum();
    let block = format!(
        "<Btch><PmtInfId>{}</PmtInfId><TtlAmt Ccy=\"INR\">{sum}.00</TtlAmt></Btch>",
        first[0].part
    );
    let foreign =
        "<TxDtls><Refs><EndToEndId>THEIRS</EndToEndId></Refs><Amt Ccy=\"USD\">3.00</Amt></TxDtls>";
    let body = entry(&format!("+{}.50", sum + 11), "DBIT", &block)
        + &entry("240.00", "CRDT", foreign)
        + &entry(
            "1.00",
            "DBIT",
            &format!(
                "<TxDtls><Refs><EndToEndId><![CDATA[{}]]></EndToEndId></Refs></TxDtls>",
                second[0].reference
            ),
        );
    let (code, told) = import(&bank.write("two", &statement_message("two", &body)));
    assert_eq!((code, &told["paid"]), (1, &json!(first.len() - 1)), "{told}");
    assert_eq!(
        told["discrepancies"].as_array().map(Vec::len),
        Some(1),
        "one rupee is not the sum: {told}"
    );

    // The third: newest first, a return less charges before the payment that it is of, each in one file.
    let third = second[0];
    let dated = |entry: String, day: &str| {
        entry.replace("<BkTxCd>", &format!("<BookgDt><Dt>{day}</Dt></BookgDt><BkTxCd>"))
    };
    let details = |amount: &str, more: &str| {
        format!(
            "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><Amt Ccy=\"INR\">{amount}</Amt>{more}</TxDtls>",
            third.reference
        )
    };
    let less = format!("{}.10", rupees(&third.amount) - 6);
    let back = details(&less, "<RtrInf><Rsn><Cd>AC06</Cd></Rsn></RtrInf>");
    let body = dated(entry(&less, "CRDT", &back), "2026-06-09")
        + &dated(entry(&third.amount, "DBIT", &details(&third.amount, "")), "2026-06-05");
    let (code, told) = import(&bank.write("three", &statement_message("three", &body)));
    assert_eq!((code, &told["paid"], &told["returned"]), (0, &json!(1), &json!(1)), "{told}");
    assert_eq!(told["charges"][0]["of"], third.reference, "{told}");
    // The same once more, by other bytes: it is known, and nothing is contested.
    let again = statement_message("three-again", &body);
    let (code, told) = import(&bank.write("three-again", &again));
    assert_eq!((code, &told["unchanged"], &told["contested"]), (0, &json!(2), &json!(0)), "{told}");
    // Most of a whole that comes back in one sum is not the whole: it is told.
    let most: u64 = second[1..].iter().map(|one| rupees(&one.amount)).sum::<u64>() - 1;
    let whole = format!("<Btch><PmtInfId>{}</PmtInfId></Btch>", second[0].part);
    let body = entry(&format!("{most}.00"), "CRDT", &whole);
    let (code, told) = import(&bank.write("four", &statement_message("four", &body)));
    assert_eq!((code, &told["returned"]), (1, &json!(0)), "{told}");
    let sums = reconcile(&state, &[]);
    assert_eq!((&sums["returned"]["count"], &sums["difference"]), (&json!(2), &json!(0)), "{sums}");
    assert_eq!(sums["paid"]["count"], holders.len() - 1, "{sums}");
}
