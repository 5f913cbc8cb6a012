//! Records of a CSV file: a broken one does not affect those after it.
//!
//! A file is read as a spreadsheet saves it: with commas, semicolons or tabs between cells, the first line `sep=;`,
//! blank lines before the header, a carriage return alone at a line's end, UTF-16 or a byte order mark.
//!
//! A record is usually one line. Quotes may span lines; a quote that is never closed would swallow
//! the rest of the file, so a record that stays open for [`MAX_LINES`] lines is read as its first line alone, broken.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use super::RegisterError;
use super::encoding::Utf8;
use super::header::Header;

/// The delimiters between cells.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Lines that one record may span.
const MAX_LINES: usize = 8;

/// The longest line; a longer one is cut, so that a file without line ends can't fill the memory.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Lines among which a header is looked for: titles may stand above it.
const HEADER_LINES: usize = 12;

/// One record's cells.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    is_broken: bool,
}

impl Record {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether a quote in it is never closed.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether nothing is in its cells.
    fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}

/// The records of a file.
pub(super) struct Records<R> {
    input: BufReader<Utf8<R>>,
    delimiter: u8,
    line_end: u8,
    /// Lines read ahead while looking for a closing quote.
    ahead: VecDeque<Vec<u8>>,
    cells: usize,
    line: usize,
    bytes: u64,
    /// Pages of a printed list repeat it.
    header: Option<Record>,
}

impl<R: Read> Records<R> {
    /// # Errors
    /// [`RegisterError::Read`] if the file's beginning can't be read.
    pub(super) fn new(input: R) -> Result<Self, RegisterError> {
        let failed = |source| RegisterError::Read { line: 1, source };
        let mut input = BufReader::with_capacity(1 << 20, Utf8::new(input).map_err(failed)?);
        let head = input.fill_buf().map_err(failed)?;
        let first_end = head.iter().position(|&byte| matches!(byte, b'\n' | b'\r'));
        // A carriage return without a line feed ends the lines of old spreadsheets.
        let is_bare = first_end.is_some_and(|at| {
            head[at] == b'\r' && head.get(at + 1).is_some_and(|&next| next != b'\n')
        });
        let line_end = if is_bare { b'\r' } else { b'\n' };
        Ok(Self {
            input,
            delimiter: b',',
            line_end,
            ahead: VecDeque::new(),
            cells: 0,
            line: 0,
            bytes: 0,
            header: None,
        })
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// Sets how many cells a complete record has.
    pub(super) fn expect_cells(&mut self, cells: usize) {
        self.cells = cells;
    }

    /// Reads up to the header, which has most of some columns; the first line if none has. None in an empty file.
    pub(super) fn header(
        &mut self,
        columns: &[&'static str],
    ) -> Result<Option<Header>, RegisterError> {
        let (mut said, mut first) = (None, None);
        for _ in 0..HEADER_LINES {
            let Some(mut line) = self.next_line()? else { break };
            if line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if let Some(delimiter) = said_delimiter(&line) {
                said = Some(delimiter);
                continue;
            }
            self.delimiter = said.unwrap_or_else(|| likely_delimiter(&line));
            // A name in quotes may go over several lines.
            let mut lines = 1;
            while is_open(&line, self.delimiter) && lines < MAX_LINES {
                let Some(next) = self.next_line()? else { break };
                line.push(b'\n');
                line.extend_from_slice(&next);
                lines += 1;
            }
            let record = parse(&line, self.delimiter);
            let header = Header::of(&record);
            if header.is_for(columns) {
                self.header = Some(record);
                return Ok(Some(header));
            }
            first.get_or_insert(header);
        }
        Ok(first)
    }

    /// Returns the line reached, from 1.
    pub(super) fn line(&self) -> usize {
        self.line - self.ahead.len()
    }

    /// Reads up to `most` records; none at the end of the file.
    pub(super) fn read_batch(&mut self, most: usize) -> Result<Vec<Record>, RegisterError> {
        let mut batch = Vec::with_capacity(most);
        while batch.len() < most {
            match self.next_record()? {
                Some(record) => batch.push(record),
                None => break,
            }
        }
        Ok(batch)
    }

    /// Reads the next record that has something in it and is not the header again.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>, RegisterError> {
        loop {
            match self.any_record()? {
                Some(record) if record.is_blank() || self.header.as_ref() == Some(&record) => {}
                record => return Ok(record),
            }
        }
    }

    fn any_record(&mut self) -> Result<Option<Record>, RegisterError> {
        let first = loop {
            match self.next_line()? {
                None => return Ok(None),
                Some(line) if line.iter().all(u8::is_ascii_whitespace) => {}
                Some(line) => break line,
            }
        };
        if !first.contains(&b'"') {
            return Ok(Some(split(&first, self.delimiter)));
        }
        let mut whole = first.clone();
        let mut taken = Vec::new();
        while is_open(&whole, self.delimiter) && taken.len() + 1 < MAX_LINES {
            let Some(next) = self.next_line()? else { break };
            whole.push(b'\n');
            whole.extend_from_slice(&next);
            taken.push(next);
        }
        let record = parse(&whole, self.delimiter);
        let closed = !is_open(&whole, self.delimiter);
        if closed && (taken.is_empty() || record.len() == self.cells) {
            return Ok(Some(record));
        }
        // The quote is never properly closed: the first line is a broken record, reading goes on after it.
        for line in taken.into_iter().rev() {
            self.ahead.push_front(line);
        }
        let mut broken = split(&first, self.delimiter);
        broken.is_broken = true;
        Ok(Some(broken))
    }

    /// Reads the next line without its end.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, RegisterError> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        self.line += 1;
        let number = self.line;
        let failed = |source| RegisterError::Read { line: number, source };
        let mut line = Vec::new();
        let read = (&mut self.input)
            .take(MAX_LINE_BYTES)
            .read_until(self.line_end, &mut line)
            .map_err(failed)?;
        self.bytes += read as u64;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == MAX_LINE_BYTES && line.last() != Some(&self.line_end) {
            self.bytes += self.skip_to_line_end().map_err(failed)?;
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(line))
    }

    fn skip_to_line_end(&mut self) -> std::io::Result<u64> {
        let mut skipped = 0;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(skipped);
            }
            let end = buffer.iter().position(|&byte| byte == self.line_end);
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(used);
            skipped += used as u64;
            if end.is_some() {
                return Ok(skipped);
            }
        }
    }
}

/// Returns the delimiter that a first line `sep=;` declares.
fn said_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii().strip_prefix(b"\"").unwrap_or(line.trim_ascii());
    let (name, rest) = line.split_at_checked(4)?;
    let delimiter = if name.eq_ignore_ascii_case(b"sep=") { rest.first().copied() } else { None };
    // A tab at the end was trimmed.
    match delimiter {
        None if name.eq_ignore_ascii_case(b"sep=") => Some(b'\t'),
        known => known.filter(|byte| DELIMITERS.contains(byte)),
    }
}

/// Returns the delimiter that gives a header the most cells.
fn likely_delimiter(header: &[u8]) -> u8 {
    let cells = |&delimiter: &u8| header.iter().filter(|&&byte| byte == delimiter).count();
    let best = DELIMITERS.iter().rev().max_by_key(|delimiter| cells(delimiter));
    best.copied().unwrap_or(b',')
}

/// Whether a quoted cell is still open at the end of the text. By RFC 4180 a quote opens a cell only
/// at its beginning; elsewhere in a cell without quotes it is data.
fn is_open(text: &[u8], delimiter: u8) -> bool {
    let (mut open, mut at_start) = (false, true);
    let mut bytes = text.iter().peekable();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' if open => {
                // Two in a row stand for one; a single one closes.
                open = bytes.next_if(|&&next| next == b'"').is_some();
            }
            b'"' if at_start => open = true,
            _ => {}
        }
        at_start = !open && byte == delimiter;
    }
    open
}

/// Splits a record without quotes.
fn split(line: &[u8], delimiter: u8) -> Record {
    let mut record = Record {
        bytes: Vec::with_capacity(line.len()),
        ends: Vec::with_capacity(17),
        is_broken: false,
    };
    for cell in line.split(|&byte| byte == delimiter) {
        record.bytes.extend_from_slice(cell);
        record.ends.push(record.bytes.len());
    }
    record
}

/// Parses a record with quotes, by RFC 4180.
fn parse(text: &[u8], delimiter: u8) -> Record {
    // Only a line feed ends a record here; a bare carriage return is white space, as without quotes.
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
    let mut bytes = vec![0; text.len() + 1];
    let mut ends = vec![0; text.iter().filter(|&&byte| byte == delimiter).count() + 2];
    let (mut input, mut written, mut cells) = (text, 0, 0);
    loop {
        let (result, read, out, ended) =
            reader.read_record(input, &mut bytes[written..], &mut ends[cells..]);
        input = &input[read..];
        written += out;
        cells += ended;
        // An empty input tells the reader that the record is at its end.
        if !matches!(result, ReadRecordResult::InputEmpty) {
            break;
        }
    }
    bytes.truncate(written);
    ends.truncate(cells);
    Record { bytes, ends, is_broken: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &[u8], cells: usize) -> Vec<Vec<String>> {
        let mut records = Records::new(text).expect("readable");
        records.expect_cells(cells);
        let texts = |record: &Record| {
            (0..record.len())
                .map(|i| String::from_utf8_lossy(record.cell(i)).into_owned())
                .collect()
        };
        records.read_batch(100).expect("readable").iter().map(texts).collect()
    }

    #[test]
    fn quoted_cells_are_read_whole_and_blank_lines_are_skipped() {
        let text =
            b"a,\"1,2\",c\r\n\r\n  \nd,\"say \"\"x\"\"\",f\ng,\"two\nlines\",i\nlast,one,cell";
        let expected = [
            ["a", "1,2", "c"],
            ["d", "say \"x\"", "f"],
            ["g", "two\nlines", "i"],
            ["last", "one", "cell"],
        ];
        assert_eq!(records(text, 3), expected);
    }

    /// The header and the rows of a file.
    fn file(text: &[u8]) -> Vec<Vec<String>> {
        let mut records = Records::new(text).expect("readable");
        let header = records.header(&["a", "b"]).expect("readable").expect("a header");
        records.expect_cells(header.count());
        let rows = records.read_batch(100).expect("readable");
        let header = records.header.clone().expect("it was found");
        let texts = |record: &Record| {
            (0..record.len())
                .map(|i| String::from_utf8_lossy(record.cell(i)).into_owned())
                .collect()
        };
        std::iter::once(&header).chain(&rows).map(texts).collect()
    }

    #[test]
    fn file_is_read_as_spreadsheets_save_it() {
        let expected = [["a", "b"], ["1,5", "x"], ["2", "y"]];
        let utf16: Vec<u8> = "\u{feff}a\tb\r\n1,5\tx\r\n2\ty\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for text in [
            &b"a;b\n1,5;x\n2;y\n"[..],
            b"a\tb\n1,5\tx\n2\ty\n",
            b"sep=;\r\na;b\r\n1,5;x\r\n2;y\r\n",
            b"\xef\xbb\xbfSEP=,\r\n\"a\",\"b\"\r\n\"1,5\",\"x\"\r\n\"2\",\"y\"\r\n",
            b"sep=\t\na\tb\n1,5\tx\n2\ty\n",
            b"\r\n  \r\na;b\r\n1,5;x\r\n2;y",
            b"a;b\r1,5;x\r2;y\r",
            b"A list\n;\na;b\n1,5;x\n;\na;b\n2;y\n\"\";\n",
            b"\xef\xbb\xbf\"a\",\"b\"\n\"1,5\",\"x\"\n\"2\",\"y\"\n",
            &utf16,
        ] {
            assert_eq!(file(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn open_quote_costs_one_record() {
        let rows: String = (0..20).map(|i| format!("r{i},x,y\n")).collect();
        let text = format!("r,\"never closed,y\n{rows}");
        let read = records(text.as_bytes(), 3);
        assert_eq!(read.len(), 21);
        assert_eq!(read[20], ["r19", "x", "y"]);
    }

    #[test]
    fn stray_quote_inside_a_cell_is_data() {
        let read = records(b"a,Rina \"Das,c\nd,e,f\ng,Mina\" Roy,i\n", 3);
        assert_eq!(read, [["a", "Rina \"Das", "c"], ["d", "e", "f"], ["g", "Mina\" Roy", "i"]]);
    }

    #[test]
    fn line_without_end_is_cut() {
        let text = [vec![b'x'; 1 << 20], b"\nb,c\n".to_vec()].concat();
        let read = records(&text, 2);
        assert_eq!(read[0][0].len() as u64, MAX_LINE_BYTES);
        assert_eq!(read[1], ["b", "c"]);
    }
}
