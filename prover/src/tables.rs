//! The multiples of a key's points, made once.
//!
//! With `2^(bits k) P` for every place `k` of a digit at hand, all digits of all scalars go into one
//! set of buckets and nothing is doubled while proving. Where memory is short, only every `sets`-th
//! place has its multiple, each of the places between has a set of buckets of its own, and the sets are
//! put together by doubling.

use std::marker::PhantomData;

use ark_bn254::Fq;
use ark_ec::AffineRepr;

use rayon::prelude::*;

use crate::addition::{Additions, PointRef};
use crate::coordinate::Curve;
use crate::digits::Digits;
use crate::lanes::{Lanes, Path, Row};
use crate::table_file::{Rows, Shape};

/// How many bytes of tables a key's points may take. Where the system has not so many, half of it is
/// tried, and so on: proofs then take longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget(pub usize);

impl MemoryBudget {
    /// 64 MiB.
    pub const SMALL: Self = Self(64 << 20);
    /// 256 MiB.
    pub const MEDIUM: Self = Self(256 << 20);
    /// 1 GiB.
    pub const LARGE: Self = Self(1 << 30);
}

/// How a table is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// How scalars are cut.
    pub(crate) digits: Digits,
    /// How many sets of buckets there are.
    pub(crate) sets: usize,
}

impl Layout {
    /// The least memory: each point itself and no multiple of it.
    pub(crate) const ONE_MULTIPLE: Self = Self { digits: Digits { bits: 8 }, sets: 32 };

    /// The layout that takes the fewest products for some points within some bytes; one multiple of
    /// each point is always kept.
    pub(crate) fn choose<C: Curve>(points: usize, bytes: usize) -> Self {
        let mut best = (usize::MAX, Self::ONE_MULTIPLE);
        for bits in 4..=18 {
            let digits = Digits { bits };
            for sets in 1..=digits.count() {
                let layout = Self { digits, sets };
                let size = layout.multiples() * points * C::ROWS * size_of::<Row>();
                let fits = size <= bytes && layout.multiples() * points < PointRef::LIMIT;
                if fits || sets == digits.count() {
                    // A digit costs an addition; a bucket two, and its set is doubled and added.
                    let cost = points * digits.count() + sets * (2 * digits.sizes() + 256);
                    if cost < best.0 {
                        best = (cost, layout);
                    }
                    break;
                }
            }
        }
        best.1
    }

    /// How many multiples of each point are kept.
    pub(crate) fn multiples(self) -> usize {
        self.digits.count().div_ceil(self.sets)
    }
}

/// A key's points before their multiples are at hand.
pub(crate) struct Points<C: Curve> {
    layout: Layout,
    scalars: Vec<u32>,
    points: Vec<C::Affine>,
}

impl<C: Curve> Points<C> {
    /// Points, each with the number of the scalar that it goes by, and about so many bytes for their
    /// multiples.
    pub(crate) fn new(points: impl IntoIterator<Item = (u32, C::Affine)>, bytes: usize) -> Self {
        let mut points = Self::laid_out(points, Layout::ONE_MULTIPLE);
        points.layout = Layout::choose::<C>(points.points.len(), bytes);
        points
    }

    /// As [`Points::new`], in a given layout.
    pub(crate) fn laid_out(
        points: impl IntoIterator<Item = (u32, C::Affine)>,
        layout: Layout,
    ) -> Self {
        let finite = points.into_iter().filter(|(_, point)| !point.is_zero());
        let (scalars, points): (Vec<u32>, Vec<C::Affine>) = finite.unzip();
        Self { layout, scalars, points }
    }

    /// What their table looks like.
    pub(crate) fn shape(&self) -> Shape {
        let (layout, points) = (self.layout, self.points.len());
        Shape { layout, points, rows: layout.multiples() * points * C::ROWS }
    }

    /// Their multiples; `None` where there is no memory for them.
    pub(crate) fn multiples<P: Path>(&self, path: P) -> Option<Rows> {
        multiples::<C, P>(path, &self.points, self.layout, self.shape().rows).map(Rows::Made)
    }

    /// The table with multiples that were made of them.
    pub(crate) fn with(self, rows: Rows) -> Table<C> {
        Table { layout: self.layout, scalars: self.scalars, rows, curve: PhantomData }
    }
}

/// Multiples of points, in a path's rows.
pub(crate) struct Table<C> {
    pub(crate) layout: Layout,
    /// Which scalar each point goes by; points at infinity have been left out.
    pub(crate) scalars: Vec<u32>,
    /// Multiple `k` of point `i` is number `k n + i` of `n` points.
    pub(crate) rows: Rows,
    curve: PhantomData<C>,
}

impl<C: Curve> Table<C> {
    /// How many points there are.
    pub(crate) fn points(&self) -> usize {
        self.scalars.len()
    }
}

/// Every `sets`-th place's multiple of each point; `None` where there is no memory for them.
fn multiples<C: Curve, P: Path>(
    path: P,
    points: &[C::Affine],
    layout: Layout,
    count: usize,
) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    rows.try_reserve_exact(count).ok()?;
    rows.resize(count, Row::default());
    let one = points.len() * C::ROWS;
    if one == 0 {
        return Some(rows);
    }
    fill::<C, P::Base>(points, &mut rows[..one]);
    for made in (one..count).step_by(one) {
        let (before, behind) = rows.split_at_mut(made);
        let bits = layout.digits.bits * layout.sets;
        shift::<C, P>(path, &before[made - one..], &mut behind[..one], bits);
    }
    Some(rows)
}

/// How many points are doubled together.
const CHUNK: usize = 2_048;

/// Writes `2^bits` times each point; none is infinity.
fn shift<C: Curve, P: Path>(path: P, points: &[Row], shifted: &mut [Row], bits: usize) {
    let chunks = points.par_chunks(CHUNK * C::ROWS).zip(shifted.par_chunks_mut(CHUNK * C::ROWS));
    chunks.for_each(|(points, shifted)| {
        let number = |number| [PointRef::of_table(number, false); 2];
        let all: Vec<[PointRef; 2]> = (0..points.len() / C::ROWS).map(number).collect();
        let mut additions = Additions::<C, P>::new(path);
        let mut doubled = points.to_vec();
        for _ in 0..bits {
            additions.double(&doubled, shifted, &all);
            doubled.copy_from_slice(shifted);
        }
    });
}

fn fill<C: Curve, L: Lanes<Field = Fq>>(points: &[C::Affine], rows: &mut [Row]) {
    for (point, rows) in points.iter().zip(rows.chunks_exact_mut(C::ROWS)) {
        C::to_rows::<L>(point, rows);
    }
}
