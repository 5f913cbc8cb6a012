//! Numbers and points drawn from a hash, as all contributors to a ceremony must draw them.
//!
//! Source: snarkjs 0.7 `misc.js` (`getRandomRng`, `rngFromBeaconParams`), `keypair.js` (`hashToG2`); ffjavascript 0.3
//! `chacha.js`, `f1field.js` (`fromRng`).

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, Fp, MontBackend, MontConfig, PrimeField};
use blake2::{Blake2b512, Digest};
use chacha20::ChaCha20Legacy;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use rand::RngCore;
use rand::rngs::OsRng;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::beacon::Beacon;

/// A hash of 64 bytes.
pub type Hash = [u8; 64];

/// A generator whose draws follow from a hash. It wipes itself.
pub(crate) struct Draw {
    cipher: ChaCha20Legacy,
    block: Zeroizing<[u8; 64]>,
    used: usize,
}

impl Draw {
    /// From the first 32 bytes of a hash, taken as eight numbers with their highest byte first.
    pub(crate) fn from_hash(hash: &[u8]) -> Self {
        let mut key = Zeroizing::new([0u8; 32]);
        for (word, bytes) in key.chunks_exact_mut(4).zip(hash.chunks_exact(4)) {
            word.copy_from_slice(bytes);
            word.reverse();
        }
        let cipher = ChaCha20Legacy::new((&*key).into(), &[0u8; 8].into());
        Self { cipher, block: Zeroizing::new([0; 64]), used: 64 }
    }

    /// From the system's generator, and what a person typed: neither alone needs to be good.
    pub(crate) fn from_entropy(person: &str) -> Self {
        let mut system = Zeroizing::new([0u8; 64]);
        OsRng.fill_bytes(&mut *system);
        Self::from_parts(&system, person)
    }

    /// From given bytes in the place of the system's.
    pub(crate) fn from_parts(system: &[u8; 64], person: &str) -> Self {
        let mut hash = Zeroizing::new([0u8; 64]);
        let hasher = Blake2b512::new().chain_update(system).chain_update(person.as_bytes());
        hasher.finalize_into((&mut *hash).into());
        Self::from_hash(&*hash)
    }

    /// From a public beacon, hashed as often as it says.
    pub(crate) fn from_beacon(beacon: &Beacon) -> Self {
        let mut hash: [u8; 32] = Sha256::digest(beacon.value()).into();
        for _ in 1..1u64 << beacon.exponent() {
            hash = Sha256::digest(hash).into();
        }
        Self::from_hash(&hash)
    }

    fn word(&mut self) -> u32 {
        if self.used == self.block.len() {
            self.block.zeroize();
            self.cipher.apply_keystream(&mut *self.block);
            self.used = 0;
        }
        let bytes = &self.block[self.used..self.used + 4];
        self.used += 4;
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    }

    /// The first word drawn is the high one.
    fn long(&mut self) -> u64 {
        u64::from(self.word()) << 32 | u64::from(self.word())
    }

    /// An element. The number that is drawn is its Montgomery form.
    fn element<C: MontConfig<4>>(&mut self) -> Fp<MontBackend<C, 4>, 4> {
        loop {
            let mut limbs = Zeroizing::new([0u64; 4]);
            limbs.iter_mut().for_each(|limb| *limb = self.long());
            limbs[3] &= (1 << 62) - 1;
            let number = BigInt(*limbs);
            if number < Fp::<MontBackend<C, 4>, 4>::MODULUS {
                return Fp::new_unchecked(number);
            }
        }
    }

    /// A secret number.
    pub(crate) fn scalar(&mut self) -> Zeroizing<Fr> {
        Zeroizing::new(self.element())
    }

    /// A point of G1 of which nobody knows the logarithm.
    pub(crate) fn g1(&mut self) -> G1Affine {
        loop {
            let x: Fq = self.element();
            let greater = self.word() & 1 == 1;
            if let Some(point) = G1Affine::get_point_from_x_unchecked(x, greater) {
                return point;
            }
        }
    }

    /// A point of G2 of which nobody knows the logarithm.
    fn g2(&mut self) -> G2Affine {
        loop {
            let x = Fq2::new(self.element(), self.element());
            let greater = self.word() & 1 == 1;
            if let Some(point) = G2Affine::get_point_from_x_unchecked(x, greater) {
                return point.mul_by_cofactor();
            }
        }
    }
}

/// The point of G2 that a hash names.
pub(crate) fn hash_to_g2(hash: &Hash) -> G2Affine {
    Draw::from_hash(hash).g2()
}

/// BLAKE2b with 64 bytes, of parts one behind the other.
pub(crate) fn blake2b(parts: &[&[u8]]) -> Hash {
    let mut hasher = Blake2b512::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::CeremonyPoint;

    /// The figures of an implementation of its own in another language, which had every draw of snarkjs' files right.
    #[test]
    fn draws_are_those_of_snarkjs() {
        let mut zero = Draw::from_hash(&[0; 32]);
        assert_eq!(
            [zero.word(), zero.word(), zero.word(), zero.word()],
            [0xade0_b876, 0x903d_f1a0, 0xe56a_5d40, 0x28bd_8653]
        );
        let mut draw = Draw::from_hash(&blake2b(&[b""]));
        assert_eq!(draw.scalar().to_string(), include_str!("../vectors/draw_scalar.txt").trim());
        assert_eq!(hex::encode(draw.g1().hashed()), include_str!("../vectors/draw_g1.txt").trim());
        assert_eq!(hex::encode(draw.g2().hashed()), include_str!("../vectors/draw_g2.txt").trim());
        assert_eq!(
            hex::encode(hash_to_g2(&blake2b(&[b""])).hashed()),
            include_str!("../vectors/hash_to_g2.txt").trim()
        );
    }
}
