//! Reads files in a bank's format: the bank's answer, and after a restore what went to the bank.

use praman_circuits::payee::Payee;
use sha2::{Digest, Sha256};

use super::field::{Field, Read, Value};
use super::lines::{self, SplitLine};
use super::short_name::{join_message, reference_of_short};
use super::{BankFormat, Described, Report, SENT, Split};
use crate::bank_report::codes::{reasons, rejected};
use crate::bank_report::{
    BankReport, Named, Outcome, ReportFault, ReportKind, ReportedAmount, ReportedTransfer,
    own_or_as_it_is,
};
use crate::lost_file::{LostFile, LostTransfer};
use crate::own_name::OwnName;
use crate::transfer::TransferReference;

/// What a bank's file in its own format is.
pub enum BankFormatFile {
    /// The bank's report.
    Report(BankReport),
    /// A file of this treasury's, which went to the bank.
    Sent(LostFile),
}

impl BankFormat {
    /// Reads a file: the bank's report, or one that this format wrote.
    ///
    /// # Errors
    /// [`ReportFault`] with the line.
    pub fn read_file(&self, bytes: &[u8]) -> Result<BankFormatFile, ReportFault> {
        let text = decode(bytes);
        if let Some(sent) = self.described.read_sent(&text)? {
            return Ok(BankFormatFile::Sent(sent));
        }
        let Some(report) = &self.described.report else {
            let reason = format!(
                "the format {:?} does not say how the bank's report is read: write [report] into it",
                self.described.name
            );
            return Err(ReportFault { line: 1, reason });
        };
        let name = format!("file {}", hex::encode(&Sha256::digest(bytes)[..8]));
        report.read(&self.described, &text, name).map(BankFormatFile::Report)
    }
}

/// Decodes a file: UTF-8 with or without a byte order mark, else one byte a character, so that places stay.
fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

impl Described {
    /// Reads a file that this format wrote; none if a line is not one that it writes.
    ///
    /// # Errors
    /// [`ReportFault`] if it has not as many payments, or not the sum, that it says it has.
    fn read_sent(&self, text: &str) -> Result<Option<LostFile>, ReportFault> {
        let Some((sent, totals)) = self.sent_lines(text) else { return Ok(None) };
        let count = sent.transfers.len() as u64;
        let paise = sent.transfers.iter().map(|one| Some(u64::from(one.rupees?) * 100));
        let sum: Option<u64> = paise.sum();
        let is_other =
            |told: Option<Option<u64>>, is: Option<u64>| told.is_some_and(|told| told != is);
        if is_other(totals.count, Some(count)) || is_other(totals.sum, sum) {
            let reason = "the file does not have as many payments, or not the sum, that it says it \
                          has: give the whole file";
            return Err(ReportFault { line: 1, reason: reason.to_owned() });
        }
        Ok(Some(sent))
    }

    /// Returns the lines that this format wrote, and what header and trailer say of them.
    fn sent_lines(&self, text: &str) -> Option<(LostFile, SentTotals)> {
        let lines = lines::split(self.layout, self.separator, text).ok()?;
        let mut left = lines.iter();
        let (mut number, mut code, mut message) = (None, None, None);
        let mut totals = SentTotals::default();
        let mut keep = |fields: &[Field], texts: &[String]| {
            for (field, text) in fields.iter().zip(texts) {
                match field.value {
                    Some(Value::Message) => message = Some(field.bare(text).to_owned()),
                    Some(Value::MessageNumber) => number = Some(field.bare(text).to_owned()),
                    Some(Value::MessageCode) => code = Some(field.bare(text).to_owned()),
                    Some(Value::Count) => totals.count = Some(text.trim().parse().ok()),
                    Some(Value::Sum) => totals.sum = Some(field.read_amount(text)),
                    _ => {}
                }
            }
        };
        if let Some(header) = &self.header {
            keep(&header.fields, &self.written(&header.fields, left.next()?)?);
        }
        if let Some(trailer) = &self.trailer {
            keep(&trailer.fields, &self.written(&trailer.fields, left.next_back()?)?);
        }
        let mut transfers = Vec::new();
        for line in left {
            let texts = self.written(&self.payment.fields, line)?;
            keep(&self.payment.fields, &texts);
            transfers.push(transfer(&self.payment.fields, &texts)?);
        }
        let message = match (message, number, code) {
            (Some(message), ..) => {
                let own = OwnName::of(&message).filter(|own| matches!(own, OwnName::Message(_)))?;
                own.text().to_owned()
            }
            (None, Some(number), Some(code)) => join_message(&number, &code)?,
            _ => return None,
        };
        if transfers.is_empty() {
            return None;
        }
        let has_all_parts = self.split == Split::No;
        Some((LostFile { kind: SENT, message, transfers, has_all_parts }, totals))
    }

    /// Whether a line looks like this format's header or trailer, which a bank sends back. Its numbers stand side by
    /// side, and are no names.
    fn has_header_like(&self, line: &SplitLine<'_>) -> bool {
        self.header.iter().chain(&self.trailer).any(|own| {
            let texts = line.at(&own.fields);
            let mut constants = own.fields.iter().zip(&texts).filter_map(|(field, text)| {
                let constant = field.text.as_ref().filter(|constant| !constant.trim().is_empty());
                Some(text.trim() == constant?.trim())
            });
            constants.next() == Some(true) && constants.all(|is_same| is_same)
        })
    }

    /// Returns a line's fields if this format could have written it.
    fn written(&self, fields: &[Field], line: &SplitLine<'_>) -> Option<Vec<String>> {
        let texts = line.at(fields);
        let fits = |(field, text): (&Field, &String)| {
            let constant = match (&field.text, &field.setting, field.value) {
                (Some(constant), ..) => Some(constant.as_str()),
                (None, Some(setting), _) => self.settings.get(setting).map(String::as_str),
                (None, None, Some(_)) => None,
                (None, None, None) => Some(""),
            };
            let is_day = field.value.is_some_and(Value::is_day);
            constant.is_none_or(|constant| text.trim() == constant.trim())
                && (!is_day || field.reads_day(text))
        };
        (line.ends_with(fields) && fields.iter().zip(&texts).all(fits)).then_some(texts)
    }
}

/// Reads a payment that went to the bank.
fn transfer(fields: &[Field], texts: &[String]) -> Option<LostTransfer> {
    let at = |value: Value| {
        let mut both = fields.iter().zip(texts);
        both.find(|(field, _)| field.value == Some(value))
    };
    let text = |value: Value| at(value).map(|(field, text)| field.bare(text).to_owned());
    let reference = match text(Value::Reference) {
        Some(reference) => reference.parse::<TransferReference>().ok()?.to_string(),
        None => reference_of_short(&text(Value::ShortReference)?)?,
    };
    let (field, amount) = at(Value::Amount)?;
    let paise = field.read_amount(amount)?;
    let rupees = u32::try_from(paise / 100).ok().filter(|_| paise % 100 == 0);
    let payee = Payee {
        account: text(Value::PayeeAccount)?,
        ifsc: text(Value::PayeeIfsc)?,
        name: text(Value::PayeeName).unwrap_or_default(),
    };
    Some(LostTransfer { reference, rupees, payee })
}

fn too_large(number: u64) -> ReportFault {
    let reason = format!("the sum of its amounts is too large from payment {number} on");
    ReportFault { line: 1, reason }
}

/// What a file that was sent says of its lines: none within if it can't be read.
#[derive(Default)]
struct SentTotals {
    count: Option<Option<u64>>,
    sum: Option<Option<u64>>,
}

/// Control totals of a report.
#[derive(Default, PartialEq, Eq)]
struct Totals {
    count: Option<u64>,
    sum: Option<u64>,
}

impl Report {
    /// Reads a report's lines. A line of another kind is left out, unless it names a payment of ours: then it is
    /// reported.
    fn read(
        &self,
        format: &Described,
        text: &str,
        message: String,
    ) -> Result<BankReport, ReportFault> {
        let (mut transfers, mut totals) = (Vec::new(), Totals::default());
        let (mut count, mut sum) = (0, 0_u64);
        for line in lines::split(self.layout, self.separator, text)? {
            // The total's line is known by a constant, and a payment's need not be.
            let total =
                self.total.as_ref().and_then(|fields| Some((fields, of_kind(fields, &line)?)));
            if let Some((fields, texts)) = total {
                totals.keep(fields, &texts)?;
            } else if count == 0 && self.has_titles(&line) {
                // The columns' names stand above them.
            } else if let Some(texts) = of_kind(&self.payment, &line) {
                count += 1;
                let mut transfer = self.transfer(&texts, count);
                if !line.is_countable() {
                    transfer.outcome = Outcome::Unclear(
                        "its line has letters outside ASCII, so that its columns can't be counted: ask \
                         the bank",
                    );
                }
                let paise = transfer.amount.map_or(0, |amount| amount.paise);
                sum = sum.checked_add(paise).ok_or_else(|| too_large(count))?;
                transfers.push(transfer);
            } else {
                const OTHER: &str = "named in a line of a kind that the bank's format does not \
                                     know: ask the bank what it is";
                let mut names = line.own_names();
                if format.has_header_like(&line) {
                    // A header that the bank sends back has the message's id.
                    names.retain(|name| matches!(name, OwnName::Transfer(_)));
                }
                transfers.extend(names.iter().map(|name| ReportedTransfer::unplaced(name, OTHER)));
            }
        }
        let fault = |reason: &str| Err(ReportFault { line: 1, reason: reason.to_owned() });
        if count == 0 {
            return fault(
                "no line is a payment of this format: is it the bank's report, and the format that \
                 it is written in?",
            );
        }
        if self.total.is_some() && totals == Totals::default() {
            return fault(
                "the file has no line with the number of payments, or their sum: fetch it from the bank \
                 again",
            );
        }
        if totals.count.is_some_and(|told| told != count)
            || totals.sum.is_some_and(|told| told != sum)
        {
            return fault(
                "the file does not have as many payments, or not the sum, that it says it has: \
                 fetch it from the bank again",
            );
        }
        Ok(BankReport { kind: ReportKind::OwnFormat, message, transfers, days: Vec::new() })
    }

    /// Whether a line has titles in the place of a status and an amount: no status of the bank's, and no amount.
    fn has_titles(&self, line: &SplitLine<'_>) -> bool {
        let texts = line.at(&self.payment);
        let mut fields = self.payment.iter().zip(&texts);
        let of_bank = |text: &str| {
            [&self.paid, &self.returned, &self.pending]
                .iter()
                .any(|all| all.iter().any(|one| one.trim() == text))
        };
        let has_amount = self.payment.iter().any(|field| field.read == Some(Read::Amount));
        self.payment.iter().all(|field| field.is.is_none())
            && line.own_names().is_empty()
            && fields.all(|(field, text)| {
                let is_title = text.chars().any(char::is_alphabetic);
                match field.read {
                    Some(Read::Status) => is_title && !of_bank(text.trim()),
                    Some(Read::Amount) => is_title && field.read_amount(text).is_none(),
                    Some(Read::Reference) => {
                        is_title && !text.bytes().any(|one| one.is_ascii_digit())
                    }
                    _ => true,
                }
            })
            && has_amount
    }

    /// Reads a payment's line; its number in the file, from 1, is reported if it names no payment of ours.
    fn transfer(&self, texts: &[String], number: u64) -> ReportedTransfer {
        let at = |read: Read| {
            let mut both = self.payment.iter().zip(texts);
            both.find(|(field, _)| field.read == Some(read))
        };
        let text = |read: Read| at(read).map_or("", |(_, text)| text.trim());
        let name = own_or_as_it_is(text(Read::Reference));
        // What stands at a wrong place may be a person's name or account: it is not shown.
        let is_own = OwnName::of(&name).is_some();
        let label = if is_own { name.clone() } else { format!("payment {number} of the file") };
        let of = if name.is_empty() { Vec::new() } else { vec![Named::Transfer(name)] };
        let mut outcome = self.outcome(text(Read::Status), text(Read::Reason));
        if of.is_empty() {
            outcome =
                Outcome::Unclear("the bank's line gives no id of a payment of ours: ask the bank");
        }
        let amount = at(Read::Amount).map(|(field, text)| field.read_amount(text));
        if amount == Some(None) {
            outcome = Outcome::Unclear(crate::bank_report::MALFORMED);
        }
        let amount = amount.flatten().map(ReportedAmount::of);
        ReportedTransfer { amount, ..ReportedTransfer::new(of, label, outcome) }
    }

    fn outcome(&self, status: &str, reason: &str) -> Outcome {
        let is_in = |all: &[String], text: &str| all.iter().any(|one| one.trim() == text);
        let has_reason = !reason.is_empty() && !is_in(&self.no_reason, reason);
        if is_in(&self.paid, status) {
            return match has_reason {
                false => Outcome::Paid,
                true => {
                    Outcome::Unclear("reported as paid, with the reason of a return: ask the bank")
                }
            };
        }
        if is_in(&self.returned, status) {
            let coded = self.reasons.get(reason).cloned();
            let own = has_reason.then(|| reason.to_owned());
            return rejected(reasons(coded.into_iter().collect(), own.into_iter().collect()));
        }
        if is_in(&self.pending, status) {
            return Outcome::Pending;
        }
        Outcome::Unclear("the bank's status is not known here: ask the bank")
    }
}

/// Returns a line's texts if it is of the kind that these fields describe.
fn of_kind(fields: &[Field], line: &SplitLine<'_>) -> Option<Vec<String>> {
    let texts = line.at(fields);
    let fits = |(field, text): (&Field, &String)| {
        field.is.as_ref().is_none_or(|is| text.trim() == is.trim())
    };
    fields.iter().zip(&texts).all(fits).then_some(texts)
}

impl Totals {
    fn keep(&mut self, fields: &[Field], texts: &[String]) -> Result<(), ReportFault> {
        for (field, text) in fields.iter().zip(texts) {
            let (slot, read) = match field.read {
                Some(Read::Count) => (&mut self.count, text.trim().parse().ok()),
                Some(Read::Sum) => (&mut self.sum, field.read_amount(text)),
                _ => continue,
            };
            let fault = || ReportFault {
                line: 1,
                reason: format!(
                    "the file's total {:?} can't be read, or is given twice",
                    field.name
                ),
            };
            if slot.is_some() {
                return Err(fault());
            }
            *slot = Some(read.ok_or_else(fault)?);
        }
        Ok(())
    }
}
