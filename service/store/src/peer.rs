//! Whose requests are counted together.

use std::net::{IpAddr, Ipv6Addr};

/// One subscriber of the network: an address, for IPv6 a network of 64 bits.
///
/// Carriers put many people behind one address, so limits per peer are wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            address @ IpAddr::V4(_) => Self(address),
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
        }
    }
}
