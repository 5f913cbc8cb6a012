//! Checking one proof.

use ark_bn254::{Bn254, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_groth16::{Groth16, PreparedVerifyingKey, prepare_verifying_key};
use praman_circuits::Fr;

use crate::proof::Proof;
use crate::verifying_key::VerifyingKey;

/// Why a well-formed proof is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `ark-groth16` 0.6 would read missing inputs as zero and ignore those too many.
    #[error("{given} public inputs were given, the key is for {expected}")]
    InputCount {
        /// Inputs given.
        given: usize,
        /// Inputs of the key's circuit.
        expected: usize,
    },
    /// The pairing equation does not hold.
    #[error("the proof does not hold for these public inputs")]
    Invalid,
}

/// A verification key ready for checking.
pub struct PreparedKey {
    key: PreparedVerifyingKey<Bn254>,
}

/// A prefix of the public inputs folded into one point, `IC₀ + Σ xᵢ·ICᵢ`.
///
/// The inputs that all claims of a scheme, period and checkpoint share are folded once; a claim then
/// costs a multiplication for each input of its own.
#[derive(Clone, Copy)]
pub struct FoldedInputs {
    pub(crate) point: G1Projective,
    pub(crate) inputs: usize,
}

impl PreparedKey {
    /// Prepares a key.
    pub fn new(key: &VerifyingKey) -> Self {
        Self { key: prepare_verifying_key(key.points()) }
    }

    /// Checks a proof of some public inputs.
    ///
    /// # Errors
    /// [`Refusal`] if the number of inputs is not the key's or the proof does not hold.
    pub fn verify(&self, public: &[Fr], proof: &Proof) -> Result<(), Refusal> {
        self.verify_folded(&self.fold(&[])?, public, proof)
    }

    /// Folds a prefix of the public inputs.
    ///
    /// # Errors
    /// [`Refusal::InputCount`] if there are more than the key has.
    pub fn fold(&self, prefix: &[Fr]) -> Result<FoldedInputs, Refusal> {
        let start = FoldedInputs { point: self.key.vk.gamma_abc_g1[0].into_group(), inputs: 0 };
        self.fold_more(&start, prefix)
    }

    /// Folds further public inputs behind a folded prefix.
    pub(crate) fn fold_more(
        &self,
        prefix: &FoldedInputs,
        more: &[Fr],
    ) -> Result<FoldedInputs, Refusal> {
        let inputs = prefix.inputs + more.len();
        if inputs > self.inputs() {
            return Err(Refusal::InputCount { given: inputs, expected: self.inputs() });
        }
        let points = &self.key.vk.gamma_abc_g1[prefix.inputs + 1..=inputs];
        let sum: G1Projective = points.iter().zip(more).map(|(point, input)| *point * input).sum();
        Ok(FoldedInputs { point: prefix.point + sum, inputs })
    }

    /// Checks a proof whose first public inputs are folded already.
    ///
    /// # Errors
    /// [`Refusal`] if the number of inputs is not the key's or the proof does not hold.
    pub fn verify_folded(
        &self,
        folded: &FoldedInputs,
        rest: &[Fr],
        proof: &Proof,
    ) -> Result<(), Refusal> {
        let all = self.complete(folded, rest)?;
        let holds = Groth16::<Bn254>::verify_proof_with_prepared_inputs(
            &self.key,
            proof.points(),
            &all.point.into_affine().into_group(),
        );
        if holds == Ok(true) { Ok(()) } else { Err(Refusal::Invalid) }
    }

    /// All inputs folded, exactly as many as the key has.
    pub(crate) fn complete(
        &self,
        folded: &FoldedInputs,
        rest: &[Fr],
    ) -> Result<FoldedInputs, Refusal> {
        self.require_inputs(folded, rest)?;
        self.fold_more(folded, rest)
    }

    /// Whether inputs are exactly as many as the key has.
    pub(crate) fn require_inputs(&self, folded: &FoldedInputs, rest: &[Fr]) -> Result<(), Refusal> {
        let (given, expected) = (folded.inputs + rest.len(), self.inputs());
        if given == expected { Ok(()) } else { Err(Refusal::InputCount { given, expected }) }
    }

    pub(crate) fn key(&self) -> &PreparedVerifyingKey<Bn254> {
        &self.key
    }

    /// How many public inputs the key is for.
    pub fn inputs(&self) -> usize {
        self.key.vk.gamma_abc_g1.len() - 1
    }
}
