//! The whole way of a claim in one program: the demonstration, and rehearsals of a scheme before it opens.
//!
//! [`demo`] takes the sample register to paid claims in its own folder. [`sandbox`] does the same with your own
//! scheme and with frauds, each of which must be refused.
//!
//! ```
//! use praman_language::calendar;
//! use praman_sandbox::demo;
//!
//! let register = praman_register::check(demo::SAMPLE_REGISTER, calendar::today(), |_| ())?;
//! assert_eq!(register.counts().accepted, 1_987);
//! # Ok::<(), praman_register::RegisterError>(())
//! ```

pub mod demo;
mod error;
pub mod sandbox;

pub use error::SandboxError;
use praman_claims::ClaimAcceptance;
use praman_consent::RootRepublishing;
use praman_ledger::EventHandlers;

/// What the domains keep of the ledger's events, as in the program.
pub const EVENT_HANDLERS: EventHandlers = &[&ClaimAcceptance, &RootRepublishing];
