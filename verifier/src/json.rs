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
    #[error("made on curve {0:?}, not \"bn128\"")]
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

pub(crate) fn check_kind(protocol: &str, curve: &str) -> Result<(), ReadError> {
    if protocol != "groth16" {
        return Err(ReadError::Protocol(protocol.chars().take(32).collect()));
    }
    if curve != "bn128" {
        return Err(ReadError::Curve(curve.chars().take(32).collect()));
    }
    Ok(())
}
