//! Many points, each times a number of its own, and many sums of two: for who makes and checks keys.
//!
//! A number is split by the curve's endomorphism into two of half its length (Gallant, Lambert, Vanstone, "Faster point
//! multiplication on elliptic curves with efficient endomorphisms", CRYPTO 2001), each of which is read in signed digits.
//! All points of a chunk take the same steps side by side, so that each step shares its inversion.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ff::{BigInt, PrimeField, Zero};
use rayon::prelude::*;
use zeroize::Zeroize;

use crate::addition::{Additions, PointRef};
use crate::arithmetic::{Arithmetic, OnPath};
use crate::coordinate::{Curve, G1, G2};
use crate::digits::Digits;
use crate::lanes::{Path, Row};

/// How many points take their steps together.
const CHUNK: usize = 512;

pub(crate) const DIGITS: Digits = Digits { bits: 4 };
/// Sizes of a digit, each of which has a multiple.
pub(crate) const SIZES: usize = 8;
/// Digits of half a number: the halves have at most 128 bits, and the last digit may carry.
pub(crate) const PLACES: usize = 33;

/// A curve with an endomorphism that multiplies by a fixed number.
pub(crate) trait Endomorphism: Curve {
    /// A number as one half and another times the endomorphism's: whether it is positive, and how large.
    fn split(number: Fr) -> [(bool, BigInt<4>); 2];

    /// The endomorphism.
    fn turned(point: &Self::Affine) -> Self::Affine;
}

impl Endomorphism for G1 {
    fn split(number: Fr) -> [(bool, BigInt<4>); 2] {
        let (one, other) = ark_bn254::g1::Config::scalar_decomposition(number);
        [one, other].map(|(positive, size)| (positive, size.into_bigint()))
    }

    fn turned(point: &G1Affine) -> G1Affine {
        ark_bn254::g1::Config::endomorphism_affine(point)
    }
}

impl Endomorphism for G2 {
    fn split(number: Fr) -> [(bool, BigInt<4>); 2] {
        let (one, other) = ark_bn254::g2::Config::scalar_decomposition(number);
        [one, other].map(|(positive, size)| (positive, size.into_bigint()))
    }

    fn turned(point: &G2Affine) -> G2Affine {
        ark_bn254::g2::Config::endomorphism_affine(point)
    }
}

/// Multiplies each point of G1 by its number.
///
/// How long it takes tells of the numbers.
///
/// # Panics
/// If there are not as many numbers as points.
pub fn multiply_g1(points: &[G1Affine], by: &[Fr]) -> Vec<G1Affine> {
    multiply::<G1>(points, by)
}

/// Multiplies each point of G2, all in the subgroup, by its number.
///
/// How long it takes tells of the numbers.
///
/// # Panics
/// If there are not as many numbers as points.
pub fn multiply_g2(points: &[G2Affine], by: &[Fr]) -> Vec<G2Affine> {
    multiply::<G2>(points, by)
}

/// Adds points of G1, two and two.
///
/// # Panics
/// If there are not as many of both.
pub fn add_g1(a: &[G1Affine], b: &[G1Affine]) -> Vec<G1Affine> {
    add::<G1>(a, b)
}

/// Adds points of G2, two and two.
///
/// # Panics
/// If there are not as many of both.
pub fn add_g2(a: &[G2Affine], b: &[G2Affine]) -> Vec<G2Affine> {
    add::<G2>(a, b)
}

fn multiply<C: Endomorphism>(points: &[C::Affine], by: &[Fr]) -> Vec<C::Affine> {
    assert_eq!(points.len(), by.len(), "each point has a number");
    let chunks = points.par_chunks(CHUNK).zip(by.par_chunks(CHUNK));
    chunks
        .flat_map_iter(|(points, by)| {
            let mut multiples = Multiples::<C>::new(points, by);
            Arithmetic::Fastest.run(&mut multiples);
            std::mem::take(&mut multiples.out)
        })
        .collect()
}

fn add<C: Curve>(a: &[C::Affine], b: &[C::Affine]) -> Vec<C::Affine> {
    assert_eq!(a.len(), b.len(), "points come in pairs");
    let chunks = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
    chunks
        .flat_map_iter(|(a, b)| {
            let mut sums = Sums::<C> { a, b, out: Vec::new() };
            Arithmetic::Fastest.run(&mut sums);
            sums.out
        })
        .collect()
}

/// Sums of two points.
struct Sums<'a, C: Curve> {
    a: &'a [C::Affine],
    b: &'a [C::Affine],
    out: Vec<C::Affine>,
}

impl<C: Curve> OnPath for &mut Sums<'_, C> {
    type Output = ();

    fn on<P: Path>(self, path: P) {
        let Sums { a, b, out } = self;
        let count = a.len();
        let mut table = vec![Row::default(); 2 * count * C::ROWS];
        let mut sums = vec![Row::default(); count * C::ROWS];
        let (mut pairs, mut plain) = (Vec::with_capacity(count), vec![true; count]);
        for place in 0..count {
            // Infinity has no rows to add by.
            plain[place] = !a[place].is_zero() && !b[place].is_zero();
            if plain[place] {
                let (one, other) = (pairs.len() * 2, pairs.len() * 2 + 1);
                C::to_rows::<P::Base>(&a[place], row::<C>(&mut table, one));
                C::to_rows::<P::Base>(&b[place], row::<C>(&mut table, other));
                pairs.push([PointRef::of_table(one, false), PointRef::of_table(other, false)]);
            }
        }
        let mut additions = Additions::<C, P>::new(path);
        additions.add(&table, &mut sums, 0, &pairs);
        let mut sums = sums.chunks_exact(C::ROWS);
        for place in 0..count {
            out.push(match (plain[place], a[place].is_zero()) {
                (true, _) => C::from_rows::<P::Base>(sums.next().expect("a sum of each pair")),
                (false, true) => b[place],
                (false, false) => a[place],
            });
        }
    }
}

pub(crate) fn row<C: Curve>(table: &mut [Row], number: usize) -> &mut [Row] {
    &mut table[number * C::ROWS..(number + 1) * C::ROWS]
}

/// What all points of a chunk do in one round.
#[derive(Clone, Copy)]
enum Round {
    /// Twice what there is.
    Twice,
    /// The multiple of a digit is added.
    Digit { half: usize, place: usize },
}

/// Points of a chunk, with their numbers' digits.
struct Multiples<C: Endomorphism> {
    /// Those that are not infinity, by their places.
    points: Vec<(usize, C::Affine)>,
    /// For each of them the digits of both halves, from the lowest.
    digits: Vec<[[i8; PLACES]; 2]>,
    out: Vec<C::Affine>,
}

impl<C: Endomorphism> Multiples<C> {
    fn new(points: &[C::Affine], by: &[Fr]) -> Self {
        let of = |(place, (point, number)): (usize, (&C::Affine, &Fr))| {
            let is_zero = point.is_zero() || number.is_zero();
            (!is_zero).then_some((place, *point, *number))
        };
        // No buffer is left behind by growing.
        let mut found = Vec::with_capacity(by.len());
        found.extend(points.iter().zip(by).enumerate().filter_map(of));
        let mut last: Option<(Fr, [[i8; PLACES]; 2])> = None;
        let mut digits = Vec::with_capacity(found.len());
        for (_, _, number) in &found {
            // Often all points have one number.
            let known = last.filter(|(known, _)| known == number).map(|(_, digits)| digits);
            let read = known.unwrap_or_else(|| digits_of::<C>(*number));
            last = Some((*number, read));
            digits.push(read);
        }
        last.zeroize();
        let points = found.iter().map(|(place, point, _)| (*place, *point)).collect();
        found.iter_mut().for_each(|(.., number)| number.zeroize());
        Self { points, digits, out: vec![C::Affine::zero(); by.len()] }
    }

    /// The largest size of a digit.
    fn largest(&self) -> usize {
        let digits = self.digits.iter().flatten().flatten();
        digits.map(|digit| digit.unsigned_abs()).max().unwrap_or(0).into()
    }

    /// What is done, by the highest place of any digit.
    fn rounds(&self) -> Vec<Round> {
        let halves = self.digits.iter().flatten();
        let places = halves.filter_map(|half| half.iter().rposition(|digit| *digit != 0)).max();
        let mut rounds = Vec::new();
        for place in (0..=places.unwrap_or(0)).rev() {
            rounds.extend([0, 1].map(|half| Round::Digit { half, place }));
            if place > 0 {
                rounds.extend([Round::Twice; DIGITS.bits]);
            }
        }
        rounds
    }
}

pub(crate) fn digits_of<C: Endomorphism>(number: Fr) -> [[i8; PLACES]; 2] {
    C::split(number).map(|(positive, size)| {
        let mut digits = [0; PLACES];
        DIGITS.each(&size, |place, size, negative| {
            let digit = size as i8 + 1;
            digits[place] = if negative == positive { -digit } else { digit };
        });
        digits
    })
}

impl<C: Endomorphism> Drop for Multiples<C> {
    /// The numbers may be secret.
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

impl<C: Endomorphism> OnPath for &mut Multiples<C> {
    type Output = ();

    fn on<P: Path>(self, path: P) {
        let multiples = self;
        let count = multiples.points.len();
        let mut table = vec![Row::default(); (2 * SIZES + 1) * count * C::ROWS];
        let mut sums = vec![Row::default(); count * C::ROWS];
        let mut additions = Additions::<C, P>::new(path);
        let points = multiples.points.iter().map(|(_, point)| *point).enumerate();
        fill::<C, P>(&mut table, points, multiples.largest(), &mut additions);
        let mut pairs = Pairs {
            pairs: Vec::with_capacity(count),
            to: Vec::with_capacity(count),
            begun: vec![false; count],
        };
        for round in multiples.rounds() {
            pairs.set::<C, P>(round, multiples, &mut table);
            if pairs.pairs.is_empty() {
                continue;
            }
            if matches!(round, Round::Twice) {
                additions.double(&table, &mut sums, &pairs.pairs);
            } else {
                additions.add(&table, &mut sums, 0, &pairs.pairs);
            }
            for (&to, sum) in pairs.to.iter().zip(sums.chunks_exact(C::ROWS)) {
                row::<C>(&mut table, to).copy_from_slice(sum);
            }
        }
        for (number, (place, _)) in multiples.points.iter().enumerate() {
            if pairs.begun[number] {
                let sum = row::<C>(&mut table, 2 * count * SIZES + number);
                multiples.out[*place] = C::from_rows::<P::Base>(sum);
            }
        }
        table.zeroize();
        sums.zeroize();
        additions.wipe();
        pairs.pairs.zeroize();
        pairs.to.zeroize();
    }
}

/// Where a multiple lies: of the point by its size less one, and behind them those of the endomorphism.
pub(crate) fn multiple(point: usize, half: usize, size: usize) -> usize {
    (2 * point + half) * SIZES + size
}

/// The pairs of a round, and where their sums belong.
struct Pairs {
    pairs: Vec<[PointRef; 2]>,
    to: Vec<usize>,
    /// Which points have begun to add up.
    begun: Vec<bool>,
}

impl Pairs {
    /// Sets the pairs of a round. The first multiple of a point is copied instead.
    fn set<C: Endomorphism, P: Path>(
        &mut self,
        round: Round,
        multiples: &Multiples<C>,
        table: &mut [Row],
    ) {
        self.pairs.clear();
        self.to.clear();
        let count = multiples.points.len();
        let of = |number: usize| PointRef::of_table(number, false);
        for point in 0..count {
            let sum = 2 * count * SIZES + point;
            let pair = match round {
                Round::Twice if self.begun[point] => [of(sum); 2],
                Round::Digit { half, place } => {
                    let digit = multiples.digits[point][half][place];
                    let Some(size) = digit.unsigned_abs().checked_sub(1) else { continue };
                    let number = multiple(point, half, size.into());
                    let by = PointRef::of_table(number, digit < 0);
                    if !self.begun[point] {
                        self.begun[point] = true;
                        let mut rows = [Row::default(); 2];
                        by.copy::<C, P::Base>(table, &[], &mut rows[..C::ROWS]);
                        row::<C>(table, sum).copy_from_slice(&rows[..C::ROWS]);
                        continue;
                    }
                    [of(sum), by]
                }
                Round::Twice => continue,
            };
            self.pairs.push(pair);
            self.to.push(sum);
        }
    }
}

/// Writes the multiples of points up to a size, and the endomorphism's. Points are named by where their multiples lie;
/// none is infinity.
pub(crate) fn fill<C: Endomorphism, P: Path>(
    table: &mut [Row],
    points: impl Iterator<Item = (usize, C::Affine)>,
    largest: usize,
    additions: &mut Additions<C, P>,
) {
    let mut places = Vec::new();
    for (place, point) in points {
        C::to_rows::<P::Base>(&point, row::<C>(table, multiple(place, 0, 0)));
        places.push(place);
    }
    if places.is_empty() {
        return;
    }
    let mut made = vec![Row::default(); places.len() * C::ROWS];
    let mut pairs: Vec<[PointRef; 2]> = Vec::with_capacity(places.len());
    for size in 1..largest {
        pairs.clear();
        // Of size less one: twice the half, or one more than the last.
        let is_twice = size % 2 == 1;
        for &place in &places {
            let (one, other) = if is_twice { (size / 2, size / 2) } else { (size - 1, 0) };
            let of = [multiple(place, 0, one), multiple(place, 0, other)];
            pairs.push([PointRef::of_table(of[0], false), PointRef::of_table(of[1], false)]);
        }
        if is_twice {
            additions.double(table, &mut made, &pairs);
        } else {
            additions.add(table, &mut made, 0, &pairs);
        }
        for (&place, sum) in places.iter().zip(made.chunks_exact(C::ROWS)) {
            row::<C>(table, multiple(place, 0, size)).copy_from_slice(sum);
        }
    }
    for place in places {
        for size in 0..largest {
            let rows = row::<C>(table, multiple(place, 0, size));
            let turned = C::turned(&C::from_rows::<P::Base>(rows));
            C::to_rows::<P::Base>(&turned, row::<C>(table, multiple(place, 1, size)));
        }
    }
}

#[cfg(test)]
mod tests {
    use ark_ec::CurveGroup;
    use ark_ff::{AdditiveGroup, UniformRand};
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    /// On every path: full numbers, small ones, zero, infinity, and chunks in which all have one number.
    fn multiples_are_those_of_arkworks<C: Endomorphism>() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let count = CHUNK + 37;
        let mut points: Vec<C::Affine> =
            (0..count).map(|_| C::Projective::rand(&mut rng).into_affine()).collect();
        points[7] = C::Affine::zero();
        let full: Vec<Fr> = (0..count).map(|_| Fr::rand(&mut rng)).collect();
        let one = vec![full[0]; count];
        let mut small: Vec<Fr> = (0..count as u64).map(|place| Fr::from(place % 40)).collect();
        small[3] = -Fr::from(1u64);
        small[4] = Fr::ZERO;
        small[5] = Fr::from(u64::MAX);
        for by in [full, one, small] {
            let expected: Vec<C::Affine> =
                points.iter().zip(&by).map(|(point, by)| (*point * by).into_affine()).collect();
            assert!(multiply::<C>(&points, &by) == expected);
            for arithmetic in Arithmetic::available() {
                let mut some = Multiples::<C>::new(&points[..50], &by[..50]);
                arithmetic.run(&mut some);
                assert!(some.out == expected[..50], "{arithmetic:?}");
            }
        }
    }

    #[test]
    fn multiples_are_those_of_arkworks_in_both_groups() {
        multiples_are_those_of_arkworks::<G1>();
        multiples_are_those_of_arkworks::<G2>();
    }

    #[test]
    fn sums_are_those_of_arkworks_with_equal_opposite_and_infinite_points() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut draw = || ark_bn254::G1Projective::rand(&mut rng).into_affine();
        let mut a: Vec<G1Affine> = (0..CHUNK + 9).map(|_| draw()).collect();
        let mut b: Vec<G1Affine> = (0..CHUNK + 9).map(|_| draw()).collect();
        (b[1], b[2], b[3], a[4]) = (a[1], -a[2], G1Affine::zero(), G1Affine::zero());
        (a[5], b[5]) = (G1Affine::zero(), G1Affine::zero());
        let expected: Vec<G1Affine> =
            a.iter().zip(&b).map(|(a, b)| (*a + b).into_affine()).collect();
        assert_eq!(add_g1(&a, &b), expected);
    }
}
