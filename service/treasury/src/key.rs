//! The treasury's key.

use std::path::Path;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use praman_circuits::payee::Payee;
use praman_files::FileError;
use praman_files::sealed::{Passphrase, SealedKey, random_key};
use praman_holder::envelope::{self, TreasuryPublicKey};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

const KEY_FORMAT: &str = "praman-treasury-1";
const PAYOUT_FORMAT: &str = "praman-payout-1";
const PURPOSE: &str = "praman treasury key";

/// The treasury's opened key.
pub struct TreasuryKey {
    pub(super) private: Zeroizing<[u8; 32]>,
    public: TreasuryPublicKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreasuryKeyFile {
    format: String,
    public_key: String,
    sealed: SealedKey,
}

/// What a holder needs to be paid: the treasury's public key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayoutFile {
    format: String,
    treasury_public_key: String,
}

impl TreasuryKey {
    /// Generates a key.
    pub fn generate() -> Self {
        let private = random_key();
        let public = envelope::public_key(&private).expect("any 32 bytes are an X25519 key");
        Self { private, public }
    }

    /// Returns the public key.
    pub fn public(&self) -> TreasuryPublicKey {
        self.public
    }

    /// Writes the key, sealed.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn save(&self, path: &Path, passphrase: &Passphrase) -> Result<(), FileError> {
        let file = TreasuryKeyFile {
            format: KEY_FORMAT.to_owned(),
            public_key: hex::encode(self.public.0),
            sealed: SealedKey::seal(&self.private, PURPOSE, passphrase)?,
        };
        praman_files::write_new_json(path, &file)
    }

    /// Reads and opens a key.
    ///
    /// # Errors
    /// [`FileError::WrongPassphrase`]; else what is wrong with the file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, FileError> {
        let file: TreasuryKeyFile = praman_files::read_json(path)?;
        if file.format != KEY_FORMAT {
            return Err(FileError::malformed(path, "not a treasury's key in a known format"));
        }
        let private = file.sealed.open(PURPOSE, passphrase)?;
        let public =
            envelope::public_key(&private).map_err(|error| FileError::malformed(path, error))?;
        Ok(Self { private, public })
    }

    /// Returns a keyed hash that only this treasury can make, for a purpose, over parts that are each prefixed with
    /// their length.
    pub(super) fn tag(&self, purpose: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&*self.private).expect("HMAC takes keys of any length");
        for part in std::iter::once(&purpose).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Returns a tag of an account at its bank, for any branch and any spacing or leading zeros of the number: each
    /// bank has its own numbers.
    pub(super) fn account_tag(&self, scheme: &str, period: u32, payee: &Payee) -> [u8; 32] {
        let (account, ifsc) = (plain(&payee.account), plain(&payee.ifsc));
        let bank = ifsc.get(..4).unwrap_or(&ifsc);
        let parts = [
            scheme.as_bytes(),
            &period.to_be_bytes(),
            bank.as_bytes(),
            account.trim_start_matches('0').as_bytes(),
        ];
        self.tag(b"praman.payment-account.1", &parts)
    }

    /// Returns a tag of the number alone, for any bank: after banks merge, the codes of both are in use. None for a
    /// number so short that banks share it by chance.
    pub(super) fn account_number_tag(
        &self,
        scheme: &str,
        period: u32,
        payee: &Payee,
    ) -> Option<[u8; 32]> {
        const DIGITS_MIN: usize = 11;
        let account = plain(&payee.account);
        let number = account.trim_start_matches('0').as_bytes();
        let parts = [scheme.as_bytes(), &period.to_be_bytes(), number];
        (number.len() >= DIGITS_MIN).then(|| self.tag(b"praman.payment-account-number.1", &parts))
    }

    /// Seals the amount that was written for a transfer. The same amount of the same transfer gives the same
    /// bytes, so that a nonce never serves two texts.
    pub(super) fn seal_amount(&self, reference: &str, rupees: u32) -> Vec<u8> {
        let plain = rupees.to_be_bytes();
        let nonce = self.tag(b"praman.amount-nonce.1", &[reference.as_bytes(), &plain]);
        let nonce: [u8; 24] = nonce[..24].try_into().expect("24 bytes");
        let payload = Payload { msg: &plain, aad: reference.as_bytes() };
        let sealed = self.amount_cipher().encrypt(&XNonce::from(nonce), payload);
        [&nonce[..], &sealed.expect("four bytes are not too many")].concat()
    }

    /// Opens the amount that was written for a transfer; none if another treasury sealed it, or it belongs to another
    /// transfer.
    pub(super) fn open_amount(&self, reference: &str, sealed: &[u8]) -> Option<u32> {
        let (nonce, sealed) = sealed.split_at_checked(24)?;
        let nonce: [u8; 24] = nonce.try_into().ok()?;
        let payload = Payload { msg: sealed, aad: reference.as_bytes() };
        let plain = self.amount_cipher().decrypt(&XNonce::from(nonce), payload).ok()?;
        Some(u32::from_be_bytes(plain.try_into().ok()?))
    }

    fn amount_cipher(&self) -> XChaCha20Poly1305 {
        let key = Zeroizing::new(self.tag(b"praman.amount-key.1", &[]));
        XChaCha20Poly1305::new((&*key).into())
    }

    /// Writes what holders need to be paid by this treasury.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn save_payout(&self, path: &Path) -> Result<(), FileError> {
        let treasury_public_key = hex::encode(self.public.0);
        praman_files::write_json(
            path,
            &PayoutFile { format: PAYOUT_FORMAT.to_owned(), treasury_public_key },
        )
    }
}

/// Reads what holders need to be paid.
///
/// # Errors
/// What is wrong with the file.
pub fn read_payout(path: &Path) -> Result<TreasuryPublicKey, FileError> {
    let file: PayoutFile = praman_files::read_json(path)?;
    let key = hex::decode(&file.treasury_public_key).ok().and_then(|key| key.try_into().ok());
    match key {
        Some(key) if file.format == PAYOUT_FORMAT => Ok(TreasuryPublicKey(key)),
        _ => Err(FileError::malformed(path, "not a payout file in a known format")),
    }
}

/// Returns a number or code in the form that is compared: without spaces and signs, in capitals.
fn plain(text: &str) -> Zeroizing<String> {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    Zeroizing::new(kept.collect::<String>().to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use praman_circuits::payee::Payee;

    use super::TreasuryKey;

    fn payee(account: &str, ifsc: &str) -> Payee {
        Payee { account: account.into(), ifsc: ifsc.into(), name: "Any Name".into() }
    }

    #[test]
    fn account_has_one_tag_however_it_is_spelt() {
        let key = TreasuryKey::generate();
        let tag = |account: &str, ifsc: &str| key.account_tag("s", 7, &payee(account, ifsc));
        let one = tag("0012345678", "SBIN0000001");
        for (account, ifsc) in [
            ("12345678", "SBIN0000001"),
            ("12 34-5678", "SBIN0099999"),
            ("0012345678", "sbin0000001"),
        ] {
            assert_eq!(tag(account, ifsc), one, "{account} {ifsc}");
        }
        assert_ne!(tag("12345679", "SBIN0000001"), one);
        assert_ne!(tag("12345678", "HDFC0000001"), one, "another bank's number");
        // A long number is the same account under each code of merged banks; a short one is not.
        let number = |account, ifsc| key.account_number_tag("s", 7, &payee(account, ifsc));
        assert_eq!(number("12345678", "SBIN0000001"), None);
        let (before, after) = ("UTBI0000001", "PUNB0000001");
        assert_eq!(number("0012345678901", before), number("12345678901", after));
        assert!(number("12345678901", after).is_some());
        assert_ne!(key.account_tag("s", 8, &payee("12345678", "SBIN0000001")), one);
        assert_ne!(key.account_tag("t", 7, &payee("12345678", "SBIN0000001")), one);
        let other = TreasuryKey::generate();
        assert_ne!(other.account_tag("s", 7, &payee("12345678", "SBIN0000001")), one);
    }

    #[test]
    fn sealed_amount_opens_for_its_transfer_and_treasury_alone() {
        let key = TreasuryKey::generate();
        let sealed = key.seal_amount("a", 4_000);
        assert_eq!(key.open_amount("a", &sealed), Some(4_000));
        assert_eq!(key.open_amount("b", &sealed), None);
        assert_eq!(TreasuryKey::generate().open_amount("a", &sealed), None);
        assert_eq!(key.open_amount("a", &sealed[..20]), None);
        let mut altered = sealed.clone();
        altered[30] ^= 1;
        assert_eq!(key.open_amount("a", &altered), None);
        assert_ne!(sealed, key.seal_amount("a", 4_001));
    }
}
