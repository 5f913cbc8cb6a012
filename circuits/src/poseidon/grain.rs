//! The Grain LFSR that Poseidon's constants are drawn from.
//!
//! Source: appendix F of the Poseidon paper and its `generate_parameters_grain.sage`.

use ark_bn254::Fr;
use ark_ff::{BigInteger256, PrimeField};

/// Bits in a field element's draw.
const FIELD_BITS: u32 = 254;

/// Poseidon's parameter generator: an 80-bit Grain LFSR in self-shrinking mode.
pub(super) struct Grain {
    /// Bit `i` of the register is bit `i` here; bit 0 leaves first.
    register: u128,
}

impl Grain {
    /// The generator for a prime field, S-box x^alpha, the given width and rounds.
    pub(super) fn new(width: usize, full_rounds: usize, partial_rounds: usize) -> Self {
        let mut register = 0u128;
        let mut position = 0;
        let mut push = |value: u128, bits: u32| {
            for bit in (0..bits).rev() {
                register |= (value >> bit & 1) << position;
                position += 1;
            }
        };
        push(1, 2); // a prime field
        push(0, 4); // S-box x^alpha
        push(u128::from(FIELD_BITS), 12);
        push(width as u128, 12);
        push(full_rounds as u128, 10);
        push(partial_rounds as u128, 10);
        push((1 << 30) - 1, 30);
        let mut grain = Self { register };
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let r = self.register;
        let new = (r >> 62 ^ r >> 51 ^ r >> 38 ^ r >> 23 ^ r >> 13 ^ r) & 1;
        self.register = r >> 1 | new << 79;
        new == 1
    }

    /// The next bit: of each pair of register bits, the second where the first is one.
    fn bit(&mut self) -> bool {
        loop {
            let (keep, bit) = (self.step(), self.step());
            if keep {
                return bit;
            }
        }
    }

    fn integer(&mut self) -> BigInteger256 {
        let mut limbs = [0u64; 4];
        for position in (0..FIELD_BITS as usize).rev() {
            limbs[position / 64] |= u64::from(self.bit()) << (position % 64);
        }
        BigInteger256::new(limbs)
    }

    /// A uniform field element: draws at or above the modulus are thrown away.
    pub(super) fn element(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_bigint(self.integer()) {
                return element;
            }
        }
    }

    /// An element for the linear layer: one draw, reduced by the modulus.
    pub(super) fn element_reduced(&mut self) -> Fr {
        use ark_ff::BigInteger;
        Fr::from_le_bytes_mod_order(&self.integer().to_bytes_le())
    }
}
