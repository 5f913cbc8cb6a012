//! Coordinates of points, eight side by side: of the base field for G1, of its quadratic extension
//! for G2; and how points lie in rows.
//!
//! Bounds are in multiples of the modulus `p`, as [`Lanes`] has them.

use ark_bn254::{Fq, Fq2, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::AdditiveGroup;

use crate::lanes::{LANES, Lanes, Row};

/// Eight coordinates.
pub(crate) trait Coordinate<L: Lanes>: Copy {
    /// The difference; takes what is below `2 p`, gives what is below `4 p`.
    fn difference(self, other: Self) -> Self;

    /// The quotient by a denominator, given the inverse of its norm: both coordinates below `4 p`, the
    /// inverse below `2 p`.
    fn divided(self, denominator: Self, inverse_norm: L) -> Self;

    /// The norm, which is zero where the element is; takes what is below `4 p`, gives below `4 p`.
    fn norm(self) -> L;

    /// `slope^2 - a - b`, reduced; of the slope by [`Coordinate::divided`], `a` and `b` below `1.1 p`.
    fn third_x(slope: Self, a: Self, b: Self) -> Self;

    /// `slope (a - x) - y`, reduced; of the slope by [`Coordinate::divided`], the others below
    /// `1.1 p`, `a` below `2 p`.
    fn third_y(slope: Self, a: Self, x: Self, y: Self) -> Self;

    /// `2 p - self` where a bit is set; below `2 p`.
    fn negate_where(self, mask: u8) -> Self;
}

impl<L: Lanes<Field = Fq>> Coordinate<L> for L {
    #[inline(always)]
    fn difference(self, other: Self) -> Self {
        self.sub::<2>(other)
    }

    #[inline(always)]
    fn divided(self, _: Self, inverse_norm: L) -> Self {
        self.mul(inverse_norm)
    }

    #[inline(always)]
    fn norm(self) -> L {
        self
    }

    #[inline(always)]
    fn third_x(slope: Self, a: Self, b: Self) -> Self {
        slope.square().sub::<2>(a).sub::<2>(b).reduce()
    }

    #[inline(always)]
    fn third_y(slope: Self, a: Self, x: Self, y: Self) -> Self {
        slope.mul(a.sub::<2>(x)).sub::<2>(y).reduce()
    }

    #[inline(always)]
    fn negate_where(self, mask: u8) -> Self {
        Lanes::negate_where(self, mask)
    }
}

/// `c0 + c1 u` with `u^2 = -1`, eight side by side.
#[derive(Clone, Copy)]
pub(crate) struct Quadratic<L> {
    c0: L,
    c1: L,
}

impl<L: Lanes<Field = Fq>> Quadratic<L> {
    /// The product by Karatsuba's three; takes `a` below `6 p` and `b` below `4 p` in each part,
    /// gives below `4 p` and below `6 p`.
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let (low, high) = (self.c0.mul(other.c0), self.c1.mul(other.c1));
        let cross = self.c0.add(self.c1).mul(other.c0.add(other.c1));
        Self { c0: low.sub::<2>(high), c1: cross.sub::<2>(low).sub::<2>(high) }
    }
}

impl<L: Lanes<Field = Fq>> Coordinate<L> for Quadratic<L> {
    #[inline(always)]
    fn difference(self, other: Self) -> Self {
        Self { c0: self.c0.sub::<2>(other.c0), c1: self.c1.sub::<2>(other.c1) }
    }

    #[inline(always)]
    fn divided(self, denominator: Self, inverse_norm: L) -> Self {
        // 1 / d is d's conjugate by its norm.
        let c0 = denominator.c0.mul(inverse_norm);
        let c1 = L::splat(Fq::ZERO).sub::<4>(denominator.c1).mul(inverse_norm);
        self.mul(Self { c0, c1 })
    }

    #[inline(always)]
    fn norm(self) -> L {
        self.c0.square().add(self.c1.square())
    }

    #[inline(always)]
    fn third_x(slope: Self, a: Self, b: Self) -> Self {
        // (s0 + s1)(s0 - s1) + 2 s0 s1 u.
        let c0 = slope.c0.add(slope.c1).mul(slope.c0.sub::<6>(slope.c1));
        let c1 = slope.c0.mul(slope.c1);
        Self {
            c0: c0.sub::<2>(a.c0).sub::<2>(b.c0).reduce(),
            c1: c1.add(c1).sub::<2>(a.c1).sub::<2>(b.c1).reduce(),
        }
    }

    #[inline(always)]
    fn third_y(slope: Self, a: Self, x: Self, y: Self) -> Self {
        let product = slope.mul(a.difference(x));
        Self { c0: product.c0.sub::<2>(y.c0).reduce(), c1: product.c1.sub::<2>(y.c1).reduce() }
    }

    #[inline(always)]
    fn negate_where(self, mask: u8) -> Self {
        Self { c0: Lanes::negate_where(self.c0, mask), c1: Lanes::negate_where(self.c1, mask) }
    }
}

/// A group of points that the engine adds up.
pub(crate) trait Curve: Copy + Send + Sync + 'static {
    /// Its points, as arkworks has them.
    type Affine: AffineRepr<Group = Self::Projective, ScalarField = ark_bn254::Fr>;
    /// Their sums.
    type Projective: CurveGroup<Affine = Self::Affine, ScalarField = ark_bn254::Fr>;
    /// Eight of its coordinates.
    type Coordinate<L: Lanes<Field = Fq>>: Coordinate<L>;

    /// How many rows a point takes.
    const ROWS: usize;

    /// How many vectors of additions share an inversion, so that what is kept of them stays in the
    /// second cache.
    const SHARED: usize;

    /// Eight points.
    fn load<L: Lanes<Field = Fq>>(
        points: [&[Row]; LANES],
    ) -> (Self::Coordinate<L>, Self::Coordinate<L>);

    /// Writes eight points into as many times [`Curve::ROWS`] rows, one after the other.
    fn store<L: Lanes<Field = Fq>>(
        x: Self::Coordinate<L>,
        y: Self::Coordinate<L>,
        rows: &mut [Row],
    );

    /// A point as rows keep it; zeros for the point at infinity, which lies on neither curve.
    fn to_rows<L: Lanes<Field = Fq>>(point: &Self::Affine, rows: &mut [Row]);

    /// A point from its rows.
    fn from_rows<L: Lanes<Field = Fq>>(rows: &[Row]) -> Self::Affine;
}

fn row<L: Lanes<Field = Fq>>(first: Fq, second: Fq) -> Row {
    let mut words = [0; 8];
    words[..4].copy_from_slice(&L::pack(first));
    words[4..].copy_from_slice(&L::pack(second));
    Row(words)
}

/// One row of each of eight points.
#[inline(always)]
fn rows_at(points: [&[Row]; LANES], place: usize) -> [&Row; LANES] {
    let mut rows = [&points[0][place]; LANES];
    for (row, point) in rows.iter_mut().zip(points) {
        *row = &point[place];
    }
    rows
}

fn unpacked<L: Lanes<Field = Fq>>(Row(words): &Row) -> (Fq, Fq) {
    let part = |from: usize| L::unpack(std::array::from_fn(|word| words[from + word]));
    (part(0), part(4))
}

/// The group G1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct G1;

impl Curve for G1 {
    type Affine = G1Affine;
    type Projective = G1Projective;
    type Coordinate<L: Lanes<Field = Fq>> = L;

    const ROWS: usize = 1;
    const SHARED: usize = 192;

    #[inline(always)]
    fn load<L: Lanes<Field = Fq>>(points: [&[Row]; LANES]) -> (L, L) {
        L::load(rows_at(points, 0))
    }

    #[inline(always)]
    fn store<L: Lanes<Field = Fq>>(x: L, y: L, rows: &mut [Row]) {
        let rows: &mut [Row; LANES] = rows.try_into().expect("eight rows");
        L::store(x, y, rows);
    }

    fn to_rows<L: Lanes<Field = Fq>>(point: &G1Affine, rows: &mut [Row]) {
        rows[0] = point.xy().map_or(Row::default(), |(x, y)| row::<L>(x, y));
    }

    fn from_rows<L: Lanes<Field = Fq>>(rows: &[Row]) -> G1Affine {
        if rows[0] == Row::default() {
            return G1Affine::identity();
        }
        let (x, y) = unpacked::<L>(&rows[0]);
        G1Affine::new_unchecked(x, y)
    }
}

/// The group G2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct G2;

impl Curve for G2 {
    type Affine = G2Affine;
    type Projective = G2Projective;
    type Coordinate<L: Lanes<Field = Fq>> = Quadratic<L>;

    const ROWS: usize = 2;
    const SHARED: usize = 96;

    #[inline(always)]
    fn load<L: Lanes<Field = Fq>>(points: [&[Row]; LANES]) -> (Quadratic<L>, Quadratic<L>) {
        let (x0, x1) = L::load(rows_at(points, 0));
        let (y0, y1) = L::load(rows_at(points, 1));
        (Quadratic { c0: x0, c1: x1 }, Quadratic { c0: y0, c1: y1 })
    }

    #[inline(always)]
    fn store<L: Lanes<Field = Fq>>(x: Quadratic<L>, y: Quadratic<L>, rows: &mut [Row]) {
        let (mut xs, mut ys) = ([Row::default(); LANES], [Row::default(); LANES]);
        L::store(x.c0, x.c1, &mut xs);
        L::store(y.c0, y.c1, &mut ys);
        for (lane, point) in rows.chunks_exact_mut(2).enumerate() {
            (point[0], point[1]) = (xs[lane], ys[lane]);
        }
    }

    fn to_rows<L: Lanes<Field = Fq>>(point: &G2Affine, rows: &mut [Row]) {
        let words = point.xy().map(|(x, y)| [row::<L>(x.c0, x.c1), row::<L>(y.c0, y.c1)]);
        rows.copy_from_slice(&words.unwrap_or_default());
    }

    fn from_rows<L: Lanes<Field = Fq>>(rows: &[Row]) -> G2Affine {
        if rows.iter().all(|row| *row == Row::default()) {
            return G2Affine::identity();
        }
        let [x, y] = [0, 1].map(|place| {
            let (c0, c1) = unpacked::<L>(&rows[place]);
            Fq2::new(c0, c1)
        });
        G2Affine::new_unchecked(x, y)
    }
}
