//! Eight lanes by fused multiplication and addition of double-precision numbers.
//!
//! An element is five limbs `a_0 + 2^51 a_1 + … + 2^204 a_4`, each a whole number with a sign in a double,
//! and stands for `a / 2^255` (Montgomery form by radix `2^255`). A sum or difference adds limbs and
//! carries nothing: a double is exact up to `2^53`, four times what a limb of a product can be.
//!
//! The product of two limbs is split without an error. With `c = 1.5 * 2^103`, whose neighbours lie
//! `2^51` apart, `h = fma(a, b, c)` is `c` and a multiple of `2^51`, and `fma(a, b, c - h)` is the rest, from
//! `-2^50` to `2^50`. The bits of `h` are those of `c` and the multiple, as integers, so columns are summed
//! in integers. Source: Emmart, Zheng and Weems, "Faster modular exponentiation using double precision
//! floating point arithmetic on the GPU", 2018; here with rounding to the nearest, which every processor
//! does by itself, and so with limbs that have signs.
//!
//! What a processor must bring is in [`Eight`]: doubles, eight side by side.
#![allow(
    clippy::needless_range_loop,
    reason = "an iterator's closure would lose the path's features"
)]

#[cfg(test)]
mod bounds;
mod modulus;
#[cfg(test)]
mod one_by_one;
pub(super) mod product;

#[cfg(test)]
pub(crate) use bounds::DoubleBounds;
#[cfg(test)]
pub(crate) use one_by_one::OneByOne;

use std::marker::PhantomData;

use ark_ff::{AdditiveGroup, BigInt, BigInteger, Fp, MontBackend, MontConfig};

use super::{LANES, Lanes, Numbers, Row};
use modulus::{LIMB_BITS, LIMB_MASK, LIMBS, Modulus, digits};

/// `1.5 * 2^52`: what a whole number below `2^51` is added to, to stand in the low bits.
const WHOLE: f64 = (3u64 << 51) as f64;
/// The bits of `2^52`, which with a whole number below `2^52` in the low bits are their sum.
const EXPONENT: u64 = 0x4330_0000_0000_0000;
/// `2^50`: half a limb.
const HALF: u64 = 1 << (LIMB_BITS - 1);
/// `1.5 * 2^103`: what is added to it is rounded to a multiple of `2^51`.
const ROUNDING: f64 = (3u128 << 102) as f64;
/// `2^-51`.
const DOWN: f64 = 1.0 / (1u64 << LIMB_BITS) as f64;

/// Eight doubles side by side, each rounded to the nearest, ties to even.
pub(crate) trait Eight: Copy + Send + Sync {
    /// Their bits, as eight words.
    type Words: Copy;

    fn splat(number: f64) -> Self;
    fn read(numbers: &[f64; LANES]) -> Self;
    fn write(self, numbers: &mut [f64; LANES]);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `minuend - self * factor`, rounded once.
    fn mul_sub_from(self, factor: Self, minuend: Self) -> Self;
    /// The other sign in the lanes of a mask.
    fn negate_where(self, mask: u8) -> Self;

    fn bits(self) -> Self::Words;
    fn from_bits(words: Self::Words) -> Self;
    fn splat_words(word: u64) -> Self::Words;
    fn plus(a: Self::Words, b: Self::Words) -> Self::Words;
    fn and(a: Self::Words, b: Self::Words) -> Self::Words;
    fn or(a: Self::Words, b: Self::Words) -> Self::Words;
    fn xor(a: Self::Words, b: Self::Words) -> Self::Words;
    fn left<const BITS: i32>(words: Self::Words) -> Self::Words;
    /// Zeros come in from above.
    fn right<const BITS: i32>(words: Self::Words) -> Self::Words;

    /// Eight rows by column: the four words of their first elements, then those of their second.
    fn columns(rows: [&Row; LANES]) -> [[Self::Words; 4]; 2];
    /// The way back.
    fn rows(columns: [[Self::Words; 4]; 2], rows: &mut [Row; LANES]);
    /// Lane `j` of vector `i` becomes lane `i` of vector `j`.
    fn turn(vectors: [Self; LANES]) -> [Self; LANES];
    fn prefetch(row: &Row);

    /// Products, side by side: as [`product::products`], which is so long that it stands once for all that calls it.
    fn products<C: MontConfig<4>, const N: usize>(
        a: &[DoubleLanes<Self, C>; N],
        b: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N];
    /// Squares, likewise.
    fn squares<C: MontConfig<4>, const N: usize>(
        roots: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N];
}

/// Eight elements, limb by limb.
pub(crate) struct DoubleLanes<V, C>([V; LIMBS], PhantomData<C>);

impl<V: Copy, C> Clone for DoubleLanes<V, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: Copy, C> Copy for DoubleLanes<V, C> {}

impl<V: Eight, C: MontConfig<4>> DoubleLanes<V, C> {
    #[inline(always)]
    fn new(limbs: [V; LIMBS]) -> Self {
        Self(limbs, PhantomData)
    }

    /// A whole number from `0` to `2^51 - 1` that stands for one with a sign, its top bit turned, as rows keep
    /// it.
    #[inline(always)]
    fn digit(words: V::Words) -> V {
        let word = V::xor(words, V::splat_words(EXPONENT | HALF));
        V::from_bits(word).sub(V::splat(((1u64 << 52) + HALF) as f64))
    }

    /// Four words of eight numbers to limbs.
    #[inline(always)]
    fn from_words(w: [V::Words; 4]) -> Self {
        let mask = V::splat_words(LIMB_MASK);
        let one = V::or(V::right::<51>(w[0]), V::left::<13>(w[1]));
        let two = V::or(V::right::<38>(w[1]), V::left::<26>(w[2]));
        let three = V::or(V::right::<25>(w[2]), V::left::<39>(w[3]));
        // The highest has a bit more.
        let top = V::xor(V::right::<12>(w[3]), V::splat_words(EXPONENT | (2 * HALF)));
        Self::new([
            Self::digit(V::and(w[0], mask)),
            Self::digit(V::and(one, mask)),
            Self::digit(V::and(two, mask)),
            Self::digit(V::and(three, mask)),
            V::from_bits(top).sub(V::splat(((1u64 << 52) + 2 * HALF) as f64)),
        ])
    }

    /// Limbs of reduced elements to four words of each.
    #[inline(always)]
    fn words(self) -> [V::Words; 4] {
        let (mask, half) = (V::splat_words(LIMB_MASK), V::splat_words(HALF));
        let whole = |half: u64| V::splat_words(half.wrapping_sub(WHOLE.to_bits()));
        let raised = whole(HALF);
        let mut t = [half; LIMBS];
        for limb in 0..LIMBS {
            t[limb] = self.0[limb].add(V::splat(WHOLE)).bits();
        }
        for limb in 0..LIMBS - 1 {
            let raised = V::plus(t[limb], raised);
            t[limb + 1] = V::plus(t[limb + 1], V::right::<51>(raised));
            t[limb] = V::xor(V::and(raised, mask), half);
        }
        let top = V::plus(t[4], whole(2 * HALF));
        t[4] = V::xor(top, V::splat_words(2 * HALF));
        [
            V::or(t[0], V::left::<51>(t[1])),
            V::or(V::right::<13>(t[1]), V::left::<38>(t[2])),
            V::or(V::right::<26>(t[2]), V::left::<25>(t[3])),
            V::or(V::right::<39>(t[3]), V::left::<12>(t[4])),
        ]
    }

    /// Each lane's number, from `0` to `p - 1`.
    #[inline(always)]
    fn canonical(self) -> [BigInt<4>; LANES] {
        let mut limbs = [[0.0; LANES]; LIMBS];
        for limb in 0..LIMBS {
            self.0[limb].write(&mut limbs[limb]);
        }
        let mut numbers = [BigInt([0; 4]); LANES];
        for (lane, number) in numbers.iter_mut().enumerate() {
            *number = Modulus::<C>::canonical([0, 1, 2, 3, 4].map(|limb| limbs[limb][lane] as i64));
        }
        numbers
    }
}

impl<V: Eight, C: MontConfig<4>> Numbers for DoubleLanes<V, C> {
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let [product] = V::products(&[self], &[other]);
        product
    }

    #[inline(always)]
    fn square(self) -> Self {
        let [square] = V::squares(&[self]);
        square
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut sum = self;
        for limb in 0..LIMBS {
            sum.0[limb] = self.0[limb].add(other.0[limb]);
        }
        sum
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        let mut difference = self;
        for limb in 0..LIMBS {
            difference.0[limb] = self.0[limb].sub(other.0[limb]);
        }
        difference
    }

    #[inline(always)]
    fn negate<const K: usize>(self) -> Self {
        Self::new([V::splat(0.0); LIMBS]).sub::<K>(self)
    }

    /// Takes off the nearest multiple of the modulus, told by the top limb, and carries.
    #[inline(always)]
    fn reduce(self) -> Self {
        let rounding = V::splat(WHOLE);
        let quotient = self.0[4].mul_add(V::splat(Modulus::<C>::RECIPROCAL), rounding);
        let quotient = quotient.sub(rounding);
        let mut t = self.0;
        for limb in 0..LIMBS {
            let modulus = V::splat(Modulus::<C>::LIMBS[limb] as f64);
            t[limb] = quotient.mul_sub_from(modulus, t[limb]);
        }
        let rounding = V::splat(ROUNDING);
        for limb in 0..LIMBS - 1 {
            let carry = t[limb].add(rounding).sub(rounding);
            t[limb] = t[limb].sub(carry);
            t[limb + 1] = carry.mul_add(V::splat(DOWN), t[limb + 1]);
        }
        Self::new(t)
    }

    #[inline(always)]
    fn compact(self) -> Self {
        self.reduce()
    }
}

impl<V: Eight, C: MontConfig<4>> Lanes for DoubleLanes<V, C> {
    type Field = Fp<MontBackend<C, 4>, 4>;

    #[inline(always)]
    fn splat(element: Self::Field) -> Self {
        let limbs = Modulus::<C>::centred(Self::number(element));
        let mut vectors = [V::splat(0.0); LIMBS];
        for limb in 0..LIMBS {
            vectors[limb] = V::splat(limbs[limb] as f64);
        }
        Self::new(vectors)
    }

    #[inline(always)]
    fn from_elements(elements: [Self::Field; LANES]) -> Self {
        let mut limbs = [[0.0; LANES]; LIMBS];
        for (lane, element) in elements.into_iter().enumerate() {
            let number = Modulus::<C>::centred(Self::number(element));
            for limb in 0..LIMBS {
                limbs[limb][lane] = number[limb] as f64;
            }
        }
        let mut vectors = [V::splat(0.0); LIMBS];
        for limb in 0..LIMBS {
            vectors[limb] = V::read(&limbs[limb]);
        }
        Self::new(vectors)
    }

    #[inline(always)]
    fn elements(self) -> [Self::Field; LANES] {
        self.canonical().map(Self::element)
    }

    #[inline(always)]
    fn integers(self) -> [BigInt<4>; LANES] {
        // By a bare one the radix goes.
        let zero = V::splat(0.0);
        self.mul(Self::new([V::splat(1.0), zero, zero, zero, zero])).canonical()
    }

    #[inline(always)]
    fn load(rows: [&Row; LANES]) -> (Self, Self) {
        let [first, second] = V::columns(rows);
        (Self::from_words(first), Self::from_words(second))
    }

    #[inline(always)]
    fn store(first: Self, second: Self, rows: &mut [Row; LANES]) {
        V::rows([first.words(), second.words()], rows);
    }

    #[inline(always)]
    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        let mut turned = vectors;
        for limb in 0..LIMBS {
            let mut column = [vectors[0].0[limb]; LANES];
            for (place, vector) in column.iter_mut().zip(&vectors) {
                *place = vector.0[limb];
            }
            for (turned, column) in turned.iter_mut().zip(V::turn(column)) {
                turned.0[limb] = column;
            }
        }
        turned
    }

    fn pack(element: Self::Field) -> [u64; 4] {
        digits(Modulus::<C>::centred(Self::number(element)))
    }

    fn unpack(words: [u64; 4]) -> Self::Field {
        Self::element(Modulus::<C>::canonical(modulus::limbs_of(words)))
    }

    #[inline(always)]
    fn mul_two(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        V::products(&a, &b)
    }

    #[inline(always)]
    fn square_two(roots: [Self; 2]) -> [Self; 2] {
        V::squares(&roots)
    }

    #[inline(always)]
    fn negate_where(self, mask: u8) -> Self {
        let mut negated = self;
        for limb in 0..LIMBS {
            negated.0[limb] = self.0[limb].negate_where(mask);
        }
        negated
    }

    #[inline(always)]
    fn prefetch(row: &Row) {
        V::prefetch(row);
    }
}

impl<V: Eight, C: MontConfig<4>> DoubleLanes<V, C> {
    /// What stands for an element: by radix `2^255`, where arkworks has `2^256`.
    fn number(element: <Self as Lanes>::Field) -> BigInt<4> {
        let mut number = element.0;
        if number.is_odd() {
            number.add_with_carry(&C::MODULUS);
        }
        number.div2();
        number
    }

    fn element(number: BigInt<4>) -> <Self as Lanes>::Field {
        let half: <Self as Lanes>::Field = Fp::new_unchecked(number);
        half.double()
    }
}
