//! Many sums of the same points, each point times a number of its own in each sum: a sparse matrix times points.
//!
//! The multiples of a point serve all sums that it is in, and all that is summed at one place of the digits is doubled
//! together (Straus, "Addition chains of vectors", American Mathematical Monthly 70, 1964), on the curve's two halves of
//! a number as in [`multiples`](crate::multiples).

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use rayon::prelude::*;

use crate::addition::{Additions, PointRef};
use crate::arithmetic::{Arithmetic, OnPath};
use crate::buckets::{SumGroups, SumSpace};
use crate::coordinate::{G1, G2};
use crate::lanes::{Path, Row};
use crate::multiples::{DIGITS, Endomorphism, PLACES, SIZES, digits_of, fill, multiple, row};

/// How many points have their multiples made together, and how many sums are made together.
const CHUNK: usize = 512;

/// For each sum of points of G1: the places of its points, and their numbers.
///
/// How long it takes tells of the numbers. A kibibyte is taken for each point.
///
/// # Panics
/// If a place is not among the points, or there are more than 2^26 points.
pub fn combine_g1(points: &[G1Affine], sums: &[Vec<(usize, Fr)>]) -> Vec<G1Affine> {
    combine::<G1>(points, sums)
}

/// For each sum of points of G2, all in the subgroup: the places of its points, and their numbers.
///
/// How long it takes tells of the numbers. Two kibibytes are taken for each point.
///
/// # Panics
/// If a place is not among the points, or there are more than 2^26 points.
pub fn combine_g2(points: &[G2Affine], sums: &[Vec<(usize, Fr)>]) -> Vec<G2Affine> {
    combine::<G2>(points, sums)
}

fn combine<C: Endomorphism>(points: &[C::Affine], sums: &[Vec<(usize, Fr)>]) -> Vec<C::Affine> {
    Arithmetic::Fastest.run(Combination::<C> { points, sums })
}

/// Points, and what is to be summed of them.
struct Combination<'a, C: Endomorphism> {
    points: &'a [C::Affine],
    sums: &'a [Vec<(usize, Fr)>],
}

impl<C: Endomorphism> OnPath for Combination<'_, C> {
    type Output = Vec<C::Affine>;

    fn on<P: Path>(self, path: P) -> Vec<C::Affine> {
        let Self { points, sums } = self;
        assert!(
            2 * SIZES * points.len() <= PointRef::LIMIT,
            "a table has room for their multiples"
        );
        // Infinity has no rows to add by: it is left out of every sum.
        let mut table = vec![Row::default(); 2 * SIZES * points.len() * C::ROWS];
        let chunks =
            points.par_chunks(CHUNK).zip(table.par_chunks_mut(2 * SIZES * CHUNK * C::ROWS));
        chunks.for_each(|(points, table)| {
            let finite = points.iter().copied().enumerate().filter(|(_, point)| !point.is_zero());
            fill::<C, P>(table, finite, SIZES, &mut Additions::new(path));
        });
        let chunks = sums.par_chunks(CHUNK);
        chunks
            .flat_map_iter(|sums| Combine::<C, P> { points, table: &table, sums, path }.run())
            .collect()
    }
}

/// Makes some of the sums.
struct Combine<'a, C: Endomorphism, P> {
    points: &'a [C::Affine],
    table: &'a [Row],
    sums: &'a [Vec<(usize, Fr)>],
    path: P,
}

impl<C: Endomorphism, P: Path> Combine<'_, C, P> {
    /// For each place, from the lowest, what is added there: where each sum's points begin, and the points.
    fn by_place(&self) -> Vec<(Vec<u32>, Vec<PointRef>)> {
        let mut places: Vec<(Vec<u32>, Vec<PointRef>)> =
            (0..PLACES).map(|_| (vec![0], Vec::new())).collect();
        for sum in self.sums {
            for &(point, number) in sum {
                if self.points[point].is_zero() {
                    continue;
                }
                for (half, digits) in digits_of::<C>(number).iter().enumerate() {
                    for (place, digit) in digits.iter().enumerate() {
                        let Some(size) = digit.unsigned_abs().checked_sub(1) else { continue };
                        let number = multiple(point, half, size.into());
                        places[place].1.push(PointRef::of_table(number, *digit < 0));
                    }
                }
            }
            for (starts, points) in &mut places {
                starts.push(points.len() as u32);
            }
        }
        places
    }
}

impl<C: Endomorphism, P: Path> Combine<'_, C, P> {
    fn run(self) -> Vec<C::Affine> {
        let count = self.sums.len();
        let mut places = self.by_place();
        let mut space = SumSpace::<C, P>::new(self.path);
        let mut additions = Additions::<C, P>::new(self.path);
        // What was summed so far, and behind it what is added at a place.
        let mut rows = vec![Row::default(); 2 * count * C::ROWS];
        let mut made = vec![Row::default(); count * C::ROWS];
        let (mut begun, mut present) = (vec![false; count], vec![false; count]);
        let mut pairs: Vec<[PointRef; 2]> = Vec::with_capacity(count);
        let mut to: Vec<usize> = Vec::with_capacity(count);
        let of = |number: usize| PointRef::of_table(number, false);
        while let Some((starts, mut points)) = places.pop() {
            // Four doublings, then one addition.
            for step in 0..=DIGITS.bits {
                pairs.clear();
                to.clear();
                let is_addition = step == DIGITS.bits;
                if is_addition {
                    present.fill(false);
                    let added = &mut rows[count * C::ROWS..];
                    let groups = SumGroups::<C, P> {
                        table: self.table,
                        points: &mut points,
                        starts: &starts,
                        rows: added,
                        present: &mut present,
                        space: &mut space,
                    };
                    groups.run();
                }
                for sum in 0..count {
                    match (is_addition, begun[sum], present[sum]) {
                        (false, true, _) => pairs.push([of(sum); 2]),
                        (true, true, true) => pairs.push([of(sum), of(count + sum)]),
                        (true, false, true) => {
                            begun[sum] = true;
                            rows.copy_within(
                                (count + sum) * C::ROWS..(count + sum + 1) * C::ROWS,
                                sum * C::ROWS,
                            );
                            continue;
                        }
                        _ => continue,
                    }
                    to.push(sum);
                }
                if pairs.is_empty() {
                    continue;
                }
                if is_addition {
                    additions.add(&rows, &mut made, 0, &pairs);
                } else {
                    additions.double(&rows, &mut made, &pairs);
                }
                for (&sum, made) in to.iter().zip(made.chunks_exact(C::ROWS)) {
                    row::<C>(&mut rows, sum).copy_from_slice(made);
                }
            }
        }
        (0..count)
            .map(|sum| match begun[sum] {
                true => C::from_rows::<P::Base>(row::<C>(&mut rows, sum)),
                false => C::Affine::zero(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use ark_ec::CurveGroup;
    use ark_ff::UniformRand;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    use super::*;

    /// Long sums, short ones and empty ones; full numbers, small ones and zero; a point at infinity, and sums that are
    /// infinite.
    fn combinations_are_those_of_arkworks<C: Endomorphism>() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut points: Vec<C::Affine> =
            (0..60).map(|_| C::Projective::rand(&mut rng).into_affine()).collect();
        points[5] = C::Affine::zero();
        let mut sums: Vec<Vec<(usize, Fr)>> = (0..CHUNK + 20)
            .map(|sum| {
                let term = |_| {
                    let number = match rng.gen_range(0..4) {
                        0 => Fr::from(rng.gen_range(0u64..3)),
                        1 => -Fr::from(rng.gen_range(0u64..300)),
                        _ => Fr::rand(&mut rng),
                    };
                    (rng.gen_range(0..60), number)
                };
                (0..sum % 7).map(term).collect()
            })
            .collect();
        sums[0] = (0..60).map(|point| (point, Fr::from(point as u64))).collect();
        sums[1] = vec![(3, Fr::from(9u64)), (3, -Fr::from(9u64))];
        sums[2] = vec![(3, Fr::from(9u64)), (3, Fr::from(9u64))];
        let expected: Vec<C::Affine> = sums
            .iter()
            .map(|sum| {
                let products = sum.iter().map(|(point, number)| points[*point] * number);
                products.sum::<C::Projective>().into_affine()
            })
            .collect();
        assert!(combine::<C>(&points, &sums) == expected);
        for by in Arithmetic::available() {
            let some = Combination::<C> { points: &points, sums: &sums[..20] };
            assert!(by.run(some) == expected[..20], "{by:?}");
        }
    }

    #[test]
    fn combinations_are_those_of_arkworks_in_both_groups() {
        combinations_are_those_of_arkworks::<G1>();
        combinations_are_those_of_arkworks::<G2>();
    }
}
