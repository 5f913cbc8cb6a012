//! Eight lanes by AVX-512's 52-bit multipliers.
//!
//! An element is five limbs of 52 bits, `a_0 + 2^52 a_1 + … + 2^208 a_4`, each in the low bits of a
//! 64-bit lane of one register, and stands for `a / 2^260` (Montgomery form by radix `2^260`). Source
//! of the product: Gueron and Krasnov, "Software implementation of modular exponentiation, using
//! advanced vector instructions architectures", 2012, with one reduction step for each limb.
//!
//! Every `unsafe` here is an intrinsic that needs AVX-512F and IFMA, or a read or write of one row by
//! its address. [`Ifma`] is made by [`Ifma::detect`] alone, which has asked the processor; lanes come into
//! being inside [`Path::run`] alone, or in what compiles a key for a path: both take one.
#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::marker::PhantomData;

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Fp, MontBackend, MontConfig, PrimeField};

use super::{Kernel, LANES, Lanes, Numbers, Path, Row, inverse_of_odd};

const LIMBS: usize = 5;
const LIMB_MASK: u64 = (1 << 52) - 1;

/// A processor with AVX-512F and IFMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ifma(());

impl Ifma {
    /// The path, if the processor has it.
    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        has.then_some(Self(()))
    }
}

impl Path for Ifma {
    type Base = IfmaLanes<FqConfig>;
    type Scalar = IfmaLanes<FrConfig>;

    const NAME: &'static str = "avx512-ifma";

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn with_features<K: Kernel<Ifma>>(kernel: K) -> K::Output {
            kernel.run()
        }
        // SAFETY: `Self` was made by `detect`, so the processor has the features.
        unsafe { with_features(kernel) }
    }
}

/// Eight elements, limb by limb.
pub(crate) struct IfmaLanes<C>([__m512i; LIMBS], PhantomData<C>);

impl<C> Clone for IfmaLanes<C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for IfmaLanes<C> {}

/// What is computed of a modulus while compiling.
struct Modulus<C>(PhantomData<C>);

const fn limbs(words: [u64; 5]) -> [u64; LIMBS] {
    [
        words[0] & LIMB_MASK,
        (words[0] >> 52 | words[1] << 12) & LIMB_MASK,
        (words[1] >> 40 | words[2] << 24) & LIMB_MASK,
        (words[2] >> 28 | words[3] << 36) & LIMB_MASK,
        (words[3] >> 16 | words[4] << 48) & LIMB_MASK,
    ]
}

const fn times(words: [u64; 4], factor: u64) -> [u64; 5] {
    let mut product = [0; 5];
    let mut carry = 0u128;
    let mut index = 0;
    while index < 4 {
        let sum = words[index] as u128 * factor as u128 + carry;
        product[index] = sum as u64;
        carry = sum >> 64;
        index += 1;
    }
    product[4] = carry as u64;
    product
}

impl<C: MontConfig<4>> Modulus<C> {
    /// `0, p, 2p, … 8p`.
    const MULTIPLES: [[u64; LIMBS]; 9] = {
        let mut multiples = [[0; LIMBS]; 9];
        let mut factor = 0;
        while factor < 9 {
            multiples[factor] = limbs(times(C::MODULUS.0, factor as u64));
            factor += 1;
        }
        multiples
    };

    const LIMBS: [u64; LIMBS] = Self::MULTIPLES[1];

    /// The same by limb: `0, p, … 7p` of each.
    const COLUMNS: [[u64; 8]; LIMBS] = {
        let mut columns = [[0; 8]; LIMBS];
        let mut limb = 0;
        while limb < LIMBS {
            let mut factor = 0;
            while factor < 8 {
                columns[limb][factor] = Self::MULTIPLES[factor][limb];
                factor += 1;
            }
            limb += 1;
        }
        columns
    };

    /// `-1 / p` modulo `2^52`.
    const NEGATED_INVERSE: u64 = inverse_of_odd(C::MODULUS.0[0]).wrapping_neg() & LIMB_MASK;

    /// `2^(97+208) / p`, rounded down by taking the top limb of `p` one larger: below `2^52`.
    const RECIPROCAL: u64 = ((1u128 << 97) / (Self::LIMBS[4] as u128 + 1)) as u64;
}

/// An intrinsic, for which [`Ifma`] vouches.
macro_rules! vector {
    ($name:ident $(::<$constant:literal>)? ($($argument:expr),*)) => {
        // SAFETY: lanes exist on a processor with the features alone; see the module.
        unsafe { $name$(::<$constant>)?($($argument),*) }
    };
}

/// An array by its index. A closure would be compiled without the path's features: nothing that
/// computes on vectors here may stand in one.
macro_rules! array {
    ($count:expr, $index:ident => $element:expr) => {{
        let mut array = [splat(0); $count];
        let mut $index = 0;
        while $index < $count {
            array[$index] = $element;
            $index += 1;
        }
        array
    }};
}

#[inline(always)]
fn splat(word: u64) -> __m512i {
    vector!(_mm512_set1_epi64(word as i64))
}

#[inline(always)]
fn read(words: &[u64; 8]) -> __m512i {
    // SAFETY: 64 bytes are read of an array of 64 bytes; see the module for the features.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline(always)]
fn write(words: &mut [u64; 8], vector: __m512i) {
    // SAFETY: 64 bytes are written to an array of 64 bytes; see the module for the features.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
}

/// Rows become columns: word `j` of row `i` goes to lane `i` of vector `j`.
#[inline(always)]
fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    let mut pairs = rows;
    for k in 0..4 {
        pairs[2 * k] = vector!(_mm512_unpacklo_epi64(rows[2 * k], rows[2 * k + 1]));
        pairs[2 * k + 1] = vector!(_mm512_unpackhi_epi64(rows[2 * k], rows[2 * k + 1]));
    }
    // Vector 2k + e has, in 128-bit part q, words 2q + e of rows 2k and 2k + 1.
    let mut fours = pairs;
    for e in 0..2 {
        for half in 0..2 {
            let (low, high) = (pairs[4 * half + e], pairs[4 * half + 2 + e]);
            fours[4 * half + e] = vector!(_mm512_shuffle_i64x2::<0x88>(low, high));
            fours[4 * half + 2 + e] = vector!(_mm512_shuffle_i64x2::<0xdd>(low, high));
        }
    }
    // Vector 4h + 2o + e has parts q of parity o: words 2o + e, 4 + 2o + e of four rows.
    let mut columns = fours;
    for e in 0..2 {
        for o in 0..2 {
            let (low, high) = (fours[2 * o + e], fours[4 + 2 * o + e]);
            columns[2 * o + e] = vector!(_mm512_shuffle_i64x2::<0x88>(low, high));
            columns[4 + 2 * o + e] = vector!(_mm512_shuffle_i64x2::<0xdd>(low, high));
        }
    }
    columns
}

#[inline(always)]
fn and(a: __m512i, b: __m512i) -> __m512i {
    vector!(_mm512_and_si512(a, b))
}

#[inline(always)]
fn or(a: __m512i, b: __m512i) -> __m512i {
    vector!(_mm512_or_si512(a, b))
}

#[inline(always)]
fn plus(a: __m512i, b: __m512i) -> __m512i {
    vector!(_mm512_add_epi64(a, b))
}

#[inline(always)]
fn minus(a: __m512i, b: __m512i) -> __m512i {
    vector!(_mm512_sub_epi64(a, b))
}

/// Four words of 64 bits to five limbs of 52.
#[inline(always)]
fn to_limbs(w: [__m512i; 4]) -> [__m512i; LIMBS] {
    let mask = splat(LIMB_MASK);
    [
        and(w[0], mask),
        and(
            or(vector!(_mm512_srli_epi64::<52>(w[0])), vector!(_mm512_slli_epi64::<12>(w[1]))),
            mask,
        ),
        and(
            or(vector!(_mm512_srli_epi64::<40>(w[1])), vector!(_mm512_slli_epi64::<24>(w[2]))),
            mask,
        ),
        and(
            or(vector!(_mm512_srli_epi64::<28>(w[2])), vector!(_mm512_slli_epi64::<36>(w[3]))),
            mask,
        ),
        vector!(_mm512_srli_epi64::<16>(w[3])),
    ]
}

/// Five limbs of 52 bits, of a number below `2^256`, to four words of 64.
#[inline(always)]
fn to_words(l: [__m512i; LIMBS]) -> [__m512i; 4] {
    [
        or(l[0], vector!(_mm512_slli_epi64::<52>(l[1]))),
        or(vector!(_mm512_srli_epi64::<12>(l[1])), vector!(_mm512_slli_epi64::<40>(l[2]))),
        or(vector!(_mm512_srli_epi64::<24>(l[2])), vector!(_mm512_slli_epi64::<28>(l[3]))),
        or(vector!(_mm512_srli_epi64::<36>(l[3])), vector!(_mm512_slli_epi64::<16>(l[4]))),
    ]
}

/// Brings limbs with signs to 52 bits each; the number as a whole has none.
#[inline(always)]
fn carried(mut t: [__m512i; LIMBS]) -> [__m512i; LIMBS] {
    let mask = splat(LIMB_MASK);
    for limb in 0..LIMBS - 1 {
        t[limb + 1] = plus(t[limb + 1], vector!(_mm512_srai_epi64::<52>(t[limb])));
        t[limb] = and(t[limb], mask);
    }
    t
}

impl<C: MontConfig<4>> IfmaLanes<C> {
    #[inline(always)]
    fn new(limbs: [__m512i; LIMBS]) -> Self {
        Self(limbs, PhantomData)
    }

    /// Products of several vectors, step by step side by side.
    #[allow(clippy::needless_range_loop)] // an iterator's closure would lose the path's features
    #[inline(always)]
    fn products<const N: usize>(a: [Self; N], b: [Self; N]) -> [Self; N] {
        let p = array!(LIMBS, limb => splat(Modulus::<C>::LIMBS[limb]));
        let factor = splat(Modulus::<C>::NEGATED_INVERSE);
        let zero = splat(0);
        let mut t = [[zero; LIMBS]; N];
        let mut q = [zero; N];
        for limb in 0..LIMBS {
            for j in 0..LIMBS {
                for k in 0..N {
                    let (a, b) = (a[k].0[limb], b[k].0[j]);
                    t[k][j] = vector!(_mm512_madd52lo_epu64(t[k][j], a, b));
                }
            }
            for k in 0..N {
                q[k] = vector!(_mm512_madd52lo_epu64(zero, t[k][0], factor));
            }
            for j in 0..LIMBS {
                for k in 0..N {
                    t[k][j] = vector!(_mm512_madd52lo_epu64(t[k][j], q[k], p[j]));
                }
            }
            for t in &mut t {
                // The lowest limb is a multiple of 2^52 now: it goes, and its carry stays.
                let carry = vector!(_mm512_srli_epi64::<52>(t[0]));
                *t = [plus(t[1], carry), t[2], t[3], t[4], zero];
            }
            for j in 0..LIMBS {
                for k in 0..N {
                    let (a, b) = (a[k].0[limb], b[k].0[j]);
                    t[k][j] = vector!(_mm512_madd52hi_epu64(t[k][j], a, b));
                }
            }
            for j in 0..LIMBS {
                for k in 0..N {
                    t[k][j] = vector!(_mm512_madd52hi_epu64(t[k][j], q[k], p[j]));
                }
            }
        }
        let mut products = a;
        for (product, t) in products.iter_mut().zip(t) {
            *product = Self::new(carried(t));
        }
        products
    }

    /// Takes off as many moduli as go; the limbs may have signs, the number is below `8 p`.
    ///
    /// The quotient is taken from the top limb less 8, which outweighs what the limbs below can carry
    /// and what the reciprocal was rounded: it is never too large, and too small by less than a
    /// thousandth.
    #[inline(always)]
    fn reduced(t: [__m512i; LIMBS]) -> Self {
        let top = plus(t[4], vector!(_mm512_srai_epi64::<52>(t[3])));
        let top = vector!(_mm512_max_epi64(minus(top, splat(8)), splat(0)));
        let quotient =
            vector!(_mm512_madd52hi_epu64(splat(0), top, splat(Modulus::<C>::RECIPROCAL)));
        let quotient = vector!(_mm512_srli_epi64::<45>(quotient));
        Self::new(carried(array!(LIMBS, limb => {
            let multiples = read(&Modulus::<C>::COLUMNS[limb]);
            minus(t[limb], vector!(_mm512_permutexvar_epi64(quotient, multiples)))
        })))
    }
}

impl<C: MontConfig<4>> Numbers for IfmaLanes<C> {
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let [product] = Self::products([self], [other]);
        product
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(carried(array!(LIMBS, limb => plus(self.0[limb], other.0[limb]))))
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        Self::new(carried(array!(LIMBS, limb => {
            let raised = plus(self.0[limb], splat(Modulus::<C>::MULTIPLES[K][limb]));
            minus(raised, other.0[limb])
        })))
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        Self::reduced(self.0)
    }

    #[inline(always)]
    fn negate<const K: usize>(self) -> Self {
        Self::new(carried(array!(LIMBS, limb => {
            minus(splat(Modulus::<C>::MULTIPLES[K][limb]), self.0[limb])
        })))
    }
}

impl<C: MontConfig<4>> Lanes for IfmaLanes<C> {
    type Field = Fp<MontBackend<C, 4>, 4>;

    #[inline(always)]
    fn splat(element: Self::Field) -> Self {
        let [a, b, c, d] = Self::pack(element);
        let limbs = limbs([a, b, c, d, 0]);
        Self::new(array!(LIMBS, limb => splat(limbs[limb])))
    }

    #[inline(always)]
    fn from_elements(elements: [Self::Field; LANES]) -> Self {
        let mut columns = [[0; LANES]; 4];
        for (lane, element) in elements.into_iter().enumerate() {
            for (column, word) in columns.iter_mut().zip(Self::pack(element)) {
                column[lane] = word;
            }
        }
        Self::new(to_limbs(array!(4, word => read(&columns[word]))))
    }

    #[inline(always)]
    fn elements(self) -> [Self::Field; LANES] {
        let mut columns = [[0; LANES]; 4];
        for (column, vector) in columns.iter_mut().zip(to_words(self.0)) {
            write(column, vector);
        }
        std::array::from_fn(|lane| Self::unpack(std::array::from_fn(|word| columns[word][lane])))
    }

    #[inline(always)]
    fn integers(self) -> [BigInt<4>; LANES] {
        // By a bare one the radix goes; what comes is at most the modulus.
        let one = Self::new([splat(1), splat(0), splat(0), splat(0), splat(0)]);
        let mut columns = [[0; LANES]; 4];
        for (column, vector) in columns.iter_mut().zip(to_words(self.mul(one).0)) {
            write(column, vector);
        }
        std::array::from_fn(|lane| {
            let integer = BigInt(std::array::from_fn(|word| columns[word][lane]));
            if integer == Self::Field::MODULUS { BigInt::zero() } else { integer }
        })
    }

    #[inline(always)]
    fn load(rows: [&Row; LANES]) -> (Self, Self) {
        let [a, b, c, d, e, f, g, h] = transpose(array!(LANES, row => read(&rows[row].0)));
        (Self::new(to_limbs([a, b, c, d])), Self::new(to_limbs([e, f, g, h])))
    }

    #[inline(always)]
    fn store(first: Self, second: Self, rows: &mut [Row; LANES]) {
        let ([a, b, c, d], [e, f, g, h]) = (to_words(first.0), to_words(second.0));
        let columns = transpose([a, b, c, d, e, f, g, h]);
        for (Row(words), vector) in rows.iter_mut().zip(columns) {
            write(words, vector);
        }
    }

    #[inline(always)]
    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        let mut turned = vectors;
        for limb in 0..LIMBS {
            let columns = transpose(array!(LANES, row => vectors[row].0[limb]));
            for (turned, column) in turned.iter_mut().zip(columns) {
                turned.0[limb] = column;
            }
        }
        turned
    }

    fn pack(element: Self::Field) -> [u64; 4] {
        // From radix 2^256 to 2^260.
        let sixteen_times = element.double().double().double().double();
        sixteen_times.0.0
    }

    fn unpack(words: [u64; 4]) -> Self::Field {
        let mut number = BigInt(words);
        while number >= Self::Field::MODULUS {
            number.sub_with_borrow(&Self::Field::MODULUS);
        }
        // From radix 2^260 to 2^256: a sixteenth, by halves.
        for _ in 0..4 {
            if number.is_odd() {
                number.add_with_carry(&Self::Field::MODULUS);
            }
            number.div2();
        }
        Fp::new_unchecked(number)
    }

    #[inline(always)]
    fn negate_where(self, mask: u8) -> Self {
        Self::new(carried(array!(LIMBS, limb => {
            let twice = splat(Modulus::<C>::MULTIPLES[2][limb]);
            vector!(_mm512_mask_sub_epi64(self.0[limb], mask, twice, self.0[limb]))
        })))
    }

    #[inline(always)]
    fn prefetch(row: &Row) {
        // SAFETY: a prefetch reads nothing that the program sees, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.0.as_ptr().cast()) }
    }

    #[inline(always)]
    fn mul_two(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        Self::products(a, b)
    }
}
