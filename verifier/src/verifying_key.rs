//! Verification keys, refused where anyone could forge proofs for them.

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::One;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::json::{self, ReadError};
use crate::points::{self, G1Text, G2Text, PointFault};
use crate::proof::{g1_words, g2_words};

/// Why a key's proofs would prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DegenerateKey {
    /// The phase that makes a key its circuit's own was skipped: this lost others real money.
    #[error("delta is the generator: no contribution was made to the key")]
    DeltaIsGenerator,
    /// A key of one party draws gamma; in a ceremony it stays at the generator.
    #[error("gamma is the generator, and the key is not of a ceremony; or the other way round")]
    GammaAndOrigin,
    /// It says that it was made in a ceremony, and names none; or the other way round.
    #[error(
        "it names a ceremony's transcript without being of a ceremony, or is of one and names none"
    )]
    OriginAndTranscript,
    /// Public inputs can be moved into the proof.
    #[error("gamma equals delta")]
    GammaIsDelta,
    /// The part of a proof that anyone knows stands for the part that must be proved.
    #[error("beta equals gamma or delta")]
    BetaIsGammaOrDelta,
    /// `alpha` or `beta` at the generator.
    #[error("alpha or beta is the generator")]
    AlphaOrBetaIsGenerator,
    /// A public input whose value would make no difference, or the same as another's.
    #[error("the points of public inputs {0} and {1} are the same or each other's negatives")]
    DependentInputs(usize, usize),
    /// `e(alpha, beta)` is one.
    #[error("alpha and beta pair to one")]
    TrivialPairing,
}

/// Where a key comes from, shown wherever the key shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Made by one party, who could forge proofs: for development only.
    Development,
    /// Made by many parties, of whom one honest one suffices.
    Ceremony,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Ceremony => "ceremony",
        })
    }
}

/// What praman notes in a key beside snarkjs' members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyNote {
    pub(crate) circuit: String,
    pub(crate) digest: String,
    pub(crate) origin: Origin,
    /// SHA-256 of the ceremony's transcript, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transcript: Option<String>,
}

/// A verification key whose points are checked and that is not degenerate.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyingKey {
    key: ark_groth16::VerifyingKey<Bn254>,
    note: Option<KeyNote>,
}

#[derive(Serialize, Deserialize)]
struct VerifyingKeyJson {
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve: Option<String>,
    #[serde(rename = "nPublic", default)]
    public_inputs: Option<usize>,
    // As it was called before snarkjs 0.1.21.
    #[serde(alias = "vk_alfa_1")]
    vk_alpha_1: G1Text,
    vk_beta_2: G2Text,
    vk_gamma_2: G2Text,
    vk_delta_2: G2Text,
    #[serde(rename = "IC")]
    ic: Vec<G1Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    praman: Option<KeyNote>,
}

impl VerifyingKey {
    /// Takes over a key that one party made for a circuit.
    ///
    /// # Errors
    /// [`ReadError::Point`] or [`ReadError::Degenerate`].
    pub fn development(
        key: ark_groth16::VerifyingKey<Bn254>,
        circuit: &str,
        digest: &str,
    ) -> Result<Self, ReadError> {
        let (circuit, digest) = (circuit.to_owned(), digest.to_owned());
        let origin = Origin::Development;
        Self::checked(key, Some(KeyNote { circuit, digest, origin, transcript: None }))
    }

    /// Takes over a key that was made for a circuit in a ceremony, whose transcript has a digest.
    ///
    /// # Errors
    /// [`ReadError::Point`] or [`ReadError::Degenerate`].
    pub fn of_ceremony(
        key: ark_groth16::VerifyingKey<Bn254>,
        circuit: &str,
        digest: &str,
        transcript: [u8; 32],
    ) -> Result<Self, ReadError> {
        let (circuit, digest) = (circuit.to_owned(), digest.to_owned());
        let (origin, transcript) = (Origin::Ceremony, Some(hex::encode(transcript)));
        Self::checked(key, Some(KeyNote { circuit, digest, origin, transcript }))
    }

    /// Takes over a key that others made, as of snarkjs.
    ///
    /// # Errors
    /// [`ReadError::Point`] or [`ReadError::Degenerate`].
    pub fn foreign(key: ark_groth16::VerifyingKey<Bn254>) -> Result<Self, ReadError> {
        Self::checked(key, None)
    }

    fn checked(
        key: ark_groth16::VerifyingKey<Bn254>,
        note: Option<KeyNote>,
    ) -> Result<Self, ReadError> {
        let named = |field| move |fault: PointFault| ReadError::Point { field, fault };
        points::check_g1(&key.alpha_g1).map_err(named("vk_alpha_1"))?;
        points::check_g2(&key.beta_g2).map_err(named("vk_beta_2"))?;
        points::check_g2(&key.gamma_g2).map_err(named("vk_gamma_2"))?;
        points::check_g2(&key.delta_g2).map_err(named("vk_delta_2"))?;
        key.gamma_abc_g1.iter().try_for_each(points::check_g1).map_err(named("IC"))?;
        check_not_degenerate(&key)?;
        // Every key of a ceremony has gamma at the generator, which is sound as long as delta is not there; keys of one
        // party never do.
        if let Some(note) = &note {
            let is_of_ceremony = note.origin == Origin::Ceremony;
            let is_generator = key.gamma_g2 == G2Affine::generator();
            if is_of_ceremony != is_generator || (-key.gamma_g2) == G2Affine::generator() {
                return Err(DegenerateKey::GammaAndOrigin.into());
            }
            let mut digest = [0; 32];
            let named = note.transcript.as_ref();
            let is_digest = |text: &String| hex::decode_to_slice(text, &mut digest).is_ok();
            if named.is_some() != is_of_ceremony || !named.is_none_or(is_digest) {
                return Err(DegenerateKey::OriginAndTranscript.into());
            }
        }
        Ok(Self { key, note })
    }

    /// Reads snarkjs' `verification_key.json`.
    ///
    /// # Errors
    /// [`ReadError`] for anything but a canonical key that is not degenerate.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let json: VerifyingKeyJson = json::read(text)?;
        let points = json.ic.len();
        // A prover that does not say it has it in IC.
        let declared = json.public_inputs.unwrap_or(points.saturating_sub(1));
        if points.checked_sub(1) != Some(declared) {
            return Err(ReadError::InputCount { declared, points });
        }
        let key = ark_groth16::VerifyingKey {
            alpha_g1: points::read_g1(&json.vk_alpha_1, "vk_alpha_1")?,
            beta_g2: points::read_g2(&json.vk_beta_2, "vk_beta_2")?,
            gamma_g2: points::read_g2(&json.vk_gamma_2, "vk_gamma_2")?,
            delta_g2: points::read_g2(&json.vk_delta_2, "vk_delta_2")?,
            gamma_abc_g1: json
                .ic
                .iter()
                .map(|point| points::read_g1(point, "IC"))
                .collect::<Result<_, _>>()?,
        };
        Self::checked(key, json.praman)
    }

    /// Writes snarkjs' `verification_key.json`, with the circuit's name, digest and the key's
    /// origin in a member `praman`.
    pub fn to_json(&self) -> String {
        let json = VerifyingKeyJson {
            protocol: Some("groth16".to_owned()),
            curve: Some("bn128".to_owned()),
            public_inputs: Some(self.public_inputs()),
            vk_alpha_1: points::write_g1(&self.key.alpha_g1),
            vk_beta_2: points::write_g2(&self.key.beta_g2),
            vk_gamma_2: points::write_g2(&self.key.gamma_g2),
            vk_delta_2: points::write_g2(&self.key.delta_g2),
            ic: self.key.gamma_abc_g1.iter().map(points::write_g1).collect(),
            praman: self.note.clone(),
        };
        serde_json::to_string_pretty(&json).expect("strings serialise")
    }

    /// How many public inputs the key's circuit has.
    pub fn public_inputs(&self) -> usize {
        self.key.gamma_abc_g1.len() - 1
    }

    /// The circuit that the key was made for, if the key says so.
    pub fn circuit(&self) -> Option<&str> {
        self.note.as_ref().map(|note| note.circuit.as_str())
    }

    /// The digest of that circuit, if the key says so.
    pub fn circuit_digest(&self) -> Option<&str> {
        self.note.as_ref().map(|note| note.digest.as_str())
    }

    /// Where the key comes from, if it says so.
    pub fn origin(&self) -> Option<Origin> {
        self.note.as_ref().map(|note| note.origin)
    }

    /// SHA-256 of the transcript of the ceremony that made the key, if one did.
    pub fn transcript(&self) -> Option<[u8; 32]> {
        let text = self.note.as_ref()?.transcript.as_ref()?;
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).expect("it was read before");
        Some(digest)
    }

    /// SHA-256 of the key's points, as contracts take them, without what else is noted of it: what a transcript names.
    pub fn points_digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let (alpha, g2) = self.to_words();
        let words = alpha.iter().chain(g2.iter().flatten());
        words.for_each(|word| hasher.update(word));
        self.input_words().iter().for_each(|word| hasher.update(word));
        hasher.finalize().into()
    }

    /// The points.
    pub fn points(&self) -> &ark_groth16::VerifyingKey<Bn254> {
        &self.key
    }

    /// The key as words for a contract's constructor: alpha, beta, gamma, delta.
    pub fn to_words(&self) -> ([[u8; 32]; 2], [[[u8; 32]; 4]; 3]) {
        let key = &self.key;
        let g2 = [key.beta_g2, key.gamma_g2, key.delta_g2];
        (g1_words(&key.alpha_g1), g2.each_ref().map(g2_words))
    }

    /// The points of the public inputs as words for a contract's constructor.
    pub fn input_words(&self) -> Vec<[u8; 32]> {
        self.key.gamma_abc_g1.iter().flat_map(g1_words).collect()
    }
}

fn check_not_degenerate(key: &ark_groth16::VerifyingKey<Bn254>) -> Result<(), DegenerateKey> {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    if key.delta_g2.x == g2.x {
        return Err(DegenerateKey::DeltaIsGenerator);
    }
    // Equal or opposite points have equal x.
    if key.gamma_g2.x == key.delta_g2.x {
        return Err(DegenerateKey::GammaIsDelta);
    }
    if key.beta_g2.x == key.gamma_g2.x || key.beta_g2.x == key.delta_g2.x {
        return Err(DegenerateKey::BetaIsGammaOrDelta);
    }
    if key.alpha_g1.x == g1.x || key.beta_g2.x == g2.x {
        return Err(DegenerateKey::AlphaOrBetaIsGenerator);
    }
    if Bn254::pairing(key.alpha_g1, key.beta_g2).0.is_one() {
        return Err(DegenerateKey::TrivialPairing);
    }
    // Equal or opposite points have equal x: sort by it instead of comparing all pairs.
    let mut by_x: Vec<(usize, &G1Affine)> = key.gamma_abc_g1.iter().enumerate().collect();
    by_x.sort_by_key(|(_, point)| point.x);
    for pair in by_x.windows(2) {
        if pair[0].1.x == pair[1].1.x {
            let (first, second) = (pair[0].0.min(pair[1].0), pair[0].0.max(pair[1].0));
            return Err(DegenerateKey::DependentInputs(first, second));
        }
    }
    Ok(())
}
