//! Names that this treasury gives: banks return them in capitals, with spaces, and in any field.

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

    /// Returns each such name in a text: the text itself, or words of it.
    pub(super) fn all_within(text: &str) -> Vec<Self> {
        if let Some(whole) = Self::of(text) {
            return vec![whole];
        }
        let ends = |character: char| !character.is_ascii_alphanumeric() && character != '-';
        text.split(ends).filter_map(Self::of).collect()
    }

    /// Whether both belong to one message, as far as their names show.
    pub(super) fn is_of_same_message(&self, other: &Self) -> bool {
        let message = |name: &Self| match name {
            Self::Transfer(_) => None,
            Self::Message(name) => Some(name.clone()),
            Self::Part(name) => name.rsplit_once('-').map(|(message, _)| message.to_owned()),
        };
        message(self).is_some_and(|one| message(other) == Some(one))
    }
}

fn is_message(name: &str) -> bool {
    name.split_once('-').is_some_and(|(number, random)| {
        number.parse::<u64>().is_ok()
            && random.len() == 22
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
        let (one, other) = (OwnName::Part(part), OwnName::Message(message));
        assert!(one.is_of_same_message(&other));
        assert!(!one.is_of_same_message(&OwnName::Message(format!("13-{}", "0f".repeat(11)))));
    }
}
