//! Arrears: a period that is over takes claims again, or for longer than its scheme says. It takes two persons.

use jiff::civil::Date;
use praman_access::{AccessStore, ApprovalKind, ApprovalState, Caller};
use praman_circuits::period::Day;
use praman_language::calendar;
use praman_rules::scheme::{ClaimPeriod, Scheme, SchemeError};
use praman_store::error::StoreError;
use serde::Serialize;
use sqlx::AnyConnection;

use crate::LedgerStore;

/// For how many days from now arrears are taken at most.
const ARREARS_DAYS_MAX: u32 = 366;

/// Why a period can't be opened until a day.
#[derive(Debug, thiserror::Error)]
pub enum LastDayError {
    /// Arrears have no last day by themselves.
    #[error("--arrears needs a last day: give it with --last-day")]
    Missing,
    /// No day number is as old.
    #[error("the last day, {0}, lies before 1900")]
    BeforeCalendar(Date),
    /// The day of arrears is past, or after the latest.
    #[error("the last day of arrears must lie between today and {0}")]
    OfArrears(Date),
    /// It is later than the scheme's own.
    #[error("the scheme accepts claims of this period until {0}: use --arrears for a later day")]
    AfterSchemes(Date),
    /// It is past.
    #[error("the last day, {0}, lies in the past: give today or a later day")]
    Past(Date),
    /// The scheme has no rules for the period.
    #[error("{}", .0.reason)]
    NoRules(#[from] SchemeError),
    /// The period's rules have ended.
    #[error(
        "the rules of this period ended on {0}: for people who could not claim in time, open it as \
         arrears with --arrears --last-day YYYY-MM-DD; a second person must approve it"
    )]
    RulesEnded(Date),
    /// The period's last day is past.
    #[error(
        "the last day of this period was {0}: for people who could not claim in time, open it as arrears \
         with --arrears --last-day YYYY-MM-DD; a second person must approve it"
    )]
    Over(Date),
}

impl LastDayError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoRules(_) | Self::RulesEnded(_) | Self::Over(_) => 1,
            Self::Missing
            | Self::BeforeCalendar(_)
            | Self::OfArrears(_)
            | Self::AfterSchemes(_)
            | Self::Past(_) => 2,
        }
    }
}

/// Why nobody is asked to approve arrears.
#[derive(Debug, thiserror::Error)]
pub enum ArrearsError {
    /// A second person has denied the same.
    #[error("a second person has denied approval request {0}")]
    Denied(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ArrearsError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Denied(_) => 1,
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(ArrearsError);

/// What is requested when a period is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WantedLastDay {
    /// The last day, if it is not the scheme's own.
    pub day: Option<Date>,
    /// Whether it is for arrears: of a period that is over, or for longer than its scheme says.
    pub for_arrears: bool,
}

impl WantedLastDay {
    /// Finds the last day on which claims of a period are taken.
    ///
    /// # Errors
    /// [`LastDayError`] if the period is over, or the day does not fit.
    pub fn find(
        self,
        scheme: &Scheme,
        period: ClaimPeriod,
        today: Day,
    ) -> Result<Day, LastDayError> {
        let date = |day: Day| calendar::date_of(day).unwrap_or(Date::MAX);
        let by_scheme = scheme.last_day(period);
        let wanted = match self.day {
            None if self.for_arrears => {
                return Err(LastDayError::Missing);
            }
            None => by_scheme,
            Some(day) => match calendar::day_of(day) {
                Some(day) => day,
                None => return Err(LastDayError::BeforeCalendar(day)),
            },
        };
        if self.for_arrears {
            let latest = Day(today.0 + ARREARS_DAYS_MAX);
            if wanted < today || wanted > latest {
                return Err(LastDayError::OfArrears(date(latest)));
            }
            return Ok(wanted);
        }
        let version = scheme.version(period)?;
        let rules_end = version.to.and_then(calendar::day_of);
        if let Some(end) = rules_end.filter(|&end| end < today) {
            return Err(LastDayError::RulesEnded(date(end)));
        }
        if by_scheme < today {
            return Err(LastDayError::Over(date(by_scheme)));
        }
        if wanted > by_scheme {
            return Err(LastDayError::AfterSchemes(date(by_scheme)));
        }
        if wanted < today {
            return Err(LastDayError::Past(date(wanted)));
        }
        Ok(wanted)
    }
}

/// Whether arrears may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrearsApproval {
    /// They may: a second person has approved it, or this state has none.
    Approved,
    /// A second person has not decided yet.
    Waits(u32),
}

/// What a second person approves.
#[derive(Serialize)]
struct ArrearsDocument<'a> {
    scheme: &'a str,
    /// As the scheme writes it.
    period: &'a str,
    last_day: String,
}

impl LedgerStore<'_> {
    /// Asks a second person to approve arrears, if there is or was one who could: the same is requested once.
    ///
    /// # Errors
    /// [`ArrearsError::Denied`]; [`ArrearsError::Store`].
    pub async fn ask_arrears(
        &self,
        scheme: &Scheme,
        period: &str,
        last_day: Day,
        by: &Caller,
    ) -> Result<ArrearsApproval, ArrearsError> {
        let kind = ApprovalKind::Arrears;
        let last_day = calendar::date_of(last_day).map(|date| date.to_string()).unwrap_or_default();
        let document = ArrearsDocument { scheme: scheme.id.as_str(), period, last_day };
        let document = serde_json::to_string(&document).expect("plain data");
        let mut transaction = self.0.begin().await?;
        if !self.has_second_person(&mut transaction, kind).await? {
            return Ok(ArrearsApproval::Approved);
        }
        let answer =
            match AccessStore(self.0).newest_approval(&mut transaction, kind, &document).await? {
                Some(known) if known.state == ApprovalState::Approved => ArrearsApproval::Approved,
                Some(known) if known.state == ApprovalState::Waiting => {
                    ArrearsApproval::Waits(known.number)
                }
                Some(known) if known.decided_by.is_some() => {
                    return Err(ArrearsError::Denied(known.number));
                }
                // Also if no one decided, because the key of the user who asked was replaced.
                Some(_) | None => {
                    let tenant = by.tenant_column();
                    let asked = AccessStore(self.0)
                        .ask_approval(&mut transaction, kind, tenant, &document, by)
                        .await?;
                    ArrearsApproval::Waits(asked)
                }
            };
        transaction.commit().await?;
        Ok(answer)
    }

    /// Returns whether a user can, or two users once could, approve a request of a kind.
    async fn has_second_person(
        &self,
        connection: &mut AnyConnection,
        kind: ApprovalKind,
    ) -> Result<bool, StoreError> {
        let approvers = kind.approvers();
        Ok(AccessStore(self.0).live_principals(connection, approvers).await? > 0
            || AccessStore(self.0).were_two_at_once(connection, approvers).await?)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn period_whose_rules_have_ended_is_opened_for_arrears_only() {
        let scheme = Scheme::shipped("lakshmir-bhandar").expect("shipped");
        let period = scheme.parse_period("2026-05").expect("a month");
        let day = |date| calendar::day_of(date).expect("after 1900");
        let open = WantedLastDay::default();
        let last = open.find(&scheme, period, day(date(2026, 5, 31))).expect("in force");
        assert_eq!(last, day(date(2026, 8, 29)));
        // Claims of it are still taken, but no one can open it alone any more.
        let today = day(date(2026, 6, 1));
        let refused = open.find(&scheme, period, today);
        assert!(
            matches!(refused, Err(LastDayError::RulesEnded(_) | LastDayError::Over(_))),
            "{refused:?}"
        );
        let arrears = WantedLastDay { day: Some(date(2026, 8, 29)), for_arrears: true };
        assert_eq!(arrears.find(&scheme, period, today).expect("arrears"), last);
    }

    #[test]
    fn last_day_is_the_schemes_unless_it_is_for_arrears() {
        let scheme = Scheme::shipped("old-age-pension").expect("shipped");
        let period = scheme.parse_period("2026-06").expect("a month");
        let day = |date| calendar::day_of(date).expect("after 1900");
        let ends = date(2026, 9, 28);
        let find = |today, wanted, for_arrears| {
            let wanted = WantedLastDay { day: wanted, for_arrears };
            wanted.find(&scheme, period, day(today))
        };
        assert_eq!(find(date(2026, 6, 1), None, false).expect("open"), day(ends));
        assert_eq!(find(ends, None, false).expect("its last day"), day(ends));
        let sooner = date(2026, 7, 31);
        assert_eq!(find(date(2026, 6, 1), Some(sooner), false).expect("sooner"), day(sooner));
        let over = find(date(2026, 9, 29), None, false);
        assert!(
            matches!(over, Err(LastDayError::RulesEnded(_) | LastDayError::Over(_))),
            "{over:?}"
        );
        let arrears = date(2026, 12, 31);
        for today in [date(2026, 6, 1), date(2026, 9, 29), arrears] {
            assert_eq!(find(today, Some(arrears), true).expect("arrears"), day(arrears));
        }
        for (today, wanted, for_arrears) in [
            (date(2026, 6, 1), Some(date(2026, 9, 29)), false),
            (date(2026, 8, 1), Some(sooner), false),
            (date(2026, 6, 1), None, true),
            (date(2027, 1, 1), Some(arrears), true),
            (date(2026, 6, 1), Some(date(2027, 6, 3)), true),
            (date(2026, 6, 1), Some(date(1899, 12, 31)), true),
        ] {
            let wrong = find(today, wanted, for_arrears);
            let code = wrong.as_ref().map_err(LastDayError::exit_code);
            assert_eq!(code, Err(2), "{wanted:?} on {today}");
        }
    }
}
