//! Times, as the gateway and its members write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use praman_circuits::artefact::Minute;
use praman_language::calendar::SECONDS_BEFORE_EPOCH;

use super::document::FieldFault;

/// Returns the minute of the statement that a time falls into; none before 1900.
pub fn minute_of(time: Timestamp) -> Option<Minute> {
    // Seconds of a time before 1970 are cut towards it, and would be the next minute's.
    let minutes = time.as_nanosecond().div_euclid(60_000_000_000);
    u32::try_from(minutes + i128::from(SECONDS_BEFORE_EPOCH / 60)).ok().map(Minute)
}

/// Returns the time at which a minute begins; none beyond the calendar.
pub fn time_of(minute: Minute) -> Option<Timestamp> {
    Timestamp::from_second(i64::from(minute.0) * 60 - SECONDS_BEFORE_EPOCH).ok()
}

/// Writes a time in the standard's form: UTC with milliseconds.
pub fn write_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Reads a time as the gateway and its members write it: with any fraction of a second, in UTC or with an offset.
/// Without either it is in UTC, as the standard has all times.
///
/// # Errors
/// [`FieldFault`].
pub(super) fn read_time(text: &str, field: &str) -> Result<Timestamp, FieldFault> {
    let form = || {
        let fault = "is not a date and time, as 2026-11-25T10:15:30.000Z";
        FieldFault::new(field, fault)
    };
    // A date alone, an hour alone, or the name of a place, is no time of the standard.
    let clock = text.split_once(['T', 't']).map(|(_, clock)| clock).filter(|_| !text.contains('['));
    let clock = clock.filter(|clock| clock.contains(':')).ok_or_else(form)?;
    let (plain, days) = plain_time(text);
    let text = plain.as_str();
    let in_utc = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    let time: Timestamp = match text.parse() {
        Ok(time) => time,
        Err(_) if clock.contains(['+', '-', 'Z', 'z']) => return Err(form()),
        Err(_) => in_utc().ok_or_else(form)?,
    };
    let time = time.checked_add(SignedDuration::from_hours(24 * days)).map_err(|_| form())?;
    // As it is written again, so that what a patient sees and what is compared are one.
    let time = Timestamp::from_millisecond(time.as_millisecond()).map_err(|_| form())?;
    minute_of(time).ok_or_else(|| FieldFault::new(field, "lies before 1900"))?;
    Ok(time)
}

/// Returns a time without the digits of its second that no clock here has, and with the end of a day as the beginning of
/// the next (ISO 8601 has 24:00 for it); and how many days that is to be later.
fn plain_time(text: &str) -> (String, i64) {
    const FRACTION_MAX: usize = 9;
    let mut plain = text.to_owned();
    if let Some(dot) = text.find(['.', ',']) {
        let digits = text[dot + 1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits > FRACTION_MAX {
            plain.replace_range(dot + 1 + FRACTION_MAX..dot + 1 + digits, "");
        }
    }
    let Some((_, clock)) = plain.split_once(['T', 't']) else { return (plain, 0) };
    let zeros = clock.strip_prefix("24:00");
    let is_end = zeros.is_some_and(|rest| {
        let rest = rest.split(['Z', 'z', '+', '-']).next().unwrap_or_default();
        rest.bytes().all(|one| matches!(one, b'0' | b':' | b'.' | b','))
    });
    if !is_end {
        return (plain, 0);
    }
    let at = plain.len() - clock.len();
    plain.replace_range(at..at + 2, "00");
    (plain, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minute_is_the_one_that_a_time_falls_into() {
        let at = |text: &str| minute_of(text.parse().expect("a time"));
        assert_eq!(at("1900-01-01T00:00:59.999Z"), Some(Minute(0)));
        assert_eq!(at("1899-12-31T23:59:59.999Z"), None);
        let minute = at("2026-04-14T09:31:00Z").expect("a minute");
        assert_eq!(at("2026-04-14T09:31:59.999Z"), Some(minute));
        assert_eq!(at("2026-04-14T09:32:00Z"), Some(Minute(minute.0 + 1)));
        assert_eq!(time_of(minute), "2026-04-14T09:31:00Z".parse().ok());
    }

    #[test]
    fn time_is_read_as_members_write_it() {
        for (text, expected) in [
            ("2026-04-14T09:31:15.883Z", "2026-04-14T09:31:15.883Z"),
            ("2026-04-14T09:31:15", "2026-04-14T09:31:15.000Z"),
            ("2026-04-14T15:01:15.883786689+05:30", "2026-04-14T09:31:15.883Z"),
            ("2026-04-14T09:31:15.883786689012Z", "2026-04-14T09:31:15.883Z"),
            ("2026-04-14T24:00:00Z", "2026-04-15T00:00:00.000Z"),
            ("2026-12-31T24:00:00.000", "2027-01-01T00:00:00.000Z"),
            ("2026-04-14T24:00:00+05:30", "2026-04-14T18:30:00.000Z"),
        ] {
            let time = read_time(text, "at").unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(write_time(time), expected, "{text}");
        }
        for bad in [
            "",
            "2026-04-14",
            "2026-04-14T09",
            "2026-04-14T24:01:00Z",
            "2026-04-14T25:00:00Z",
            "soon",
        ] {
            assert!(read_time(bad, "at").is_err(), "{bad}");
        }
    }
}
