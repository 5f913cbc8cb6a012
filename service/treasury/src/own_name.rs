//! Names that this treasury gives: banks return them in capitals, with spaces, and in any field.

use std::collections::HashSet;

use super::bank_format::reference_of_short;
use super::transfer::TransferReference;

/// A name of this treasury's own form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum OwnName {
    /// A transfer's reference.
    Transfer(String),
    /// A message's id.
    Message(String),
    /// The id of a message's part.
    Part(String),
}

impl OwnName {
    /// Reads a name as a bank returns it; none if it does not have the form of one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let name: String = text.split_whitespace().collect::<String>().to_ascii_lowercase();
        if name.parse::<TransferReference>().is_ok() {
            return Some(Self::Transfer(name));
        }
        if let Some(reference) = reference_of_short(&name) {
            return Some(Self::Transfer(reference));
        }
        if is_message(&name) {
            return Some(Self::Message(name));
        }
        let (message, part) = name.rsplit_once('-')?;
        let is_part = is_message(message) && part.parse::<u32>().is_ok();
        is_part.then_some(Self::Part(name))
    }

    /// Returns the name as it was given.
    pub(super) fn text(&self) -> &str {
        let (Self::Transfer(name) | Self::Message(name) | Self::Part(name)) = self;
        name
    }

    /// Returns each such name in a text: the text itself, words of it, or parts of words; a bank may also have split
    /// one by blanks.
    pub(super) fn all_within(text: &str) -> Vec<Self> {
        // Numbers with blanks between them may be anybody's.
        let is_one = !text.trim().contains(char::is_whitespace);
        if let Some(whole) = Self::of(text).filter(|whole| is_one || has_letter(whole.text())) {
            return vec![whole];
        }
        let ends = |character: char| !character.is_ascii_alphanumeric() && character != '-';
        let mut found: Vec<Self> = text.split(ends).filter_map(Self::of).collect();
        let mut messages: HashSet<String> = found.iter().filter_map(Self::message).collect();
        let words: Vec<&str> = text
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        for (at, word) in words.iter().enumerate() {
            // A reference in pieces, and one that is glued to other letters.
            let lengths = words[at..].iter().take(UUID.len()).map(|word| word.len());
            let is_uuid = lengths.eq(UUID);
            let whole = joined(&words[at..], REFERENCE_LENGTH);
            let whole = whole.filter(|name| !is_uuid && has_letter(name));
            found.extend(whole.and_then(|name| Self::of(&name)));
            let runs = word.split(|character: char| !character.is_ascii_hexdigit());
            let runs = runs.filter(|run| run.len() == REFERENCE_LENGTH && has_letter(run));
            found.extend(runs.filter_map(Self::of));
            let random =
                joined(&words[at + 1..], RANDOM_LENGTH).filter(|random| has_letter(random));
            let Some(random) = random else { continue };
            // A part's name counts as its message's, if more than the part's number follows.
            let message = format!("{word}-{random}").to_ascii_lowercase();
            if messages.insert(message.clone()) {
                found.extend(Self::of(&message));
            }
        }
        let mut seen = HashSet::new();
        found.retain(|name| seen.insert(name.clone()));
        found
    }

    /// Returns the beginning of a transfer's reference that a bank has cut; none if it is too short to be sure.
    pub(super) fn start_of_transfer(text: &str) -> Option<String> {
        let start: String = text.split_whitespace().collect::<String>().to_ascii_lowercase();
        let is_start = (SHORTEST_START..REFERENCE_LENGTH).contains(&start.len())
            && start.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_start.then_some(start)
    }

    /// Returns the message that it shows.
    pub(super) fn message(&self) -> Option<String> {
        match self {
            Self::Transfer(_) => None,
            Self::Message(name) => Some(name.clone()),
            Self::Part(name) => name.rsplit_once('-').map(|(message, _)| message.to_owned()),
        }
    }
}

/// How many characters a transfer's reference has.
const REFERENCE_LENGTH: usize = 34;

/// How many characters a message's id has after its number.
const RANDOM_LENGTH: usize = 22;

/// How many digits the groups of a UUID have: with two more behind it, it is as long as a reference.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// From how many characters on a reference is known by its beginning.
const SHORTEST_START: usize = 12;

/// Joins words of hexadecimal digits from the first one on; none if a few of them do not come to a length.
fn joined(words: &[&str], length: usize) -> Option<String> {
    /// Groups of four digits are the shortest that anyone writes.
    const PIECES_MOST: usize = 9;
    let mut name = String::new();
    for word in words.iter().take(PIECES_MOST) {
        if !word.bytes().all(|byte| byte.is_ascii_hexdigit()) || name.len() + word.len() > length {
            return None;
        }
        name.push_str(word);
        if name.len() == length {
            return Some(name);
        }
    }
    None
}

/// Whether digits are hexadecimal for certain: other numbers side by side are others' accounts and references.
fn has_letter(digits: &str) -> bool {
    digits.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_message(name: &str) -> bool {
    name.split_once('-').is_some_and(|(number, random)| {
        number.parse::<u64>().is_ok()
            && random.len() == RANDOM_LENGTH
            && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank_format::short_reference;

    #[test]
    fn own_name_is_known_however_a_bank_writes_it() {
        let reference = format!("{}01", "a".repeat(32));
        let message = format!("12-{}", "0f".repeat(11));
        let part = format!("{message}-2");
        for (own, expected) in [
            (reference.clone(), OwnName::Transfer(reference.clone())),
            (reference.to_uppercase(), OwnName::Transfer(reference.clone())),
            (short_reference(&reference).expect("ours"), OwnName::Transfer(reference.clone())),
            (
                format!(" {} {}", &reference[..16], &reference[16..]),
                OwnName::Transfer(reference.clone()),
            ),
            (message.clone(), OwnName::Message(message.clone())),
            (part.to_uppercase(), OwnName::Part(part.clone())),
        ] {
            assert_eq!(OwnName::of(&own), Some(expected), "{own}");
        }
        for other in ["", "NOTPROVIDED", "SALARY-2026-06", "12-0f", "x-00000000000000000000-1"] {
            assert_eq!(OwnName::of(other), None, "{other}");
        }
        let text = format!("return of {}, account closed", reference.to_uppercase());
        assert_eq!(OwnName::all_within(&text), [OwnName::Transfer(reference.clone())]);
        let spaced = format!("{} {}", &reference[..16], &reference[16..]);
        assert_eq!(OwnName::all_within(&spaced), [OwnName::Transfer(reference)]);
        assert_eq!(OwnName::all_within("nothing of ours"), []);
        let own = OwnName::Transfer(format!("{}01", "a".repeat(32)));
        for text in [
            format!("NEFT-RTN-{}-AC04", own.text()),
            format!("NRTGS{}", own.text().to_uppercase()),
            format!("RETURN OF {} {} CLOSED", &own.text()[..10], &own.text()[10..]),
            format!("{} {} {}", &own.text()[..8], &own.text()[8..16], &own.text()[16..]),
            format!("UTR/{}/{}", &own.text()[..30], &own.text()[30..]),
        ] {
            assert_eq!(OwnName::all_within(&text), std::slice::from_ref(&own), "{text}");
        }
        let glued = format!("BATCH-{message}-RTN");
        assert_eq!(OwnName::all_within(&glued), [OwnName::Message(message.clone())]);
        for others in [
            "ab".repeat(32),
            "NEFT 05 612345678901 9876543210".to_owned(),
            "e4eaaaf2-d142-11e1-b3e4-080027620cdd 05".to_owned(),
            "a-1-".repeat(60),
            "50100012345678 912345678901 20260605".to_owned(),
        ] {
            assert_eq!(OwnName::all_within(&others), [], "{others}");
        }
        let (one, other) = (OwnName::Part(part), OwnName::Message(message));
        assert_eq!(one.message(), other.message());
        assert_ne!(one.message(), OwnName::Message(format!("13-{}", "0f".repeat(11))).message());
    }
}
