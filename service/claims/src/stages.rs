//! How long the machine's steps take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The time that steps have taken since a machine was made, waiting for the database included.
#[derive(Debug, Default)]
pub(super) struct StageClock {
    keeping: AtomicU64,
    verifying: AtomicU64,
    recording: AtomicU64,
    settling: AtomicU64,
}

/// A step.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Keeping,
    Verifying,
    Recording,
    Settling,
}

/// How long each step has taken since a machine was made, of all claims together. Steps of different
/// claims go on at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTimes {
    /// Claims looked up and kept in the store.
    pub keeping: Duration,
    /// Proofs checked.
    pub verifying: Duration,
    /// The verdicts, and what is settled together, written to the store.
    pub recording: Duration,
    /// Claims submitted to the chain and its events written.
    pub settling: Duration,
}

impl StageClock {
    /// Adds the time since a moment to a step.
    pub(super) fn since(&self, stage: Stage, begun: Instant) {
        let counter = match stage {
            Stage::Keeping => &self.keeping,
            Stage::Verifying => &self.verifying,
            Stage::Recording => &self.recording,
            Stage::Settling => &self.settling,
        };
        let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        counter.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> StageTimes {
        let time = |counter: &AtomicU64| Duration::from_nanos(counter.load(Ordering::Relaxed));
        StageTimes {
            keeping: time(&self.keeping),
            verifying: time(&self.verifying),
            recording: time(&self.recording),
            settling: time(&self.settling),
        }
    }
}
