//! What one addition of a bucket costs, by where its points lie.

use std::time::Instant;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, PrimeField, UniformRand};
use rand::rngs::OsRng;

use crate::arithmetic::{Arithmetic, OnPath};
use crate::coordinate::G1;
use crate::digits::Digits;
use crate::engine::Cores;
use crate::lanes::Path;
use crate::msm::{MsmSpace, additions, msm};
use crate::scalars::Scalars;
use crate::tables::{Layout, Points};
use crate::workspace::Spare;

/// Nanoseconds that an addition in G1 takes on one thread, in a sum over so many points, each of which
/// has 32 multiples in the table: 2 KiB.
///
/// A table that fits the second cache against one that does not tells what reading the table costs, and
/// so the most that several proofs of one key could gain by reading it together.
pub fn addition_nanoseconds(points: usize, by: Arithmetic, rounds: usize) -> f64 {
    by.run(Sum { points, rounds })
}

/// A sum over so many points, made so many times.
struct Sum {
    points: usize,
    rounds: usize,
}

impl OnPath for Sum {
    type Output = f64;

    fn on<P: Path>(self, path: P) -> f64 {
        let Self { points: count, rounds } = self;
        // Neighbours differ by a random point.
        let step = G1Affine::generator() * Fr::rand(&mut OsRng);
        let points: Vec<G1Projective> =
            std::iter::successors(Some(step), |point| Some(point + step)).take(count).collect();
        let points = G1Projective::normalize_batch(&points);
        let layout = Layout { digits: Digits { bits: 8 }, sets: 1 };
        let points = Points::<G1>::laid_out((0..).zip(points), layout);
        let rows = points.multiples(path).expect("memory for a table");
        let table = points.with(rows);
        let wires: Vec<BigInt<4>> =
            (0..count).map(|_| Fr::rand(&mut OsRng).into_bigint()).collect();
        let zero = BigInt::from(0u64);
        let scalars = Scalars { wires: &wires, blinding: &zero, quotient: &[] };
        let number = additions(&table, scalars);
        let (mut space, spare) = (MsmSpace::new(&table), Spare::default());
        let mut spent: Vec<f64> = (0..rounds.max(1))
            .map(|_| {
                let started = Instant::now();
                let sum = msm(path, &table, scalars, &mut space, &spare, Cores::One);
                let _ = std::hint::black_box(sum);
                started.elapsed().as_secs_f64()
            })
            .collect();
        spent.sort_by(f64::total_cmp);
        spent[spent.len() / 2] * 1e9 / number as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addition_takes_some_time() {
        for by in Arithmetic::available() {
            assert!(addition_nanoseconds(16, by, 1) > 0.0);
        }
    }
}
