//! What keys are refused for: with each kind of bad key anyone can forge. The forgeries are checked by arkworks alone,
//! since praman's own types do not take such a key.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, One, UniformRand};
use ark_groth16::{Groth16, Proof, prepare_verifying_key};
use praman_verifier::{DegenerateKey, ReadError, VerifyingKey};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

type Key = ark_groth16::VerifyingKey<Bn254>;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(5)
}

/// A key of three public inputs, with nothing wrong, and the numbers behind it.
fn honest() -> (Key, [Fr; 4], Vec<Fr>) {
    let mut rng = rng();
    let secrets: [Fr; 4] = std::array::from_fn(|_| Fr::rand(&mut rng));
    let inputs: Vec<Fr> = (0..4).map(|_| Fr::rand(&mut rng)).collect();
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let key = Key {
        alpha_g1: (g1 * secrets[0]).into_affine(),
        beta_g2: (g2 * secrets[1]).into_affine(),
        gamma_g2: (g2 * secrets[2]).into_affine(),
        delta_g2: (g2 * secrets[3]).into_affine(),
        gamma_abc_g1: inputs.iter().map(|input| (g1 * input).into_affine()).collect(),
    };
    (key, secrets, inputs)
}

fn folded(key: &Key, public: &[Fr]) -> G1Projective {
    let points = key.gamma_abc_g1.iter();
    points.zip(std::iter::once(&Fr::one()).chain(public)).map(|(point, by)| *point * by).sum()
}

fn holds(key: &Key, public: &[Fr], proof: &Proof<Bn254>) -> bool {
    Groth16::<Bn254>::verify_proof(&prepare_verifying_key(key), proof, public).expect("points")
}

fn proof(a: G1Projective, b: G2Projective, c: G1Projective) -> Proof<Bn254> {
    Proof { a: a.into_affine(), b: b.into_affine(), c: c.into_affine() }
}

fn refusal(key: Key) -> Option<ReadError> {
    // As of another program's key, which may have gamma at the generator.
    VerifyingKey::foreign(key).err()
}

fn any_claim() -> Vec<Fr> {
    [123u64, 456, 789].map(Fr::from).to_vec()
}

/// A key on its way before the first contribution to phase 2: gamma and delta are both the generator.
#[test]
fn key_without_phase_2_is_forged_and_refused() {
    let (mut key, ..) = honest();
    (key.gamma_g2, key.delta_g2) = (G2Affine::generator(), G2Affine::generator());
    let public = any_claim();
    let forged = proof(key.alpha_g1.into(), key.beta_g2.into(), -folded(&key, &public));
    assert!(holds(&key, &public, &forged));
    assert_eq!(refusal(key), Some(DegenerateKey::DeltaIsGenerator.into()));
}

#[test]
fn key_with_gamma_equal_or_opposite_to_delta_is_forged_and_refused() {
    for opposite in [false, true] {
        let (mut key, ..) = honest();
        key.gamma_g2 = if opposite { -key.delta_g2 } else { key.delta_g2 };
        let public = any_claim();
        let sum = folded(&key, &public);
        let c = if opposite { sum } else { -sum };
        assert!(holds(&key, &public, &proof(key.alpha_g1.into(), key.beta_g2.into(), c)));
        assert_eq!(refusal(key), Some(DegenerateKey::GammaIsDelta.into()));
    }
}

#[test]
fn key_with_beta_equal_to_gamma_or_delta_is_forged_and_refused() {
    let (mut key, ..) = honest();
    key.gamma_g2 = key.beta_g2;
    let public = any_claim();
    // e(alpha + L, beta) e(C, delta), with C = alpha + L.
    let sum = folded(&key, &public) + key.alpha_g1;
    let forged = proof(sum, key.beta_g2 + key.delta_g2, sum);
    assert!(holds(&key, &public, &forged));
    assert_eq!(refusal(key), Some(DegenerateKey::BetaIsGammaOrDelta.into()));

    let (mut key, ..) = honest();
    key.delta_g2 = key.beta_g2;
    // e(alpha + C, beta) e(L, gamma), with C = L - alpha.
    let sum = folded(&key, &public);
    let forged = proof(sum, key.beta_g2 + key.gamma_g2, sum - key.alpha_g1);
    assert!(holds(&key, &public, &forged));
    assert_eq!(refusal(key), Some(DegenerateKey::BetaIsGammaOrDelta.into()));
}

/// A proof for one claim is one for another, of which nobody proved anything.
#[test]
fn key_with_the_same_point_for_two_inputs_is_forged_and_refused() {
    let (mut key, [alpha, beta, gamma, delta], mut inputs) = honest();
    (key.gamma_abc_g1[2], inputs[2]) = (key.gamma_abc_g1[1], inputs[1]);
    let public = any_claim();
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let (a, b) = (Fr::from(11u64), Fr::from(13u64));
    let sum: Fr = inputs[0] + public.iter().zip(&inputs[1..]).map(|(x, y)| *x * y).sum::<Fr>();
    let c = (a * b - alpha * beta - sum * gamma) * delta.inverse().expect("not zero");
    let honest = proof(g1 * a, g2 * b, g1 * c);
    assert!(holds(&key, &public, &honest));
    let other = [public[0] + Fr::from(7u64), public[1] - Fr::from(7u64), public[2]];
    assert!(holds(&key, &other, &honest));
    assert_eq!(refusal(key), Some(DegenerateKey::DependentInputs(1, 2).into()));
}

#[test]
fn honest_key_is_accepted_and_its_claims_are_not_forged_alike() {
    let (key, ..) = honest();
    let public = any_claim();
    let sum = folded(&key, &public);
    for c in [sum, -sum, sum + key.alpha_g1, sum - key.alpha_g1] {
        for b in [key.beta_g2.into(), key.beta_g2 + key.delta_g2, key.beta_g2 + key.gamma_g2] {
            for a in [key.alpha_g1.into(), sum, sum + key.alpha_g1] {
                assert!(!holds(&key, &public, &proof(a, b, c)));
            }
        }
    }
    assert_eq!(refusal(key), None);
}
