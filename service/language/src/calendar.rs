//! Days, ages and periods on the civil calendar.

use jiff::civil::{Date, date};
use praman_circuits::period::{Day, Period};

/// Day 0 of the statements.
const FIRST: Date = date(1900, 1, 1);

/// Returns the day number of a date; `None` before 1900.
pub fn day_of(date: Date) -> Option<Day> {
    u32::try_from(date.since(FIRST).ok()?.get_days()).ok().map(Day)
}

/// Returns the date of a day number; `None` beyond the year 9999.
pub fn date_of(day: Day) -> Option<Date> {
    let days = i32::try_from(day.0).ok()?;
    FIRST.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// How many seconds Indian standard time is ahead of UTC.
pub const INDIA_SECONDS: i32 = 5 * 3_600 + 1_800;

/// Seconds from 1900-01-01 to 1970-01-01.
pub const SECONDS_BEFORE_EPOCH: i64 = 25_567 * 86_400;

/// Returns the day in India of a time; none before 1900.
pub fn day_in_india(time: jiff::Timestamp) -> Option<Day> {
    // Seconds of a time before 1970 are cut towards it, and would be the next day's at its end.
    let second = time.as_nanosecond().div_euclid(1_000_000_000);
    let seconds = second + i128::from(INDIA_SECONDS) + i128::from(SECONDS_BEFORE_EPOCH);
    u32::try_from(seconds.div_euclid(86_400)).ok().map(Day)
}

/// Returns the date in India of a time in milliseconds since 1970.
pub fn date_at(milliseconds: i64) -> Option<Date> {
    date_of(day_in_india(jiff::Timestamp::from_millisecond(milliseconds).ok()?)?)
}

/// Returns today, by this machine's clock in Indian standard time.
pub fn today() -> Day {
    day_in_india(jiff::Timestamp::now()).expect("the clock is past 1900")
}

/// Returns the first day of a period; day 0 for [`Period::ONCE`].
pub fn first_day(period: Period) -> Date {
    match period.year_and_month() {
        None => FIRST,
        Some((year, month)) => {
            let year = i16::try_from(year).unwrap_or(i16::MAX);
            Date::new(year, month as i8, 1).unwrap_or(Date::MAX)
        }
    }
}

/// Returns the period that begins with a date's month.
pub fn month_of(date: Date) -> Option<Period> {
    Period::starting(u32::try_from(date.year()).ok()?, u32::from(date.month().unsigned_abs()))
}

/// Parses a month such as 2026-11 to its first day.
pub fn read_month(text: &str) -> Option<Date> {
    let (year, month) = text.split_once('-').filter(|_| text.len() == 7)?;
    Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
}

/// Returns the birth days of people who have completed at least `least` and at most `most` years on a day that
/// is the first of a month, as an inclusive range.
///
/// On the first of a month a person born on the 29th of February has turned a year older exactly
/// when one born on the 28th has, whichever day the law lets the birthday fall on.
pub fn birth_days(on: Date, least: u32, most: u32) -> Option<(Day, Day)> {
    let years_before = |years: u32| {
        let year = on.year().checked_sub(i16::try_from(years).ok()?)?;
        Date::new(year, on.month(), on.day()).ok()
    };
    let latest = day_of(years_before(least)?)?;
    let earliest = most
        .checked_add(1)
        .and_then(years_before)
        .and_then(day_of)
        .map_or(Day(0), |day| Day(day.0 + 1));
    Some((earliest, latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_trip() {
        assert_eq!(day_of(date(1900, 1, 1)), Some(Day(0)));
        assert_eq!(day_of(date(1970, 1, 1)), Some(Day(25_567)));
        assert_eq!(day_of(date(1899, 12, 31)), None);
        assert_eq!(date_of(Day(25_567)), Some(date(1970, 1, 1)));
        assert_eq!(date_of(Day(u32::MAX)), None);
    }

    #[test]
    fn last_moment_of_a_day_in_india_is_of_that_day() {
        for (time, day) in [
            ("2026-05-04T18:29:59.999Z", date(2026, 5, 4)),
            ("2026-05-04T18:30:00Z", date(2026, 5, 5)),
            ("1950-05-04T18:29:59.999Z", date(1950, 5, 4)),
            ("1950-05-04T18:30:00Z", date(1950, 5, 5)),
        ] {
            let time = time.parse().expect("a time");
            assert_eq!(day_in_india(time), day_of(day), "{time}");
        }
    }

    #[test]
    fn ages_are_completed_years() {
        let on = date(2026, 6, 1);
        let holds = |born: Date, least, most| {
            let (earliest, latest) = birth_days(on, least, most).expect("in range");
            (earliest..=latest).contains(&day_of(born).expect("after 1900"))
        };
        // 25 today; 25 tomorrow.
        assert!(holds(date(2001, 6, 1), 25, 60));
        assert!(!holds(date(2001, 6, 2), 25, 60));
        // Still 60 for one more day; 61 today.
        assert!(holds(date(1965, 6, 2), 25, 60));
        assert!(!holds(date(1965, 6, 1), 25, 60));
        assert!(holds(date(1900, 1, 1), 60, 200));
    }

    #[test]
    fn leap_day_birth_counts_from_march() {
        let born = day_of(date(2000, 2, 29)).expect("after 1900");
        let is_at_least = |on: Date, age| {
            let (earliest, latest) = birth_days(on, age, 200).expect("in range");
            (earliest..=latest).contains(&born)
        };
        assert!(!is_at_least(date(2026, 2, 1), 26));
        assert!(is_at_least(date(2026, 3, 1), 26));
        assert!(!is_at_least(date(2028, 2, 1), 28));
        assert!(is_at_least(date(2028, 3, 1), 28));
    }

    #[test]
    fn periods_begin_on_the_first() {
        let period = Period::starting(2026, 6).expect("a month");
        assert_eq!(first_day(period), date(2026, 6, 1));
        assert_eq!(month_of(date(2026, 6, 30)), Some(period));
    }
}
