//! What a statement of an account (`camt.053`) says: its entries in the order of booking, wherever they are in the
//! file, and the days that it covers.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use praman_language::calendar::INDIA_SECONDS;
use roxmltree::Node;

use super::entry::{Entry, Statement};
use super::message::Element;
use super::{Outcome, ReportedTransfer, StatementDays, unplaced};

/// Reads a message's statements.
pub(super) fn read(
    message: Node<'_, '_>,
    lines: &mut Vec<ReportedTransfer>,
    days: &mut Vec<StatementDays>,
) {
    let mut booked: Vec<ReportedTransfer> = Vec::new();
    let made = message.text_at(&["GrpHdr", "CreDtTm"]);
    let mut copied = HashMap::new();
    for (place, statement) in message.all("Stmt").enumerate() {
        if is_copy(statement, &mut copied) {
            continue;
        }
        let covered = days_of(statement, made.as_deref());
        let only_day = covered.as_ref().filter(|days| days.from == days.to).map(|days| days.from);
        let around = Statement { place, account: account_of(statement), day: only_day };
        days.extend(covered);
        for element in statement.all("Ntry") {
            let lines = Entry::read(element, &around).lines();
            let others = unplaced(element.own_names(), &lines, true);
            booked.extend(lines);
            booked.extend(others);
        }
        // Our names outside the entries: in the statement's own remarks.
        let outside = statement.children().filter(|child| child.tag_name().name() != "Ntry");
        booked.extend(unplaced(outside.flat_map(Element::own_names).collect(), &booked, false));
    }
    let header = message.at(&["GrpHdr"]).map(Element::own_names).unwrap_or_default();
    booked.extend(unplaced(header, &booked, false));
    lines.extend(booked);
}

/// Brings bookings into their order: by day, and by time where all of a day have one. Else money goes out before it
/// comes back, and a return is booked before it is undone.
pub(super) fn in_order(booked: &mut [ReportedTransfer]) {
    let untimed = booked.iter().filter(|line| line.booking.time.is_none());
    let untimed: HashSet<Option<Date>> = untimed.map(|line| line.booking.day).collect();
    booked.sort_by_key(|line| {
        let rank = match (&line.outcome, line.booking.is_reversal) {
            (Outcome::Paid, true) => 2,
            (Outcome::Returned(_), _) => 1,
            _ => 0,
        };
        let day = line.booking.day;
        (day, line.booking.time.filter(|_| !untimed.contains(&day)), rank)
    });
}

/// The statements of a file by id and account, and the sources of their entries.
type Seen<'i> = HashMap<(String, Option<String>), Vec<&'i str>>;

/// Whether a statement is in the file once more: it says itself that it is a copy, and has the same entries.
fn is_copy<'i>(statement: Node<'_, 'i>, seen: &mut Seen<'i>) -> bool {
    let Some(id) = statement.text_at(&["Id"]) else { return false };
    let source = statement.document().input_text();
    let entries: Vec<&'i str> = statement.all("Ntry").map(|entry| &source[entry.range()]).collect();
    let known = seen.insert((id, account_of(statement)), entries.clone());
    known == Some(entries) && statement.text_at(&["CpyDplctInd"]).is_some()
}

/// Returns the number of a statement's account.
fn account_of(statement: Node<'_, '_>) -> Option<String> {
    ["Othr", "IBAN"].iter().find_map(|&kind| {
        let id = statement.at(&["Acct", "Id", kind])?;
        if kind == "IBAN" { id.words() } else { id.text_at(&["Id"]) }
    })
}

/// Returns the days that a statement covers: as it says, else only the day of its closing balance. It is often
/// made on the day after. It covers no day in full that was not over when it was made: the day on which it was
/// made only if the bank has closed it.
fn days_of(statement: Node<'_, '_>, message_made: Option<&str>) -> Option<StatementDays> {
    let account = account_of(statement);
    let said = statement.at(&["FrToDt"]).and_then(|days| {
        let from = day(&days.text_at(&["FrDtTm"]).or_else(|| days.text_at(&["FrDt"]))?)?;
        let to = last_day(&days.text_at(&["ToDtTm"]).or_else(|| days.text_at(&["ToDt"]))?)?;
        Some((from, to))
    });
    let closed: Vec<Date> = statement
        .all("Bal")
        .filter(|balance| balance.text_at(&["Tp", "CdOrPrtry", "Cd"]).as_deref() == Some("CLBD"))
        .filter_map(|balance| {
            let at = balance.text_at(&["Dt", "Dt"]).or_else(|| balance.text_at(&["Dt", "DtTm"]))?;
            day(&at)
        })
        .collect();
    let (from, to) = said.or_else(|| closed.first().map(|day| (*day, *day)))?;
    let made = statement.text_at(&["CreDtTm"]);
    let made = made.as_deref().or(message_made).and_then(day);
    let to = match made {
        Some(made) if to >= made && closed.contains(&made) => made,
        Some(made) if to >= made => made.yesterday().ok()?,
        _ => to,
    };
    (from <= to).then_some(StatementDays { from, to, account })
}

/// Returns the day of a date or a time, as written.
fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// Returns the last day that a span of time covers in full: a span that ends before a day's last minute does
/// not cover that day.
fn last_day(text: &str) -> Option<Date> {
    let last = day(text)?;
    let is_whole = text.get(10..).is_none_or(|time| {
        time.is_empty() || ["T23:59", "T24:00"].iter().any(|end| time.starts_with(end))
    });
    if is_whole { Some(last) } else { last.yesterday().ok() }
}

/// Returns the day on which an entry was booked, and the time if it has one: in Indian time, if it says how far it is
/// from UTC.
pub(super) fn in_india(text: &str) -> Option<(Date, Option<Time>)> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        let india = Offset::from_seconds(INDIA_SECONDS).unwrap_or(Offset::UTC);
        let at = india.to_datetime(instant);
        return Some((at.date(), Some(at.time())));
    }
    let at = text.parse::<DateTime>().ok().filter(|_| text.contains('T'));
    Some((day(text)?, at.map(DateTime::time)))
}
