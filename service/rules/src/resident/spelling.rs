//! Districts as directories, censuses and people spell them, in three scripts.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::District;

/// A district's usual spelling, and others, with their sources.
const SPELLINGS: &str = include_str!("districts.txt");

static BY_SPELLING: LazyLock<HashMap<String, District>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for line in SPELLINGS.lines().filter(|line| !line.starts_with('#')) {
        let (usual, others) = line.split_once(':').expect("a district and its spellings");
        let district = District::from_cell(usual).expect("a district's usual spelling");
        for spelling in others.split(';').chain([usual]) {
            let before = known.insert(plain(spelling), district);
            assert!(before.is_none_or(|before| before == district), "{spelling} is of two");
        }
    }
    known
});

impl District {
    /// Returns the district that a cell spells, as in this state's registers, the Local Government Directory or a
    /// census.
    pub fn spelt(cell: &str) -> Option<Self> {
        BY_SPELLING.get(&plain(cell)).copied()
    }
}

/// Removes signs, the word "district", and differences of case and composition from a spelling.
fn plain(spelling: &str) -> String {
    // Romanised as some directories do, with strokes and dots at letters.
    let bare = spelling.nfd().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter));
    let upper = bare.nfc().collect::<String>().to_uppercase();
    let sign = |character: char| {
        matches!(character, '.' | ',' | '-' | '(' | ')' | '[' | ']' | '/' | '_' | ':' | '\'')
            || character.is_whitespace()
    };
    let words = upper.split(sign).filter(|word| !word.is_empty());
    let words = words.filter(|word| {
        // A directory's number may stand beside the name; 24 is a part of two.
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit()) && *word != "24";
        !is_number && !["DISTRICT", "DIST", "DISTT", "ZILA", "জেলা", "जिला", "ज़िला"].contains(word)
    });
    // A letter typed whole or in parts is the same.
    words.collect::<Vec<_>>().join(" ").nfc().collect()
}

/// Returns a cell's letters and digits in upper case, without the signs between them.
pub(super) fn letters(cell: &str) -> String {
    let is_sign = |letter: char| {
        letter.is_whitespace() || matches!(letter, '.' | ',' | '-' | '_' | '/' | '(' | ')' | '\'')
    };
    cell.nfc().filter(|&letter| !is_sign(letter)).collect::<String>().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn district_is_known_as_directories_censuses_and_people_spell_it() {
        for (cell, expected) in [
            ("North 24 Parganas", District::North24Parganas),
            ("24 PARAGANAS NORTH", District::North24Parganas),
            ("North Twenty Four Parganas", District::North24Parganas),
            ("N. 24-Pgs", District::North24Parganas),
            ("উত্তর 24 পরগনা", District::North24Parganas),
            ("S 24 Pgs.", District::South24Parganas),
            ("24 Pgs (S)", District::South24Parganas),
            ("Koch Bihar", District::CoochBehar),
            ("COOCHBEHAR", District::CoochBehar),
            ("Hugli", District::Hooghly),
            ("Haora", District::Howrah),
            ("হাওড়া", District::Howrah),
            ("Maldah", District::Malda),
            ("Bīrbhūm", District::Birbhum),
            ("वीरभूम", District::Birbhum),
            ("BIRBHUM (307)", District::Birbhum),
            ("S24PGS", District::South24Parganas),
            ("U. Dinajpur", District::UttarDinajpur),
            ("Puruliya", District::Purulia),
            ("DINAJPUR DAKSHIN", District::DakshinDinajpur),
            ("Dist. Nadia", District::Nadia),
            ("MEDINIPUR EAST", District::PurbaMedinipur),
            ("West Burdwan", District::PaschimBardhaman),
            ("कूच बिहार", District::CoochBehar),
            ("दक्षिण 24 परगना", District::South24Parganas),
        ] {
            assert_eq!(District::spelt(cell), Some(expected), "{cell}");
        }
        // Districts that are two today, or do not exist.
        for none in ["", "Burdwan", "Barddhaman", "Medinipur", "24 Parganas", "Patna", "NADIA2"] {
            assert_eq!(District::spelt(none), None, "{none}");
        }
        for (district, usual) in District::ALL {
            assert_eq!(District::spelt(usual), Some(*district));
        }
    }
}
