//! Keys whose maker kept the secret, for tests and benches: they prove anything, in a millisecond.
//!
//! It is the simulator of Groth16's proof of zero knowledge (Groth 2016, section 3.1), and what
//! whoever kept a ceremony's secret could do.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, UniformRand};
use praman_verifier::{Proof, VerifyingKey};
use rand::RngCore;

/// A key with its secret.
pub struct SimulatedKey {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    inputs: Vec<Fr>,
    key: VerifyingKey,
}

impl SimulatedKey {
    /// Draws a key for so many public inputs.
    pub fn draw(public_inputs: usize, rng: &mut impl RngCore) -> Self {
        let [alpha, beta, gamma, delta] = std::array::from_fn(|_| Fr::rand(rng));
        let inputs: Vec<Fr> = (0..=public_inputs).map(|_| Fr::rand(rng)).collect();
        let key = ark_groth16::VerifyingKey {
            alpha_g1: g1(alpha),
            beta_g2: g2(beta),
            gamma_g2: g2(gamma),
            delta_g2: g2(delta),
            gamma_abc_g1: inputs.iter().map(|&input| g1(input)).collect(),
        };
        let key = VerifyingKey::development(key, "simulated", "")
            .expect("random points are in their groups and differ");
        Self { alpha, beta, gamma, delta, inputs, key }
    }

    /// The key.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// A proof for any public inputs.
    ///
    /// # Panics
    /// Unless there are as many as the key has.
    pub fn prove(&self, public: &[Fr], rng: &mut impl RngCore) -> Proof {
        assert_eq!(public.len() + 1, self.inputs.len(), "as many inputs as the key has");
        let (a, b) = (Fr::rand(rng), Fr::rand(rng));
        let sum: Fr = public.iter().zip(&self.inputs[1..]).map(|(x, point)| *x * point).sum();
        let rest = a * b - self.alpha * self.beta - (sum + self.inputs[0]) * self.gamma;
        let c = rest * self.delta.inverse().expect("a random scalar is not zero");
        Proof::new(ark_groth16::Proof { a: g1(a), b: g2(b), c: g1(c) }).expect("points")
    }
}

fn g1(scalar: Fr) -> G1Affine {
    (G1Affine::generator() * scalar).into_affine()
}

fn g2(scalar: Fr) -> G2Affine {
    (G2Affine::generator() * scalar).into_affine()
}

/// A proof in another form that proves the same: `(rA, B/r, C)`.
pub fn rerandomised(proof: &Proof, rng: &mut impl RngCore) -> Proof {
    let r = Fr::rand(rng);
    let mut points = proof.points().clone();
    points.a = G1Projective::from(points.a * r).into_affine();
    let inverse = r.inverse().expect("a random scalar is not zero");
    points.b = G2Projective::from(points.b * inverse).into_affine();
    Proof::new(points).expect("points")
}
