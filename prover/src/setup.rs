//! Making keys by one party, for development.

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_ff::{UniformRand, Zero};
use ark_groth16::Groth16;
use praman_circuits::circuit::Circuit;
use praman_verifier::VerifyingKey;
use rand::{CryptoRng, Rng};

use crate::key_store::KeyError;
use crate::keys::Keys;
use crate::reduction::CircomReduction;
use crate::statement::Statement;

/// Makes keys for a circuit from fresh randomness.
///
/// Whoever runs this could keep the randomness and forge proofs, so the keys are marked
/// `development` wherever they show.
///
/// # Errors
/// [`KeyError::Setup`] if arkworks can't make the key.
pub fn setup(circuit: &Circuit, rng: &mut (impl Rng + CryptoRng)) -> Result<Keys, KeyError> {
    // The verification key would be degenerate if one of these were 0 or 1.
    let mut draw = || loop {
        let scalar = Fr::rand(rng);
        if !scalar.is_zero() && scalar != Fr::from(1u64) {
            return scalar;
        }
    };
    let [alpha, beta, gamma, delta] = [draw(), draw(), draw(), draw()];
    let proving = Groth16::<Bn254, CircomReduction>::generate_parameters_with_qap(
        Statement::new(circuit),
        alpha,
        beta,
        gamma,
        delta,
        G1Projective::generator(),
        G2Projective::generator(),
        rng,
    )
    .map_err(|error| KeyError::Setup(error.to_string()))?;
    let digest = circuit.digest().to_string();
    let verifying = VerifyingKey::development(proving.vk.clone(), circuit.name(), &digest)?;
    Ok(Keys::new(proving, verifying, circuit.digest()))
}
