//! The praman program: registers, schemes, issuing, the ledger, the treasury, and the command line
//! over them.
//!
//! The library does no cryptography of its own: statements are [`praman_circuits`]', proofs
//! [`praman_prover`]'s, checks [`praman_verifier`]'s.
//!
//! ```
//! use praman::{calendar, demo, register};
//!
//! let register = register::check(demo::SAMPLE_REGISTER, calendar::today(), |_| ())?;
//! assert_eq!(register.counts().accepted, 1_987);
//! # Ok::<(), praman::register::RegisterError>(())
//! ```

pub mod account;
pub mod calendar;
pub mod claim;
pub mod claims;
pub mod cli;
mod computation;
pub mod demo;
pub mod envelope;
pub mod error;
pub mod files;
pub mod http;
pub mod ledger;
pub mod office_key;
pub mod offices;
pub mod payment_file;
pub mod register;
pub mod schema;
pub mod scheme;
pub mod sealed;
pub mod snapshot;
pub mod store;
pub mod treasury;
pub mod wallet;
