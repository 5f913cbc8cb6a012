//! A key pair bound to its circuit.

use ark_bn254::Bn254;
use ark_serialize::CanonicalSerialize;
use praman_circuits::circuit::{Circuit, CircuitDigest};
use praman_verifier::VerifyingKey;
use sha2::{Digest, Sha256};

use crate::key_store::KeyError;

/// A proving key with its verification key and the circuit it is for.
#[derive(Clone)]
pub struct Keys {
    pub(crate) proving: ark_groth16::ProvingKey<Bn254>,
    pub(crate) verifying: VerifyingKey,
    pub(crate) circuit: CircuitDigest,
    /// SHA-256 of the proving key as it is kept.
    pub(crate) proving_digest: [u8; 32],
}

impl Keys {
    /// Keys of a circuit.
    pub(crate) fn new(
        proving: ark_groth16::ProvingKey<Bn254>,
        verifying: VerifyingKey,
        circuit: CircuitDigest,
    ) -> Self {
        let mut bytes = Vec::with_capacity(proving.uncompressed_size());
        proving.serialize_uncompressed(&mut bytes).expect("a vector takes every byte");
        let proving_digest = Sha256::digest(&bytes).into();
        Self { proving, verifying, circuit, proving_digest }
    }

    /// The keys of a circuit that a ceremony made. The caller has checked the ceremony against the circuit.
    ///
    /// # Errors
    /// [`KeyError::Verification`] for a degenerate key.
    pub fn of_ceremony(
        proving: ark_groth16::ProvingKey<Bn254>,
        circuit: &Circuit,
        transcript: [u8; 32],
    ) -> Result<Self, KeyError> {
        let (name, digest) = (circuit.name(), circuit.digest());
        let vk = proving.vk.clone();
        let verifying = VerifyingKey::of_ceremony(vk, name, &digest.to_string(), transcript)?;
        Ok(Self::new(proving, verifying, digest))
    }

    /// The verification key.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The digest of the circuit that the keys are for.
    pub fn circuit(&self) -> CircuitDigest {
        self.circuit
    }
}
