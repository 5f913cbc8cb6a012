//! How much one peer may take of what all share: connections, and requests at a time.
//!
//! Carriers put many people behind one address, so the bounds are wide: they keep one peer from shutting out
//! all others, and no more. Only the configuration says which addresses are proxies. A request through one is
//! its client's, who is the last in `X-Forwarded-For` that is no proxy: what is before that can be forged. A
//! proxy that names no client bounds its clients itself.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use praman_store::peer::Peer;

/// The header in which proxies name the client of a request.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How much one peer may have at a time.
#[derive(Clone, Copy, Debug)]
pub struct PeerLimits {
    /// Connections.
    pub connections_max: usize,
    /// Requests.
    pub requests_max: usize,
}

/// What a peer takes a place for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Taken {
    Connection,
    Request,
}

/// How much each peer has.
pub struct Peers {
    limits: PeerLimits,
    proxies: HashSet<IpAddr>,
    open: Mutex<HashMap<(Peer, Taken), usize>>,
}

impl Peers {
    /// Creates the bounds; no peer has a place yet.
    pub fn new(limits: PeerLimits, proxies: impl IntoIterator<Item = IpAddr>) -> Arc<Self> {
        let proxies = proxies.into_iter().map(|address| address.to_canonical()).collect();
        Arc::new(Self { limits, proxies, open: Mutex::default() })
    }

    /// Returns the peer of a connection; none if it is a proxy's.
    pub(super) fn peer_of(&self, address: IpAddr) -> Option<Peer> {
        (!self.proxies.contains(&address.to_canonical())).then(|| address.into())
    }

    /// Returns the peer of a request; none if it comes through a proxy that names no client.
    pub(super) fn sender_of(&self, address: IpAddr, headers: &HeaderMap) -> Option<Peer> {
        let connected = self.peer_of(address);
        if connected.is_some() {
            return connected;
        }
        let forwarded = headers.get_all(FORWARDED_FOR).iter().rev();
        // As bytes: what a client has written first must not hide what the proxy has added at the end.
        let parts = forwarded.flat_map(|value| value.as_bytes().rsplit(|&byte| byte == b','));
        // From the end, the first that is no proxy's, if it is an address at all.
        for part in parts {
            let address = std::str::from_utf8(part).ok().and_then(|text| read_address(text.trim()));
            let peer = self.peer_of(address?);
            if peer.is_some() {
                return peer;
            }
        }
        None
    }

    /// Takes a place for a peer; none if it has as many as it may.
    pub(super) fn take(self: &Arc<Self>, peer: Option<Peer>, taken: Taken) -> Option<Place> {
        let Some(peer) = peer else { return Some(Place(None)) };
        let most = match taken {
            Taken::Connection => self.limits.connections_max,
            Taken::Request => self.limits.requests_max,
        };
        let key = (peer, taken);
        let mut open = self.open();
        let count = open.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place(Some((self.clone(), key))))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<(Peer, Taken), usize>> {
        // Its content is consistent even if another thread panicked.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an address, with or without a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port)
}

/// A place that a peer has, until it is dropped.
pub(super) struct Place(Option<(Arc<Peers>, (Peer, Taken))>);

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
        let take = |text: &str, taken| peers.take(peers.peer_of(address(text)), taken);
        let first = take("192.0.2.1", Taken::Connection).expect("a place");
        let _second = take("::ffff:192.0.2.1", Taken::Connection).expect("the same peer's");
        assert!(take("192.0.2.1", Taken::Connection).is_none());
        let _request = take("192.0.2.1", Taken::Request).expect("counted apart");
        assert!(take("192.0.2.1", Taken::Request).is_none());
        let _other = take("192.0.2.2", Taken::Connection).expect("another peer");
        drop(first);
        assert!(take("192.0.2.1", Taken::Connection).is_some());
        // One subscriber's network is one peer; a proxy is not a peer.
        let _six = [take("2001:db8::1", Taken::Request), take("2001:db8:0:1::1", Taken::Request)];
        assert!(take("2001:db8::2", Taken::Request).is_none());
        let proxied: Vec<_> = (0..9).map(|_| take("10.0.0.1", Taken::Request)).collect();
        assert!(proxied.iter().all(Option::is_some));
        drop((_second, _request, _other, _six, proxied));
        assert!(peers.open().is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn request_through_a_proxy_counts_for_its_client() {
        let limits = PeerLimits { connections_max: 2, requests_max: 1 };
        let peers = Peers::new(limits, [address("10.0.0.1"), address("10.0.0.2")]);
        let sender = |from: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().expect("a header"));
            }
            peers.sender_of(address(from), &headers)
        };
        let peer = |text: &str| Some(Peer::from(address(text)));
        // What a client writes about itself is ignored.
        assert_eq!(sender("192.0.2.9", &["192.0.2.1"]), peer("192.0.2.9"));
        assert_eq!(sender("10.0.0.1", &["192.0.2.1, 192.0.2.2"]), peer("192.0.2.2"));
        assert_eq!(sender("10.0.0.1", &["192.0.2.1", "192.0.2.2, 10.0.0.2"]), peer("192.0.2.2"));
        assert_eq!(sender("10.0.0.1", &["192.0.2.2:4711"]), peer("192.0.2.2"));
        assert_eq!(sender("10.0.0.1", &["[2001:db8::1]:4711"]), peer("2001:db8::2"));
        assert_eq!(sender("10.0.0.1", &["192.0.2.1, unknown"]), None);
        let mut headers = HeaderMap::new();
        let odd = b"\xff, 192.0.2.2";
        headers.append(FORWARDED_FOR, axum::http::HeaderValue::from_bytes(odd).expect("a header"));
        assert_eq!(peers.sender_of(address("10.0.0.1"), &headers), peer("192.0.2.2"));
        assert_eq!(sender("10.0.0.1", &[]), None);
    }
}
