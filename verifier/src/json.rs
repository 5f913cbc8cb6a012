//! What can be wrong with a JSON file of a proof, of public inputs or of a key.

use serde::Deserialize;
use serde::de::DeserializeOwned;

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

/// The largest number that every reader of JSON has exactly (RFC 8259, section 6).
pub(crate) const EXACT_MAX: u64 = (1 << 53) - 1;

/// What a proof or key says it is of.
#[derive(Deserialize)]
struct Kind {
    protocol: Option<String>,
    curve: Option<String>,
}

/// Reads a proof or key, once it is known not to be of another protocol or curve.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    let text = without_mark(text);
    let kind: Kind = serde_json::from_str(text)?;
    check_kind(kind.protocol.as_deref(), kind.curve.as_deref())?;
    Ok(serde_json::from_str(text)?)
}

/// Returns a text without the byte order mark that some programs put before it.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Refuses what is said to be of another protocol or curve. Not every prover names its protocol. Provers spell BN254 in several ways, and some do not name
/// it: the points are checked in any case.
fn check_kind(protocol: Option<&str>, curve: Option<&str>) -> Result<(), ReadError> {
    let short = |text: &str| text.chars().take(32).collect();
    // Its first versions were written without the year.
    let is_groth16 =
        |name: &str| ["groth16", "groth"].contains(&name.to_ascii_lowercase().as_str());
    if let Some(other) = protocol.filter(|protocol| !is_groth16(protocol)) {
        return Err(ReadError::Protocol(short(other)));
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
