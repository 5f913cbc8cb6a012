//! What the ledger's events say, for people to look at.

use praman_access::SchemeScope;
use praman_store::error::StoreError;
use serde::Serialize;

use crate::LedgerStore;

/// A claim that is or was disputed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownDispute {
    /// The claim's nullifier, as the ledger has it.
    pub nullifier: String,
    /// The claim's scheme; empty where the claim is not known here.
    pub scheme: String,
    /// Its period.
    pub period: u32,
    /// Whether it may be paid, by a final decision.
    pub payable: bool,
    /// The block of the last event.
    pub block: u64,
}

/// Disputes with the scheme and period of the claim, if it is known here.
const DISPUTED: &str = "dispute LEFT JOIN accepted_claim \
                        ON accepted_claim.nullifier = dispute.nullifier";

impl LedgerStore<'_> {
    /// Counts the frozen claims of a scope's schemes.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_frozen(&self, scope: &SchemeScope) -> Result<usize, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM {DISPUTED} WHERE payable = 0 AND {}",
            SchemeScope::condition("scheme", "$1")
        ));
        let (count,): (i64,) =
            sqlx::query_as(statement).bind(scope.column()).fetch_one(self.0.pool()).await?;
        Ok(count as usize)
    }

    /// Returns the claims of a scope's schemes that are or were disputed, the latest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn disputes(&self, scope: &SchemeScope) -> Result<Vec<KnownDispute>, StoreError> {
        type Columns = (Vec<u8>, Option<String>, Option<i64>, i64, i64);
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT dispute.nullifier, scheme, period, payable, dispute.block FROM {DISPUTED}
             WHERE {} ORDER BY dispute.block DESC LIMIT 1000",
            SchemeScope::condition("scheme", "$1")
        ));
        let rows: Vec<Columns> =
            sqlx::query_as(statement).bind(scope.column()).fetch_all(self.0.pool()).await?;
        let dispute = |(nullifier, scheme, period, payable, block): Columns| KnownDispute {
            nullifier: format!("0x{}", hex::encode(nullifier)),
            scheme: scheme.unwrap_or_default(),
            period: period.unwrap_or_default() as u32,
            payable: payable != 0,
            block: block as u64,
        };
        Ok(rows.into_iter().map(dispute).collect())
    }
}
