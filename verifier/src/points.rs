//! Curve points in snarkjs' textual form.

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};
use praman_circuits::field::{parse_canonical, to_canonical};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::json::{EXACT_MAX, ReadError};

/// What is wrong with a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointFault {
    /// The coordinates satisfy no curve equation.
    #[error("is not on the curve")]
    OffCurve,
    /// On the twist, but not in the group that pairings are defined on.
    #[error("is not in the prime-order subgroup")]
    WrongSubgroup,
    /// The third coordinate is not one, or the point is at infinity.
    #[error("is at infinity or not in affine form")]
    NotAffine,
}

/// A point of G1: x, y, 1.
pub(crate) type G1Text = Vec<Coordinate>;

/// A point of G2: x, y, 1, each over Fq2. Some provers leave out the 1.
pub(crate) type G2Text = Vec<[Coordinate; 2]>;

/// A number as provers write it: a decimal text, or a number that JSON's readers have exactly.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Coordinate(String);

impl<'de> Deserialize<'de> for Coordinate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) if number.as_u64().is_some_and(|exact| exact <= EXACT_MAX) => {
                Ok(Self(number.to_string()))
            }
            _ => Err(D::Error::custom("a coordinate is no text with decimal digits")),
        }
    }
}

fn coordinate(text: &Coordinate, field: &'static str) -> Result<Fq, ReadError> {
    parse_canonical(&text.0).map_err(|_| ReadError::Coordinate { field })
}

/// A coordinate from its 32 bytes, big-endian.
pub(crate) fn read_word(word: &[u8; 32], field: &'static str) -> Result<Fq, ReadError> {
    let element = Fq::from_be_bytes_mod_order(word);
    let canonical = element.into_bigint().to_bytes_be() == word;
    if canonical { Ok(element) } else { Err(ReadError::Coordinate { field }) }
}

pub(crate) fn read_g1(text: &G1Text, field: &'static str) -> Result<G1Affine, ReadError> {
    let fault = |fault| ReadError::Point { field, fault };
    let (x, y) = match &text[..] {
        [x, y] => (x, y),
        [x, y, one] if one.0 == "1" => (x, y),
        _ => return Err(fault(PointFault::NotAffine)),
    };
    let point = G1Affine::new_unchecked(coordinate(x, field)?, coordinate(y, field)?);
    check_g1(&point).map_err(fault)?;
    Ok(point)
}

pub(crate) fn read_g2(text: &G2Text, field: &'static str) -> Result<G2Affine, ReadError> {
    let fault = |fault| ReadError::Point { field, fault };
    let (x, y) = match &text[..] {
        [x, y] => (x, y),
        [x, y, [one, zero]] if one.0 == "1" && zero.0 == "0" => (x, y),
        _ => return Err(fault(PointFault::NotAffine)),
    };
    let pair = |text: &[Coordinate; 2]| -> Result<Fq2, ReadError> {
        Ok(Fq2::new(coordinate(&text[0], field)?, coordinate(&text[1], field)?))
    };
    let point = G2Affine::new_unchecked(pair(x)?, pair(y)?);
    check_g2(&point).map_err(fault)?;
    Ok(point)
}

/// The one check of a G1 point; BN254's G1 has prime order, so on the curve is in the group.
pub(crate) fn check_g1(point: &G1Affine) -> Result<(), PointFault> {
    if point.is_zero() {
        return Err(PointFault::NotAffine);
    }
    if !point.is_on_curve() {
        return Err(PointFault::OffCurve);
    }
    Ok(())
}

pub(crate) fn check_g2(point: &G2Affine) -> Result<(), PointFault> {
    if point.is_zero() {
        return Err(PointFault::NotAffine);
    }
    if !point.is_on_curve() {
        return Err(PointFault::OffCurve);
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(PointFault::WrongSubgroup);
    }
    Ok(())
}

pub(crate) fn write_g1(point: &G1Affine) -> G1Text {
    [to_canonical(point.x), to_canonical(point.y), "1".to_owned()].map(Coordinate).to_vec()
}

pub(crate) fn write_g2(point: &G2Affine) -> G2Text {
    let pair = |element: Fq2| [to_canonical(element.c0), to_canonical(element.c1)].map(Coordinate);
    vec![pair(point.x), pair(point.y), ["1", "0"].map(|text| Coordinate(text.to_owned()))]
}
