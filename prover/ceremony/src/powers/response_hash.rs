//! BLAKE2b that is left off in the middle: a `.ptau` keeps the state in which a contributor's response was hashed, before
//! the proofs of knowledge. No library gives its state away.
//!
//! Source: RFC 7693, section 3; snarkjs 0.7 `powersoftau_utils.js` (`toPartialHash`).

use praman_prover::KeyError;
use praman_prover::sections::SectionReader;

use crate::draw::Hash;

const BLOCK: usize = 128;

/// No response is as long.
const MOST_COMPRESSED: u64 = 1 << 40;

/// The initial state, which are SHA-512's.
const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// Which word of a block each round takes when.
const ORDER: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// BLAKE2b with 64 bytes, in the middle of its work.
#[derive(Clone)]
pub(crate) struct PartialHash {
    /// What was not yet compressed; a full block waits until more comes. What stands behind `used` is of no meaning.
    block: [u8; BLOCK],
    state: [u64; 8],
    compressed: u64,
    used: usize,
}

impl PartialHash {
    /// Nothing hashed yet.
    pub(crate) fn new() -> Self {
        let mut state = INITIAL;
        // 64 bytes of hash, no key, no tree.
        state[0] ^= 0x0101_0040;
        Self { block: [0; BLOCK], state, compressed: 0, used: 0 }
    }

    /// Hashes on.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.used == BLOCK {
                self.compressed += BLOCK as u64;
                compress(&mut self.state, &self.block, self.compressed, false);
                self.used = 0;
            }
            let taken = bytes.len().min(BLOCK - self.used);
            self.block[self.used..self.used + taken].copy_from_slice(&bytes[..taken]);
            self.used += taken;
            bytes = &bytes[taken..];
        }
    }

    /// The hash of what was hashed so far and of more.
    pub(crate) fn finish(&self, more: &[u8]) -> Hash {
        let mut last = self.clone();
        last.update(more);
        last.block[last.used..].fill(0);
        compress(&mut last.state, &last.block, last.compressed + last.used as u64, true);
        let mut hash = [0; 64];
        for (bytes, word) in hash.chunks_exact_mut(8).zip(last.state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        hash
    }

    /// Fills the unused end of the block with the end of other bytes.
    pub(crate) fn leave_behind(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(BLOCK - self.used);
        self.block[BLOCK - count..].copy_from_slice(&bytes[bytes.len() - count..]);
    }

    /// Reads a state of 216 bytes.
    pub(crate) fn read(section: &mut SectionReader<'_>) -> Result<Self, KeyError> {
        let block = section.take(BLOCK)?.try_into().expect("a block");
        let mut state = [0; 8];
        for word in &mut state {
            *word = section.long_number()?;
        }
        let (compressed, used) = (section.long_number()?, section.long_number()?);
        let rest = section.long_number()?;
        if used > BLOCK as u64 || rest != 0 || compressed > MOST_COMPRESSED {
            return Err(section.malformed("it is no state in which a response is hashed"));
        }
        Ok(Self { block, state, compressed, used: used as usize })
    }

    /// Appends the state.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.block);
        let counts = [self.compressed, self.used as u64, 0];
        self.state.iter().chain(&counts).for_each(|word| out.extend(word.to_le_bytes()));
    }
}

fn compress(state: &mut [u64; 8], block: &[u8; BLOCK], count: u64, last: bool) {
    let message: [u64; 16] = std::array::from_fn(|place| {
        u64::from_le_bytes(block[8 * place..8 * place + 8].try_into().expect("eight bytes"))
    });
    let mut v = [0; 16];
    v[..8].copy_from_slice(state);
    v[8..].copy_from_slice(&INITIAL);
    v[12] ^= count;
    if last {
        v[14] = !v[14];
    }
    for round in 0..12 {
        let order = &ORDER[round % 10];
        let mut mix = |[a, b, c, d]: [usize; 4], place: usize| {
            v[a] = v[a].wrapping_add(v[b]).wrapping_add(message[order[place]]);
            v[d] = (v[d] ^ v[a]).rotate_right(32);
            v[c] = v[c].wrapping_add(v[d]);
            v[b] = (v[b] ^ v[c]).rotate_right(24);
            v[a] = v[a].wrapping_add(v[b]).wrapping_add(message[order[place + 1]]);
            v[d] = (v[d] ^ v[a]).rotate_right(16);
            v[c] = v[c].wrapping_add(v[d]);
            v[b] = (v[b] ^ v[c]).rotate_right(63);
        };
        mix([0, 4, 8, 12], 0);
        mix([1, 5, 9, 13], 2);
        mix([2, 6, 10, 14], 4);
        mix([3, 7, 11, 15], 6);
        mix([0, 5, 10, 15], 8);
        mix([1, 6, 11, 12], 10);
        mix([2, 7, 8, 13], 12);
        mix([3, 4, 9, 14], 14);
    }
    for place in 0..8 {
        state[place] ^= v[place] ^ v[place + 8];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::blake2b;

    #[test]
    fn hash_left_off_anywhere_is_the_librarys() {
        let text: Vec<u8> = (0u16..700).map(|byte| byte as u8).collect();
        for length in [0, 1, 127, 128, 129, 255, 256, 257, 384, 700] {
            for cut in [0, 1, 64, 127, 128, 129, 256, 700] {
                let cut = cut.min(length);
                let mut partial = PartialHash::new();
                partial.update(&text[..cut]);
                let finished = partial.finish(&text[cut..length]);
                assert_eq!(finished, blake2b(&[&text[..length]]), "{length} bytes, cut at {cut}");
            }
        }
    }
}
