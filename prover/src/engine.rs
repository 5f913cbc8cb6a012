//! The seam between what is proved and how fast.

use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::ClauseCount;
use praman_verifier::{PreparedKey, Proof, VerifyingKey};
use rand::rngs::OsRng;
use rand::{CryptoRng, RngCore};

/// Why no proof was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvingError {
    /// The witness breaks a constraint. Nothing of the witness is told.
    #[error("the statement does not hold: row {row} of circuit {circuit} is not satisfied{}", in_clause(.clause))]
    Unsatisfied {
        /// The circuit.
        circuit: &'static str,
        /// The first row that is not satisfied.
        row: usize,
        /// The clause of the statement that it belongs to.
        clause: Option<String>,
    },
    /// The engine failed.
    #[error("the proving engine failed: {0}")]
    Engine(String),
}

fn in_clause(clause: &Option<String>) -> String {
    clause.as_ref().map_or_else(String::new, |clause| format!(" (clause {clause})"))
}

impl ProvingError {
    /// The refusal of a witness that breaks a row of a circuit with such clauses.
    pub(crate) fn unsatisfied(circuit: &'static str, clauses: &[ClauseCount], row: usize) -> Self {
        let clause = ClauseCount::of_row(clauses, row).map(str::to_owned);
        Self::Unsatisfied { circuit, row, clause }
    }
}

/// Computes Groth16 proofs for one key.
///
/// An engine draws its blinding from `rng`, once a proof.
pub trait Engine: Send + Sync {
    /// Whether it refuses a witness that breaks a row by itself; if not it is given satisfying ones
    /// only.
    fn checks_rows(&self) -> bool {
        false
    }

    /// The proof of a witness.
    ///
    /// # Errors
    /// [`ProvingError`].
    fn prove<R: RngCore + CryptoRng>(
        &self,
        witness: &Witness,
        rng: &mut R,
    ) -> Result<Proof, ProvingError>;

    /// The verification key of its proving key.
    fn verifying_key(&self) -> &VerifyingKey;
}

/// Proves one circuit's statement.
pub struct Prover<E> {
    circuit: &'static Circuit,
    engine: E,
    check: PreparedKey,
}

impl<E: Engine> Prover<E> {
    /// A prover of a circuit on an engine that holds its keys.
    pub fn new(circuit: &'static Circuit, engine: E) -> Self {
        let check = PreparedKey::new(engine.verifying_key());
        Self { circuit, engine, check }
    }

    /// Proves a witness with randomness of the operating system.
    ///
    /// The constraints are checked before and the proof after, so no wrong proof leaves a prover,
    /// whatever its engine does.
    ///
    /// # Errors
    /// [`ProvingError::Unsatisfied`] if the statement does not hold.
    pub fn prove(&self, witness: &Witness) -> Result<Proof, ProvingError> {
        if !self.engine.checks_rows()
            && let Some(row) = self.circuit.unsatisfied_row(witness.assignment())
        {
            let (name, clauses) = (self.circuit.name(), self.circuit.clauses());
            return Err(ProvingError::unsatisfied(name, clauses, row));
        }
        let proof = self.engine.prove(witness, &mut OsRng)?;
        self.check
            .verify(witness.public(), &proof)
            .map_err(|refusal| ProvingError::Engine(format!("it made a wrong proof: {refusal}")))?;
        Ok(proof)
    }

    /// The verification key.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.engine.verifying_key()
    }
}
