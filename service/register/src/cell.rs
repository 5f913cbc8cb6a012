//! The text of a cell.

use unicode_normalization::UnicodeNormalization;

/// Returns a cell's text: invisible characters dropped, digits of Indian scripts and full-width forms made
/// ASCII, runs of white space made one space, none at the ends.
pub(super) fn text(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut space = false;
    for character in cell.chars().filter(|&character| !is_invisible(character)) {
        if character.is_whitespace() || character.is_control() {
            space = true;
            continue;
        }
        if space && !text.is_empty() {
            text.push(' ');
        }
        space = false;
        text.push(match character {
            // Dashes of all kinds, which spreadsheets write for a hyphen.
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            other => ascii_digit(other).unwrap_or(other),
        });
    }
    text
}

/// Returns a cell's cleaned text without the apostrophe that a spreadsheet writes before what it is to keep as a text.
pub(super) fn without_mark(text: String) -> String {
    match text.strip_prefix(['\'', '`']) {
        Some(kept) => kept.trim_start().to_owned(),
        None => text,
    }
}

/// Returns [`text`] with full-width and other compatibility forms made plain, in upper case.
pub(super) fn code(cell: &str) -> String {
    text(&cell.nfkc().collect::<String>()).to_uppercase()
}

/// Invisible marks, and code points that are not characters, which no XML file may contain.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}' | '\u{feff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(character) & 0xfffe == 0xfffe
}

fn ascii_digit(character: char) -> Option<char> {
    /// Where the digits begin: Arabic as in Arabia and as in India, Devanagari, Bengali, Gurmukhi, Gujarati, Odia,
    /// Tamil, Telugu, Kannada, Malayalam, Ol Chiki, full-width.
    const ZEROS: [u32; 13] = [
        0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0x1c50, 0xff10,
    ];
    let code = u32::from(character);
    let zero = ZEROS.iter().find(|&&zero| (zero..zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_digits_and_invisible_characters_are_normalised() {
        assert_eq!(text(" \u{a0}A \u{200b} B\t"), "A B");
        assert_eq!(text("Hasina\u{fffe} Biswas\u{ffff}\u{1fffe}\u{fdd0}"), "Hasina Biswas");
        assert_eq!(text("২৯/০১/১৯৮২"), "29/01/1982");
        assert_eq!(text("१२"), "12");
        assert_eq!(text("੧૨୩௪౫೬൭᱘۹٠"), "1234567890");
        assert_eq!(without_mark(text("\u{200b}' 00123")), "00123");
        assert_eq!(code("sbin\u{ff10}"), "SBIN0");
        assert_eq!(text("   "), "");
    }
}
