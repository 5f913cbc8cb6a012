//! What a bank reports: `pain.002` (customer payment status report) and `camt.053` (bank to customer
//! statement), ISO 20022, of whichever version.
//!
//! Only what tells of a transfer is read. Elements are known by their names wherever a version has them; what
//! a report says of a whole message or part of one holds for each of its transfers that it does not name.

use jiff::civil::Date;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Serialize;

use crate::named::named;

/// How deep elements may lie.
const DEPTH_MAX: usize = 32;
/// Bytes of a text that is looked at.
const TEXT_BYTES_MAX: usize = 4_096;

named! {
    /// What kind of report it is.
    ReportKind {
        /// A status report.
        Status = "pain.002",
        /// A statement of an account.
        Statement = "camt.053",
    }
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The money is with its account.
    Paid,
    /// It could not be paid, or came back, for a reason by ISO's code.
    Returned(String),
    /// On its way, or not yet decided.
    Pending,
    /// What is said is not known here, or says two things: it is told, and changes nothing.
    Unclear,
}

/// Of which transfers something is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Of one, by its reference.
    Transfer(String),
    /// Of several that are booked as one sum, by their references.
    Together(Vec<String>),
    /// Of a part of a message: all of its transfers that are not named by themselves.
    Part(String),
    /// Of a whole message.
    Message(String),
}

/// A line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedTransfer {
    /// Of what.
    pub of: Reported,
    /// What became of it.
    pub outcome: Outcome,
    /// How much, in paise, where it is said.
    pub paise: Option<u64>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankReport {
    /// What kind it is.
    pub kind: ReportKind,
    /// Its message's id.
    pub message: String,
    /// What it says, in its order.
    pub transfers: Vec<ReportedTransfer>,
    /// Of a statement: from which days to which it is, by its own word.
    pub days: Vec<(Date, Date)>,
}

/// What is wrong with a report, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ReportFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl BankReport {
    /// Reads a report.
    ///
    /// # Errors
    /// [`ReportFault`] with the line.
    pub fn read(text: &str) -> Result<Self, ReportFault> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().trim_text(true);
        let mut reading = Reading::default();
        loop {
            let fault = |reason: String, at: u64| {
                let before = &text.as_bytes()[..(at as usize).min(text.len())];
                let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
                ReportFault { line, reason }
            };
            let event = reader.read_event();
            let at = reader.buffer_position();
            match event {
                Err(error) => return Err(fault(error.to_string(), reader.error_position())),
                Ok(Event::Eof) => break,
                Ok(Event::DocType(_)) => {
                    return Err(fault("a report has no document type".to_owned(), at));
                }
                Ok(Event::Start(element)) => {
                    let name = element.local_name().as_ref().to_owned();
                    let attribute = |wanted: fn(&str) -> bool| {
                        let mut attributes = element.attributes().flatten();
                        let found = attributes.find(|one| wanted(one.key.as_ref()));
                        found.map(|one| one.value.into_owned())
                    };
                    let namespace = attribute(|name| name == "xmlns" || name.starts_with("xmlns:"));
                    let currency = attribute(|name| name == "Ccy");
                    reading.open(name, namespace, currency).map_err(|reason| fault(reason, at))?;
                }
                Ok(Event::Text(content)) => {
                    reading.text(&content);
                }
                Ok(Event::End(_)) => reading.close().map_err(|reason| fault(reason, at))?,
                Ok(_) => {}
            }
        }
        reading.finish().map_err(|reason| ReportFault { line: 1, reason })
    }
}

/// What is known while a report is read.
#[derive(Default)]
struct Reading {
    path: Vec<String>,
    /// The text of the element that is open.
    text: String,
    kind: Option<ReportKind>,
    message: String,
    transfers: Vec<ReportedTransfer>,
    /// What is open: the message, a part or an entry, a transfer.
    scopes: [Scope; 3],
    /// What an entry's details have said.
    details: Vec<Scope>,
    days: Vec<(Date, Date)>,
    /// What the statement that is open says of its days.
    statement: StatementDays,
    is_whole: bool,
}

const MESSAGE: usize = 0;
const PART: usize = 1;
const TRANSFER: usize = 2;

/// What a statement says of the days that it is of.
#[derive(Default)]
struct StatementDays {
    from: Option<Date>,
    to: Option<Date>,
    /// The day of its closing balance.
    closed: Option<Date>,
    balance_is_closing: bool,
}

impl StatementDays {
    /// From which day to which: what it says so, else the day of its closing balance alone. The day on which it
    /// was made is often the day after.
    fn told(self) -> Option<(Date, Date)> {
        self.from.zip(self.to).or(self.closed.zip(self.closed))
    }
}

/// The last day before a time: one that ends at midnight does not have the day that begins.
fn last_day(text: &str) -> Option<Date> {
    let day = day(text)?;
    let midnight = text.get(10..).is_some_and(|time| time.starts_with("T00:00:00"));
    if midnight { day.yesterday().ok() } else { Some(day) }
}

/// The day of a date or a time, as it is written.
fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// What is said of a message, a part or a transfer until it ends.
#[derive(Default)]
struct Scope {
    /// Its name.
    of: Option<String>,
    status: Option<String>,
    reason: Option<String>,
    paise: Option<u64>,
    /// Of a statement's entry or its details: whether money came in, where it is said. That holds of a
    /// reversal too: one of money out comes in.
    is_credit: Option<bool>,
    is_reversal: bool,
}

impl Reading {
    fn open(
        &mut self,
        name: String,
        namespace: Option<String>,
        currency: Option<String>,
    ) -> Result<(), String> {
        if self.path.len() >= DEPTH_MAX {
            return Err(format!("elements lie deeper than {DEPTH_MAX}"));
        }
        if self.path.is_empty() {
            let namespace = namespace.unwrap_or_default();
            let is_of =
                |kind: &ReportKind| namespace.contains(&format!("xsd:{}.001.", kind.name()));
            self.kind = ReportKind::ALL.iter().copied().find(is_of);
            if name != "Document" || self.kind.is_none() {
                return Err(format!(
                    "neither a pain.002 nor a camt.053: the root is {name} of {namespace:?}"
                ));
            }
        }
        match name.as_str() {
            "OrgnlGrpInfAndSts" => self.scopes[MESSAGE] = Scope::default(),
            "Stmt" => self.statement = StatementDays::default(),
            "OrgnlPmtInfAndSts" | "Ntry" => {
                self.scopes[PART] = Scope::default();
                self.details.clear();
            }
            "TxInfAndSts" | "TxDtls" => self.scopes[TRANSFER] = Scope::default(),
            "Amt" if currency.is_some_and(|currency| currency != "INR") => {
                return Err("an amount is not in rupees (INR)".to_owned());
            }
            _ => {}
        }
        self.path.push(name);
        self.text.clear();
        Ok(())
    }

    fn text(&mut self, content: &str) {
        // What is longer tells of no transfer.
        if self.text.len() + content.len() <= TEXT_BYTES_MAX {
            self.text.push_str(content);
        }
    }

    /// Whether the open element lies in elements of some names, the innermost last.
    fn lies_in(&self, names: &[&str]) -> bool {
        let path = &self.path[..self.path.len() - 1];
        path.len() >= names.len()
            && path[path.len() - names.len()..].iter().zip(names).all(|(known, name)| known == name)
    }

    fn close(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.text);
        let name = self.path.last().cloned().ok_or("an element ends that was not open")?;
        match name.as_str() {
            "MsgId" if self.lies_in(&["GrpHdr"]) => self.message = text,
            "OrgnlMsgId" if self.lies_in(&["OrgnlGrpInfAndSts"]) => {
                self.scopes[MESSAGE].of = Some(text);
            }
            "OrgnlPmtInfId" if self.lies_in(&["OrgnlPmtInfAndSts"]) => {
                self.scopes[PART].of = Some(text);
            }
            "PmtInfId" if self.lies_in(&["NtryDtls", "Btch"]) => self.scopes[PART].of = Some(text),
            "OrgnlEndToEndId" if self.lies_in(&["TxInfAndSts"]) => {
                self.scopes[TRANSFER].of = Some(text);
            }
            "EndToEndId" if self.lies_in(&["TxDtls", "Refs"]) => {
                self.scopes[TRANSFER].of = Some(text);
            }
            "GrpSts" => self.scopes[MESSAGE].status = Some(text),
            "PmtInfSts" => self.scopes[PART].status = Some(text),
            "TxSts" => self.scopes[TRANSFER].status = Some(text),
            // Up to version 06 a text, then a code.
            "Sts" if self.lies_in(&["Ntry"]) && !text.is_empty() => {
                self.scopes[PART].status = Some(text);
            }
            "Cd" if self.lies_in(&["Ntry", "Sts"]) => self.scopes[PART].status = Some(text),
            "Cd" | "Prtry" if self.lies_in(&["StsRsnInf", "Rsn"]) => {
                let scope = match self.path.iter().rev().nth(3).map(String::as_str) {
                    Some("OrgnlGrpInfAndSts") => MESSAGE,
                    Some("OrgnlPmtInfAndSts") => PART,
                    _ => TRANSFER,
                };
                self.scopes[scope].reason = Some(text);
            }
            "Cd" | "Prtry" if self.lies_in(&["RtrInf", "Rsn"]) => {
                self.scopes[TRANSFER].reason = Some(text);
            }
            "CdtDbtInd" if self.lies_in(&["Ntry"]) => {
                self.scopes[PART].is_credit = is_credit(&text);
            }
            "CdtDbtInd" if self.lies_in(&["TxDtls"]) => {
                self.scopes[TRANSFER].is_credit = is_credit(&text);
            }
            "RvslInd" if self.lies_in(&["Ntry"]) => {
                self.scopes[PART].is_reversal = text == "true" || text == "1";
            }
            "Amt" if self.lies_in(&["Ntry"]) => self.scopes[PART].paise = Some(paise(&text)?),
            "Amt" if self.lies_in(&["TxDtls"]) => self.scopes[TRANSFER].paise = Some(paise(&text)?),
            "Amt" if self.lies_in(&["TxDtls", "AmtDtls", "TxAmt"]) => {
                self.scopes[TRANSFER].paise = Some(paise(&text)?);
            }
            "InstdAmt" if self.lies_in(&["OrgnlTxRef", "Amt"]) => {
                self.scopes[TRANSFER].paise = Some(paise(&text)?);
            }
            "TxInfAndSts" => self.end_status(TRANSFER)?,
            "OrgnlPmtInfAndSts" => self.end_status(PART)?,
            "CstmrPmtStsRpt" => self.end_status(MESSAGE)?,
            "TxDtls" => self.details.push(std::mem::take(&mut self.scopes[TRANSFER])),
            "Ntry" => self.end_entry(),
            "FrDtTm" if self.lies_in(&["Stmt", "FrToDt"]) => self.statement.from = day(&text),
            "ToDtTm" if self.lies_in(&["Stmt", "FrToDt"]) => self.statement.to = last_day(&text),
            "Cd" if self.lies_in(&["Stmt", "Bal", "Tp", "CdOrPrtry"]) => {
                self.statement.balance_is_closing = text == "CLBD";
            }
            "Dt" | "DtTm"
                if self.statement.balance_is_closing && self.lies_in(&["Stmt", "Bal", "Dt"]) =>
            {
                self.statement.closed = day(&text);
            }
            "Stmt" => self.days.extend(std::mem::take(&mut self.statement).told()),
            "Document" => self.is_whole = true,
            _ => {}
        }
        self.path.pop();
        Ok(())
    }

    /// What a status report says of a transfer, a part or the whole.
    fn end_status(&mut self, level: usize) -> Result<(), String> {
        let scope = std::mem::take(&mut self.scopes[level]);
        let Some(status) = scope.status else { return Ok(()) };
        let name = scope.of.ok_or("a status is of nothing: its original's id is missing")?;
        let of = match level {
            MESSAGE => Reported::Message(name),
            PART => Reported::Part(name),
            _ => Reported::Transfer(name),
        };
        let outcome = match status.as_str() {
            "ACSC" | "ACCC" => Outcome::Paid,
            "RJCT" | "CANC" => Outcome::Returned(scope.reason.unwrap_or_else(|| "NARR".to_owned())),
            "ACCP" | "ACSP" | "ACTC" | "ACWC" | "ACWP" | "ACFC" | "ACPD" | "ACFW" | "ACIS"
            | "RCVD" | "RCVC" | "PDNG" | "PATC" | "PART" | "PRES" | "BLCK" | "CPUC" => {
                Outcome::Pending
            }
            _ => Outcome::Unclear,
        };
        self.transfers.push(ReportedTransfer { of, outcome, paise: scope.paise });
        Ok(())
    }

    /// What a statement's entry says: of the transfers that its details name, or of a part that it books as
    /// one sum.
    fn end_entry(&mut self) {
        let entry = std::mem::take(&mut self.scopes[PART]);
        let mut details = std::mem::take(&mut self.details);
        let is_named = |one: &Scope| one.of.as_ref().is_some_and(|name| name != "NOTPROVIDED");
        if !details.iter().any(is_named) {
            if let Some(name) = &entry.of {
                let (of, outcome) = (Reported::Part(name.clone()), entry.booked(&Scope::default()));
                self.transfers.push(ReportedTransfer { of, outcome, paise: entry.paise });
            }
            return;
        }
        // Where the details tell no amounts, the entry tells that of all.
        if details.iter().all(|one| one.paise.is_none()) {
            if let [one] = &mut details[..] {
                one.paise = entry.paise;
            } else if details.iter().all(is_named) {
                let outcomes: Vec<Outcome> = details.iter().map(|one| entry.booked(one)).collect();
                let is_one = outcomes.iter().all(|outcome| *outcome == outcomes[0]);
                let outcome = if is_one { outcomes[0].clone() } else { Outcome::Unclear };
                let of = Reported::Together(details.into_iter().filter_map(|one| one.of).collect());
                self.transfers.push(ReportedTransfer { of, outcome, paise: entry.paise });
                return;
            }
        }
        for one in details.into_iter().filter(is_named) {
            let (outcome, paise) = (entry.booked(&one), one.paise);
            let Some(name) = one.of else { continue };
            self.transfers.push(ReportedTransfer { of: Reported::Transfer(name), outcome, paise });
        }
    }

    fn finish(self) -> Result<BankReport, String> {
        if !self.is_whole {
            return Err("the report ends before its end".to_owned());
        }
        let kind = self.kind.ok_or("an empty report")?;
        if self.message.is_empty() {
            return Err("the report has no message id (GrpHdr/MsgId)".to_owned());
        }
        Ok(BankReport { kind, message: self.message, transfers: self.transfers, days: self.days })
    }
}

/// A statement's word for money that came in or went out.
fn is_credit(text: &str) -> Option<bool> {
    match text {
        "CRDT" => Some(true),
        "DBIT" => Some(false),
        _ => None,
    }
}

impl Scope {
    /// What a statement's entry says of one of its details: money out is paid; money back is returned. Only
    /// what is booked says so, and the details' own direction goes before the entry's.
    fn booked(&self, details: &Self) -> Outcome {
        match self.status.as_deref() {
            Some("BOOK") => {}
            Some("PDNG" | "INFO" | "FUTR") => return Outcome::Pending,
            _ => return Outcome::Unclear,
        }
        let reason = details.reason.clone();
        match details.is_credit.or(self.is_credit) {
            Some(true) => Outcome::Returned(reason.unwrap_or_else(|| "NARR".to_owned())),
            // Money that went out with the reason of a return: which of both it is, a person asks.
            Some(false) if reason.is_some() && !self.is_reversal => Outcome::Unclear,
            Some(false) => Outcome::Paid,
            None => Outcome::Unclear,
        }
    }
}

/// An amount with at most two decimals, in paise.
fn paise(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no amount of rupees and paise");
    let (rupees, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if rupees.is_empty() || !digits(rupees) || !digits(decimals) {
        return Err(wrong());
    }
    let trimmed = decimals.trim_end_matches('0');
    if trimmed.len() > 2 {
        return Err(wrong());
    }
    let hundredths: u64 = format!("{trimmed:0<2}").parse().map_err(|_| wrong())?;
    let rupees: u64 = rupees.parse().map_err(|_| wrong())?;
    rupees.checked_mul(100).and_then(|paise| paise.checked_add(hundredths)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rupees_and_paise() {
        for (text, expected) in
            [("0", 0), ("12", 1_200), ("12.5", 1_250), ("12.05", 1_205), ("12.5000", 1_250)]
        {
            assert_eq!(paise(text), Ok(expected), "{text}");
        }
        let huge = "9".repeat(30);
        for bad in ["", ".5", "1,000", "-1", "1.234", "1e3", "₹1", huge.as_str()] {
            assert!(paise(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_report_is_told_with_its_line() {
        let fault = |text: &str| BankReport::read(text).expect_err(text).to_string();
        assert!(fault("").contains("ends before"), "{}", fault(""));
        assert!(fault("<a/>").contains("ends before") || fault("<a></a>").contains("neither"));
        let xml = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
        assert!(fault(&format!("<Document xmlns=\"{xml}\"></Document>")).contains("neither"));
        let status = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12";
        let open = format!("<Document xmlns=\"{status}\">");
        assert!(fault(&format!("{open}\n<a></b></Document>")).starts_with("line 2"));
        assert!(fault(&open).contains("ends before"));
        assert!(
            fault(&format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{open}</Document>")).contains("type")
        );
        assert!(fault(&format!("{open}</Document>")).contains("message id"));
        let deep = "<a>".repeat(40);
        assert!(fault(&format!("{open}{deep}")).contains("deeper"));
        let one = |inner: &str| {
            format!(
                "{open}<CstmrPmtStsRpt><GrpHdr><MsgId>m</MsgId></GrpHdr>{inner}</CstmrPmtStsRpt>\
                 </Document>"
            )
        };
        let unknown = one("<OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>r</OrgnlEndToEndId>\
                           <TxSts>ZZZZ</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>");
        // A status that is not known sinks no other line.
        let read = BankReport::read(&unknown).expect("read");
        assert_eq!(read.transfers[0].outcome, Outcome::Unclear);
        let nothing = one("<OrgnlPmtInfAndSts><TxInfAndSts><TxSts>RJCT</TxSts></TxInfAndSts>\
                           </OrgnlPmtInfAndSts>");
        assert!(fault(&nothing).contains("of nothing"));
    }

    /// What a statement with one entry says.
    fn entry(body: &str) -> Vec<ReportedTransfer> {
        let text = format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
             <GrpHdr><MsgId>m</MsgId></GrpHdr><Stmt><Ntry>{body}</Ntry></Stmt></BkToCstmrStmt></Document>"
        );
        BankReport::read(&text).expect("read").transfers
    }

    #[test]
    fn entry_is_paid_or_returned_by_what_is_booked_and_its_own_direction() {
        let booked = |status: &str, entry_is: &str, reversal: &str, details: &str| {
            let body = format!(
                "<Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>{entry_is}</CdtDbtInd>{reversal}<Sts>{status}</Sts>\
                 <NtryDtls><TxDtls><Refs><EndToEndId>r</EndToEndId></Refs>{details}</TxDtls></NtryDtls>"
            );
            let mut lines = entry(&body);
            assert_eq!((lines.len(), lines[0].paise), (1, Some(700)), "the entry's amount");
            lines.remove(0).outcome
        };
        let returned = |code: &str| Outcome::Returned(code.to_owned());
        let reason = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>";
        let (credit, reversal) = ("<CdtDbtInd>CRDT</CdtDbtInd>", "<RvslInd>true</RvslInd>");
        for (status, direction, is_reversal, details, expected) in [
            ("<Cd>BOOK</Cd>", "DBIT", "", "", Outcome::Paid),
            ("BOOK", "DBIT", "", "", Outcome::Paid),
            ("<Cd>BOOK</Cd>", "CRDT", "", "", returned("NARR")),
            ("<Cd>BOOK</Cd>", "CRDT", "", reason, returned("AC04")),
            // A reversal of money out comes in; of money that came in, it goes out again.
            ("<Cd>BOOK</Cd>", "CRDT", reversal, "", returned("NARR")),
            ("<Cd>BOOK</Cd>", "DBIT", reversal, reason, Outcome::Paid),
            ("<Cd>BOOK</Cd>", "DBIT", "", credit, returned("NARR")),
            ("<Cd>BOOK</Cd>", "DBIT", "", reason, Outcome::Unclear),
            ("<Cd>PDNG</Cd>", "DBIT", "", "", Outcome::Pending),
            ("<Prtry>DONE</Prtry>", "DBIT", "", "", Outcome::Unclear),
            ("", "DBIT", "", "", Outcome::Unclear),
            ("<Cd>BOOK</Cd>", "", "", "", Outcome::Unclear),
        ] {
            let outcome = booked(status, direction, is_reversal, details);
            assert_eq!(outcome, expected, "{status} {direction} {is_reversal} {details}");
        }
    }

    #[test]
    fn entry_of_several_without_amounts_is_one_sum() {
        let of = |name: &str, amount: &str| {
            format!("<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs>{amount}</TxDtls>")
        };
        let several = |details: &str| {
            entry(&format!(
                "<Amt Ccy=\"INR\">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
                 <NtryDtls>{details}</NtryDtls>"
            ))
        };
        let names = Reported::Together(vec!["a".to_owned(), "b".to_owned()]);
        let together = ReportedTransfer { of: names, outcome: Outcome::Paid, paise: Some(700) };
        assert_eq!(several(&(of("a", "") + &of("b", ""))), [together]);
        let own = several(&(of("a", "<Amt Ccy=\"INR\">3.00</Amt>") + &of("b", "")));
        let amounts: Vec<Option<u64>> = own.iter().map(|one| one.paise).collect();
        assert_eq!(amounts, [Some(300), None], "what the entry does not tell is not made up");
    }
}
