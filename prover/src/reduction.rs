//! From constraints to a quadratic arithmetic program, as circom and snarkjs do it.
//!
//! The quotient is evaluated on the odd coset of the domain and the key holds the matching Lagrange
//! points, so that proving takes six transforms instead of seven and keys export as `.zkey`.
//! Source: snarkjs `groth16_prove.js`; ark-circom's `CircomReduction`.

use ark_ff::PrimeField;
use ark_groth16::r1cs_to_qap::{LibsnarkReduction, R1CSToQAP, evaluate_constraint};
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, Matrix, Result, SynthesisError};
use rayon::prelude::*;

/// Circom's reduction.
pub(crate) struct CircomReduction;

impl R1CSToQAP for CircomReduction {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        cs: ConstraintSystemRef<F>,
        t: &F,
    ) -> Result<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize)> {
        LibsnarkReduction::instance_map_with_evaluation::<F, D>(cs, t)
    }

    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        num_inputs: usize,
        num_constraints: usize,
        full_assignment: &[F],
    ) -> Result<Vec<F>> {
        let too_large = SynthesisError::PolynomialDegreeTooLarge;
        let domain = D::new(num_constraints + num_inputs).ok_or(too_large)?;
        let size = domain.size();
        let coset_shift = D::new(2 * size).ok_or(too_large)?.element(1);

        let evaluate = |matrix: &Matrix<F>| {
            let mut values: Vec<F> =
                matrix.par_iter().map(|row| evaluate_constraint(row, full_assignment)).collect();
            values.resize(size, F::zero());
            values
        };
        let (mut a, mut b) = rayon::join(|| evaluate(&matrices[0]), || evaluate(&matrices[1]));
        // The rows that Groth16 adds so that no public input is left out of A.
        a[num_constraints..num_constraints + num_inputs]
            .copy_from_slice(&full_assignment[..num_inputs]);
        let mut c: Vec<F> = a.par_iter().zip(&b).map(|(a, b)| *a * b).collect();

        let to_coset = |values: &mut Vec<F>| {
            domain.ifft_in_place(values);
            D::distribute_powers_and_mul_by_const(values, coset_shift, F::one());
            domain.fft_in_place(values);
        };
        rayon::join(|| to_coset(&mut a), || rayon::join(|| to_coset(&mut b), || to_coset(&mut c)));
        a.par_iter_mut().zip(&b).zip(&c).for_each(|((a, b), c)| *a = *a * b - c);
        Ok(a)
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        max_power: usize,
        t: F,
        _zt: F,
        delta_inverse: F,
    ) -> Result<Vec<F>> {
        let powers = std::iter::successors(Some(delta_inverse), |power| Some(*power * t));
        let mut scalars: Vec<F> = powers.take(2 * max_power + 1).collect();
        let domain = D::new(scalars.len()).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        domain.ifft_in_place(&mut scalars);
        Ok(scalars.into_iter().skip(1).step_by(2).collect())
    }
}
