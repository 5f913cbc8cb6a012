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

    /// Makes the witness of each of some subjects on one thread, and its proof behind it: as many witnesses are in
    /// memory as there are threads. Results are in the subjects' order.
    pub fn prove_made<E: Engine, S: Sync>(
        &self,
        prover: &Prover<E>,
        subjects: &[S],
        witness: impl Fn(&S) -> Witness + Sync,
    ) -> Vec<Result<Proof, ProvingError>> {
        let prove = |subject| prover.prove_on(&witness(subject), Cores::One);
        self.pool.install(|| subjects.par_iter().map(prove).collect())
    }
}

#[cfg(test)]
mod tests {
    use praman_circuits::circuit;
    use praman_testkit::fixture;
    use praman_verifier::PreparedKey;
    use rand::rngs::OsRng;

    use super::*;
    use crate::arithmetic::Arithmetic;
    use crate::fixed_key::FixedKeyEngine;
    use crate::setup::setup;
    use crate::tables::MemoryBudget;

    #[test]
    fn pool_has_no_more_threads_than_there_are_cores() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(ProvingPool::new(10_000).expect("threads").threads(), cores);
        assert_eq!(ProvingPool::new(0).expect("threads").threads(), 1);
    }

    #[test]
    fn batch_is_proved_in_its_order_and_in_bounded_memory() {
        let circuit = circuit::eligibility();
        let keys = setup(circuit, &mut OsRng).expect("keys");
        let (budget, by) = (MemoryBudget::SMALL, Arithmetic::Fastest);
        let prover = Prover::new(circuit, FixedKeyEngine::new(circuit, &keys, budget, by));
        let witness = |number: u64| {
            let claim = fixture::claim(number);
            let mut private = claim.private();
            if number == 7 {
                private = fixture::claim(8).private();
            }
            circuit::eligibility_witness(&claim.public().to_fields(), &private)
        };
        let witnesses: Vec<Witness> = (0..24).map(witness).collect();
        let pool = ProvingPool::new(2).expect("threads");
        let proofs = pool.prove_each(&prover, &witnesses);
        let key = PreparedKey::new(prover.verifying_key());
        for (number, (proof, witness)) in proofs.iter().zip(&witnesses).enumerate() {
            match proof {
                Ok(proof) => assert_eq!(key.verify(witness.public(), proof), Ok(()), "{number}"),
                Err(refusal) => {
                    assert_eq!(number, 7, "{refusal}");
                    assert!(matches!(refusal, ProvingError::Unsatisfied { .. }));
                }
            }
        }
        assert!(proofs[7].is_err());
        // The same where each witness is made beside its proof.
        let made = pool.prove_made(&prover, &[9, 7, 3], |&number| witness(number));
        for (number, proof) in [9, 7, 3].into_iter().zip(made) {
            let public = witnesses[number].public();
            assert_eq!(proof.is_ok_and(|proof| key.verify(public, &proof).is_ok()), number != 7);
        }
        assert!((1..=pool.threads()).contains(&prover.engine().workspaces()));
        assert!(pool.prove(&prover, &witnesses[0]).is_ok());
    }
}
