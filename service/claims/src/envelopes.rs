//! Envelopes of claims: kept sealed, as they were handed in.

use praman_circuits::nullifier::Nullifier;
use praman_circuits::payout::EnvelopeHash;
use praman_holder::claim::Claim;
use praman_holder::envelope;
use praman_store::error::StoreError;
use praman_store::{WriteTransaction, bytes};
use sqlx::AnyConnection;

use crate::ClaimStore;

/// Keeps a claim's envelope, whose hash its proof is of.
pub(super) async fn keep(
    transaction: &mut WriteTransaction,
    claim: &Claim,
) -> Result<(), StoreError> {
    sqlx::query(INSERT)
        .bind(bytes(claim.ledger.nullifier.to_field()))
        .bind(bytes(claim.ledger.envelope.to_field()))
        .bind(claim.envelope.clone())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

const INSERT: &str = "INSERT INTO envelope (nullifier, digest, sealed) VALUES ($1, $2, $3) \
                      ON CONFLICT DO NOTHING";

/// Returns the sealed envelope of an accepted claim, by its nullifier's 32 bytes: the one that the ledger's event
/// names. None if it was never handed in here.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn envelope_of(
    connection: &mut AnyConnection,
    nullifier: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as(
        "SELECT envelope.sealed FROM envelope
         JOIN accepted_claim ON accepted_claim.nullifier = envelope.nullifier
             AND accepted_claim.envelope_hash = envelope.digest
         WHERE envelope.nullifier = $1",
    )
    .bind(nullifier)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(sealed,)| sealed))
}

/// Why an envelope is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepEnvelopeError {
    /// It is no envelope.
    #[error("an envelope must have {} bytes", envelope::SEALED_BYTES)]
    Length,
    /// The ledger has accepted the claim with another envelope.
    #[error("the ledger has accepted this claim with another envelope: hand in that one")]
    Other,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeepEnvelopeError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Length | Self::Other => 1,
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(KeepEnvelopeError);

impl ClaimStore<'_> {
    /// Keeps an envelope that is handed in for a claim by itself, such as for one that another program brought to
    /// the ledger. Before the ledger has accepted the claim, it can't be told whether it is the claim's.
    ///
    /// # Errors
    /// [`KeepEnvelopeError::Length`] if its length is not an envelope's; [`KeepEnvelopeError::Other`] if the ledger
    /// has accepted the claim with another; [`StoreError::Database`].
    pub async fn keep_envelope(
        &self,
        nullifier: Nullifier,
        sealed: &[u8],
    ) -> Result<(), KeepEnvelopeError> {
        if !envelope::is_length(sealed.len()) {
            return Err(KeepEnvelopeError::Length);
        }
        let (nullifier, hash) =
            (bytes(nullifier.to_field()), bytes(EnvelopeHash::of(sealed).to_field()));
        let accepted: Option<(Option<Vec<u8>>,)> =
            sqlx::query_as("SELECT envelope_hash FROM accepted_claim WHERE nullifier = $1")
                .bind(&nullifier)
                .fetch_optional(self.0.pool())
                .await?;
        if accepted.is_some_and(|(of_claim,)| of_claim.as_ref() != Some(&hash)) {
            return Err(KeepEnvelopeError::Other);
        }
        sqlx::query(INSERT)
            .bind(nullifier)
            .bind(hash)
            .bind(sealed)
            .execute(self.0.writer())
            .await?;
        Ok(())
    }
}
