//! What expires: requests without an answer, and consents whose time has passed.

use jiff::Timestamp;
use praman_circuits::merkle::empty_leaf;
use praman_ledger::{ProviderId, RequesterNumber};

use super::desk::{REQUEST_DAYS, time_of_column};
use super::erasure::{ErasureReason, order_erasure};
use super::provider::{Tree, change_leaf};
use super::refusal::ConsentError;
use super::withdrawal::SETTLING_MINUTES;
use crate::ConsentStore;

impl ConsentStore<'_> {
    /// Ends what is over: requests without an answer, and consents whose time has passed, whose leaves are
    /// emptied. What they gave is ordered to be erased at its time. Returns the providers whose trees have
    /// changed.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn end_what_is_over(&self, now: Timestamp) -> Result<Vec<ProviderId>, ConsentError> {
        let at = now.as_millisecond();
        sqlx::query(
            "UPDATE consent_request SET state = 'EXPIRED'
             WHERE state = 'REQUESTED' AND (erase_at <= $1 OR received_at <= $2)",
        )
        .bind(at)
        .bind(at - REQUEST_DAYS * 86_400_000)
        .execute(self.0.writer())
        .await?;
        let mut transaction = self.0.begin().await?;
        // An access of its last minute may still be on its way; until then the patient can withdraw.
        let settled = at - i64::from(SETTLING_MINUTES) * 60_000;
        let over: Vec<(i64, i64)> = sqlx::query_as(
            "UPDATE consent SET state = 'expired' WHERE state = 'granted' AND valid_until < $1
             RETURNING provider, position",
        )
        .bind(settled)
        .fetch_all(&mut *transaction)
        .await?;
        let mut changed = Vec::new();
        for (provider, place) in over {
            let provider = ProviderId(provider as u32);
            // Its validity already refuses a proof as of now, so earlier roots may stay valid for other proofs.
            let emptied = (place as usize, empty_leaf());
            change_leaf(&mut transaction, provider, Tree::Consents, emptied, false).await?;
            if !changed.contains(&provider) {
                changed.push(provider);
            }
        }
        let due: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT id, requester, erase_at FROM consent
             WHERE erase_at <= $1 AND NOT EXISTS
                 (SELECT 1 FROM erasure_order WHERE erasure_order.consent = consent.id)",
        )
        .bind(at)
        .fetch_all(&mut *transaction)
        .await?;
        for (id, requester, erase_at) in due {
            let requester = RequesterNumber(requester as u32);
            let at = time_of_column(erase_at);
            order_erasure(&mut transaction, &id, requester, ErasureReason::EraseAt, at).await?;
        }
        transaction.commit().await?;
        Ok(changed)
    }
}
