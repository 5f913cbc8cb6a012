//! Checking many proofs of one key by one pairing product.
//!
//! `∏ e(rᵢ·Aᵢ, Bᵢ) = e(Σ rᵢ·α, β) · e(Σ rᵢ·Lᵢ, γ) · e(Σ rᵢ·Cᵢ, δ)` with random 128-bit `rᵢ`: if one
//! proof does not hold, the product does with probability below 2⁻¹²⁷. The coefficients are drawn
//! from the operating system after the proofs are fixed, so no prover can choose against them.

use ark_bn254::{Bn254, Fr, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::Zero;
use rand::{CryptoRng, Rng};
use rayon::prelude::*;

use crate::prepared::{FoldedInputs, PreparedKey, Refusal};
use crate::proof::Proof;

/// One claim in a batch: the inputs it shares with others, its own, its proof.
pub struct BatchItem<'a> {
    /// The folded prefix of its public inputs.
    pub folded: &'a FoldedInputs,
    /// The rest of its public inputs.
    pub rest: &'a [Fr],
    /// Its proof.
    pub proof: &'a Proof,
}

impl PreparedKey {
    /// Checks a batch and tells which of its proofs do not hold, in order.
    ///
    /// A batch without a bad proof costs one product. A bad one is found by halving; where there are several,
    /// what is left is checked one by one, so that a batch of bad proofs costs little more than each alone.
    ///
    /// # Errors
    /// [`Refusal::InputCount`] if an item has another number of inputs than the key.
    pub fn find_invalid(
        &self,
        items: &[BatchItem<'_>],
        rng: &mut (impl Rng + CryptoRng),
    ) -> Result<Vec<usize>, Refusal> {
        let inputs = items
            .iter()
            .map(|item| Ok(self.complete(item.folded, item.rest)?.point))
            .collect::<Result<Vec<_>, Refusal>>()?;
        let mut invalid = Vec::new();
        // As many products fail as one bad proof takes to be found.
        let mut halvings = items.len().max(1).ilog2() + 1;
        self.halve(items, &inputs, 0, rng, &mut halvings, &mut invalid);
        Ok(invalid)
    }

    /// The same, each proof checked alone: faster where many don't hold.
    ///
    /// # Errors
    /// [`Refusal::InputCount`] if an item has another number of inputs than the key.
    pub fn find_invalid_singly(&self, items: &[BatchItem<'_>]) -> Result<Vec<usize>, Refusal> {
        for item in items {
            self.require_inputs(item.folded, item.rest)?;
        }
        Ok(self.check_singly(items, 0))
    }

    fn check_singly(&self, items: &[BatchItem<'_>], first: usize) -> Vec<usize> {
        let holds =
            |item: &BatchItem<'_>| self.verify_folded(item.folded, item.rest, item.proof).is_ok();
        let holds: Vec<bool> = items.par_iter().map(holds).collect();
        (first..).zip(holds).filter_map(|(place, holds)| (!holds).then_some(place)).collect()
    }

    fn halve(
        &self,
        items: &[BatchItem<'_>],
        inputs: &[G1Projective],
        first: usize,
        rng: &mut (impl Rng + CryptoRng),
        halvings: &mut u32,
        invalid: &mut Vec<usize>,
    ) {
        if items.len() == 1 || *halvings == 0 {
            invalid.extend(self.check_singly(items, first));
            return;
        }
        if items.is_empty() || self.all_hold(items, inputs, rng) {
            return;
        }
        *halvings -= 1;
        let middle = items.len() / 2;
        self.halve(&items[..middle], &inputs[..middle], first, rng, halvings, invalid);
        self.halve(&items[middle..], &inputs[middle..], first + middle, rng, halvings, invalid);
    }

    fn all_hold(
        &self,
        items: &[BatchItem<'_>],
        inputs: &[G1Projective],
        rng: &mut (impl Rng + CryptoRng),
    ) -> bool {
        let coefficients: Vec<Fr> = items.iter().map(|_| Fr::from(rng.r#gen::<u128>())).collect();
        let key = self.key();
        let scaled: Vec<G1Projective> = items
            .par_iter()
            .zip(&coefficients)
            .map(|(item, r)| item.proof.points().a * r)
            .collect();
        let weighted = |points: &[G1Projective]| {
            let points = G1Projective::normalize_batch(points);
            G1Projective::msm(&points, &coefficients).expect("as many points as coefficients")
        };
        let c: Vec<G1Projective> = items.iter().map(|item| item.proof.points().c.into()).collect();
        let total: Fr = coefficients.iter().sum();

        // e(Σ r·α, β)⁻¹ joins the product, so that all of it is compared with one.
        let mut left = G1Projective::normalize_batch(&scaled);
        left.push((key.vk.alpha_g1 * -total).into_affine());
        left.push((-weighted(inputs)).into_affine());
        left.push((-weighted(&c)).into_affine());
        let mut right: Vec<G2Affine> = items.iter().map(|item| item.proof.points().b).collect();
        right.extend([key.vk.beta_g2, key.vk.gamma_g2, key.vk.delta_g2]);
        Bn254::multi_pairing(left, right).is_zero()
    }
}
