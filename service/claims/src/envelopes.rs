//! Envelopes of claims: kept sealed, as they were handed in.

use praman_circuits::nullifier::Nullifier;
use praman_holder::envelope;
use praman_store::error::ServiceError;
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
) -> Result<(), ServiceError> {
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
/// [`ServiceError::Store`].
pub async fn envelopes_of(
    connection: &mut AnyConnection,
    nullifier: &[u8],
) -> Result<Vec<Vec<u8>>, ServiceError> {
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT sealed FROM envelope WHERE nullifier = $1")
        .bind(nullifier)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(sealed,)| sealed).collect())
}

impl ClaimStore<'_> {
    /// Keeps an envelope that an operator hands in for a claim, however many it has: this is the way in where others
    /// filled the room before the claim's own envelope arrived.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] if its length is not an envelope's; [`ServiceError::Store`].
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
