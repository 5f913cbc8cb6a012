//! Poseidon over the BN254 scalar field with circomlib's parameters, widths 2 to 17.
//!
//! Source: Grassi, Khovratovich, Rechberger, Roy, Schofnegger, *Poseidon: A New Hash Function for
//! Zero-Knowledge Proof Systems*, 2019/458; the instance is circomlib's `poseidon.circom`: S-box
//! x⁵, 8 full rounds, capacity element 0 starting at zero, output element 0.
//!
//! The native function and the gadget run the *sparse* form of the partial rounds (appendix B of
//! the paper): the same permutation, several times fewer multiplications.

mod gadget;
mod native;
mod parameters;

pub use gadget::hash_gadget;
pub use native::hash;
pub use parameters::{FULL_ROUNDS, MAX_INPUTS, Parameters, partial_rounds};
