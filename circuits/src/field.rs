//! Field elements with a meaning, and their one textual form.
//!
//! Public values print and parse as decimal strings below the modulus, as in snarkjs. Secret values
//! neither print nor serialise: they wipe themselves, and reading one is spelt `expose`.

use std::str::FromStr;

use ark_bn254::Fr;
use ark_ff::{BigInteger256, PrimeField};
use num_bigint::BigUint;

/// Why a text is no field element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFieldError {
    /// Not a plain decimal number.
    #[error("not a decimal number without sign, spaces or leading zeros")]
    NotDecimal,
    /// At or above the modulus; reducing it would give two names to one value.
    #[error("not below the BN254 scalar field's modulus")]
    NotCanonical,
}

/// Parses the one decimal form of a field element.
///
/// # Errors
/// [`ParseFieldError`] for anything but the canonical decimal string.
pub fn parse_decimal(text: &str) -> Result<Fr, ParseFieldError> {
    parse_canonical(text)
}

/// The canonical decimal form.
pub fn to_decimal(element: Fr) -> String {
    to_canonical(element)
}

/// [`parse_decimal`] for either field of the curve: scalars, and coordinates of points.
///
/// # Errors
/// [`ParseFieldError`] for anything but the canonical decimal string.
pub fn parse_canonical<F: PrimeField<BigInt = BigInteger256>>(
    text: &str,
) -> Result<F, ParseFieldError> {
    let canonical_digits = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if !canonical_digits {
        return Err(ParseFieldError::NotDecimal);
    }
    // No value below the modulus has more digits: stop before building a huge integer.
    if text.len() > 77 {
        return Err(ParseFieldError::NotCanonical);
    }
    let integer = BigUint::from_str(text).map_err(|_| ParseFieldError::NotDecimal)?;
    BigInteger256::try_from(integer)
        .ok()
        .and_then(F::from_bigint)
        .ok_or(ParseFieldError::NotCanonical)
}

/// [`to_decimal`] for either field of the curve.
pub fn to_canonical<F: PrimeField<BigInt = BigInteger256>>(element: F) -> String {
    BigUint::from(element.into_bigint()).to_string()
}

/// Parses 32 big-endian bytes, refusing values at or above the modulus.
pub fn from_be_bytes(bytes: &[u8; 32]) -> Option<Fr> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_be_bytes(chunk.try_into().expect("eight bytes"));
    }
    Fr::from_bigint(BigInteger256::new(limbs))
}

/// The 32 big-endian bytes of an element.
pub fn to_be_bytes(element: Fr) -> [u8; 32] {
    let mut bytes = [0u8; 32];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(element.into_bigint().0.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

/// A field element of any byte string: SHA-256 with its top three bits cleared.
///
/// Only for constants and for digests of data that never meets a constraint.
pub fn digest_to_field(parts: &[&[u8]]) -> Fr {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut bytes: [u8; 32] = hasher.finalize().into();
    bytes[0] &= 0x1f;
    from_be_bytes(&bytes).expect("253 bits are below the modulus")
}

/// The upper 248 bits of a Keccak-256 hash, which a contract computes as `uint256(keccak256(…)) >> 8`.
pub(crate) fn keccak_to_field(hasher: sha3::Keccak256) -> Fr {
    use sha3::Digest;
    let mut bytes: [u8; 32] = hasher.finalize().into();
    bytes.rotate_right(1);
    bytes[0] = 0;
    from_be_bytes(&bytes).expect("248 bits are below the modulus")
}

/// Declares a public value that is one field element.
macro_rules! public_element {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(ark_bn254::Fr);

        impl $name {
            /// Takes a field element for this kind of value.
            pub const fn from_field(element: ark_bn254::Fr) -> Self {
                Self(element)
            }

            /// The field element.
            pub const fn to_field(self) -> ark_bn254::Fr {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::field::to_decimal(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::field::ParseFieldError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::field::parse_decimal(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(|error| {
                    serde::de::Error::custom(format!(concat!(stringify!($name), ": {}"), error))
                })
            }
        }
    };
}
pub(crate) use public_element;

/// Declares a secret that is one field element: wiped on drop, never printed.
macro_rules! secret_element {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
        pub struct $name(ark_bn254::Fr);

        impl $name {
            /// Takes a field element for this secret.
            pub const fn from_field(element: ark_bn254::Fr) -> Self {
                Self(element)
            }

            /// The secret element; the caller keeps it out of logs, errors and files.
            pub const fn expose(&self) -> ark_bn254::Fr {
                self.0
            }
        }
    };
}
pub(crate) use secret_element;

#[cfg(test)]
mod tests {
    use super::*;

    const MODULUS: &str =
        "21888242871839275222246405745257275088548364400416034343698204186575808495617";

    #[test]
    fn field_value_has_only_one_text() {
        assert_eq!(parse_decimal("0"), Ok(Fr::from(0u64)));
        assert_eq!(parse_decimal("17"), Ok(Fr::from(17u64)));
        for bad in ["", "+1", "-1", " 1", "1 ", "01", "00", "0x1", "1e3", "१"] {
            assert_eq!(parse_decimal(bad), Err(ParseFieldError::NotDecimal), "{bad:?}");
        }
        assert_eq!(parse_decimal(MODULUS), Err(ParseFieldError::NotCanonical));
        assert_eq!(parse_decimal(&"9".repeat(100)), Err(ParseFieldError::NotCanonical));
        assert_eq!(to_decimal(-Fr::from(1u64)), MODULUS.replace("5617", "5616"));
    }

    #[test]
    fn bytes_round_trip_and_refuse_the_modulus() {
        let element = -Fr::from(5u64);
        assert_eq!(from_be_bytes(&to_be_bytes(element)), Some(element));
        assert_eq!(to_be_bytes(Fr::from(0x0102u64))[30..], [1, 2]);
        let modulus = BigUint::from_str(MODULUS).expect("decimal").to_bytes_be();
        assert_eq!(from_be_bytes(&modulus.try_into().expect("32 bytes")), None);
    }
}
