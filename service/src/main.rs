//! The `praman` program.

use std::process::ExitCode;

use praman::cli;

fn main() -> ExitCode {
    cli::run()
}
