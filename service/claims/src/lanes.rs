//! Claims that wait to be checked, in three lanes, so that no client's claims delay another's.
//!
//! Users go first. Anyone else follows, origins in turns. Origins with too many claims that did not hold come
//! last: few at a time, each checked alone, so that a bad one spoils no batch.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::origin::Origin;

/// How many claims of the last lane are taken at a time, and how many wait: of one origin, of all.
const LAST_TOGETHER: usize = 16;
const LAST_OF_ONE: usize = 32;
const LAST_OF_ALL: usize = 512;

/// Claims that are taken out together.
pub(super) struct Batch<T> {
    pub(super) waiting: Vec<T>,
    /// Whether each is checked alone.
    pub(super) singly: bool,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    Full,
    Closed,
}

/// Pending claims of many origins, taken in turns.
struct Turns<T> {
    of: HashMap<Origin, VecDeque<T>>,
    order: VecDeque<Origin>,
    count: usize,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { of: HashMap::new(), order: VecDeque::new(), count: 0 }
    }
}

impl<T> Turns<T> {
    fn waiting_of(&self, origin: Origin) -> usize {
        self.of.get(&origin).map_or(0, VecDeque::len)
    }

    fn put(&mut self, origin: Origin, item: T) {
        let waiting = self.of.entry(origin).or_default();
        if waiting.is_empty() {
            self.order.push_back(origin);
        }
        waiting.push_back(item);
        self.count += 1;
    }

    /// Takes one of each origin, again and again, until there are enough.
    fn take(&mut self, most: usize, into: &mut Vec<T>) {
        while into.len() < most {
            let Some(origin) = self.order.pop_front() else { return };
            let Some(waiting) = self.of.get_mut(&origin) else { continue };
            if let Some(item) = waiting.pop_front() {
                into.push(item);
                self.count -= 1;
            }
            if waiting.is_empty() {
                self.of.remove(&origin);
            } else {
                self.order.push_back(origin);
            }
        }
    }
}

pub(crate) struct Waiting<T> {
    admitted: Turns<T>,
    anyone: Turns<T>,
    last: Turns<T>,
    /// Whether the last lane has its turn now.
    last_now: bool,
    closed: bool,
}

/// The lanes.
pub(super) struct Lanes<T> {
    waiting: Mutex<Waiting<T>>,
    waiting_max: usize,
    changed: Notify,
}

impl<T> Lanes<T> {
    /// Creates empty lanes, with room for so many claims of users and as many of anyone else.
    pub(super) fn new(waiting_max: usize) -> Self {
        let (admitted, anyone, last) = (Turns::default(), Turns::default(), Turns::default());
        let waiting = Waiting { admitted, anyone, last, last_now: false, closed: false };
        Self { waiting: Mutex::new(waiting), waiting_max, changed: Notify::new() }
    }

    /// Checks that there is room for one more of an origin.
    pub(super) fn has_room(&self, origin: Origin, distrusted: bool) -> Result<(), NoRoom> {
        self.waiting().has_room(self.waiting_max, origin, distrusted)
    }

    /// Puts an item into the lane of its origin.
    pub(super) fn put(&self, origin: Origin, distrusted: bool, item: T) -> Result<(), NoRoom> {
        let mut waiting = self.waiting();
        waiting.has_room(self.waiting_max, origin, distrusted)?;
        let lane = match origin {
            _ if distrusted => &mut waiting.last,
            Origin::Admitted(_) => &mut waiting.admitted,
            Origin::Peer(_) | Origin::Trusted => &mut waiting.anyone,
        };
        lane.put(origin, item);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Returns the next batch as soon as there is one; none when the lanes are closed and empty.
    pub(super) async fn next(&self, together: usize) -> Option<Batch<T>> {
        loop {
            let changed = self.changed.notified();
            {
                let mut waiting = self.waiting();
                if let Some(batch) = waiting.next(together) {
                    if waiting.count() > 0 {
                        self.changed.notify_one();
                    }
                    return Some(batch);
                }
                if waiting.closed {
                    // Wakes the other waiting tasks, so that they end too.
                    self.changed.notify_one();
                    return None;
                }
            }
            changed.await;
        }
    }

    /// Returns how many are pending.
    pub(super) fn count(&self) -> usize {
        self.waiting().count()
    }

    /// Closes the lanes: no more is accepted.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        // Its content is consistent even if another thread panicked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiting<T> {
    fn count(&self) -> usize {
        self.admitted.count + self.anyone.count + self.last.count
    }

    fn has_room(&self, most: usize, origin: Origin, distrusted: bool) -> Result<(), NoRoom> {
        if self.closed {
            return Err(NoRoom::Closed);
        }
        let full = match origin {
            _ if distrusted => {
                self.last.count >= LAST_OF_ALL || self.last.waiting_of(origin) >= LAST_OF_ONE
            }
            Origin::Admitted(_) => self.admitted.count >= most,
            Origin::Peer(_) | Origin::Trusted => self.anyone.count >= most,
        };
        if full { Err(NoRoom::Full) } else { Ok(()) }
    }

    fn next(&mut self, together: usize) -> Option<Batch<T>> {
        let mut waiting = Vec::new();
        let first = self.admitted.count + self.anyone.count > 0;
        if first && !(self.last_now && self.last.count > 0) {
            self.last_now = true;
            self.admitted.take(together, &mut waiting);
            self.anyone.take(together, &mut waiting);
            return Some(Batch { waiting, singly: false });
        }
        self.last_now = false;
        self.last.take(LAST_TOGETHER, &mut waiting);
        (!waiting.is_empty()).then_some(Batch { waiting, singly: true })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use praman_access::PrincipalNumber;

    fn peer(last: u8) -> Origin {
        IpAddr::from([192, 0, 2, last]).into()
    }

    #[tokio::test]
    async fn lanes_take_origins_in_turns_and_the_distrusted_last() {
        let lanes = Lanes::new(1_000);
        for number in 0..100 {
            lanes.put(peer(1), false, ("flood", number)).expect("room");
        }
        lanes.put(peer(2), false, ("one", 0)).expect("room");
        for number in 0..LAST_OF_ONE {
            lanes.put(peer(3), true, ("bad", number)).expect("room");
        }
        assert_eq!(lanes.put(peer(3), true, ("bad", 99)), Err(NoRoom::Full));
        lanes.put(peer(4), true, ("bad too", 0)).expect("another's room");
        lanes.put(Origin::Admitted(PrincipalNumber(1)), false, ("kiosk", 0)).expect("room");
        let next = async || {
            let batch = lanes.next(4).await.expect("waits");
            (batch.waiting.iter().map(|(who, _)| *who).collect::<Vec<_>>(), batch.singly)
        };
        assert_eq!(next().await, (vec!["kiosk", "flood", "one", "flood"], false));
        let (bad, singly) = next().await;
        assert_eq!((bad.len(), bad[1], singly), (LAST_TOGETHER, "bad too", true));
        assert_eq!(next().await, (vec!["flood"; 4], false), "others have their turn in between");
        lanes.close();
        assert_eq!(lanes.put(peer(2), false, ("late", 0)), Err(NoRoom::Closed));
        let mut left = 0;
        while let Some(batch) = lanes.next(256).await {
            left += batch.waiting.len();
        }
        assert_eq!(
            left,
            100 - 6 + LAST_OF_ONE + 1 - LAST_TOGETHER,
            "what was taken in is finished"
        );
    }
}
