//! The hash of the key that contributions are made on, before the first of them.

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::CurveGroup;
use blake2::{Blake2b512, Digest};
use rayon::prelude::*;

use super::point_behind_the_end::difference;
use super::{Header, first_delta};
use crate::draw::Hash;
use crate::encoding::CeremonyPoint;
use crate::powers::VerifiedPowers;

/// snarkjs hashes H in chunks of so many points. Of a circuit of more than one chunk it hashes one point more than the
/// count before them says: contributors did so, and a check must do the same.
const CHUNK: usize = 1 << 14;

/// How many points are turned into bytes at once.
const BUFFER: usize = 1 << 12;

/// The points of a key that are hashed.
pub(crate) struct Points<'a> {
    pub(crate) inputs: &'a [G1Affine],
    pub(crate) l: &'a [G1Affine],
    pub(crate) a: &'a [G1Affine],
    pub(crate) b_g1: &'a [G1Affine],
    pub(crate) b_g2: &'a [G2Affine],
}

/// What snarkjs hashes behind the last point of H.
#[derive(Clone, Copy)]
enum Behind {
    Nothing,
    /// The difference of one power more, in a phase 1 that has it.
    Power,
    /// What stands in the file where that power would.
    End,
}

/// The circuit hash of a key that begins on a phase 1: over the key with delta at the generators, and H as
/// `tau^(domain + i) - tau^i`.
pub(crate) fn circuit_hash(header: &Header, points: &Points<'_>, powers: &VerifiedPowers) -> Hash {
    let behind = match header.domain {
        ..=CHUNK => Behind::Nothing,
        domain if powers.tau_g1().len() >= 2 * domain => Behind::Power,
        _ => Behind::End,
    };
    hash(header, points, powers, behind)
}

/// Whether a hash is the circuit hash of a key on a phase 1, or on as many of its powers as the circuit needs.
pub(crate) fn is_circuit_hash(
    found: &Hash,
    header: &Header,
    points: &Points<'_>,
    powers: &VerifiedPowers,
) -> bool {
    let on_fewer = || header.domain > CHUNK && hash(header, points, powers, Behind::End) == *found;
    circuit_hash(header, points, powers) == *found || on_fewer()
}

fn hash(header: &Header, points: &Points<'_>, powers: &VerifiedPowers, behind: Behind) -> Hash {
    let mut hasher = Blake2b512::new();
    let (delta_g1, delta_g2) = first_delta();
    for point in [header.alpha_g1, header.beta_g1] {
        hasher.update(point.hashed());
    }
    hasher.update(header.beta_g2.hashed());
    hasher.update(header.gamma_g2.hashed());
    hasher.update(delta_g1.hashed());
    hasher.update(delta_g2.hashed());
    update(&mut hasher, points.inputs);
    let last = header.domain - 1;
    update(&mut hasher, &differences(powers.tau_g1(), header.domain, last));
    match behind {
        Behind::Nothing => {}
        Behind::Power => {
            let power = powers.tau_g1()[header.domain + last] - powers.tau_g1()[last];
            hasher.update(power.into_affine().hashed());
        }
        Behind::End => {
            let power = header.domain.ilog2();
            hasher.update(difference(power, &powers.tau_g1()[last]).hashed());
        }
    }
    update(&mut hasher, points.l);
    update(&mut hasher, points.a);
    update(&mut hasher, points.b_g1);
    update(&mut hasher, points.b_g2);
    hasher.finalize().into()
}

/// `tau^(domain + i) - tau^i` in G1.
pub(crate) fn differences(powers: &[G1Affine], domain: usize, count: usize) -> Vec<G1Affine> {
    let sums: Vec<_> =
        (0..count).into_par_iter().map(|place| powers[domain + place] - powers[place]).collect();
    crate::sums::to_affine(&sums)
}

fn update<P: CeremonyPoint>(hasher: &mut Blake2b512, points: &[P]) {
    hasher.update((points.len() as u32).to_be_bytes());
    hash_points(hasher, points);
}

/// Hashes points one behind the other.
pub(crate) fn hash_points<P: CeremonyPoint>(hasher: &mut Blake2b512, points: &[P]) {
    for points in points.chunks(BUFFER) {
        let bytes: Vec<Vec<u8>> = points.par_iter().map(CeremonyPoint::hashed).collect();
        bytes.iter().for_each(|bytes| hasher.update(bytes));
    }
}
