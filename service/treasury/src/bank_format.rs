//! A bank's own format of payment files, described by a file: lines of fixed width or with separators, a header, a
//! trailer and control sums; and how the bank's answer to it is read.
//!
//! [`BankFormat::SHIPPED`] has one that is published. A format says where each value stands; what is paid and what a
//! report means is decided in one place for all formats.

mod field;
mod lines;
mod reading;
mod short_name;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use praman_files::FileError;
use serde::Deserialize;

use field::{Field, Read, Value};
use lines::Layout;
pub use reading::BankFormatFile;
pub(super) use short_name::reference_of_short;
#[cfg(test)]
pub(super) use short_name::short_reference;
pub(super) use writing::WrittenFile;

/// The kind of a file that was written in a bank's format.
pub(super) const SENT: &str = "bank-file";

/// A format that comes with the program.
pub struct ShippedFormat {
    /// Its name.
    pub name: &'static str,
    /// Its file, to be filled in and changed.
    pub text: &'static str,
}

/// A bank's format of payment files.
#[derive(Clone)]
pub struct BankFormat {
    described: Described,
    text: String,
}

/// When files are split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Split {
    /// A batch is one file.
    #[default]
    No,
    /// Each day of payment has a file of its own.
    Day,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    layout: Layout,
    #[serde(default)]
    separator: Option<char>,
    extension: String,
    #[serde(default)]
    split: Split,
    /// What the treasury's bank has given it, by name.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    header: Option<Line>,
    payment: Line,
    #[serde(default)]
    trailer: Option<Line>,
    #[serde(default)]
    report: Option<Report>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    fields: Vec<Field>,
}

/// How the bank's answer is read.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    layout: Layout,
    #[serde(default)]
    separator: Option<char>,
    /// Statuses of a payment that has reached its account.
    paid: Vec<String>,
    /// Statuses of one that did not, or came back.
    returned: Vec<String>,
    /// Statuses of one that is on its way.
    #[serde(default)]
    pending: Vec<String>,
    /// Reasons with which a payment that succeeded is marked.
    #[serde(default)]
    no_reason: Vec<String>,
    /// The bank's reasons, as codes of ISO 20022.
    #[serde(default)]
    reasons: BTreeMap<String, String>,
    payment: Vec<Field>,
    /// A line with the number of payments or their sum.
    #[serde(default)]
    total: Option<Vec<Field>>,
}

impl BankFormat {
    /// The formats that come with the program.
    pub const SHIPPED: [ShippedFormat; 1] =
        [ShippedFormat { name: "ach-credit", text: include_str!("../formats/ach-credit.toml") }];

    /// Reads a format from its file.
    ///
    /// # Errors
    /// [`FileError`] with what is wrong, and in which field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = praman_files::read_text(path)?;
        let format = Self::parse(&text).map_err(|fault| FileError::malformed(path, fault))?;
        if let Some((name, _)) =
            format.described.settings.iter().find(|(_, value)| value.trim().is_empty())
        {
            let fault = format!("settings.{name} is empty: ask your bank for it");
            return Err(FileError::malformed(path, fault));
        }
        Ok(format)
    }

    /// Parses a format. Settings may be empty.
    ///
    /// # Errors
    /// What is wrong, and in which field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let described: Described = toml::from_str(text).map_err(|error| {
            // The message alone: what stands in the file may be anything.
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
            format!("line {}: {}", before.matches('\n').count() + 1, error.message())
        })?;
        described.check()?;
        Ok(Self { described, text: text.to_owned() })
    }

    /// Returns the text that it was read from.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.described.name
    }

    /// Returns the end of its files' names.
    pub(super) fn extension(&self) -> &str {
        &self.described.extension
    }
}

impl Described {
    fn check(&self) -> Result<(), String> {
        let plain = |text: &str| {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !text.is_empty()
                && text.len() <= 32
                && text.bytes().all(|byte| is_plain(byte) || byte == b'-')
        };
        if !plain(&self.name) {
            return Err("name: write small letters, digits and hyphens, at most 32".to_owned());
        }
        if !plain(&self.extension) {
            return Err("extension: write the end of the files' names, as txt".to_owned());
        }
        lines::check_separator(self.layout, self.separator)?;
        let lines = [
            ("header", self.header.as_ref()),
            ("payment", Some(&self.payment)),
            ("trailer", self.trailer.as_ref()),
        ];
        let mut values = HashSet::new();
        for (place, line) in lines {
            let Some(line) = line else { continue };
            if line.fields.is_empty() {
                return Err(format!("{place}: it has no field"));
            }
            for field in &line.fields {
                field
                    .check_written(self, place == "payment")
                    .map_err(|fault| format!("{place}, field {:?}: {fault}", field.name))?;
                values.extend(field.value);
            }
        }
        // A file from which these can't be read again could not be reconciled, nor paid from.
        let has = |value: Value| values.contains(&value);
        if !has(Value::Reference) && !has(Value::ShortReference) {
            return Err(
                "payment: a field must have the value reference or short-reference".to_owned()
            );
        }
        for (value, name) in [
            (Value::Amount, "amount"),
            (Value::PayeeAccount, "payee-account"),
            (Value::PayeeIfsc, "payee-ifsc"),
        ] {
            if !has(value) {
                return Err(format!("payment: a field must have the value {name}"));
            }
        }
        let has_both = has(Value::MessageNumber) && has(Value::MessageCode);
        if !has(Value::Message) && !has_both {
            let fault = "a field must have the value message, or two must have message-number and \
                         message-code: a file that was lost is known by it";
            return Err(fault.to_owned());
        }
        if has(Value::PaymentDay) && self.split == Split::No {
            let in_payments = |field: &Field| field.value == Some(Value::PaymentDay);
            if !self.payment.fields.iter().any(in_payments) {
                let fault = "split: write \"day\", since the day of payment stands once in a file";
                return Err(fault.to_owned());
            }
        }
        self.report.as_ref().map_or(Ok(()), Report::check)
    }
}

impl Report {
    fn check(&self) -> Result<(), String> {
        lines::check_separator(self.layout, self.separator)
            .map_err(|fault| format!("report: {fault}"))?;
        let total = self.total.iter().flatten();
        for field in self.payment.iter().chain(total) {
            field
                .check_read(self.layout)
                .map_err(|fault| format!("report, field {:?}: {fault}", field.name))?;
        }
        let reads = |read: Read| self.payment.iter().any(|field| field.read == Some(read));
        if !reads(Read::Reference) || !reads(Read::Status) {
            return Err("report: fields of a payment must read reference and status".to_owned());
        }
        let in_total =
            |read: Read| self.total.iter().flatten().any(|field| field.read == Some(read));
        if in_total(Read::Sum) && !reads(Read::Amount) {
            let fault = "report: the total reads a sum, and no field of a payment its amount: nothing can be compared";
            return Err(fault.to_owned());
        }
        let is_known = |fields: &[Field]| fields.iter().any(|field| field.is.is_some());
        if self.total.as_ref().is_some_and(|total| !is_known(total)) {
            let fault =
                "report: the line of the total needs a field with `is`, by which it is known";
            return Err(fault.to_owned());
        }
        let statuses: Vec<&String> =
            self.paid.iter().chain(&self.returned).chain(&self.pending).collect();
        let different: HashSet<&str> = statuses.iter().map(|status| status.trim()).collect();
        if different.contains("") {
            return Err("report: a status in paid, returned or pending is empty".to_owned());
        }
        if different.len() != statuses.len() {
            return Err("report: a status stands twice in paid, returned and pending".to_owned());
        }
        if let Some(reason) = self
            .reasons
            .values()
            .find(|code| code.len() != 4 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        {
            return Err(format!("report.reasons: {reason:?} is no code of ISO 20022"));
        }
        Ok(())
    }
}
