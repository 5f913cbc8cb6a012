//! Settling verified claims: those of one scheme, period and state by one transaction of the chain.

use std::time::Instant;

use praman_files::sealed::random_key;
use praman_holder::claim::SubmittedClaim;
use praman_ledger::{Ledger, LedgerClaim, LedgerError};
use praman_offices::OfficeStore;
use praman_store::bytes;
use praman_store::error::StoreError;
use praman_store::failpoint::may_die;

use super::machine::ClaimMachine;
use super::record::{COLUMNS, Row};
use super::rules::Terms;
use super::stages::Stage;
use super::state::{ClaimId, Reason};
use super::verification::refuse;
use crate::ClaimStore;
use crate::terms::TermsError;

/// How many claims a transaction of the chain takes: as many as a block has gas for.
pub(super) const TOGETHER: usize = 64;

/// What came of submitting some claims to the chain.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Claims that are decided now.
    pub decided: Vec<ClaimId>,
    /// Why the rest is pending, if it is.
    pub waits: Option<String>,
}

impl Settled {
    /// Returns whether there was nothing to do.
    pub fn is_idle(&self) -> bool {
        self.decided.is_empty() && self.waits.is_none()
    }
}

type Claims = Vec<(ClaimId, SubmittedClaim)>;

impl ClaimMachine {
    /// Submits the claims that were on their way when a program died, else those that have waited
    /// longest, to the chain.
    ///
    /// Two programs that settle at once lose nothing: the chain accepts a nullifier once. Only one
    /// settles for the sake of speed.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn settle(&self, ledger: &mut impl Ledger) -> Result<Settled, StoreError> {
        let begun = Instant::now();
        let mut claims = self.interrupted().await?;
        if claims.is_empty() {
            claims = self.next_settlement().await?;
        }
        if !claims.is_empty() {
            self.clock.since(Stage::Recording, begun);
        }
        let mut settled = Settled::default();
        if !claims.is_empty() {
            self.bring(ledger, claims, &mut settled).await?;
        }
        Ok(settled)
    }

    /// Returns the claims of one unfinished settlement.
    async fn interrupted(&self) -> Result<Claims, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM claim WHERE state = 'submitted' AND settlement =
                 (SELECT min(settlement) FROM claim WHERE state = 'submitted')
             ORDER BY id LIMIT {TOGETHER}"
        ));
        let rows: Vec<Row> = sqlx::query_as(statement).fetch_all(self.store.pool()).await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Marks claims of the same terms as the one that has waited longest as submitted.
    async fn next_settlement(&self) -> Result<Claims, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM claim WHERE state = 'verified' ORDER BY received_at LIMIT {}",
            4 * TOGETHER
        ));
        let mut transaction = self.store.begin_rows().await?;
        let rows: Vec<Row> = sqlx::query_as(statement).fetch_all(&mut *transaction).await?;
        let mut claims: Claims = rows.into_iter().map(Row::read).collect::<Result<_, _>>()?;
        let Some(terms) = claims.first().map(|(_, first)| Terms::of(first)) else {
            return Ok(claims);
        };
        claims.retain(|(_, claim)| Terms::of(claim) == terms);
        claims.truncate(TOGETHER);
        // The order in which they are read again after a crash.
        claims.sort_by_key(|(id, _)| *id);
        let settlement = hex::encode(&random_key()[..16]);
        let mut taken = Vec::with_capacity(claims.len());
        for (id, claim) in claims {
            let marked = sqlx::query(
                "UPDATE claim SET state = 'submitted', settlement = $2
                 WHERE id = $1 AND state = 'verified'",
            )
            .bind(id.column())
            .bind(&settlement)
            .execute(&mut *transaction)
            .await?;
            if marked.rows_affected() == 1 {
                taken.push((id, claim));
            }
        }
        may_die!("claims::mark");
        transaction.commit().await?;
        may_die!("claims::marked");
        Ok(taken)
    }

    async fn bring(
        &self,
        ledger: &mut impl Ledger,
        claims: Claims,
        settled: &mut Settled,
    ) -> Result<(), StoreError> {
        let checkpoint = claims[0].1.checkpoint();
        let Some(number) = OfficeStore(&self.store).checkpoint_number(checkpoint).await? else {
            return self.refuse_all(&claims, Reason::CheckpointNotGood, settled).await;
        };
        self.keep_payment_terms(&claims[0].1).await?;
        // Parts of a refused batch, in order; a loop, since a future can't recurse.
        let mut parts = vec![claims];
        while let Some(mut part) = parts.pop() {
            let ledger_claims: Vec<LedgerClaim> = part
                .iter()
                .map(|(_, claim)| LedgerClaim {
                    checkpoint: number,
                    ..claim.claim().ledger.clone()
                })
                .collect();
            let begun = Instant::now();
            let outcome = match &ledger_claims[..] {
                [claim] => ledger.claim(claim).await,
                claims => ledger.claim_batch(claims).await,
            };
            self.clock.since(Stage::Settling, begun);
            match outcome {
                // The ledger's events have advanced the claims, in its own transaction.
                Ok(_) => {
                    may_die!("claims::settled");
                    settled.decided.extend(part.iter().map(|(id, _)| *id));
                }
                Err(LedgerError::Failed(error)) => {
                    settled.waits = Some(error.to_string());
                    return Ok(());
                }
                Err(error @ (LedgerError::Paused | LedgerError::NotPermitted(_))) => {
                    settled.waits = Some(error.to_string());
                    return Ok(());
                }
                Err(LedgerError::PeriodNotOpen) => {
                    self.refuse_all(&part, Reason::PeriodNotOpen, settled).await?;
                }
                Err(LedgerError::PeriodNotBegun) => {
                    self.refuse_all(&part, Reason::PeriodNotBegun, settled).await?;
                }
                Err(LedgerError::PeriodOver) => {
                    self.refuse_all(&part, Reason::PeriodOver, settled).await?;
                }
                Err(LedgerError::CheckpointNotGood) => {
                    self.refuse_all(&part, Reason::CheckpointNotGood, settled).await?;
                }
                Err(_) if part.len() > 1 => {
                    parts.push(part.split_off(part.len() / 2));
                    parts.push(part);
                }
                Err(error) => self.refuse_one(&part[0], &error, settled).await?,
            }
        }
        Ok(())
    }

    /// Keeps how accepted claims will be paid, as the scheme says now. If the period was opened with
    /// other terms, those hold.
    async fn keep_payment_terms(&self, claim: &SubmittedClaim) -> Result<(), StoreError> {
        let Some(published) = self.schemes().find(claim.scheme()) else { return Ok(()) };
        let period = claim.claim().ledger.period.period;
        let terms = published.scheme.payment;
        match ClaimStore(&self.store).keep_payment_terms(claim.scheme(), period, terms).await {
            Ok(()) => Ok(()),
            Err(differs @ TermsError::Differs { .. }) => {
                tracing::warn!("{differs}");
                Ok(())
            }
            Err(TermsError::Store(error)) => Err(error),
        }
    }

    async fn refuse_all(
        &self,
        claims: &[(ClaimId, SubmittedClaim)],
        reason: Reason,
        settled: &mut Settled,
    ) -> Result<(), StoreError> {
        let mut transaction = self.store.begin_rows().await?;
        for (id, _) in claims {
            refuse(&mut transaction, *id, reason).await?;
            settled.decided.push(*id);
        }
        Ok(transaction.commit().await?)
    }

    /// Refuses a claim that the chain rejects; one that the chain has accepted before is accepted.
    async fn refuse_one(
        &self,
        (id, claim): &(ClaimId, SubmittedClaim),
        error: &LedgerError,
        settled: &mut Settled,
    ) -> Result<(), StoreError> {
        let ledger = &claim.claim().ledger;
        let mut transaction = self.store.begin_rows().await?;
        let accepted: Option<(i64,)> = sqlx::query_as(
            "SELECT block FROM accepted_claim WHERE nullifier = $1 AND payout_commitment = $2",
        )
        .bind(bytes(ledger.nullifier.to_field()))
        .bind(bytes(ledger.payout.to_field()))
        .fetch_optional(&mut *transaction)
        .await?;
        match accepted {
            Some((block,)) => {
                sqlx::query(
                    "UPDATE claim SET state = 'accepted', block = $2
                     WHERE id = $1 AND state = 'submitted'",
                )
                .bind(id.column())
                .bind(block)
                .execute(&mut *transaction)
                .await?;
            }
            None => {
                let reason = match error {
                    LedgerError::AlreadyClaimed => Reason::AlreadyClaimed,
                    LedgerError::ProofInvalid | LedgerError::BatchInvalid => Reason::ProofInvalid,
                    _ => Reason::LedgerRefuses,
                };
                refuse(&mut transaction, *id, reason).await?;
            }
        }
        settled.decided.push(*id);
        Ok(transaction.commit().await?)
    }
}
