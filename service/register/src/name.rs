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

/// Whether a word in capitals is a surname.
pub(super) fn is_surname(word: &str) -> bool {
    TABLE.by_spelling.contains_key(word)
}

/// Whether a word is an honorific, in any case and with or without its stop.
pub(super) fn is_honorific(word: &str) -> bool {
    let bare = word.trim_end_matches('.').to_uppercase();
    HONORIFICS.contains(&bare.as_str())
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
    /// Its letters in another script, if it has none in Latin, or none but titles, initials and surnames.
    pub(super) native: String,
}

impl RomanName {
    pub(super) fn of(name: &str) -> Self {
        let latin = Self::from_tokens(tokens(name));
        let is_weak = latin.tokens.iter().all(|token| {
            token == "MD" || token.len() == 1 || is_honorific(token) || is_surname(token)
        });
        Self { native: if is_weak { native(name) } else { String::new() }, ..latin }
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
        Self { tokens, joined, surname, given, given_folded, native: String::new() }
    }

    /// Returns the same name with its first token moved to the end.
    pub(super) fn rotated(&self) -> Option<Self> {
        if self.tokens.len() < 2 {
            return None;
        }
        let mut tokens = self.tokens.clone();
        tokens.rotate_left(1);
        Some(Self { native: self.native.clone(), ..Self::from_tokens(tokens) })
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

/// Returns a name's letters of other scripts than Latin, without honorifics.
fn native(name: &str) -> String {
    let is_between = |one: char| one.is_whitespace() || one.is_ascii_punctuation();
    let words = without_alias(name).split(is_between).filter(|word| !word.is_ascii());
    let kept = words.filter(|word| !is_honorific(word));
    kept.flat_map(|word| word.nfkc().collect::<Vec<char>>()).filter(|one| is_native(*one)).collect()
}

/// Whether a character is a letter or sign of another script than Latin: not one with an accent, nor a quotation mark.
fn is_native(one: char) -> bool {
    const FIRST: char = '\u{370}';
    let is_latin = matches!(one, '\u{1e00}'..='\u{1eff}' | '\u{2c60}'..='\u{2c7f}'
        | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}');
    let is_sign = matches!(one, '\u{964}' | '\u{965}' | '\u{2000}'..='\u{2bff}' | '\u{fffd}');
    one >= FIRST && !is_latin && !is_sign
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
