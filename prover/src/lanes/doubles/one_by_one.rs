//! The same doubles one after the other, on any processor: the twin that vectors of them are tested against.

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::MontConfig;

use super::super::{Kernel, LANES, Path, Row};
use super::{DoubleLanes, Eight, product};

/// Doubles one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OneByOne;

impl Path for OneByOne {
    type Base = DoubleLanes<[f64; LANES], FqConfig>;
    type Scalar = DoubleLanes<[f64; LANES], FrConfig>;

    const NAME: &'static str = "doubles";

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        kernel.run()
    }
}

fn each<A: Copy, B: Copy, T>(a: [A; LANES], b: [B; LANES], of: impl Fn(A, B) -> T) -> [T; LANES] {
    std::array::from_fn(|lane| of(a[lane], b[lane]))
}

impl Eight for [f64; LANES] {
    type Words = [u64; LANES];

    fn splat(number: f64) -> Self {
        [number; LANES]
    }

    fn read(numbers: &[f64; LANES]) -> Self {
        *numbers
    }

    fn write(self, numbers: &mut [f64; LANES]) {
        *numbers = self;
    }

    fn add(self, other: Self) -> Self {
        each(self, other, |a, b| a + b)
    }

    fn sub(self, other: Self) -> Self {
        each(self, other, |a, b| a - b)
    }

    fn mul_add(self, factor: Self, addend: Self) -> Self {
        std::array::from_fn(|lane| self[lane].mul_add(factor[lane], addend[lane]))
    }

    fn mul_sub_from(self, factor: Self, minuend: Self) -> Self {
        std::array::from_fn(|lane| (-self[lane]).mul_add(factor[lane], minuend[lane]))
    }

    fn negate_where(self, mask: u8) -> Self {
        std::array::from_fn(|lane| if mask >> lane & 1 == 1 { -self[lane] } else { self[lane] })
    }

    fn bits(self) -> [u64; LANES] {
        self.map(f64::to_bits)
    }

    fn from_bits(words: [u64; LANES]) -> Self {
        words.map(f64::from_bits)
    }

    fn splat_words(word: u64) -> [u64; LANES] {
        [word; LANES]
    }

    fn plus(a: [u64; LANES], b: [u64; LANES]) -> [u64; LANES] {
        each(a, b, u64::wrapping_add)
    }

    fn and(a: [u64; LANES], b: [u64; LANES]) -> [u64; LANES] {
        each(a, b, |a, b| a & b)
    }

    fn or(a: [u64; LANES], b: [u64; LANES]) -> [u64; LANES] {
        each(a, b, |a, b| a | b)
    }

    fn xor(a: [u64; LANES], b: [u64; LANES]) -> [u64; LANES] {
        each(a, b, |a, b| a ^ b)
    }

    fn left<const BITS: i32>(words: [u64; LANES]) -> [u64; LANES] {
        words.map(|word| word << BITS)
    }

    fn right<const BITS: i32>(words: [u64; LANES]) -> [u64; LANES] {
        words.map(|word| word >> BITS)
    }

    fn columns(rows: [&Row; LANES]) -> [[[u64; LANES]; 4]; 2] {
        let column = |word: usize| rows.map(|row| row.0[word]);
        [[0, 1, 2, 3].map(column), [4, 5, 6, 7].map(column)]
    }

    fn rows([first, second]: [[[u64; LANES]; 4]; 2], rows: &mut [Row; LANES]) {
        for (lane, Row(words)) in rows.iter_mut().enumerate() {
            for word in 0..4 {
                (words[word], words[word + 4]) = (first[word][lane], second[word][lane]);
            }
        }
    }

    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        std::array::from_fn(|j| std::array::from_fn(|i| vectors[i][j]))
    }

    fn prefetch(_: &Row) {}

    fn products<C: MontConfig<4>, const N: usize>(
        a: &[DoubleLanes<Self, C>; N],
        b: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N] {
        product::products(a, b)
    }

    fn squares<C: MontConfig<4>, const N: usize>(
        roots: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N] {
        product::squares(roots)
    }
}
