//! Doubles that compute bounds instead of numbers: see [`bounds`](crate::lanes::bounds).
//!
//! An element has two: of its number, and of its limbs below the top one, whose own follows from the number. All are
//! counted in 1024ths and rounded up: of the modulus, and of `2^50`. The worst chain of products comes within a hundredth of
//! what is exact, so that coarser ones would not show it.

use std::marker::PhantomData;

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::{BigInt, Fp, MontBackend, MontConfig};

use super::modulus::{LIMBS, Modulus};
use crate::lanes::{Kernel, LANES, Lanes, Numbers, Path, Row};

const ONE: u64 = 1_024;
/// Half a modulus, and what rounding adds.
const REDUCED: u64 = ONE / 2 + 1;
/// A double is exact up to so much.
const EXACT: u64 = 8 * ONE;
/// Two products that are rounded one on top of the other are at most `2^102` together: four times `2^50` squared.
const CHAINED: u64 = 4 * ONE * ONE;

/// Bounds of elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoubleBounds;

/// Everything in eight lanes is between a number and its opposite.
pub(crate) struct DoubleBound<C> {
    number: u64,
    limb: u64,
    field: PhantomData<C>,
}

impl<C> Clone for DoubleBound<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for DoubleBound<C> {}

impl Path for DoubleBounds {
    type Base = DoubleBound<FqConfig>;
    type Scalar = DoubleBound<FrConfig>;

    const NAME: &'static str = "bounds of doubles";

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        kernel.run()
    }
}

impl<C: MontConfig<4>> DoubleBound<C> {
    fn new(number: u64, limb: u64) -> Self {
        let bound = Self { number, limb, field: PhantomData };
        assert!(limb.max(bound.top()) <= EXACT, "a double is not exact");
        bound
    }

    fn reduced() -> Self {
        Self::new(REDUCED, ONE)
    }

    /// The top limb: the number by `2^204`, and less than one for those below.
    fn top(self) -> u64 {
        // The moduli are below 0.757 times 2^254.
        self.number * 757 / 1_000 + 1
    }

    /// What a product or a square is, of numbers whose product is at most so many 1024ths of 1024ths.
    fn product(of: u64) -> Self {
        // What the last two columns are cleared by is at most a half and a quarter; the others add next to nothing.
        // By the radix, a number is divided by 2^255 / p, which is above 2.645.
        Self::new(3 * ONE / 4 + 1 + (of * 1_000).div_ceil(ONE * 2_645), ONE)
    }
}

impl<C: MontConfig<4>> Numbers for DoubleBound<C> {
    fn mul(self, other: Self) -> Self {
        let (a, b, top_a, top_b) = (self.limb, other.limb, self.top(), other.top());
        assert!(2 * a * b <= CHAINED, "two products of limbs are too large");
        assert!(a * b + (a * top_b).max(top_a * b) <= CHAINED, "two products are too large");
        assert!(top_a * top_b <= CHAINED, "the product of the top limbs is too large");
        Self::product(self.number * other.number)
    }

    fn square(self) -> Self {
        let (limb, top) = (self.limb, self.top());
        assert!(4 * limb * limb <= CHAINED, "two squares of limbs are too large");
        assert!(2 * limb * limb + 2 * limb * top <= CHAINED, "two products are too large");
        assert!(top * top <= CHAINED, "the top limb's square is too large");
        Self::product(self.number * self.number)
    }

    fn add(self, other: Self) -> Self {
        Self::new(self.number + other.number, self.limb + other.limb)
    }

    fn sub<const K: usize>(self, other: Self) -> Self {
        self.add(other)
    }

    fn negate<const K: usize>(self) -> Self {
        self
    }

    fn reduce(self) -> Self {
        assert!(self.number <= 8 * ONE, "what is reduced is too large");
        // The quotient, and each limb less so many times the modulus'.
        let quotient = (self.number + ONE / 2).div_ceil(ONE);
        let largest = Modulus::<C>::LIMBS[..LIMBS - 1].iter().map(|limb| limb.unsigned_abs()).max();
        let largest = (largest.unwrap_or(0) >> 40) + 1;
        let top = self.top() + quotient * ONE;
        assert!((self.limb + quotient * largest).max(top) <= EXACT, "a double is not exact");
        Self::reduced()
    }

    fn compact(self) -> Self {
        self.reduce()
    }
}

impl<C: MontConfig<4>> Lanes for DoubleBound<C> {
    type Field = Fp<MontBackend<C, 4>, 4>;

    fn splat(_: Self::Field) -> Self {
        Self::reduced()
    }

    fn from_elements(_: [Self::Field; LANES]) -> Self {
        Self::reduced()
    }

    fn elements(self) -> [Self::Field; LANES] {
        assert!(self.number <= 8 * ONE, "it has no room in 256 bits");
        [Fp::from(1u64); LANES]
    }

    fn integers(self) -> [BigInt<4>; LANES] {
        self.mul(Self::new(1, 1));
        [BigInt::from(0u64); LANES]
    }

    /// What rows hold was reduced when it was stored.
    fn load(_: [&Row; LANES]) -> (Self, Self) {
        (Self::reduced(), Self::reduced())
    }

    fn store(first: Self, second: Self, rows: &mut [Row; LANES]) {
        for stored in [first, second] {
            assert!(stored.number <= REDUCED && stored.limb <= ONE, "rows hold what is reduced");
        }
        *rows = [Row([1; 8]); LANES];
    }

    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        let largest = |of: fn(&Self) -> u64| vectors.iter().map(of).max().unwrap_or(0);
        [Self::new(largest(|bound| bound.number), largest(|bound| bound.limb)); LANES]
    }

    fn pack(_: Self::Field) -> [u64; 4] {
        [1; 4]
    }

    fn unpack(_: [u64; 4]) -> Self::Field {
        Fp::from(1u64)
    }

    /// As [`DoubleLanes`](super::DoubleLanes) has it: a square takes less than a product.
    fn square_two([a, b]: [Self; 2]) -> [Self; 2] {
        [a.square(), b.square()]
    }

    fn negate_where(self, _: u8) -> Self {
        self
    }

    fn prefetch(_: &Row) {}
}
