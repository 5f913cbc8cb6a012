//! When a statement has booked a payment: its day, and the bank's own reference for it. A second booking is a second
//! payment, until two persons know better.

use std::fmt;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::bank_report::Booking;

/// What stands for a day that a statement does not give.
const NO_DAY: &str = "unknown";

/// What banks write in the place of a reference.
const NO_REFERENCES: [&str; 6] = ["NONREF", "NOREF", "NOTPROVIDED", "NA", "N/A", "NONE"];

/// A booking, as it is stored: the day, and marks of the bank's references for the entry and for the payment in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BookedOn {
    day: String,
    marks: [Option<String>; 2],
}

impl BookedOn {
    /// Returns what is stored of a booking.
    pub(super) fn of(booking: &Booking) -> Self {
        let mark = |reference: &Option<String>| {
            let reference: String =
                reference.iter().flat_map(|one| one.split_whitespace()).collect();
            let reference = reference.to_ascii_uppercase();
            // What stands where there is no reference.
            let is_none = NO_REFERENCES.contains(&reference.as_str())
                || reference.bytes().all(|one| matches!(one, b'0' | b'-' | b'.' | b'/'));
            (!is_none).then(|| hex::encode(&Sha256::digest(reference)[..8]))
        };
        Self {
            day: booking.day.map_or(NO_DAY.to_owned(), |day| day.to_string()),
            marks: [mark(&booking.reference), mark(&booking.own_reference)],
        }
    }

    /// Reads a stored booking.
    pub(super) fn read(text: &str) -> Self {
        let mut parts = text.split('#');
        let day = parts.next().unwrap_or_default().to_owned();
        let mut mark = || parts.next().filter(|mark| !mark.is_empty()).map(str::to_owned);
        Self { day, marks: [mark(), mark()] }
    }

    /// Whether two may be one booking: of one day, and of the same references, as far as both give them. A bank may
    /// tell of one booking as a sum, and once more in detail.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let has_day = self.day != NO_DAY && other.day != NO_DAY;
        let mut marks = self.marks.iter().zip(&other.marks);
        let is_other = marks.any(|(one, other)| one.is_some() && other.is_some() && one != other);
        !is_other && (!has_day || self.day == other.day)
    }

    /// Returns this booking with what another one of it says beside.
    pub(super) fn with(&self, other: &Self) -> Self {
        let [entry, own] =
            [0, 1].map(|at| self.marks[at].clone().or_else(|| other.marks[at].clone()));
        let day = if self.day == NO_DAY { other.day.clone() } else { self.day.clone() };
        Self { day, marks: [entry, own] }
    }

    /// Whether two are one booking for certain: of one day, by one of the bank's own references.
    pub(super) fn is_known_as(&self, other: &Self) -> bool {
        let mut marks = self.marks.iter().zip(&other.marks);
        let has_same = marks.any(|(one, other)| one.is_some() && one == other);
        has_same && self.day == other.day && self.is_same(other)
    }
}

impl fmt::Display for BookedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.day)?;
        if self.marks.iter().any(Option::is_some) {
            let [entry, own] =
                self.marks.each_ref().map(|mark| mark.as_deref().unwrap_or_default());
            write!(f, "#{entry}#{own}")?;
        }
        Ok(())
    }
}

/// Whether something that was booked on a day came back on a later one.
pub(super) fn came_back_since(returned_on: Option<&str>, booked: Option<Date>) -> bool {
    let returned: Option<Date> = returned_on.and_then(|day| day.parse().ok());
    returned.zip(booked).is_some_and(|(returned, booked)| booked < returned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_booking_is_known_by_its_day_or_the_banks_reference() {
        let of = |day: &str, reference: Option<&str>| {
            BookedOn::of(&Booking {
                day: day.parse().ok(),
                reference: reference.map(str::to_owned),
                ..Booking::default()
            })
        };
        let first = of("2026-06-05", Some("S 1"));
        let in_detail = BookedOn::of(&Booking {
            day: "2026-06-05".parse().ok(),
            reference: Some("S1".to_owned()),
            own_reference: Some("T1".to_owned()),
            ..Booking::default()
        });
        for one in [&first, &in_detail, &of("2026-06-05", None)] {
            assert_eq!(BookedOn::read(&one.to_string()), *one);
        }
        assert!(first.is_same(&in_detail), "one booking, as a sum and in detail");
        for (other, is_same) in [
            (of("2026-06-05", Some("s1")), true),
            (of("2026-06-05", None), true),
            (of("2026-06-05", Some("S2")), false),
            (of("2026-06-06", Some("S1")), false),
            (of("2026-06-06", None), false),
            (of("", Some("S1")), true),
            (of("", Some("S2")), false),
            (BookedOn::read("2026-06-05"), true),
        ] {
            assert_eq!(first.is_same(&other), is_same, "{other}");
        }
        assert!(first.is_known_as(&of("2026-06-05", Some("S1"))));
        let none = of("2026-06-05", Some("NONREF"));
        assert!(!none.is_known_as(&none), "no reference");
        assert_eq!(of("2026-06-05", None).with(&first), first);
        assert!(!of("2026-06-05", None).is_known_as(&of("2026-06-05", None)));
        let day = |text: &str| text.parse().ok();
        assert!(came_back_since(Some("2026-06-07"), day("2026-06-05")));
        assert!(
            !came_back_since(Some("2026-06-07"), day("2026-06-07")),
            "nothing shows which was first"
        );
        assert!(!came_back_since(Some("2026-06-07"), day("2026-06-08")));
        assert!(!came_back_since(None, day("2026-06-05")));
    }
}
