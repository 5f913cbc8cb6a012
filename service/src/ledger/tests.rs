//! The contracts in the embedded chain.

mod batches;
mod claims;
mod differential;
mod gas;
mod governance;
mod invariants;
mod memory_chain;
mod poseidon;
mod scene;
