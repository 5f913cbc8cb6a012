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
    // Devanagari, Bengali, full-width.
    let zero = match character {
        '\u{966}'..='\u{96f}' => 0x966,
        '\u{9e6}'..='\u{9ef}' => 0x9e6,
        '\u{ff10}'..='\u{ff19}' => 0xff10,
        _ => return None,
    };
    char::from_digit(u32::from(character) - zero, 10)
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
        assert_eq!(code("sbin\u{ff10}"), "SBIN0");
        assert_eq!(text("   "), "");
    }
}
