//! How many hands, and whose, keys need: a file that is published before the ceremony begins.
//!
//! ```
//! let policy = praman_ceremony::Policy::parse(
//!     r#"
//! format = "praman-ceremony-policy-1"
//! circuit = "eligibility"
//! contributions = 2              # of different organisations
//! kinds = { court = 1 }          # among them at least one of a court
//! coordinator = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737"
//!
//! [phase1]
//! digest = "8f2a5c5f4b0f6a0f3c1d0e9b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c"
//! contributions = 2              # of persons, at least
//!
//! [beacon]
//! announced = "the state lottery's draw of the first Sunday after the last contribution"
//! exponent = 20
//!
//! [[contributor]]
//! name = "Asha Roy"
//! organisation = "High Court"
//! kind = "court"
//! public_key = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
//!
//! [[contributor]]
//! name = "Bina Sen"
//! organisation = "State University"
//! kind = "university"
//! identity = "principal 7"
//! "#,
//! )?;
//! assert_eq!(policy.circuit, "eligibility");
//! # Ok::<(), praman_ceremony::PolicyFault>(())
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::beacon::EXPONENTS;

const FORMAT: &str = "praman-ceremony-policy-1";

/// Why a policy can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// It is not written as a policy.
    #[error("{0}")]
    Unreadable(String),
    /// It is of another format.
    #[error("format {0:?} is not {FORMAT:?}")]
    Format(String),
    /// It asks for less than a ceremony is.
    #[error("it asks for {0} contributions; a ceremony has at least 2, of different organisations")]
    TooFew(usize),
    /// The contributors that it lists can't fulfil it.
    #[error("it lists contributors of {listed} organisations{kind}, and asks for {asked}")]
    Unfulfillable {
        /// How many organisations it lists, of a kind or of all.
        listed: usize,
        /// Of which kind, as words.
        kind: String,
        /// How many it asks for.
        asked: usize,
    },
    /// It asks for too few contributions to phase 1.
    #[error(
        "it asks for {0} contributions to phase 1; a phase 1 has at least 2 persons' contributions"
    )]
    TooFewToPhase1(usize),
    /// It asks for a beacon that none can be.
    #[error("it asks for a beacon hashed 2^{0} times; one is hashed 2^10 to 2^63 times")]
    BeaconExponent(u8),
    /// A contributor is listed without a way to know them again, or twice.
    #[error("contributor {0:?}: give a public_key or an identity, or both, that no other has")]
    Contributor(String),
    /// It takes the word of a coordinator, and names none.
    #[error("it lists an identity: give the coordinator's public key, whose word is taken for it")]
    NoCoordinator,
}

/// A policy of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    format: String,
    /// The circuit that keys are made for.
    pub circuit: String,
    /// How many organisations at least.
    pub contributions: usize,
    /// How many organisations of a kind at least.
    #[serde(default)]
    pub kinds: BTreeMap<String, usize>,
    /// The public key, Ed25519, of the coordinator whose word is taken for who was signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinator: Option<String>,
    /// Which phase 1 the keys are on. A person who knows its secrets needs none of phase 2, so it must be of many hands, too.
    pub phase1: Phase1Rule,
    /// The beacon that makes the last contribution.
    pub beacon: BeaconRule,
    /// Who may contribute.
    pub contributor: Vec<Contributor>,
}

/// Which phase 1 the keys are on. Nobody has signed what its file says of its contributors: the publisher of the policy
/// vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase1Rule {
    /// SHA-256 of its points and contributions, as `praman ceremony verify` shows it.
    pub digest: String,
    /// How many persons at least have contributed to it.
    pub contributions: usize,
}

/// Which beacon makes the last contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconRule {
    /// What it will be, in words: it must be public, and nobody may know it before the last contribution.
    pub announced: String,
    /// It is hashed 2 to at least this power times.
    pub exponent: u8,
}

/// Who may contribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contributor {
    /// Their name.
    pub name: String,
    /// Their organisation.
    pub organisation: String,
    /// What kind of organisation it is.
    pub kind: String,
    /// Their key, Ed25519.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Who they are to the coordinator: `principal` and their number in the access table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyFault`].
    pub fn parse(text: &str) -> Result<Self, PolicyFault> {
        let policy: Self = toml::from_str(text)
            .map_err(|error| PolicyFault::Unreadable(error.to_string().trim().to_owned()))?;
        policy.check()?;
        Ok(policy)
    }

    /// Whether a user of the coordinator is one of its contributors.
    pub fn lists(&self, identity: &str) -> bool {
        self.contributor.iter().any(|listed| listed.identity.as_deref() == Some(identity))
    }

    /// Checks that it asks for enough, and for no more than its contributors can give.
    pub(crate) fn check(&self) -> Result<(), PolicyFault> {
        if self.format != FORMAT {
            return Err(PolicyFault::Format(self.format.clone()));
        }
        if self.contributions < 2 {
            return Err(PolicyFault::TooFew(self.contributions));
        }
        if self.phase1.contributions < 2 {
            return Err(PolicyFault::TooFewToPhase1(self.phase1.contributions));
        }
        if !EXPONENTS.contains(&self.beacon.exponent) {
            return Err(PolicyFault::BeaconExponent(self.beacon.exponent));
        }
        let mut known = Vec::new();
        for Contributor { name, public_key, identity, .. } in &self.contributor {
            let by = [public_key.as_ref().map(|key| key.to_lowercase()), identity.clone()];
            let is_known = by.iter().flatten().any(|by| known.contains(by));
            if by == [None, None] || is_known {
                return Err(PolicyFault::Contributor(name.clone()));
            }
            known.extend(by.into_iter().flatten());
        }
        if self.coordinator.is_none() && self.contributor.iter().any(|it| it.identity.is_some()) {
            return Err(PolicyFault::NoCoordinator);
        }
        match self.shortfall(self.contributor.iter()) {
            None => Ok(()),
            Some(Shortfall { found: listed, kind, asked }) => {
                Err(PolicyFault::Unfulfillable { listed, kind, asked })
            }
        }
    }

    /// Of what contributors give less than it asks for: of organisations at all, or of a kind.
    pub(crate) fn shortfall<'a>(
        &self,
        of: impl Iterator<Item = &'a Contributor> + Clone,
    ) -> Option<Shortfall> {
        let of_all = (organisations(of.clone()), String::new(), self.contributions);
        let of_kinds = self.kinds.iter().map(|(kind, asked)| {
            let of_kind = of.clone().filter(|listed| listed.kind == *kind);
            (organisations(of_kind), format!(" of kind {kind}"), *asked)
        });
        let mut counts = std::iter::once(of_all).chain(of_kinds);
        let (found, kind, asked) = counts.find(|(found, _, asked)| found < asked)?;
        Some(Shortfall { found, kind, asked })
    }
}

/// Less than a policy asks for.
pub(crate) struct Shortfall {
    /// How many organisations there are.
    pub(crate) found: usize,
    /// Of which kind, as words; none of all.
    pub(crate) kind: String,
    /// How many it asks for.
    pub(crate) asked: usize,
}

/// How many organisations contributors are of.
fn organisations<'a>(of: impl Iterator<Item = &'a Contributor>) -> usize {
    let mut organisations: Vec<&str> = of.map(|listed| listed.organisation.as_str()).collect();
    organisations.sort_unstable();
    organisations.dedup();
    organisations.len()
}
