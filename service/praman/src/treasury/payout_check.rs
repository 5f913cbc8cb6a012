//! Envelopes: kept as they are handed in, opened and held to their claims.

use praman_circuits::nullifier::Nullifier;
use praman_circuits::payee::Payee;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment, payout};
use sha2::{Digest, Sha256};

use super::key::TreasuryKey;
use crate::bank_account::{is_account, is_ifsc};
use crate::envelope::{self, Payout};
use crate::error::ServiceError;
use crate::store::{Store, bytes, field};
use crate::treasury::TreasuryStore;

/// Opens an envelope and holds it to its claim.
///
/// # Errors
/// Why it is not paid, without a word of what it holds.
pub fn open_checked(
    sealed: &[u8],
    key: &TreasuryKey,
    commitment: PayoutCommitment,
) -> Result<Payout, &'static str> {
    let opened = envelope::open(sealed, &key.private)
        .map_err(|_| "the envelope can't be opened with this treasury's key")?;
    let contents = "the envelope's salts are not field elements";
    let (salt, blinding) =
        (opened.payee_salt().ok_or(contents)?, opened.blinding().ok_or(contents)?);
    if !is_payable(&opened.payee) {
        return Err("the registered account, branch or name is not one that a bank accepts");
    }
    let digest = opened.payee.digest(&salt);
    if payout(opened.amount, digest, EnvelopeHash::of(sealed), &blinding) != commitment {
        return Err("the envelope's content is not what was proved");
    }
    Ok(opened)
}

/// Whether a bank's file can carry an account. One that can't would sink the whole file.
pub(super) fn is_payable(payee: &Payee) -> bool {
    let named = payee.name.chars().any(|character| !character.is_whitespace());
    is_account(&payee.account) && is_ifsc(&payee.ifsc) && named
}

impl TreasuryKey {
    /// The payout of the first of a claim's envelopes that fits it, or why none does.
    pub(super) async fn open_any(
        &self,
        store: &Store,
        nullifier: &[u8],
        commitment: &[u8],
    ) -> Result<Result<Payout, &'static str>, ServiceError> {
        let commitment = PayoutCommitment::from_field(field(commitment)?);
        let envelopes: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT sealed FROM envelope WHERE nullifier = $1")
                .bind(nullifier)
                .fetch_all(store.pool())
                .await?;
        let mut reason = "no envelope was submitted";
        for (sealed,) in envelopes {
            match open_checked(&sealed, self, commitment) {
                Ok(payout) => return Ok(Ok(payout)),
                Err(fault) => reason = fault,
            }
        }
        Ok(Err(reason))
    }
}

impl TreasuryStore<'_> {
    /// Keeps an envelope that was handed in for a claim.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn keep_envelope(
        &self,
        nullifier: Nullifier,
        sealed: &[u8],
    ) -> Result<(), ServiceError> {
        if !envelope::is_length(sealed.len()) {
            let reason = format!("an envelope must have {} bytes", envelope::SEALED_BYTES);
            return Err(ServiceError::Refused(reason));
        }
        sqlx::query(
            "INSERT INTO envelope (nullifier, digest, sealed) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
        )
        .bind(bytes(nullifier.to_field()))
        .bind(Sha256::digest(sealed).to_vec())
        .bind(sealed)
        .execute(self.0.writer())
        .await?;
        Ok(())
    }
}
