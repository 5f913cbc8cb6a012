//! The value that makes a second claim show, and shows nothing else.

use std::fmt;
use std::str::FromStr;

use ark_bn254::Fr;
use ark_ff::PrimeField;
use serde::{Deserialize, Serialize};

use crate::constraint_system::{ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::public_element;
use crate::period::Period;
use crate::poseidon;
use crate::subject::HolderSecret;

public_element! {
    /// `Poseidon(tag, secret, scheme, period)`: the only one a secret has for a scheme and period.
    Nullifier
}

/// A scheme's name on chain and in nullifiers: 1 to 31 of `a-z`, `0-9` and `-`, read as a big-endian
/// integer of their ASCII bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SchemeId(String);

/// Why a text is no scheme id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a scheme id has 1 to 31 of the characters a-z, 0-9 and '-', and begins with a letter")]
pub struct InvalidSchemeId;

impl SchemeId {
    /// The id as a public input.
    pub fn to_field(&self) -> Fr {
        Fr::from_be_bytes_mod_order(self.0.as_bytes())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SchemeId {
    type Err = InvalidSchemeId;

    fn from_str(text: &str) -> Result<Self, InvalidSchemeId> {
        let permitted =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=31).contains(&text.len())
            && text.as_bytes()[0].is_ascii_lowercase()
            && text.bytes().all(permitted);
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidSchemeId) }
    }
}

impl TryFrom<String> for SchemeId {
    type Error = InvalidSchemeId;

    fn try_from(text: String) -> Result<Self, InvalidSchemeId> {
        text.parse()
    }
}

impl From<SchemeId> for String {
    fn from(id: SchemeId) -> Self {
        id.0
    }
}

impl fmt::Display for SchemeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The nullifier of a secret for a scheme and period; the twin of [`nullifier_gadget`].
pub fn nullifier(secret: &HolderSecret, scheme: &SchemeId, period: Period) -> Nullifier {
    let period = Fr::from(period.0);
    Nullifier::from_field(nullifier_element(secret.expose(), scheme.to_field(), period))
}

pub(crate) fn nullifier_element(secret: Fr, scheme: Fr, period: Fr) -> Fr {
    poseidon::hash(&[Domain::Nullifier.tag(), secret, scheme, period])
}

/// The nullifier in a circuit: 294 rows.
pub fn nullifier_gadget(
    cs: &mut ConstraintSystem,
    secret: &Num,
    scheme: &Num,
    period: &Num,
) -> Num {
    let tag = Num::constant(cs, Domain::Nullifier.tag());
    poseidon::hash_gadget(cs, &[&tag, secret, scheme, period])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_ids_are_short_plain_names() {
        assert!("lakshmir-bhandar".parse::<SchemeId>().is_ok());
        for bad in ["", "A", "a b", "1a", "-a", "অ", &"a".repeat(32)] {
            assert_eq!(bad.parse::<SchemeId>(), Err(InvalidSchemeId), "{bad:?}");
        }
        let ids: Result<SchemeId, _> = serde_json::from_str("\"Not An Id\"");
        assert!(ids.is_err());
    }

    #[test]
    fn nullifier_depends_on_secret_scheme_and_period_alone() {
        let scheme = |name: &str| name.parse::<SchemeId>().expect("valid");
        let secret = |value: u64| HolderSecret::from_field(Fr::from(value));
        let base = nullifier(&secret(1), &scheme("a"), Period(1));
        assert_eq!(nullifier(&secret(1), &scheme("a"), Period(1)), base);
        assert_ne!(nullifier(&secret(2), &scheme("a"), Period(1)), base);
        assert_ne!(nullifier(&secret(1), &scheme("b"), Period(1)), base);
        assert_ne!(nullifier(&secret(1), &scheme("a"), Period(2)), base);
    }
}
