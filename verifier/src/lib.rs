//! Checking praman's proofs.
//!
//! A [`Proof`] and a [`VerifyingKey`] exist only in checked form: every coordinate canonical, every
//! point on its curve, in its subgroup and not at infinity, the key not degenerate. Reading and
//! writing is in snarkjs' JSON. [`PreparedKey`] checks one proof, with the public inputs that many
//! claims share folded into one point; [`batch`] checks many by one pairing product.
//!
//! This crate holds no secret and does not know the prover.
//!
//! ```
//! use praman_verifier::{Proof, ReadError};
//!
//! let padded = r#"{"pi_a":["01","2","1"],"pi_b":[["1","2"],["3","4"],["1","0"]],
//!     "pi_c":["1","2","1"],"protocol":"groth16","curve":"bn128"}"#;
//! assert!(matches!(Proof::from_json(padded), Err(ReadError::Coordinate { .. })));
//! ```

pub mod batch;
#[cfg(feature = "contracts")]
pub mod contracts;
mod json;
mod points;
mod prepared;
mod proof;
mod public;
mod verifying_key;

pub use json::ReadError;
pub use points::PointFault;
pub use prepared::{FoldedInputs, PreparedKey, Refusal};
pub use proof::Proof;
pub use public::{public_from_json, public_to_json};
pub use verifying_key::{DegenerateKey, Origin, VerifyingKey};
