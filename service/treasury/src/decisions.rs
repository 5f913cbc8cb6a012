//! What a decision of two persons changes among payments.

use praman_access::{ApprovalKind, DecisionError, PaymentDecisions};
use praman_store::error::StoreError;
use sqlx::AnyConnection;

use super::{contested, release, resumed, same_account};

/// The treasury's part of decisions.
#[derive(Clone, Copy, Debug)]
pub struct TreasuryDecisions;

impl PaymentDecisions for TreasuryDecisions {
    async fn approve(
        &self,
        connection: &mut AnyConnection,
        kind: ApprovalKind,
        document: &str,
        number: u32,
    ) -> Result<(), DecisionError> {
        match kind {
            ApprovalKind::Release => {
                same_account::release(connection, document, i64::from(number)).await?;
            }
            ApprovalKind::Resolve => contested::resolve(connection, document).await?,
            ApprovalKind::Resume => resumed::resume(connection, document).await?,
            // A batch goes out with the next run, a correction with the next reissue; the others are not
            // payments.
            ApprovalKind::Admit
            | ApprovalKind::Pay
            | ApprovalKind::Arrears
            | ApprovalKind::Correct => {}
        }
        Ok(())
    }

    async fn drop_batch(
        &self,
        connection: &mut AnyConnection,
        document: &str,
    ) -> Result<bool, StoreError> {
        release::drop_batch(connection, document).await
    }
}
