//! The `praman` program.

use std::process::ExitCode;

use praman::cli;
use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back, so that no copy of a secret that some library made is left.
#[global_allocator]
static WIPING: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    // What a state holds is its owner's alone, whatever the user's habit: the store, its journal, backups.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    cli::run()
}
