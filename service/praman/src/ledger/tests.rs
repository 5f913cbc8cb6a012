//! The contracts in the embedded chain.

mod archive;
mod batches;
mod claims;
mod differential;
mod gas;
mod governance;
mod invariants;
mod memory_chain;
mod poseidon;
mod scene;
