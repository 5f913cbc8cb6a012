//! What is stored about people, sealed part by part under its own data key.
//!
//! Source: Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance" (2015), STREAM, over XChaCha20-Poly1305: a part that is altered, left out, put
//! elsewhere or cut off at the end does not open.

use aead_stream::{DecryptorBE32, EncryptorBE32, Nonce, StreamBE32};
use chacha20poly1305::aead::Payload;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use praman_files::sealed::fill_random;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::key_store::{DataKey, KeyStoreError};

/// Bytes of a part before it is sealed.
pub const PART_BYTES: usize = 256 * 1024;

/// The nonce that all parts of a content share, before the first.
const PREFIX_BYTES: usize = 19;

type Prefix = Nonce<XChaCha20Poly1305, StreamBE32<XChaCha20Poly1305>>;

/// Seals a content as it arrives.
pub struct ContentSealer {
    sealer: EncryptorBE32<XChaCha20Poly1305>,
    /// The nonce's prefix until the first part carries it.
    prefix: Vec<u8>,
    purpose: String,
    waiting: Zeroizing<Vec<u8>>,
}

impl ContentSealer {
    /// Creates a sealer of one content, which opens only for this purpose.
    pub fn new(key: &DataKey, purpose: &str) -> Self {
        let mut prefix = [0; PREFIX_BYTES];
        fill_random(&mut prefix);
        let cipher = XChaCha20Poly1305::new(key.expose().into());
        Self {
            sealer: EncryptorBE32::from_aead(cipher, &Prefix::from(prefix)),
            prefix: prefix.to_vec(),
            purpose: purpose.to_owned(),
            waiting: Zeroizing::new(Vec::with_capacity(PART_BYTES)),
        }
    }

    /// Adds bytes, and returns the parts that are full.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] beyond 2³² parts.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            // A full part is held until more follows: the last one is sealed as the last.
            if self.waiting.len() == PART_BYTES {
                let payload = Payload { msg: &self.waiting, aad: self.purpose.as_bytes() };
                let part = self.sealer.encrypt_next(payload).map_err(|_| too_long())?;
                parts.push([std::mem::take(&mut self.prefix), part].concat());
                self.waiting.clear();
            }
            let room = (PART_BYTES - self.waiting.len()).min(bytes.len());
            let (taken, rest) = bytes.split_at(room);
            self.waiting.extend_from_slice(taken);
            bytes = rest;
        }
        Ok(parts)
    }

    /// Returns the last part.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] beyond 2³² parts.
    pub fn finish(mut self) -> Result<Vec<u8>, StoreError> {
        let payload = Payload { msg: &self.waiting, aad: self.purpose.as_bytes() };
        let part = self.sealer.encrypt_last(payload).map_err(|_| too_long())?;
        Ok([std::mem::take(&mut self.prefix), part].concat())
    }
}

/// Opens a content part by part.
pub struct ContentOpener {
    opener: Option<DecryptorBE32<XChaCha20Poly1305>>,
    cipher: Option<XChaCha20Poly1305>,
    purpose: String,
}

impl ContentOpener {
    /// Creates an opener of one content.
    pub fn new(key: &DataKey, purpose: &str) -> Self {
        let cipher = XChaCha20Poly1305::new(key.expose().into());
        Self { opener: None, cipher: Some(cipher), purpose: purpose.to_owned() }
    }

    /// Opens the next part; the caller must say which is the last.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] if it is not the content's next, or last, part under this key.
    pub fn open(
        &mut self,
        mut part: &[u8],
        is_last: bool,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        if let Some(cipher) = self.cipher.take() {
            let (prefix, rest) = part.split_first_chunk::<PREFIX_BYTES>().ok_or_else(altered)?;
            self.opener = Some(DecryptorBE32::from_aead(cipher, &Prefix::from(*prefix)));
            part = rest;
        }
        let payload = Payload { msg: part, aad: self.purpose.as_bytes() };
        let opened = match (self.opener.take(), is_last) {
            (None, _) => return Err(altered()),
            (Some(opener), true) => opener.decrypt_last(payload),
            (Some(mut opener), false) => {
                let opened = opener.decrypt_next(payload);
                self.opener = Some(opener);
                opened
            }
        };
        opened.map(Zeroizing::new).map_err(|_| altered())
    }
}

fn too_long() -> StoreError {
    KeyStoreError::TooLong.into()
}

fn altered() -> StoreError {
    KeyStoreError::Altered.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(key: &DataKey, content: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut sealer = ContentSealer::new(key, "a");
        let mut parts = Vec::new();
        for piece in content.chunks(step) {
            parts.extend(sealer.push(piece).expect("sealed"));
        }
        parts.push(sealer.finish().expect("sealed"));
        parts
    }

    fn open(key: &DataKey, purpose: &str, parts: &[Vec<u8>]) -> Option<Vec<u8>> {
        let mut opener = ContentOpener::new(key, purpose);
        let mut content = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            content.extend_from_slice(&opener.open(part, number + 1 == parts.len()).ok()?);
        }
        Some(content)
    }

    #[test]
    fn contents_open_whole_or_not_at_all() {
        let key = DataKey::generate();
        for length in [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
            let content: Vec<u8> = (0..length).map(|byte| (byte % 251) as u8).collect();
            let parts = seal(&key, &content, 70_001);
            assert_eq!(parts.len(), length.div_ceil(PART_BYTES).max(1));
            assert!(open(&key, "a", &parts).expect("opens") == content);
            assert!(open(&key, "b", &parts).is_none());
            assert!(open(&DataKey::generate(), "a", &parts).is_none());
        }
        let content = vec![7; 2 * PART_BYTES + 5];
        let parts = seal(&key, &content, PART_BYTES);
        let [first, second, third] = <[Vec<u8>; 3]>::try_from(parts).expect("three");
        let both = |a: &Vec<u8>, b: &Vec<u8>| open(&key, "a", &[a.clone(), b.clone()]);
        assert!(both(&first, &second).is_none(), "cut off at the end");
        assert!(both(&first, &third).is_none(), "one left out");
        assert!(open(&key, "a", &[first.clone(), third.clone(), second.clone()]).is_none());
        let mut altered = second.clone();
        altered[9] ^= 1;
        assert!(open(&key, "a", &[first.clone(), altered, third.clone()]).is_none());
        let other = seal(&key, &content, PART_BYTES);
        assert!(open(&key, "a", &[first, other[1].clone(), third]).is_none(), "of another content");
        assert!(open(&key, "a", &[vec![0; 5]]).is_none());
    }
}
