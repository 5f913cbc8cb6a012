//! Many points at once: times one number or a number's powers, and their sums under random factors.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, One, PrimeField};
use rand::rngs::OsRng;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::encoding::CeremonyPoint;

/// How many sums a thread takes at once.
const CHUNK: usize = 256;

/// Multiplies each point by a number.
pub(crate) fn scale<P: CeremonyPoint>(points: &[P], by: &Fr) -> Vec<P> {
    P::multiply(points, &Zeroizing::new(vec![*by; points.len()]))
}

/// Multiplies the points by `first`, `first · ratio`, `first · ratio²` and so on.
pub(crate) fn scale_by_powers<P: CeremonyPoint>(points: &[P], first: &Fr, ratio: &Fr) -> Vec<P> {
    let mut by = Zeroizing::new(Vec::with_capacity(points.len()));
    by.extend(std::iter::successors(Some(*first), |last| Some(*last * ratio)).take(points.len()));
    P::multiply(points, &by)
}

/// Sums in affine form, on all cores.
pub(crate) fn to_affine<P: CeremonyPoint>(sums: &[P::Group]) -> Vec<P> {
    sums.par_chunks(CHUNK).flat_map_iter(P::Group::normalize_batch).collect()
}

/// The sum of points, each times its factor.
pub(crate) fn sum<P: CeremonyPoint>(points: &[P], factors: &[Fr]) -> P {
    P::sum(points, factors).into_affine()
}

/// Random factors of 128 bits: a wrong relation holds under them by chance once in 2^128 times.
pub(crate) fn random_factors(count: usize) -> Vec<Fr> {
    let mut rng = ChaCha20Rng::from_rng(OsRng).expect("the system's generator gives a seed");
    let mut draw = || Fr::from_bigint(BigInt([rng.next_u64(), rng.next_u64(), 0, 0]));
    (0..count).map(|_| draw().expect("128 bits are below the modulus")).collect()
}

/// Whether two pairs of points have one ratio, `other = ratio · one`. Of points at infinity it holds that they have
/// none.
pub(crate) fn same_ratio(
    (one, other): (G1Affine, G1Affine),
    (one_g2, other_g2): (G2Affine, G2Affine),
) -> bool {
    let infinite = one.is_zero() || other.is_zero() || one_g2.is_zero() || other_g2.is_zero();
    !infinite && pairs_equal((one, other_g2), (other, one_g2))
}

/// Whether `e(a, b) = e(c, d)`.
pub(crate) fn pairs_equal((a, b): (G1Affine, G2Affine), (c, d): (G1Affine, G2Affine)) -> bool {
    Bn254::multi_pairing([a, -c], [b, d]).0.is_one()
}

/// Sums of neighbours: of all points but the last, and of all but the first, under the same random factors. If each
/// point is the one before times a number, so are the sums.
pub(crate) fn neighbours<P: CeremonyPoint>(points: &[P]) -> (P, P) {
    let factors = random_factors(points.len() - 1);
    rayon::join(|| sum(&points[..points.len() - 1], &factors), || sum(&points[1..], &factors))
}
