//! Coordinates of points, eight side by side: of the base field for G1, of its quadratic extension
//! for G2; and how points lie in rows.
//!
//! Bounds are in multiples of the modulus `p`, as [`Lanes`] has them.

use ark_bn254::{Fq, Fq2, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};

use crate::lanes::{LANES, Lanes, Numbers, Row};

/// Coordinates over numbers that are computed on side by side.
pub(crate) trait Coordinate<N: Numbers>: Copy + Send + Sync {
    /// The difference; takes what is below `2 p`, gives what is below `4 p`.
    fn difference(self, other: Self) -> Self;

    /// The quotient by a denominator, given the inverse of its norm: both coordinates below `4 p`, the
    /// inverse below `2 p`.
    fn divided(self, denominator: Self, inverse_norm: N) -> Self;

    /// Three times the square, the rise of a tangent; takes what is reduced, gives what is below `4 p`.
    fn rise_of_tangent(self) -> Self;

    /// Twice the element, the run of a tangent; takes what is below `2 p`.
    fn run_of_tangent(self) -> Self;

    /// The norm, which is zero where the element is; takes what is below `4 p`, gives below `4 p`.
    fn norm(self) -> N;

    /// `slope^2 - a - b`, reduced; of the slope by [`Coordinate::divided`], `a` and `b` reduced.
    fn third_x(slope: Self, a: Self, b: Self) -> Self;

    /// `slope (a - x) - y`, reduced; of the slope by [`Coordinate::divided`], the others below `2 p`.
    fn third_y(slope: Self, a: Self, x: Self, y: Self) -> Self;
}

impl<N: Numbers> Coordinate<N> for N {
    #[inline(always)]
    fn difference(self, other: Self) -> Self {
        self.sub::<2>(other)
    }

    #[inline(always)]
    fn divided(self, _: Self, inverse_norm: N) -> Self {
        self.mul(inverse_norm)
    }

    #[inline(always)]
    fn rise_of_tangent(self) -> Self {
        let square = self.square();
        square.add(square).add(square).compact()
    }

    #[inline(always)]
    fn run_of_tangent(self) -> Self {
        self.add(self)
    }

    #[inline(always)]
    fn norm(self) -> N {
        self
    }

    #[inline(always)]
    fn third_x(slope: Self, a: Self, b: Self) -> Self {
        slope.square().sub::<4>(a.add(b)).reduce()
    }

    #[inline(always)]
    fn third_y(slope: Self, a: Self, x: Self, y: Self) -> Self {
        slope.mul(a.sub::<2>(x)).sub::<2>(y).reduce()
    }
}

/// `c0 + c1 u` with `u^2 = -1`.
#[derive(Clone, Copy)]
pub(crate) struct Quadratic<N> {
    c0: N,
    c1: N,
}

impl<N: Numbers> Quadratic<N> {
    /// The product by Karatsuba's three; takes `a` below `6 p` and `b` below `4 p` in each part,
    /// gives below `4 p` and below `6 p`.
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let (low, high) = (self.c0.mul(other.c0), self.c1.mul(other.c1));
        let cross = self.c0.add(self.c1).compact().mul(other.c0.add(other.c1).compact());
        Self { c0: low.sub::<2>(high), c1: cross.sub::<4>(low.add(high)) }
    }
}

impl<N: Numbers> Coordinate<N> for Quadratic<N> {
    #[inline(always)]
    fn difference(self, other: Self) -> Self {
        Self { c0: self.c0.sub::<2>(other.c0), c1: self.c1.sub::<2>(other.c1) }
    }

    #[inline(always)]
    fn divided(self, denominator: Self, inverse_norm: N) -> Self {
        // 1 / d is d's conjugate by its norm.
        let c0 = denominator.c0.mul(inverse_norm);
        let c1 = denominator.c1.negate::<4>().mul(inverse_norm);
        let Self { c0, c1 } = self.mul(Self { c0, c1 });
        Self { c0: c0.compact(), c1: c1.compact() }
    }

    #[inline(always)]
    fn rise_of_tangent(self) -> Self {
        // (x0 + x1)(x0 - x1) + 2 x0 x1 u.
        let c0 = self.c0.add(self.c1).compact().mul(self.c0.sub::<2>(self.c1));
        let c1 = self.c0.mul(self.c1);
        let twice = c1.add(c1).compact();
        Self { c0: c0.add(c0).add(c0).compact(), c1: twice.add(twice).add(twice).reduce() }
    }

    #[inline(always)]
    fn run_of_tangent(self) -> Self {
        Self { c0: self.c0.add(self.c0), c1: self.c1.add(self.c1) }
    }

    #[inline(always)]
    fn norm(self) -> N {
        self.c0.compact().square().add(self.c1.compact().square()).compact()
    }

    #[inline(always)]
    fn third_x(slope: Self, a: Self, b: Self) -> Self {
        // (s0 + s1)(s0 - s1) + 2 s0 s1 u.
        let c0 = slope.c0.add(slope.c1).compact().mul(slope.c0.sub::<6>(slope.c1));
        let c1 = slope.c0.mul(slope.c1);
        Self {
            c0: c0.sub::<4>(a.c0.add(b.c0)).reduce(),
            c1: c1.add(c1).sub::<4>(a.c1.add(b.c1)).reduce(),
        }
    }

    #[inline(always)]
    fn third_y(slope: Self, a: Self, x: Self, y: Self) -> Self {
        let product = slope.mul(a.difference(x));
        Self { c0: product.c0.sub::<2>(y.c0).reduce(), c1: product.c1.sub::<2>(y.c1).reduce() }
    }
}

/// A group of points that the engine adds up.
pub(crate) trait Curve: Copy + Send + Sync + 'static {
    /// Its points, as arkworks has them.
    type Affine: AffineRepr<Group = Self::Projective, ScalarField = ark_bn254::Fr>;
    /// Their sums.
    type Projective: CurveGroup<Affine = Self::Affine, ScalarField = ark_bn254::Fr>;
    /// Its coordinates over numbers.
    type Coordinate<N: Numbers>: Coordinate<N>;

    /// How many rows a point takes.
    const ROWS: usize;

    /// How many pairs of vectors of additions share an inversion, so that what is kept of them stays in the
    /// second cache.
    const SHARED: usize;

    /// Two times eight points, negated where a mask says so: then `y` is below `2 p`.
    fn load<L: Lanes<Field = Fq>>(
        points: [[&[Row]; LANES]; 2],
        negated: [u8; 2],
    ) -> (Self::Coordinate<[L; 2]>, Self::Coordinate<[L; 2]>);

    /// Writes two times eight points into rows, one after the other.
    fn store<L: Lanes<Field = Fq>>(
        x: Self::Coordinate<[L; 2]>,
        y: Self::Coordinate<[L; 2]>,
        rows: &mut [Row],
    );

    /// A point as rows keep it; zeros for the point at infinity, which lies on neither curve.
    fn to_rows<L: Lanes<Field = Fq>>(point: &Self::Affine, rows: &mut [Row]);

    /// A point from its rows.
    fn from_rows<L: Lanes<Field = Fq>>(rows: &[Row]) -> Self::Affine;
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
    type Coordinate<N: Numbers> = N;

    const ROWS: usize = 1;
    const SHARED: usize = 256;

    #[inline(always)]
    fn load<L: Lanes<Field = Fq>>(
        [first, second]: [[&[Row]; LANES]; 2],
        negated: [u8; 2],
    ) -> ([L; 2], [L; 2]) {
        let (x0, y0) = L::load(rows_at(first, 0));
        let (x1, y1) = L::load(rows_at(second, 0));
        ([x0, x1], [y0.negate_where(negated[0]), y1.negate_where(negated[1])])
    }

    #[inline(always)]
    fn store<L: Lanes<Field = Fq>>(x: [L; 2], y: [L; 2], rows: &mut [Row]) {
        for (eight, rows) in rows.chunks_exact_mut(LANES).enumerate() {
            L::store(x[eight], y[eight], rows.try_into().expect("eight rows"));
        }
    }

    fn to_rows<L: Lanes<Field = Fq>>(point: &G1Affine, rows: &mut [Row]) {
        rows[0] = point.xy().map_or(Row::default(), |(x, y)| Row::of::<L>(x, y));
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
    type Coordinate<N: Numbers> = Quadratic<N>;

    const ROWS: usize = 2;
    const SHARED: usize = 128;

    #[inline(always)]
    fn load<L: Lanes<Field = Fq>>(
        [first, second]: [[&[Row]; LANES]; 2],
        [m, n]: [u8; 2],
    ) -> (Quadratic<[L; 2]>, Quadratic<[L; 2]>) {
        let ((a0, a1), (b0, b1)) = (L::load(rows_at(first, 0)), L::load(rows_at(second, 0)));
        let ((c0, c1), (d0, d1)) = (L::load(rows_at(first, 1)), L::load(rows_at(second, 1)));
        let c0 = [c0.negate_where(m), d0.negate_where(n)];
        let c1 = [c1.negate_where(m), d1.negate_where(n)];
        (Quadratic { c0: [a0, b0], c1: [a1, b1] }, Quadratic { c0, c1 })
    }

    #[inline(always)]
    fn store<L: Lanes<Field = Fq>>(x: Quadratic<[L; 2]>, y: Quadratic<[L; 2]>, rows: &mut [Row]) {
        for (eight, rows) in rows.chunks_exact_mut(2 * LANES).enumerate() {
            let (mut xs, mut ys) = ([Row::default(); LANES], [Row::default(); LANES]);
            L::store(x.c0[eight], x.c1[eight], &mut xs);
            L::store(y.c0[eight], y.c1[eight], &mut ys);
            for (lane, point) in rows.chunks_exact_mut(2).enumerate() {
                (point[0], point[1]) = (xs[lane], ys[lane]);
            }
        }
    }

    fn to_rows<L: Lanes<Field = Fq>>(point: &G2Affine, rows: &mut [Row]) {
        let words = point.xy().map(|(x, y)| [Row::of::<L>(x.c0, x.c1), Row::of::<L>(y.c0, y.c1)]);
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
