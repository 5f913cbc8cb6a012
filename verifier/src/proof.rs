//! A Groth16 proof in its one checked form.

use std::fmt;

use ark_bn254::{Bn254, Fq, Fq2, G1Affine, G2Affine};
use ark_ff::{BigInteger, PrimeField};
use serde::{Deserialize, Serialize};

use crate::json::{self, ReadError};
use crate::points::{self, G1Text, G2Text, PointFault};

/// A Groth16 proof over BN254 whose points are on their curves, in their subgroups and not at
/// infinity.
///
/// A proof can be rerandomised by anyone, so it names nothing: what a claim may be used for once is
/// its nullifier, never its proof.
#[derive(Clone, PartialEq)]
pub struct Proof(ark_groth16::Proof<Bn254>);

#[derive(Serialize, Deserialize)]
struct ProofJson {
    pi_a: G1Text,
    pi_b: G2Text,
    pi_c: G1Text,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve: Option<String>,
}

impl Proof {
    /// Checks the points of a proof.
    ///
    /// # Errors
    /// [`ReadError::Point`] naming the first bad one.
    pub fn new(proof: ark_groth16::Proof<Bn254>) -> Result<Self, ReadError> {
        let named = |field| move |fault: PointFault| ReadError::Point { field, fault };
        points::check_g1(&proof.a).map_err(named("pi_a"))?;
        points::check_g2(&proof.b).map_err(named("pi_b"))?;
        points::check_g1(&proof.c).map_err(named("pi_c"))?;
        Ok(Self(proof))
    }

    /// Reads snarkjs' `proof.json`.
    ///
    /// # Errors
    /// [`ReadError`] for anything but one canonical, checked proof.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let json: ProofJson = json::read(text)?;
        Ok(Self(ark_groth16::Proof {
            a: points::read_g1(&json.pi_a, "pi_a")?,
            b: points::read_g2(&json.pi_b, "pi_b")?,
            c: points::read_g1(&json.pi_c, "pi_c")?,
        }))
    }

    /// Writes snarkjs' `proof.json`.
    pub fn to_json(&self) -> String {
        let json = ProofJson {
            pi_a: points::write_g1(&self.0.a),
            pi_b: points::write_g2(&self.0.b),
            pi_c: points::write_g1(&self.0.c),
            protocol: Some("groth16".to_owned()),
            curve: Some("bn128".to_owned()),
        };
        serde_json::to_string_pretty(&json).expect("strings serialise")
    }

    /// The proof's eight words as the pairing precompile takes them (EIP-197): a.x, a.y; b.x and
    /// b.y with the imaginary part first; c.x, c.y.
    pub fn to_words(&self) -> [[u8; 32]; 8] {
        let ark_groth16::Proof { a, b, c } = &self.0;
        [a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0, c.x, c.y].map(word)
    }

    /// Reads the eight words that [`Proof::to_words`] writes.
    ///
    /// # Errors
    /// [`ReadError::Coordinate`] for one at or above the modulus, and as [`Proof::new`].
    pub fn from_words(words: &[[u8; 32]; 8]) -> Result<Self, ReadError> {
        let coordinate = |index: usize, field| points::read_word(&words[index], field);
        let (a, b, c) = ("pi_a", "pi_b", "pi_c");
        let b_x = Fq2::new(coordinate(3, b)?, coordinate(2, b)?);
        let b_y = Fq2::new(coordinate(5, b)?, coordinate(4, b)?);
        Self::new(ark_groth16::Proof {
            a: G1Affine::new_unchecked(coordinate(0, a)?, coordinate(1, a)?),
            b: G2Affine::new_unchecked(b_x, b_y),
            c: G1Affine::new_unchecked(coordinate(6, c)?, coordinate(7, c)?),
        })
    }

    /// The points.
    pub fn points(&self) -> &ark_groth16::Proof<Bn254> {
        &self.0
    }
}

pub(crate) fn word(coordinate: Fq) -> [u8; 32] {
    coordinate.into_bigint().to_bytes_be().try_into().expect("an element has 32 bytes")
}

/// The two words of a G1 point.
pub(crate) fn g1_words(point: &G1Affine) -> [[u8; 32]; 2] {
    [word(point.x), word(point.y)]
}

/// The four words of a G2 point, imaginary parts first.
pub(crate) fn g2_words(point: &G2Affine) -> [[u8; 32]; 4] {
    [word(point.x.c1), word(point.x.c0), word(point.y.c1), word(point.y.c0)]
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(256 bytes)")
    }
}
