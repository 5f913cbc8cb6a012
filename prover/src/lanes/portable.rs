//! Eight lanes by arkworks' arithmetic: everywhere, and the twin that vector paths are tested
//! against.

use ark_bn254::{Fq, Fr};
use ark_ff::{BigInt, Fp, MontBackend, MontConfig, PrimeField};

use super::{Kernel, LANES, Lanes, Numbers, Path, Row};

/// Arkworks' arithmetic.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Portable;

/// Eight elements, each below the modulus.
#[derive(Clone, Copy)]
pub(crate) struct PortableLanes<F>([F; LANES]);

impl Path for Portable {
    type Base = PortableLanes<Fq>;
    type Scalar = PortableLanes<Fr>;

    const NAME: &'static str = "portable";

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        kernel.run()
    }
}

impl<F> PortableLanes<F> {
    #[inline(always)]
    fn each(f: impl FnMut(usize) -> F) -> Self {
        Self(std::array::from_fn(f))
    }
}

fn words(row: &Row, place: usize) -> [u64; 4] {
    let Row(words) = row;
    [words[4 * place], words[4 * place + 1], words[4 * place + 2], words[4 * place + 3]]
}

impl<C: MontConfig<4>> Numbers for PortableLanes<Fp<MontBackend<C, 4>, 4>> {
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::each(|lane| self.0[lane] * other.0[lane])
    }

    #[inline(always)]
    fn square(self) -> Self {
        Self::each(|lane| ark_ff::Field::square(&self.0[lane]))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::each(|lane| self.0[lane] + other.0[lane])
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        Self::each(|lane| self.0[lane] - other.0[lane])
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        self
    }

    #[inline(always)]
    fn negate<const K: usize>(self) -> Self {
        Self::each(|lane| -self.0[lane])
    }
}

impl<C: MontConfig<4>> Lanes for PortableLanes<Fp<MontBackend<C, 4>, 4>> {
    type Field = Fp<MontBackend<C, 4>, 4>;

    #[inline(always)]
    fn splat(element: Self::Field) -> Self {
        Self([element; LANES])
    }

    #[inline(always)]
    fn from_elements(elements: [Self::Field; LANES]) -> Self {
        Self(elements)
    }

    #[inline(always)]
    fn elements(self) -> [Self::Field; LANES] {
        self.0
    }

    #[inline(always)]
    fn integers(self) -> [BigInt<4>; LANES] {
        self.0.map(PrimeField::into_bigint)
    }

    #[inline(always)]
    fn load(rows: [&Row; LANES]) -> (Self, Self) {
        let element = |place| Self::each(|lane| Self::unpack(words(rows[lane], place)));
        (element(0), element(1))
    }

    #[inline(always)]
    fn store(first: Self, second: Self, rows: &mut [Row; LANES]) {
        for (lane, Row(words)) in rows.iter_mut().enumerate() {
            words[..4].copy_from_slice(&Self::pack(first.0[lane]));
            words[4..].copy_from_slice(&Self::pack(second.0[lane]));
        }
    }

    #[inline(always)]
    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        std::array::from_fn(|j| Self::each(|i| vectors[i].0[j]))
    }

    #[inline(always)]
    fn pack(element: Self::Field) -> [u64; 4] {
        element.0.0
    }

    #[inline(always)]
    fn unpack(words: [u64; 4]) -> Self::Field {
        Fp::new_unchecked(BigInt(words))
    }

    #[inline(always)]
    fn negate_where(self, mask: u8) -> Self {
        Self::each(|lane| if mask >> lane & 1 == 1 { -self.0[lane] } else { self.0[lane] })
    }

    #[inline(always)]
    fn prefetch(_: &Row) {}
}
