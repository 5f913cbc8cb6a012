//! Points at which a test kills the program: `FAILPOINTS=claims::kept=3*off->return`, in builds with the
//! feature `failpoints` alone.

/// Ends the program here like a power cut, if a test has asked for it.
#[macro_export]
macro_rules! may_die {
    ($name:literal) => {
        $crate::failpoint::fail::fail_point!($name, |_| $crate::failpoint::die())
    };
}
#[doc(hidden)]
pub use fail;
pub use may_die;

/// Ends the program: nothing is flushed, no destructor runs.
#[cfg(feature = "failpoints")]
pub fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    loop {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// Reads the points that tests have asked for.
#[cfg(feature = "failpoints")]
pub fn listen() {
    // Read once and kept to the end.
    std::mem::forget(fail::FailScenario::setup());
}
