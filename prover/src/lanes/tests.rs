//! Every path against arkworks' arithmetic, on random and edge elements.

use ark_bn254::{Fq, Fr};
use ark_ff::PrimeField;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;

/// Elements at edges of the field, of limbs and of words, and random ones.
fn elements<F: PrimeField>(count: usize) -> Vec<F> {
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let mut edges = vec![F::zero(), F::one(), -F::one(), F::from(2u64), -F::from(2u64)];
    for bit in [51u64, 52, 53, 63, 64, 65, 103, 104, 127, 128, 155, 156, 191, 192, 207, 208, 253] {
        let power = F::from(2u64).pow([bit]);
        edges.extend([power, power - F::one(), -power, F::one() - power]);
        // The same as the path's own integers.
        edges.extend([power / F::from(2u64).pow([260]), power / F::from(2u64).pow([256])]);
    }
    let half = -F::one() / F::from(2u64);
    edges.extend([half, half + F::one()]);
    edges.resize_with(count.max(edges.len()), || F::rand(&mut rng));
    edges.truncate(edges.len() / LANES * LANES);
    edges
}

/// What is computed of a pair of elements, in all ways that lanes have.
struct Compute<'a, F> {
    pairs: &'a [(F, F)],
}

fn expected<F: PrimeField>(a: F, b: F) -> Vec<F> {
    let three = F::from(3u64);
    vec![a * b, a.square(), a + b, a - b, (a + b) * (a - b), a + b - (a * b) * three, -a, b]
}

macro_rules! compute {
    ($lanes:ident, $field:ty) => {
        impl<P: Path> Kernel<P> for Compute<'_, $field> {
            type Output = Vec<Vec<$field>>;

            #[inline(always)]
            fn run(self) -> Self::Output {
                type L<P> = <P as Path>::$lanes;
                let mut results = Vec::new();
                for pairs in self.pairs.chunks_exact(LANES) {
                    let a = L::<P>::from_elements(std::array::from_fn(|lane| pairs[lane].0));
                    let b = L::<P>::from_elements(std::array::from_fn(|lane| pairs[lane].1));
                    // By way of rows, as points go.
                    let mut rows = [Row::default(); LANES];
                    L::<P>::store(a, b, &mut rows);
                    let (a, b) = L::<P>::load(rows.each_ref());
                    let three = L::<P>::splat(<$field>::from(3u64));
                    let of_all = [
                        a.mul(b),
                        a.square(),
                        a.add(b),
                        a.sub::<2>(b),
                        a.add(b).compact().mul(a.sub::<2>(b)),
                        a.add(b).sub::<2>(a.mul(b).mul(three)).reduce(),
                        a.negate_where(0xff),
                        b.negate_where(0),
                    ];
                    for lane in 0..LANES {
                        results.push(of_all.iter().map(|of| of.elements()[lane]).collect());
                        let integers = of_all.map(|of| of.reduce().integers()[lane]);
                        let elements = of_all.map(|of| of.elements()[lane].into_bigint());
                        assert_eq!(integers, elements);
                        let words = L::<P>::pack(pairs[lane].0);
                        assert_eq!(L::<P>::unpack(words), pairs[lane].0);
                    }
                    // Eight vectors that differ in every place.
                    let mut block = [b; LANES];
                    for vector in 1..LANES {
                        block[vector] = block[vector - 1].mul(a).add(three).reduce();
                    }
                    let before = block.map(|vector| vector.elements());
                    let turned = L::<P>::turn(block).map(|vector| vector.elements());
                    for (i, vector) in before.iter().enumerate() {
                        for (j, element) in vector.iter().enumerate() {
                            assert_eq!(turned[j][i], *element);
                        }
                    }
                }
                results
            }
        }
    };
}

compute!(Base, Fq);
compute!(Scalar, Fr);

fn check<F: PrimeField, P: Path>(path: P)
where
    for<'a> Compute<'a, F>: Kernel<P, Output = Vec<Vec<F>>>,
{
    let elements = elements::<F>(160);
    let pairs: Vec<(F, F)> =
        elements.iter().flat_map(|&a| elements.iter().map(move |&b| (a, b))).collect();
    let results = path.run(Compute { pairs: &pairs });
    assert_eq!(results.len(), pairs.len());
    for ((a, b), result) in pairs.into_iter().zip(results) {
        assert_eq!(result, expected(a, b), "{a} and {b}");
    }
}

/// Both fields, where the processor has the path.
fn agrees_with_arkworks<P: Path>(path: Option<P>) {
    let Some(path) = path else {
        eprintln!("no {} here: nothing to compare", P::NAME);
        return;
    };
    check::<Fq, P>(path);
    check::<Fr, P>(path);
}

#[test]
fn portable_lanes_agree_with_arkworks() {
    agrees_with_arkworks(Some(Portable));
}

#[test]
fn doubles_agree_with_arkworks() {
    agrees_with_arkworks(Some(doubles::OneByOne));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx2_lanes_agree_with_arkworks() {
    agrees_with_arkworks(Avx2::detect());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn ifma_lanes_agree_with_arkworks() {
    agrees_with_arkworks(Ifma::detect());
}
