//! A register's bytes as UTF-8, however a spreadsheet has saved it.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};

/// How many bytes of a file are read ahead: a header lies within them.
const LOOKED_AT: usize = 64 * 1024;

/// A file: its beginning, and the rest of it.
pub(super) enum Utf8<R> {
    /// Bytes as they are.
    AsIs(io::Chain<io::Cursor<Vec<u8>>, R>),
    /// UTF-16, as UTF-8.
    Decoded(Decoded<io::Chain<io::Cursor<Vec<u8>>, R>>),
}

/// UTF-16 that is read as UTF-8. Invalid UTF-16 is read as the replacement character.
pub(super) struct Decoded<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Utf8<R> {
    /// Detects UTF-16 from a file's beginning: by its byte order mark, or because every other byte is zero.
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut head = vec![0; LOOKED_AT];
        let mut filled = 0;
        while filled < head.len() {
            match input.read(&mut head[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        head.truncate(filled);
        // Without a mark: the header's names are ASCII.
        const NAMES: usize = 64;
        let names = &head[..head.len().min(NAMES)];
        let zeros = |place: usize| names.iter().skip(place).step_by(2).all(|&byte| byte == 0);
        let has_text = head.len() >= 4;
        let encoding = match head.get(..2) {
            Some([0xff, 0xfe]) => Some(UTF_16LE),
            Some([0xfe, 0xff]) => Some(UTF_16BE),
            _ if has_text && zeros(1) => Some(UTF_16LE),
            _ if has_text && zeros(0) => Some(UTF_16BE),
            _ => None,
        };
        let input = io::Cursor::new(head).chain(input);
        Ok(match encoding {
            None => Self::AsIs(input),
            Some(encoding) => Self::Decoded(Decoded {
                input,
                decoder: encoding.new_decoder(),
                raw: Vec::new(),
                text: Vec::new(),
                given: 0,
                is_over: false,
            }),
        })
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::AsIs(input) => input.read(buffer),
            Self::Decoded(input) => input.read(buffer),
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const RAW: usize = 64 * 1024;
        while self.given == self.text.len() {
            if self.is_over {
                return Ok(0);
            }
            self.raw.resize(RAW, 0);
            let read = self.input.read(&mut self.raw)?;
            self.is_over = read == 0;
            self.text.resize(3 * RAW, 0);
            let (result, _, written, _) =
                self.decoder.decode_to_utf8(&self.raw[..read], &mut self.text, self.is_over);
            debug_assert!(result == CoderResult::InputEmpty, "three bytes a unit are room enough");
            self.text.truncate(written);
            self.given = 0;
        }
        let count = buffer.len().min(self.text.len() - self.given);
        buffer[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_read_with_and_without_its_mark() {
        let text = "name,guardian\nরিনা,করিম\n".repeat(20_000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = [&[0xff, 0xfe][..], &little].concat();
        let english: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, expected) in [
            (text.clone().into_bytes(), text.as_str()),
            (marked, &text),
            ([&[0xfe, 0xff][..], &big].concat(), &text),
            (english, "a,b\n1,2\n"),
            (Vec::new(), ""),
            (b"a".to_vec(), "a"),
        ] {
            let mut read = String::new();
            let utf8 = Utf8::new(&bytes[..]).expect("begun");
            { utf8 }.read_to_string(&mut read).expect("UTF-8");
            assert!(read.trim_start_matches('\u{feff}') == expected, "{} bytes", bytes.len());
        }
    }
}
