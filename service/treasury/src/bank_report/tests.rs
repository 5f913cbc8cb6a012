//! Odd reports that banks send: each valid by its standard, or common in the field.

mod doubt;

use super::*;

const STATUS: &str = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12";
const STATEMENT: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

fn reference(digit: char) -> String {
    format!("{}01", digit.to_string().repeat(32))
}

fn part() -> String {
    format!("7-{}-1", "0f".repeat(11))
}

fn transfer(digit: char) -> Named {
    Named::Transfer(reference(digit))
}

fn status(body: &str) -> Vec<ReportedTransfer> {
    let text = format!(
        "<Document xmlns=\"{STATUS}\"><CstmrPmtStsRpt><GrpHdr><MsgId>m</MsgId></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>o</OrgnlMsgId></OrgnlGrpInfAndSts>\
         <OrgnlPmtInfAndSts><OrgnlPmtInfId>p</OrgnlPmtInfId>{body}</OrgnlPmtInfAndSts>\
         </CstmrPmtStsRpt></Document>"
    );
    BankReport::read(&text).expect("read").transfers
}

fn statement(entries: &str) -> BankReport {
    let text = format!(
        "<Document xmlns=\"{STATEMENT}\"><BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr>\
         <Stmt>{entries}</Stmt></BkToCstmrStmt></Document>"
    );
    BankReport::read(&text).expect("read")
}

/// Reads a statement with one entry.
fn entry(body: &str) -> Vec<ReportedTransfer> {
    statement(&format!("<Ntry>{body}</Ntry>")).transfers
}

fn debit(amount: &str, details: &str) -> Vec<ReportedTransfer> {
    entry(&format!(
        "<Amt Ccy=\"INR\">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>{details}"
    ))
}

fn details(id: &str, more: &str) -> String {
    format!("<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>{more}</TxDtls>")
}

fn returned(code: &str) -> Outcome {
    Outcome::Returned(vec![code.to_owned()])
}

#[test]
fn file_that_is_no_report_is_refused_with_its_line() {
    let fault = |text: &str| BankReport::read(text).expect_err(text).to_string();
    assert!(fault("").contains("ends before"), "{}", fault(""));
    assert!(fault("<a></a>").contains("neither"));
    let payment = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
    assert!(fault(&format!("<Document xmlns=\"{payment}\"><a/></Document>")).contains("pain.001"));
    let open = format!("<Document xmlns=\"{STATUS}\">");
    assert!(fault(&format!("{open}\n<a></b></Document>")).starts_with("line 2"));
    assert!(fault(&open).contains("ends before"), "{}", fault(&open));
    let declared = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{open}<a/></Document>");
    assert!(fault(&declared).contains("document type"), "{}", fault(&declared));
    assert!(fault(&format!("{open}</Document>")).contains("empty"));
    assert!(fault(&format!("{open}<a/></Document>")).contains("message id"));
    let deep = "<a>".repeat(60) + &"</a>".repeat(60);
    assert!(fault(&format!("{open}{deep}</Document>")).contains("deeper"));
}

#[test]
fn report_is_found_in_whatever_a_bank_puts_around_it() {
    let message = "<GrpHdr><MsgId>m</MsgId></GrpHdr>";
    let xsi = "http://www.w3.org/2001/XMLSchema-instance";
    for text in [
        // Other namespaces first, prefixes, an envelope with a header, a national variant.
        format!(
            "<Document xmlns:xsi=\"{xsi}\" xmlns=\"{STATUS}\"><CstmrPmtStsRpt>{message}</CstmrPmtStsRpt></Document>"
        ),
        format!(
            "<p:Document xmlns:p=\"{STATUS}\"><p:CstmrPmtStsRpt><p:GrpHdr><p:MsgId>m</p:MsgId></p:GrpHdr></p:CstmrPmtStsRpt></p:Document>"
        ),
        format!(
            "<Message><AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\"><Fr/></AppHdr><Document xmlns=\"{STATUS}\"><CstmrPmtStsRpt>{message}</CstmrPmtStsRpt></Document></Message>"
        ),
        format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.003.03\"><CstmrPmtStsRpt>{message}</CstmrPmtStsRpt></Document>"
        ),
        format!(
            "<Document xmlns=\"http://www.six-interbank-clearing.com/de/pain.002.001.03.ch.02.xsd\"><CstmrPmtStsRpt>{message}</CstmrPmtStsRpt></Document>"
        ),
        format!(
            "\n  <Document xmlns=\"{STATUS}\"><!-- a remark --><CstmrPmtStsRpt><GrpHdr><MsgId><![CDATA[m]]></MsgId></GrpHdr></CstmrPmtStsRpt></Document>"
        ),
    ] {
        let text = text.trim_start();
        let report = BankReport::read(text).unwrap_or_else(|fault| panic!("{fault}: {text}"));
        assert_eq!((report.kind, report.message.as_str()), (ReportKind::Status, "m"), "{text}");
    }
}

#[test]
fn id_is_read_whole_and_as_banks_alter_it() {
    let own = reference('a');
    let escaped = format!("{}&#97;{}", &own[..4], &own[5..]);
    let split = format!("{} {}", own[..16].to_uppercase(), own[16..].to_uppercase());
    for id in [own.clone(), format!("<![CDATA[{own}]]>"), escaped, split, format!("\n {own} \n")] {
        let lines = status(&format!(
            "<TxInfAndSts><OrgnlEndToEndId>{id}</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>"
        ));
        assert_eq!(lines[0].of, [transfer('a')], "{id}");
    }
    // By any id that is ours; a line without one is reported, and does not affect the others.
    let lines = status(&format!(
        "<TxInfAndSts><OrgnlInstrId>{own}</OrgnlInstrId><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId>\
         <TxSts>ACSC</TxSts></TxInfAndSts>\
         <TxInfAndSts><StsId>BANK-1</StsId><TxSts>RJCT</TxSts></TxInfAndSts>\
         <TxInfAndSts><OrgnlEndToEndId>{own}</OrgnlEndToEndId><TxSts>ZZZZ</TxSts></TxInfAndSts>"
    ));
    assert_eq!((&lines[0].of[..], &lines[0].outcome), (&[transfer('a')][..], &Outcome::Paid));
    assert!(lines[1].of.is_empty() && matches!(lines[1].outcome, Outcome::Unclear(_)));
    assert_eq!(lines[1].label, "BANK-1");
    assert!(matches!(lines[2].outcome, Outcome::Unclear(_)));
}

#[test]
fn line_whose_ids_are_of_two_payments_moves_neither() {
    let (one, two) = (reference('a'), reference('b'));
    let lines = status(&format!(
        "<TxInfAndSts><OrgnlInstrId>{two}</OrgnlInstrId><OrgnlEndToEndId>{one}</OrgnlEndToEndId>\
         <TxSts>ACSC</TxSts></TxInfAndSts>"
    ));
    assert!(lines[0].of.len() == 2 && lines[0].outcome == Outcome::Unclear(OF_TWO), "{lines:?}");
    assert!(lines[0].label.contains(&one) && lines[0].label.contains(&two), "both are named");
    let booked = entry(&format!(
        "<Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><NtryDtls><TxDtls><Refs>\
         <InstrId>{two}</InstrId><EndToEndId>{one}</EndToEndId></Refs></TxDtls></NtryDtls>"
    ));
    assert!(booked.iter().all(|line| matches!(line.outcome, Outcome::Unclear(_))), "{booked:?}");
    let is_named = |own: &str| booked.iter().any(|line| line.label.contains(own));
    assert!(is_named(&one) && is_named(&two), "{booked:?}");
    // The same id in two places is one payment's, however it is written.
    let lines = status(&format!(
        "<TxInfAndSts><OrgnlInstrId>{}</OrgnlInstrId><OrgnlEndToEndId>{one}</OrgnlEndToEndId>\
         <TxSts>ACSC</TxSts></TxInfAndSts>",
        one.to_uppercase()
    ));
    assert_eq!(lines[0].outcome, Outcome::Paid);
}

#[test]
fn first_coded_reason_of_several_counts() {
    let own = reference('a');
    let lines = status(&format!(
        "<TxInfAndSts><OrgnlEndToEndId>{own}</OrgnlEndToEndId><TxSts>RJCT</TxSts>\
         <StsRsnInf><Rsn><Prtry>R17</Prtry></Rsn><AddtlInf>closed</AddtlInf></StsRsnInf>\
         <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>\
         <StsRsnInf><AddtlInf>free text</AddtlInf></StsRsnInf></TxInfAndSts>"
    ));
    let expected = Outcome::Returned(vec!["AC04".to_owned(), "R17".to_owned()]);
    assert_eq!(lines[0].outcome, expected);
}

#[test]
fn entry_is_paid_or_returned_by_what_is_booked_and_its_own_direction() {
    let booked = |status: &str, entry_is: &str, reversal: &str, more: &str| {
        let body = format!(
            "<Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>{entry_is}</CdtDbtInd>{reversal}<Sts>{status}</Sts>\
             <NtryDtls>{}</NtryDtls>",
            details("r", more)
        );
        let mut lines = entry(&body);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].amount.map(|amount| amount.paise), Some(700), "the entry's amount");
        match lines.remove(0).outcome {
            Outcome::Unclear(_) => Outcome::Unclear(""),
            outcome => outcome,
        }
    };
    let unclear = Outcome::Unclear("");
    let reason = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>";
    let (credit, reversal) = ("<CdtDbtInd>CRDT</CdtDbtInd>", "<RvslInd>true</RvslInd>");
    for (status, direction, is_reversal, more, expected) in [
        ("<Cd>BOOK</Cd>", "DBIT", "", "", Outcome::Paid),
        ("BOOK", "DBIT", "", "", Outcome::Paid),
        ("<Cd>BOOK</Cd>", "CRDT", "", "", returned("NARR")),
        ("<Cd>BOOK</Cd>", "CRDT", "", reason, returned("AC04")),
        // A reversal of money out comes in; of money that came in, it goes out again.
        ("<Cd>BOOK</Cd>", "CRDT", reversal, "", returned("NARR")),
        ("<Cd>BOOK</Cd>", "DBIT", reversal, reason, Outcome::Paid),
        ("<Cd>BOOK</Cd>", "DBIT", "", credit, returned("NARR")),
        ("<Cd>BOOK</Cd>", "DBIT", "", reason, unclear.clone()),
        ("<Cd>PDNG</Cd>", "DBIT", "", "", Outcome::Pending),
        ("<Prtry>DONE</Prtry>", "DBIT", "", "", unclear.clone()),
        ("<Prtry>BOOK</Prtry>", "DBIT", "", "", unclear.clone()),
        ("", "DBIT", "", "", unclear.clone()),
        ("<Cd>BOOK</Cd>", "", "", "", unclear.clone()),
    ] {
        let outcome = booked(status, direction, is_reversal, more);
        assert_eq!(outcome, expected, "{status} {direction} {is_reversal} {more}");
    }
}

#[test]
fn entry_of_several_without_amounts_is_one_sum() {
    let several = |all: &str| debit("7.00", &format!("<NtryDtls>{all}</NtryDtls>"));
    let both = several(&(details("a", "") + &details("b", "")));
    let names = vec![Named::Transfer("a".to_owned()), Named::Transfer("b".to_owned())];
    assert_eq!((both.len(), &both[0].of), (1, &names));
    assert_eq!(both[0].amount, Some(ReportedAmount::of(700)));
    let own = several(&(details("a", "<Amt Ccy=\"INR\">3.00</Amt>") + &details("b", "")));
    let amounts: Vec<Option<u64>> =
        own.iter().map(|one| one.amount.map(|amount| amount.paise)).collect();
    assert_eq!(amounts, [Some(300), None], "what the entry does not tell is not made up");
}

#[test]
fn sum_is_of_the_part_or_message_that_details_or_batch_name() {
    let part = part();
    let message = part.rsplit_once('-').expect("a part").0.to_owned();
    let in_batch = format!("<NtryDtls><Btch><PmtInfId>{part}</PmtInfId></Btch></NtryDtls>");
    let by_message = format!("<NtryDtls><Btch><MsgId>{message}</MsgId></Btch></NtryDtls>");
    let in_details =
        format!("<NtryDtls><TxDtls><Refs><PmtInfId>{part}</PmtInfId></Refs></TxDtls></NtryDtls>");
    let unnamed = format!(
        "<NtryDtls><TxDtls><Refs><MsgId>{message}</MsgId><EndToEndId>NOTPROVIDED</EndToEndId></Refs>\
         </TxDtls></NtryDtls>"
    );
    let (of_part, of_message) = (Named::Part(part.clone()), Named::Message(message));
    for (body, expected) in [
        (in_batch, &of_part),
        (by_message, &of_message),
        (in_details, &of_part),
        (unnamed, &of_message),
    ] {
        let lines = debit("9.00", &body);
        assert_eq!(lines.len(), 1, "{body}");
        assert_eq!(lines[0].of, std::slice::from_ref(expected), "{body}");
        assert_eq!(lines[0].amount, Some(ReportedAmount::of(900)));
    }
    // Placeholders for ids in a batch of ours; a batch's part of the bank's own beside our message; and one detail of
    // ours without an id beside others that have one.
    let filler = format!(
        "<NtryDtls><Btch><PmtInfId>{part}</PmtInfId></Btch>{}{}</NtryDtls>",
        details("NOREF", ""),
        details("NOREF", "")
    );
    assert_eq!(debit("9.00", &filler)[0].of, std::slice::from_ref(&of_part));
    let theirs = format!(
        "<NtryDtls><Btch><MsgId>{}</MsgId><PmtInfId>BANK-7</PmtInfId></Btch></NtryDtls>",
        of_message.text()
    );
    assert_eq!(debit("9.00", &theirs)[0].of, std::slice::from_ref(&of_message));
    let beside = format!(
        "<NtryDtls><TxDtls><Refs><PmtInfId>{part}</PmtInfId></Refs></TxDtls>{}</NtryDtls>",
        details(&reference('a'), "<Amt Ccy=\"INR\">9.00</Amt>")
    );
    let lines = debit("9.00", &beside);
    assert!(lines.iter().any(|line| line.of == [of_part.clone()]
        && matches!(line.outcome, Outcome::Unclear(_))));
    // The batch's own total, beside a fee that is in the entry's amount.
    let with_fee = format!(
        "<NtryDtls><Btch><PmtInfId>{part}</PmtInfId><TtlAmt Ccy=\"INR\">9.00</TtlAmt></Btch></NtryDtls>"
    );
    assert_eq!(debit("10.00", &with_fee)[0].amount, Some(ReportedAmount::of(900)));
    // Two batches in one entry are both read.
    let second = part.replace("7-", "8-");
    let block = |id: &str, total: &str| {
        format!("<NtryDtls><Btch><PmtInfId>{id}</PmtInfId>{total}</Btch></NtryDtls>")
    };
    let both = debit("9.00", &(block(&part, "") + &block(&second, "")));
    assert_eq!((both.len(), both[0].of.len()), (1, 2), "{both:?}");
    let total = "<TtlAmt Ccy=\"INR\">4.00</TtlAmt>";
    let apart = debit("8.00", &(block(&part, total) + &block(&second, total)));
    assert_eq!(apart.iter().map(|line| line.of.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn foreign_currency_is_ignored_unless_it_has_our_reference() {
    let dollars = "<Amt Ccy=\"USD\">3.00</Amt>";
    let own = reference('a');
    let body = format!(
        "<NtryDtls>{}{}</NtryDtls>",
        details("THEIRS", dollars),
        details(&own, "<Amt Ccy=\"INR\">7.00</Amt>")
    );
    let lines = debit("7.00", &body);
    assert_eq!((lines.len(), &lines[0].outcome), (1, &Outcome::Paid));
    let lines = debit("7.00", &format!("<NtryDtls>{}</NtryDtls>", details(&own, dollars)));
    assert_eq!(lines[0].outcome, Outcome::Unclear(FOREIGN), "never taken as rupees");
    let odd = details(&own, "<Amt Ccy=\"INR\">seven</Amt>");
    let lines = debit("7.00", &format!("<NtryDtls>{odd}</NtryDtls>"));
    assert_eq!(lines[0].outcome, Outcome::Unclear(MALFORMED));
}

#[test]
fn payment_named_in_a_remark_alone_is_reported_as_unclear() {
    let remark =
        format!("<AddtlNtryInf>RETURN OF {}</AddtlNtryInf>", reference('a').to_uppercase());
    let lines = debit("7.00", &remark);
    assert_eq!((lines.len(), lines[0].label.clone()), (1, reference('a')));
    assert!(lines[0].of.is_empty() && matches!(lines[0].outcome, Outcome::Unclear(_)));
    assert!(debit("7.00", "<AddtlNtryInf>salaries</AddtlNtryInf>").is_empty());
}

#[test]
fn own_reference_is_reported_wherever_a_statement_has_it() {
    let (own, whole) = (reference('a'), part());
    let at =
        |inside: &str| debit("7.00", &format!("<NtryDtls><TxDtls>{inside}</TxDtls></NtryDtls>"));
    let told = |lines: Vec<ReportedTransfer>, name: &str| {
        let unclear = |line: &ReportedTransfer| matches!(line.outcome, Outcome::Unclear(_));
        assert!(lines.iter().any(|line| line.label == name && unclear(line)), "{name}: {lines:?}");
    };
    told(debit("7.00", &format!("<NtryRef>{own}</NtryRef>")), &own);
    told(debit("7.00", &format!("<AcctSvcrRef>{whole}</AcctSvcrRef>")), &whole);
    for inside in [
        format!("<RmtInf><Strd><CdtrRefInf><Ref>{own}</Ref></CdtrRefInf></Strd></RmtInf>"),
        format!("<Refs><Prtry><Ref>{own}</Ref></Prtry></Refs>"),
        format!("<Refs><MndtId>{own}</MndtId></Refs>"),
        format!("<RtrInf><AddtlInf>return of {own}</AddtlInf></RtrInf>"),
    ] {
        told(at(&inside), &own);
    }
    // Beside another payer's id, and beside another of ours.
    for other in ["SALARY-1".to_owned(), reference('b')] {
        let two = details(&other, "")
            + &format!("<TxDtls><RmtInf><Ustrd>{own}</Ustrd></RmtInf></TxDtls>");
        told(debit("7.00", &format!("<NtryDtls>{two}</NtryDtls>")), &own);
    }
    // The message of a transfer is not reported once more.
    let both = format!("<Refs><MsgId>{whole}</MsgId><EndToEndId>{own}</EndToEndId></Refs>");
    assert_eq!(at(&both).len(), 1);
}

#[test]
fn status_line_without_a_status_is_reported() {
    let own = reference('a');
    let reason = "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>";
    let unclear = |lines: &[ReportedTransfer]| {
        assert!(
            matches!(lines[..], [ReportedTransfer { outcome: Outcome::Unclear(_), .. }]),
            "{lines:?}"
        );
    };
    unclear(&status(&format!(
        "<TxInfAndSts><OrgnlEndToEndId>{own}</OrgnlEndToEndId>{reason}</TxInfAndSts>"
    )));
    // It takes the status of its part, if that one is final.
    let lines = status(&format!(
        "<PmtInfSts>RJCT</PmtInfSts><TxInfAndSts><OrgnlEndToEndId>{own}</OrgnlEndToEndId>{reason}</TxInfAndSts>"
    ));
    assert_eq!(lines[0].outcome, returned("AC04"));
    // The same for a part; if its transfers have their own, it usually has neither.
    unclear(&status(reason));
    assert_eq!(status(""), []);
}

#[test]
fn line_beside_an_odd_message_or_charges_is_still_read() {
    let own = reference('a');
    let entry = |more: &str| {
        format!(
            "<Ntry><Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>{more}\
             <NtryDtls>{}</NtryDtls></Ntry>",
            details(&own, "")
        )
    };
    let record = "<Rcrd><Amt Ccy=\"INR\">999999999999999.99</Amt></Rcrd>";
    let charges = format!("<Chrgs>{}</Chrgs>", record.repeat(400));
    assert_eq!(statement(&entry(&charges)).transfers.len(), 1);
    let good = format!(
        "<Document xmlns=\"{STATEMENT}\"><BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr><Stmt>{}</Stmt>\
         </BkToCstmrStmt></Document>",
        entry("")
    );
    let empty = format!("<Document xmlns=\"{STATEMENT}\"></Document>");
    let other = STATEMENT.replace("053", "054");
    let notice = format!(
        "<Document xmlns=\"{other}\"><BkToCstmrDbtCdtNtfctn><Ntfctn>{}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>",
        entry("").replace('a', "b")
    );
    let read = |text: String| BankReport::read(&text).expect("read").transfers;
    assert_eq!(read(format!("<Files>{empty}{good}</Files>")).len(), 1);
    let lines = read(format!("<Files>{good}{notice}</Files>"));
    let told: Vec<&str> = lines.iter().map(|line| line.label.as_str()).collect();
    assert_eq!(told, [own.as_str(), reference('b').as_str()], "{lines:?}");
    assert!(matches!(lines[1].outcome, Outcome::Unclear(_)));
}

#[test]
fn entries_are_in_the_order_of_booking_wherever_they_stand() {
    let one = |direction: &str, date: &str| {
        format!(
            "<Ntry><Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>{date}</Dt></BookgDt><NtryDtls>{}</NtryDtls></Ntry>",
            details(&reference('a'), "")
        )
    };
    let outcomes = |entries: &str| -> Vec<Outcome> {
        statement(entries).transfers.into_iter().map(|line| line.outcome).collect()
    };
    let expected = [Outcome::Paid, returned("NARR")];
    for days in [["2026-06-05", "2026-06-03"], ["2026-06-05", "2026-06-05"]] {
        let newest_first = one("CRDT", days[0]) + &one("DBIT", days[1]);
        assert_eq!(outcomes(&newest_first), expected, "{days:?}");
    }
}

#[test]
fn statement_covers_only_whole_days_and_names_its_account() {
    let of = |until: &str| {
        let body = format!(
            "<Acct><Id><Othr><Id>0001234</Id></Othr></Id></Acct>\
             <FrToDt><FrDtTm>2026-06-01T00:00:00</FrDtTm><ToDtTm>{until}</ToDtTm></FrToDt>"
        );
        let mut days = statement(&body).days;
        assert_eq!(days[0].account.as_deref(), Some("0001234"));
        days.remove(0).to.to_string()
    };
    assert_eq!(of("2026-06-03T23:59:59"), "2026-06-03");
    assert_eq!(of("2026-06-03T00:00:00"), "2026-06-02");
    assert_eq!(of("2026-06-03T00:01:00"), "2026-06-02");
    assert_eq!(of("2026-06-03T18:00:00+05:30"), "2026-06-02");
}

#[test]
fn statement_made_before_a_day_ended_does_not_cover_that_day() {
    let of = |made: &str, more: &str| {
        let body = format!(
            "<CreDtTm>{made}</CreDtTm><FrToDt><FrDtTm>2026-06-01T00:00:00</FrDtTm>\
             <ToDtTm>2026-06-30T23:59:59</ToDtTm></FrToDt>{more}"
        );
        statement(&body).days.first().map(|days| days.to.to_string())
    };
    assert_eq!(of("2026-06-10T09:00:00", "").as_deref(), Some("2026-06-09"));
    assert_eq!(of("2026-07-01T02:00:00", "").as_deref(), Some("2026-06-30"));
    assert_eq!(of("2026-06-01T09:00:00", ""), None);
    // The bank has closed the day.
    let closing =
        "<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Dt><Dt>2026-06-10</Dt></Dt></Bal>";
    assert_eq!(of("2026-06-10T20:00:00", closing).as_deref(), Some("2026-06-10"));
}
