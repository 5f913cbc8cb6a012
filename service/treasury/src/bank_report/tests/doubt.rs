//! Reports that contradict themselves: nothing of them is taken, and what they name is reported.

use super::*;

/// Whether every line that names a payment is unclear, and there is one.
fn is_doubted(lines: &[ReportedTransfer], reference: &str) -> bool {
    let about: Vec<&ReportedTransfer> =
        lines.iter().filter(|line| line.label.contains(reference)).collect();
    !about.is_empty() && about.iter().all(|line| matches!(line.outcome, Outcome::Unclear(_)))
}

fn with_amount(digit: char, rupees: &str, more: &str) -> String {
    details(&reference(digit), &format!("<Amt Ccy=\"INR\">{rupees}</Amt>{more}"))
}

fn in_entry(amount: &str, currency: &str, direction: &str, details: &str) -> Vec<ReportedTransfer> {
    entry(&format!(
        "<Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <NtryDtls>{details}</NtryDtls>"
    ))
}

#[test]
fn entry_that_does_not_fit_its_details_pays_nothing() {
    let own = reference('a');
    let one = with_amount('a', "5000.00", "");
    for (amount, currency, direction, details) in [
        ("1.00", "INR", "DBIT", one.clone()),
        ("5000.00", "USD", "DBIT", one.clone()),
        ("lots", "INR", "DBIT", one.clone()),
        ("5000.00", "INR", "DBIT", with_amount('a', "5000.00", "<CdtDbtInd>CRDT</CdtDbtInd>")),
        ("5000.00", "INR", "CRDT", with_amount('a', "5000.00", "<CdtDbtInd>DBIT</CdtDbtInd>")),
        ("8000.00", "INR", "DBIT", one.clone() + &with_amount('b', "4000.00", "")),
        ("8000.00", "INR", "CRDT", one.clone() + &with_amount('b', "4000.00", "")),
    ] {
        let lines = in_entry(amount, currency, direction, &details);
        assert!(is_doubted(&lines, &own), "{amount} {currency} {direction} {details}: {lines:?}");
    }
    // With a fee, with other payments beside ours, and with one of ours that came back beside those that went out.
    let back = with_amount('b', "1000.00", "<CdtDbtInd>CRDT</CdtDbtInd>");
    for (amount, details) in [
        ("5000.00", one.clone()),
        ("5010.00", one.clone()),
        ("9000.00", one.clone() + &super::details("SALARY", "<Amt Ccy=\"INR\">4000.00</Amt>")),
        ("4000.00", one.clone() + &back),
    ] {
        let lines = in_entry(amount, "INR", "DBIT", &details);
        let paid = lines.iter().find(|line| line.label == own).expect("a line");
        assert_eq!(paid.outcome, Outcome::Paid, "{amount} {details}");
        assert_eq!(paid.amount.map(|amount| amount.paise), Some(500_000));
    }
    // Of what comes back, the bank may have kept some.
    let lines = in_entry("4990.00", "INR", "CRDT", &one);
    assert_eq!(
        lines[0].amount.map(|amount| (amount.paise, amount.instructed)),
        Some((499_000, Some(500_000)))
    );
    // Another's detail in such an entry is ignored.
    let theirs = super::details("THEIRS", "<Amt Ccy=\"INR\">9.00</Amt>");
    assert_eq!(in_entry("9.00", "USD", "DBIT", &theirs), []);
}

#[test]
fn batch_that_lists_only_some_of_its_payments_is_one_sum() {
    let part = part();
    let block = |batch: &str, details: &str| {
        debit(
            "9.00",
            &format!(
                "<NtryDtls><Btch><PmtInfId>{part}</PmtInfId>{batch}</Btch>{details}</NtryDtls>"
            ),
        )
    };
    let some = with_amount('a', "4.00", "");
    let all = some.clone() + &with_amount('b', "5.00", "");
    let whole = [Named::Part(part.clone())];
    for lines in [
        block("<NbOfTxs>2</NbOfTxs>", &some),
        block("<NbOfTxs>2</NbOfTxs><TtlAmt Ccy=\"INR\">9.00</TtlAmt>", &some),
        block("<TtlAmt Ccy=\"INR\">9.00</TtlAmt>", &some),
    ] {
        assert_eq!((lines.len(), &lines[0].of[..]), (1, &whole[..]), "{lines:?}");
        assert_eq!(lines[0].amount, Some(ReportedAmount::of(900)));
    }
    // A count or total of what was ordered, and details that add up to what was booked.
    let total = "<TtlAmt Ccy=\"INR\">12.00</TtlAmt>";
    for batch in ["<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>", total] {
        let lines = block(batch, &all);
        assert_eq!(lines.len(), 2, "{batch}: {lines:?}");
        assert!(lines.iter().all(|line| line.outcome == Outcome::Paid), "{batch}: {lines:?}");
        assert_eq!(lines[0].within, whole, "it says where it belongs");
    }
    assert_eq!(block("<NbOfTxs>2</NbOfTxs>", "")[0].count, Some(2));
}

#[test]
fn status_that_contradicts_what_is_around_it_pays_nothing() {
    let own = reference('a');
    let line = |more: &str| {
        format!("<TxInfAndSts><OrgnlEndToEndId>{own}</OrgnlEndToEndId>{more}</TxInfAndSts>")
    };
    let accepted = line("<TxSts>ACSC</TxSts>");
    assert!(is_doubted(&status(&format!("<PmtInfSts>RJCT</PmtInfSts>{accepted}")), &own));
    let reason = line("<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>");
    assert!(is_doubted(&status(&format!("<PmtInfSts>ACSC</PmtInfSts>{reason}")), &own));
    // A rejected payment in a part that is paid is rejected.
    let rejected = status(&format!("<PmtInfSts>ACSC</PmtInfSts>{}", line("<TxSts>RJCT</TxSts>")));
    assert_eq!(rejected[0].outcome, returned("NARR"));
    // Two are rejected, and one is named.
    let counts =
        "<NbOfTxsPerSts><DtldNbOfTxs>2</DtldNbOfTxs><DtldSts>RJCT</DtldSts></NbOfTxsPerSts>";
    let body = format!("<PmtInfSts>ACSC</PmtInfSts>{counts}{}", line("<TxSts>RJCT</TxSts>"));
    assert!(is_doubted(&status(&body), "p"), "{:?}", status(&body));
    let body = body.replace("<DtldNbOfTxs>2", "<DtldNbOfTxs>1");
    assert_eq!(status(&body)[1].outcome, Outcome::Paid);
}

fn message(group: &str, parts: &str) -> Vec<ReportedTransfer> {
    let text = format!(
        "<Document xmlns=\"{STATUS}\"><CstmrPmtStsRpt><GrpHdr><MsgId>m</MsgId></GrpHdr><OrgnlGrpInfAndSts>\
         <OrgnlMsgId>o</OrgnlMsgId>{group}</OrgnlGrpInfAndSts>{parts}</CstmrPmtStsRpt></Document>"
    );
    BankReport::read(&text).expect("read").transfers
}

#[test]
fn part_of_a_rejected_message_may_have_the_reason_alone() {
    let part = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>\
                </OrgnlPmtInfAndSts>";
    let lines = message("<GrpSts>RJCT</GrpSts>", part);
    assert_eq!(lines[0].outcome, returned("AM04"), "{lines:?}");
    // A rejected part has as many rejected payments as it has.
    let counts = "<GrpSts>PART</GrpSts><NbOfTxsPerSts><DtldNbOfTxs>2</DtldNbOfTxs><DtldSts>RJCT</DtldSts>\
                  </NbOfTxsPerSts>";
    let part = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>";
    let lines = message(counts, part);
    assert!(!lines.iter().any(|line| matches!(line.outcome, Outcome::Unclear(_))), "{lines:?}");
}

#[test]
fn id_of_a_whole_is_known_by_its_form_in_either_place() {
    let part = part();
    let of_message = part.rsplit_once('-').expect("a part").0;
    let lines = message(
        "",
        &format!(
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{of_message}</OrgnlPmtInfId><PmtInfSts>ACSC</PmtInfSts>\
             </OrgnlPmtInfAndSts>"
        ),
    );
    assert_eq!(lines[0].of, [Named::Message(of_message.to_owned())]);
}

#[test]
fn bookings_of_a_day_are_in_the_order_of_their_times() {
    let one = |direction: &str, at: &str| {
        format!(
            "<Ntry><Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt>{at}</BookgDt><NtryDtls>{}</NtryDtls></Ntry>",
            details(&reference('a'), "")
        )
    };
    let outcomes = |entries: &str| -> Vec<Outcome> {
        statement(entries).transfers.into_iter().map(|line| line.outcome).collect()
    };
    let (early, late) =
        ("<DtTm>2026-06-05T09:00:00+05:30</DtTm>", "<DtTm>2026-06-05T09:30:00Z</DtTm>");
    let again = one("DBIT", late) + &one("CRDT", early);
    assert_eq!(outcomes(&again), [returned("NARR"), Outcome::Paid]);
    // One without a time: nothing shows the order.
    let again = one("DBIT", "<Dt>2026-06-05</Dt>") + &one("CRDT", early);
    assert_eq!(outcomes(&again), [Outcome::Paid, returned("NARR")]);
}

#[test]
fn cut_or_hidden_name_of_ours_is_found_in_a_status_report() {
    let (own, part) = (reference('a'), part());
    let message = part.rsplit_once('-').expect("a part").0;
    let report = |line: &str| {
        let text = format!(
            "<Document xmlns=\"{STATUS}\"><CstmrPmtStsRpt><GrpHdr><MsgId>m</MsgId></GrpHdr><OrgnlGrpInfAndSts>\
             <OrgnlMsgId>{message}</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{part}\
             </OrgnlPmtInfId>{line}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
        );
        BankReport::read(&text).expect("read").transfers
    };
    let lines = report(&format!(
        "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>",
        own[..20].to_uppercase()
    ));
    let (start, whole) = (own[..20].to_owned(), Box::new(Named::Part(part.clone())));
    assert_eq!(lines[0].of, [Named::Cut { start, whole }]);
    let hidden = report(&format!(
        "<PmtInfSts>ACSP</PmtInfSts><StsRsnInf><AddtlInf>NOT PAID: {own}</AddtlInf></StsRsnInf>"
    ));
    assert!(is_doubted(&hidden, &own), "{hidden:?}");
}

#[test]
fn name_of_ours_outside_the_entries_of_a_statement_is_reported() {
    let own = reference('a');
    let remark = format!("<AddtlStmtInf>HELD: NEFT-{own}-X</AddtlStmtInf>");
    assert!(is_doubted(&statement(&remark).transfers, &own));
    let text = format!(
        "<Document xmlns=\"{STATEMENT}\"><BkToCstmrStmt><GrpHdr><MsgId>m</MsgId><AddtlInf>{own}</AddtlInf>\
         </GrpHdr><Stmt/></BkToCstmrStmt></Document>"
    );
    assert!(is_doubted(&BankReport::read(&text).expect("read").transfers, &own));
}

#[test]
fn copy_of_a_statement_in_one_file_is_read_once() {
    let one = format!(
        "<Ntry><Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><NtryDtls>{}\
         </NtryDtls></Ntry>",
        details(&reference('a'), "")
    );
    let read = |second: &str| {
        let text = format!(
            "<Document xmlns=\"{STATEMENT}\"><BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr><Stmt><Id>1</Id>{one}\
             </Stmt><Stmt><Id>1</Id>{second}{one}</Stmt></BkToCstmrStmt></Document>"
        );
        BankReport::read(&text).expect("read").transfers.len()
    };
    assert_eq!(read("<CpyDplctInd>DUPL</CpyDplctInd>"), 1);
    assert_eq!(read(""), 2);
    // Another page of a copy has other entries.
    let page = format!("<CpyDplctInd>DUPL</CpyDplctInd>{}", one.replace("7.00", "8.00"));
    assert_eq!(read(&page), 3);
}

#[test]
fn report_is_read_out_of_a_text_and_in_utf_16_without_a_mark() {
    let report = format!(
        "<Document xmlns=\"{STATUS}\"><CstmrPmtStsRpt><GrpHdr><MsgId>m</MsgId></GrpHdr></CstmrPmtStsRpt></Document>"
    );
    for text in [
        format!("\n\n<?xml version=\"1.0\"?>{report}"),
        format!(
            "<Envelope><Body><payload><![CDATA[<?xml version=\"1.0\"?>{report}]]></payload></Body></Envelope>"
        ),
        format!("<Envelope>{}</Envelope>", report.replace('<', "&lt;")),
    ] {
        assert_eq!(BankReport::read(&text).expect("read").message, "m", "{text}");
    }
    let two = format!("<a><b><![CDATA[{report}]]></b><b><![CDATA[{report}]]></b></a>");
    let refused = BankReport::read(&two).expect_err("one of them would be lost");
    assert!(refused.to_string().contains("several reports"), "{refused}");
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let file: Vec<u8> = report.encode_utf16().flat_map(bytes).collect();
        assert_eq!(decode(&file).expect("read"), report);
    }
}

#[test]
fn day_of_an_entry_is_the_day_in_india() {
    let day = |dates: &str| {
        let body = format!(
            "<Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>{dates}\
             <NtryDtls>{}</NtryDtls>",
            details(&reference('a'), "")
        );
        entry(&body)[0].booking.day.map(|day| day.to_string())
    };
    for (dates, expected) in [
        ("<BookgDt><DtTm>2026-06-05T19:30:00Z</DtTm></BookgDt>", Some("2026-06-06")),
        ("<BookgDt><DtTm>2026-06-06T00:10:00+05:30</DtTm></BookgDt>", Some("2026-06-06")),
        ("<BookgDt><DtTm>2026-06-05T23:59:59</DtTm></BookgDt>", Some("2026-06-05")),
        ("<ValDt><Dt>2026-06-07</Dt></ValDt>", Some("2026-06-07")),
        ("", None),
    ] {
        assert_eq!(day(dates).as_deref(), expected, "{dates}");
    }
}

#[test]
fn rejection_as_a_duplicate_returns_nothing() {
    let own = reference('a');
    let line = format!(
        "<TxInfAndSts><OrgnlEndToEndId>{own}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AM05</Cd></Rsn>\
         </StsRsnInf></TxInfAndSts>"
    );
    assert!(is_doubted(&status(&line), &own), "what was sent first may be paid");
    let whole = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf>";
    assert!(is_doubted(&message(whole, ""), "o"));
    let bare = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>";
    let lines = message(whole, bare);
    assert!(is_doubted(&lines, "p") && is_doubted(&lines, "o"), "{lines:?}");
    let copied = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn>\
                  <Cd>AM05</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts>";
    // The reason may stand at the group alone, without a status.
    let of_group = "<StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf>";
    assert!(is_doubted(&message(of_group, bare), "p"));
    let second = bare.replace(">p<", ">q<");
    let lines = message("<GrpSts>RJCT</GrpSts>", &(copied.to_owned() + &second));
    assert!(["p", "q", "o"].iter().all(|name| is_doubted(&lines, name)), "{lines:?}");
    // Of a rejected message a part can't be under way.
    let part = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId><PmtInfSts>ACSP</PmtInfSts></OrgnlPmtInfAndSts>";
    assert!(is_doubted(&message("<GrpSts>RJCT</GrpSts>", part), "p"));
}

#[test]
fn batch_is_read_in_the_ways_that_banks_describe_it() {
    let (one, two) = (reference('a'), reference('b'));
    let part = part();
    let batch = |more: &str| format!("<Btch><PmtInfId>{part}</PmtInfId>{more}</Btch>");
    let block =
        |more: &str, details: &str| format!("<NtryDtls>{}{details}</NtryDtls>", batch(more));
    // A fee in the entry, the batch's own total, and no amounts of details.
    let total = "<NbOfTxs>2</NbOfTxs><TtlAmt Ccy=\"INR\">90.00</TtlAmt>";
    let lines = debit("91.00", &block(total, &(details(&one, "") + &details(&two, ""))));
    assert_eq!((lines.len(), lines[0].of.len()), (1, 2), "{lines:?}");
    assert_eq!(lines[0].amount, Some(ReportedAmount::of(9_000)));
    // The batch is repeated with each of its details.
    let each = |digit: char| block("<NbOfTxs>2</NbOfTxs>", &with_amount(digit, "45.00", ""));
    let lines = debit("90.00", &(each('a') + &each('b')));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.outcome == Outcome::Paid), "{lines:?}");
    // One that came back less a fee, with the batch as it was ordered.
    let back = with_amount('a', "45.00", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>");
    let lines = in_entry("44.00", "INR", "CRDT", &(batch("<NbOfTxs>100</NbOfTxs>") + &back));
    assert_eq!((lines.len(), &lines[0].outcome), (1, &returned("AC04")), "{lines:?}");
    // A total of what was ordered, beside less that was booked.
    let total = "<NbOfTxs>100</NbOfTxs><TtlAmt Ccy=\"INR\">4500.00</TtlAmt>";
    let reason = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>";
    let unlisted = batch(total) + &details("NOTPROVIDED", "<Amt Ccy=\"INR\">45.00</Amt>");
    assert!(is_doubted(&in_entry("45.00", "INR", "DBIT", &unlisted), &part));
    let back = batch(total) + &details(&one, reason);
    let lines = in_entry("45.00", "INR", "CRDT", &back);
    assert!(!lines.iter().any(|line| line.of == [Named::Part(part.clone())]), "{lines:?}");
    // All that a batch had came back, and one is listed.
    let listed = with_amount('a', "45.00", "");
    let lines = in_entry("90.00", "INR", "CRDT", &(batch("<NbOfTxs>2</NbOfTxs>") + &listed));
    assert_eq!(lines[0].of, [Named::Part(part.clone())], "{lines:?}");
    // Placeholders of which one came back.
    let filler = |more: &str| details("NOREF", more);
    let unlike = filler("") + &filler("<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>");
    assert!(is_doubted(&debit("40.00", &block("", &unlike)), &part));
}

#[test]
fn remark_about_another_message_is_reported_beside_a_booked_payment() {
    let message = format!("9-{}", "0e".repeat(11));
    let booked = format!(
        "<Ntry><Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><NtryDtls>{}\
         </NtryDtls></Ntry><AddtlStmtInf>{message} NOT EXECUTED</AddtlStmtInf>",
        details(&reference('a'), "")
    );
    assert!(is_doubted(&statement(&booked).transfers, &message));
}
