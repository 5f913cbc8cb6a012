//! Lines of fields: of fixed width, or with separators.

use serde::Deserialize;

use super::field::Field;
use crate::bank_report::ReportFault;
use crate::own_name::OwnName;

/// How a line is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Layout {
    /// Each field has its width.
    Fixed,
    /// A character stands between fields; a field that has it is in quotation marks (RFC 4180).
    Delimited,
}

/// Checks that there is a separator exactly if fields are separated.
pub(super) fn check_separator(layout: Layout, separator: Option<char>) -> Result<(), String> {
    match (layout, separator) {
        (Layout::Fixed, Some(_)) => Err("separator is for delimited lines".to_owned()),
        (Layout::Delimited, Some(one))
            if one.is_ascii() && !one.is_ascii_alphanumeric() && !"\"\r\n".contains(one) =>
        {
            Ok(())
        }
        (Layout::Delimited, _) => {
            Err("separator: write the character between fields, as \",\"".to_owned())
        }
        (Layout::Fixed, None) => Ok(()),
    }
}

/// Joins fields to a line, without its end.
pub(super) fn join(layout: Layout, separator: Option<char>, fields: &[String]) -> String {
    let separator = match layout {
        Layout::Fixed => return fields.concat(),
        Layout::Delimited => separator.unwrap_or(',') as u8,
    };
    let mut line = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    let written = line.write_record(fields).and_then(|()| Ok(line.flush()?));
    written.expect("memory takes all");
    let bytes = line.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
}

/// Splits a text into lines of fields. Blank lines are left out.
///
/// # Errors
/// [`ReportFault`] if quotation marks make one field of several lines: another payment's status would be read.
pub(super) fn split<'t>(
    layout: Layout,
    separator: Option<char>,
    text: &'t str,
) -> Result<Vec<SplitLine<'t>>, ReportFault> {
    // Lines that end in a way of their own would be read as one.
    if let Some(place) = text.lines().position(|line| line.contains('\r')) {
        let reason = "it has a carriage return within it: end lines with CR LF, or LF".to_owned();
        return Err(ReportFault { line: place + 1, reason });
    }
    if layout == Layout::Fixed {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        return Ok(lines.map(SplitLine::Fixed).collect());
    }
    let mut lines = Vec::new();
    for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fault = || ReportFault {
            line: place + 1,
            reason: "its quotation marks do not close within the line".to_owned(),
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator.unwrap_or(',') as u8)
            .has_headers(false)
            .flexible(true)
            .from_reader(line.as_bytes());
        let record = reader.records().next().ok_or_else(fault)?.map_err(|_| fault())?;
        let fields: Vec<String> = record.iter().map(str::to_owned).collect();
        // Each quotation mark is in a pair: around a field, or doubled within one.
        if line.bytes().filter(|&byte| byte == b'"').count() % 2 == 1 {
            return Err(fault());
        }
        lines.push(SplitLine::Delimited(fields));
    }
    Ok(lines)
}

/// A line of a file.
pub(super) enum SplitLine<'t> {
    Fixed(&'t str),
    Delimited(Vec<String>),
}

impl SplitLine<'_> {
    /// Returns the texts at the places of fields. A line that ends early has blank fields; what a line has behind them
    /// is left out.
    pub(super) fn at(&self, fields: &[Field]) -> Vec<String> {
        match self {
            Self::Fixed(line) => {
                let mut characters = line.chars();
                let mut of = |width: usize| -> String {
                    let text: String = characters.by_ref().take(width).collect();
                    format!("{text:<width$}")
                };
                fields.iter().map(|field| of(field.width.unwrap_or_default())).collect()
            }
            Self::Delimited(texts) => (0..fields.len())
                .map(|place| texts.get(place).cloned().unwrap_or_default())
                .collect(),
        }
    }

    /// Whether the line has nothing behind these fields.
    pub(super) fn ends_with(&self, fields: &[Field]) -> bool {
        match self {
            Self::Fixed(line) => {
                let width: usize = fields.iter().filter_map(|field| field.width).sum();
                line.chars().skip(width).all(char::is_whitespace)
            }
            Self::Delimited(texts) => {
                texts.iter().skip(fields.len()).all(|text| text.trim().is_empty())
            }
        }
    }

    /// Whether its columns can be counted: letters outside ASCII have several bytes, and banks count either.
    pub(super) fn is_countable(&self) -> bool {
        match self {
            Self::Fixed(line) => line.is_ascii(),
            Self::Delimited(_) => true,
        }
    }

    /// Returns the names of ours in the line. In one of fixed width they may stand without a space between other
    /// values.
    pub(super) fn own_names(&self) -> Vec<OwnName> {
        match self {
            Self::Delimited(texts) => {
                texts.iter().flat_map(|text| OwnName::all_within(text)).collect()
            }
            Self::Fixed(line) => {
                let mut names = OwnName::all_within(line);
                // A row of digits is a number of the bank's.
                names.retain(|name| has_letter(name.text()));
                for length in [SHORT_LENGTH, LENGTH] {
                    for window in
                        line.as_bytes().windows(length).filter_map(|w| str::from_utf8(w).ok())
                    {
                        let own = OwnName::of(window).filter(|_| has_letter(window));
                        let is_plain = window.bytes().all(|byte| byte.is_ascii_alphanumeric());
                        names.extend(own.filter(|name| is_plain && !names.contains(name)));
                    }
                }
                names
            }
        }
    }
}

/// How long a payment order's reference is, and its short form.
const LENGTH: usize = 34;
const SHORT_LENGTH: usize = 30;

fn has_letter(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphabetic())
}
