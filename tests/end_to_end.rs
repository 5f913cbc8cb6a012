//! All end-to-end tests, by what they try.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests say what they drew and counted"
)]

mod support;

mod access;
mod anvil;
mod bad_input;
mod ceremony;
mod claims;
mod consent;
mod consent_people;
mod consent_way;
mod consent_withdrawal;
mod contributor;
mod coordinator;
mod crashes;
mod desk;
mod doctor;
mod examples;
mod faults;
mod fuzz;
mod identities;
mod issuing;
#[cfg(feature = "failpoints")]
mod kills;
mod ledger;
mod operations;
mod payments;
mod peers;
mod privacy;
mod proving;
mod readme;
mod sandbox;
mod service;
mod simulation;
mod stores;
mod tenants;
mod tidy;
mod way_of_a_claim;
