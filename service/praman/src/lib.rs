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
pub mod cli;
pub mod config;
pub mod doctor;
pub mod error;

use praman_claims::ClaimAcceptance;
use praman_consent::RootRepublishing;
use praman_language::sentence;
use praman_ledger::EventHandlers;

pub use praman_access as access_control;
pub use praman_audit as audit;
pub use praman_claims as claims;
pub use praman_consent as consent;
pub use praman_files::{self as files, sealed, sealed_box};
pub use praman_grievance as grievance;
pub use praman_holder::{claim, envelope, spent, subtree, wallet};
pub use praman_issuing as issuing;
pub use praman_language::{self as language, calendar};
pub use praman_ledger::{self as ledger, snapshot};
pub use praman_offices::{self as offices, office_key};
pub use praman_proving as proving;
pub use praman_register::{self as register, small_cells};
pub use praman_rules::{schema, scheme};
pub use praman_sandbox::{demo, sandbox};
pub use praman_server::{application, grpc, http, metrics, request_log, server, tls};
pub use praman_store::{self as store, key_store, named, sealed_content};
pub use praman_treasury as treasury;

/// What the domains keep of the ledger's events, wherever the program opens the ledger.
pub const EVENT_HANDLERS: EventHandlers = &[&ClaimAcceptance, &RootRepublishing];
