//! Tasks that wait for something in the store to move.

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
    /// Waits for one thing from now on.
    pub fn waiter(&self, id: Id) -> Waiter<'_, Id> {
        let notify = self.map().entry(id).or_default().clone();
        Waiter { waiters: self, id, notify }
    }

    /// Wakes all who wait for some things.
    pub fn wake(&self, ids: &[Id]) {
        let map = self.map();
        for notify in ids.iter().filter_map(|id| map.get(id)) {
            notify.notify_waiters();
        }
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.map().is_empty()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Id, Arc<Notify>>> {
        // What is in it is whole whatever happened to another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Someone who waits.
pub struct Waiter<'a, Id: Copy + Eq + Hash> {
    waiters: &'a Waiters<Id>,
    id: Id,
    notify: Arc<Notify>,
}

impl<Id: Copy + Eq + Hash> Waiter<'_, Id> {
    /// Ends when it moves after this call, also before it is polled.
    pub fn woken(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

impl<Id: Copy + Eq + Hash> Drop for Waiter<'_, Id> {
    fn drop(&mut self) {
        // The map's and this one.
        if let Entry::Occupied(entry) = self.waiters.map().entry(self.id)
            && Arc::strong_count(entry.get()) <= 2
        {
            entry.remove();
        }
    }
}
