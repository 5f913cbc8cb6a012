//! Proving by ark-groth16.

use ark_bn254::{Bn254, Fr};
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::evaluate_constraint;
use ark_relations::gr1cs::Matrix;
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::Row;
use praman_circuits::linear_combination::LinearCombination;
use praman_verifier::{Proof, VerifyingKey};

use crate::engine::{Cores, Engine, ProvingError};
use crate::keys::Keys;
use crate::reduction::CircomReduction;

/// ark-groth16's prover on matrices that are kept, so that no constraint system is built to prove.
pub struct ArkworksEngine {
    keys: Keys,
    /// A and B; circom's reduction takes the products from them and never reads C.
    matrices: [Matrix<Fr>; 2],
    products: Matrix<Fr>,
    public_inputs: usize,
    wires: usize,
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
            products: matrix(|row| &row.c),
            public_inputs: circuit.public_inputs(),
            wires: circuit.wires(),
        }
    }

    /// How many wires the circuit has.
    pub(crate) fn wires(&self) -> usize {
        self.wires
    }

    /// The first row that an assignment of every wire does not satisfy.
    pub(crate) fn unsatisfied_row(&self, assignment: &[Fr]) -> Option<usize> {
        let [a, b] = &self.matrices;
        let value = |matrix: &Matrix<Fr>, row: usize| evaluate_constraint(&matrix[row], assignment);
        (0..self.products.len())
            .find(|&row| value(a, row) * value(b, row) != value(&self.products, row))
    }

    /// ark-groth16's proof of a satisfying assignment, and nothing else.
    pub(crate) fn create_proof(
        &self,
        assignment: &[Fr],
        r: Fr,
        s: Fr,
    ) -> Result<ark_groth16::Proof<Bn254>, String> {
        Groth16::<Bn254, CircomReduction>::create_proof_with_reduction_and_matrices(
            &self.keys.proving,
            r,
            s,
            &self.matrices,
            self.public_inputs + 1,
            self.products.len(),
            assignment,
        )
        .map_err(|error| error.to_string())
    }
}

impl Engine for ArkworksEngine {
    fn prove_with(
        &self,
        witness: &Witness,
        (r, s): (Fr, Fr),
        _: Cores,
    ) -> Result<Proof, ProvingError> {
        let proof = self.create_proof(witness.assignment(), r, s).map_err(ProvingError::Engine)?;
        Proof::new(proof).map_err(|error| ProvingError::Engine(error.to_string()))
    }

    fn verifying_key(&self) -> &VerifyingKey {
        self.keys.verifying()
    }
}
