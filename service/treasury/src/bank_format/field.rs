//! One field of a line: where its value is from, and how it is written.

use jiff::civil::Date;
use serde::Deserialize;

use super::Described;
use super::lines::Layout;
use crate::bank_report::amount::Amount;
use crate::payment_file::name_in_file;

/// A value that praman knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Value {
    /// The message's id.
    Message,
    /// The number at the beginning of the message's id.
    MessageNumber,
    /// The rest of the message's id, in 18 letters and digits.
    MessageCode,
    /// The scheme's id.
    Scheme,
    /// The day of the file.
    CreatedOn,
    /// The day of the payments.
    PaymentDay,
    /// How many payments the file has.
    Count,
    /// Their sum.
    Sum,
    /// The largest of their amounts.
    LargestAmount,
    /// Who pays: its name.
    DebtorName,
    /// Its account.
    DebtorAccount,
    /// Its branch.
    DebtorIfsc,
    /// The payment's number in the file, from 1.
    Number,
    /// The payment order's reference, of 34 characters.
    Reference,
    /// The same in 30 characters.
    ShortReference,
    /// The amount.
    Amount,
    /// Who is paid: the name.
    PayeeName,
    /// The account.
    PayeeAccount,
    /// The account's branch.
    PayeeIfsc,
}

impl Value {
    /// Whether it belongs to one payment.
    fn is_of_payment(self) -> bool {
        use Value::{
            Amount, Number, PayeeAccount, PayeeIfsc, PayeeName, Reference, ShortReference,
        };
        matches!(
            self,
            Number | Reference | ShortReference | Amount | PayeeName | PayeeAccount | PayeeIfsc
        )
    }

    fn is_amount(self) -> bool {
        matches!(self, Self::Sum | Self::LargestAmount | Self::Amount)
    }

    pub(super) fn is_day(self) -> bool {
        matches!(self, Self::CreatedOn | Self::PaymentDay)
    }

    /// Whether it may lose its end: what only a person reads.
    fn may_be_cut(self) -> bool {
        matches!(self, Self::DebtorName | Self::PayeeName | Self::Scheme)
    }
}

/// What is read from a field of a bank's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Read {
    /// The payment order's reference, in any of its forms.
    Reference,
    /// What became of it.
    Status,
    /// Why it was returned.
    Reason,
    /// The amount.
    Amount,
    /// How many payments the report has.
    Count,
    /// Their sum.
    Sum,
}

/// How an amount is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AmountForm {
    /// As 5000.00.
    #[default]
    Rupees,
    /// As 5000.
    WholeRupees,
    /// As 500000.
    Paise,
}

/// Where a value stands in a wider field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Align {
    #[default]
    Left,
    Right,
}

/// Which characters a value may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Letters {
    /// Any.
    #[default]
    All,
    /// Those of ASCII: others are written with Latin letters that sound alike.
    Ascii,
    /// The same, without punctuation.
    Alphanumeric,
}

/// A field. Without text, value or setting it is blank.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    /// Its name in the bank's description.
    pub(super) name: String,
    /// Its width in characters, in lines of fixed width.
    #[serde(default)]
    pub(super) width: Option<usize>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) value: Option<Value>,
    #[serde(default)]
    pub(super) setting: Option<String>,
    #[serde(default)]
    pub(super) amount: Option<AmountForm>,
    #[serde(default)]
    pub(super) date: Option<String>,
    #[serde(default)]
    pub(super) align: Align,
    #[serde(default)]
    pub(super) fill: Option<char>,
    #[serde(default)]
    pub(super) letters: Letters,
    #[serde(default)]
    pub(super) cut: bool,
    /// In a report: what the field must be for the line to be of this kind.
    #[serde(default)]
    pub(super) is: Option<String>,
    /// In a report: what is read from it.
    #[serde(default)]
    pub(super) read: Option<Read>,
}

impl Field {
    /// Checks a field of a file for the bank.
    pub(super) fn check_written(&self, format: &Described, is_payment: bool) -> Result<(), String> {
        self.check_width(format.layout)?;
        if self.is.is_some() || self.read.is_some() {
            return Err("is and read are for the fields of a report".to_owned());
        }
        let sources = [self.text.is_some(), self.value.is_some(), self.setting.is_some()];
        if sources.iter().filter(|&&one| one).count() > 1 {
            return Err("give one of text, value and setting".to_owned());
        }
        if let Some(setting) = &self.setting
            && !format.settings.contains_key(setting)
        {
            return Err(format!("there is no settings.{setting}"));
        }
        if self.cut && !self.value.is_some_and(Value::may_be_cut) {
            return Err("cut is for names and the scheme alone".to_owned());
        }
        if self.letters != Letters::All && !self.value.is_some_and(Value::may_be_cut) {
            return Err("letters is for names and the scheme alone".to_owned());
        }
        if self.value.is_some_and(|value| value.is_of_payment() && !is_payment) {
            return Err("this value stands in payments alone".to_owned());
        }
        if self.amount.is_some() && !self.value.is_some_and(Value::is_amount) {
            return Err("amount is for amounts and sums alone".to_owned());
        }
        let day = self.value.is_some_and(Value::is_day);
        match (&self.date, day) {
            (Some(form), true) => {
                let shown = jiff::fmt::strtime::format(form, Date::constant(2026, 6, 30))
                    .map_err(|error| format!("date: {error}"))?;
                if !is_printable(&shown, format.layout) {
                    return Err("date: it has a character that does not print".to_owned());
                }
            }
            (Some(_), false) => return Err("date is for days alone".to_owned()),
            (None, _) => {}
        }
        // Another digit, or one beside a reference or an account, would make another value of it.
        let is_number = self.value.is_some_and(|value| {
            value.is_amount()
                || matches!(value, Value::Count | Value::Number | Value::MessageNumber)
        });
        let is_plain = match self.fill {
            None | Some(' ') => true,
            Some('0') => is_number && self.align == Align::Right,
            Some(_) => false,
        };
        if !is_plain {
            return Err("fill is \"0\", for numbers with align = \"right\"".to_owned());
        }
        let is_named = self.value.is_some_and(Value::may_be_cut);
        if format.layout == Layout::Fixed && is_named && self.letters == Letters::All {
            return Err(
                "letters: write \"ascii\" or \"alphanumeric\": a bank counts columns".to_owned()
            );
        }
        let setting = self.setting.as_ref().and_then(|name| format.settings.get(name));
        let fixed = [self.text.as_ref(), setting];
        if fixed.into_iter().flatten().any(|text| !is_printable(text, format.layout)) {
            return Err(
                "it has a character that does not print, or that is not of ASCII".to_owned()
            );
        }
        Ok(())
    }

    /// Checks a field of a report.
    pub(super) fn check_read(&self, layout: Layout) -> Result<(), String> {
        self.check_width(layout)?;
        let is_written = self.text.is_some()
            || self.value.is_some()
            || self.setting.is_some()
            || self.date.is_some()
            || self.cut;
        if is_written {
            return Err("a field of a report has name, width, is, read and amount".to_owned());
        }
        let is_sum = matches!(self.read, Some(Read::Amount | Read::Sum));
        if self.amount.is_some() && !is_sum {
            return Err("amount is for amounts and sums alone".to_owned());
        }
        Ok(())
    }

    fn check_width(&self, layout: Layout) -> Result<(), String> {
        const WIDTH_MAX: usize = 4_096;
        match (layout, self.width) {
            (Layout::Fixed, Some(width)) if (1..=WIDTH_MAX).contains(&width) => {}
            (Layout::Fixed, _) => {
                return Err(format!("width: write a width of 1 to {WIDTH_MAX} characters"));
            }
            (Layout::Delimited, Some(_)) => {
                return Err("width is for lines of fixed width".to_owned());
            }
            (Layout::Delimited, None) => {}
        }
        if self.is.as_ref().is_some_and(|is| is.trim().is_empty() || !is_printable(is, layout)) {
            return Err("is: write the text by which the line is known".to_owned());
        }
        Ok(())
    }

    /// Returns an amount in rupees as the field writes it.
    pub(super) fn write_amount(&self, rupees: u64) -> String {
        match self.amount.unwrap_or_default() {
            AmountForm::Rupees => format!("{rupees}.00"),
            AmountForm::WholeRupees => rupees.to_string(),
            AmountForm::Paise => format!("{}", u128::from(rupees) * 100),
        }
    }

    /// Reads an amount, in paise.
    pub(super) fn read_amount(&self, text: &str) -> Option<u64> {
        let text = text.trim();
        let is_whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match self.amount.unwrap_or_default() {
            AmountForm::Paise if is_whole(text) => text.parse().ok(),
            AmountForm::Paise => None,
            AmountForm::Rupees | AmountForm::WholeRupees => Amount::read(text, None).paise(),
        }
    }

    /// Returns a day as the field writes it.
    pub(super) fn write_day(&self, day: Date) -> String {
        let form = self.date.as_deref().unwrap_or("%Y-%m-%d");
        jiff::fmt::strtime::format(form, day).unwrap_or_else(|_| day.to_string())
    }

    /// Whether a text is a day as the field writes it.
    pub(super) fn reads_day(&self, text: &str) -> bool {
        let form = self.date.as_deref().unwrap_or("%Y-%m-%d");
        let day = Date::strptime(form, text.trim());
        day.is_ok_and(|day| self.write_day(day).trim() == text.trim())
    }

    /// Returns a text in the characters that the field may have.
    pub(super) fn write_text(&self, text: &str) -> String {
        let text = name_in_file(text);
        let is_kept = |character: &char| match self.letters {
            Letters::All => true,
            Letters::Ascii => (' '..='~').contains(character),
            Letters::Alphanumeric => character.is_ascii_alphanumeric() || *character == ' ',
        };
        if self.letters == Letters::All {
            return text;
        }
        let latin = deunicode::deunicode_with_tofu(&text, "");
        latin.chars().filter(is_kept).collect::<String>().trim().to_owned()
    }

    /// Fits a value into the field's width: none if it is too long, and may not be cut.
    pub(super) fn fit(&self, text: &str) -> Option<String> {
        let Some(width) = self.width else { return Some(text.to_owned()) };
        let length = text.chars().count();
        if length > width {
            return self.cut.then(|| text.chars().take(width).collect());
        }
        let filled: String =
            std::iter::repeat_n(self.fill.unwrap_or(' '), width - length).collect();
        Some(match self.align {
            Align::Left => format!("{text}{filled}"),
            Align::Right => format!("{filled}{text}"),
        })
    }

    /// Returns what was put into the field, without what it was filled with.
    pub(super) fn bare<'t>(&self, text: &'t str) -> &'t str {
        let text = text.trim();
        match (self.align, self.fill) {
            (Align::Right, Some(fill)) => text.trim_start_matches(fill),
            _ => text,
        }
    }
}

/// Whether a text can stand in a line: its columns can be counted, and it ends no line.
fn is_printable(text: &str, layout: Layout) -> bool {
    !text.chars().any(char::is_control) && (layout == Layout::Delimited || text.is_ascii())
}
