//! Eight lanes by AVX2 and fused multiplication and addition: two registers of four doubles.
//!
//! Every `unsafe` here is an intrinsic that needs AVX2 or FMA, or a read or write of a row or an array by its
//! address. [`Avx2`] is made by [`Avx2::detect`] alone, which has asked the processor; lanes come into being
//! inside [`Path::run`] alone, or in what compiles a key for a path: both take one.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::MontConfig;

use super::doubles::{DoubleLanes, Eight, product};
use super::{Kernel, LANES, Path, Row};

/// A processor with AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The path, if the processor has it.
    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        has.then_some(Self(()))
    }
}

impl Path for Avx2 {
    type Base = DoubleLanes<FourAndFour, FqConfig>;
    type Scalar = DoubleLanes<FourAndFour, FrConfig>;

    const NAME: &'static str = "avx2-fma";

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn with_features<K: Kernel<Avx2>>(kernel: K) -> K::Output {
            kernel.run()
        }
        // SAFETY: `Self` was made by `detect`, so the processor has the features.
        unsafe { with_features(kernel) }
    }
}

/// Lanes 0 to 3, and 4 to 7.
#[derive(Clone, Copy)]
pub(crate) struct FourAndFour(__m256d, __m256d);

/// The same lanes as words.
#[derive(Clone, Copy)]
pub(crate) struct Words(__m256i, __m256i);

/// An intrinsic, for which [`Avx2`] vouches.
macro_rules! vector {
    ($name:ident $(::<$constant:ident>)? ($($argument:expr),*)) => {
        // SAFETY: lanes exist on a processor with the features alone; see the module.
        unsafe { $name$(::<$constant>)?($($argument),*) }
    };
}

/// An intrinsic on both halves.
macro_rules! halves {
    ($of:ident, $name:ident $(::<$constant:ident>)? ($($argument:ident),+)) => {
        $of(
            vector!($name $(::<$constant>)?($($argument.0),+)),
            vector!($name $(::<$constant>)?($($argument.1),+)),
        )
    };
}

/// Four rows of four words: column `j` has word `j` of each.
#[inline(always)]
fn transpose([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    let (ab_even, ab_odd) =
        (vector!(_mm256_unpacklo_epi64(a, b)), vector!(_mm256_unpackhi_epi64(a, b)));
    let (cd_even, cd_odd) =
        (vector!(_mm256_unpacklo_epi64(c, d)), vector!(_mm256_unpackhi_epi64(c, d)));
    const LOW: i32 = 0x20;
    const HIGH: i32 = 0x31;
    [
        vector!(_mm256_permute2x128_si256::<LOW>(ab_even, cd_even)),
        vector!(_mm256_permute2x128_si256::<LOW>(ab_odd, cd_odd)),
        vector!(_mm256_permute2x128_si256::<HIGH>(ab_even, cd_even)),
        vector!(_mm256_permute2x128_si256::<HIGH>(ab_odd, cd_odd)),
    ]
}

/// The signs of the lanes in a mask.
static SIGNS: [[u64; 4]; 16] = {
    let mut signs = [[0; 4]; 16];
    let mut mask = 0;
    while mask < 16 {
        let mut lane = 0;
        while lane < 4 {
            signs[mask][lane] = ((mask >> lane & 1) as u64) << 63;
            lane += 1;
        }
        mask += 1;
    }
    signs
};

#[inline(always)]
fn read_words(words: &[u64; 4]) -> __m256i {
    // SAFETY: 32 bytes are read of an array of 32 bytes; see the module for the features.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

/// The first or the second element of a row.
#[inline(always)]
fn read_element(row: &Row, place: usize) -> __m256i {
    let Row(words) = row;
    // SAFETY: a row is two elements of 32 bytes, and `place` is 0 or 1 wherever this is called.
    unsafe { _mm256_load_si256(words.as_ptr().add(4 * place).cast()) }
}

#[inline(always)]
fn write_element(row: &mut Row, place: usize, element: __m256i) {
    let Row(words) = row;
    // SAFETY: as in `read_element`.
    unsafe { _mm256_store_si256(words.as_mut_ptr().add(4 * place).cast(), element) }
}

impl Eight for FourAndFour {
    type Words = Words;

    #[inline(always)]
    fn splat(number: f64) -> Self {
        let four = vector!(_mm256_set1_pd(number));
        Self(four, four)
    }

    #[inline(always)]
    fn read(numbers: &[f64; LANES]) -> Self {
        // SAFETY: two times 32 bytes are read of an array of 64 bytes.
        unsafe { Self(_mm256_loadu_pd(numbers.as_ptr()), _mm256_loadu_pd(numbers.as_ptr().add(4))) }
    }

    #[inline(always)]
    fn write(self, numbers: &mut [f64; LANES]) {
        // SAFETY: two times 32 bytes are written to an array of 64 bytes.
        unsafe {
            _mm256_storeu_pd(numbers.as_mut_ptr(), self.0);
            _mm256_storeu_pd(numbers.as_mut_ptr().add(4), self.1);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        halves!(Self, _mm256_add_pd(self, other))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        halves!(Self, _mm256_sub_pd(self, other))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        halves!(Self, _mm256_fmadd_pd(self, factor, addend))
    }

    #[inline(always)]
    fn mul_sub_from(self, factor: Self, minuend: Self) -> Self {
        halves!(Self, _mm256_fnmadd_pd(self, factor, minuend))
    }

    #[inline(always)]
    fn negate_where(self, mask: u8) -> Self {
        let (low, high) = (&SIGNS[usize::from(mask & 15)], &SIGNS[usize::from(mask >> 4)]);
        let signs = Words(read_words(low), read_words(high));
        Self::from_bits(Self::xor(self.bits(), signs))
    }

    #[inline(always)]
    fn bits(self) -> Words {
        halves!(Words, _mm256_castpd_si256(self))
    }

    #[inline(always)]
    fn from_bits(words: Words) -> Self {
        halves!(Self, _mm256_castsi256_pd(words))
    }

    #[inline(always)]
    fn splat_words(word: u64) -> Words {
        let four = vector!(_mm256_set1_epi64x(word as i64));
        Words(four, four)
    }

    #[inline(always)]
    fn plus(a: Words, b: Words) -> Words {
        halves!(Words, _mm256_add_epi64(a, b))
    }

    #[inline(always)]
    fn and(a: Words, b: Words) -> Words {
        halves!(Words, _mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn or(a: Words, b: Words) -> Words {
        halves!(Words, _mm256_or_si256(a, b))
    }

    #[inline(always)]
    fn xor(a: Words, b: Words) -> Words {
        halves!(Words, _mm256_xor_si256(a, b))
    }

    #[inline(always)]
    fn left<const BITS: i32>(words: Words) -> Words {
        halves!(Words, _mm256_slli_epi64::<BITS>(words))
    }

    #[inline(always)]
    fn right<const BITS: i32>(words: Words) -> Words {
        halves!(Words, _mm256_srli_epi64::<BITS>(words))
    }

    #[inline(always)]
    fn columns(rows: [&Row; LANES]) -> [[Words; 4]; 2] {
        let mut columns = [[Self::splat_words(0); 4]; 2];
        for (place, columns) in columns.iter_mut().enumerate() {
            let (mut low, mut high) = ([read_element(rows[0], place); 4], [columns[0].1; 4]);
            for lane in 0..4 {
                low[lane] = read_element(rows[lane], place);
                high[lane] = read_element(rows[lane + 4], place);
            }
            let (low, high) = (transpose(low), transpose(high));
            for word in 0..4 {
                columns[word] = Words(low[word], high[word]);
            }
        }
        columns
    }

    #[inline(always)]
    fn rows(columns: [[Words; 4]; 2], rows: &mut [Row; LANES]) {
        for (place, [a, b, c, d]) in columns.into_iter().enumerate() {
            let (low, high) = (transpose([a.0, b.0, c.0, d.0]), transpose([a.1, b.1, c.1, d.1]));
            for lane in 0..4 {
                write_element(&mut rows[lane], place, low[lane]);
                write_element(&mut rows[lane + 4], place, high[lane]);
            }
        }
    }

    #[inline(always)]
    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        let [a, b, c, d, e, f, g, h] = vectors;
        let (above_left, above_right) =
            (turned([a.0, b.0, c.0, d.0]), turned([a.1, b.1, c.1, d.1]));
        let (below_left, below_right) =
            (turned([e.0, f.0, g.0, h.0]), turned([e.1, f.1, g.1, h.1]));
        let mut turned = vectors;
        for lane in 0..4 {
            turned[lane] = Self(above_left[lane], below_left[lane]);
            turned[lane + 4] = Self(above_right[lane], below_right[lane]);
        }
        turned
    }

    #[inline(always)]
    fn prefetch(row: &Row) {
        // SAFETY: a prefetch reads nothing that the program sees, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.0.as_ptr().cast()) }
    }

    #[inline(always)]
    fn products<C: MontConfig<4>, const N: usize>(
        a: &[DoubleLanes<Self, C>; N],
        b: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N] {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn with_features<C: MontConfig<4>, const N: usize>(
            a: &[DoubleLanes<FourAndFour, C>; N],
            b: &[DoubleLanes<FourAndFour, C>; N],
        ) -> [DoubleLanes<FourAndFour, C>; N] {
            align_stack();
            product::products(a, b)
        }
        // SAFETY: lanes exist on a processor with the features alone; see the module.
        unsafe { with_features(a, b) }
    }

    #[inline(always)]
    fn squares<C: MontConfig<4>, const N: usize>(
        roots: &[DoubleLanes<Self, C>; N],
    ) -> [DoubleLanes<Self, C>; N] {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn with_features<C: MontConfig<4>, const N: usize>(
            roots: &[DoubleLanes<FourAndFour, C>; N],
        ) -> [DoubleLanes<FourAndFour, C>; N] {
            align_stack();
            product::squares(roots)
        }
        // SAFETY: as in `products`.
        unsafe { with_features(roots) }
    }
}

/// Makes the caller's stack begin at a cache line.
///
/// A product keeps more than sixteen registers hold. What is put aside goes to the stack, which is aligned to 16
/// bytes unless something on it asks for more; half of it would lie across two lines, and a product take half as long
/// again.
#[inline(always)]
fn align_stack() {
    std::hint::black_box(&mut Row::default());
}

#[inline(always)]
fn turned([a, b, c, d]: [__m256d; 4]) -> [__m256d; 4] {
    let words = [
        vector!(_mm256_castpd_si256(a)),
        vector!(_mm256_castpd_si256(b)),
        vector!(_mm256_castpd_si256(c)),
        vector!(_mm256_castpd_si256(d)),
    ];
    let [a, b, c, d] = transpose(words);
    [
        vector!(_mm256_castsi256_pd(a)),
        vector!(_mm256_castsi256_pd(b)),
        vector!(_mm256_castsi256_pd(c)),
        vector!(_mm256_castsi256_pd(d)),
    ]
}
