//! A key pair bound to its circuit.

use ark_bn254::Bn254;
use praman_circuits::circuit::CircuitDigest;
use praman_verifier::VerifyingKey;

/// A proving key with its verification key and the circuit it is for.
pub struct Keys {
    pub(crate) proving: ark_groth16::ProvingKey<Bn254>,
    pub(crate) verifying: VerifyingKey,
    pub(crate) circuit: CircuitDigest,
}

impl Keys {
    /// The verification key.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The digest of the circuit that the keys are for.
    pub fn circuit(&self) -> CircuitDigest {
        self.circuit
    }
}
