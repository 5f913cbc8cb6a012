//! What a scheme requires of a person, and what the slots of a credential mean.
//!
//! ```
//! use praman_rules::scheme::{SHIPPED, Scheme};
//!
//! let (_, text) = SHIPPED[0];
//! let scheme = Scheme::parse(text)?;
//! let policy = scheme.policy(scheme.parse_period("2026-12")?)?;
//! assert!(policy.used_clauses() > 0 && policy.used_tiers() > 0);
//! # Ok::<(), praman_rules::scheme::SchemeError>(())
//! ```

pub mod resident;
pub mod schema;
pub mod scheme;
