//! Envelopes, opened before the store is locked to write: opening takes longer than everything else that a
//! treasury does, and claims are accepted meanwhile.

use std::collections::HashMap;

use praman_holder::envelope::Payout;
use praman_store::Store;
use sqlx::AnyConnection;

use super::correction;
use super::key::TreasuryKey;
use super::transfer::TransferRow;
use crate::refusal::PaymentError;

/// The envelopes of some claims, by their nullifiers.
pub(super) struct Envelopes<'a> {
    store: &'a Store,
    key: &'a TreasuryKey,
    opened: HashMap<Vec<u8>, Box<Payout>>,
}

impl<'a> Envelopes<'a> {
    /// Starts with none opened.
    pub(super) fn new(store: &'a Store, key: &'a TreasuryKey) -> Self {
        Self { store, key, opened: HashMap::new() }
    }

    /// Returns the key that opens them.
    pub(super) fn key(&self) -> &'a TreasuryKey {
        self.key
    }

    /// Opens the envelopes of some claims, by nullifier and payout commitment. One that does not fit is looked
    /// up again when it is needed: another may have been submitted.
    pub(super) async fn open_ahead(
        &mut self,
        claims: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<(), PaymentError> {
        for (nullifier, commitment) in claims {
            if self.opened.contains_key(&nullifier) {
                continue;
            }
            if let Ok(payout) = self.key.open_of(self.store, &nullifier, &commitment).await? {
                self.opened.insert(nullifier, Box::new(payout));
            }
        }
        Ok(())
    }

    /// Returns the payout of a claim, or why it can't be paid.
    pub(super) async fn payout(
        &self,
        nullifier: &[u8],
        commitment: &[u8],
    ) -> Result<Result<Payout, &'static str>, PaymentError> {
        match self.opened.get(nullifier) {
            Some(payout) => Ok(Ok(Payout::clone(payout))),
            None => self.key.open_of(self.store, nullifier, commitment).await,
        }
    }

    /// Returns a transfer's total and payee: from its claim's envelope, or after a correction the payee that
    /// the office named.
    pub(super) async fn of_transfer(
        &self,
        connection: &mut AnyConnection,
        row: &TransferRow,
    ) -> Result<Result<Payout, &'static str>, PaymentError> {
        let commitment = commitment_of(connection, &row.nullifier).await?;
        let opened = self.payout(&row.nullifier, &commitment).await?;
        let Ok(mut payout) = opened else { return Ok(opened) };
        if let Some(payee) = correction::payee_of(connection, self.key, row, &payout).await? {
            payout.payee = payee;
        }
        Ok(Ok(payout))
    }
}

/// Returns the payout commitment of an accepted claim.
pub(super) async fn commitment_of(
    connection: &mut AnyConnection,
    nullifier: &[u8],
) -> Result<Vec<u8>, PaymentError> {
    let (commitment,): (Vec<u8>,) =
        sqlx::query_as("SELECT payout_commitment FROM accepted_claim WHERE nullifier = $1")
            .bind(nullifier)
            .fetch_one(connection)
            .await?;
    Ok(commitment)
}
