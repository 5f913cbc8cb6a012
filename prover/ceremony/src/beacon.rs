//! A public beacon: a number that nobody could know before a certain time, hashed so often that nobody could choose it.

use crate::error::Fault;

/// The least number of doublings that snarkjs takes.
const LEAST_EXPONENT: u8 = 10;
/// The greatest number of doublings that snarkjs takes: thousands of years.
const GREATEST_EXPONENT: u8 = 63;
/// The powers of two of times that a beacon can be hashed.
pub(crate) const EXPONENTS: std::ops::RangeInclusive<u8> = LEAST_EXPONENT..=GREATEST_EXPONENT;

/// A check hashes a beacon up to 2 to this power times, unless it is asked for more: seconds to a minute. Otherwise a file
/// could keep it at work for years.
pub const CHECKED_EXPONENT: u8 = 26;
/// The most bytes that a file has room for.
const LONGEST: usize = 255;

/// Why a beacon can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeaconFault {
    /// It has no bytes, or more than a file has room for.
    #[error("a beacon has 1 to {LONGEST} bytes, not {0}")]
    Length(usize),
    /// It is not written in hexadecimal digits.
    #[error("a beacon is written in hexadecimal digits, two for a byte, without 0x")]
    Digits,
    /// It is hashed too seldom or too often.
    #[error(
        "a beacon is hashed 2^{LEAST_EXPONENT} to 2^{GREATEST_EXPONENT} times, not 2^{0} times"
    )]
    Exponent(u8),
}

/// A beacon's value, and the power of two of times that it is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    value: Vec<u8>,
    exponent: u8,
}

impl Beacon {
    /// A beacon from its bytes.
    ///
    /// # Errors
    /// [`BeaconFault`].
    pub fn new(value: Vec<u8>, exponent: u8) -> Result<Self, BeaconFault> {
        if value.is_empty() || value.len() > LONGEST {
            return Err(BeaconFault::Length(value.len()));
        }
        if !EXPONENTS.contains(&exponent) {
            return Err(BeaconFault::Exponent(exponent));
        }
        Ok(Self { value, exponent })
    }

    /// A beacon from hexadecimal digits.
    ///
    /// # Errors
    /// [`BeaconFault`].
    pub fn from_hex(value: &str, exponent: u8) -> Result<Self, BeaconFault> {
        Self::new(hex::decode(value).map_err(|_| BeaconFault::Digits)?, exponent)
    }

    /// That it is hashed at most 2 to a power of times.
    pub(crate) fn require_within(&self, limit: u8, contribution: usize) -> Result<(), Fault> {
        let exponent = self.exponent;
        if exponent > limit {
            return Err(Fault::LongBeacon { contribution, exponent, limit });
        }
        Ok(())
    }

    /// The bytes.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// SHA-256 is applied 2 to this power times.
    pub fn exponent(&self) -> u8 {
        self.exponent
    }
}
