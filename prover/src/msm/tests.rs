//! Sums against arkworks', on every path, with every kind of point and scalar.

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{BigInt, PrimeField, UniformRand};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::arithmetic::{Arithmetic, OnPath};
use crate::coordinate::{G1, G2};
use crate::tables::{Layout, Points};

fn check_paths<C: Curve>(points: &[C::Affine], scalars: &[Fr], bytes: usize)
where
    C::Projective: VariableBaseMSM<MulBase = C::Affine>,
{
    for by in Arithmetic::available() {
        by.run(Check::<C> { points, scalars, bytes });
    }
}

/// A sum, checked on a path.
struct Check<'a, C: Curve> {
    points: &'a [C::Affine],
    scalars: &'a [Fr],
    bytes: usize,
}

impl<C: Curve> OnPath for Check<'_, C>
where
    C::Projective: VariableBaseMSM<MulBase = C::Affine>,
{
    type Output = ();

    fn on<P: Path>(self, path: P) {
        let Self { points, scalars, bytes } = self;
        let made = Points::<C>::new((0..).zip(points.iter().copied()), bytes);
        let rows = made.multiples(path).expect("memory");
        let table = made.with(rows);
        let integers: Vec<BigInt<4>> = scalars.iter().map(|scalar| scalar.into_bigint()).collect();
        let expected: C::Projective =
            points.iter().zip(scalars).map(|(point, scalar)| *point * scalar).sum();
        // The numbers of the blinding and of the quotient come behind those of the wires.
        let zero = BigInt::from(0u64);
        let (wires, behind) = integers.split_at(integers.len() / 2);
        let (blinding, quotient) = behind.split_first().unwrap_or((&zero, &[]));
        let scalars = Scalars { wires, blinding, quotient };
        let (mut space, spare) = (MsmSpace::new(&table), Spare::default());
        for cores in [Cores::All, Cores::One] {
            let sum = msm(path, &table, scalars, &mut space, &spare, cores);
            assert_eq!(sum, expected, "{} by {:?}", P::NAME, table.layout);
        }
    }
}

fn check_groups(points: &[Fr], scalars: &[Fr], bytes: usize) {
    let ones = |points: &[Fr]| {
        points
            .iter()
            .map(|by| (ark_bn254::G1Affine::generator() * by).into_affine())
            .collect::<Vec<_>>()
    };
    let twos = |points: &[Fr]| {
        points
            .iter()
            .map(|by| (ark_bn254::G2Affine::generator() * by).into_affine())
            .collect::<Vec<_>>()
    };
    check_paths::<G1>(&ones(points), scalars, bytes);
    check_paths::<G2>(&twos(points), scalars, bytes);
}

fn edges() -> Vec<Fr> {
    let half = -Fr::from(1u64) / Fr::from(2u64);
    vec![Fr::from(0u64), Fr::from(1u64), -Fr::from(1u64), half, Fr::from(u64::MAX), Fr::from(2u64)]
}

#[test]
fn equal_points_opposites_and_infinity_add_up() {
    // Few points many times, so that every bucket meets points that are equal, opposite or at infinity.
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let few = [0u64, 1, 2, 3].map(Fr::from);
    for (count, same_scalar) in [(1usize, true), (40, true), (40, false), (300, true)] {
        let points: Vec<Fr> = (0..count)
            .map(|_| if rng.r#gen() { few[rng.gen_range(0..4)] } else { -few[rng.gen_range(0..4)] })
            .collect();
        let one = Fr::rand(&mut rng);
        let scalars: Vec<Fr> = (0..count)
            .map(|_| if same_scalar { one } else { edges()[rng.gen_range(0..6)] })
            .collect();
        check_groups(&points, &scalars, 1 << 22);
    }
}

#[test]
fn scalars_all_alike_add_up() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let points: Vec<Fr> = (0..70).map(|_| Fr::rand(&mut rng)).collect();
    for scalar in edges() {
        check_groups(&points, &[scalar; 70], 1 << 22);
    }
}

#[test]
fn short_memory_takes_more_sets_of_buckets() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let points: Vec<Fr> = (0..50).map(|_| Fr::rand(&mut rng)).collect();
    let scalars: Vec<Fr> = (0..50).map(|_| Fr::rand(&mut rng)).collect();
    let mut sets = Vec::new();
    for bytes in [0, 10_000, 30_000, 100_000, 1 << 20] {
        check_groups(&points, &scalars, bytes);
        sets.push(Layout::choose::<G1>(points.len(), bytes).sets);
    }
    assert!(sets.is_sorted_by(|more, fewer| more >= fewer), "{sets:?}");
    assert!(sets[0] > 1 && sets[4] == 1, "{sets:?}");
}

#[test]
fn sum_of_nothing_is_zero() {
    check_groups(&[], &[], 1 << 20);
    check_groups(&[Fr::from(0u64)], &[Fr::from(5u64)], 1 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_points_and_scalars_add_up(seed: u64, count in 1usize..600, small in 0u32..3) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let points: Vec<Fr> = (0..count).map(|_| Fr::rand(&mut rng)).collect();
        let scalars: Vec<Fr> = (0..count)
            .map(|_| match rng.gen_range(0..=small) {
                0 => Fr::rand(&mut rng),
                1 => Fr::from(rng.gen_range(0..2u64)),
                _ => Fr::from(rng.r#gen::<u32>()),
            })
            .collect();
        check_groups(&points, &scalars, 1 << 24);
    }
}
