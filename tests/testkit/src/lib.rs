//! What tests and benches share. No shipped program has it.
//!
//! ```
//! use praman_testkit::{fixture, simulation::SimulatedKey};
//! use praman_verifier::PreparedKey;
//! use rand::{SeedableRng, rngs::StdRng};
//!
//! // A claim that holds, and a proof of it by a key whose maker kept the secret.
//! let inputs = fixture::claim(1).public().to_fields();
//! let mut rng = StdRng::seed_from_u64(1);
//! let key = SimulatedKey::draw(inputs.len(), &mut rng);
//! let proof = key.prove(&inputs, &mut rng);
//! assert!(PreparedKey::new(key.verifying_key()).verify(&inputs, &proof).is_ok());
//! ```

pub mod fixture;
pub mod simulation;
