//! Tasks that wait for something in the store to change.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Who waits for what.
pub struct Waiters<Id>(Mutex<HashMap<Id, Arc<Notify>>>);

impl<Id> Default for Waiters<Id> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Id: Copy + Eq + Hash> Waiters<Id> {
    /// Returns a waiter for one thing from now on.
    pub fn waiter(&self, id: Id) -> Waiter<'_, Id> {
        let notify = self.map().entry(id).or_default().clone();
        Waiter { waiters: self, id, notify }
    }

    /// Wakes all waiters for some things.
    pub fn wake(&self, ids: &[Id]) {
        let map = self.map();
        for notify in ids.iter().filter_map(|id| map.get(id)) {
            notify.notify_waiters();
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.map().is_empty()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Id, Arc<Notify>>> {
        // Its content is consistent whatever happened to another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits.
pub struct Waiter<'a, Id: Copy + Eq + Hash> {
    waiters: &'a Waiters<Id>,
    id: Id,
    notify: Arc<Notify>,
}

impl<Id: Copy + Eq + Hash> Waiter<'_, Id> {
    /// Resolves when it changes after this call, also before it is polled.
    pub fn woken(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

impl<Id: Copy + Eq + Hash> Drop for Waiter<'_, Id> {
    fn drop(&mut self) {
        // The map's reference and this one.
        if let Entry::Occupied(entry) = self.waiters.map().entry(self.id)
            && Arc::strong_count(entry.get()) <= 2
        {
            entry.remove();
        }
    }
}
