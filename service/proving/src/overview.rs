//! The workers, and what is pending for them.

use praman_access::Caller;
use praman_store::error::StoreError;
use serde::Serialize;

use crate::ProvingStore;

/// A tenant's proofs for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvingFigures {
    /// The tenant.
    pub tenant: String,
    /// How many wait.
    pub waiting: u64,
    /// How many a worker has.
    pub proving: u64,
    /// How many were made, of those still known.
    pub proved: u64,
    /// How many failed, of those still known.
    pub failed: u64,
}

/// A worker that has jobs now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BusyWorker {
    /// What it calls itself.
    pub holder: String,
    /// How many it has.
    pub jobs: u64,
    /// When its last lease ends, in milliseconds since 1970.
    pub lease_until: i64,
}

impl ProvingStore<'_> {
    /// Returns the proofs for others, of the tenants that the caller may see.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn proving_figures(&self, by: &Caller) -> Result<Vec<ProvingFigures>, StoreError> {
        let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT tenant, CAST(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END) AS BIGINT),
                    CAST(SUM(CASE WHEN state = 'proving' THEN 1 ELSE 0 END) AS BIGINT),
                    CAST(SUM(CASE WHEN state = 'proved' THEN 1 ELSE 0 END) AS BIGINT),
                    CAST(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) AS BIGINT)
             FROM proving_job GROUP BY tenant ORDER BY tenant",
        )
        .fetch_all(self.0.pool())
        .await?;
        let figures =
            rows.into_iter().filter(|(tenant, ..)| by.sees_all() || tenant == by.tenant_column());
        let figures = figures.map(|(tenant, waiting, proving, proved, failed)| ProvingFigures {
            tenant,
            waiting: waiting as u64,
            proving: proving as u64,
            proved: proved as u64,
            failed: failed as u64,
        });
        Ok(figures.collect())
    }

    /// Returns the workers that have jobs now.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn busy_workers(&self) -> Result<Vec<BusyWorker>, StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT holder, COUNT(*), MAX(lease_until) FROM proving_job
             WHERE state = 'proving' AND lease_until >= {now} GROUP BY holder ORDER BY holder"
        ));
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as(statement).fetch_all(self.0.pool()).await?;
        let worker = |(holder, jobs, lease_until): (String, i64, i64)| BusyWorker {
            holder,
            jobs: jobs as u64,
            lease_until,
        };
        Ok(rows.into_iter().map(worker).collect())
    }
}
