//! The record of a finished ceremony: who contributed to what, and by which policy that was enough.
//!
//! It lies beside the keys; its digest is in the keys and on the ledger. Anyone with it, the last file of each phase and
//! the circuit can check it again.

use praman_circuits::circuit::Circuit;
use praman_verifier::{ReadError, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::attestation::{Attestation, Receipt, SignatureFault};
use crate::key::{Contribution, VerifiedKey};
use crate::policy::{Contributor, Policy, PolicyFault, organisations};
use crate::powers::VerifiedPowers;

const FORMAT: &str = "praman-transcript-1";

/// Why a ceremony is not finished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// The policy is for another circuit.
    #[error("the policy is for circuit {0:?}")]
    OtherCircuit(String),
    /// The key was checked against another circuit or another phase 1.
    #[error("the key was checked against another circuit or another phase 1")]
    OtherKey,
    /// The verification key is degenerate.
    #[error("the verification key is refused: {0}")]
    Degenerate(ReadError),
    /// A file can't be read.
    #[error("{0}")]
    File(String),
    /// The policy can't be taken.
    #[error("the policy: {0}")]
    Policy(#[from] PolicyFault),
    /// Phase 1 is another than the policy's.
    #[error("phase 1 is {found}, the policy's is {expected}")]
    OtherPhase1 {
        /// Its digest.
        found: String,
        /// The policy's.
        expected: String,
    },
    /// An attestation or a receipt is not signed right.
    #[error("what is signed of contribution {contribution}: {fault}")]
    Signature {
        /// The contribution's hash, its first digits.
        contribution: String,
        /// What is wrong.
        fault: SignatureFault,
    },
    /// An attestation or a receipt is of no contribution of this ceremony.
    #[error("{0:?} signed a contribution that is not in this ceremony")]
    OtherCeremony(String),
    /// The last contribution is no beacon's.
    #[error("the last contribution is no beacon's, as the policy asks")]
    NoBeacon,
    /// The beacon was hashed too seldom.
    #[error("the beacon was hashed 2^{found} times, the policy asks for 2^{asked}")]
    WeakBeacon {
        /// The power that it was hashed with.
        found: u8,
        /// The power that is asked for.
        asked: u8,
    },
    /// Too few organisations stand behind contributions.
    #[error("{found} organisations{kind} stand behind contributions, the policy asks for {asked}")]
    TooFew {
        /// How many do.
        found: usize,
        /// Of which kind, as words.
        kind: String,
        /// How many it asks for.
        asked: usize,
    },
}

/// The record of a finished ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    format: String,
    /// The circuit's name.
    pub circuit: String,
    /// The circuit's digest.
    pub circuit_digest: String,
    /// The hash of circuit and phase 1 that every contribution names.
    pub circuit_hash: String,
    /// SHA-256 of phase 1's points and contributions.
    pub phase1: String,
    /// SHA-256 of the verification key's points, as contracts take them.
    pub verification_key: String,
    /// Who contributed to phase 1.
    pub phase1_contributions: Vec<TranscriptContribution>,
    /// Who contributed to phase 2.
    pub contributions: Vec<TranscriptContribution>,
    /// By which policy that was enough.
    pub policy: Policy,
}

/// A contribution, as the record has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscriptContribution {
    /// Its hash.
    pub hash: String,
    /// The name that the file has for it.
    pub name: String,
    /// The beacon, in hexadecimal digits, and the power of two of times that it was hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<(String, u8)>,
    /// What its contributor signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
    /// What the coordinator signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Whom of the policy's contributors that makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<Contributor>,
}

impl TranscriptContribution {
    fn of(contribution: &Contribution) -> Self {
        let beacon = contribution.beacon.as_ref();
        Self {
            hash: hex::encode(contribution.hash),
            name: contribution.name.clone(),
            beacon: beacon.map(|beacon| (hex::encode(beacon.value()), beacon.exponent())),
            attestation: None,
            receipt: None,
            contributor: None,
        }
    }
}

impl Transcript {
    /// Finishes a ceremony: holds what was signed of its contributions against the policy.
    ///
    /// # Errors
    /// [`Unfinished`] with what is missing or wrong.
    pub fn finish(
        circuit: &Circuit,
        powers: &VerifiedPowers,
        key: &VerifiedKey,
        policy: Policy,
        attestations: &[Attestation],
        receipts: &[Receipt],
    ) -> Result<Self, Unfinished> {
        policy.check()?;
        if policy.circuit != circuit.name() {
            return Err(Unfinished::OtherCircuit(policy.circuit));
        }
        let digest = powers.powers().digest();
        if key.statement() != Some(circuit.digest()) || key.phase1() != digest {
            return Err(Unfinished::OtherKey);
        }
        let points = key.proving_key().map_err(|error| Unfinished::File(error.to_string()))?.vk;
        let verifying = VerifyingKey::foreign(points).map_err(Unfinished::Degenerate)?;
        let phase1 = hex::encode(digest);
        if let Some(expected) = policy.phase1.as_ref().filter(|expected| **expected != phase1) {
            return Err(Unfinished::OtherPhase1 { found: phase1, expected: expected.clone() });
        }
        let circuit_hash = hex::encode(key.circuit_hash());
        let mut contributions: Vec<_> =
            key.contributions().iter().map(TranscriptContribution::of).collect();
        for attestation in attestations {
            let signed = &attestation.contribution;
            check_signature(signed, attestation.check())?;
            let found = contributions.iter_mut().find(|found| found.hash == *signed);
            let Some(found) = found.filter(|_| attestation.circuit_hash == circuit_hash) else {
                return Err(Unfinished::OtherCeremony(attestation.name.clone()));
            };
            found.attestation = Some(attestation.clone());
        }
        for receipt in receipts {
            let signed = &receipt.contribution;
            check_signature(signed, receipt.check())?;
            let found = contributions.iter_mut().find(|found| found.hash == *signed);
            let Some(found) = found.filter(|_| receipt.circuit_hash == circuit_hash) else {
                return Err(Unfinished::OtherCeremony(receipt.identity.clone()));
            };
            found.receipt = Some(receipt.clone());
        }
        for contribution in &mut contributions {
            contribution.contributor = contributor(&policy, contribution).cloned();
        }
        check_beacon(&policy, contributions.last())?;
        check_organisations(&policy, &contributions)?;
        let phase1_contributions = powers.powers().contributions();
        Ok(Self {
            format: FORMAT.to_owned(),
            circuit: circuit.name().to_owned(),
            circuit_digest: circuit.digest().to_string(),
            circuit_hash,
            phase1,
            verification_key: hex::encode(verifying.points_digest()),
            phase1_contributions: phase1_contributions
                .iter()
                .map(TranscriptContribution::of)
                .collect(),
            contributions,
            policy,
        })
    }

    /// Checks a record against the files that it is of, by finishing the ceremony once more. True if it is the record.
    ///
    /// # Errors
    /// [`Unfinished`] where the files do not fulfil the record's policy.
    pub fn holds(
        &self,
        circuit: &Circuit,
        powers: &VerifiedPowers,
        key: &VerifiedKey,
    ) -> Result<bool, Unfinished> {
        let attestations: Vec<Attestation> =
            self.contributions.iter().filter_map(|it| it.attestation.clone()).collect();
        let receipts: Vec<Receipt> =
            self.contributions.iter().filter_map(|it| it.receipt.clone()).collect();
        let again =
            Self::finish(circuit, powers, key, self.policy.clone(), &attestations, &receipts)?;
        Ok(again == *self)
    }

    /// The record as it is kept, whose SHA-256 is its digest.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings serialise");
        text.push('\n');
        text
    }

    /// SHA-256 of the record as it is kept.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_json()).into()
    }
}

fn check_signature(of: &str, checked: Result<(), SignatureFault>) -> Result<(), Unfinished> {
    let contribution = of.chars().take(16).collect();
    checked.map_err(|fault| Unfinished::Signature { contribution, fault })
}

/// Whom of the policy's contributors what is signed makes a contribution: the one whose key signed it under the listed
/// name, or the one whom the policy's coordinator saw signed in.
fn contributor<'a>(
    policy: &'a Policy,
    contribution: &TranscriptContribution,
) -> Option<&'a Contributor> {
    policy.contributor.iter().find(|listed| {
        let signed = contribution.attestation.as_ref().is_some_and(|signed| {
            let key = listed.public_key.as_ref();
            key.is_some_and(|key| key.eq_ignore_ascii_case(&signed.public_key))
                && signed.name == listed.name
                && signed.organisation == listed.organisation
        });
        let seen = contribution.receipt.as_ref().is_some_and(|receipt| {
            let coordinator = policy.coordinator.as_ref();
            coordinator.is_some_and(|key| key.eq_ignore_ascii_case(&receipt.public_key))
                && listed.identity.as_ref() == Some(&receipt.identity)
        });
        signed || seen
    })
}

fn check_beacon(policy: &Policy, last: Option<&TranscriptContribution>) -> Result<(), Unfinished> {
    let asked = policy.beacon.exponent;
    match last.and_then(|last| last.beacon.as_ref()) {
        None => Err(Unfinished::NoBeacon),
        Some(&(_, found)) if found < asked => Err(Unfinished::WeakBeacon { found, asked }),
        Some(_) => Ok(()),
    }
}

fn check_organisations(
    policy: &Policy,
    contributions: &[TranscriptContribution],
) -> Result<(), Unfinished> {
    // A beacon is public: nobody stands behind it.
    let known = || {
        let persons = contributions.iter().filter(|found| found.beacon.is_none());
        persons.filter_map(|found| found.contributor.as_ref())
    };
    let of_all = (organisations(known()), String::new(), policy.contributions);
    let of_kinds = policy.kinds.iter().map(|(kind, asked)| {
        let of_kind = known().filter(|listed| listed.kind == *kind);
        (organisations(of_kind), format!(" of kind {kind}"), *asked)
    });
    for (found, kind, asked) in std::iter::once(of_all).chain(of_kinds) {
        if found < asked {
            return Err(Unfinished::TooFew { found, kind, asked });
        }
    }
    Ok(())
}
