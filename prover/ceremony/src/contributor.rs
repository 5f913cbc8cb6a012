//! Who contributes, and what the secrets are drawn from.

use zeroize::Zeroizing;

use crate::beacon::Beacon;
use crate::draw::{Draw, Hash};
use crate::parameters::Parameters;

/// What a contribution's secrets are drawn from.
pub(crate) enum Entropy {
    /// The system's generator, and what a person typed.
    Person(Zeroizing<String>),
    Beacon(Beacon),
    /// Bytes in the place of the system's: a test knows the secrets.
    #[cfg(test)]
    Known([u8; 64], &'static str),
}

/// Who contributes to a file.
pub struct Contributor {
    name: String,
    entropy: Entropy,
}

impl Contributor {
    /// A person, with whatever they typed: it is mixed into what the system's generator gives, so that a good one of both
    /// is enough.
    pub fn person(name: &str, typed: Zeroizing<String>) -> Self {
        Self { name: name.to_owned(), entropy: Entropy::Person(typed) }
    }

    /// A public beacon, with a name for it. It makes the last contribution, so that nobody could choose the keys.
    pub fn beacon(name: &str, beacon: Beacon) -> Self {
        Self { name: name.to_owned(), entropy: Entropy::Beacon(beacon) }
    }

    #[cfg(test)]
    pub(crate) fn known(name: &str, system: [u8; 64], typed: &'static str) -> Self {
        Self { name: name.to_owned(), entropy: Entropy::Known(system, typed) }
    }

    pub(crate) fn draw(&self) -> Draw {
        match &self.entropy {
            Entropy::Person(typed) => Draw::from_entropy(typed),
            Entropy::Beacon(beacon) => Draw::from_beacon(beacon),
            #[cfg(test)]
            Entropy::Known(system, typed) => Draw::from_parts(system, typed),
        }
    }

    pub(crate) fn parameters(&self) -> Parameters {
        let beacon = match &self.entropy {
            Entropy::Beacon(beacon) => Some(beacon.clone()),
            _ => None,
        };
        Parameters::new(&self.name, beacon)
    }
}

/// A file with one contribution more.
pub struct Contributed {
    /// The whole file.
    pub file: Vec<u8>,
    /// The hash by which its contributor knows the contribution again.
    pub hash: Hash,
}
