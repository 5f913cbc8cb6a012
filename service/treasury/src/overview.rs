//! Orders and their outcomes, by scheme and period: no amounts, and no small counts.

use std::collections::BTreeMap;

use praman_access::SchemeScope;
use praman_register::small_cells;
use serde::Serialize;

use super::transfer::TransferState;
use crate::TreasuryStore;
use praman_store::error::StoreError;

/// The transfers of a scheme's period; none if they are few.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TransferFigures {
    /// The scheme.
    pub scheme: String,
    /// The period, as statements have it.
    pub period: u32,
    /// In a batch whose file is not written.
    pub drafted: Option<u64>,
    /// In a bank's file.
    pub ordered: Option<u64>,
    /// Paid.
    pub paid: Option<u64>,
    /// Returned, and not paid again yet.
    pub returned: Option<u64>,
    /// Returned, and paid again by another.
    pub reissued: Option<u64>,
}

impl TreasuryStore<'_> {
    /// Returns the transfers by scheme and period, the latest first, of a scope's schemes.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn transfer_figures(
        &self,
        scope: &SchemeScope,
    ) -> Result<Vec<TransferFigures>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT scheme, period, state, COUNT(*) FROM payment_transfer
             JOIN payment_batch ON payment_batch.id = payment_transfer.batch
             WHERE {} GROUP BY scheme, period, state",
            SchemeScope::condition("payment_batch.scheme", "$1")
        ));
        let rows: Vec<(String, i64, TransferState, i64)> =
            sqlx::query_as(statement).bind(scope.column()).fetch_all(self.0.pool()).await?;
        let mut counts: BTreeMap<
            (std::cmp::Reverse<i64>, String),
            [u64; TransferState::ALL.len()],
        > = BTreeMap::new();
        for (scheme, period, state, count) in rows {
            counts.entry((std::cmp::Reverse(period), scheme)).or_default()[state as usize] =
                count as u64;
        }
        let figures = counts.into_iter().map(|((period, scheme), counts)| {
            let told = small_cells::told(&counts);
            TransferFigures {
                scheme,
                period: period.0 as u32,
                drafted: told[TransferState::Drafted as usize],
                ordered: told[TransferState::Ordered as usize],
                paid: told[TransferState::Paid as usize],
                returned: told[TransferState::Returned as usize],
                reissued: told[TransferState::Reissued as usize],
            }
        });
        Ok(figures.collect())
    }
}
