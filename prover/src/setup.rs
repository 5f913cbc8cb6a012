//! Making keys by one party, for development.

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_ff::{UniformRand, Zero};
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Result, SynthesisError, Variable,
};
use praman_circuits::circuit::Circuit;
use praman_circuits::linear_combination::LinearCombination as Form;
use praman_verifier::{Origin, VerifyingKey};
use rand::{CryptoRng, Rng};

use crate::key_store::KeyError;
use crate::keys::Keys;
use crate::reduction::CircomReduction;

/// Makes keys for a circuit from fresh randomness.
///
/// Whoever runs this could keep the randomness and forge proofs, so the keys are marked
/// `development` wherever they show.
///
/// # Errors
/// [`KeyError::Setup`] if arkworks can't make the key.
pub fn setup(
    circuit: &Circuit,
    rng: &mut (impl Rng + CryptoRng),
) -> std::result::Result<Keys, KeyError> {
    // The verification key would be degenerate if one of these were 0 or 1.
    let mut draw = || loop {
        let scalar = Fr::rand(rng);
        if !scalar.is_zero() && scalar != Fr::from(1u64) {
            return scalar;
        }
    };
    let [alpha, beta, gamma, delta] = [draw(), draw(), draw(), draw()];
    let proving = Groth16::<Bn254, CircomReduction>::generate_parameters_with_qap(
        Rows(circuit),
        alpha,
        beta,
        gamma,
        delta,
        G1Projective::generator(),
        G2Projective::generator(),
        rng,
    )
    .map_err(|error| KeyError::Setup(error.to_string()))?;
    let verifying = VerifyingKey::new(
        proving.vk.clone(),
        circuit.name(),
        &circuit.digest().to_string(),
        Origin::Development,
    )?;
    Ok(Keys::new(proving, verifying, circuit.digest()))
}

/// A compiled circuit as arkworks' generator takes one.
struct Rows<'a>(&'a Circuit);

impl Rows<'_> {
    fn form(&self, form: &Form) -> LinearCombination<Fr> {
        let public = self.0.public_inputs();
        let variable = |wire: usize| match wire {
            0 => Variable::One,
            wire if wire <= public => Variable::instance(wire),
            wire => Variable::witness(wire - public - 1),
        };
        LinearCombination(
            form.terms().iter().map(|&(wire, c)| (c, variable(wire as usize))).collect(),
        )
    }
}

impl ConstraintSynthesizer<Fr> for Rows<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<()> {
        let missing = || Err(SynthesisError::AssignmentMissing);
        for _ in 0..self.0.public_inputs() {
            let _ = cs.new_input_variable(missing)?;
        }
        for _ in self.0.public_inputs() + 1..self.0.wires() {
            let _ = cs.new_witness_variable(missing)?;
        }
        for row in self.0.rows() {
            cs.enforce_r1cs_constraint(
                || self.form(&row.a),
                || self.form(&row.b),
                || self.form(&row.c),
            )?;
        }
        Ok(())
    }
}
