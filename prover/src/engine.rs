//! The seam between what is proved and how fast.

use ark_bn254::Fr;
use ark_ff::UniformRand;
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::ClauseCount;
use praman_verifier::{PreparedKey, Proof, VerifyingKey};
use rand::rngs::OsRng;
use rand::{CryptoRng, RngCore};
use zeroize::Zeroize;

/// Why no proof was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvingError {
    /// The witness breaks a constraint. Nothing of the witness is reported.
    #[error("the statement does not hold: row {row} of circuit {circuit} is not satisfied{}", in_clause(.clause))]
    Unsatisfied {
        /// The circuit.
        circuit: &'static str,
        /// The first row that is not satisfied.
        row: usize,
        /// The clause of the statement that it belongs to.
        clause: Option<String>,
    },
    /// The statement does not hold: the witness's proof is refused, by a key that does not tell which
    /// row is not satisfied.
    #[error("the statement does not hold: its proof is refused: {0}")]
    Refused(String),
    /// The engine failed.
    #[error("the proving engine failed: {0}")]
    Engine(String),
}

/// How many cores one proof is made on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cores {
    /// All of the pool that it is called in: the soonest proof.
    #[default]
    All,
    /// That of the caller: the most proofs where many are made side by side.
    One,
}

impl Cores {
    /// Does both, side by side if there are cores for it.
    #[inline]
    pub(crate) fn join<A: Send, B: Send>(
        self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match self {
            Self::All => rayon::join(a, b),
            Self::One => (a(), b()),
        }
    }

    /// How many threads that is.
    pub(crate) fn threads(self) -> usize {
        match self {
            Self::All => rayon::current_num_threads(),
            Self::One => 1,
        }
    }
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
/// A proof is blinded by two scalars, drawn once for it alone.
pub trait Engine: Send + Sync {
    /// Whether it refuses a witness that does not satisfy the statement by itself; if not it is given
    /// satisfying ones only.
    fn checks_witness(&self) -> bool {
        false
    }

    /// The proof of a witness with a given blinding.
    ///
    /// # Errors
    /// [`ProvingError`].
    fn prove_with(
        &self,
        witness: &Witness,
        blinding: (Fr, Fr),
        cores: Cores,
    ) -> Result<Proof, ProvingError>;

    /// The proof of a witness.
    ///
    /// # Errors
    /// [`ProvingError`].
    fn prove<R: RngCore + CryptoRng>(
        &self,
        witness: &Witness,
        rng: &mut R,
        cores: Cores,
    ) -> Result<Proof, ProvingError> {
        let mut blinding = (Fr::rand(rng), Fr::rand(rng));
        let proof = self.prove_with(witness, blinding, cores);
        blinding.0.zeroize();
        blinding.1.zeroize();
        proof
    }

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

    /// Proves a witness with randomness of the operating system, on all cores of the pool that it is
    /// called in.
    ///
    /// The constraints are checked before and the proof after, so no wrong proof leaves a prover,
    /// whatever its engine does.
    ///
    /// # Errors
    /// [`ProvingError::Unsatisfied`] if the statement does not hold.
    pub fn prove(&self, witness: &Witness) -> Result<Proof, ProvingError> {
        self.prove_on(witness, Cores::All)
    }

    /// As [`Prover::prove`], on so many cores.
    ///
    /// # Errors
    /// As [`Prover::prove`].
    pub fn prove_on(&self, witness: &Witness, cores: Cores) -> Result<Proof, ProvingError> {
        let broken = || self.circuit.unsatisfied_row(witness.assignment());
        if let Some(row) = (!self.engine.checks_witness()).then(broken).flatten() {
            let (name, clauses) = (self.circuit.name(), self.circuit.clauses());
            return Err(ProvingError::unsatisfied(name, clauses, row));
        }
        let proof = self.engine.prove(witness, &mut OsRng, cores)?;
        self.check
            .verify(witness.public(), &proof)
            .map_err(|refusal| ProvingError::Engine(format!("it made a wrong proof: {refusal}")))?;
        Ok(proof)
    }

    /// The engine.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// The verification key.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.engine.verifying_key()
    }
}
