//! The praman program.

pub mod calendar;
pub mod claim;
pub mod cli;
pub mod demo;
pub mod envelope;
pub mod error;
pub mod files;
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
