//! Relations before a name: `S/O`, `Wife of`, and whose name it is then.

use super::name::is_honorific;
use super::payee_name::is_no_name;

/// The words before a guardian's name that give the relation.
const RELATIONS: [&str; 32] = [
    "पत्नी",
    "पुत्री",
    "पुत्र",
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

/// Relations in Indian languages that stand between two names.
const WITHIN_NAMES: [&str; 7] = ["পিতা", "স্বামী", "पिता", "पति", "पत्नी", "पुत्र", "पुत्री"];

/// Whether a text begins with a word that is a relation, and within names a name.
pub(super) fn is_word_within_names(text: &str) -> bool {
    WITHIN_NAMES.iter().any(|word| text.starts_with(word))
}

/// Returns how long a relation is at the beginning of a text, however its sign is written: `S/O`, `s\o`, `W /O`,
/// `S/0`, `Wife of`; none if it has none. `S.O.` may be initials.
pub(super) fn relation(text: &str) -> Option<usize> {
    let by_sign = || {
        let mut places = text.char_indices().filter(|(_, one)| *one != ' ');
        let (_, letter) = places.next()?;
        let (_, sign) = places.next()?;
        let (at, o) = places.next()?;
        let is_relation = "SWDCHFMGBR".contains(letter.to_ascii_uppercase())
            && matches!(sign, '/' | '\\' | '|')
            && matches!(o, 'o' | 'O' | '0');
        is_relation.then_some(at + o.len_utf8())
    };
    let in_words = || {
        let is_within = |words: &&&str| words.ends_with(" OF") || WITHIN_NAMES.contains(*words);
        let mut starts = RELATIONS.iter().filter(is_within).filter(|words| {
            let head = text.get(..words.len());
            let rest = text.get(words.len()..).unwrap_or_default();
            head.is_some_and(|head| head.eq_ignore_ascii_case(words))
                && rest.starts_with([' ', ':', 'ঃ'])
        });
        starts.next().map(|words| words.len())
    };
    let length = by_sign().or_else(in_words)?;
    (!text[length..].trim().is_empty()).then_some(length)
}

/// Whether a character stands between a relation and a name; a visarga is a letter, and stands for a colon.
fn is_between(one: char) -> bool {
    !one.is_alphanumeric() || one == 'ঃ'
}

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
        if let Some(length) = relation(name) {
            name = name[length..].trim_start_matches(is_between);
        }
        for relation in RELATIONS {
            let Some(head) = name.get(..relation.len()) else { continue };
            let rest = &name[relation.len()..];
            let is_apart =
                rest.starts_with(is_between) || relation.contains('/') && !rest.is_empty();
            if head.to_uppercase() == relation && is_apart {
                name = rest.trim_start_matches(is_between);
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
    if is_no_name(&upper) || upper == "SELF" { "" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "W /O Karim Molla",
            "w\\o Karim Molla",
            "S/0 Karim Molla",
            "s / o : Karim Molla",
            "S/OKarim Molla",
        ] {
            assert_eq!(guardian(cell), "Karim Molla", "{cell}");
        }
        for none in ["NA", "N.A.", "Nil", "Self", "-do-"] {
            assert_eq!(guardian(none), "", "{none}");
        }
        for whole in ["Sonali Das", "Cooper", "Dolly Roy", "Wo Chen", "S. O. Das", ""] {
            assert_eq!(guardian(whole), whole);
        }
    }
}
