//! The name of a person who is paid, as a bank gets it: whether a cell has one.

use unicode_normalization::UnicodeNormalization;

use super::name::{is_honorific, is_surname};
use super::relation::{is_word_within_names, relation};

/// Honorifics that are also given names: removed for comparison, never from an account's name.
const GIVEN_NAMES_TOO: [&str; 16] = [
    "MST",
    "MOST",
    "MOSSAMAT",
    "MOSAMMAT",
    "MUSAMMAT",
    "MOSSAMMAT",
    "MOSAMAT",
    "SRI",
    "SREE",
    "SHREE",
    "KM",
    "KUMARI",
    "LT",
    "শ্রী",
    "কুমারী",
    "ড",
];

/// Whether a word is an honorific and not a given name.
fn is_title(word: &str) -> bool {
    let bare = word.trim_end_matches('.').to_uppercase();
    is_honorific(word) && !GIVEN_NAMES_TOO.contains(&bare.as_str())
}

/// Words in the place of a name that is not known, or is that of the row before; and rows that are no person's.
const NO_NAMES: [&str; 29] = [
    "TOTAL",
    "GRAND TOTAL",
    "SUB TOTAL",
    "SUBTOTAL",
    "PAGE TOTAL",
    "VACANT",
    "BLANK",
    "DUMMY",
    "SAMPLE",
    "NOT GIVEN",
    "NO NAME",
    "NAME",
    "XYZ",
    "ঐ",
    "মোট",
    "NA",
    "N.A",
    "N/A",
    "NIL",
    "NULL",
    "NONE",
    "UNKNOWN",
    "NOT KNOWN",
    "NOT AVAILABLE",
    "TEST",
    "DO",
    "DITTO",
    "-DO-",
    "SAME",
];

/// Words that say that a person has died, wherever they stand in a name.
const LATE: [&str; 37] = [
    "DECD",
    "SWARGWASI",
    "मृतका",
    "स्वर्गवासी",
    "EXPD",
    "স্ব",
    "স্বঃ",
    "মৃত্যু",
    "পরলোকগত",
    "मृत्यु",
    "LATE",
    "DECEASED",
    "EXPIRED",
    "DEATH",
    "DEAD",
    "DIED",
    "SWARGIYA",
    "SWARGIYO",
    "SWARGIO",
    "SWARGATA",
    "MARHUM",
    "MARHUMA",
    "MARHOOM",
    "MRITA",
    "মৃত",
    "মৃতা",
    "প্রয়াত",
    "প্রয়াতা",
    "স্বর্গীয়",
    "স্বর্গীয়া",
    "স্বর্গত",
    "মরহুম",
    "स्व",
    "स्वर्गीय",
    "मृत",
    "मृतक",
    "दिवंगत",
];

/// Words between the names of two persons.
const BETWEEN_TWO: [&str; 8] = ["AND", "OR", "ও", "এবং", "আর", "और", "एवं", "तथा"];

/// What a cell has before a name that it labels.
const LABELS: [&str; 7] = ["NAME", "নাম", "नाम", "FATHER", "HUSBAND", "পিতা", "স্বামী"];

/// Whether a text in capitals stands in the place of a name that is not known.
pub(super) fn is_no_name(upper: &str) -> bool {
    NO_NAMES.contains(&upper.trim_end_matches('.'))
}

/// The part of a cell that is the person's own name: without the relation to another and that one's name.
/// None if it is another's: `तपन दास की पत्नी` stands before the name that is meant.
fn own_part(cell: &str) -> Option<&str> {
    const GENITIVES: [&str; 3] = ["का", "की", "के"];
    let starts = cell.char_indices().filter(|&(at, _)| cell[..at].ends_with([' ', ',', '(']));
    let is_relation = |&at: &usize| {
        let words = cell[..at].split_whitespace().count();
        // `उमा पति झा` is one name.
        relation(&cell[at..]).is_some() && (words > 1 || !is_word_within_names(&cell[at..]))
    };
    let Some(end) = starts.map(|(at, _)| at).find(is_relation) else { return Some(cell) };
    let own = cell[..end].trim_end_matches([' ', ',', '(', '-']);
    let last = own.split_whitespace().next_back().unwrap_or_default();
    (!GENITIVES.contains(&last)).then_some(own)
}

/// Whether a cell in capitals has the names of two persons.
fn is_of_two(upper: &str) -> bool {
    let words: Vec<&str> = upper.split(' ').collect();
    // `এস আর দাস` has initials: a name is longer than the name of a letter.
    let joins = |two: &[&str]| {
        BETWEEN_TWO.contains(&two[1]) && (two[1].is_ascii() || two[0].chars().count() > 2)
    };
    upper.contains(['&', '+', ';', '\\', '|'])
        || words.windows(2).any(joins)
        || is_of_two_with_slash(upper)
        || is_of_two_with_comma(upper)
}

/// `Sabina / Tapan Hansda` is of two; `Md./ Abdul Karim` has a title before it, and `Anita Roy/Das` two surnames.
fn is_of_two_with_slash(upper: &str) -> bool {
    const TITLES: [&str; 10] = ["MD", "MOHD", "SK", "SH", "SMT", "মো", "মোঃ", "মোছা", "সেখ", "শেখ"];
    let Some((before, after)) = upper.split_once('/') else { return false };
    let mut words = before.split([' ', '.']).filter(|word| !word.is_empty());
    let is_title = |word: &str| TITLES.contains(&word) || is_honorific(word);
    let is_after_title = words.all(is_title) && !after.trim().is_empty();
    !is_after_title && !is_surname(after.trim()) || after.contains('/')
}

/// `Rina Das, Mina Das` is of two; `Das Gupta, Rina` and `Roy, R. K.` are one.
fn is_of_two_with_comma(upper: &str) -> bool {
    let is_long = |word: &&str| word.trim_end_matches('.').chars().count() > 1;
    let parts: Vec<Vec<&str>> = upper
        .split(',')
        .map(|part| part.split_whitespace().filter(is_long).collect())
        .filter(|part: &Vec<&str>| !part.is_empty())
        .collect();
    let has_two = parts.len() > 1 && parts.iter().all(|part| part.len() > 1);
    has_two && !parts[0].iter().all(|word| is_surname(word))
}

/// Returns the name of a person who is paid, from a cleaned cell, without honorifics; `None` if it is no name, has a
/// digit or a label, is of two persons, or of one who has died. What stands behind a relation is another's name.
pub(super) fn payee(cell: &str) -> Option<&str> {
    /// The sign before the name of somebody who has died, in Bengali.
    const ISSHAR: char = '\u{9fa}';
    let own = own_part(cell)?;
    let upper = own.nfc().collect::<String>().to_uppercase();
    // The signs after an abbreviation and a sentence in Indian scripts.
    let is_end = |one: char| {
        one.is_whitespace()
            || one.is_ascii_punctuation()
            || matches!(one, '\u{964}' | '\u{965}' | '\u{970}')
    };
    let words: Vec<&str> = upper.split(is_end).filter(|word| !word.is_empty()).collect();
    // A visarga stands for a colon, also without a space behind it; it may end a name's word.
    let is_one_of = |words: &[&str], word: &str| {
        words.contains(&word) || word.split_once('ঃ').is_some_and(|(head, _)| words.contains(&head))
    };
    // `লেট` is a surname as well.
    let is_let = words.first() == Some(&"লেট") && words.len() > 1;
    let has_died =
        upper.contains(ISSHAR) || is_let || words.iter().any(|word| is_one_of(&LATE, word));
    let is_none = is_no_name(&upper)
        || is_no_name(upper.trim_matches(is_end))
        || words.iter().all(|word| word.chars().all(|letter| letter == 'X'));
    let is_label = |word: &&str| is_one_of(&LABELS, word);
    let is_labelled = |word: &&str| is_label(word) && (words.len() > 1 || word.contains('ঃ'));
    let has_label = words.first().is_some_and(is_labelled);
    let has_label = has_label
        || upper.split_once([':', '-', '=']).is_some_and(|(before, _)| {
            before.split(is_end).rfind(|word| !word.is_empty()).as_ref().is_some_and(is_label)
        });
    let has_digit = upper.chars().any(char::is_numeric);
    if has_died || is_none || has_label || has_digit || is_of_two(&upper) || relation(own).is_some()
    {
        return None;
    }
    without_honorifics(own)
}

/// Removes leading honorifics from a cleaned cell, except those that may be given names; `None` if nothing is left,
/// or too much.
fn without_honorifics(cell: &str) -> Option<&str> {
    let mut name = cell;
    loop {
        // `Smt.Rina` has no space after the honorific's stop.
        let end = name.find([' ', '.']).map(|end| end + 1);
        match end {
            Some(end) if is_title(name[..end].trim_end()) => name = name[end..].trim_start(),
            _ if is_title(name) => return None,
            _ => break,
        }
    }
    let has_letters = name.chars().any(char::is_alphabetic);
    (has_letters && name.chars().count() <= 200).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell's words are compared in this form, and the lists with them as they stand.
    #[test]
    fn lists_of_words_are_in_composed_form() {
        for word in NO_NAMES.iter().chain(&LATE).chain(&BETWEEN_TWO).chain(&LABELS) {
            assert!(word.nfc().eq(word.chars()), "{word}");
        }
    }

    #[test]
    fn honorifics_are_no_part_of_a_name() {
        for (cell, expected) in [
            ("Smt. Malati Hansda", Some("Malati Hansda")),
            ("Shri Late Kartik Sarkar", Some("Kartik Sarkar")),
            ("Smt.Rina Das", Some("Rina Das")),
            ("শ্রীমতী রিনা দাস", Some("রিনা দাস")),
            ("Md. Rahim", Some("Md. Rahim")),
            ("Srijita Das", Some("Srijita Das")),
            // Given names that are honorifics elsewhere stay in the account's name.
            ("Kumari Mondal", Some("Kumari Mondal")),
            ("Sri Devi", Some("Sri Devi")),
            ("Devi Sarkar", Some("Devi Sarkar")),
            ("Smt.", None),
            ("", None),
            ("...", None),
            ("=HYPERLINK(\"x\")", Some("=HYPERLINK(\"x\")")),
        ] {
            assert_eq!(without_honorifics(cell), expected, "{cell}");
        }
        for none in [
            "Late Sabina Hansda",
            "Sabina Hansda (Late)",
            "মৃত রিনা দাস",
            "NA",
            "N.A.",
            "-do-",
            "Test",
            "Sabina & Tapan Hansda",
            "1. Sabina Hansda",
            "Sabina Hansda 2",
            "Smt Late Sabina Hansda",
            "Sabina Hansda (Death)",
            "Sabina Hansda - Expired",
            "Marhum Karim Molla",
            "প্রয়াত রিনা দাস",
            "রিনা দাস (মৃতা)",
            "स्वर्गीय रीना दास",
            "W/O Tapan Hansda",
            "w/o Late Tapan Hansda",
            "Name: Sabina Hansda",
            "Sabina Hansda / Tapan Hansda",
            "Sabina Hansda, Tapan Hansda",
            "Sabina Hansda; Tapan Hansda",
            "Sabina + Tapan Hansda",
            "রিনা ও তপন দাস",
            "रीना और तपन दास",
            "স্ব. তপন দাস",
            "Smt স্ব. রিনা দাস",
            "৺তপন দাস",
            "রিনা দাস (মৃত্যু)",
            "পরলোকগত তপন দাস",
            "Wife of Tapan Das",
            "Name - Rina Das",
            "নামঃ রিনা দাস",
            "Rina Das / Tapan Das",
            "Rina Das W/O",
            "Md. Ali W/O",
            "রমা দাস / তপন দাস",
            "Uma / Ram Das",
            "तपन दास की पत्नी रीना देवी",
            "মৃতঃ রিনা দাস",
            "স্বঃতপন দাস",
            "নামঃরিনা দাস",
            "स्व॰ तपन दास",
            "লেট রিনা দাস",
            "मृतका रीना",
            "রিনা দাস।মৃত",
            "নাম: রিনা দাস",
            "রিনা আর তপন দাস",
            "TOTAL",
            "Grand Total:",
            "VACANT",
            "XXXX",
            "x x",
            "(NA)",
        ] {
            assert_eq!(payee(none), None, "{none}");
        }
        for (cell, name) in [
            ("Smt. Nataraj Das", "Nataraj Das"),
            ("Lt Thangmawia", "Lt Thangmawia"),
            ("Mst. Amina Bibi", "Mst. Amina Bibi"),
            ("Anand Das", "Anand Das"),
            ("Hansda, Sabina", "Hansda, Sabina"),
            ("Sabina Hansda W/O Late Tapan Hansda", "Sabina Hansda"),
            ("Sabina Hansda, w/o Tapan & Sons", "Sabina Hansda"),
            ("Sabina Hansda (D/O Tapan)", "Sabina Hansda"),
            ("S. O. Das", "S. O. Das"),
            ("S.O. Das", "S.O. Das"),
            ("Rina Das Wife of Late Tapan Das", "Rina Das"),
            ("রিনা দাস স্বামী তপন দাস", "রিনা দাস"),
            ("रीना देवी पत्नी तपन दास", "रीना देवी"),
            ("Sk./Rahim", "Sk./Rahim"),
            ("उमा पति झा", "उमा पति झा"),
            ("গোপাল লেট", "গোপাল লেট"),
            ("মোঃ আব্দুল করিম", "মোঃ আব্দুল করিম"),
            ("Das Gupta, R. K.", "Das Gupta, R. K."),
            ("Roy Chowdhury, Anita Rani", "Roy Chowdhury, Anita Rani"),
            ("Md./ Abdul Karim", "Md./ Abdul Karim"),
            ("Anita Roy/Das", "Anita Roy/Das"),
            ("মো: আব্দুল করিম", "মো: আব্দুল করিম"),
            ("Md: Abdul Karim", "Md: Abdul Karim"),
            ("এস আর দাস", "এস আর দাস"),
            ("ও. পি. শর্মা", "ও. পি. শর্মা"),
            ("আর. কে. দাস", "আর. কে. দাস"),
            ("Latika Das", "Latika Das"),
            ("রিনা দাস", "রিনা দাস"),
        ] {
            assert_eq!(payee(cell), Some(name));
        }
        assert!(without_honorifics(&"A".repeat(200)).is_some());
        assert!(without_honorifics(&"A".repeat(201)).is_none());
        assert!(without_honorifics(&"অ".repeat(200)).is_some());
    }
}
