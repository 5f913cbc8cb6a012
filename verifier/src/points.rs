//! Curve points in snarkjs' textual form.

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};
use praman_circuits::field::{parse_canonical, to_canonical};

use crate::json::ReadError;

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
pub(crate) type G1Text = [String; 3];

/// A point of G2: x, y, 1, each over Fq2.
pub(crate) type G2Text = [[String; 2]; 3];

fn coordinate(text: &str, field: &'static str) -> Result<Fq, ReadError> {
    parse_canonical(text).map_err(|_| ReadError::Coordinate { field })
}

/// A coordinate from its 32 bytes, big-endian.
pub(crate) fn read_word(word: &[u8; 32], field: &'static str) -> Result<Fq, ReadError> {
    let element = Fq::from_be_bytes_mod_order(word);
    let canonical = element.into_bigint().to_bytes_be() == word;
    if canonical { Ok(element) } else { Err(ReadError::Coordinate { field }) }
}

pub(crate) fn read_g1(text: &G1Text, field: &'static str) -> Result<G1Affine, ReadError> {
    let fault = |fault| ReadError::Point { field, fault };
    if text[2] != "1" {
        return Err(fault(PointFault::NotAffine));
    }
    let point = G1Affine::new_unchecked(coordinate(&text[0], field)?, coordinate(&text[1], field)?);
    check_g1(&point).map_err(fault)?;
    Ok(point)
}

pub(crate) fn read_g2(text: &G2Text, field: &'static str) -> Result<G2Affine, ReadError> {
    let fault = |fault| ReadError::Point { field, fault };
    if text[2] != ["1", "0"] {
        return Err(fault(PointFault::NotAffine));
    }
    let pair = |text: &[String; 2]| -> Result<Fq2, ReadError> {
        Ok(Fq2::new(coordinate(&text[0], field)?, coordinate(&text[1], field)?))
    };
    let point = G2Affine::new_unchecked(pair(&text[0])?, pair(&text[1])?);
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
    [to_canonical(point.x), to_canonical(point.y), "1".to_owned()]
}

pub(crate) fn write_g2(point: &G2Affine) -> G2Text {
    let pair = |element: Fq2| [to_canonical(element.c0), to_canonical(element.c1)];
    [pair(point.x), pair(point.y), ["1".to_owned(), "0".to_owned()]]
}
