//! What tenants use: counted by day, bounded by quotas, priced by a dated tariff.

use jiff::civil::Date;
use praman_circuits::period::Day;
use praman_language::calendar::{self, INDIA_SECONDS};
use praman_store::broken;
use praman_store::error::StoreError;
use serde::Serialize;

use super::action::Action;
use super::refusal::AccessRefusal;
use super::tenant::TenantName;
use crate::AccessStore;

/// In the tariff: for all tenants that have no price of their own.
const ALL: &str = "*";

/// How often a day a tenant may do an action.
#[derive(Clone, Debug)]
pub struct Quota {
    /// The tenant.
    pub tenant: TenantName,
    /// What.
    pub action: Action,
    /// How often a day; none removes the quota.
    pub a_day: Option<u32>,
}

/// What something costs from a day on.
#[derive(Clone, Debug)]
pub struct Price {
    /// For whom; none for all who have no price of their own.
    pub tenant: Option<TenantName>,
    /// What.
    pub action: Action,
    /// The first day.
    pub from: Date,
    /// Paise each time.
    pub paise: u32,
}

/// Why a quota or a price can't be set. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum TariffError {
    /// The action is not counted.
    #[error("{} is not counted; the counted actions are {}", .0.name(), metered())]
    NotMetered(Action),
    /// There is no such tenant.
    #[error("there is no department {0}")]
    NoTenant(TenantName),
    /// The first day is over.
    #[error("a price must begin today or later: earlier use keeps its price")]
    PastDay,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TariffError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotMetered(_) | Self::NoTenant(_) | Self::PastDay => 1,
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(TariffError);

/// A tenant's usage in a month.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// The tenant.
    pub tenant: String,
    /// The month, for example 2026-11.
    pub month: String,
    /// The usage of each action.
    pub lines: Vec<UsageLine>,
    /// The total cost, in paise.
    pub paise: u64,
}

/// A tenant's usage of one action.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct UsageLine {
    /// The action's name.
    pub action: &'static str,
    /// How often it was done.
    pub count: u64,
    /// Its cost in paise, by the prices of the days on which it was done.
    pub paise: u64,
}

/// Returns the seconds until the next day in India.
fn until_tomorrow() -> u64 {
    let seconds = jiff::Timestamp::now().as_second() + i64::from(INDIA_SECONDS);
    (86_400 - seconds.rem_euclid(86_400)) as u64
}

impl AccessStore<'_> {
    /// Counts an action of a tenant, once or several times; refuses all of them beyond the quota. The count is shared by
    /// all programs that serve the tenant, and includes actions that then fail: the request is what is paid for.
    ///
    /// # Errors
    /// [`AccessRefusal::Quota`].
    pub async fn meter(
        &self,
        tenant: &TenantName,
        action: Action,
        times: u32,
    ) -> Result<(), AccessRefusal> {
        let counted = sqlx::query(
            "INSERT INTO metered (tenant, day, action, count)
             SELECT $1, $2, $3, $5
             WHERE NOT EXISTS (SELECT 1 FROM quota
                               WHERE tenant = $1 AND action = $3 AND a_day < $5)
             ON CONFLICT (tenant, day, action) DO UPDATE SET count = metered.count + $5
                 WHERE metered.count <= coalesce(
                     (SELECT a_day FROM quota WHERE tenant = $1 AND action = $3), $4) - $5",
        )
        .bind(tenant.as_str())
        .bind(i64::from(calendar::today().0))
        .bind(action)
        .bind(i64::MAX)
        .bind(i64::from(times))
        .execute(self.0.writer())
        .await?;
        if counted.rows_affected() == 1 {
            return Ok(());
        }
        let quota: Option<(i64,)> =
            sqlx::query_as("SELECT a_day FROM quota WHERE tenant = $1 AND action = $2")
                .bind(tenant.as_str())
                .bind(action)
                .fetch_optional(self.0.pool())
                .await?;
        Err(AccessRefusal::Quota {
            action: action.name(),
            quota: quota.map_or(0, |(quota,)| quota as u64),
            retry_after_s: until_tomorrow(),
        })
    }

    /// Sets how often a day a tenant may do an action.
    ///
    /// # Errors
    /// [`TariffError`] for what is not counted, and for an unknown tenant.
    pub async fn set_quota(&self, quota: &Quota) -> Result<(), TariffError> {
        require_metered(quota.action)?;
        self.require_tenant(&quota.tenant).await?;
        let (tenant, action) = (quota.tenant.as_str(), quota.action.name());
        let Some(a_day) = quota.a_day else {
            sqlx::query("DELETE FROM quota WHERE tenant = $1 AND action = $2")
                .bind(tenant)
                .bind(action)
                .execute(self.0.writer())
                .await?;
            return Ok(());
        };
        sqlx::query(
            "INSERT INTO quota (tenant, action, a_day) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, action) DO UPDATE SET a_day = excluded.a_day",
        )
        .bind(tenant)
        .bind(action)
        .bind(i64::from(a_day))
        .execute(self.0.writer())
        .await?;
        Ok(())
    }

    /// Sets what an action costs from a day on, which must not be past: what was used does not become dearer.
    ///
    /// # Errors
    /// [`TariffError`] for a day that is over, for what is not counted, and for an unknown tenant.
    pub async fn set_price(&self, price: &Price) -> Result<(), TariffError> {
        require_metered(price.action)?;
        if let Some(tenant) = &price.tenant {
            self.require_tenant(tenant).await?;
        }
        let day = calendar::day_of(price.from).filter(|&day| day >= calendar::today());
        let day = day.ok_or(TariffError::PastDay)?;
        sqlx::query(
            "INSERT INTO tariff (tenant, action, from_day, paise) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, action, from_day) DO UPDATE SET paise = excluded.paise",
        )
        .bind(price.tenant.as_ref().map_or(ALL, TenantName::as_str))
        .bind(price.action)
        .bind(i64::from(day.0))
        .bind(i64::from(price.paise))
        .execute(self.0.writer())
        .await?;
        Ok(())
    }

    async fn require_tenant(&self, tenant: &TenantName) -> Result<(), TariffError> {
        let known: Option<(String,)> = sqlx::query_as("SELECT name FROM tenant WHERE name = $1")
            .bind(tenant.as_str())
            .fetch_optional(self.0.pool())
            .await?;
        known.map(drop).ok_or_else(|| TariffError::NoTenant(tenant.clone()))
    }

    /// Returns what a tenant used in a month that begins on a date.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn usage(&self, tenant: &TenantName, month: Date) -> Result<Usage, StoreError> {
        let (first, last) = (month.first_of_month(), month.last_of_month());
        let day = |date| calendar::day_of(date).unwrap_or(Day(0));
        let counts: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT action, day, count FROM metered
             WHERE tenant = $1 AND day BETWEEN $2 AND $3 ORDER BY action, day",
        )
        .bind(tenant.as_str())
        .bind(i64::from(day(first).0))
        .bind(i64::from(day(last).0))
        .fetch_all(self.0.pool())
        .await?;
        let tariff: Vec<(String, String, i64, i64)> = sqlx::query_as(
            "SELECT tenant, action, from_day, paise FROM tariff
             WHERE tenant IN ($1, $2) ORDER BY from_day",
        )
        .bind(tenant.as_str())
        .bind(ALL)
        .fetch_all(self.0.pool())
        .await?;
        // A tenant's own price takes precedence over the general one, however old it is.
        let price = |action: &str, day: i64| {
            let of = |whose: &str| {
                let prices = tariff.iter().rev();
                let mut known = prices.filter(|(tenant, priced, from, _)| {
                    tenant == whose && priced == action && *from <= day
                });
                known.next().map(|(_, _, _, paise)| *paise as u64)
            };
            of(tenant.as_str()).or_else(|| of(ALL)).unwrap_or(0)
        };
        let mut lines: Vec<UsageLine> = Vec::new();
        for (name, day, count) in counts {
            let action = Action::of_name(&name).ok_or_else(|| broken("a metered action"))?;
            let count = count as u64;
            let paise = count * price(&name, day);
            match lines.last_mut().filter(|line| line.action == action.name()) {
                Some(line) => (line.count, line.paise) = (line.count + count, line.paise + paise),
                None => lines.push(UsageLine { action: action.name(), count, paise }),
            }
        }
        let paise = lines.iter().map(|line| line.paise).sum();
        let month = format!("{:04}-{:02}", month.year(), month.month());
        Ok(Usage { tenant: tenant.to_string(), month, lines, paise })
    }
}

fn require_metered(action: Action) -> Result<(), TariffError> {
    if action.is_metered() { Ok(()) } else { Err(TariffError::NotMetered(action)) }
}

/// Returns the names of the actions that are counted.
fn metered() -> String {
    let metered = Action::ALL.iter().filter(|action| action.is_metered());
    metered.map(|action| action.name()).collect::<Vec<_>>().join(", ")
}
