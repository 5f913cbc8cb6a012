//! Sums of a table's points by scalars.
//!
//! Every digit of every scalar puts one multiple into the bucket of its size: the sum is that of the
//! buckets, each counted as often as its size (Pippenger, "On the evaluation of powers and related
//! problems", 1976; Bernstein, Doumen, Lange and Oosterwijk 2012 for fixed points).

use std::marker::PhantomData;

use ark_ff::{AdditiveGroup, BigInt, Zero};
use rayon::prelude::*;
use zeroize::Zeroize;

use crate::addition::PointRef;
use crate::buckets::{CountBuckets, GroupSums, SumGroups};
use crate::coordinate::Curve;
use crate::lanes::{Path, Row};
use crate::tables::Table;

/// `sum of scalars[i] P_i` over a table's points.
pub(crate) fn msm<C: Curve, P: Path>(
    path: P,
    table: &Table<C>,
    scalars: &[BigInt<4>],
) -> C::Projective {
    let (mut points, starts) = into_buckets(table, scalars);
    let sizes = table.layout.digits.sizes();
    let sums = sum_buckets(path, table, &mut points, &starts);
    // Digits tell their scalar.
    points.zeroize();
    let mut total = C::Projective::zero();
    for set in (0..table.layout.sets).rev() {
        for _ in 0..table.layout.digits.bits {
            total.double_in_place();
        }
        let buckets = set * sizes..(set + 1) * sizes;
        total += path.run(CountBuckets { sums: &sums, buckets, curve: PhantomData::<C> });
    }
    total
}

/// How many points are added by [`msm`]: each digit's but the first of its bucket, and each bucket once
/// to its line and once to its column.
pub(crate) fn additions<C: Curve>(table: &Table<C>, scalars: &[BigInt<4>]) -> usize {
    let (points, starts) = into_buckets(table, scalars);
    let filled = starts.windows(2).filter(|ends| ends[0] < ends[1]).count();
    points.len() + filled
}

/// The multiples that go into each bucket, bucket by bucket, and where each begins.
fn into_buckets<C: Curve>(table: &Table<C>, scalars: &[BigInt<4>]) -> (Vec<PointRef>, Vec<u32>) {
    let layout = table.layout;
    let (count, sizes) = (table.points(), layout.digits.sizes());
    let mut starts = vec![0u32; layout.sets * sizes + 1];
    // Cut once: where each digit goes, and its multiple there.
    let mut digits = Vec::with_capacity(count * layout.digits.count());
    for (point, &number) in table.scalars.iter().enumerate() {
        layout.digits.each(&scalars[number as usize], |place, size, negative| {
            let bucket = place % layout.sets * sizes + size;
            let multiple = place / layout.sets * count + point;
            starts[bucket + 1] += 1;
            digits.push((bucket as u32, PointRef::of_table(multiple, negative)));
        });
    }
    let mut total = 0;
    for start in &mut starts {
        total += *start;
        *start = total;
    }
    let mut points = vec![PointRef::default(); total as usize];
    let mut next = starts.clone();
    for (bucket, point) in &digits {
        let next = &mut next[*bucket as usize];
        points[*next as usize] = *point;
        *next += 1;
    }
    digits.iter_mut().for_each(|(bucket, point)| (bucket.zeroize(), point.zeroize()).1);
    (points, starts)
}

/// Each bucket's sum, by as many tasks as there are threads.
fn sum_buckets<C: Curve, P: Path>(
    path: P,
    table: &Table<C>,
    points: &mut [PointRef],
    starts: &[u32],
) -> GroupSums {
    let buckets = starts.len() - 1;
    let tasks =
        if rayon::current_num_threads() == 1 { 1 } else { 4 * rayon::current_num_threads() };
    let mut parts = Vec::with_capacity(tasks);
    let (mut rest, mut begun) = (points, 0);
    for task in 1..=tasks {
        // Cut where the points are, not the buckets.
        let wanted = (u64::from(starts[buckets]) * task as u64 / tasks as u64) as u32;
        let end = if task == tasks {
            buckets
        } else {
            starts.partition_point(|&s| s < wanted).min(buckets)
        };
        let end = end.max(begun);
        let (part, after) = rest.split_at_mut((starts[end] - starts[begun]) as usize);
        if end > begun {
            parts.push((part, &starts[begun..=end]));
        }
        (rest, begun) = (after, end);
    }
    let sum = |(points, starts)| {
        path.run(SumGroups { table: &table.rows, points, starts, curve: PhantomData::<C> })
    };
    let sums: Vec<GroupSums> = if parts.len() == 1 {
        parts.into_iter().map(sum).collect()
    } else {
        parts.into_par_iter().map(sum).collect()
    };
    let mut all = GroupSums {
        rows: Vec::<Row>::with_capacity(buckets * C::ROWS),
        present: Vec::with_capacity(buckets),
    };
    for GroupSums { rows, present } in sums {
        all.rows.extend(rows);
        all.present.extend(present);
    }
    all
}

#[cfg(test)]
mod tests;
