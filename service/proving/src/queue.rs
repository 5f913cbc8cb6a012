//! The queue of proofs in the store: who is next, who has what, and until when.
//!
//! A person who waits goes before any batch; at the same priority, tenants take turns, so that a client
//! that asks for a million proofs delays no other. A job is given to a worker by a lease. Its attempts are
//! the fencing token: a result of an earlier attempt changes nothing.

use std::time::Duration;

use praman_store::error::StoreError;
use praman_store::{WriteTransaction, broken, milliseconds};

use super::job::{JobId, JobState, Priority, ProvingFault, ProvingJob};
use super::worker_key::WorkerPublicKey;
use crate::ProvingStore;

/// Bounds of the queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// Pending jobs of all tenants.
    pub waiting_max: u32,
    /// Pending jobs of one tenant.
    pub tenant_waiting_max: u32,
    /// When to try again if it is full.
    pub retry_after: Duration,
    /// How often a job is begun at most.
    pub attempts_max: u32,
    /// How long a worker keeps a job without renewing its lease.
    pub lease: Duration,
    /// How long a job may wait at most, and by default.
    pub deadline_max: Duration,
    /// How long a job's result is kept.
    pub kept: Duration,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            waiting_max: 20_000,
            tenant_waiting_max: 10_000,
            retry_after: Duration::from_secs(5),
            attempts_max: 4,
            lease: Duration::from_secs(15),
            deadline_max: Duration::from_secs(24 * 60 * 60),
            kept: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// A proof to request.
pub struct NewJob {
    /// Who asks: tenants take turns.
    pub tenant: String,
    /// Its priority.
    pub priority: Priority,
    /// The key that it is sealed to.
    pub worker: WorkerPublicKey,
    /// The sealed request.
    pub sealed: Vec<u8>,
    /// How long it may wait.
    pub deadline: Duration,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Queued {
    /// It is in the queue, or was already.
    Kept(ProvingJob),
    /// Too many jobs are pending.
    Full,
}

/// A job that a worker has.
pub struct TakenJob {
    /// The job.
    pub id: JobId,
    /// Its priority.
    pub priority: Priority,
    /// The sealed request.
    pub sealed: Vec<u8>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

impl ProvingStore<'_> {
    /// Puts a job into the queue; the same sealed request is one job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn queue_proof(
        &self,
        job: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Queued, StoreError> {
        let id = JobId::of(&job.sealed);
        if let Some(known) = self.proving_job(id).await? {
            return Ok(Queued::Kept(known));
        }
        let (waiting, of_tenant) = self.waiting_proofs(&job.tenant, limits).await?;
        if waiting >= limits.waiting_max || of_tenant >= limits.tenant_waiting_max {
            return Ok(Queued::Full);
        }
        let now = self.0.database().now();
        let mut transaction = self.0.begin_rows().await?;
        sqlx::query(
            "INSERT INTO proving_tenant (tenant, turn) VALUES ($1, 0) ON CONFLICT DO NOTHING",
        )
        .bind(&job.tenant)
        .execute(&mut *transaction)
        .await?;
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO proving_job (id, tenant, priority, state, worker_key, sealed, attempts,
                 not_before, deadline, queued_at)
             VALUES ($1, $2, $3, 'waiting', $4, $5, 0, 0, {now} + $6, {now})
             ON CONFLICT DO NOTHING"
        ));
        sqlx::query(statement)
            .bind(id.column())
            .bind(&job.tenant)
            .bind(job.priority.column())
            .bind(job.worker.0.to_vec())
            .bind(job.sealed.clone())
            .bind(milliseconds(job.deadline.min(limits.deadline_max)))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let kept = self.proving_job(id).await?;
        kept.map(Queued::Kept).ok_or_else(|| broken("a job that was kept"))
    }

    /// Counts the pending jobs of all and of one tenant, no further than the limits.
    async fn waiting_proofs(
        &self,
        tenant: &str,
        limits: &QueueLimits,
    ) -> Result<(u32, u32), StoreError> {
        let (all,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM
                 (SELECT 1 FROM proving_job WHERE state = 'waiting' LIMIT $1) AS waiting",
        )
        .bind(i64::from(limits.waiting_max))
        .fetch_one(self.0.pool())
        .await?;
        let (of_tenant,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM
                 (SELECT 1 FROM proving_job WHERE state = 'waiting' AND tenant = $1 LIMIT $2)
                 AS waiting",
        )
        .bind(tenant)
        .bind(i64::from(limits.tenant_waiting_max))
        .fetch_one(self.0.pool())
        .await?;
        Ok((all as u32, of_tenant as u32))
    }

    /// Returns what is known of a job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn proving_job(&self, id: JobId) -> Result<Option<ProvingJob>, StoreError> {
        type Columns = (String, JobState, i64, i64, Option<ProvingFault>, Option<String>, i64);
        let row: Option<Columns> = sqlx::query_as(
            "SELECT tenant, state, priority, attempts, reason, claim, queued_at FROM proving_job
             WHERE id = $1",
        )
        .bind(id.column())
        .fetch_optional(self.0.pool())
        .await?;
        let Some((tenant, state, priority, attempts, reason, claim, queued_at)) = row else {
            return Ok(None);
        };
        Ok(Some(ProvingJob {
            id,
            tenant,
            state,
            priority: Priority::of_column(priority)?,
            attempts: attempts as u32,
            reason,
            claim,
            queued_at: queued_at as u64,
        }))
    }

    /// Gives a worker jobs that are sealed to a key, one tenant after the other.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn take_proofs(
        &self,
        worker: &str,
        key: &WorkerPublicKey,
        most: usize,
        limits: &QueueLimits,
    ) -> Result<Vec<TakenJob>, StoreError> {
        let mut taken = Vec::new();
        // An idle worker asks often, so it must not delay writers.
        while taken.len() < most && self.some_proof_waits(key).await? {
            // A transaction for each: one that held two tenants' turns could deadlock with one that holds
            // them the other way round.
            let mut transaction = self.0.begin_rows().await?;
            let Some((tenant, priority)) = self.next_turn(&mut transaction, key).await? else {
                break;
            };
            let job = self.take_of(&mut transaction, worker, key, (&tenant, priority), limits);
            // Another worker has just taken it: next time.
            let Some(job) = job.await? else { break };
            transaction.commit().await?;
            taken.push(job);
        }
        Ok(taken)
    }

    async fn some_proof_waits(&self, key: &WorkerPublicKey) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT CAST(1 AS BIGINT) FROM proving_job
             WHERE state = 'waiting' AND worker_key = $1 LIMIT 1",
        )
        .bind(key.0.to_vec())
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.is_some())
    }

    /// Returns the tenant whose turn it is, and the priority of its first jobs.
    async fn next_turn(
        &self,
        transaction: &mut WriteTransaction,
        key: &WorkerPublicKey,
    ) -> Result<Option<(String, i64)>, StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT tenant, priority FROM
                 (SELECT t.tenant AS tenant, t.turn AS turn,
                      (SELECT j.priority FROM proving_job AS j
                       WHERE j.tenant = t.tenant AND j.state = 'waiting' AND j.worker_key = $1
                           AND j.not_before <= {now} AND j.deadline > {now}
                       ORDER BY j.priority, j.queued_at LIMIT 1) AS priority
                  FROM proving_tenant AS t) AS next
             WHERE priority IS NOT NULL ORDER BY priority, turn, tenant LIMIT 1"
        ));
        Ok(sqlx::query_as(statement)
            .bind(key.0.to_vec())
            .fetch_optional(&mut **transaction)
            .await?)
    }

    async fn take_of(
        &self,
        transaction: &mut WriteTransaction,
        worker: &str,
        key: &WorkerPublicKey,
        (tenant, priority): (&str, i64),
        limits: &QueueLimits,
    ) -> Result<Option<TakenJob>, StoreError> {
        let (now, skip_locked) = (self.0.database().now(), self.0.database().skip_locked());
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE proving_job SET state = 'proving', holder = $1, attempts = attempts + 1,
                 lease_until = {now} + $2
             WHERE id = (SELECT id FROM proving_job
                 WHERE tenant = $3 AND priority = $4 AND state = 'waiting' AND worker_key = $5
                     AND not_before <= {now} AND deadline > {now}
                 ORDER BY queued_at LIMIT 1 {skip_locked})
             RETURNING id, sealed, attempts"
        ));
        let row: Option<(Vec<u8>, Option<Vec<u8>>, i64)> = sqlx::query_as(statement)
            .bind(worker)
            .bind(milliseconds(limits.lease))
            .bind(tenant)
            .bind(priority)
            .bind(key.0.to_vec())
            .fetch_optional(&mut **transaction)
            .await?;
        let Some((id, sealed, attempts)) = row else { return Ok(None) };
        sqlx::query(
            "UPDATE proving_tenant SET turn = (SELECT max(turn) + 1 FROM proving_tenant)
             WHERE tenant = $1",
        )
        .bind(tenant)
        .execute(&mut **transaction)
        .await?;
        Ok(Some(TakenJob {
            id: JobId::from_column(&id).ok_or_else(|| broken("a job's id"))?,
            priority: Priority::of_column(priority)?,
            sealed: sealed.ok_or_else(|| broken("a waiting job's request"))?,
            attempt: attempts as u32,
        }))
    }

    /// Renews a worker's leases; returns the jobs that it no longer has.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn still_proving(
        &self,
        jobs: &[(JobId, u32)],
        limits: &QueueLimits,
    ) -> Result<Vec<JobId>, StoreError> {
        let now = self.0.database().now();
        let mut lost = Vec::new();
        for (id, attempt) in jobs {
            let statement = sqlx::AssertSqlSafe(format!(
                "UPDATE proving_job SET lease_until = {now} + $3
                 WHERE id = $1 AND state = 'proving' AND attempts = $2"
            ));
            let renewed = sqlx::query(statement)
                .bind(id.column())
                .bind(i64::from(*attempt))
                .bind(milliseconds(limits.lease))
                .execute(self.0.writer())
                .await?;
            if renewed.rows_affected() == 0 {
                lost.push(*id);
            }
        }
        Ok(lost)
    }

    /// Stores the claim of a job; returns false if the worker no longer has the job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn finish_proof(
        &self,
        id: JobId,
        attempt: u32,
        claim: &str,
    ) -> Result<bool, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE proving_job SET state = 'proved', claim = $3, sealed = NULL, finished_at = {}
             WHERE id = $1 AND state = 'proving' AND attempts = $2",
            self.0.database().now()
        ));
        let finished = sqlx::query(statement)
            .bind(id.column())
            .bind(i64::from(attempt))
            .bind(claim)
            .execute(self.0.writer())
            .await?;
        Ok(finished.rows_affected() == 1)
    }

    /// Records why a job has no claim. It is tried again, later and later, if that may help.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn fail_proof(
        &self,
        id: JobId,
        attempt: u32,
        reason: ProvingFault,
        limits: &QueueLimits,
    ) -> Result<(), StoreError> {
        let now = self.0.database().now();
        let again = reason.may_pass() && attempt < limits.attempts_max;
        let statement = sqlx::AssertSqlSafe(if again {
            format!(
                "UPDATE proving_job SET state = 'waiting', reason = $3, not_before = {now} + {}
                 WHERE id = $1 AND state = 'proving' AND attempts = $2",
                1_000 << attempt.min(6)
            )
        } else {
            format!(
                "UPDATE proving_job SET state = 'failed', reason = $3, sealed = NULL,
                     finished_at = {now}
                 WHERE id = $1 AND state = 'proving' AND attempts = $2"
            )
        });
        sqlx::query(statement)
            .bind(id.column())
            .bind(i64::from(attempt))
            .bind(reason)
            .execute(self.0.writer())
            .await?;
        Ok(())
    }

    /// Takes jobs from lost workers, ends jobs that are too late or were begun too often, and deletes results
    /// that were kept long enough. Any program may do it at any time.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tidy_proofs(&self, limits: &QueueLimits) -> Result<(), StoreError> {
        let now = self.0.database().now();
        let attempts_max = limits.attempts_max;
        let is_over = self.0.database().is_over("lease_until", limits.lease);
        for statement in [
            format!(
                "UPDATE proving_job SET state = 'failed', reason = 'worker-lost', sealed = NULL,
                     finished_at = {now}
                 WHERE state = 'proving' AND {is_over} AND attempts >= {attempts_max}"
            ),
            format!(
                "UPDATE proving_job SET state = 'waiting'
                 WHERE state = 'proving' AND {is_over} AND attempts < {attempts_max}"
            ),
            format!(
                "UPDATE proving_job SET state = 'failed', reason = 'deadline-passed', sealed = NULL,
                     finished_at = {now}
                 WHERE state = 'waiting' AND deadline <= {now}"
            ),
            format!(
                "DELETE FROM proving_job WHERE finished_at < {now} - {}",
                milliseconds(limits.kept)
            ),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(self.0.writer()).await?;
        }
        Ok(())
    }

    /// Returns the jobs that were finished after a time, in milliseconds since 1970, and the time now.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn proofs_finished_after(&self, after: i64) -> Result<(Vec<JobId>, i64), StoreError> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {}", self.0.database().now()));
        let (now,): (i64,) = sqlx::query_as(statement).fetch_one(self.0.pool()).await?;
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT id FROM proving_job WHERE finished_at >= $1")
                .bind(after)
                .fetch_all(self.0.pool())
                .await?;
        let id = |(id,): &(Vec<u8>,)| JobId::from_column(id).ok_or_else(|| broken("a job's id"));
        Ok((rows.iter().map(id).collect::<Result<_, _>>()?, now))
    }
}
