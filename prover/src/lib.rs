//! Keys and proofs.
//!
//! [`setup`] makes a key pair for a circuit, [`KeyStore`] keeps it in a folder and refuses keys of
//! another circuit, [`Prover`] turns a witness into a proof. The work of proving stands behind the
//! trait [`Engine`]: [`FixedKeyEngine`] proves from tables of one key's points, [`ArkworksEngine`] is
//! ark-groth16, the peer that it is compared with.
//!
//! This crate knows no database and no network.
//!
//! ```
//! use praman_circuits::circuit;
//! use praman_prover::{Arithmetic, FixedKeyEngine, MemoryBudget, Prover, setup};
//! use rand::rngs::OsRng;
//!
//! let circuit = circuit::eligibility();
//! let keys = setup(circuit, &mut OsRng)?;
//! let engine =
//!     FixedKeyEngine::new(circuit, &keys, MemoryBudget::SMALL, Arithmetic::Fastest);
//! let prover = Prover::new(circuit, engine);
//! assert_eq!(prover.verifying_key().public_inputs(), 111);
//! # Ok::<(), praman_prover::KeyError>(())
//! ```

mod addition;
mod addition_cost;
mod arithmetic;
mod arkworks;
mod batch;
mod buckets;
mod combinations;
mod compiled_key;
mod coordinate;
mod digits;
mod engine;
mod fixed_key;
mod key_store;
mod keys;
mod lanes;
mod matrices;
mod msm;
mod multiples;
mod product_cost;
mod quotient;
mod r1cs;
mod reduction;
mod scalars;
pub mod sections;
mod setup;
mod statement;
mod table_file;
mod tables;
mod transform;
mod workspace;
mod zkey;

pub use addition_cost::addition_nanoseconds;
pub use arithmetic::{Arithmetic, ArithmeticError};
pub use arkworks::ArkworksEngine;
pub use batch::ProvingPool;
pub use combinations::{combine_g1, combine_g2};
pub use compiled_key::{ProductCount, Stages};
pub use engine::{Cores, Engine, Prover, ProvingError};
pub use fixed_key::FixedKeyEngine;
pub use key_store::{KeyError, KeyStore};
pub use keys::Keys;
pub use multiples::{add_g1, add_g2, multiply_g1, multiply_g2};
pub use product_cost::product_nanoseconds;
pub use r1cs::ForeignCircuit;
pub use setup::setup;
pub use statement::Statement;
pub use tables::MemoryBudget;
pub use zkey::ForeignKey;
