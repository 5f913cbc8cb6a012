//! What a bank reports: `pain.002` (customer payment status report) and `camt.053` (bank to customer
//! statement), ISO 20022, of whichever version.
//!
//! Only what tells of a transfer is read. Elements are known by their names wherever a version has them; what
//! a report says of a whole message or part of one holds for each of its transfers that it does not name.

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
}

/// Of which transfers something is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Of one, by its reference.
    Transfer(String),
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
    is_whole: bool,
}

const MESSAGE: usize = 0;
const PART: usize = 1;
const TRANSFER: usize = 2;

/// What is said of a message, a part or a transfer until it ends.
#[derive(Default)]
struct Scope {
    /// Its name.
    of: Option<String>,
    status: Option<String>,
    reason: Option<String>,
    paise: Option<u64>,
    /// Of a statement's entry: whether money came in.
    is_credit: bool,
    is_reversal: bool,
    /// Whether something within was named by itself.
    has_transfers: bool,
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
            "OrgnlPmtInfAndSts" | "Ntry" => self.scopes[PART] = Scope::default(),
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
            "CdtDbtInd" if self.lies_in(&["Ntry"]) => self.scopes[PART].is_credit = text == "CRDT",
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
            "TxDtls" => self.end_details()?,
            "Ntry" => self.end_entry()?,
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
            "ACCP" | "ACSP" | "ACTC" | "ACWC" | "ACWP" | "ACFC" | "RCVD" | "PDNG" | "PATC"
            | "PART" | "PRES" | "BLCK" => Outcome::Pending,
            other => return Err(format!("{other:?} is no status that is known here")),
        };
        self.transfers.push(ReportedTransfer { of, outcome, paise: scope.paise });
        Ok(())
    }

    /// A statement's details of one transfer; what is booked, the entry tells.
    fn end_details(&mut self) -> Result<(), String> {
        let details = std::mem::take(&mut self.scopes[TRANSFER]);
        let entry = &self.scopes[PART];
        let Some(name) = details.of.filter(|name| name != "NOTPROVIDED") else { return Ok(()) };
        let outcome = entry.outcome(details.reason);
        self.transfers.push(ReportedTransfer {
            of: Reported::Transfer(name),
            outcome,
            paise: details.paise,
        });
        self.scopes[PART].has_transfers = true;
        Ok(())
    }

    /// An entry that books a part as one.
    fn end_entry(&mut self) -> Result<(), String> {
        let entry = std::mem::take(&mut self.scopes[PART]);
        if entry.has_transfers {
            return Ok(());
        }
        let outcome = entry.outcome(None);
        if let Some(name) = entry.of {
            let paise = entry.paise;
            self.transfers.push(ReportedTransfer { of: Reported::Part(name), outcome, paise });
        }
        Ok(())
    }

    fn finish(self) -> Result<BankReport, String> {
        if !self.is_whole {
            return Err("the report ends before its end".to_owned());
        }
        let kind = self.kind.ok_or("an empty report")?;
        if self.message.is_empty() {
            return Err("the report has no message id (GrpHdr/MsgId)".to_owned());
        }
        Ok(BankReport { kind, message: self.message, transfers: self.transfers })
    }
}

impl Scope {
    /// What a statement's entry says of what it is of: money out is paid; money back is returned.
    fn outcome(&self, reason: Option<String>) -> Outcome {
        if self.status.as_deref().is_some_and(|status| status != "BOOK") {
            return Outcome::Pending;
        }
        if self.is_credit || self.is_reversal || reason.is_some() {
            return Outcome::Returned(reason.unwrap_or_else(|| "NARR".to_owned()));
        }
        Outcome::Paid
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
        assert!(fault(&unknown).contains("no status"));
        let nothing = one("<OrgnlPmtInfAndSts><TxInfAndSts><TxSts>RJCT</TxSts></TxInfAndSts>\
                           </OrgnlPmtInfAndSts>");
        assert!(fault(&nothing).contains("of nothing"));
    }
}
