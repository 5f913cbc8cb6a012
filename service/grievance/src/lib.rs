//! The grievance desk: the advice to a person who was refused, and the case that is opened for them.
//!
//! A refusal has a [`Cause`] with a code, a sentence in the person's language, what to bring, and a day by
//! which to appeal. A [`Case`] names no person: the person holds a slip with its number and a code; who shows
//! it sees the case's state and may appeal. It is answered by a day and an appeal decided by another; what is
//! late is reported. [`ExclusionFigures`] count who was kept out, by office, small cells hidden.
//!
//! ```
//! use praman_grievance::Cause;
//! use praman_language::Language;
//!
//! let day = "2026-06-01".parse()?;
//! let advice = Cause::AccountClosed.advice(Language::English, day);
//! assert_eq!((advice.code, advice.appeal_by.to_string().as_str()), ("E42", "2026-07-01"));
//! assert!(advice.bring.contains("passbook"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod case;
mod exclusion;
mod record;
mod slip;

use praman_store::Store;

pub use case::{Case, CaseOutcome, CaseState, NewCase, OpenedCase};
pub use exclusion::{ExclusionFigures, OfficeFigures};
pub use praman_claims::{Advice, Cause};
pub use record::{NO_SLIP, is_late};
pub use slip::SlipCode;

/// Cases, in a store.
#[derive(Clone, Copy)]
pub struct GrievanceStore<'s>(pub &'s Store);
