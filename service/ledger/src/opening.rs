//! The state of the ledger's openings, from its events.

use alloy_sol_types::SolEvent;
use praman_circuits::period::Day;
use praman_circuits::scope::SchemeId;
use praman_language::calendar;
use praman_rules::scheme::ClaimPeriod;
use praman_store::WriteTransaction;
use praman_store::error::StoreError;
use praman_verifier::contracts::{Claims, scheme_of_word};
use serde::Serialize;

use super::SETTLING_DAYS;
use super::chain::{ChainError, ChainLog};
use super::journal::decode;
use crate::LedgerStore;

/// `Stage.Open` of the contract.
const OPEN: i64 = 1;

/// A scheme's period as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownOpening {
    /// The scheme.
    pub scheme: String,
    /// The period, as statements have it.
    pub period: u32,
    /// The month whose rules hold.
    pub window: u32,
    /// Whether it takes claims now.
    pub takes_claims: bool,
    /// The last day on which claims are handed in; none if the ledger has no such day.
    pub last_day: Option<jiff::civil::Date>,
}

/// Whether a scheme's period takes claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// It does.
    Open,
    /// It was not opened, or is suspended or closed.
    NotOpen,
    /// Its last day is over.
    Over,
}

/// Computes the last day on which claims are handed in from the ledger's, which has some days more to settle them.
fn handed_in_until(last_day: i64) -> i64 {
    last_day - i64::from(SETTLING_DAYS)
}

fn taking(stage: i64, last_day: Option<i64>, today: Day) -> Taking {
    match last_day.map(handed_in_until) {
        _ if stage != OPEN => Taking::NotOpen,
        Some(last_day) if last_day < i64::from(today.0) => Taking::Over,
        _ => Taking::Open,
    }
}

/// Writes what an event says of an opening, if it is of one.
pub(super) async fn record_opening(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
) -> Result<(), ChainError> {
    let (opening, stage, last_day) = match log.topics.first().copied().unwrap_or_default() {
        Claims::PeriodOpened::SIGNATURE_HASH => {
            let event: Claims::PeriodOpened = decode(log)?;
            let scheme = scheme_of_word(event.scheme)
                .ok_or_else(|| ChainError::failed("an opening names no scheme"))?;
            sqlx::query(
                "INSERT INTO opening (number, scheme, period, \"window\", stage, block, scope)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(i64::from(event.opening))
            .bind(scheme.as_str())
            .bind(i64::from(event.period))
            .bind(i64::from(event.window))
            .bind(OPEN)
            .bind(log.block as i64)
            .bind(event.scope.to_be_bytes_vec())
            .execute(&mut **transaction)
            .await?;
            (event.opening, Some(OPEN), None)
        }
        Claims::StageChanged::SIGNATURE_HASH => {
            let event: Claims::StageChanged = decode(log)?;
            (event.opening, Some(i64::from(event.stage)), None)
        }
        Claims::LastDaySet::SIGNATURE_HASH => {
            let event: Claims::LastDaySet = decode(log)?;
            (event.opening, None, Some(i64::from(event.lastDay)))
        }
        _ => return Ok(()),
    };
    sqlx::query(
        "INSERT INTO opening_event (number, opening, stage, last_day, block)
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM opening_event",
    )
    .bind(i64::from(opening))
    .bind(stage)
    .bind(last_day)
    .bind(log.block as i64)
    .execute(&mut **transaction)
    .await?;
    follow_opening(transaction, i64::from(opening)).await
}

/// Sets an opening to its newest events.
async fn follow_opening(
    transaction: &mut WriteTransaction,
    opening: i64,
) -> Result<(), ChainError> {
    sqlx::query(
        "UPDATE opening SET
             stage = coalesce((SELECT stage FROM opening_event
                 WHERE opening = $1 AND stage IS NOT NULL ORDER BY number DESC LIMIT 1), stage),
             last_day = (SELECT last_day FROM opening_event
                 WHERE opening = $1 AND last_day IS NOT NULL ORDER BY number DESC LIMIT 1)
         WHERE number = $1",
    )
    .bind(opening)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Reverts openings to what blocks up to `last` say.
pub(super) async fn forget_openings_after(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), ChainError> {
    let told: Vec<(i64,)> =
        sqlx::query_as("SELECT DISTINCT opening FROM opening_event WHERE block > $1")
            .bind(last as i64)
            .fetch_all(&mut **transaction)
            .await?;
    for statement in
        ["DELETE FROM opening_event WHERE block > $1", "DELETE FROM opening WHERE block > $1"]
    {
        sqlx::query(statement).bind(last as i64).execute(&mut **transaction).await?;
    }
    for (opening,) in told {
        follow_opening(transaction, opening).await?;
    }
    Ok(())
}

impl LedgerStore<'_> {
    /// Returns the schemes' periods, the latest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn openings(&self) -> Result<Vec<KnownOpening>, StoreError> {
        let rows: Vec<(String, i64, i64, i64, Option<i64>)> = sqlx::query_as(
            "SELECT scheme, period, \"window\", stage, last_day FROM opening
             ORDER BY period DESC, scheme",
        )
        .fetch_all(self.0.pool())
        .await?;
        let today = calendar::today();
        let opening = |(scheme, period, window, stage, last_day)| KnownOpening {
            scheme,
            period: period as u32,
            window: window as u32,
            takes_claims: taking(stage, last_day, today) == Taking::Open,
            last_day: last_day
                .and_then(|day| calendar::date_of(Day(u32::try_from(handed_in_until(day)).ok()?))),
        };
        Ok(rows.into_iter().map(|row: (_, i64, i64, _, _)| opening(row)).collect())
    }

    /// Returns the number of a scheme's opening; none if it was not opened.
    pub(super) async fn opening(
        &self,
        scheme: &str,
        period: u32,
        window: u32,
    ) -> Result<Option<u32>, sqlx::Error> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT number FROM opening WHERE scheme = $1 AND period = $2 AND \"window\" = $3",
        )
        .bind(scheme)
        .bind(i64::from(period))
        .bind(i64::from(window))
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.map(|(number,)| number as u32))
    }

    /// Returns the number of the opening of a scheme's period; none if it was not opened.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn opening_of(
        &self,
        scheme: &SchemeId,
        period: ClaimPeriod,
    ) -> Result<Option<u32>, StoreError> {
        Ok(self.opening(scheme.as_str(), period.period.0, period.window.0).await?)
    }

    /// Returns whether a scheme's period takes claims today.
    pub async fn opening_takes_claims(
        &self,
        scheme: &SchemeId,
        period: ClaimPeriod,
    ) -> Result<Taking, StoreError> {
        let row: Option<(i64, Option<i64>)> = sqlx::query_as(
            "SELECT stage, last_day FROM opening
             WHERE scheme = $1 AND period = $2 AND \"window\" = $3",
        )
        .bind(scheme.as_str())
        .bind(i64::from(period.period.0))
        .bind(i64::from(period.window.0))
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.map_or(Taking::NotOpen, |(stage, last_day)| {
            taking(stage, last_day, calendar::today())
        }))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, U256};
    use praman_circuits::eligibility::EDITION;
    use praman_circuits::period::Period;
    use praman_store::Store;
    use praman_verifier::contracts::scheme_word;

    use super::*;

    fn log(block: u64, event: &impl SolEvent) -> ChainLog {
        ChainLog::of(block, Address::ZERO, event)
    }

    /// An opening goes back to its earlier state when its block is replaced; a replaced block shuts no one out.
    #[tokio::test]
    async fn opening_changed_in_replaced_block_stands_as_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let scheme: SchemeId = "annapurna".parse().expect("an id");
        let window = Period(1_517);
        let period = ClaimPeriod { period: window, window };
        let (opening, today) = (0, calendar::today().0);
        let opened = Claims::PeriodOpened {
            opening,
            scheme: scheme_word(&scheme),
            scope: U256::from(1u64),
            period: window.0,
            window: window.0,
            edition: EDITION,
            policyLeaf: B256::ZERO,
        };
        let until = |day| Claims::LastDaySet { opening, lastDay: day };
        let closed = Claims::StageChanged { opening, stage: 3, reason: B256::ZERO };
        let mut transaction = store.begin().await.expect("begun");
        for log in [
            log(2, &opened),
            log(2, &until(today + SETTLING_DAYS - 1)),
            log(4, &until(today + SETTLING_DAYS)),
            log(6, &closed),
        ] {
            record_opening(&mut transaction, &log).await.expect("kept");
        }
        transaction.commit().await.expect("kept");
        let states =
            [(6, Taking::NotOpen), (5, Taking::Open), (3, Taking::Over), (1, Taking::NotOpen)];
        for (last, expected) in states {
            let mut transaction = store.begin().await.expect("begun");
            forget_openings_after(&mut transaction, last).await.expect("taken back");
            transaction.commit().await.expect("kept");
            let stands =
                LedgerStore(&store).opening_takes_claims(&scheme, period).await.expect("read");
            assert_eq!(stands, expected, "after block {last}");
        }
        assert_eq!(LedgerStore(&store).openings().await.expect("read"), []);
    }
}
