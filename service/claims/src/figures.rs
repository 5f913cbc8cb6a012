//! How many claims there are, by day, scheme and district, without revealing anything about a person.
//!
//! A claim names no place. Who hands it in may say in which district they are, as kiosks do: that is counted by
//! day and scheme, in the transaction that finds that its proof holds, and never kept with the claim.

use std::collections::BTreeMap;

use jiff::civil::Date;
use praman_access::SchemeScope;
use praman_circuits::period::Day;
use praman_circuits::scope::SchemeId;
use praman_language::calendar::{self, INDIA_SECONDS, SECONDS_BEFORE_EPOCH};
use praman_register::{District, small_cells};
use praman_store::WriteTransaction;
use praman_store::error::StoreError;
use serde::Serialize;

use crate::ClaimStore;

/// How many days are reported.
const DAYS: u32 = 31;

/// What was handed in on a day; none where the count is small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayFigures {
    /// The day in India.
    pub day: Date,
    /// Claims that were handed in.
    pub handed_in: Option<u64>,
}

/// What was handed in in a district; none where the count is small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DistrictFigures {
    /// The district's number.
    pub district: u32,
    /// Claims that were handed in there.
    pub handed_in: Option<u64>,
}

/// How far a scheme's claims of a period are; none if they are few.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemeFigures {
    /// The scheme.
    pub scheme: String,
    /// The period, as statements have it.
    pub period: u32,
    /// Claims that were accepted.
    pub accepted: Option<u64>,
    /// Those of them that are in a bank's file.
    pub ordered: Option<u64>,
}

/// How many claims there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimFigures {
    /// The last 31 days, the first of them first.
    pub days: Vec<DayFigures>,
    /// The last 31 days, by district.
    pub districts: Vec<DistrictFigures>,
    /// By scheme and period, the latest first.
    pub schemes: Vec<SchemeFigures>,
}

/// Counts a claim that was handed in in a district and holds.
pub(super) async fn count_district(
    transaction: &mut WriteTransaction,
    scheme: &SchemeId,
    district: District,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO claim_district (day, scheme, district, count)
         VALUES ($1, $2, $3, 1)
         ON CONFLICT (day, scheme, district) DO UPDATE SET count = claim_district.count + 1",
    )
    .bind(i64::from(calendar::today().0))
    .bind(scheme.as_str())
    .bind(i64::from(district.code()))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

impl ClaimStore<'_> {
    /// Counts the claims of one scheme or all, among those of a scope.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn claim_figures(
        &self,
        scope: &SchemeScope,
        scheme: Option<&SchemeId>,
    ) -> Result<ClaimFigures, StoreError> {
        let first = Day(calendar::today().0 - (DAYS - 1));
        let scheme = scheme.map_or("", SchemeId::as_str);
        Ok(ClaimFigures {
            days: self.claims_by_day(first, scope, scheme).await?,
            districts: self.claims_by_district(first, scope, scheme).await?,
            schemes: self.claims_by_scheme(scope, scheme).await?,
        })
    }

    async fn claims_by_day(
        &self,
        first: Day,
        scope: &SchemeScope,
        scheme: &str,
    ) -> Result<Vec<DayFigures>, StoreError> {
        // Days in India, as the statements number them.
        let seconds = i64::from(INDIA_SECONDS) + SECONDS_BEFORE_EPOCH;
        let from = (i64::from(first.0) * 86_400 - seconds) * 1_000;
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT (received_at / 1000 + $1) / 86400 AS day, COUNT(*) FROM claim
             WHERE received_at >= $2 AND ($3 = '' OR scheme = $3) AND {} GROUP BY 1",
            SchemeScope::condition("scheme", "$4")
        ));
        let rows: Vec<(i64, i64)> = sqlx::query_as(statement)
            .bind(seconds)
            .bind(from)
            .bind(scheme)
            .bind(scope.column())
            .fetch_all(self.0.pool())
            .await?;
        let counts: BTreeMap<i64, u64> =
            rows.into_iter().map(|(day, count)| (day, count as u64)).collect();
        let days: Vec<Day> = (first.0..first.0 + DAYS).map(Day).collect();
        let count = |day: &Day| counts.get(&i64::from(day.0)).copied().unwrap_or_default();
        let told = small_cells::told(&days.iter().map(count).collect::<Vec<_>>());
        let figures = days.into_iter().zip(told).filter_map(|(day, handed_in)| {
            Some(DayFigures { day: calendar::date_of(day)?, handed_in })
        });
        Ok(figures.collect())
    }

    async fn claims_by_district(
        &self,
        first: Day,
        scope: &SchemeScope,
        scheme: &str,
    ) -> Result<Vec<DistrictFigures>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT district, CAST(SUM(count) AS BIGINT) FROM claim_district
             WHERE day >= $1 AND ($2 = '' OR scheme = $2) AND {} GROUP BY district",
            SchemeScope::condition("scheme", "$3")
        ));
        let rows: Vec<(i64, i64)> = sqlx::query_as(statement)
            .bind(i64::from(first.0))
            .bind(scheme)
            .bind(scope.column())
            .fetch_all(self.0.pool())
            .await?;
        let counts: BTreeMap<u32, u64> =
            rows.into_iter().map(|(district, count)| (district as u32, count as u64)).collect();
        let districts: Vec<u32> = District::ALL.iter().map(|(known, _)| known.code()).collect();
        let count = |district: &u32| counts.get(district).copied().unwrap_or_default();
        let told = small_cells::told(&districts.iter().map(count).collect::<Vec<_>>());
        let figures = districts.into_iter().zip(told);
        Ok(figures.map(|(district, handed_in)| DistrictFigures { district, handed_in }).collect())
    }

    async fn claims_by_scheme(
        &self,
        scope: &SchemeScope,
        scheme: &str,
    ) -> Result<Vec<SchemeFigures>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT scheme, period, COUNT(*), COUNT(batch) FROM accepted_claim
             WHERE ($1 = '' OR scheme = $1) AND {} GROUP BY scheme, period
             ORDER BY period DESC, scheme LIMIT 200",
            SchemeScope::condition("scheme", "$2")
        ));
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(statement)
            .bind(scheme)
            .bind(scope.column())
            .fetch_all(self.0.pool())
            .await?;
        let figures = |(scheme, period, accepted, ordered): (String, i64, i64, i64)| {
            // What is not ordered yet follows from the other two.
            let cells = [ordered as u64, (accepted - ordered) as u64];
            let few = (1..small_cells::FEW).contains(&(accepted as u64));
            let hidden = small_cells::hidden(&cells)[0];
            SchemeFigures {
                scheme,
                period: period as u32,
                accepted: (!few).then_some(accepted as u64),
                ordered: (!few && !hidden).then_some(ordered as u64),
            }
        };
        Ok(rows.into_iter().map(figures).collect())
    }
}
