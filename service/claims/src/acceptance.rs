//! A claim follows what the ledger's events say of it.

use futures_util::future::BoxFuture;
use praman_ledger::{AcceptanceEvent, EventHandler};
use praman_store::WriteTransaction;
use praman_store::error::StoreError;

/// Marks claims of this store accepted when the ledger has accepted them, no matter who sent them.
pub struct ClaimAcceptance;

impl EventHandler for ClaimAcceptance {
    fn domain(&self) -> &'static str {
        "claims"
    }

    fn claim_accepted<'t>(
        &self,
        transaction: &'t mut WriteTransaction,
        event: AcceptanceEvent,
    ) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move {
            sqlx::query(
                "UPDATE claim SET state = 'accepted', block = $3
                 WHERE nullifier = $1 AND payout_commitment = $2
                     AND state NOT IN ('received', 'refused')
                     AND state IN ('verified', 'submitted')",
            )
            .bind(event.nullifier.to_vec())
            .bind(event.payout_commitment.to_vec())
            .bind(event.block as i64)
            .execute(&mut **transaction)
            .await?;
            Ok(())
        })
    }

    /// An accepted claim whose block was replaced waits for the ledger again.
    fn blocks_replaced<'t>(
        &self,
        transaction: &'t mut WriteTransaction,
        last: u64,
    ) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move {
            sqlx::query(
                "UPDATE claim SET state = 'submitted', block = NULL,
                     settlement = COALESCE(settlement, 'brought by another')
                 WHERE block > $1 AND state = 'accepted'",
            )
            .bind(last as i64)
            .execute(&mut **transaction)
            .await?;
            Ok(())
        })
    }
}
