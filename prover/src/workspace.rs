//! Memory that proofs are made in: taken, wiped and given to the next.
//!
//! What is computed on the way to a proof tells the witness. It is kept in buffers that are made once,
//! as large as they will be, so that none is left behind by growing; they are locked in memory where the
//! system allows it, and wiped after each proof.

use std::sync::{Mutex, PoisonError};

/// What is kept for the next proof.
pub(crate) struct Spare<T>(Mutex<Vec<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T> Spare<T> {
    /// One that is not in use, or a new one.
    pub(crate) fn take(&self, make: impl FnOnce() -> T) -> T {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(make)
    }

    /// How many are kept.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Keeps one, wiped, for the next.
    pub(crate) fn keep(&self, item: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    }
}
