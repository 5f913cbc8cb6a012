//! What can be wrong with a JSON file of a proof, of public inputs or of a key.

use crate::points::PointFault;
use crate::verifying_key::DegenerateKey;

/// Why a text is no proof, no public inputs or no verification key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of the expected shape.
    #[error("not in snarkjs' JSON form: {0}")]
    Json(String),
    /// A protocol other than Groth16.
    #[error("made for protocol {0:?}, not \"groth16\"")]
    Protocol(String),
    /// A curve other than BN254.
    #[error("made on curve {0:?}, not \"bn128\" (BN254)")]
    Curve(String),
    /// A coordinate that is no canonical decimal number below the base field's modulus.
    #[error("{field} has a coordinate that is not a canonical decimal number below the modulus")]
    Coordinate {
        /// The member at fault.
        field: &'static str,
    },
    /// Coordinates that are no usable point.
    #[error("{field} {fault}")]
    Point {
        /// The member at fault.
        field: &'static str,
        /// What is wrong with it.
        fault: PointFault,
    },
    /// A public input that is no canonical field element.
    #[error("public input {index} is {fault}")]
    PublicInput {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        fault: praman_circuits::field::ParseFieldError,
    },
    /// A public input that is a number in JSON, and too large to be exact as one.
    #[error("public input {index} is a number that JSON's readers round: write it in quotes")]
    NotExact {
        /// Its place, from 0.
        index: usize,
    },
    /// A public input that is neither a text nor a number.
    #[error("public input {index} is neither a text nor a number")]
    NoNumber {
        /// Its place, from 0.
        index: usize,
    },
    /// `nPublic` and the number of points in `IC` disagree.
    #[error("nPublic is {declared}, but IC has {points} points instead of one more")]
    InputCount {
        /// What the key declares.
        declared: usize,
        /// What it has.
        points: usize,
    },
    /// A key that anyone could forge proofs for.
    #[error("the key is degenerate: {0}")]
    Degenerate(#[from] DegenerateKey),
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

/// Refuses what is said to be of another protocol or curve. Provers spell BN254 in several ways, and some do not name
/// it: the points are checked in any case.
pub(crate) fn check_kind(protocol: &str, curve: Option<&str>) -> Result<(), ReadError> {
    let short = |text: &str| text.chars().take(32).collect();
    if protocol != "groth16" {
        return Err(ReadError::Protocol(short(protocol)));
    }
    let is_bn254 = |curve: &str| {
        let plain: String = curve.chars().filter(|sign| !matches!(sign, '_' | '-')).collect();
        ["bn128", "bn254", "altbn128"].contains(&plain.to_ascii_lowercase().as_str())
    };
    if let Some(other) = curve.filter(|curve| !is_bn254(curve)) {
        return Err(ReadError::Curve(short(other)));
    }
    Ok(())
}
