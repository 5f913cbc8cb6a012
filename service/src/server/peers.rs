//! How much one peer may take of what all share: connections, and requests at a time.
//!
//! A peer is an address, of IPv6 a network of 64 bits, which one subscriber has. Carriers put many people
//! behind one address, so the bounds are wide: they keep one peer from shutting out all others, and no more.
//! Addresses of proxies are exempt, by configuration alone: what stands before the service bounds its clients.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much one peer may have at a time.
#[derive(Clone, Copy, Debug)]
pub struct PeerLimits {
    /// Connections.
    pub connections_max: usize,
    /// Requests.
    pub requests_max: usize,
}

/// What a peer takes a place of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Taken {
    Connection,
    Request,
}

/// Who has how much.
pub struct Peers {
    limits: PeerLimits,
    proxies: HashSet<IpAddr>,
    open: Mutex<HashMap<(IpAddr, Taken), usize>>,
}

impl Peers {
    /// Nobody has anything yet.
    pub fn new(limits: PeerLimits, proxies: impl IntoIterator<Item = IpAddr>) -> Arc<Self> {
        let proxies = proxies.into_iter().map(|address| address.to_canonical()).collect();
        Arc::new(Self { limits, proxies, open: Mutex::default() })
    }

    /// A place for a peer; none if it has as many as it may.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, taken: Taken) -> Option<Place> {
        let address = address.to_canonical();
        if self.proxies.contains(&address) {
            return Some(Place(None));
        }
        let most = match taken {
            Taken::Connection => self.limits.connections_max,
            Taken::Request => self.limits.requests_max,
        };
        let key = (subscriber(address), taken);
        let mut open = self.open();
        let count = open.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place(Some((self.clone(), key))))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<(IpAddr, Taken), usize>> {
        // What is in it is whole whatever happened to another thread.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network that one subscriber has.
fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

/// A place that a peer has, until it is dropped.
pub(super) struct Place(Option<(Arc<Peers>, (IpAddr, Taken))>);

impl Drop for Place {
    fn drop(&mut self) {
        let Some((peers, key)) = self.0.take() else { return };
        let mut open = peers.open();
        match open.get_mut(&key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn peer_takes_no_more_than_its_part_and_gives_it_back() {
        let limits = PeerLimits { connections_max: 2, requests_max: 1 };
        let peers = Peers::new(limits, [address("10.0.0.1")]);
        let take = |text: &str, taken| peers.take(address(text), taken);
        let first = take("192.0.2.1", Taken::Connection).expect("a place");
        let _second = take("::ffff:192.0.2.1", Taken::Connection).expect("the same peer's");
        assert!(take("192.0.2.1", Taken::Connection).is_none());
        let _request = take("192.0.2.1", Taken::Request).expect("counted apart");
        assert!(take("192.0.2.1", Taken::Request).is_none());
        let _other = take("192.0.2.2", Taken::Connection).expect("another peer");
        drop(first);
        assert!(take("192.0.2.1", Taken::Connection).is_some());
        // One subscriber's network is one peer; a proxy is none.
        let _six = [take("2001:db8::1", Taken::Request), take("2001:db8:0:1::1", Taken::Request)];
        assert!(take("2001:db8::2", Taken::Request).is_none());
        let proxied: Vec<_> = (0..9).map(|_| take("10.0.0.1", Taken::Request)).collect();
        assert!(proxied.iter().all(Option::is_some));
        drop((_second, _request, _other, _six, proxied));
        assert!(peers.open().is_empty(), "nothing is kept of who is gone");
    }
}
