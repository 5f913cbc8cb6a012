//! Many additions of two points each, in affine coordinates, sharing inversions.
//!
//! With `d = x2 - x1` inverted, a sum takes three products: `s = (y2 - y1) / d`,
//! `x3 = s^2 - x1 - x2`, `y3 = s (x1 - x3) - y1`. The inverses of many `d` come from one inversion and
//! three products each (Montgomery, "Speeding the Pollard and elliptic curve methods of factorization",
//! 1987, section 10.3.1). Two vectors of additions go side by side. Additions that have no slope, of
//! equal or opposite points or of the point at infinity, are rare: they are left out and done one by one.

use ark_bn254::Fq;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, One, Zero};
use zeroize::Zeroize;

use crate::coordinate::{Coordinate, Curve};
use crate::lanes::{Kernel, LANES, Lanes, Numbers, Path, Row};

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

type Pendings<C, P> =
    Vec<Pending<<C as Curve>::Coordinate<[<P as Path>::Base; 2]>, <P as Path>::Base>>;

/// What additions are made in, kept between them.
pub(crate) struct Additions<C: Curve, P: Path> {
    path: P,
    pending: Pendings<C, P>,
    norms: Vec<[P::Base; 2]>,
    /// How many steps the longest of the additions took since it was wiped: a shorter one leaves some of theirs behind.
    longest: usize,
    /// The point at infinity came up among the sums: it has no coordinates to add by.
    met_infinity: bool,
    /// Which of some pairs have no slope, and the pairs with others in their places.
    exceptions: Vec<usize>,
    with_slopes: Vec<[PointRef; 2]>,
}

impl<C: Curve, P: Path> Additions<C, P> {
    /// Nothing yet.
    pub(crate) fn new(path: P) -> Self {
        Self {
            path,
            pending: Vec::with_capacity(C::SHARED),
            norms: Vec::with_capacity(C::SHARED),
            longest: 0,
            met_infinity: false,
            exceptions: Vec::new(),
            with_slopes: Vec::with_capacity(C::SHARED * WIDE),
        }
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.pending.capacity() * size_of::<Pending<C::Coordinate<[P::Base; 2]>, P::Base>>()
            + self.norms.capacity() * size_of::<[P::Base; 2]>()
            + self.with_slopes.capacity() * size_of::<[PointRef; 2]>()
    }

    /// Leaves nothing of what was added, and knows no infinity.
    pub(crate) fn wipe(&mut self) {
        let Self { path, pending, norms, longest, .. } = self;
        path.run(Wipe::<C, P> { pending, norms, longest: std::mem::take(longest) });
        self.with_slopes.zeroize();
        self.exceptions.zeroize();
        self.met_infinity = false;
    }

    /// Adds pairs of points; the sums go behind `made` of `sums`, one after the other.
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
            if self.met_infinity || !self.slopes::<false>(table, before, pairs, out) {
                self.set_exceptions_apart(table, before, pairs);
                let with_slopes = std::mem::take(&mut self.with_slopes);
                if !with_slopes.is_empty() {
                    let added = self.slopes::<false>(table, before, &with_slopes, out);
                    assert!(added, "every pair that is left has a slope");
                }
                self.with_slopes = with_slopes;
                self.add_exceptions(table, before, pairs, out);
            }
        }
    }

    /// Doubles the first point of each pair, of the table, whose second is not looked at; the sums go to the begin of `sums`.
    ///
    /// `s = 3 x^2 / 2 y`, `x3 = s^2 - 2 x`, `y3 = s (x - x3) - y`.
    pub(crate) fn double(&mut self, table: &[Row], sums: &mut [Row], pairs: &[[PointRef; 2]]) {
        let mut behind = sums;
        for pairs in pairs.chunks(C::SHARED * WIDE) {
            let (out, rest) = behind.split_at_mut(pairs.len() * C::ROWS);
            behind = rest;
            if !self.slopes::<true>(table, &[], pairs, out) {
                double_one_by_one::<C, P::Base>(table, pairs, out);
            }
        }
    }

    /// Finds the pairs that have no slope, and puts another in the place of each; none are left if none
    /// has.
    #[cold]
    #[inline(never)]
    fn set_exceptions_apart(&mut self, table: &[Row], sums: &[Row], pairs: &[[PointRef; 2]]) {
        self.exceptions.clear();
        self.with_slopes.clear();
        let mut with_slope = None;
        for (place, pair) in pairs.iter().enumerate() {
            let [a, b] = pair.map(|point| C::from_rows::<P::Base>(point.rows::<C>(table, sums)));
            match (a.x(), b.x()) {
                (Some(a), Some(b)) if a != b => with_slope = Some(*pair),
                _ => self.exceptions.push(place),
            }
        }
        if let Some(other) = with_slope {
            self.with_slopes.extend_from_slice(pairs);
            for &place in &self.exceptions {
                self.with_slopes[place] = other;
            }
        }
    }

    /// As [`Additions::add`], or [`Additions::double`]; false, with nothing written, if some pair of finite points, or some
    /// point, has no slope.
    fn slopes<const DOUBLE: bool>(
        &mut self,
        table: &[Row],
        sums: &[Row],
        pairs: &[[PointRef; 2]],
        out: &mut [Row],
    ) -> bool {
        let Self { path, pending, norms, longest, .. } = self;
        *longest = (*longest).max(pairs.len().div_ceil(WIDE));
        path.run(Slopes::<C, P, DOUBLE> { pending, norms, table, sums, pairs, out })
    }

    /// The pairs that have no slope.
    #[cold]
    #[inline(never)]
    fn add_exceptions(
        &mut self,
        table: &[Row],
        sums: &[Row],
        pairs: &[[PointRef; 2]],
        out: &mut [Row],
    ) {
        for &place in &self.exceptions {
            let [a, b] = pairs[place].map(|point| point.point::<C, P::Base>(table, sums));
            let sum: C::Affine = (a.into_group() + b).into_affine();
            self.met_infinity |= sum.is_zero();
            C::to_rows::<P::Base>(&sum, &mut out[place * C::ROWS..(place + 1) * C::ROWS]);
        }
    }
}

/// Leaves nothing of what was kept of additions.
struct Wipe<'a, C: Curve, P: Path> {
    pending: &'a mut Pendings<C, P>,
    norms: &'a mut Vec<[P::Base; 2]>,
    longest: usize,
}

impl<C: Curve, P: Path> Kernel<P> for Wipe<'_, C, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let zeros = [Row::default(); 2];
        let (zero, _) = C::load::<P::Base>([[&zeros[..C::ROWS]; LANES]; 2], [0; 2]);
        let before = [P::Base::splat(Fq::zero()); 2];
        let blank = Pending { ax: zero, ay: zero, bx: zero, rise: zero, run: zero, before };
        self.pending.clear();
        self.pending.resize(self.longest, blank);
        self.norms.clear();
        self.norms.resize(self.longest, before);
        std::hint::black_box((self.pending, self.norms));
    }
}

/// Additions whose inverses are shared, or doublings.
///
/// So long that it stands once for a path and a group: everything else goes by way of it.
struct Slopes<'a, C: Curve, P: Path, const DOUBLE: bool> {
    pending: &'a mut Pendings<C, P>,
    norms: &'a mut Vec<[P::Base; 2]>,
    table: &'a [Row],
    sums: &'a [Row],
    pairs: &'a [[PointRef; 2]],
    out: &'a mut [Row],
}

impl<C: Curve, P: Path, const DOUBLE: bool> Kernel<P> for Slopes<'_, C, P, DOUBLE> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Self { pending, norms, table, sums, pairs, out } = self;
        pending.clear();
        norms.clear();
        let mut product = [P::Base::splat(Fq::one()); 2];
        let steps = pairs.len().div_ceil(WIDE);
        for step in 0..steps {
            let ahead = (step + AHEAD) * WIDE;
            for pair in pairs.get(ahead..pairs.len().min(ahead + WIDE)).unwrap_or_default() {
                for point in pair {
                    for row in point.rows::<C>(table, sums) {
                        P::Base::prefetch(row);
                    }
                }
            }
            // The last step is filled with the last pair.
            let mut wide = [pairs[pairs.len() - 1]; WIDE];
            let some = &pairs[step * WIDE..pairs.len().min((step + 1) * WIDE)];
            wide[..some.len()].copy_from_slice(some);
            let (ax, ay) = load::<C, P::Base>(table, sums, &wide, 0);
            let (bx, rise, run) = if DOUBLE {
                (ax, ax.rise_of_tangent(), ay.run_of_tangent())
            } else {
                let (bx, by) = load::<C, P::Base>(table, sums, &wide, 1);
                (bx, by.difference(ay), bx.difference(ax))
            };
            let norm = run.norm();
            let before = product;
            product = product.mul(norm);
            if C::ROWS > 1 {
                norms.push(norm);
            }
            pending.push(Pending { ax, ay, bx, rise, run, before });
        }
        let Some(mut left) = inverted(product) else { return false };
        for step in (0..steps).rev() {
            let Pending { ax, ay, bx, rise, run, before } = pending[step];
            let norm = if C::ROWS > 1 { norms[step] } else { run.norm() };
            let inverse = left.mul(before);
            left = left.mul(norm);
            let slope = rise.divided(run, inverse);
            let x = Coordinate::third_x(slope, ax, bx);
            let y = Coordinate::third_y(slope, ax, x, ay);
            let from = step * WIDE;
            let count = WIDE.min(pairs.len() - from);
            if count == WIDE {
                C::store::<P::Base>(x, y, &mut out[from * C::ROWS..(from + WIDE) * C::ROWS]);
            } else {
                let mut last = [Row::default(); 2 * WIDE];
                C::store::<P::Base>(x, y, &mut last[..WIDE * C::ROWS]);
                out[from * C::ROWS..].copy_from_slice(&last[..count * C::ROWS]);
            }
        }
        true
    }
}

/// Doubles points of which one is infinity.
#[cold]
#[inline(never)]
fn double_one_by_one<C: Curve, L: Lanes<Field = Fq>>(
    table: &[Row],
    pairs: &[[PointRef; 2]],
    out: &mut [Row],
) {
    for ([point, _], rows) in pairs.iter().zip(out.chunks_exact_mut(C::ROWS)) {
        let twice = point.point::<C, L>(table, &[]).into_group().double();
        C::to_rows::<L>(&twice.into_affine(), rows);
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
    for eight in 0..2 {
        let mut mask = 0;
        for lane in 0..LANES {
            let point = pairs[eight * LANES + lane][side];
            mask |= u8::from(point.is_negative()) << lane;
            points[eight][lane] = point.rows::<C>(table, sums);
        }
        negated[eight] = mask;
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

#[cfg(test)]
mod tests {
    use ark_ec::PrimeGroup;

    use super::*;
    use crate::coordinate::{G1, G2};
    use crate::lanes::Portable;

    type Base = <Portable as Path>::Base;

    /// Equal, opposite and infinite points among others: those alone go one by one.
    fn exceptions_alone_go_one_by_one<C: Curve>() {
        let generator = C::Projective::generator();
        let count = 40;
        let multiple = |by: u64| (generator * ark_bn254::Fr::from(by)).into_affine();
        let mut points: Vec<C::Affine> = (1..=count as u64).map(multiple).collect();
        points.push(C::Affine::zero());
        let mut table = vec![Row::default(); points.len() * C::ROWS];
        for (point, rows) in points.iter().zip(table.chunks_exact_mut(C::ROWS)) {
            C::to_rows::<Base>(point, rows);
        }
        let of = |number: usize, negative| PointRef::of_table(number, negative);
        let mut pairs: Vec<_> =
            (0..count - 1).map(|n| [of(n, false), of(n + 1, n % 2 == 0)]).collect();
        pairs[3] = [of(5, false), of(5, false)];
        pairs[17] = [of(7, true), of(7, false)];
        let mut additions = Additions::<C, Portable>::new(Portable);
        let check = |additions: &mut Additions<C, Portable>,
                     pairs: &[[PointRef; 2]],
                     expected: &[usize]| {
            let mut sums = vec![Row::default(); pairs.len() * C::ROWS];
            additions.add(&table, &mut sums, 0, pairs);
            assert_eq!(additions.exceptions, expected);
            for (pair, sum) in pairs.iter().zip(sums.chunks_exact(C::ROWS)) {
                let [a, b] = pair.map(|point| point.point::<C, Base>(&table, &[]));
                let expected = (a.into_group() + b).into_affine();
                assert_eq!(C::from_rows::<Base>(sum), expected);
            }
        };
        check(&mut additions, &pairs, &[3, 17]);
        // Infinity was met: from now on it is looked for.
        pairs[20] = [of(count, false), of(9, false)];
        check(&mut additions, &pairs, &[3, 17, 20]);
        let equal = [[of(5, false), of(5, true)]; 3];
        check(&mut additions, &equal, &[0, 1, 2]);
        additions.wipe();
        assert!(additions.with_slopes.is_empty() && !additions.met_infinity);
        // Nor is anything left of the longest, of which a shorter one took some of the room.
        let zero =
            |lanes: &[Base; 2]| lanes.iter().all(|lanes| lanes.elements() == [Fq::zero(); LANES]);
        assert!(
            additions.pending.len() == 3 && additions.pending.iter().all(|of| zero(&of.before))
        );
    }

    #[test]
    fn exceptions_alone_go_one_by_one_in_both_groups() {
        exceptions_alone_go_one_by_one::<G1>();
        exceptions_alone_go_one_by_one::<G2>();
    }
}
