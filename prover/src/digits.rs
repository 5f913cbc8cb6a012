//! Scalars as signed digits.

use ark_ff::BigInt;

/// How scalars are cut into digits of some bits, each from `-2^(bits-1)` to `2^(bits-1)`.
///
/// Source: the signed-digit windows of Bernstein, Doumen, Lange and Oosterwijk, "Faster batch forgery
/// identification", 2012, section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    /// A digit's bits.
    pub(crate) bits: usize,
}

/// Bits of a scalar of BN254, and one for the last digit's carry.
const SCALAR_BITS: usize = 255;

impl Digits {
    /// How many digits a scalar has.
    pub(crate) fn count(self) -> usize {
        SCALAR_BITS.div_ceil(self.bits)
    }

    /// How many sizes a digit that is not zero can have.
    pub(crate) fn sizes(self) -> usize {
        1 << (self.bits - 1)
    }

    /// Calls with place, size less one, and sign of each digit that is not zero, from the lowest:
    /// `scalar = sum of ±(size) 2^(bits place)`.
    #[inline(always)]
    pub(crate) fn each(self, scalar: &BigInt<4>, mut call: impl FnMut(usize, usize, bool)) {
        let BigInt(words) = scalar;
        let mask = (1u64 << self.bits) - 1;
        let half = self.sizes() as u64;
        let significant = (0..4).rev().find(|&word| words[word] != 0);
        let Some(significant) = significant else { return };
        let length = 64 * (significant + 1) - words[significant].leading_zeros() as usize;
        let mut carry = 0;
        let mut place = 0;
        while place * self.bits < length || carry != 0 {
            let (word, shift) = (place * self.bits / 64, place * self.bits % 64);
            let mut digit = if word < 4 { words[word] >> shift } else { 0 };
            if shift + self.bits > 64 && word + 1 < 4 {
                digit |= words[word + 1] << (64 - shift);
            }
            let digit = (digit & mask) + carry;
            let negative = digit > half;
            carry = u64::from(negative);
            let size = if negative { (1 << self.bits) - digit } else { digit };
            if size != 0 {
                call(place, size as usize - 1, negative);
            }
            place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::Fr;
    use ark_ff::{Field, PrimeField};
    use proptest::prelude::*;

    use super::*;

    fn value(digits: Digits, scalar: &BigInt<4>) -> Fr {
        let mut sum = Fr::from(0u64);
        let mut last = None;
        digits.each(scalar, |place, size, negative| {
            assert!(place < digits.count() && size < digits.sizes());
            assert!(last.is_none_or(|last| last < place));
            last = Some(place);
            let digit =
                Fr::from(size as u64 + 1) * Fr::from(2u64).pow([(digits.bits * place) as u64]);
            sum += if negative { -digit } else { digit };
        });
        sum
    }

    proptest! {
        #[test]
        fn digits_add_up_to_their_scalar(words: [u64; 4], bits in 2usize..20, short in 0usize..5) {
            let mut words = words;
            words[4 - short.min(4)..].fill(0);
            let scalar = Fr::new_unchecked(BigInt(words));
            // Any representative below the modulus will do.
            let scalar = (scalar + Fr::from(0u64)).into_bigint();
            prop_assert_eq!(value(Digits { bits }, &scalar), Fr::from_bigint(scalar).expect("below"));
        }
    }

    #[test]
    fn digits_of_edge_scalars_add_up_to_them() {
        let edges = [Fr::from(0u64), Fr::from(1u64), -Fr::from(1u64), Fr::from(u64::MAX)];
        let half = Fr::from(2u64).pow([253]);
        for bits in 2..20 {
            for edge in edges.into_iter().chain([half, half - Fr::from(1u64), -half]) {
                assert_eq!(value(Digits { bits }, &edge.into_bigint()), edge);
            }
        }
    }
}
