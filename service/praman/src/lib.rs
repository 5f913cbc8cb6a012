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
pub mod claims;
pub mod cli;
mod computation;
pub mod config;
pub mod consent;
mod console;
pub mod demo;
pub mod doctor;
pub mod error;
mod failpoint;
pub mod grievance;
pub mod grpc;
pub mod http;
pub mod issuing;
pub mod key_store;
pub mod ledger;
pub mod metrics;
pub mod named;
pub mod office_key;
pub mod offices;
mod peer;
pub mod proving;
pub mod request_log;
pub mod sandbox;
pub mod sealed_content;
pub mod server;
pub mod snapshot;
pub mod store;
pub mod tls;
pub mod treasury;
mod waiters;

pub use praman_files::{self as files, sealed, sealed_box};
pub use praman_holder::{claim, envelope, subtree, wallet};
pub use praman_language::{self as language, calendar};
pub use praman_register::{self as register, small_cells};
pub use praman_rules::{schema, scheme};

use praman_files::signing_key;
use praman_language::sentence;
use praman_register::bank_account;
