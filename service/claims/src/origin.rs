//! Where claims come from, and which origins sent too many that did not hold.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use praman_access::PrincipalNumber;
use praman_store::peer::Peer;
use tokio::time::Instant;

/// Where a claim comes from. It is never kept with the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A user who may hand in claims: a kiosk, an office, a relayer.
    Admitted(PrincipalNumber),
    /// Anyone.
    Peer(Peer),
    /// Clients that can't be told apart: the machine itself, or a proxy that bounds its clients.
    Trusted,
}

impl From<std::net::IpAddr> for Origin {
    fn from(address: std::net::IpAddr) -> Self {
        Self::Peer(address.into())
    }
}

/// After so many claims that did not hold, further ones are checked last, one by one.
const MOST: f64 = 20.0;

/// So many are forgotten in a second: an origin whose claims hold again is like others within a minute.
const FORGOTTEN_PER_SECOND: f64 = 1.0;

/// How much is remembered at most, of one origin and of all.
const REMEMBERED: f64 = 60.0;
const ORIGINS_MAX: usize = 65_536;

/// How many claims of each origin did not hold lately.
#[derive(Default)]
pub(super) struct Distrust {
    counts: Mutex<HashMap<Origin, (f64, Instant)>>,
}

impl Distrust {
    /// Remembers a claim that does not hold.
    pub(super) fn remember(&self, origin: Origin) {
        if origin == Origin::Trusted {
            return;
        }
        let now = Instant::now();
        let mut counts = self.counts();
        if counts.len() >= ORIGINS_MAX && !counts.contains_key(&origin) {
            counts.retain(|_, count| left(*count, now) > 0.0);
            if counts.len() >= ORIGINS_MAX {
                return;
            }
        }
        let count = counts.entry(origin).or_insert((0.0, now));
        *count = ((left(*count, now) + 1.0).min(REMEMBERED), now);
    }

    /// Returns whether too many claims of an origin did not hold.
    pub(super) fn is_earned(&self, origin: Origin) -> bool {
        let count = self.counts().get(&origin).copied();
        count.is_some_and(|count| left(count, Instant::now()) >= MOST)
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Origin, (f64, Instant)>> {
        // Its content is consistent even if another thread panicked.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn left((count, since): (f64, Instant), now: Instant) -> f64 {
    (count - now.duration_since(since).as_secs_f64() * FORGOTTEN_PER_SECOND).max(0.0)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::*;

    fn peer(text: &str) -> Origin {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[tokio::test(start_paused = true)]
    async fn distrust_is_earned_by_one_alone_and_forgotten_within_a_minute() {
        let distrust = Distrust::default();
        let (bad, good) = (peer("192.0.2.1"), peer("192.0.2.2"));
        for _ in 0..20 {
            assert!(!distrust.is_earned(bad));
            distrust.remember(bad);
        }
        assert!(distrust.is_earned(bad) && !distrust.is_earned(good));
        for _ in 0..10_000 {
            distrust.remember(bad);
            distrust.remember(Origin::Trusted);
        }
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(distrust.is_earned(bad) && !distrust.is_earned(Origin::Trusted));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(!distrust.is_earned(bad));
    }
}
