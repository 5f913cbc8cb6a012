//! Proving by ark-groth16.

use ark_bn254::{Bn254, Fr};
use ark_groth16::r1cs_to_qap::evaluate_constraint;
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::gr1cs::Matrix;
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::Row;
use praman_circuits::linear_combination::LinearCombination;
use praman_verifier::{Proof, VerifyingKey};

use crate::engine::{Cores, Engine, ProvingError};
use crate::key_store::KeyError;
use crate::keys::Keys;
use crate::reduction::CircomReduction;
use crate::zkey::ForeignKey;

/// ark-groth16's prover on matrices that are kept, so that no constraint system is built to prove.
pub struct ArkworksEngine {
    proving: ProvingKey<Bn254>,
    verifying: VerifyingKey,
    /// A and B; circom's reduction takes the products from them and never reads C.
    matrices: [Matrix<Fr>; 2],
    /// C; none of another's key, whose file has none.
    products: Option<Matrix<Fr>>,
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
            proving: keys.proving,
            verifying: keys.verifying,
            matrices: [matrix(|row| &row.a), matrix(|row| &row.b)],
            products: Some(matrix(|row| &row.c)),
            public_inputs: circuit.public_inputs(),
            wires: circuit.wires(),
        }
    }

    /// An engine for another's key. It does not find a witness that breaks a row: its proof is refused.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the rows of the public inputs are not behind all others, as snarkjs has
    /// them.
    pub(crate) fn of_foreign(key: &ForeignKey) -> Result<Self, KeyError> {
        let public_inputs = key.verifying.public_inputs();
        let last = key.rows.iter().rposition(|[a, _]| !a.is_empty());
        let constraints = last.and_then(|last| last.checked_sub(public_inputs)).filter(|&first| {
            let is_one = |(wire, [a, b]): (usize, &[Vec<(u32, Fr)>; 2])| {
                *a == [(wire as u32, Fr::from(1u64))] && b.is_empty()
            };
            let public = key.rows.get(first..=first + public_inputs);
            public.is_some_and(|rows| rows.iter().enumerate().all(is_one))
        });
        // The key's points of the quotient are for the least domain that has these rows.
        let fits = |&rows: &usize| (rows + public_inputs + 1).next_power_of_two() == key.domain;
        let constraints = constraints.filter(fits).ok_or_else(|| {
            key.malformed("the rows of the public inputs are not where snarkjs puts them")
        })?;
        let matrix = |part: usize| {
            let row = |row: &[Vec<(u32, Fr)>; 2]| {
                row[part].iter().map(|&(wire, one)| (one, wire as usize)).collect()
            };
            key.rows[..constraints].iter().map(row).collect()
        };
        Ok(Self {
            proving: key.proving.clone(),
            verifying: key.verifying.clone(),
            matrices: [matrix(0), matrix(1)],
            products: None,
            public_inputs,
            wires: key.proving.a_query.len(),
        })
    }

    /// How many wires the circuit has.
    pub(crate) fn wires(&self) -> usize {
        self.wires
    }

    /// The first row that an assignment of every wire does not satisfy.
    pub(crate) fn unsatisfied_row(&self, assignment: &[Fr]) -> Option<usize> {
        let (Some(products), [a, b]) = (&self.products, &self.matrices) else { return None };
        let value = |matrix: &Matrix<Fr>, row: usize| evaluate_constraint(&matrix[row], assignment);
        (0..products.len()).find(|&row| value(a, row) * value(b, row) != value(products, row))
    }

    /// ark-groth16's proof of a satisfying assignment, and nothing else.
    pub(crate) fn create_proof(
        &self,
        assignment: &[Fr],
        r: Fr,
        s: Fr,
    ) -> Result<ark_groth16::Proof<Bn254>, String> {
        Groth16::<Bn254, CircomReduction>::create_proof_with_reduction_and_matrices(
            &self.proving,
            r,
            s,
            &self.matrices,
            self.public_inputs + 1,
            self.matrices[0].len(),
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
        &self.verifying
    }
}
