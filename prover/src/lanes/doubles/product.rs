//! Products of eight elements, and squares.
//!
//! Column by column from the lowest, as in product scanning with interleaved reduction (Koç, Acar and
//! Kaliski, "Analyzing and comparing Montgomery multiplication algorithms", 1996, "FIPS"). A column is an
//! integer in 64 bits: the lower halves of its own products and the upper halves of those one column down.
//!
//! The four lowest columns are cleared by a multiple of the modulus that is one less than `2^51` times
//! [`Modulus::RAISED`]: the column's own digit is the factor, nothing is multiplied to find it, and so the next
//! column waits for little. The last is cleared by the modulus itself, which keeps the result small.

use std::marker::PhantomData;

use ark_ff::MontConfig;

use super::modulus::{LIMB_BITS, LIMB_MASK, LIMBS, Modulus};
use super::{DoubleLanes, EXPONENT, Eight, HALF, ROUNDING, WHOLE};

/// What is added to a column so that it has no sign: a multiple of `2^51`.
const RAISE: u64 = 1 << 61;
/// [`ROUNDING`] and [`WHOLE`] together.
const BOTH: f64 = ((3u128 << 102) + (3u128 << 51)) as f64;
/// `2^52` and half a limb.
const RAISED_DIGIT: f64 = ((1u64 << 52) + HALF) as f64;

/// How many chains of products each column has: of the factors, of the reduction.
const CHAINS_OF_PRODUCT: [u64; 9] = [1, 1, 2, 2, 3, 2, 2, 2, 1];
const CHAINS_OF_SQUARE: [u64; 9] = [1, 1, 1, 1, 2, 1, 1, 1, 1];
const CHAINS_OF_REDUCTION: [u64; 9] = [0, 1, 1, 2, 3, 3, 2, 2, 1];

/// What columns begin with: half a limb, so that digits are taken to the nearest; what keeps the sign off, less
/// what the column below hands on of its own; less the bits that each chain adds.
const fn begins(chains: [u64; 9]) -> [u64; 10] {
    let mut begins = [0; 10];
    let mut column = 0;
    while column < 10 {
        let mut begin = RAISE + HALF;
        if column > 0 {
            let above = chains[column - 1] + CHAINS_OF_REDUCTION[column - 1];
            begin = begin.wrapping_sub(above.wrapping_mul(ROUNDING.to_bits()));
            begin = begin.wrapping_sub(RAISE >> LIMB_BITS);
        }
        if column < 9 {
            let own = chains[column] + CHAINS_OF_REDUCTION[column];
            begin = begin.wrapping_sub(own.wrapping_mul(WHOLE.to_bits()));
        }
        begins[column] = begin;
        column += 1;
    }
    begins
}

/// The columns' begins, of squares or of products.
const fn begin<const SQUARE: bool>(column: usize) -> u64 {
    const BEGINS: [[u64; 10]; 2] = [begins(CHAINS_OF_PRODUCT), begins(CHAINS_OF_SQUARE)];
    BEGINS[SQUARE as usize][column]
}

/// Columns of several products, step by step side by side.
struct Columns<V: Eight, const N: usize, const SQUARE: bool> {
    /// The column at hand, and the one above it.
    here: [V::Words; N],
    above: [V::Words; N],
    factors: [[V; LIMBS]; N],
    digits: [[V; LIMBS]; N],
}

impl<V: Eight, const N: usize, const SQUARE: bool> Columns<V, N, SQUARE> {
    #[inline(always)]
    fn new() -> Self {
        Self {
            here: [V::splat_words(const { begin::<SQUARE>(0) }); N],
            above: [V::splat_words(const { begin::<SQUARE>(1) }); N],
            factors: [[V::splat(0.0); LIMBS]; N],
            digits: [[V::splat(0.0); LIMBS]; N],
        }
    }

    /// Adds a product to the column at hand.
    #[inline(always)]
    fn one(&mut self, k: usize, (a, b): (V, V)) {
        let high = a.mul_add(b, V::splat(ROUNDING));
        let low = a.mul_add(b, V::splat(BOTH).sub(high));
        self.here[k] = V::plus(self.here[k], low.bits());
        self.above[k] = V::plus(self.above[k], high.bits());
    }

    /// Adds two products, the second rounded on top of the first.
    #[inline(always)]
    fn two(&mut self, k: usize, (a, b): (V, V), (c, d): (V, V)) {
        let high = a.mul_add(b, V::splat(ROUNDING));
        let low = a.mul_add(b, V::splat(BOTH).sub(high));
        let higher = c.mul_add(d, high);
        let lower = c.mul_add(d, high.sub(higher));
        self.here[k] = V::plus(self.here[k], low.add(lower).bits());
        self.above[k] = V::plus(self.above[k], higher.bits());
    }

    /// The column's digit, from `-2^50` to `2^50 - 1`.
    #[inline(always)]
    fn digit(&self, k: usize) -> V {
        let digit = V::and(self.here[k], V::splat_words(LIMB_MASK));
        V::from_bits(V::or(digit, V::splat_words(EXPONENT))).sub(V::splat(RAISED_DIGIT))
    }

    /// Clears the column or takes its digit for the result, and goes on to the next.
    #[inline(always)]
    fn finish<C: MontConfig<4>, const COLUMN: usize>(&mut self) {
        macro_rules! raised {
            ($limb:literal) => {
                V::splat(Modulus::<C>::RAISED[$limb] as f64)
            };
        }
        macro_rules! modulus {
            ($limb:literal) => {
                V::splat(Modulus::<C>::LIMBS[$limb] as f64)
            };
        }
        for k in 0..N {
            let f = self.factors[k];
            match COLUMN {
                1 => self.one(k, (f[0], raised!(0))),
                2 => self.two(k, (f[0], raised!(1)), (f[1], raised!(0))),
                3 => {
                    self.two(k, (f[0], raised!(2)), (f[1], raised!(1)));
                    self.one(k, (f[2], raised!(0)));
                }
                4 => {
                    self.two(k, (f[0], raised!(3)), (f[1], raised!(2)));
                    self.two(k, (f[2], raised!(1)), (f[3], raised!(0)));
                }
                5 => {
                    self.two(k, (f[0], raised!(4)), (f[1], raised!(3)));
                    self.two(k, (f[2], raised!(2)), (f[3], raised!(1)));
                    self.one(k, (f[4], modulus!(1)));
                }
                6 => {
                    self.two(k, (f[1], raised!(4)), (f[2], raised!(3)));
                    self.two(k, (f[3], raised!(2)), (f[4], modulus!(2)));
                }
                7 => {
                    self.two(k, (f[2], raised!(4)), (f[3], raised!(3)));
                    self.one(k, (f[4], modulus!(3)));
                }
                8 => self.two(k, (f[3], raised!(4)), (f[4], modulus!(4))),
                _ => {}
            }
        }
        for k in 0..N {
            match COLUMN {
                0..4 => self.factors[k][COLUMN] = self.digit(k),
                4 => {
                    let inverse = V::splat(Modulus::<C>::NEGATED_INVERSE as f64);
                    let (digit, rounding) = (self.digit(k), V::splat(ROUNDING));
                    let high = digit.mul_add(inverse, rounding);
                    self.factors[k][4] = digit.mul_add(inverse, rounding.sub(high));
                    self.one(k, (self.factors[k][4], modulus!(0)));
                }
                _ => self.digits[k][COLUMN - 5] = self.digit(k),
            }
            let above = self.above[k];
            self.here[k] = V::plus(above, V::right::<51>(self.here[k]));
            self.above[k] = V::splat_words(const { begin::<SQUARE>((COLUMN + 2) % 10) });
        }
    }

    /// The digits of the five columns from the sixth on.
    #[inline(always)]
    fn result<C>(mut self) -> [DoubleLanes<V, C>; N] {
        let mut results = [DoubleLanes([V::splat(0.0); LIMBS], PhantomData); N];
        for k in 0..N {
            let bare = V::splat_words(WHOLE.to_bits().wrapping_sub(RAISE + HALF));
            let top = V::from_bits(V::plus(self.here[k], bare)).sub(V::splat(WHOLE));
            self.digits[k][LIMBS - 1] = top;
            results[k].0 = self.digits[k];
        }
        results
    }
}

/// Adds the products of limbs to a column, and finishes it.
macro_rules! column {
    ($columns:ident, $number:literal, $($kind:ident $($a:ident[$i:literal] $b:ident[$j:literal]),+;)+) => {
        $(for k in 0..N {
            $columns.$kind(k, $(($a[k][$i], $b[k][$j])),+);
        })+
        $columns.finish::<C, $number>();
    };
}

/// Products of several vectors. Of two limbs whose products are chained, neither product is above `2^101`.
#[inline(always)]
pub(in crate::lanes) fn products<V: Eight, C: MontConfig<4>, const N: usize>(
    first: &[DoubleLanes<V, C>; N],
    second: &[DoubleLanes<V, C>; N],
) -> [DoubleLanes<V, C>; N] {
    let mut a = [[V::splat(0.0); LIMBS]; N];
    let mut b = a;
    for k in 0..N {
        (a[k], b[k]) = (first[k].0, second[k].0);
    }
    let mut t = Columns::<V, N, false>::new();
    column!(t, 0, one a[0] b[0];);
    column!(t, 1, two a[0] b[1], a[1] b[0];);
    column!(t, 2, two a[0] b[2], a[1] b[1]; one a[2] b[0];);
    column!(t, 3, two a[0] b[3], a[1] b[2]; two a[2] b[1], a[3] b[0];);
    column!(t, 4, two a[0] b[4], a[1] b[3]; two a[2] b[2], a[3] b[1]; one a[4] b[0];);
    column!(t, 5, two a[1] b[4], a[2] b[3]; two a[3] b[2], a[4] b[1];);
    column!(t, 6, two a[2] b[4], a[3] b[3]; one a[4] b[2];);
    column!(t, 7, one a[3] b[4]; one a[4] b[3];);
    column!(t, 8, one a[4] b[4];);
    t.result()
}

/// Squares of several vectors. Limbs are those of a product, from `-2^50` to `2^50`.
#[inline(always)]
pub(in crate::lanes) fn squares<V: Eight, C: MontConfig<4>, const N: usize>(
    roots: &[DoubleLanes<V, C>; N],
) -> [DoubleLanes<V, C>; N] {
    let mut a = [[V::splat(0.0); LIMBS]; N];
    let mut d = a;
    for k in 0..N {
        a[k] = roots[k].0;
        for limb in 0..LIMBS {
            d[k][limb] = a[k][limb].add(a[k][limb]);
        }
    }
    let mut t = Columns::<V, N, true>::new();
    column!(t, 0, one a[0] a[0];);
    column!(t, 1, one d[0] a[1];);
    column!(t, 2, two d[0] a[2], a[1] a[1];);
    column!(t, 3, two d[0] a[3], d[1] a[2];);
    column!(t, 4, two d[0] a[4], d[1] a[3]; one a[2] a[2];);
    column!(t, 5, two d[1] a[4], d[2] a[3];);
    column!(t, 6, two d[2] a[4], a[3] a[3];);
    column!(t, 7, one d[3] a[4];);
    column!(t, 8, one a[4] a[4];);
    t.result()
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, FqConfig};
    use ark_ff::{Field, PrimeField};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::lanes::LANES;

    type Lanes<V> = DoubleLanes<V, FqConfig>;

    /// An element of each lane's limbs, by the radix `2^255`.
    fn element(limbs: [[f64; LANES]; LIMBS], lane: usize) -> Fq {
        let radix = Fq::from(1u64 << LIMB_BITS);
        let limbs = limbs.iter().rev().map(|limb| Fq::from(limb[lane] as i64));
        limbs.fold(Fq::from(0u64), |sum, limb| sum * radix + limb)
            / Fq::from(2u64).pow([u64::from(LIMB_BITS) * LIMBS as u64])
    }

    /// Limbs at the edges of what a product takes, so many times `2^50` at most, and any between; the top one so many
    /// hundredths of that.
    fn limbs(rng: &mut ChaCha20Rng, times: i64, top: i64) -> [[f64; LANES]; LIMBS] {
        let limb = |rng: &mut ChaCha20Rng, most: i64| {
            let edges = [most, most - 1, -most, 1 - most, 0, 1, -1, 1 << 49, most / 2 + 1];
            let edge = edges.get(rng.gen_range(0..edges.len() + 2)).copied();
            edge.unwrap_or_else(|| rng.gen_range(-most..=most)) as f64
        };
        let mut limbs = [[0.0; LANES]; LIMBS];
        for (place, limb_of) in limbs.iter_mut().enumerate() {
            let most = if place < LIMBS - 1 { times << 50 } else { (1 << 50) / 100 * top };
            *limb_of = std::array::from_fn(|_| limb(rng, most));
        }
        limbs
    }

    fn lanes<V: Eight>(limbs: &[[f64; LANES]; LIMBS]) -> Lanes<V> {
        DoubleLanes::new(limbs.each_ref().map(V::read))
    }

    fn products_of_extreme_limbs_are_right<V: Eight>() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        for _ in 0..3_000 {
            // A difference and what it goes by, in additions and in transforms; a root.
            let (a_top, b_top) = if rng.r#gen() { (78, 98) } else { (183, 39) };
            let (a, b) = (limbs(&mut rng, 2, a_top), limbs(&mut rng, 1, b_top));
            let c = limbs(&mut rng, 1, 98);
            let [ab, bc] = V::products(&[lanes(&a), lanes(&b)], &[lanes(&b), lanes(&c)]);
            let [bb, cc] = V::squares(&[lanes::<V>(&b), lanes(&c)]);
            let made = [ab, bc, bb, cc].map(DoubleLanes::canonical);
            for lane in 0..LANES {
                let [a, b, c] = [&a, &b, &c].map(|limbs| element(*limbs, lane));
                for (made, expected) in made.iter().zip([a * b, b * c, b * b, c * c]) {
                    let radix = Fq::from(2u64).pow([255u64]);
                    assert_eq!(made[lane], (expected * radix).into_bigint());
                }
            }
        }
    }

    #[test]
    fn product_of_extreme_limbs_is_right_one_by_one() {
        products_of_extreme_limbs_are_right::<[f64; LANES]>();
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn product_of_extreme_limbs_is_right_by_avx2() {
        if crate::lanes::Avx2::detect().is_none() {
            eprintln!("no AVX2 and FMA here: nothing to compare");
            return;
        }
        products_of_extreme_limbs_are_right::<crate::lanes::avx2::FourAndFour>();
    }
}
