//! Groth16 proofs for a key that never changes, from tables of its points.

use std::path::Path as FilePath;

use ark_bn254::{Bn254, Fr};
use ark_groth16::ProvingKey;
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::ClauseCount;
use praman_verifier::{PreparedKey, Proof, VerifyingKey};

use crate::arithmetic::{Arithmetic, OnPath};
use crate::arkworks::ArkworksEngine;
use crate::compiled_key::{CompiledKey, ProductCount, ProvesByKey, Refusal, Stages};
use crate::engine::{Cores, Engine, ProvingError};
use crate::key_store::KeyError;
use crate::keys::Keys;
use crate::lanes::Path;
use crate::quotient::{QuotientProgram, RowTerms};
use crate::tables::MemoryBudget;
use crate::transform::SMALLEST;
use crate::zkey::ForeignKey;

/// Proves one key's statement from tables of its points.
pub struct FixedKeyEngine {
    circuit: &'static str,
    clauses: Vec<ClauseCount>,
    wires: usize,
    verifying: VerifyingKey,
    key: Box<dyn ProvesByKey>,
    /// Where the key has no C to check rows by, the proof is checked.
    check: Option<PreparedKey>,
}

impl FixedKeyEngine {
    /// An engine for a circuit and its keys, whose tables take about so many bytes and are made now.
    ///
    /// # Panics
    /// If the keys are another circuit's, which [`KeyStore`](crate::KeyStore) never returns.
    /// If there is no memory for the points themselves.
    pub fn new(circuit: &Circuit, keys: &Keys, budget: MemoryBudget, by: Arithmetic) -> Self {
        Self::with_tables(circuit, keys, budget, by, None)
    }

    /// As [`FixedKeyEngine::new`], with tables from a file in a folder, which is written where there is
    /// none that fits. That it can't be written, as on a full disk, costs the time to make tables again.
    ///
    /// # Panics
    /// As [`FixedKeyEngine::new`].
    pub fn in_folder(
        folder: &FilePath,
        circuit: &Circuit,
        keys: &Keys,
        budget: MemoryBudget,
        by: Arithmetic,
    ) -> Self {
        Self::with_tables(circuit, keys, budget, by, Some((folder, &keys.proving_digest)))
    }

    fn with_tables(
        circuit: &Circuit,
        keys: &Keys,
        budget: MemoryBudget,
        by: Arithmetic,
        kept: Option<(&FilePath, &[u8; 32])>,
    ) -> Self {
        assert_eq!(keys.circuit(), circuit.digest(), "the keys are this circuit's");
        let key: Box<dyn ProvesByKey> = if circuit.domain() < SMALLEST {
            Box::new(ArkworksEngine::new(circuit, keys.clone()))
        } else {
            let rows: Vec<RowTerms<'_>> = circuit
                .rows()
                .iter()
                .map(|row| [row.a.terms(), row.b.terms(), row.c.terms()])
                .collect();
            let rows = Rows::Statement(&rows, circuit.public_inputs() + 1);
            by.run(Compile { key: &keys.proving, rows, budget, kept })
        };
        Self {
            circuit: circuit.name(),
            clauses: circuit.clauses().to_vec(),
            wires: circuit.wires(),
            verifying: keys.verifying.clone(),
            key,
            check: None,
        }
    }

    /// An engine for another's key.
    ///
    /// The key's file has no C: a witness that breaks a row is not refused before a proof is made, but
    /// its proof after.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for a domain of less than 64 rows that is not as snarkjs makes it.
    pub fn of_foreign(
        key: &ForeignKey,
        budget: MemoryBudget,
        by: Arithmetic,
    ) -> Result<Self, KeyError> {
        // Tables gain nothing on so few rows.
        let compiled: Box<dyn ProvesByKey> = if key.domain < SMALLEST {
            Box::new(ArkworksEngine::of_foreign(key)?)
        } else {
            let rows = Rows::Products(&key.rows);
            by.run(Compile { key: &key.proving, rows, budget, kept: None })
        };
        Ok(Self {
            circuit: "foreign",
            clauses: Vec::new(),
            wires: key.proving.a_query.len(),
            verifying: key.verifying.clone(),
            key: compiled,
            check: Some(PreparedKey::new(&key.verifying)),
        })
    }

    /// Which arithmetic it computes by.
    pub fn arithmetic(&self) -> &'static str {
        self.key.arithmetic()
    }

    /// How many products the proof of a satisfying witness takes; none are counted of a small circuit.
    pub fn products(&self, witness: &Witness) -> ProductCount {
        self.key.products(witness.assignment())
    }

    /// The memory that one proof is made in, in bytes: so much for each that is made at the same time,
    /// and no more for any number one after the other.
    pub fn bytes_per_proof(&self) -> usize {
        self.key.bytes_per_proof()
    }

    #[cfg(test)]
    pub(crate) fn workspaces(&self) -> usize {
        self.key.workspaces()
    }

    /// As [`Engine::prove_with`], telling how long each part took.
    ///
    /// # Errors
    /// [`ProvingError::Unsatisfied`] if the statement does not hold.
    pub fn prove_in_stages(
        &self,
        witness: &Witness,
        blinding: (Fr, Fr),
        cores: Cores,
    ) -> Result<(Proof, Stages), ProvingError> {
        let made = self.key.prove(witness.assignment(), blinding, cores);
        let (proof, stages) = made.map_err(|refusal| match refusal {
            Refusal::Row(row) => ProvingError::unsatisfied(self.circuit, &self.clauses, row),
            Refusal::Length(found) => ProvingError::Engine(format!(
                "the witness has {found} wires, the key is for {}",
                self.wires
            )),
            Refusal::Failed(reason) => ProvingError::Engine(reason),
        })?;
        let proof = Proof::new(proof).map_err(|error| ProvingError::Engine(error.to_string()))?;
        if let Some(key) = &self.check {
            let checked = key.verify(witness.public(), &proof);
            checked.map_err(|refusal| ProvingError::Refused(refusal.to_string()))?;
        }
        Ok((proof, stages))
    }
}

/// Rows of a statement, as praman or as others have them.
enum Rows<'a> {
    Statement(&'a [RowTerms<'a>], usize),
    Products(&'a [[Vec<(u32, Fr)>; 2]]),
}

impl Rows<'_> {
    fn program<P: Path>(&self, path: P) -> QuotientProgram<P::Scalar> {
        match self {
            Self::Statement(rows, inputs) => QuotientProgram::new(path, rows, *inputs),
            Self::Products(rows) => QuotientProgram::of_products(path, rows),
        }
    }
}

/// A key to be compiled.
struct Compile<'a> {
    key: &'a ProvingKey<Bn254>,
    rows: Rows<'a>,
    budget: MemoryBudget,
    /// The folder that tables are kept in, and the key's digest.
    kept: Option<(&'a FilePath, &'a [u8; 32])>,
}

impl OnPath for Compile<'_> {
    type Output = Box<dyn ProvesByKey>;

    fn on<P: Path>(self, path: P) -> Box<dyn ProvesByKey> {
        let Self { key, rows, budget, kept } = self;
        Box::new(CompiledKey::new(path, key, rows.program(path), budget, kept))
    }
}

impl Engine for FixedKeyEngine {
    fn checks_witness(&self) -> bool {
        true
    }

    fn prove_with(
        &self,
        witness: &Witness,
        blinding: (Fr, Fr),
        cores: Cores,
    ) -> Result<Proof, ProvingError> {
        Ok(self.prove_in_stages(witness, blinding, cores)?.0)
    }

    fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }
}

#[cfg(test)]
mod tests;
