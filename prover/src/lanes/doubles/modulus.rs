//! Numbers as five limbs with signs, and what is computed of a modulus while compiling.

use std::marker::PhantomData;

use ark_ff::{BigInt, BigInteger, MontConfig};

use crate::lanes::inverse_of_odd;

pub(super) const LIMBS: usize = 5;
pub(super) const LIMB_BITS: u32 = 51;
pub(super) const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;

/// Where limbs begin in words.
const fn unsigned_limbs(words: [u64; 4]) -> [u64; LIMBS] {
    [
        words[0] & LIMB_MASK,
        (words[0] >> 51 | words[1] << 13) & LIMB_MASK,
        (words[1] >> 38 | words[2] << 26) & LIMB_MASK,
        (words[2] >> 25 | words[3] << 39) & LIMB_MASK,
        words[3] >> 12,
    ]
}

/// Each limb but the highest from `-2^50` to `2^50 - 1`.
const fn balanced(mut limbs: [i64; LIMBS]) -> [i64; LIMBS] {
    let mut limb = 0;
    while limb < LIMBS - 1 {
        let carry = (limbs[limb] + (1 << (LIMB_BITS - 1))) >> LIMB_BITS;
        limbs[limb] -= carry << LIMB_BITS;
        limbs[limb + 1] += carry;
        limb += 1;
    }
    limbs
}

const fn signed(limbs: [u64; LIMBS]) -> [i64; LIMBS] {
    let [a, b, c, d, e] = limbs;
    [a as i64, b as i64, c as i64, d as i64, e as i64]
}

/// Balanced limbs as four words: each in 51 bits and the highest in 52, with its sign as two's complement has
/// it. So zero is zero.
pub(super) fn digits(limbs: [i64; LIMBS]) -> [u64; 4] {
    let [a, b, c, d, e] = limbs.map(|limb| limb as u64);
    let [a, b, c, d] = [a, b, c, d].map(|limb| limb & LIMB_MASK);
    words([a, b, c, d, e])
}

/// The words that [`unsigned_limbs`] reads.
fn words([a, b, c, d, e]: [u64; LIMBS]) -> [u64; 4] {
    [a | b << 51, b >> 13 | c << 38, c >> 26 | d << 25, d >> 39 | e << 12]
}

/// The limbs that [`digits`] wrote.
pub(super) fn limbs_of(words: [u64; 4]) -> [i64; LIMBS] {
    let [a, b, c, d, e] = unsigned_limbs(words);
    let signed = |limb: u64, bits: u32| (limb << (64 - bits)) as i64 >> (64 - bits);
    [signed(a, 51), signed(b, 51), signed(c, 51), signed(d, 51), signed(e, 52)]
}

/// What is computed of a modulus while compiling.
pub(super) struct Modulus<C>(PhantomData<C>);

impl<C: MontConfig<4>> Modulus<C> {
    /// The modulus `p`.
    pub(super) const LIMBS: [i64; LIMBS] = balanced(signed(unsigned_limbs(C::MODULUS.0)));

    /// `-1 / p` modulo `2^51`, from `-2^50` to `2^50 - 1`.
    pub(super) const NEGATED_INVERSE: i64 =
        ((inverse_of_odd(C::MODULUS.0[0]).wrapping_neg() << 13) as i64) >> 13;

    /// `(k p + 1) / 2^51`, with `k` the negated inverse: a multiple of `p` is one less than `2^51` times this.
    pub(super) const RAISED: [i64; LIMBS] = {
        let mut limbs = [0; LIMBS + 1];
        let mut carry: i128 = 1;
        let mut limb = 0;
        while limb < LIMBS {
            let sum = Self::LIMBS[limb] as i128 * Self::NEGATED_INVERSE as i128 + carry;
            carry = (sum + (1 << (LIMB_BITS - 1))) >> LIMB_BITS;
            limbs[limb] = (sum - (carry << LIMB_BITS)) as i64;
            limb += 1;
        }
        limbs[LIMBS] = carry as i64;
        let [lowest, rest @ ..] = limbs;
        assert!(lowest == 0, "it is a multiple of 2^51");
        rest
    };

    /// `2^204 / p`.
    pub(super) const RECIPROCAL: f64 =
        1.0 / (Self::LIMBS[4] as f64 + Self::LIMBS[3] as f64 / (1u64 << LIMB_BITS) as f64);

    /// Balanced limbs of a number below `p`, or of it less `p`, whichever is nearer to zero.
    pub(super) fn centred(number: BigInt<4>) -> [i64; LIMBS] {
        let mut twice = number;
        twice.mul2();
        let mut limbs = signed(unsigned_limbs(number.0));
        if twice > C::MODULUS {
            for (limb, modulus) in limbs.iter_mut().zip(Self::LIMBS) {
                *limb -= modulus;
            }
        }
        balanced(limbs)
    }

    /// A number from `-8 p` to `8 p` modulo `p`; its limbs are below `2^53`.
    pub(super) fn canonical(limbs: [i64; LIMBS]) -> BigInt<4> {
        // Eight moduli have a limb of two bits more at the top.
        let mut limbs = limbs;
        for (limb, modulus) in limbs.iter_mut().zip(Self::LIMBS) {
            *limb += 8 * modulus;
        }
        let mut carry = 0;
        for limb in &mut limbs[..LIMBS - 1] {
            *limb += carry;
            carry = *limb >> LIMB_BITS;
            *limb -= carry << LIMB_BITS;
        }
        limbs[LIMBS - 1] += carry;
        // As many moduli as the top limb tells, and one at a time what is left.
        let times = limbs[LIMBS - 1] / (Self::LIMBS[LIMBS - 1] + 1);
        let mut carry = 0;
        for (place, limb) in limbs.iter_mut().enumerate() {
            *limb += carry - times * Self::LIMBS[place];
            carry = if place < LIMBS - 1 { *limb >> LIMB_BITS } else { 0 };
            *limb -= carry << LIMB_BITS;
        }
        let mut number = BigInt(words(limbs.map(|limb| limb as u64)));
        while number >= C::MODULUS {
            number.sub_with_borrow(&C::MODULUS);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, FqConfig, Fr, FrConfig};
    use ark_ff::PrimeField;

    use super::*;

    /// A number from limbs, in a field.
    fn value<F: PrimeField>(limbs: [i64; LIMBS]) -> F {
        let radix = F::from(1u64 << LIMB_BITS);
        limbs.into_iter().rev().fold(F::zero(), |sum, limb| sum * radix + F::from(limb))
    }

    fn constants_are_what_they_say<F: PrimeField, C: MontConfig<4>>() {
        let (limbs, raised) = (Modulus::<C>::LIMBS, Modulus::<C>::RAISED);
        assert_eq!(value::<F>(limbs), F::zero());
        // k p + 1 is one modulo p.
        let radix = F::from(2u64).pow([u64::from(LIMB_BITS)]);
        assert_eq!(value::<F>(raised) * radix, F::one());
        // What the bounds of products take for given: no limb above 2^50, and k at most 2^50.
        for limb in limbs.into_iter().chain(raised).chain([Modulus::<C>::NEGATED_INVERSE]) {
            assert!(limb.unsigned_abs() <= 1 << 50);
        }
    }

    #[test]
    fn constants_are_what_they_say_of_both_fields() {
        constants_are_what_they_say::<Fq, FqConfig>();
        constants_are_what_they_say::<Fr, FrConfig>();
    }

    #[test]
    fn number_at_any_edge_is_canonical() {
        for by in -7i64..=7 {
            for more in [-1i64, 0, 1, 1 << 50, -(1 << 50), 1 << 52] {
                let mut limbs = Modulus::<FqConfig>::LIMBS.map(|limb| limb * by);
                limbs[0] += more;
                assert_eq!(Modulus::<FqConfig>::canonical(limbs), Fq::from(more).into_bigint());
            }
        }
    }
}
