//! The statements that praman proves.
//!
//! Every piece of a statement stands here twice in one file: as a native function, and as the
//! constraint gadget that holds a proof to it. The files read bottom-up as the statement does:
//! [`credential`] and [`subject`], the trees ([`merkle`], [`office`]), the scheme's [`policy`] and
//! [`amount`], the claim's [`scope`], [`nullifier`] and [`payout`], and on top of them [`eligibility`], which
//! reads as a page of the specification. [`consent`] is the second statement, of a [`health_record`], an
//! [`artefact`] and an [`access`]; [`settlement`] the third, of a period's payouts, by [`claims_digest`] and
//! [`settlement_state`]. [`circuit`] turns a statement into sparse matrices and
//! witnesses, [`export`] writes them in iden3's formats.
//!
//! This crate knows no keys, files, network or clock.
//!
//! ```
//! use praman_circuits::circuit;
//!
//! let eligibility = circuit::eligibility();
//! assert!(eligibility.info().domain <= 1 << 13);
//! ```

// The claim that tests tamper with speaks of this crate by its name.
#[cfg(test)]
extern crate self as praman_circuits;

pub mod access;
pub mod amount;
pub mod artefact;
pub mod attributes;
pub mod circuit;
pub mod claims_digest;
pub mod consent;
pub mod constraint_system;
pub mod context;
pub mod credential;
pub mod domain;
pub mod eligibility;
pub mod export;
pub mod field;
#[cfg(test)]
#[path = "../../tests/testkit/src/fixture.rs"]
pub mod fixture;
pub mod health_record;
pub mod linear_combination;
pub mod memory_lock;
pub mod merkle;
pub mod nullifier;
pub mod office;
pub mod payee;
pub mod payout;
pub mod period;
pub mod policy;
pub mod poseidon;
pub mod range;
pub mod scope;
pub mod settlement;
pub mod settlement_state;
pub mod subject;
#[cfg(test)]
pub(crate) mod testing;

pub use ark_bn254::Fr;
