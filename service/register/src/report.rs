//! The report of a checked register.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Register, Verdict};

/// Accepted rows, by place, whose person has a live credential of an office, or may have one.
#[derive(Default)]
pub struct Matches {
    /// The person has one.
    pub enrolled: BTreeMap<usize, u32>,
    /// The person may have one: an officer reviews it.
    pub to_review: BTreeMap<usize, u32>,
    /// The person's household gets none: why.
    pub refused: BTreeMap<usize, String>,
}

/// Writes `register_no,verdict,field_or_first`, one line a row. For a row whose person has a live credential,
/// or may have one, it gives the office: `enrolled` or `review`. For another row of a household that gets no credential,
/// and of a person who has died, it gives the reason: `refused`.
///
/// No program that opens the report executes a cell's content: a register number that begins like a formula
/// gets an apostrophe in front, as spreadsheets write text.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_report(
    register: &Register,
    matches: &Matches,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "register_no,verdict,field_or_first")?;
    for (place, (register_no, verdict)) in register.rows().enumerate() {
        let number = quoted(register_no);
        match verdict {
            Verdict::Accept => {
                match (matches.enrolled.get(&place), matches.to_review.get(&place)) {
                    (Some(office), _) => writeln!(out, "{number},enrolled,office {office}")?,
                    (None, Some(office)) => writeln!(out, "{number},review,office {office}")?,
                    (None, None) => match matches.refused.get(&place) {
                        Some(reason) => writeln!(out, "{number},refused,{}", quoted(reason))?,
                        None => writeln!(out, "{number},accept,")?,
                    },
                }
            }
            Verdict::Reject(field) => writeln!(out, "{number},reject,{field}")?,
            Verdict::Duplicate(first) => {
                writeln!(out, "{number},duplicate,{}", quoted(register.register_no(first)))?;
            }
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let safe = if formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_cell_that_begins_a_formula_stays_data() {
        assert_eq!(quoted("WB1"), "WB1");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("@x,\"y\""), "\"'@x,\"\"y\"\"\"");
    }
}
