//! Birth dates in the forms that registers have: ISO, day-month-year, month names.

use jiff::civil::Date;
use praman_circuits::period::Day;
use praman_language::calendar;
use unicode_normalization::UnicodeNormalization;

/// English, Bengali and Hindi names of the months, as dates may spell them. English ones may be cut to three letters
/// or more.
const MONTHS: [(&str, &[&str]); 12] = [
    ("JANUARY", &["জানুয়ারি", "জানুয়ারী", "जनवरी"]),
    ("FEBRUARY", &["ফেব্রুয়ারি", "ফেব্রুয়ারী", "फरवरी", "फ़रवरी"]),
    ("MARCH", &["মার্চ", "मार्च"]),
    ("APRIL", &["এপ্রিল", "अप्रैल"]),
    ("MAY", &["মে", "मई"]),
    ("JUNE", &["জুন", "जून"]),
    ("JULY", &["জুলাই", "जुलाई"]),
    ("AUGUST", &["আগস্ট", "অগাস্ট", "अगस्त"]),
    ("SEPTEMBER", &["সেপ্টেম্বর", "सितंबर", "सितम्बर"]),
    ("OCTOBER", &["অক্টোবর", "अक्टूबर", "अक्तूबर"]),
    ("NOVEMBER", &["নভেম্বর", "नवंबर", "नवम्बर"]),
    ("DECEMBER", &["ডিসেম্বর", "दिसंबर", "दिसम्बर"]),
];

/// What stands between day, month and year.
const SEPARATORS: [char; 5] = ['-', '/', '.', ' ', ','];

/// Parses the day that a cell names; day before month if both are numbers.
///
/// `None` for a year alone, two-digit years, days that do not exist and anything else.
pub fn parse_date(cell: &str) -> Option<Day> {
    let upper = cell.to_uppercase();
    // A time of day after an ISO date is ignored; with an offset it is an instant, and gives the day in India.
    let text = match upper.split_once('T') {
        Some((date, time))
            if date.len() == 10 && time.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            return instant(&upper);
        }
        _ => match upper.split_once(' ') {
            Some((date, time)) if date.len() == 10 && is_offset_time(time) => {
                return instant(&format!("{date}T{time}"));
            }
            Some((date, time)) if date.len() >= 8 && time.contains(':') => {
                if is_month_perhaps_first(date, time) {
                    return None;
                }
                date
            }
            _ => &upper,
        },
    };
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return undivided(text);
    }
    let parts: Vec<&str> = text.split(SEPARATORS).filter(|part| !part.is_empty()).collect();
    let [first, second, third] = parts[..] else { return None };
    let (year, month, day) = if is_year(first) {
        (first, month(second)?, day(third)?)
    } else if let Some(named) = month_name(first) {
        (third, named, day(second)?)
    } else {
        (third, month(second)?, day(first)?)
    };
    if !is_year(year) {
        return None;
    }
    let date = Date::new(year.parse().ok()?, month, day).ok()?;
    calendar::day_of(date)
}

/// What a date in numbers shows of the order of day and month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateOrder {
    /// The day is first: the first number is no month.
    DayFirst,
    /// The month is first: the second number is no month.
    MonthFirst,
    /// It could be either, and would be two different days.
    Either,
}

impl DateOrder {
    /// Returns it for a cell such as `03/25/1980`; none for other forms.
    pub(super) fn of(cell: &str) -> Option<Self> {
        // A time of day may stand behind it.
        let date = match cell.split_once(' ') {
            Some((date, time)) if time.contains(':') => date,
            _ => cell,
        };
        let undivided = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
        let parts: Vec<&str> = match undivided {
            true => vec![&date[..2], &date[2..4], &date[4..]],
            false => date.split(SEPARATORS).filter(|part| !part.is_empty()).collect(),
        };
        let [first, second, year] = parts[..] else { return None };
        if undivided && !(1900..2100).contains(&year.parse::<u32>().ok()?) {
            return None;
        }
        let (first, second) = (small_number(first)?, small_number(second)?);
        let is_month = |number: i8| (1..=12).contains(&number);
        let is_day = |number: i8| (1..=31).contains(&number);
        match (is_month(first), is_month(second)) {
            _ if !is_year(year) => None,
            (false, true) if is_day(first) => Some(Self::DayFirst),
            (true, false) if is_day(second) => Some(Self::MonthFirst),
            (true, true) if first != second => Some(Self::Either),
            _ => None,
        }
    }
}

/// What a file's dates show together.
#[derive(Default)]
pub(super) struct DateOrders {
    day_first: usize,
    month_first: usize,
    either: usize,
    /// Dates of other forms.
    others: usize,
    /// The first row with the month first.
    pub(super) first: usize,
}

impl DateOrders {
    /// Adds a row's, numbered from 1.
    pub(super) fn add(&mut self, order: Option<DateOrder>, row: usize) {
        match order {
            Some(DateOrder::DayFirst) => self.day_first += 1,
            Some(DateOrder::MonthFirst) => {
                if self.month_first == 0 {
                    self.first = row;
                }
                self.month_first += 1;
            }
            Some(DateOrder::Either) => self.either += 1,
            None => self.others += 1,
        }
    }

    /// Whether the file has the month first, and dates that would be read as other days for it. A few are slips, and so
    /// is one among dates of other forms.
    pub(super) fn are_month_first(&self) -> bool {
        let is_no_slip = self.month_first > 1 || self.others == 0;
        self.either > 0
            && self.month_first > self.day_first
            && self.month_first * 10 >= self.either
            && is_no_slip
    }
}

/// Whether a date may have its month first: a spreadsheet writes `2/11/1984 12:00:00 AM` in America, where it is a day
/// of February.
fn is_month_perhaps_first(date: &str, time: &str) -> bool {
    let is_of_half_days = time.ends_with("AM") || time.ends_with("PM");
    let parts: Vec<Option<i8>> = date.split('/').map(small_number).collect();
    match parts[..] {
        [Some(first), Some(second), _] => is_of_half_days && first <= 12 && first != second,
        _ => false,
    }
}

/// Whether a time of day has an offset: then it gives an instant.
fn is_offset_time(time: &str) -> bool {
    let time = time.trim();
    time.contains(':') && (time.ends_with('Z') || time.contains('+') || time.contains('-'))
}

/// Parses an ISO time: with an offset to the day in India, else to its day; none for anything else.
fn instant(text: &str) -> Option<Day> {
    let text: String = text.split_whitespace().collect();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return calendar::day_in_india(time);
    }
    let (_, time) = text.split_once('T')?;
    if is_offset_time(time) {
        return None;
    }
    calendar::day_of(text.parse::<jiff::civil::DateTime>().ok()?.date())
}

/// Parses eight digits: ISO's basic form, or day, month and year; none if both would give a day.
fn undivided(text: &str) -> Option<Day> {
    let iso = [&text[..4], &text[4..6], &text[6..]].join("-");
    let day_first = [&text[..2], &text[2..4], &text[4..]].join("-");
    let plausible = |day: &Day| day.0 >= 365;
    let iso = parse_date(&iso).filter(plausible);
    let day_first = parse_date(&day_first).filter(plausible);
    match (iso, day_first) {
        (Some(day), None) | (None, Some(day)) => Some(day),
        _ => None,
    }
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn month(text: &str) -> Option<i8> {
    small_number(text).or_else(|| month_name(text))
}

fn day(text: &str) -> Option<i8> {
    let suffixes = ["ST", "ND", "RD", "TH"];
    let number = suffixes.iter().find_map(|suffix| text.strip_suffix(suffix)).unwrap_or(text);
    small_number(number)
}

fn small_number(text: &str) -> Option<i8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn month_name(text: &str) -> Option<i8> {
    let matches = |(english, others): &(&str, &[&str])| {
        (text.len() >= 3 && text.is_ascii() && english.starts_with(text))
            || (text == "SEPT" && english.starts_with("SEPT"))
            || others.iter().any(|name| name.nfc().eq(text.nfc()))
    };
    MONTHS.iter().position(matches).map(|index| index as i8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day_number(year: i16, month: i8, day: i8) -> Option<Day> {
        calendar::day_of(Date::new(year, month, day).expect("a date"))
    }

    #[test]
    fn date_is_read_in_every_usual_form() {
        for cell in [
            "1955-03-07",
            "07/03/1955",
            "7/3/1955",
            "07-03-1955",
            "07.03.1955",
            "7 Mar 1955",
            "07 March 1955",
            "Mar 7, 1955",
            "7th March, 1955",
            "1955/03/07",
            "07-MAR-1955",
            "19550307",
            "1955-03-07T00:00:00",
            "1955-03-07 00:00:00",
            "7 মার্চ 1955",
            "7 मार्च 1955",
        ] {
            assert_eq!(parse_date(cell), day_number(1955, 3, 7), "{cell}");
        }
        assert_eq!(parse_date("29/02/2000"), day_number(2000, 2, 29));
        // An instant gives its day in India, and is never cut at its `T`.
        for cell in [
            "1984-02-11T18:30:00.000Z",
            "1984-02-11T18:30:00Z",
            "1984-02-12T00:00:00+05:30",
            "1984-02-11 18:30:00+00:00",
            "1984-02-12T12:00:00",
        ] {
            assert_eq!(parse_date(cell), day_number(1984, 2, 12), "{cell}");
        }
    }

    #[test]
    fn cell_that_names_no_day_is_refused() {
        for cell in [
            "",
            "1975",
            "31/02/1980",
            "29/02/1900",
            "03/13/1980",
            "7/3/55",
            "20515",
            "00/01/1980",
            "unknown",
            "1980-13-01",
            "7 Ma 1955",
            "1/2/3/4",
            "12/1980",
            "1980-01-02T99:00:00Z",
            "1980-01-02T",
            "2/11/1984 12:00:00 AM",
        ] {
            assert_eq!(parse_date(cell), None, "{cell}");
        }
    }
}
