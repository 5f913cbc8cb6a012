//! Long computations among tasks that wait for others.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs a long computation; if the runtime has more threads, other tasks go on meanwhile.
pub fn compute<T>(computation: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(computation),
        _ => computation(),
    }
}
