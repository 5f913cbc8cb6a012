//! Schemes, groups of schemes, and within which of them a person claims once.

use std::fmt;
use std::str::FromStr;

use ark_bn254::Fr;
use ark_ff::PrimeField;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

use crate::field::{keccak_to_field, public_element, to_be_bytes};
use crate::period::PeriodKind;

/// Declares a short plain name that stands on chain: 1 to 31 of `a-z`, `0-9` and `-`, read as a big-endian
/// integer of its ASCII bytes.
macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident, $fault:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        #[doc = concat!("Why a text is no ", $what, " id.")]
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error(
            "a {} id has 1 to 31 of the characters a-z, 0-9 and '-', and begins with a letter",
            $what
        )]
        pub struct $fault;

        impl $name {
            /// The id as a field element.
            pub fn to_field(&self) -> Fr {
                Fr::from_be_bytes_mod_order(self.0.as_bytes())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = $fault;

            fn from_str(text: &str) -> Result<Self, $fault> {
                if is_short_name(text) { Ok(Self(text.to_owned())) } else { Err($fault) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $fault;

            fn try_from(text: String) -> Result<Self, $fault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_short_name(text: &str) -> bool {
    let permitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=31).contains(&text.len())
        && text.as_bytes()[0].is_ascii_lowercase()
        && text.bytes().all(permitted)
}

short_name! {
    /// A scheme's name, in files and on chain.
    SchemeId, InvalidSchemeId, "scheme"
}

short_name! {
    /// The name of a group of schemes of which a person claims one in a period.
    GroupId, InvalidGroupId, "group"
}

public_element! {
    /// Within what a person claims once in a period: the upper 248 bits of
    /// `keccak256("praman.scope.1" ‖ 1 for a scheme or 2 for a group ‖ kind of period ‖ id as 32 bytes)`.
    ///
    /// Schemes of one group whose periods are of one kind share it, so a person who claimed one is refused by the
    /// others in that period. The contract computes it itself.
    Scope
}

/// The scope of a scheme, or of the group that it is in.
///
/// ```
/// use praman_circuits::period::PeriodKind::{Month, Year};
/// use praman_circuits::scope::scope;
///
/// let (old, new) = ("lakshmir-bhandar".parse()?, "annapurna".parse()?);
/// let group = "women-cash".parse()?;
/// // A person who claims one of a group can't claim the other in the same month.
/// assert_eq!(scope(&old, Some(&group), Month), scope(&new, Some(&group), Month));
/// assert_ne!(scope(&old, None, Month), scope(&new, None, Month));
/// assert_ne!(scope(&old, Some(&group), Month), scope(&old, Some(&group), Year));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn scope(scheme: &SchemeId, group: Option<&GroupId>, kind: PeriodKind) -> Scope {
    let (what, id) = match group {
        None => (1u8, scheme.to_field()),
        Some(group) => (2, group.to_field()),
    };
    let mut hasher = Keccak256::new();
    hasher.update(b"praman.scope.1");
    hasher.update([what, kind.number()]);
    hasher.update(to_be_bytes(id));
    Scope::from_field(keccak_to_field(hasher))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_plain_names() {
        assert!("lakshmir-bhandar".parse::<SchemeId>().is_ok());
        assert!("women-cash".parse::<GroupId>().is_ok());
        for bad in ["", "A", "a b", "1a", "-a", "অ", &"a".repeat(32)] {
            assert_eq!(bad.parse::<SchemeId>(), Err(InvalidSchemeId), "{bad:?}");
            assert_eq!(bad.parse::<GroupId>(), Err(InvalidGroupId), "{bad:?}");
        }
        let ids: Result<SchemeId, _> = serde_json::from_str("\"Not An Id\"");
        assert!(ids.is_err());
    }

    #[test]
    fn scope_is_of_one_scheme_or_group_and_one_kind_of_period() {
        let name: SchemeId = "pension".parse().expect("an id");
        let same: GroupId = "pension".parse().expect("an id");
        let mut seen = std::collections::HashSet::new();
        for kind in PeriodKind::ALL {
            assert!(seen.insert(scope(&name, None, kind)));
            // A scheme and a group of one name are not the same.
            assert!(seen.insert(scope(&name, Some(&same), kind)));
        }
        assert_eq!(seen.len(), 8);
    }
}
