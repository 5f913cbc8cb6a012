//! Sums of groups of points: of each bucket, and of the buckets by what they count.

use std::ops::Range;

use ark_bn254::Fq;
use ark_ff::{AdditiveGroup, Zero};
use zeroize::Zeroize;

use crate::addition::{Additions, PointRef};
use crate::coordinate::Curve;
use crate::lanes::{Lanes, Path, Row};

/// Groups are summed in portions of about so many points, whose sums stay in the second cache.
const PORTION: usize = 24_576;

/// Sums each group of points: the points of group `g` are `points[starts[g]..starts[g + 1]]`, counted
/// from the first.
///
/// Writes the rows of each group's sum, and whether it has one: a group without points has none.
pub(crate) struct SumGroups<'a, C: Curve, P: Path> {
    pub(crate) table: &'a [Row],
    pub(crate) points: &'a mut [PointRef],
    pub(crate) starts: &'a [u32],
    pub(crate) rows: &'a mut [Row],
    pub(crate) present: &'a mut [bool],
    pub(crate) space: &'a mut SumSpace<C, P>,
}

/// What groups are summed in.
pub(crate) struct SumSpace<C: Curve, P: Path> {
    additions: Additions<C, P>,
    sums: Vec<Row>,
    pairs: Vec<[PointRef; 2]>,
    lengths: Vec<usize>,
}

impl<C: Curve, P: Path> SumSpace<C, P> {
    /// Room for a portion; a larger group makes more.
    pub(crate) fn new(path: P) -> Self {
        Self {
            additions: Additions::new(path),
            sums: vec![Row::default(); PORTION * C::ROWS],
            pairs: Vec::with_capacity(PORTION / 2),
            lengths: Vec::with_capacity(PORTION),
        }
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.sums.capacity() * size_of::<Row>()
            + self.pairs.capacity() * size_of::<[PointRef; 2]>()
            + self.lengths.capacity() * size_of::<usize>()
            + self.additions.bytes()
    }

    /// Room for the sums of so many points, without leaving a copy behind.
    fn make_room(&mut self, points: usize) {
        if self.sums.len() < points * C::ROWS {
            self.sums.zeroize();
            self.sums = vec![Row::default(); points * C::ROWS];
            self.pairs.zeroize();
            self.pairs = Vec::with_capacity(points / 2);
        }
    }

    /// Wipes what was used of it.
    fn wipe(&mut self, used: usize) {
        self.sums[..used].zeroize();
        self.pairs.zeroize();
        self.lengths.zeroize();
        self.additions.wipe();
    }
}

/// A sum of each group, in rows, where it has points.
pub(crate) struct GroupSums {
    pub(crate) rows: Vec<Row>,
    pub(crate) present: Vec<bool>,
}

impl GroupSums {
    /// Room for so many groups.
    pub(crate) fn with_room_for<C: Curve>(groups: usize) -> Self {
        let rows = Vec::with_capacity(groups * C::ROWS);
        Self { rows, present: Vec::with_capacity(groups) }
    }

    /// So many groups, none of which has a sum.
    pub(crate) fn resize<C: Curve>(&mut self, groups: usize) {
        self.rows.clear();
        self.rows.resize(groups * C::ROWS, Row::default());
        self.present.clear();
        self.present.resize(groups, false);
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.present.capacity()
    }

    /// Leaves nothing.
    pub(crate) fn wipe(&mut self) {
        self.rows.zeroize();
        self.present.zeroize();
    }
}

impl<C: Curve, P: Path> SumGroups<'_, C, P> {
    /// Sums them.
    pub(crate) fn run(self) {
        let Self { table, points, starts, rows: out, present, space } = self;
        let groups = starts.len() - 1;
        let first = starts[0];
        let (mut group, mut used) = (0, 0);
        while group < groups {
            // Whole groups, until there are enough points.
            let from = starts[group];
            let mut end = group + 1;
            while end < groups && ((starts[end + 1] - from) as usize) <= PORTION {
                end += 1;
            }
            let (low, high) = ((from - first) as usize, (starts[end] - first) as usize);
            let points = &mut points[low..high];
            space.make_room(points.len());
            let SumSpace { additions, sums, pairs, lengths } = &mut *space;
            lengths.clear();
            for ends in starts[group..=end].windows(2) {
                lengths.push((ends[1] - ends[0]) as usize);
            }
            let mut made = 0;
            loop {
                // Neighbours are paired; an odd one waits for the next round.
                pairs.clear();
                let (mut read, mut written) = (0, 0);
                for length in lengths.iter_mut() {
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
                additions.add(table, sums, made, pairs);
                made += pairs.len();
            }
            used = used.max(made * C::ROWS);
            let mut left = points.iter();
            for (g, &length) in (group..end).zip(lengths.iter()) {
                if length == 0 {
                    continue;
                }
                let point = *left.next().expect("one point is left of each group");
                let rows = &mut out[g * C::ROWS..(g + 1) * C::ROWS];
                point.copy::<C, P::Base>(table, sums, rows);
                // The point at infinity has no rows to add by: it adds nothing.
                present[g] = rows.iter().any(|row| *row != Row::default());
            }
            group = end;
        }
        space.wipe(used);
    }
}

/// `sum of (b + 1) S_b` over buckets `b`, from the buckets' sums.
///
/// Laid out as a square, `b = h w + l`: the sum is that of `h w` times each line's sum and of `l + 1`
/// times each column's. Lines and columns are summed like buckets, and only their few sums one after
/// the other.
pub(crate) struct CountBuckets<'a, C: Curve, P: Path> {
    pub(crate) sums: &'a GroupSums,
    pub(crate) buckets: Range<usize>,
    pub(crate) space: &'a mut CountSpace,
    pub(crate) sum_space: &'a mut SumSpace<C, P>,
}

/// What buckets are counted in.
pub(crate) struct CountSpace {
    points: Vec<PointRef>,
    starts: Vec<u32>,
    sums: GroupSums,
}

/// How many buckets a line has, of so many.
fn line_width(count: usize) -> usize {
    1 << count.ilog2().div_ceil(2)
}

impl CountSpace {
    /// Room for so many buckets.
    pub(crate) fn new<C: Curve>(count: usize) -> Self {
        let width = line_width(count);
        let groups = count.div_ceil(width) + width;
        Self {
            points: Vec::with_capacity(2 * count),
            starts: Vec::with_capacity(groups + 1),
            sums: GroupSums::with_room_for::<C>(groups),
        }
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.points.capacity() * size_of::<PointRef>()
            + self.starts.capacity() * size_of::<u32>()
            + self.sums.bytes()
    }

    /// Leaves nothing.
    pub(crate) fn wipe(&mut self) {
        self.points.zeroize();
        self.starts.zeroize();
        self.sums.wipe();
    }
}

impl<C: Curve, P: Path> CountBuckets<'_, C, P> {
    /// Sums them.
    pub(crate) fn run(self) -> C::Projective {
        let count = self.buckets.len();
        let (width, first) = (line_width(count), self.buckets.start);
        let lines = count.div_ceil(width);
        let CountSpace { points, starts, sums } = self.space;
        points.clear();
        starts.clear();
        starts.push(0);
        for line in 0..lines {
            for bucket in line * width..count.min((line + 1) * width) {
                if self.sums.present[first + bucket] {
                    points.push(PointRef::of_table(first + bucket, false));
                }
            }
            starts.push(points.len() as u32);
        }
        for column in 0..width {
            for bucket in (column..count).step_by(width) {
                if self.sums.present[first + bucket] {
                    points.push(PointRef::of_table(first + bucket, false));
                }
            }
            starts.push(points.len() as u32);
        }
        sums.resize::<C>(lines + width);
        let groups = SumGroups::<C, P> {
            table: &self.sums.rows,
            points,
            starts,
            rows: &mut sums.rows,
            present: &mut sums.present,
            space: self.sum_space,
        };
        groups.run();
        // Line 0 counts for nothing, column 0 once.
        let mut result = counted::<C, P::Base>(&sums.rows, 1..lines);
        for _ in 0..width.ilog2() {
            result.double_in_place();
        }
        result + counted::<C, P::Base>(&sums.rows, lines..lines + width)
    }
}

/// `sum of (g - first + 1) S_g`: from the last down, what was met so far is added once more at each step.
fn counted<C: Curve, L: Lanes<Field = Fq>>(rows: &[Row], groups: Range<usize>) -> C::Projective {
    let (mut met, mut total) = (C::Projective::zero(), C::Projective::zero());
    for group in groups.rev() {
        met += C::from_rows::<L>(&rows[group * C::ROWS..(group + 1) * C::ROWS]);
        total += met;
    }
    total
}
