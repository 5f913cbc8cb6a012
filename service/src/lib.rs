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

pub mod access_control;
pub mod account;
pub mod application;
pub mod audit;
mod bank_account;
pub mod calendar;
pub mod claim;
pub mod claims;
pub mod cli;
mod computation;
pub mod config;
pub mod consent;
mod console;
pub mod demo;
pub mod doctor;
pub mod envelope;
pub mod error;
mod failpoint;
pub mod files;
pub mod grievance;
pub mod grpc;
pub mod http;
pub mod issuing;
pub mod key_store;
pub mod language;
pub mod ledger;
pub mod metrics;
pub mod named;
pub mod office_key;
pub mod offices;
mod peer;
pub mod proving;
pub mod register;
pub mod request_log;
pub mod sandbox;
pub mod schema;
pub mod scheme;
pub mod sealed;
pub mod sealed_box;
pub mod sealed_content;
mod sentence;
pub mod server;
mod signing_key;
pub mod small_cells;
pub mod snapshot;
pub mod store;
pub mod subtree;
pub mod tls;
pub mod treasury;
mod waiters;
pub mod wallet;
