//! Writes payments in a bank's format.

use jiff::civil::Date;

use super::field::{Field, Value};
use super::lines;
use super::short_name::{short_reference, split_message};
use super::{BankFormat, Described, Split};
use crate::payment_file::{PaymentBatch, Transfer};
use crate::refusal::PaymentRefusal;

/// A file for the bank.
pub(crate) struct WrittenFile {
    /// The day of its payments, if each day has a file.
    pub(crate) day: Option<Date>,
    pub(crate) bytes: Vec<u8>,
    /// The references of its payments.
    pub(crate) references: Vec<String>,
}

/// What a line is written from.
struct Line<'a> {
    format: &'a Described,
    batch: &'a PaymentBatch<'a>,
    /// The payments of the file, each with its day.
    payments: &'a [(Date, &'a Transfer<'a>)],
    /// The number of the payment that the line is about.
    place: Option<usize>,
}

impl BankFormat {
    /// Returns a batch's files. The same batch gives the same bytes.
    ///
    /// # Errors
    /// [`PaymentRefusal::Refused`] if a value does not fit into its field: it names the field and the payment order, and
    /// nothing of the person.
    pub(crate) fn write(
        &self,
        batch: &PaymentBatch<'_>,
    ) -> Result<Vec<WrittenFile>, PaymentRefusal> {
        let all = batch
            .parts
            .iter()
            .flat_map(|part| part.transfers.iter().map(|transfer| (part.on, transfer)));
        let mut all: Vec<(Date, &Transfer<'_>)> = all.collect();
        let (format, mut files) = (&self.described, Vec::new());
        match format.split {
            Split::No => {
                let has_day = |field: &Field| field.value == Some(Value::PaymentDay);
                let is_dated = format.payment.fields.iter().any(has_day);
                if !is_dated && all.iter().any(|(day, _)| *day != all[0].0) {
                    return Err(PaymentRefusal::FormatWithoutDay);
                }
                files.push(self.file(batch, (&all, None))?);
            }
            Split::Day => {
                all.sort_by_key(|(day, _)| *day);
                for of_day in all.chunk_by(|one, other| one.0 == other.0) {
                    files.push(self.file(batch, (of_day, Some(of_day[0].0)))?);
                }
            }
        }
        Ok(files)
    }

    fn file(
        &self,
        batch: &PaymentBatch<'_>,
        (payments, day): (&[(Date, &Transfer<'_>)], Option<Date>),
    ) -> Result<WrittenFile, PaymentRefusal> {
        let format = &self.described;
        let mut text = String::new();
        let mut write = |fields: &[Field], place: Option<usize>| {
            let line = Line { format, batch, payments, place };
            let fields = fields.iter().map(|field| line.field(field));
            let fields = fields.collect::<Result<Vec<String>, String>>()?;
            text.push_str(&lines::join(format.layout, format.separator, &fields));
            text.push_str("\r\n");
            Ok(())
        };
        let header = format.header.iter().map(|line| (&line.fields, None));
        let of_payments = (0..payments.len()).map(|place| (&format.payment.fields, Some(place)));
        let trailer = format.trailer.iter().map(|line| (&line.fields, None));
        header
            .chain(of_payments)
            .chain(trailer)
            .try_for_each(|(fields, place)| write(fields, place))
            .map_err(|fault: String| PaymentRefusal::FormatField {
                format: format.name.clone(),
                fault,
            })?;
        let references = payments.iter().map(|(_, transfer)| transfer.reference.clone()).collect();
        Ok(WrittenFile { day, bytes: text.into_bytes(), references })
    }
}

impl Line<'_> {
    fn field(&self, field: &Field) -> Result<String, String> {
        let of = match self.place {
            Some(place) => format!(" of payment order {}", self.payments[place].1.reference),
            None => String::new(),
        };
        let text = match (&field.text, &field.setting, field.value) {
            (Some(text), ..) => text.clone(),
            (None, Some(setting), _) => self
                .format
                .settings
                .get(setting)
                .map_or_else(String::new, |it| it.trim().to_owned()),
            (None, None, Some(value)) => self
                .value(field, value)
                .ok_or_else(|| format!("field {:?}{of}: it has no value", field.name))?,
            (None, None, None) => String::new(),
        };
        field.fit(&text).ok_or_else(|| {
            let width = field.width.unwrap_or_default();
            format!("field {:?}{of}: it has more than {width} characters", field.name)
        })
    }

    /// Returns a value as its field writes it.
    fn value(&self, field: &Field, value: Value) -> Option<String> {
        let rupees = || self.payments.iter().map(|(_, transfer)| u64::from(transfer.amount));
        let one = self.place.map(|place| self.payments[place]);
        let debtor = self.batch.debtor;
        Some(match value {
            Value::Message => self.batch.id.to_owned(),
            Value::MessageNumber => split_message(self.batch.id)?.0,
            Value::MessageCode => split_message(self.batch.id)?.1,
            Value::Scheme => field.write_text(self.batch.scheme),
            Value::CreatedOn => field.write_day(self.batch.created_on),
            Value::PaymentDay => field.write_day(one.or(self.payments.first().copied())?.0),
            Value::Count => self.payments.len().to_string(),
            Value::Sum => field.write_amount(rupees().sum()),
            Value::LargestAmount => field.write_amount(rupees().max()?),
            Value::DebtorName => field.write_text(&debtor.name),
            Value::DebtorAccount => debtor.account.clone(),
            Value::DebtorIfsc => debtor.ifsc.clone(),
            Value::Number => (self.place? + 1).to_string(),
            Value::Reference => one?.1.reference.clone(),
            Value::ShortReference => short_reference(&one?.1.reference)?,
            Value::Amount => field.write_amount(u64::from(one?.1.amount)),
            Value::PayeeName => {
                let name = field.write_text(&one?.1.payee.name);
                // A name of signs alone: the account is what the bank pays to.
                if name.is_empty() { "-".to_owned() } else { name }
            }
            Value::PayeeAccount => one?.1.payee.account.clone(),
            Value::PayeeIfsc => one?.1.payee.ifsc.clone(),
        })
    }
}
