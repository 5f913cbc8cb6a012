//! Eight lanes by WASM's relaxed vectors: four registers of two doubles.
//!
//! What a multiplication with an addition is rounded to is left to the engine that runs it: once, as lanes need it, or
//! twice where the processor can't else. [`Relaxed::detect`] tries it.

use std::arch::wasm32::*;
use std::hint::black_box;

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::MontConfig;

use super::doubles::{DoubleLanes, Eight, product};
use super::{Kernel, LANES, Path, Row};

/// An engine that rounds a multiplication with an addition once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relaxed(());

impl Relaxed {
    /// The path, if the engine has it.
    pub(crate) fn detect() -> Option<Self> {
        // The square has 55 bits: rounded by itself it loses the last.
        let root = f64x2_splat(black_box(((1u64 << 27) + 1) as f64));
        let most = f64x2_splat(black_box(-(((1u64 << 54) + (1 << 28)) as f64)));
        let rest = f64x2_relaxed_madd(root, root, most);
        (f64x2_extract_lane::<0>(rest) == 1.0).then_some(Self(()))
    }
}

impl Path for Relaxed {
    type Base = DoubleLanes<FourPairs, FqConfig>;
    type Scalar = DoubleLanes<FourPairs, FrConfig>;

    const NAME: &'static str = "wasm-relaxed-simd";

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        kernel.run()
    }
}

/// Lanes 0 and 1, 2 and 3, and so on.
#[derive(Clone, Copy)]
pub(crate) struct FourPairs([v128; 4]);

/// The same lanes as words.
#[derive(Clone, Copy)]
pub(crate) struct Words([v128; 4]);

/// One instruction on each register.
macro_rules! each {
    ($of:ident, $pair:ident => $element:expr) => {{
        let mut registers = [f64x2_splat(0.0); 4];
        let mut $pair = 0;
        while $pair < 4 {
            registers[$pair] = $element;
            $pair += 1;
        }
        $of(registers)
    }};
}

impl Eight for FourPairs {
    type Words = Words;

    #[inline(always)]
    fn splat(number: f64) -> Self {
        Self([f64x2_splat(number); 4])
    }

    #[inline(always)]
    fn read(numbers: &[f64; LANES]) -> Self {
        each!(Self, pair => f64x2(numbers[2 * pair], numbers[2 * pair + 1]))
    }

    #[inline(always)]
    fn write(self, numbers: &mut [f64; LANES]) {
        for (pair, numbers) in numbers.chunks_exact_mut(2).enumerate() {
            numbers[0] = f64x2_extract_lane::<0>(self.0[pair]);
            numbers[1] = f64x2_extract_lane::<1>(self.0[pair]);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        each!(Self, pair => f64x2_add(self.0[pair], other.0[pair]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        each!(Self, pair => f64x2_sub(self.0[pair], other.0[pair]))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        each!(Self, pair => f64x2_relaxed_madd(self.0[pair], factor.0[pair], addend.0[pair]))
    }

    #[inline(always)]
    fn mul_sub_from(self, factor: Self, minuend: Self) -> Self {
        each!(Self, pair => f64x2_relaxed_nmadd(self.0[pair], factor.0[pair], minuend.0[pair]))
    }

    #[inline(always)]
    fn negate_where(self, mask: u8) -> Self {
        let sign = |lane: usize| u64::from(mask >> lane & 1) << 63;
        each!(Self, pair => v128_xor(self.0[pair], u64x2(sign(2 * pair), sign(2 * pair + 1))))
    }

    #[inline(always)]
    fn bits(self) -> Words {
        Words(self.0)
    }

    #[inline(always)]
    fn from_bits(words: Words) -> Self {
        Self(words.0)
    }

    #[inline(always)]
    fn splat_words(word: u64) -> Words {
        Words([u64x2_splat(word); 4])
    }

    #[inline(always)]
    fn plus(a: Words, b: Words) -> Words {
        each!(Words, pair => u64x2_add(a.0[pair], b.0[pair]))
    }

    #[inline(always)]
    fn and(a: Words, b: Words) -> Words {
        each!(Words, pair => v128_and(a.0[pair], b.0[pair]))
    }

    #[inline(always)]
    fn or(a: Words, b: Words) -> Words {
        each!(Words, pair => v128_or(a.0[pair], b.0[pair]))
    }

    #[inline(always)]
    fn xor(a: Words, b: Words) -> Words {
        each!(Words, pair => v128_xor(a.0[pair], b.0[pair]))
    }

    #[inline(always)]
    fn left<const BITS: i32>(words: Words) -> Words {
        each!(Words, pair => u64x2_shl(words.0[pair], BITS as u32))
    }

    #[inline(always)]
    fn right<const BITS: i32>(words: Words) -> Words {
        each!(Words, pair => u64x2_shr(words.0[pair], BITS as u32))
    }

    #[inline(always)]
    fn columns(rows: [&Row; LANES]) -> [[Words; 4]; 2] {
        let column = |word: usize| each!(Words, pair => u64x2(rows[2 * pair].0[word], rows[2 * pair + 1].0[word]));
        [[0, 1, 2, 3].map(column), [4, 5, 6, 7].map(column)]
    }

    #[inline(always)]
    fn rows([first, second]: [[Words; 4]; 2], rows: &mut [Row; LANES]) {
        for (pair, rows) in rows.chunks_exact_mut(2).enumerate() {
            for word in 0..4 {
                for (place, column) in [(word, first[word]), (word + 4, second[word])] {
                    rows[0].0[place] = u64x2_extract_lane::<0>(column.0[pair]);
                    rows[1].0[place] = u64x2_extract_lane::<1>(column.0[pair]);
                }
            }
        }
    }

    #[inline(always)]
    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        let mut turned = vectors;
        for lanes in 0..4 {
            for pair in 0..4 {
                let (a, b) = (vectors[2 * pair].0[lanes], vectors[2 * pair + 1].0[lanes]);
                turned[2 * lanes].0[pair] = u64x2_shuffle::<0, 2>(a, b);
                turned[2 * lanes + 1].0[pair] = u64x2_shuffle::<1, 3>(a, b);
            }
        }
        turned
    }

    #[inline(always)]
    fn prefetch(_: &Row) {}

    #[inline(never)]
    fn products<C: MontConfig<4>, const N: usize>(
        a: &[DoubleLanes<Self, C>; N],
        b: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N] {
        product::products(a, b)
    }

    #[inline(never)]
    fn squares<C: MontConfig<4>, const N: usize>(
        roots: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N] {
        product::squares(roots)
    }
}
