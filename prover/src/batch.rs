//! Many proofs, one on each core at a time.

use praman_circuits::circuit::Witness;
use praman_verifier::Proof;
use rayon::prelude::*;

use crate::engine::{Cores, Engine, Prover, ProvingError};

/// Threads of its own for proving: no more proofs are made at a time, and so no more memory is taken,
/// than they are.
pub struct ProvingPool {
    pool: rayon::ThreadPool,
}

impl ProvingPool {
    /// A pool of so many threads, of as many as there are cores at most.
    ///
    /// # Errors
    /// [`ProvingError::Engine`] if the system gives no threads.
    pub fn new(threads: usize) -> Result<Self, ProvingError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.clamp(1, cores))
            .thread_name(|number| format!("prover {number}"))
            .build()
            .map_err(|error| ProvingError::Engine(error.to_string()))?;
        Ok(Self { pool })
    }

    /// How many threads it has: fewer than were asked for where there are fewer cores.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The proof of one witness, on all threads: the soonest.
    ///
    /// # Errors
    /// As [`Prover::prove`].
    pub fn prove<E: Engine>(
        &self,
        prover: &Prover<E>,
        witness: &Witness,
    ) -> Result<Proof, ProvingError> {
        self.pool.install(|| prover.prove(witness))
    }

    /// The proofs of witnesses, in their order, each on one thread: the most. A thread that is done takes
    /// from those that are not.
    pub fn prove_each<E: Engine>(
        &self,
        prover: &Prover<E>,
        witnesses: &[Witness],
    ) -> Vec<Result<Proof, ProvingError>> {
        let prove = |witness| prover.prove_on(witness, Cores::One);
        self.pool.install(|| witnesses.par_iter().map(prove).collect())
    }
}
