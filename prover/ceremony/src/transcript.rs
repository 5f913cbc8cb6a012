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
use crate::policy::{Contributor, Policy, PolicyFault, Shortfall};
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
    /// Too few persons contributed to phase 1.
    #[error("{found} persons contributed to phase 1, the policy asks for {asked}")]
    TooFewToPhase1 {
        /// How many did.
        found: usize,
        /// How many it asks for.
        asked: usize,
    },
    /// An attestation is by a key that the policy does not list, or a receipt by another coordinator's.
    #[error("what {0:?} signed is by a key that the policy does not name")]
    Stranger(String),
    /// A contribution is attested or received twice.
    #[error("contribution {0} is signed twice: give what holds")]
    Twice(String),
    /// One contributor signed a contribution, and the coordinator saw another bring it.
    #[error("contribution {0} is signed by one contributor and was brought by another")]
    Contradiction(String),
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
    #[error("the last contribution is not a beacon's, as the policy asks")]
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
        if policy.phase1.digest != phase1 {
            let expected = policy.phase1.digest;
            return Err(Unfinished::OtherPhase1 { found: phase1, expected });
        }
        let of_phase1 = powers.powers().contributions();
        let found = of_phase1.iter().filter(|found| found.beacon.is_none()).count();
        let asked = policy.phase1.contributions;
        if found < asked {
            return Err(Unfinished::TooFewToPhase1 { found, asked });
        }
        let circuit_hash = hex::encode(key.circuit_hash());
        let mut contributions: Vec<_> =
            key.contributions().iter().map(TranscriptContribution::of).collect();
        for attestation in attestations {
            let signed = &attestation.contribution;
            check_signature(signed, attestation.check())?;
            let key = Some(attestation.public_key.to_lowercase());
            let mut listed = policy.contributor.iter();
            if !listed.any(|it| it.public_key.as_ref().map(|key| key.to_lowercase()) == key) {
                return Err(Unfinished::Stranger(attestation.name.clone()));
            }
            let found = contributions.iter_mut().find(|found| found.hash == *signed);
            let Some(found) = found.filter(|_| attestation.circuit_hash == circuit_hash) else {
                return Err(Unfinished::OtherCeremony(attestation.name.clone()));
            };
            if found.attestation.replace(attestation.clone()).is_some() {
                return Err(Unfinished::Twice(short(signed)));
            }
        }
        for receipt in receipts {
            let signed = &receipt.contribution;
            check_signature(signed, receipt.check())?;
            let coordinator = policy.coordinator.as_ref();
            if !coordinator.is_some_and(|key| key.eq_ignore_ascii_case(&receipt.public_key)) {
                return Err(Unfinished::Stranger(receipt.identity.clone()));
            }
            let found = (1..).zip(&mut contributions).find(|(_, found)| found.hash == *signed);
            let is_here =
                |number: u32| receipt.circuit_hash == circuit_hash && receipt.number == number;
            let Some((_, found)) = found.filter(|(number, _)| is_here(*number)) else {
                return Err(Unfinished::OtherCeremony(receipt.identity.clone()));
            };
            if found.receipt.replace(receipt.clone()).is_some() {
                return Err(Unfinished::Twice(short(signed)));
            }
        }
        for contribution in &mut contributions {
            contribution.contributor = contributor(&policy, contribution)?.cloned();
        }
        check_beacon(&policy, contributions.last())?;
        check_organisations(&policy, &contributions)?;
        Ok(Self {
            format: FORMAT.to_owned(),
            circuit: circuit.name().to_owned(),
            circuit_digest: circuit.digest().to_string(),
            circuit_hash,
            phase1,
            verification_key: hex::encode(verifying.points_digest()),
            phase1_contributions: of_phase1.iter().map(TranscriptContribution::of).collect(),
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
    checked.map_err(|fault| Unfinished::Signature { contribution: short(of), fault })
}

/// The first digits of a hash.
fn short(hash: &str) -> String {
    hash.chars().take(16).collect()
}

/// Whom of the policy's contributors what is signed makes a contribution: the one whose key signed it under the listed
/// name, or the one whom the policy's coordinator saw signed in. Both must be the same.
fn contributor<'a>(
    policy: &'a Policy,
    contribution: &TranscriptContribution,
) -> Result<Option<&'a Contributor>, Unfinished> {
    let mut listed = policy.contributor.iter();
    let signer = contribution.attestation.as_ref().and_then(|signed| {
        listed.find(|listed| {
            let key = listed.public_key.as_ref();
            key.is_some_and(|key| key.eq_ignore_ascii_case(&signed.public_key))
                && signed.name == listed.name
                && signed.organisation == listed.organisation
        })
    });
    let mut listed = policy.contributor.iter();
    let seen = contribution.receipt.as_ref().and_then(|receipt| {
        listed.find(|listed| listed.identity.as_ref() == Some(&receipt.identity))
    });
    match (signer, seen) {
        (Some(signer), Some(seen)) if signer != seen => {
            Err(Unfinished::Contradiction(short(&contribution.hash)))
        }
        _ => Ok(signer.or(seen)),
    }
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
    let persons = contributions.iter().filter(|found| found.beacon.is_none());
    let known = persons.filter_map(|found| found.contributor.as_ref());
    match policy.shortfall(known) {
        None => Ok(()),
        Some(Shortfall { found, kind, asked }) => Err(Unfinished::TooFew { found, kind, asked }),
    }
}

/// Two contributors, one who signs and one whom a coordinator saw, and a beacon.
#[cfg(test)]
mod tests {
    use std::path::Path;

    use ark_bn254::Fr;
    use ed25519_dalek::SigningKey;
    use praman_circuits::circuit::Circuit;

    use super::*;
    use crate::attestation::Taken;
    use crate::{Beacon, CeremonyKey, Constraints, Contributor as By, Powers};

    struct Scene {
        circuit: Circuit,
        powers: VerifiedPowers,
        key: VerifiedKey,
        policy: String,
        attestation: Attestation,
        receipt: Receipt,
    }

    fn square(name: &'static str) -> Circuit {
        Circuit::compile(name, |cs| {
            let square = cs.public("square", Fr::from(9u64));
            let root = cs.private("root", Fr::from(3u64));
            cs.enforce(&root, &root, &square);
        })
    }

    fn scene() -> Scene {
        let path = Path::new("a file");
        let person = || By::person("a person", String::new().into());
        let powers = Powers::parse(path, Powers::begin(3)).expect("read");
        let powers = powers.contribute(&person()).expect("contributed").file;
        let powers = Powers::parse(path, powers).expect("read");
        let powers = powers.contribute(&person()).expect("contributed").file;
        let powers = Powers::parse(path, powers).expect("read").verify().expect("verified");
        let circuit = square("square");
        let rows = Constraints::from(&circuit);
        let mut key = CeremonyKey::begin(path, &rows, &powers).expect("begun");
        let beacon = Beacon::from_hex("0a0b", 10).expect("a beacon");
        for by in [person(), person(), By::beacon("a draw", beacon)] {
            let file = key.contribute(&by).expect("contributed").file;
            key = CeremonyKey::parse(path, file).expect("read");
        }
        let key = key.verify(&rows, &powers).expect("verified");
        let [first, second] = [0, 1].map(|place: usize| key.contributions()[place].hash);
        let (signer, coordinator) =
            (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let said = ["Asha", "a court", ""];
        let attestation = Attestation::sign(&key.circuit_hash(), &first, said, &signer);
        let receipt = receipt(&key.circuit_hash(), &second, "bina", &coordinator);
        let policy = format!(
            "format = \"praman-ceremony-policy-1\"\ncircuit = \"square\"\ncontributions = 2\n\
             kinds = {{ court = 1 }}\ncoordinator = \"{}\"\n\
             [phase1]\ndigest = \"{}\"\ncontributions = 2\n\
             [beacon]\nannounced = \"a draw\"\nexponent = 10\n\
             [[contributor]]\nname = \"Asha\"\norganisation = \"a court\"\nkind = \"court\"\n\
             public_key = \"{}\"\n\
             [[contributor]]\nname = \"Bina\"\norganisation = \"a press\"\nkind = \"press\"\n\
             identity = \"bina\"\n",
            receipt.public_key,
            hex::encode(powers.powers().digest()),
            attestation.public_key
        );
        Scene { circuit, powers, key, policy, attestation, receipt }
    }

    fn receipt(circuit: &[u8; 64], of: &[u8; 64], identity: &str, key: &SigningKey) -> Receipt {
        let (contribution, circuit_hash) = (of, circuit);
        let (number, file_sha256, time) = (2, [0; 32], 1_800_000_000);
        let taken = Taken { circuit_hash, contribution, number, file_sha256, identity, time };
        Receipt::sign(&taken, key)
    }

    impl Scene {
        fn finish(
            &self,
            policy: &str,
            attestations: &[Attestation],
            receipts: &[Receipt],
        ) -> Result<Transcript, Unfinished> {
            let policy = Policy::parse(policy)?;
            let Self { circuit, powers, key, .. } = self;
            Transcript::finish(circuit, powers, key, policy, attestations, receipts)
        }
    }

    #[test]
    fn ceremony_is_finished_by_what_is_signed_and_by_no_less() {
        let scene = scene();
        let (signed, seen) = ([scene.attestation.clone()], [scene.receipt.clone()]);
        let transcript = scene.finish(&scene.policy, &signed, &seen).expect("finished");
        assert!(transcript.holds(&scene.circuit, &scene.powers, &scene.key).expect("finished"));
        let few = |found, kind: &str, asked| {
            let kind = kind.to_owned();
            Err::<Transcript, _>(Unfinished::TooFew { found, kind, asked })
        };
        assert_eq!(scene.finish(&scene.policy, &signed, &[]), few(1, "", 2));
        assert_eq!(scene.finish(&scene.policy, &[], &seen), few(1, "", 2));
        // Another coordinator's word, and another key's under the same name.
        let other = SigningKey::from_bytes(&[3; 32]);
        let hash = scene.key.contributions()[1].hash;
        let word = receipt(&scene.key.circuit_hash(), &hash, "bina", &other);
        let stranger = |who: &str| Err(Unfinished::Stranger(who.to_owned()));
        assert_eq!(scene.finish(&scene.policy, &signed, &[word]), stranger("bina"));
        let hash = scene.key.contributions()[0].hash;
        let said = ["Asha", "a court", ""];
        let by_other = Attestation::sign(&scene.key.circuit_hash(), &hash, said, &other);
        let refused = scene.finish(&scene.policy, &[by_other], &seen);
        assert_eq!(refused, stranger("Asha"));
        let twice = scene.finish(&scene.policy, &[signed[0].clone(), signed[0].clone()], &seen);
        assert!(matches!(twice, Err(Unfinished::Twice(_))));
        // The listed key under another name counts for nobody.
        let said = ["Asha", "a press", ""];
        let hash = scene.key.contributions()[0].hash;
        let own = SigningKey::from_bytes(&[1; 32]);
        let renamed = Attestation::sign(&scene.key.circuit_hash(), &hash, said, &own);
        assert_eq!(scene.finish(&scene.policy, &[renamed], &seen), few(1, "", 2));
        let said = ["Asha", "a court", ""];
        // Two contributors of one organisation are one.
        let one = scene.policy.replace("a press", "a court");
        let unfulfillable = scene.finish(&one, &signed, &seen);
        assert!(matches!(
            unfulfillable,
            Err(Unfinished::Policy(PolicyFault::Unfulfillable { .. }))
        ));
        let courts = scene.policy.replace("kind = \"press\"", "kind = \"court\"");
        let courts = courts.replace("court = 1", "court = 2");
        assert_eq!(scene.finish(&courts, &[], &seen), few(1, "", 2));
        // Signed by one, and brought by another.
        let coordinator = SigningKey::from_bytes(&[2; 32]);
        let circuit_hash = scene.key.circuit_hash();
        let (contribution, number) = (&scene.key.contributions()[0].hash, 1);
        let (identity, file_sha256, time) = ("bina", [0; 32], 1_800_000_000);
        let taken = Taken {
            circuit_hash: &circuit_hash,
            contribution,
            number,
            file_sha256,
            identity,
            time,
        };
        let brought = Receipt::sign(&taken, &coordinator);
        let refused = scene.finish(&scene.policy, &signed, &[brought]);
        assert!(matches!(refused, Err(Unfinished::Contradiction(_))), "{refused:?}");
        // A signature of another ceremony.
        let elsewhere = Attestation::sign(&[9; 64], &hash, said, &SigningKey::from_bytes(&[1; 32]));
        let refused = scene.finish(&scene.policy, &[elsewhere], &seen);
        assert_eq!(refused, Err(Unfinished::OtherCeremony("Asha".to_owned())));
    }

    #[test]
    fn ceremony_of_another_circuit_phase_1_or_beacon_is_not_finished() {
        let scene = scene();
        let (signed, seen) = ([scene.attestation.clone()], [scene.receipt.clone()]);
        let other = scene.policy.replace("\"square\"", "\"circle\"");
        let refused = scene.finish(&other, &signed, &seen);
        assert_eq!(refused, Err(Unfinished::OtherCircuit("circle".to_owned())));
        let stronger = scene.policy.replace("exponent = 10", "exponent = 11");
        let refused = scene.finish(&stronger, &signed, &seen);
        assert_eq!(refused, Err(Unfinished::WeakBeacon { found: 10, asked: 11 }));
        let more =
            scene.policy.replace("\ncontributions = 2\n[beacon]", "\ncontributions = 3\n[beacon]");
        let refused = scene.finish(&more, &signed, &seen);
        assert_eq!(refused, Err(Unfinished::TooFewToPhase1 { found: 2, asked: 3 }));
        let digest = hex::encode(scene.powers.powers().digest());
        let phase1 = scene.policy.replace(&digest, &"00".repeat(32));
        let refused = scene.finish(&phase1, &signed, &seen);
        assert!(matches!(refused, Err(Unfinished::OtherPhase1 { .. })));
        // The same rows under another name are another statement.
        let policy = Policy::parse(&scene.policy).expect("read");
        let Scene { powers, key, .. } = &scene;
        let renamed = Circuit::compile("square", |cs| {
            let square = cs.public("square", Fr::from(9u64));
            let root = cs.private("root", Fr::from(3u64));
            cs.enforce(&root, &square, &square);
        });
        let refused = Transcript::finish(&renamed, powers, key, policy, &signed, &seen);
        assert_eq!(refused, Err(Unfinished::OtherKey));
        let mut other = scene.finish(&scene.policy, &signed, &seen).expect("finished");
        other.contributions[0].name = "another name".to_owned();
        assert_eq!(other.holds(&scene.circuit, powers, key), Ok(false));
    }
}
