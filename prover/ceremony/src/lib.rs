//! Keys made by many hands: the ceremony of Groth16 over BN254, its two phases and their verification.
//!
//! A person who knows the numbers behind a key can forge proofs. In a ceremony each contributor multiplies them by numbers of
//! their own and forgets these: one honest contributor is enough. [`Powers`] is phase 1, of use to every circuit up to
//! a size; [`CeremonyKey`] is phase 2, of one circuit. Both are in snarkjs' files, `.ptau` and `.zkey`, so that
//! contributors may use either program, one after the other, and anyone may check with either.
//!
//! Nothing here trusts a file: points that are not canonical, not on their curve or not in their group are refused where
//! they are read, with section and byte, and [`CeremonyKey::verify`] holds every point against the circuit's rows.
//!
//! ```
//! use std::path::Path;
//!
//! use ark_bn254::Fr;
//! use praman_ceremony::{Beacon, CeremonyKey, Constraints, Contributor, Powers};
//! use praman_circuits::circuit::Circuit;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A circuit of one row: a public number is the square of a private one.
//! let square = Circuit::compile("square", |cs| {
//!     let square = cs.public("square", Fr::from(9u64));
//!     let root = cs.private("root", Fr::from(3u64));
//!     cs.enforce(&root, &root, &square);
//! });
//! let rows = Constraints::from(&square);
//!
//! // Phase 1: a small one.
//! let path = Path::new("phase1.ptau");
//! let begun = Powers::parse(path, Powers::begin(4))?;
//! let person = || Contributor::person("Asha", "typed at random".to_owned().into());
//! let contributed = begun.contribute(&person())?;
//! let powers = Powers::parse(path, contributed.file)?.verify()?;
//!
//! // Phase 2: a circuit's key, a person's contribution, and a beacon's as the last.
//! let path = Path::new("key.zkey");
//! let key = CeremonyKey::begin(path, &rows, &powers)?;
//! let key = CeremonyKey::parse(path, key.contribute(&person())?.file)?;
//! let beacon = Beacon::from_hex("00112233445566778899aabbccddeeff", 10)?;
//! let last = key.contribute(&Contributor::beacon("a drawn lottery", beacon))?;
//!
//! let verified = CeremonyKey::parse(path, last.file)?.verify(&rows, &powers)?;
//! assert_eq!(verified.contributions().len(), 2);
//! # Ok(())
//! # }
//! ```

mod attestation;
mod beacon;
mod constraints;
mod contributor;
mod draw;
mod encoding;
mod error;
mod key;
mod knowledge;
mod parameters;
mod policy;
mod powers;
mod section_writer;
mod sums;
#[cfg(test)]
mod tests;
mod transcript;

pub use attestation::{Attestation, Receipt, SignatureFault, Taken};
pub use beacon::{Beacon, BeaconFault, CHECKED_EXPONENT};
pub use constraints::Constraints;
pub use contributor::{Contributed, Contributor};
pub use draw::Hash;
pub use error::{CeremonyError, Fault};
pub use key::{CeremonyKey, Contribution, VerifiedKey};
pub use policy::{BeaconRule, Phase1Rule, Policy, PolicyFault};
pub use powers::{GREATEST_POWER, Powers, VerifiedPowers};
pub use transcript::{Transcript, TranscriptContribution, Unfinished};
