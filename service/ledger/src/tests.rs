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
mod scopes;
mod settlements;
mod stored_state;

/// How often a test tries something: a part at every landing, all of it by `tests/thorough.sh`.
fn rounds(part: u64, thorough: u64) -> u64 {
    if std::env::var_os("PRAMAN_THOROUGH").is_some() { thorough } else { part }
}
