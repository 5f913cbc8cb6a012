//! Possible duplicates, side by side, for an officer to review.

use std::collections::{BTreeMap, HashMap};

use super::record::Records;
use super::{COLUMNS, Register, RegisterError, Verdict};

/// A possible duplicate, beside its earlier row.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct DuplicatePair {
    /// Its place among the rows, from 0.
    pub place: usize,
    /// The place of the earlier one.
    pub first: usize,
    /// Its cells, in the order of the file's columns.
    pub cells: Vec<String>,
    /// The earlier one's.
    pub first_cells: Vec<String>,
    /// The office that has a live credential of what may be the same person. Then there is no earlier row: what
    /// the office knows about them is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled: Option<u32>,
}

/// Returns a register's possible duplicates with their earlier rows, and the rows whose people may have a live
/// credential of an office, by their places; and the columns' names.
///
/// # Errors
/// [`RegisterError`] if it can't be read: it was read before.
pub fn duplicate_pairs(
    content: &[u8],
    register: &Register,
    to_review: &BTreeMap<usize, u32>,
) -> Result<(Vec<String>, Vec<DuplicatePair>), RegisterError> {
    let mut records = Records::new(content)?;
    let header = records.header(&COLUMNS)?.ok_or(RegisterError::Empty)?;
    let cells_of = |record: &super::record::Record| {
        let cell = |index| String::from_utf8_lossy(record.cell(index)).into_owned();
        (0..record.len()).map(cell).collect::<Vec<String>>()
    };
    let columns = header.names(&COLUMNS);
    records.expect_cells(columns.len());
    let mut wanted: HashMap<usize, Vec<String>> =
        to_review.keys().map(|place| (*place, Vec::new())).collect();
    for (place, (_, verdict)) in register.rows().enumerate() {
        if let Verdict::Duplicate(first) = verdict {
            wanted.insert(place, Vec::new());
            wanted.insert(first, Vec::new());
        }
    }
    if wanted.is_empty() {
        return Ok((columns, Vec::new()));
    }
    let mut place = 0;
    loop {
        let batch = records.read_batch(super::BATCH_ROWS)?;
        if batch.is_empty() {
            break;
        }
        for record in &batch {
            if let Some(cells) = wanted.get_mut(&place) {
                *cells = cells_of(record);
            }
            place += 1;
        }
    }
    let pair = |(place, (_, verdict)): (usize, (&str, Verdict))| match verdict {
        Verdict::Duplicate(first) => {
            let cells = |place| wanted.get(&place).cloned().unwrap_or_default();
            let (cells, first_cells) = (cells(place), cells(first));
            Some(DuplicatePair { place, first, cells, first_cells, enrolled: None })
        }
        _ => to_review.get(&place).map(|office| DuplicatePair {
            place,
            first: place,
            cells: wanted.get(&place).cloned().unwrap_or_default(),
            first_cells: Vec::new(),
            enrolled: Some(*office),
        }),
    };
    Ok((columns, register.rows().enumerate().filter_map(pair).collect()))
}

/// Returns a register of one row, for the person of a reviewed row.
pub fn of_one_row(columns: &[String], cells: &[String]) -> String {
    let line = |cells: &[String]| {
        let quoted = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        quoted.collect::<Vec<_>>().join(",")
    };
    format!("{}\n{}\n", line(columns), line(cells))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn pairs_show_rows_as_they_stand_and_each_can_be_checked_again() {
        let sample = &include_bytes!("../../data/register.csv")[..];
        let today = praman_language::calendar::today();
        let register = check(sample, today, |_| ()).expect("a register");
        let (columns, pairs) = duplicate_pairs(sample, &register, &BTreeMap::new()).expect("read");
        assert_eq!(pairs.len(), register.counts().duplicates);
        let number = columns.iter().position(|name| name == "register_no").expect("a column");
        for pair in &pairs {
            assert_eq!(pair.cells[number].trim(), register.register_no(pair.place));
            assert_eq!(pair.first_cells[number].trim(), register.register_no(pair.first));
            assert!(pair.first < pair.place);
            let again = of_one_row(&columns, &pair.cells);
            let again = check(again.as_bytes(), today, |_| ()).expect("a register");
            assert_eq!((again.counts().rows, again.counts().accepted), (1, 1));
        }
    }
}
