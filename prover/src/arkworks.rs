//! Proving by ark-groth16.

use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use ark_relations::gr1cs::Matrix;
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::Row;
use praman_circuits::linear_combination::LinearCombination;
use praman_verifier::{Proof, VerifyingKey};
use rand::{CryptoRng, RngCore};

use crate::engine::{Engine, ProvingError};
use crate::keys::Keys;
use crate::reduction::CircomReduction;

/// ark-groth16's prover on matrices that are kept, so that no constraint system is built to prove.
pub struct ArkworksEngine {
    keys: Keys,
    /// A and B; circom's reduction takes the products from them and never reads C.
    matrices: [Matrix<Fr>; 2],
    constraints: usize,
    public_inputs: usize,
}

impl ArkworksEngine {
    /// An engine for a circuit and its keys.
    ///
    /// # Panics
    /// If the keys are another circuit's, which [`KeyStore`](crate::KeyStore) never returns.
    pub fn new(circuit: &Circuit, keys: Keys) -> Self {
        assert_eq!(keys.circuit(), circuit.digest(), "the keys are this circuit's");
        let matrix = |part: fn(&Row) -> &LinearCombination| {
            circuit
                .rows()
                .iter()
                .map(|row| part(row).terms().iter().map(|&(w, c)| (c, w as usize)).collect())
                .collect()
        };
        Self {
            keys,
            matrices: [matrix(|row| &row.a), matrix(|row| &row.b)],
            constraints: circuit.rows().len(),
            public_inputs: circuit.public_inputs(),
        }
    }
}

impl ArkworksEngine {
    /// The proof of a satisfying witness with a given blinding.
    ///
    /// # Errors
    /// [`ProvingError::Engine`].
    pub fn prove_with(&self, witness: &Witness, r: Fr, s: Fr) -> Result<Proof, ProvingError> {
        let proof = Groth16::<Bn254, CircomReduction>::create_proof_with_reduction_and_matrices(
            &self.keys.proving,
            r,
            s,
            &self.matrices,
            self.public_inputs + 1,
            self.constraints,
            witness.assignment(),
        )
        .map_err(|error| ProvingError::Engine(error.to_string()))?;
        Proof::new(proof).map_err(|error| ProvingError::Engine(error.to_string()))
    }
}

impl Engine for ArkworksEngine {
    fn prove<R: RngCore + CryptoRng>(
        &self,
        witness: &Witness,
        rng: &mut R,
    ) -> Result<Proof, ProvingError> {
        let (r, s) = (Fr::rand(rng), Fr::rand(rng));
        self.prove_with(witness, r, s)
    }

    fn verifying_key(&self) -> &VerifyingKey {
        self.keys.verifying()
    }
}
