//! Sums of a table's points by scalars.
//!
//! Every digit of every scalar puts one multiple into the bucket of its size: the sum is that of the
//! buckets, each counted as often as its size (Pippenger, "On the evaluation of powers and related
//! problems", 1976; Bernstein, Doumen, Lange and Oosterwijk 2012 for fixed points).

use std::marker::PhantomData;

use ark_ff::{AdditiveGroup, Zero};
use rayon::prelude::*;
use zeroize::Zeroize;

use crate::addition::PointRef;
use crate::buckets::{CountBuckets, CountSpace, GroupSums, SumGroups, SumSpace};
use crate::coordinate::Curve;
use crate::engine::Cores;
use crate::lanes::Path;
use crate::scalars::Scalars;
use crate::tables::Table;
use crate::workspace::Spare;

/// What one sum is made in.
pub(crate) struct MsmSpace<C> {
    digits: Vec<PlacedPoint>,
    points: Vec<PointRef>,
    /// Where each bucket's points begin.
    starts: Vec<u32>,
    /// Where each bucket's next point goes.
    next: Vec<u32>,
    sums: GroupSums,
    count: CountSpace,
    curve: PhantomData<C>,
}

/// A multiple, and the bucket that it goes into.
#[derive(Clone, Copy, Default)]
struct PlacedPoint {
    bucket: u32,
    point: PointRef,
}

impl zeroize::DefaultIsZeroes for PlacedPoint {}

impl<C: Curve> MsmSpace<C> {
    /// Room for every digit of every scalar of a table.
    pub(crate) fn new(table: &Table<C>) -> Self {
        let digits = table.points() * table.layout.digits.count();
        let buckets = table.layout.sets * table.layout.digits.sizes();
        Self {
            digits: Vec::with_capacity(digits),
            points: Vec::with_capacity(digits),
            starts: Vec::with_capacity(buckets + 1),
            next: Vec::with_capacity(buckets + 1),
            sums: GroupSums::with_room_for::<C>(buckets),
            count: CountSpace::new::<C>(table.layout.digits.sizes()),
            curve: PhantomData,
        }
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let Self { digits, points, starts, next, sums, count, curve: _ } = self;
        digits.capacity() * size_of::<PlacedPoint>()
            + points.capacity() * size_of::<PointRef>()
            + (starts.capacity() + next.capacity()) * size_of::<u32>()
            + sums.bytes()
            + count.bytes()
    }

    fn wipe(&mut self) {
        let Self { digits, points, starts, next, sums, count, curve: _ } = self;
        digits.zeroize();
        points.zeroize();
        starts.zeroize();
        next.zeroize();
        sums.wipe();
        count.wipe();
    }
}

impl<C> Drop for MsmSpace<C> {
    /// A sum that is broken off leaves nothing either.
    fn drop(&mut self) {
        self.digits.zeroize();
        self.points.zeroize();
    }
}

/// `sum of scalars[i] P_i` over a table's points.
pub(crate) fn msm<C: Curve, P: Path>(
    path: P,
    table: &Table<C>,
    scalars: Scalars<'_>,
    space: &mut MsmSpace<C>,
    spare: &SpareSums<C, P>,
    cores: Cores,
) -> C::Projective {
    into_buckets(table, scalars, space);
    sum_buckets(path, table, space, spare, cores.threads());
    let sizes = table.layout.digits.sizes();
    let mut total = C::Projective::zero();
    let mut sum_space = spare.take(|| SumSpace::new(path));
    for set in (0..table.layout.sets).rev() {
        for _ in 0..table.layout.digits.bits {
            total.double_in_place();
        }
        let count = CountBuckets {
            sums: &space.sums,
            buckets: set * sizes..(set + 1) * sizes,
            space: &mut space.count,
            sum_space: &mut sum_space,
        };
        total += count.run();
    }
    spare.keep(sum_space);
    space.wipe();
    total
}

/// How many points are added by [`msm`]: each digit's but the first of its bucket, and each bucket once
/// to its line and once to its column.
pub(crate) fn additions<C: Curve>(table: &Table<C>, scalars: Scalars<'_>) -> usize {
    let mut space = MsmSpace::new(table);
    into_buckets(table, scalars, &mut space);
    let filled = space.starts.windows(2).filter(|ends| ends[0] < ends[1]).count();
    space.points.len() + filled
}

/// Finds the multiples that go into each bucket, bucket by bucket, and where each begins.
fn into_buckets<C: Curve>(table: &Table<C>, scalars: Scalars<'_>, space: &mut MsmSpace<C>) {
    let MsmSpace { digits, points, starts, next, .. } = space;
    let layout = table.layout;
    let (count, sizes) = (table.points(), layout.digits.sizes());
    starts.clear();
    starts.resize(layout.sets * sizes + 1, 0);
    // Cut once: where each digit goes, and its multiple there.
    digits.clear();
    for (point, &number) in table.scalars.iter().enumerate() {
        layout.digits.each(scalars.get(number), |place, size, negative| {
            let bucket = place % layout.sets * sizes + size;
            let multiple = place / layout.sets * count + point;
            starts[bucket + 1] += 1;
            let point = PointRef::of_table(multiple, negative);
            digits.push(PlacedPoint { bucket: bucket as u32, point });
        });
    }
    let mut total = 0;
    for start in starts.iter_mut() {
        total += *start;
        *start = total;
    }
    points.clear();
    points.resize(total as usize, PointRef::default());
    next.clone_from(starts);
    for PlacedPoint { bucket, point } in digits {
        let next = &mut next[*bucket as usize];
        points[*next as usize] = *point;
        *next += 1;
    }
}

/// Each bucket's sum, by some tasks for each thread.
fn sum_buckets<C: Curve, P: Path>(
    path: P,
    table: &Table<C>,
    space: &mut MsmSpace<C>,
    spare: &SpareSums<C, P>,
    threads: usize,
) {
    let MsmSpace { points, starts, sums, .. } = space;
    let buckets = starts.len() - 1;
    sums.resize::<C>(buckets);
    let tasks = if threads == 1 { 1 } else { 4 * threads };
    let sum = |(points, starts, rows, present)| {
        let mut space = spare.take(|| SumSpace::new(path));
        let table = &table.rows;
        SumGroups { table, points, starts, rows, present, space: &mut space }.run();
        spare.keep(space);
    };
    let all = (&mut points[..], &starts[..], &mut sums.rows[..], &mut sums.present[..]);
    if tasks == 1 {
        return sum(all);
    }
    let (mut points, _, mut rows, mut present) = all;
    let (mut parts, mut begun) = (Vec::with_capacity(tasks), 0);
    for task in 1..=tasks {
        // Cut where the points are, not the buckets.
        let wanted = (u64::from(starts[buckets]) * task as u64 / tasks as u64) as u32;
        let end = if task == tasks {
            buckets
        } else {
            starts.partition_point(|&s| s < wanted).min(buckets)
        };
        let end = end.max(begun);
        let count = (starts[end] - starts[begun]) as usize;
        let (some_points, some_rows, some_present);
        (some_points, points) = points.split_at_mut(count);
        (some_rows, rows) = rows.split_at_mut((end - begun) * C::ROWS);
        (some_present, present) = present.split_at_mut(end - begun);
        if end > begun {
            parts.push((some_points, &starts[begun..=end], some_rows, some_present));
        }
        begun = end;
    }
    parts.into_par_iter().for_each(sum);
}

/// Spaces of sums are kept by the curve and the lanes that they are for.
pub(crate) type SpareSums<C, P> = Spare<SumSpace<C, P>>;

#[cfg(test)]
mod tests;
