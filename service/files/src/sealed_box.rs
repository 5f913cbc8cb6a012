//! Bytes sealed to a public key by HPKE.
//!
//! Source: RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal,
};
use zeroize::Zeroizing;

use crate::sealed::fill_random;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

const ENCAPPED_BYTES: usize = 32;

/// How many bytes sealing adds: the encapsulated key before the bytes, the cipher's tag after them.
pub const OVERHEAD_BYTES: usize = ENCAPPED_BYTES + 16;

/// A key is invalid, or the bytes were not sealed to it or were altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed to this key, or altered")]
pub struct SealedBoxError;

/// Seals bytes to a public key, for one purpose.
///
/// # Errors
/// [`SealedBoxError`] if the key is invalid.
pub fn seal(purpose: &[u8], plain: &[u8], public: &[u8; 32]) -> Result<Vec<u8>, SealedBoxError> {
    let public = PublicKey::from_bytes(public).map_err(|_| SealedBoxError)?;
    let (encapped, ciphertext) = single_shot_seal::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
        _,
    >(
        &OpModeS::Base, &public, purpose, plain, &[], &mut SystemRandom
    )
    .map_err(|_| SealedBoxError)?;
    Ok([encapped.to_bytes().as_slice(), &ciphertext].concat())
}

/// Opens bytes that were sealed for a purpose; the result wipes itself.
///
/// # Errors
/// [`SealedBoxError`].
pub fn open(
    purpose: &[u8],
    sealed: &[u8],
    private: &[u8; 32],
) -> Result<Zeroizing<Vec<u8>>, SealedBoxError> {
    let (encapped, ciphertext) = sealed.split_at_checked(ENCAPPED_BYTES).ok_or(SealedBoxError)?;
    let private = PrivateKey::from_bytes(private).map_err(|_| SealedBoxError)?;
    let encapped = EncappedKey::from_bytes(encapped).map_err(|_| SealedBoxError)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapped,
        purpose,
        ciphertext,
        &[],
    )
    .map(Zeroizing::new)
    .map_err(|_| SealedBoxError)
}

/// Returns the public key of a private one.
///
/// # Errors
/// [`SealedBoxError`] if the private key is invalid.
pub fn public_key(private: &[u8; 32]) -> Result<[u8; 32], SealedBoxError> {
    let private = PrivateKey::from_bytes(private).map_err(|_| SealedBoxError)?;
    Ok(X25519HkdfSha256::sk_to_pk(&private).to_bytes().into())
}

/// The operating system's generator in the form that HPKE takes.
struct SystemRandom;

impl RngCore for SystemRandom {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        fill_random(&mut bytes);
        u32::from_ne_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        fill_random(&mut bytes);
        u64::from_ne_bytes(bytes)
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        fill_random(buffer);
    }
}

impl CryptoRng for SystemRandom {}
