//! A TOML document in which every value knows its line.

use jiff::civil::Date;
use praman_language::line_at;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SchemeError;

/// A value.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Integer(i64),
    /// A number with a decimal point, as it was written.
    Decimal(String),
    Boolean,
    Date(Date),
    List(Vec<Node>),
    Table(Table),
}

/// A table, in the order of the file.
#[derive(Debug)]
pub(super) struct Table {
    line: usize,
    entries: Vec<(String, usize, Node)>,
}

impl Node {
    pub(super) fn parse(text: &str) -> Result<Self, SchemeError> {
        let line_of = |place: usize| line_at(text, place);
        let document = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(span.start));
            SchemeError::at(line, error.message().replace('\n', ", "))
        })?;
        let table = convert_table(document.get_ref(), 1, &line_of)?;
        Ok(Self { line: 1, value: Value::Table(table) })
    }

    /// An error about this value.
    pub(super) fn fault(&self, reason: impl Into<String>) -> SchemeError {
        SchemeError::at(self.line, reason)
    }

    pub(super) fn text(&self) -> Result<&str, SchemeError> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("a text in quotes")),
        }
    }

    pub(super) fn integer(&self) -> Result<i64, SchemeError> {
        match self.value {
            Value::Integer(integer) => Ok(integer),
            _ => Err(self.expected("a whole number")),
        }
    }

    pub(super) fn date(&self) -> Result<Date, SchemeError> {
        match self.value {
            Value::Date(date) => Ok(date),
            _ => Err(self.expected("a date such as 2026-06-01")),
        }
    }

    pub(super) fn list(&self) -> Result<&[Node], SchemeError> {
        match &self.value {
            Value::List(list) => Ok(list),
            _ => Err(self.expected("a list")),
        }
    }

    pub(super) fn table(&self) -> Result<&Table, SchemeError> {
        match &self.value {
            Value::Table(table) => Ok(table),
            _ => Err(self.expected("a table")),
        }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }

    /// Returns a text, or a number as it was written.
    pub(super) fn word(&self) -> Result<String, SchemeError> {
        match &self.value {
            Value::Text(text) | Value::Decimal(text) => Ok(text.clone()),
            Value::Integer(integer) => Ok(integer.to_string()),
            _ => Err(self.expected("a text or a number")),
        }
    }

    fn expected(&self, what: &str) -> SchemeError {
        let found = match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) | Value::Decimal(_) => "a number",
            Value::Boolean => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        };
        self.fault(format!("expected {what}, found {found}"))
    }
}

impl Table {
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, ..)| name == key).map(|(.., node)| node)
    }

    pub(super) fn require(&self, key: &str) -> Result<&Node, SchemeError> {
        self.get(key).ok_or_else(|| SchemeError::at(self.line, format!("`{key}` is missing")))
    }

    /// Refuses keys that are not among `known`.
    pub(super) fn allow(&self, known: &[&str]) -> Result<(), SchemeError> {
        match self.entries.iter().find(|(name, ..)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, line, _)) => {
                let reason = format!("`{name}` is not known here; known are {}", known.join(", "));
                Err(SchemeError::at(*line, reason))
            }
        }
    }

    /// Returns keys with their lines, and values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, usize, &Node)> {
        self.entries.iter().map(|(name, line, node)| (name.as_str(), *line, node))
    }
}

fn convert_table(
    table: &DeTable<'_>,
    line: usize,
    line_of: &impl Fn(usize) -> usize,
) -> Result<Table, SchemeError> {
    let entries = table
        .iter()
        .map(|(key, value)| {
            let key_line = line_of(key.span().start);
            let mut node = convert(value, line_of)?;
            if matches!(node.value, Value::Table(_) | Value::List(_)) {
                // The span of a table made by dotted keys is not where it is written.
                node.line = node.line.max(key_line);
            }
            Ok((key.get_ref().to_string(), key_line, node))
        })
        .collect::<Result<_, SchemeError>>()?;
    Ok(Table { line, entries })
}

fn convert(
    value: &Spanned<DeValue<'_>>,
    line_of: &impl Fn(usize) -> usize,
) -> Result<Node, SchemeError> {
    let line = line_of(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => {
            let number = i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix());
            Value::Integer(number.map_err(|_| SchemeError::at(line, "the number is too large"))?)
        }
        DeValue::Float(float) => Value::Decimal(float.as_str().replace('_', "")),
        DeValue::Boolean(_) => Value::Boolean,
        DeValue::Datetime(datetime) => {
            let fault = || SchemeError::at(line, "expected a date without a time");
            let date = datetime.date.filter(|_| datetime.time.is_none()).ok_or_else(fault)?;
            let civil = Date::new(
                i16::try_from(date.year).map_err(|_| fault())?,
                i8::try_from(date.month).map_err(|_| fault())?,
                i8::try_from(date.day).map_err(|_| fault())?,
            );
            Value::Date(civil.map_err(|_| SchemeError::at(line, "there is no such date"))?)
        }
        DeValue::Array(array) => {
            let list = array.iter().map(|value| convert(value, line_of));
            Value::List(list.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Value::Table(convert_table(table, line, line_of)?),
    };
    Ok(Node { line, value })
}
