//! Transfers that the bank has reported as paid after it had reported them as returned: nothing is paid again for
//! them until two persons have asked the bank and decide.

use praman_access::{AccessStore, ApprovalKind, Caller};
use praman_store::broken;
use praman_store::named::named;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::reporting::reason_of;
use super::transfer::{self, TransferReference, TransferState};
use crate::TreasuryStore;
use crate::refusal::OrderFault;
use crate::refusal::OrderRefusal;
use crate::refusal::PaymentError;

named! {
    /// What two persons have found out about a contested transfer.
    ContestedOutcome {
        /// The money has reached the account.
        Paid = "paid",
        /// It came back.
        Returned = "returned",
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolveDocument {
    transfer: String,
    outcome: ContestedOutcome,
}

impl TreasuryStore<'_> {
    /// Asks a second treasurer to decide what became of a contested transfer; the approval's number.
    ///
    /// # Errors
    /// [`PaymentError::Order`] if it is not contested, or if there are not two treasurers.
    pub async fn ask_resolve(
        &self,
        reference: &TransferReference,
        outcome: ContestedOutcome,
        by: &Caller,
    ) -> Result<u32, PaymentError> {
        let mut transaction = self.0.begin().await?;
        super::release::require_two_treasurers(self.0, &mut transaction, by).await?;
        let row = transfer::find(&mut transaction, reference.as_str()).await?;
        if !row.is_some_and(|row| row.is_contested()) {
            return Err(OrderRefusal::of(reference, OrderFault::NotContested).into());
        }
        let document = ResolveDocument { transfer: reference.to_string(), outcome };
        let document = serde_json::to_string(&document).expect("plain data");
        let (kind, tenant) = (ApprovalKind::Resolve, by.tenant_column());
        let number =
            AccessStore(self.0).ask_approval(&mut transaction, kind, tenant, &document, by).await?;
        transaction.commit().await?;
        Ok(number)
    }

    /// Returns the contested transfers, by reference.
    ///
    /// # Errors
    /// [`PaymentError::Store`].
    pub async fn contested_transfers(&self) -> Result<Vec<String>, PaymentError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT reference FROM payment_transfer WHERE contested = 1 ORDER BY reference",
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(rows.into_iter().map(|(reference,)| reference).collect())
    }
}

/// Writes what two persons have decided. If the money has reached the account, the second payment is cancelled; if
/// that has gone out as well, it stays as the bank reports it, and reconciliation reports that too much was paid.
///
/// # Errors
/// [`PaymentError::Store`].
pub(super) async fn resolve(
    connection: &mut AnyConnection,
    document: &str,
) -> Result<(), PaymentError> {
    let about: ResolveDocument =
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))?;
    let Some(row) = transfer::find(connection, &about.transfer).await? else {
        return Err(broken("an approval's transfer").into());
    };
    let refused = |fault| Err(OrderRefusal::of(&row.reference, fault).into());
    if !row.is_contested() {
        return refused(OrderFault::NoLongerContested);
    }
    let attempts = transfer::attempts(connection, &row.nullifier, row.part()).await?;
    for other in attempts.iter().filter(|one| one.reference != row.reference) {
        if other.state == TransferState::Drafted {
            return refused(OrderFault::ReplacementDrafted);
        }
    }
    let decided = match about.outcome {
        ContestedOutcome::Paid => TransferState::Paid,
        ContestedOutcome::Returned => TransferState::Returned,
    };
    transfer::set_state(connection, &row.reference, decided).await?;
    // No report overturns what two persons have found out: the transfer becomes contested again.
    sqlx::query("UPDATE payment_transfer SET contested = 0, resolved = $2 WHERE reference = $1")
        .bind(&row.reference)
        .bind(about.outcome)
        .execute(&mut *connection)
        .await?;
    // If it is paid, the payment in its place is cancelled.
    transfer::settle_part(connection, &row.nullifier, row.part()).await?;
    let reason = row.reason.as_deref().map(reason_of);
    Ok(transfer::settle_claim(connection, &row.nullifier, reason).await?)
}
