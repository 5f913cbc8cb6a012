//! Eight field elements side by side.
//!
//! The engine's loops are written once over [`Lanes`] and run on whichever [`Path`] the machine has:
//! AVX-512's 52-bit multipliers, multiplications of doubles, or arkworks' arithmetic anywhere. Elements are
//! kept in Montgomery form, by a radix of the path's own, and not always below the modulus `p`: each operation
//! says what it takes and what it gives, in multiples of `p`. Where numbers have signs, as on doubles, that is
//! how far they are from zero. Implementations in the tests compute those bounds instead of numbers, of each
//! kind of path, and so prove for every input that none is passed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(test)]
mod bounds;
#[cfg(any(test, target_arch = "x86_64", target_feature = "relaxed-simd"))]
mod doubles;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod relaxed;
#[cfg(test)]
mod tests;

use ark_bn254::{Fq, Fr};
use ark_ff::{BigInt, PrimeField};

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use ifma::Ifma;
pub(crate) use portable::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub(crate) use relaxed::Relaxed;

/// How many elements lie side by side.
pub(crate) const LANES: usize = 8;

/// The inverse of an odd word modulo `2^64`, and so modulo every smaller power of two.
#[cfg(any(test, target_arch = "x86_64", target_feature = "relaxed-simd"))]
const fn inverse_of_odd(word: u64) -> u64 {
    // Newton's iteration doubles the bits that are right.
    let mut inverse = 1u64;
    let mut bits = 1;
    while bits < 64 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(word.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse
}

/// Two elements in one cache line, as the path keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Row(pub(crate) [u64; 8]);

impl zeroize::DefaultIsZeroes for Row {}

impl Row {
    /// Two elements of a field, as a path keeps them.
    pub(crate) fn of<L: Lanes>(first: L::Field, second: L::Field) -> Self {
        let mut words = [0; 8];
        words[..4].copy_from_slice(&L::pack(first));
        words[4..].copy_from_slice(&L::pack(second));
        Self(words)
    }
}

/// Elements that are computed on side by side.
///
/// "Reduced" means below `1.001 p`, or not further than `0.52 p` from zero. What is kept in rows is below `5 p`, so
/// that it fits 256 bits.
pub(crate) trait Numbers: Copy + Send + Sync {
    /// The product, below `p + p (ab / 84)` where the factors are below `a p` and `b p`; `ab` is at
    /// most 84. On doubles it is within `0.76 p + p (ab / 2.645)`, and one factor at most is a sum or a difference,
    /// of two, that was not made compact.
    fn mul(self, other: Self) -> Self;

    /// The square, as [`Numbers::mul`]; of what was loaded, made compact, or is a product within `1.3 p`.
    #[inline(always)]
    fn square(self) -> Self {
        self.mul(self)
    }

    /// The sum; its bound is the sum of the bounds.
    fn add(self, other: Self) -> Self;

    /// `self - other + K p`, where `other` is below `K p`; its bound is `self`'s and `K p`. `K` is at
    /// most 8.
    fn sub<const K: usize>(self, other: Self) -> Self;

    /// `K p - self`, where it is below `K p`.
    fn negate<const K: usize>(self) -> Self;

    /// The same element, reduced; it is below `8 p`, and on doubles a sum of at most six.
    fn reduce(self) -> Self;

    /// The same element, reduced where the path has little room above the modulus, and as it is elsewhere.
    #[inline(always)]
    fn compact(self) -> Self {
        self
    }
}

/// Eight elements of a field.
pub(crate) trait Lanes: Numbers {
    /// The field.
    type Field: PrimeField;

    /// One element in all lanes, reduced.
    fn splat(element: Self::Field) -> Self;

    /// Eight elements, reduced.
    fn from_elements(elements: [Self::Field; LANES]) -> Self;

    /// The eight elements.
    fn elements(self) -> [Self::Field; LANES];

    /// The integers that the eight elements stand for.
    fn integers(self) -> [BigInt<4>; LANES];

    /// The first and the second elements of eight rows.
    fn load(rows: [&Row; LANES]) -> (Self, Self);

    /// Writes the first and second elements of eight rows; both below `5 p`.
    fn store(first: Self, second: Self, rows: &mut [Row; LANES]);

    /// Turns a block: element `j` of vector `i` becomes element `i` of vector `j`.
    fn turn(vectors: [Self; LANES]) -> [Self; LANES];

    /// One element as rows keep it.
    fn pack(element: Self::Field) -> [u64; 4];

    /// One element from how rows keep it.
    fn unpack(words: [u64; 4]) -> Self::Field;

    /// Two products that do not wait for each other: a product of one vector leaves a processor idle
    /// half of the time.
    #[inline(always)]
    fn mul_two([a, b]: [Self; 2], [c, d]: [Self; 2]) -> [Self; 2] {
        [a.mul(c), b.mul(d)]
    }

    /// Two squares, as [`Lanes::mul_two`].
    #[inline(always)]
    fn square_two([a, b]: [Self; 2]) -> [Self; 2] {
        Self::mul_two([a, b], [a, b])
    }

    /// `2 p - self` in the lanes of a mask, the others as they are; `self` is below `2 p`.
    fn negate_where(self, mask: u8) -> Self;

    /// Says that a row is soon read.
    fn prefetch(row: &Row);
}

impl<L: Lanes> Numbers for [L; 2] {
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        L::mul_two(self, other)
    }

    #[inline(always)]
    fn square(self) -> Self {
        L::square_two(self)
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        [self[0].add(other[0]), self[1].add(other[1])]
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        [self[0].sub::<K>(other[0]), self[1].sub::<K>(other[1])]
    }

    #[inline(always)]
    fn negate<const K: usize>(self) -> Self {
        [self[0].negate::<K>(), self[1].negate::<K>()]
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        [self[0].reduce(), self[1].reduce()]
    }

    #[inline(always)]
    fn compact(self) -> Self {
        [self[0].compact(), self[1].compact()]
    }
}

/// Work that is written over lanes.
///
/// `run` and all that it calls on lanes must be `#[inline(always)]`, and no lanes may be computed on in
/// a closure, which can't be: so that all of it is compiled again within each path's own target
/// features. Elsewhere the same code gives the same results, some fifty times slower.
pub(crate) trait Kernel<P: Path> {
    /// What comes of it.
    type Output;

    /// Does the work on the path.
    fn run(self) -> Self::Output;
}

/// A way of computing with eight lanes.
pub(crate) trait Path: Copy + Send + Sync + 'static {
    /// Eight coordinates of points.
    type Base: Lanes<Field = Fq>;
    /// Eight scalars.
    type Scalar: Lanes<Field = Fr>;

    /// How rows of this path differ from those of others.
    const NAME: &'static str;

    /// Does work with the path's target features on.
    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output;
}
