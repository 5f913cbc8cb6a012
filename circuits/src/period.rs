//! Days and claim periods as the statements count them.

use serde::{Deserialize, Serialize};

/// A day, counted from 1900-01-01, which is day 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub u32);

/// What kind of period a benefit is claimed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeriodKind {
    /// Every calendar month.
    Month = 1,
    /// Every quarter of the calendar year.
    Quarter = 2,
    /// Every calendar year.
    Year = 3,
    /// Once in a life.
    Once = 4,
}

impl PeriodKind {
    /// All kinds, by number.
    pub const ALL: [Self; 4] = [Self::Month, Self::Quarter, Self::Year, Self::Once];

    /// Its number in scopes and on chain.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The number of months of a period; of a benefit claimed once, those of the window of a claim.
    pub const fn months(self) -> u8 {
        match self {
            Self::Month | Self::Once => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

/// A claim period.
///
/// Periods of all lengths share one scale, the month in which they begin counted from January 1900,
/// so that a credential's `claims_from` compares with any of them. A benefit paid once in a life has
/// the one period [`Period::ONCE`].
///
/// A credential that replaces one whose secret was lost claims from a later period on, so it can
/// never claim what is paid once: its holder may have claimed it under the lost secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Period(pub u32);

impl Period {
    /// The period of a benefit that is claimed once: the first of the scale.
    pub const ONCE: Self = Self(0);

    /// The period that begins in a month (1 to 12) of a year from 1901 on.
    ///
    /// ```
    /// use praman_circuits::period::Period;
    /// assert_eq!(Period::starting(2026, 6), Some(Period(126 * 12 + 5)));
    /// assert_eq!(Period::starting(1900, 1), None);
    /// assert_eq!(Period::starting(2026, 13), None);
    /// ```
    pub fn starting(year: u32, month: u32) -> Option<Self> {
        let years = year.checked_sub(1900).filter(|years| (1..10_000).contains(years))?;
        (1..=12).contains(&month).then(|| Self(years * 12 + month - 1))
    }

    /// The year and month (1 to 12) in which the period begins; `None` for [`Period::ONCE`].
    pub fn year_and_month(self) -> Option<(u32, u32)> {
        (self != Self::ONCE).then(|| (1900 + self.0 / 12, self.0 % 12 + 1))
    }
}
