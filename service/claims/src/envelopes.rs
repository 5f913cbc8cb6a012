//! Envelopes of claims: kept sealed, as they were handed in.

use praman_circuits::nullifier::Nullifier;
use praman_holder::envelope;
use praman_store::error::StoreError;
use praman_store::{WriteTransaction, bytes};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use crate::ClaimStore;

/// How many envelopes a claim has at most. Only the treasury can find the one that fits: anyone who sees a claim
/// on the ledger can hand it in again with an envelope of their own.
const ENVELOPES_MAX: i64 = 8;

/// Keeps an envelope of a claim, if there is room for it.
pub(super) async fn keep(
    transaction: &mut WriteTransaction,
    nullifier: Vec<u8>,
    envelope: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO envelope (nullifier, digest, sealed)
         SELECT $1, $2, $3 WHERE (SELECT COUNT(*) FROM envelope WHERE nullifier = $1) < $4
         ON CONFLICT DO NOTHING",
    )
    .bind(nullifier)
    .bind(Sha256::digest(envelope).to_vec())
    .bind(envelope.to_vec())
    .bind(ENVELOPES_MAX)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Returns the sealed envelopes of a claim, by its nullifier's 32 bytes.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn envelopes_of(
    connection: &mut AnyConnection,
    nullifier: &[u8],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT sealed FROM envelope WHERE nullifier = $1")
        .bind(nullifier)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(sealed,)| sealed).collect())
}

/// Why an envelope is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepEnvelopeError {
    /// It is no envelope.
    #[error("an envelope must have {} bytes", envelope::SEALED_BYTES)]
    Length,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeepEnvelopeError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Length => 1,
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(KeepEnvelopeError);

impl ClaimStore<'_> {
    /// Keeps an envelope that an operator hands in for a claim, however many it has: this is the way in where others
    /// filled the room before the claim's own envelope arrived.
    ///
    /// # Errors
    /// [`KeepEnvelopeError::Length`] if its length is not an envelope's; [`StoreError::Database`].
    pub async fn keep_envelope(
        &self,
        nullifier: Nullifier,
        sealed: &[u8],
    ) -> Result<(), KeepEnvelopeError> {
        if !envelope::is_length(sealed.len()) {
            return Err(KeepEnvelopeError::Length);
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
