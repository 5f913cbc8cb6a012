//! Sums of groups of points: of each bucket, and of the buckets by what they count.

use ark_ff::Zero;

use std::marker::PhantomData;

use crate::addition::{Additions, PointRef};
use crate::coordinate::Curve;
use crate::lanes::{Kernel, Path, Row};

/// Groups are summed in portions of about so many points, whose sums stay in the second cache.
const PORTION: usize = 24_576;

/// Sums each group of points: the points of group `g` are `points[starts[g]..starts[g + 1]]`.
///
/// Gives the rows of each group's sum, and whether it has one: a group without points has none.
pub(crate) struct SumGroups<'a, C> {
    pub(crate) table: &'a [Row],
    pub(crate) points: &'a mut [PointRef],
    pub(crate) starts: &'a [u32],
    pub(crate) curve: PhantomData<C>,
}

/// A sum of each group, in rows, where it has points.
pub(crate) struct GroupSums {
    pub(crate) rows: Vec<Row>,
    pub(crate) present: Vec<bool>,
}

impl<C: Curve> Kernel for SumGroups<'_, C> {
    type Output = GroupSums;

    #[inline(always)]
    fn run<P: Path>(self) -> GroupSums {
        let groups = self.starts.len() - 1;
        let first = self.starts[0];
        let mut result = GroupSums {
            rows: vec![Row::default(); groups * C::ROWS],
            present: vec![false; groups],
        };
        let mut additions = Additions::<C, P::Base>::new();
        let (mut sums, mut pairs, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        let mut group = 0;
        while group < groups {
            // Whole groups, until there are enough points.
            let from = self.starts[group];
            let mut end = group + 1;
            while end < groups && ((self.starts[end + 1] - from) as usize) <= PORTION {
                end += 1;
            }
            let (low, high) = ((from - first) as usize, (self.starts[end] - first) as usize);
            let points = &mut self.points[low..high];
            lengths.clear();
            lengths.extend((group..end).map(|g| (self.starts[g + 1] - self.starts[g]) as usize));
            if sums.len() < points.len() * C::ROWS {
                sums.resize(points.len() * C::ROWS, Row::default());
            }
            let mut made = 0;
            loop {
                // Neighbours are paired; an odd one waits for the next round.
                pairs.clear();
                let (mut read, mut written) = (0, 0);
                for length in &mut lengths {
                    let mut left = *length;
                    let begun = written;
                    while left >= 2 {
                        let number = made + pairs.len();
                        pairs.push([points[read], points[read + 1]]);
                        points[written] = PointRef::of_sums(number);
                        (read, written, left) = (read + 2, written + 1, left - 2);
                    }
                    if left == 1 {
                        points[written] = points[read];
                        (read, written) = (read + 1, written + 1);
                    }
                    *length = written - begun;
                }
                if pairs.is_empty() {
                    break;
                }
                additions.add(self.table, &mut sums, made, &pairs);
                made += pairs.len();
            }
            let mut left = points.iter();
            for (g, &length) in (group..end).zip(&lengths) {
                if length == 0 {
                    continue;
                }
                let point = *left.next().expect("one point is left of each group");
                point.copy::<C, P::Base>(
                    self.table,
                    &sums,
                    &mut result.rows[g * C::ROWS..(g + 1) * C::ROWS],
                );
                // The point at infinity has no rows to add by: it adds nothing.
                let rows = &result.rows[g * C::ROWS..(g + 1) * C::ROWS];
                result.present[g] = rows.iter().any(|row| *row != Row::default());
            }
            group = end;
        }
        result
    }
}

/// `sum of (b + 1) S_b` over buckets `b`, from the buckets' sums.
///
/// Laid out as a square, `b = h w + l`: the sum is that of `h w` times each line's sum and of `l + 1`
/// times each column's. Lines and columns are summed like buckets, and only their few sums one after
/// the other.
pub(crate) struct CountBuckets<'a, C> {
    pub(crate) sums: &'a GroupSums,
    pub(crate) buckets: std::ops::Range<usize>,
    pub(crate) curve: PhantomData<C>,
}

impl<C: Curve> Kernel for CountBuckets<'_, C> {
    type Output = C::Projective;

    #[inline(always)]
    fn run<P: Path>(self) -> C::Projective {
        let count = self.buckets.len();
        let width = 1usize << count.ilog2().div_ceil(2);
        let point = |bucket: usize| {
            let number = self.buckets.start + bucket;
            self.sums.present[number].then(|| PointRef::of_table(number, false))
        };
        let lines = count.div_ceil(width);
        let line = |line: usize| (0..width).map(move |l| line * width + l).filter(|&b| b < count);
        let column = |l: usize| (0..lines).map(move |line| line * width + l).filter(|&b| b < count);
        let mut points = Vec::with_capacity(2 * count);
        let mut starts = vec![0];
        for number in 0..lines {
            points.extend(line(number).filter_map(point));
            starts.push(points.len() as u32);
        }
        for number in 0..width {
            points.extend(column(number).filter_map(point));
            starts.push(points.len() as u32);
        }
        let sums = SumGroups {
            table: &self.sums.rows,
            points: &mut points,
            starts: &starts,
            curve: PhantomData::<C>,
        }
        .run::<P>();
        let point = |group: usize| {
            C::from_rows::<P::Base>(&sums.rows[group * C::ROWS..(group + 1) * C::ROWS])
        };
        // From the last down, what was met so far is added once more at each step.
        let counted = |groups: std::ops::Range<usize>| {
            let (mut met, mut total) = (C::Projective::zero(), C::Projective::zero());
            for group in groups.rev() {
                met += point(group);
                total += met;
            }
            total
        };
        // Line 0 counts for nothing, column 0 once.
        let mut result = counted(1..lines);
        for _ in 0..width.ilog2() {
            ark_ff::AdditiveGroup::double_in_place(&mut result);
        }
        result + counted(lines..lines + width)
    }
}
