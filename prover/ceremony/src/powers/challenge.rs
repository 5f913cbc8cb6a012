//! The hashes that bind a contribution to phase 1 to the one before it.

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use blake2::{Blake2b512, Digest};

use super::PowerPoints;
use crate::draw::{Hash, blake2b};
use crate::encoding::CeremonyPoint;
use crate::key::hash_points;

/// The power of the one great public ceremony, whose first challenge takes minutes to compute.
const PERPETUAL_POWER: u32 = 28;

/// The challenge of a ceremony of that power.
const PERPETUAL_CHALLENGE: &str = include_str!("perpetual_challenge.txt");

/// The hash that the first contribution is made on: of powers of one.
pub(crate) fn first_challenge(power: u32) -> Hash {
    if power == PERPETUAL_POWER {
        let mut hash = [0; 64];
        hex::decode_to_slice(PERPETUAL_CHALLENGE.trim(), &mut hash).expect("128 digits");
        return hash;
    }
    computed_first_challenge(power)
}

fn computed_first_challenge(power: u32) -> Hash {
    let n = 1usize << power;
    let (g1, g2) = (G1Affine::generator().hashed(), G2Affine::generator().hashed());
    let mut hasher = Blake2b512::new_with_prefix(blake2b(&[b""]));
    let mut repeat = |point: &[u8], count: usize| {
        let many = point.repeat(count.min(1 << 12));
        let (whole, rest) = (count >> 12, count % (1 << 12));
        (0..whole).for_each(|_| hasher.update(&many));
        hasher.update(&many[..rest * point.len()]);
    };
    repeat(&g1, 2 * n - 1);
    repeat(&g2, n);
    repeat(&g1, 2 * n);
    repeat(&g2, 1);
    hasher.finalize().into()
}

/// The hash that the next contribution is made on: of the last response, and of all points after it.
pub(crate) fn next_challenge(response: &Hash, points: &PowerPoints) -> Hash {
    let mut hasher = Blake2b512::new_with_prefix(response);
    hash_points(&mut hasher, &points.tau_g1);
    hash_points(&mut hasher, &points.tau_g2);
    hash_points(&mut hasher, &points.alpha_g1);
    hash_points(&mut hasher, &points.beta_g1);
    hash_points(&mut hasher, &[points.beta_g2]);
    hasher.finalize().into()
}
