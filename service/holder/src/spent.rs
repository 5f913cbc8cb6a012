//! Whether a wallet's nullifier is spent, looked up without telling which it is.
//!
//! A claim that would be refused tells the service that its holder tried: of schemes that exclude each other it
//! would learn that a person who is paid by one tried the other. So the wallet asks first, for all nullifiers of a
//! period that begin like its own, and looks among them itself. It gives so few digits that there are many.
//! A service that lies about how many are spent learns twelve bits of a nullifier.

use praman_circuits::eligibility::SchemePeriod;
use praman_circuits::field::to_be_bytes;
use praman_circuits::nullifier::Nullifier;
use praman_circuits::period::Period;
use praman_circuits::scope::Scope;
use serde::{Deserialize, Serialize};

use crate::HolderError;

const FORMAT: &str = "praman-spent-1";

/// How many nullifiers a list has at least, as far as chance has it: among so many a wallet's own stays unknown.
pub const LIST_MIN: u64 = 512;

/// How many nullifiers a list has at most: for more, a longer prefix is asked for.
pub const LIST_MAX: u64 = 131_072;

/// The first hexadecimal digits of a nullifier's 32 bytes: none, which all have, to three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NullifierPrefix {
    digits: u8,
    value: u16,
}

impl NullifierPrefix {
    /// The prefix of all nullifiers.
    pub const ALL: Self = Self { digits: 0, value: 0 };

    /// The most digits.
    pub const DIGITS_MAX: u8 = 3;

    /// How the field's order begins: nullifiers begin with less, or the same.
    const ORDER: u64 = 0x3064;

    /// Returns the prefix of a nullifier with some digits, three at most.
    pub fn of(nullifier: Nullifier, digits: u8) -> Self {
        let digits = digits.min(Self::DIGITS_MAX);
        let bytes = to_be_bytes(nullifier.to_field());
        let first = u16::from_be_bytes([bytes[0], bytes[1]]) >> 4;
        Self { digits, value: first >> (4 * (Self::DIGITS_MAX - digits)) }
    }

    /// Returns the longest prefix of a nullifier with which a list still has [`LIST_MIN`] nullifiers, of so many.
    pub fn hidden_among(nullifier: Nullifier, spent: u64) -> Self {
        let mut longest_first =
            (0..=Self::DIGITS_MAX).rev().map(|digits| Self::of(nullifier, digits));
        longest_first.find(|prefix| prefix.share_of(spent) >= LIST_MIN).unwrap_or(Self::ALL)
    }

    /// Returns how many of some nullifiers begin with it, as far as chance has it.
    pub fn share_of(self, nullifiers: u64) -> u64 {
        let (lowest, highest) = self.range();
        let first = |bytes: [u8; 32]| u64::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        let width = (first(highest).min(Self::ORDER) + 1).saturating_sub(first(lowest));
        (u128::from(nullifiers) * u128::from(width) / u128::from(Self::ORDER + 1)) as u64
    }

    /// Returns the lowest and the highest 32 bytes that begin with it.
    pub fn range(self) -> ([u8; 32], [u8; 32]) {
        let shift = 16 - 4 * u32::from(self.digits);
        let (mut lowest, mut highest) = ([0; 32], [0xff; 32]);
        let first = u32::from(self.value) << shift;
        let rest = (1 << shift) - 1;
        lowest[..2].copy_from_slice(&(first as u16).to_be_bytes());
        highest[..2].copy_from_slice(&((first | rest) as u16).to_be_bytes());
        (lowest, highest)
    }
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a prefix has 1 to 3 hexadecimal digits, such as 0a3, or is \"all\"")]
pub struct InvalidPrefix;

impl std::str::FromStr for NullifierPrefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        if text == "all" {
            return Ok(Self::ALL);
        }
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = text.len() as u8;
        if !(1..=usize::from(Self::DIGITS_MAX)).contains(&text.len()) || !text.bytes().all(is_digit)
        {
            return Err(InvalidPrefix);
        }
        let value = u16::from_str_radix(text, 16).map_err(|_| InvalidPrefix)?;
        Ok(Self { digits, value })
    }
}

impl std::fmt::Display for NullifierPrefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.digits {
            0 => f.write_str("all"),
            digits => write!(f, "{:0width$x}", self.value, width = usize::from(digits)),
        }
    }
}

impl TryFrom<String> for NullifierPrefix {
    type Error = InvalidPrefix;

    fn try_from(text: String) -> Result<Self, InvalidPrefix> {
        text.parse()
    }
}

impl From<NullifierPrefix> for String {
    fn from(prefix: NullifierPrefix) -> Self {
        prefix.to_string()
    }
}

/// How many nullifiers are spent in a scope's period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpentCount {
    /// The scope: a scheme, or a group of schemes.
    pub scope: Scope,
    /// The period, as statements have it.
    pub period: Period,
    /// How many are spent.
    pub spent: u64,
}

impl SpentCount {
    /// Returns where a wallet learns the count of a scheme's period.
    pub fn place(scheme: &SchemePeriod) -> String {
        format!("/v1/nullifiers/{}/{}", scheme.scope(), scheme.period.0)
    }

    /// Returns where a wallet looks up its nullifier: with so few digits that it is hidden among many.
    pub fn list(&self, nullifier: Nullifier) -> String {
        let prefix = NullifierPrefix::hidden_among(nullifier, self.spent);
        format!("/v1/nullifiers/{}/{}/{prefix}", self.scope, self.period.0)
    }
}

/// The spent nullifiers of a scope's period that begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpentNullifiers {
    format: String,
    /// The scope.
    pub scope: Scope,
    /// The period, as statements have it.
    pub period: Period,
    /// How all of them begin.
    pub prefix: NullifierPrefix,
    /// The nullifiers, ascending.
    pub nullifiers: Vec<Nullifier>,
}

impl SpentNullifiers {
    /// Lists spent nullifiers.
    pub fn new(
        scope: Scope,
        period: Period,
        prefix: NullifierPrefix,
        nullifiers: Vec<Nullifier>,
    ) -> Self {
        Self { format: FORMAT.to_owned(), scope, period, prefix, nullifiers }
    }

    /// Reads a service's answer.
    ///
    /// # Errors
    /// [`HolderError::Unfit`] with what is wrong.
    pub fn from_json(text: &str) -> Result<Self, HolderError> {
        let read: Self = serde_json::from_str(text).map_err(|error| {
            HolderError::Unfit(format!("spent nullifiers: {}", praman_files::json_fault(&error)))
        })?;
        if read.format != FORMAT {
            return Err(HolderError::Unfit("not spent nullifiers in a known format".to_owned()));
        }
        Ok(read)
    }

    /// Refuses a claim whose nullifier is among them.
    ///
    /// # Errors
    /// [`HolderError::AlreadyPaid`] if it is; [`HolderError::Unfit`] if they are of another scope, period or prefix,
    /// and so tell nothing of this claim.
    pub fn refuse(&self, nullifier: Nullifier, scheme: &SchemePeriod) -> Result<(), HolderError> {
        let prefix = NullifierPrefix::of(nullifier, self.prefix.digits);
        if (self.scope, self.period, self.prefix) != (scheme.scope(), scheme.period, prefix) {
            // It names no place to look at: a service could have the wallet tell more of its own than it wants.
            let reason =
                "the spent nullifiers are of another scheme, period or beginning: look up again";
            return Err(HolderError::Unfit(reason.to_owned()));
        }
        if self.nullifiers.contains(&nullifier) {
            return Err(HolderError::AlreadyPaid);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use praman_circuits::Fr;
    use praman_circuits::period::PeriodKind;
    use praman_rules::scheme::Scheme;

    use super::*;

    fn nullifier(value: u64) -> Nullifier {
        Nullifier::from_field(Fr::from(value))
    }

    /// The highest nullifier of all, which begins with 3064.
    fn highest() -> Nullifier {
        Nullifier::from_field(-Fr::from(1u64))
    }

    #[test]
    fn prefix_is_the_first_digits_and_its_range_holds_what_begins_with_it() {
        let bytes = to_be_bytes(highest().to_field());
        for (digits, text, first, last) in [
            (0, "all", [0x00, 0x00], [0xff, 0xff]),
            (1, "3", [0x30, 0x00], [0x3f, 0xff]),
            (2, "30", [0x30, 0x00], [0x30, 0xff]),
            (3, "306", [0x30, 0x60], [0x30, 0x6f]),
        ] {
            let prefix = NullifierPrefix::of(highest(), digits);
            assert_eq!((prefix.to_string().as_str(), text.parse()), (text, Ok(prefix)));
            let (lowest, highest) = prefix.range();
            assert!(lowest <= bytes && bytes <= highest);
            assert_eq!((&lowest[..2], &highest[..2]), (&first[..], &last[..]));
            assert!(lowest[2..] == [0; 30] && highest[2..] == [0xff; 30]);
        }
        assert_eq!(NullifierPrefix::of(nullifier(7), 2).to_string(), "00");
        for bad in ["", "3066", "30G", "30A", "+06", " 06", "ALL"] {
            assert_eq!(bad.parse::<NullifierPrefix>(), Err(InvalidPrefix), "{bad:?}");
        }
    }

    #[test]
    fn wallet_is_hidden_among_many_wherever_its_nullifier_lies() {
        // Nullifiers that begin with 0, and those few that begin with 30 or 306.
        for nullifier in [nullifier(7), highest()] {
            let mut digits = 0;
            for spent in [0, 511, 512, 1_600, 30_000, 70_000, 400_000, 1_600_000, 25_000_000] {
                let prefix = NullifierPrefix::hidden_among(nullifier, spent);
                let is_hidden = prefix.share_of(spent) >= LIST_MIN;
                assert!(is_hidden || prefix == NullifierPrefix::ALL, "{prefix} of {spent}");
                assert!(prefix.digits >= digits, "more are spent, and no digit is lost");
                digits = prefix.digits;
            }
            assert_eq!(digits, 3);
        }
        assert_eq!(NullifierPrefix::hidden_among(nullifier(7), 2_000).to_string(), "0");
        // 3 begins one in 124 nullifiers only.
        assert_eq!(NullifierPrefix::hidden_among(highest(), 2_000), NullifierPrefix::ALL);
    }

    #[test]
    fn spent_nullifier_is_refused_and_another_list_tells_nothing() {
        let scheme = Scheme::shipped("annapurna").expect("shipped");
        let month = scheme.parse_period("2026-06").expect("a month");
        let scheme = scheme.in_period(month).expect("in force");
        let prefix = NullifierPrefix::of(nullifier(7), 3);
        let (scope, period) = (scheme.scope(), scheme.period);
        let spent = SpentNullifiers::new(scope, period, prefix, vec![nullifier(7)]);
        let text = serde_json::to_string(&spent).expect("plain data");
        let spent = SpentNullifiers::from_json(&text).expect("read");
        assert!(matches!(spent.refuse(nullifier(7), &scheme), Err(HolderError::AlreadyPaid)));
        assert!(spent.refuse(nullifier(8), &scheme).is_ok());
        let others = [
            SchemePeriod { period: Period(1_518), ..scheme.clone() },
            SchemePeriod { kind: PeriodKind::Year, ..scheme.clone() },
        ];
        for other in &others {
            assert!(matches!(spent.refuse(nullifier(8), other), Err(HolderError::Unfit(_))));
        }
        let refused = spent.refuse(highest(), &scheme).expect_err("of another prefix").to_string();
        assert!(!refused.contains("306"), "{refused}");
        for bad in ["{}", "[]", &text.replace("spent-1", "spent-2"), &text.replace("\"7\"", "7")] {
            assert!(SpentNullifiers::from_json(bad).is_err(), "{bad}");
        }
    }
}
