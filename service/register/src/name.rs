//! Names: honorifics, and the romanised spellings of Bengali surnames.
//!
//! One Bengali name has many Latin spellings. A name is reduced to its tokens, the class of its
//! surname (Mondal, Mandal and Mondol are one) and its given part; a *fold* maps letters that
//! romanisers interchange to one.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// Spellings of one surname, a class to a line. `BIBI`, `BEWA`, `KHATUN` and `BEGUM` are different.
const SURNAMES: &str = include_str!("surnames.txt");

/// Given names so common that two of them are two people, however similar the spelling.
const GIVEN_NAMES: &str = include_str!("given_names.txt");

const HONORIFICS: [&str; 44] = [
    "SMT",
    "SMTI",
    "SRIMATI",
    "SHRIMATI",
    "SREEMATI",
    "SHREEMATI",
    "SHRI",
    "SRI",
    "SHREE",
    "SREE",
    "SRIJUKTA",
    "MR",
    "MRS",
    "MS",
    "MISS",
    "DR",
    "PROF",
    "LATE",
    "LT",
    "JANAB",
    "KM",
    "KUMARI",
    "শ্রী",
    "শ্রীমতী",
    "শ্রীমতি",
    "জনাব",
    "ডাঃ",
    "ড",
    "কুমারী",
    "মৃত",
    "স্বর্গীয়",
    "DECEASED",
    "MST",
    "MOST",
    "MOSSAMAT",
    "MOSAMMAT",
    "MOSAMMAD",
    "MUSAMMAT",
    "MOSSAMMAT",
    "MOSAMAT",
    "স্ব",
    "श्री",
    "श्रीमती",
    "स्व",
];

/// Spellings of Mohammad as a first part of names.
const MOHAMMADS: [&str; 8] =
    ["MD", "MOHD", "MOHAMMAD", "MOHAMMED", "MUHAMMAD", "MOHAMAD", "MAHAMMAD", "MUHAMMED"];

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

/// The words before a guardian's name that give the relation.
const RELATIONS: [&str; 29] = [
    "S/O",
    "W/O",
    "D/O",
    "C/O",
    "H/O",
    "F/O",
    "M/O",
    "G/O",
    "B/O",
    "R/O",
    "SON OF",
    "WIFE OF",
    "DAUGHTER OF",
    "CARE OF",
    "HUSBAND OF",
    "WIDOW OF",
    "FATHER OF",
    "GUARDIAN OF",
    "পিতা",
    "স্বামী",
    "FATHER'S NAME",
    "FATHER",
    "HUSBAND'S NAME",
    "HUSBAND",
    "MOTHER",
    "GUARDIAN",
    "পিতার নাম",
    "पिता",
    "पति",
];

/// Returns a guardian's name without the relation, and without words that say that they have died.
pub(super) fn guardian(cell: &str) -> &str {
    let mut name = cell.trim();
    // (Father), (Husband) and the like after the name.
    if let Some((before, rest)) = name.split_once('(')
        && rest.ends_with(')')
        && !before.trim().is_empty()
    {
        name = before.trim();
    }
    loop {
        let before = name;
        for relation in RELATIONS {
            let Some(head) = name.get(..relation.len()) else { continue };
            let rest = &name[relation.len()..];
            let is_apart = rest.starts_with(|next: char| !next.is_alphanumeric())
                || relation.contains('/') && !rest.is_empty();
            if head.to_uppercase() == relation && is_apart {
                name = rest.trim_start_matches(|next: char| !next.is_alphanumeric());
            }
        }
        if let Some((first, rest)) = name.split_once([' ', '.'])
            && is_honorific(first)
            && !rest.trim().is_empty()
        {
            name = rest.trim_start_matches(['.', ' ']);
        }
        if name == before {
            break;
        }
    }
    let upper = name.to_uppercase();
    let is_none = NO_NAMES.contains(&upper.trim_end_matches('.')) || upper == "SELF";
    if is_none { "" } else { name }
}

pub(super) fn is_honorific(word: &str) -> bool {
    let bare = word.trim_end_matches('.').to_uppercase();
    HONORIFICS.contains(&bare.as_str())
}

/// Whether a word is an honorific and not a given name.
fn is_title(word: &str) -> bool {
    let bare = word.trim_end_matches('.').to_uppercase();
    is_honorific(word) && !GIVEN_NAMES_TOO.contains(&bare.as_str())
}

/// Words in the place of a name that is not known, or is that of the row before.
const NO_NAMES: [&str; 14] = [
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

/// Words that say that a person has died.
const LATE: [&str; 8] = ["LATE", "LT", "DECEASED", "EXPIRED", "মৃত", "স্বর্গীয়", "स्व", "मृत"];

/// Returns the name of a person who is paid, from a cleaned cell, without honorifics; `None` if it is no name, has a
/// digit, is of two persons, or of one who has died.
pub(super) fn payee(cell: &str) -> Option<&str> {
    let upper = cell.nfc().collect::<String>().to_uppercase();
    let mut words = upper.split([' ', '.', '(', ')', ',', '-']).filter(|word| !word.is_empty());
    // `Lt` is a given name, too, and `late` is one only at an end.
    let first = words.next().unwrap_or_default();
    let last = words.next_back().unwrap_or_default();
    let has_died =
        (LATE.contains(&first) && first != "LT") || (LATE.contains(&last) && last != "LT");
    let is_no_name = NO_NAMES.contains(&upper.trim_end_matches('.'));
    let is_of_two = upper.contains('&') || upper.split(' ').any(|word| word == "AND");
    let has_digit = upper.bytes().any(|byte| byte.is_ascii_digit());
    if has_died || is_no_name || is_of_two || has_digit {
        return None;
    }
    without_honorifics(cell)
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

/// A surname class: its number.
type Surname = usize;

struct SurnameTable {
    classes: Vec<Vec<&'static str>>,
    by_spelling: HashMap<&'static str, Surname>,
    /// Spellings of three letters or more, longest first.
    suffixes: Vec<&'static str>,
}

static TABLE: LazyLock<SurnameTable> = LazyLock::new(|| {
    let classes: Vec<Vec<&str>> =
        SURNAMES.lines().map(|line| line.split_whitespace().collect()).collect();
    let by_spelling: HashMap<&str, Surname> = classes
        .iter()
        .enumerate()
        .flat_map(|(class, spellings)| spellings.iter().map(move |&spelling| (spelling, class)))
        .collect();
    let mut suffixes: Vec<&str> =
        by_spelling.keys().copied().filter(|spelling| spelling.len() >= 3).collect();
    suffixes.sort_by_key(|spelling| (std::cmp::Reverse(spelling.len()), *spelling));
    SurnameTable { classes, by_spelling, suffixes }
});

static COMMON_GIVEN: LazyLock<std::collections::HashSet<String>> = LazyLock::new(|| {
    GIVEN_NAMES.split_whitespace().map(|name| fold(&name.to_uppercase())).collect()
});

/// A romanised name taken apart.
#[derive(Clone)]
pub(super) struct RomanName {
    pub(super) tokens: Vec<String>,
    /// The tokens without spaces between them, since slips affect spaces too.
    pub(super) joined: String,
    pub(super) surname: Option<Surname>,
    pub(super) given: String,
    pub(super) given_folded: String,
}

impl RomanName {
    pub(super) fn of(name: &str) -> Self {
        Self::from_tokens(tokens(name))
    }

    fn from_tokens(tokens: Vec<String>) -> Self {
        let joined = tokens.concat();
        let mut given = joined.clone();
        let mut surname = None;
        let last = tokens.last().map(String::as_str).unwrap_or_default();
        if let (true, Some(&class)) = (tokens.len() > 1, TABLE.by_spelling.get(last)) {
            surname = Some(class);
            given.truncate(joined.len() - last.len());
        } else if let Some(suffix) = TABLE
            .suffixes
            .iter()
            .find(|suffix| joined.len() >= suffix.len() + 3 && joined.ends_with(**suffix))
        {
            surname = Some(TABLE.by_spelling[suffix]);
            given.truncate(joined.len() - suffix.len());
        }
        let given_folded = fold(&given);
        Self { tokens, joined, surname, given, given_folded }
    }

    /// Returns the same name with its first token moved to the end.
    pub(super) fn rotated(&self) -> Option<Self> {
        if self.tokens.len() < 2 {
            return None;
        }
        let mut tokens = self.tokens.clone();
        tokens.rotate_left(1);
        Some(Self::from_tokens(tokens))
    }

    /// Returns the name under every spelling of its surname.
    pub(super) fn spellings(&self) -> Vec<String> {
        match self.surname {
            None => vec![self.joined.clone()],
            Some(class) => TABLE.classes[class]
                .iter()
                .map(|spelling| format!("{}{spelling}", self.given))
                .collect(),
        }
    }

    /// Whether the given name is a common one.
    pub(super) fn is_common(&self) -> bool {
        COMMON_GIVEN.contains(&self.given_folded)
    }
}

/// Returns a name without another one by which the person is known: `Sabina Hansda @ Sabi`.
fn without_alias(name: &str) -> &str {
    let upper = name.to_ascii_uppercase();
    let marks = [" @ ", "@", " ALIAS ", " URF ", " ORF ", " AKA "];
    let end = marks.iter().filter_map(|mark| upper.find(mark)).min();
    let before = end.map_or(name, |end| &name[..end]);
    if before.trim().is_empty() { name } else { before }
}

fn tokens(name: &str) -> Vec<String> {
    let plain: String = without_alias(name)
        .nfkd()
        .filter(|character| !('\u{300}'..='\u{36f}').contains(character))
        .filter(|character| !matches!(character, '\'' | '’' | '`'))
        .collect();
    let upper = plain.to_uppercase();
    let mut tokens: Vec<String> = upper
        .split(|character: char| !character.is_ascii_uppercase())
        .filter(|token| !token.is_empty())
        .map(|token| if MOHAMMADS.contains(&token) { "MD".to_owned() } else { token.to_owned() })
        .collect();
    while tokens.len() > 1 && HONORIFICS.contains(&tokens[0].as_str()) {
        tokens.remove(0);
    }
    while tokens.len() > 1 && ["SMT", "MRS", "LATE"].contains(&tokens[tokens.len() - 1].as_str()) {
        tokens.pop();
    }
    tokens
}

/// Maps letters that romanisers of Bengali interchange to one.
pub(super) fn fold(upper: &str) -> String {
    let mut text = upper.to_owned();
    for (from, to) in [
        ("CHH", "C"),
        ("CH", "C"),
        ("KSH", "KS"),
        ("X", "KS"),
        ("PH", "F"),
        ("SH", "S"),
        ("EE", "I"),
        ("OO", "U"),
        ("OU", "U"),
        ("AU", "U"),
        ("OI", "AI"),
        ("OY", "AI"),
        ("AY", "AI"),
        ("EY", "AI"),
    ] {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    let mut folded = String::with_capacity(text.len());
    let mut before = '\0';
    for character in text.chars() {
        let dropped = character == 'H' && matches!(before, 'K' | 'G' | 'J' | 'T' | 'D' | 'B' | 'R');
        before = character;
        if dropped {
            continue;
        }
        let mapped = match character {
            'V' | 'W' => 'B',
            'Z' => 'J',
            'Q' => 'K',
            'O' => 'A',
            'Y' | 'E' => 'I',
            other => other,
        };
        if !folded.ends_with(mapped) {
            folded.push(mapped);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(payee(none), None, "{none}");
        }
        for (cell, name) in [
            ("Smt. Nataraj Das", "Nataraj Das"),
            ("Lt Thangmawia", "Lt Thangmawia"),
            ("Mst. Amina Bibi", "Mst. Amina Bibi"),
            ("Anand Das", "Anand Das"),
        ] {
            assert_eq!(payee(cell), Some(name));
        }
        assert!(without_honorifics(&"A".repeat(200)).is_some());
        assert!(without_honorifics(&"A".repeat(201)).is_none());
        assert!(without_honorifics(&"অ".repeat(200)).is_some());
    }

    #[test]
    fn guardian_is_the_same_however_the_relation_is_written() {
        for cell in [
            "Karim Molla",
            "S/O Karim Molla",
            "W/O: Karim Molla",
            "s/o. Karim Molla",
            "D/O Late Karim Molla",
            "C/O-Karim Molla",
            "Son of Karim Molla",
            "Karim Molla (Father)",
            "Late Karim Molla",
            "Lt. Karim Molla",
            "Shri Karim Molla",
            "Husband - Karim Molla",
            "Father's Name: Karim Molla",
            "Deceased Karim Molla",
        ] {
            assert_eq!(guardian(cell), "Karim Molla", "{cell}");
        }
        for none in ["NA", "N.A.", "Nil", "Self", "-do-"] {
            assert_eq!(guardian(none), "", "{none}");
        }
        for whole in ["Sonali Das", "Cooper", "Dolly Roy", "Wo Chen", ""] {
            assert_eq!(guardian(whole), whole);
        }
    }

    #[test]
    fn spellings_of_one_surname_share_a_class() {
        let class = |name: &str| RomanName::of(name).surname;
        assert!(class("Rina Mondal").is_some());
        assert_eq!(class("Rina Mondal"), class("RINA MANDAL"));
        assert_eq!(class("A Banerjee"), class("A Bandyopadhyay"));
        assert_ne!(class("A Bibi"), class("A Bewa"));
        assert_eq!(RomanName::of("KalpanaBibi").given, "KALPANA");
        assert_eq!(fold("SHEIKH"), fold("SEIKH"));
    }
}
