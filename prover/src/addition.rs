//! Many additions of two points each, in affine coordinates, sharing inversions.
//!
//! With `d = x2 - x1` inverted, a sum takes three products: `s = (y2 - y1) / d`,
//! `x3 = s^2 - x1 - x2`, `y3 = s (x1 - x3) - y1`. The inverses of many `d` come from one inversion and
//! three products each (Montgomery, "Speeding the Pollard and elliptic curve methods of factorization",
//! 1987, section 10.3.1). Two vectors of additions go side by side; where one addition of some
//! thousands has no slope, those are added one by one.

use ark_bn254::Fq;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, One};

use crate::coordinate::{Coordinate, Curve};
use crate::lanes::{LANES, Lanes, Numbers, Row};

/// A point by where it lies, and its sign: bit 0 negates, bit 31 tells the sums from the table, the
/// bits between number the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PointRef(u32);

impl zeroize::DefaultIsZeroes for PointRef {}

const OF_SUMS: u32 = 1 << 31;

impl PointRef {
    /// How many points a table may have.
    pub(crate) const LIMIT: usize = 1 << 30;

    /// A point of the table.
    #[inline(always)]
    pub(crate) fn of_table(number: usize, negative: bool) -> Self {
        Self((number as u32) << 1 | u32::from(negative))
    }

    /// A sum that was made before.
    #[inline(always)]
    pub(crate) fn of_sums(number: usize) -> Self {
        Self(OF_SUMS | (number as u32) << 1)
    }

    #[inline(always)]
    fn is_negative(self) -> bool {
        self.0 & 1 == 1
    }

    /// The point's rows, before its sign.
    #[inline(always)]
    fn rows<'a, C: Curve>(self, table: &'a [Row], sums: &'a [Row]) -> &'a [Row] {
        let from = ((self.0 & !OF_SUMS) >> 1) as usize * C::ROWS;
        let place = if self.0 & OF_SUMS == 0 { table } else { sums };
        &place[from..from + C::ROWS]
    }

    /// Copies the point, with its sign, to other rows.
    #[inline(always)]
    pub(crate) fn copy<C: Curve, L: Lanes<Field = Fq>>(
        self,
        table: &[Row],
        sums: &[Row],
        rows: &mut [Row],
    ) {
        if self.is_negative() {
            C::to_rows::<L>(&self.point::<C, L>(table, sums), rows);
        } else {
            rows.copy_from_slice(self.rows::<C>(table, sums));
        }
    }

    /// The point.
    pub(crate) fn point<C: Curve, L: Lanes<Field = Fq>>(
        self,
        table: &[Row],
        sums: &[Row],
    ) -> C::Affine {
        let point = C::from_rows::<L>(self.rows::<C>(table, sums));
        if self.is_negative() { (-point.into_group()).into_affine() } else { point }
    }
}

/// Additions that go side by side: two vectors.
const WIDE: usize = 2 * LANES;
/// How many steps ahead points are asked for.
const AHEAD: usize = 2;

/// What the second pass needs of additions side by side.
#[derive(Clone, Copy)]
struct Pending<T, L> {
    ax: T,
    ay: T,
    bx: T,
    rise: T,
    run: T,
    before: [L; 2],
}

/// What additions are made in, kept between them.
pub(crate) struct Additions<C: Curve, L: Lanes<Field = Fq>> {
    pending: Vec<Pending<C::Coordinate<[L; 2]>, L>>,
    norms: Vec<[L; 2]>,
    /// The point at infinity came up among the sums: it has no coordinates to add by.
    met_infinity: bool,
}

impl<C: Curve, L: Lanes<Field = Fq>> Additions<C, L> {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            pending: Vec::with_capacity(C::SHARED),
            norms: Vec::with_capacity(C::SHARED),
            met_infinity: false,
        }
    }

    /// Adds pairs of points; the sums go behind `made` of `sums`, one after the other.
    #[inline(always)]
    pub(crate) fn add(
        &mut self,
        table: &[Row],
        sums: &mut [Row],
        made: usize,
        pairs: &[[PointRef; 2]],
    ) {
        let (before, mut behind) = sums.split_at_mut(made * C::ROWS);
        for pairs in pairs.chunks(C::SHARED * WIDE) {
            let (out, rest) = behind.split_at_mut(pairs.len() * C::ROWS);
            behind = rest;
            if self.met_infinity || !self.add_with_slopes(table, before, pairs, out) {
                self.add_one_by_one(table, before, pairs, out);
            }
        }
    }

    /// As [`Additions::add`]; false, with nothing written, if some pair has no slope.
    #[inline(always)]
    fn add_with_slopes(
        &mut self,
        table: &[Row],
        sums: &[Row],
        pairs: &[[PointRef; 2]],
        out: &mut [Row],
    ) -> bool {
        self.pending.clear();
        self.norms.clear();
        let mut product = [L::splat(Fq::one()); 2];
        let steps = pairs.len().div_ceil(WIDE);
        for step in 0..steps {
            let ahead = (step + AHEAD) * WIDE;
            for pair in pairs.get(ahead..pairs.len().min(ahead + WIDE)).unwrap_or_default() {
                for point in pair {
                    for row in point.rows::<C>(table, sums) {
                        L::prefetch(row);
                    }
                }
            }
            // The last step is filled with the last pair.
            let mut wide = [pairs[pairs.len() - 1]; WIDE];
            let some = &pairs[step * WIDE..pairs.len().min((step + 1) * WIDE)];
            wide[..some.len()].copy_from_slice(some);
            let (ax, ay) = load::<C, L>(table, sums, &wide, 0);
            let (bx, by) = load::<C, L>(table, sums, &wide, 1);
            let run = bx.difference(ax);
            let norm = run.norm();
            let before = product;
            product = product.mul(norm);
            if C::ROWS > 1 {
                self.norms.push(norm);
            }
            self.pending.push(Pending { ax, ay, bx, rise: by.difference(ay), run, before });
        }
        let Some(mut left) = inverted(product) else { return false };
        for step in (0..steps).rev() {
            let Pending { ax, ay, bx, rise, run, before } = self.pending[step];
            let norm = if C::ROWS > 1 { self.norms[step] } else { run.norm() };
            let inverse = left.mul(before);
            left = left.mul(norm);
            let slope = rise.divided(run, inverse);
            let x = Coordinate::third_x(slope, ax, bx);
            let y = Coordinate::third_y(slope, ax, x, ay);
            let from = step * WIDE;
            let count = WIDE.min(pairs.len() - from);
            if count == WIDE {
                C::store::<L>(x, y, &mut out[from * C::ROWS..(from + WIDE) * C::ROWS]);
            } else {
                let mut last = [Row::default(); 2 * WIDE];
                C::store::<L>(x, y, &mut last[..WIDE * C::ROWS]);
                out[from * C::ROWS..].copy_from_slice(&last[..count * C::ROWS]);
            }
        }
        true
    }

    /// As [`Additions::add`], whatever the points are.
    #[cold]
    #[inline(never)]
    fn add_one_by_one(
        &mut self,
        table: &[Row],
        sums: &[Row],
        pairs: &[[PointRef; 2]],
        out: &mut [Row],
    ) {
        for (pair, out) in pairs.iter().zip(out.chunks_exact_mut(C::ROWS)) {
            let [a, b] = pair.map(|point| point.point::<C, L>(table, sums));
            let sum: C::Affine = (a.into_group() + b).into_affine();
            self.met_infinity |= sum.is_zero();
            C::to_rows::<L>(&sum, out);
        }
    }
}

/// One side of pairs, with signs.
#[inline(always)]
fn load<C: Curve, L: Lanes<Field = Fq>>(
    table: &[Row],
    sums: &[Row],
    pairs: &[[PointRef; 2]; WIDE],
    side: usize,
) -> (C::Coordinate<[L; 2]>, C::Coordinate<[L; 2]>) {
    let mut negated = [0; 2];
    let mut points: [[&[Row]; LANES]; 2] = [[&[]; LANES]; 2];
    for (place, pair) in pairs.iter().enumerate() {
        let (eight, lane) = (place / LANES, place % LANES);
        negated[eight] |= u8::from(pair[side].is_negative()) << lane;
        points[eight][lane] = pair[side].rows::<C>(table, sums);
    }
    C::load::<L>(points, negated)
}

/// The inverses of all lanes; `None` if one is zero.
#[inline(always)]
fn inverted<L: Lanes<Field = Fq>>([a, b]: [L; 2]) -> Option<[L; 2]> {
    let elements = a.mul(b).elements();
    let mut before = [Fq::one(); LANES];
    let mut product = Fq::one();
    for (before, element) in before.iter_mut().zip(&elements) {
        *before = product;
        product *= element;
    }
    let mut inverse = product.inverse()?;
    for (before, element) in before.iter_mut().zip(&elements).rev() {
        *before *= inverse;
        inverse *= element;
    }
    let both = L::from_elements(before);
    Some([both.mul(b), both.mul(a)])
}
