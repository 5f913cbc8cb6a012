//! What a statement of an account (`camt.053`) says.
//!
//! Only a booking pays or returns, by the direction of the details themselves, else of the entry. The details'
//! ids, else the batch's, say what a sum is for. Entries are read in the order of booking, wherever they are in
//! the file.

use std::collections::HashSet;

use jiff::civil::Date;
use roxmltree::Node;

use super::amount::Amount;
use super::codes::reasons;
use super::message::Element;
use super::{
    FOREIGN, MALFORMED, Named, OF_TWO, Outcome, ReportedAmount, ReportedTransfer, StatementDays,
    own_or_as_it_is, own_transfers,
};
use crate::own_name::OwnName;

/// Reads a message's statements.
pub(super) fn read(
    message: Node<'_, '_>,
    lines: &mut Vec<ReportedTransfer>,
    days: &mut Vec<StatementDays>,
) {
    let mut booked: Vec<(Booked, ReportedTransfer)> = Vec::new();
    let made = message.text_at(&["GrpHdr", "CreDtTm"]);
    for statement in message.all("Stmt") {
        days.extend(days_of(statement, made.as_deref()));
        for element in statement.all("Ntry") {
            let entry = Entry::read(element);
            let at = entry.booked_at.clone();
            let booked_on = at.as_deref().and_then(day);
            let mut lines = entry.lines();
            let unplaced = unplaced(element, &lines);
            lines.extend(unplaced);
            booked.extend(lines.into_iter().map(|line| {
                let is_return = matches!(line.outcome, Outcome::Returned(_));
                let line = ReportedTransfer { booked_on, ..line };
                (Booked { at: at.clone(), is_return }, line)
            }));
        }
    }
    // Money goes out before it comes back on the same day.
    booked.sort_by(|(one, _), (other, _)| one.cmp(other));
    lines.extend(booked.into_iter().map(|(_, line)| line));
}

/// The time of a booking.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Booked {
    at: Option<String>,
    is_return: bool,
}

/// Reports the names of ours in an entry that none of its lines is about, wherever a bank has put them.
fn unplaced(entry: Node<'_, '_>, lines: &[ReportedTransfer]) -> Vec<ReportedTransfer> {
    const UNPLACED: &str = "named where no payment's id belongs: ask the bank what it is";
    let told = lines.iter().map(|line| OwnName::of(&line.label));
    let of = lines.iter().flat_map(|line| &line.of).map(|named| OwnName::of(named.text()));
    let placed: HashSet<OwnName> = told.chain(of).flatten().collect();
    // A transfer's own line says which message or part it belongs to.
    let has_transfer = placed.iter().any(|name| matches!(name, OwnName::Transfer(_)));
    let is_placed = |name: &OwnName| match name {
        OwnName::Transfer(_) => placed.contains(name),
        _ => has_transfer || placed.iter().any(|known| known.is_of_same_message(name)),
    };
    let names = entry.own_names();
    let unplaced = names.iter().filter(|name| !is_placed(name));
    unplaced.map(|name| ReportedTransfer::unplaced(name, UNPLACED)).collect()
}

/// Returns the days that a statement covers: as it says, else only the day of its closing balance. It is often
/// made on the day after. It covers no day in full that was not over when it was made: the day on which it was
/// made only if the bank has closed it.
fn days_of(statement: Node<'_, '_>, message_made: Option<&str>) -> Option<StatementDays> {
    let account = ["Othr", "IBAN"].iter().find_map(|&kind| {
        let id = statement.at(&["Acct", "Id", kind])?;
        if kind == "IBAN" { id.words() } else { id.text_at(&["Id"]) }
    });
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

/// A booking.
struct Entry {
    amount: Amount,
    /// Charges within the amount, if they are given.
    charges: Option<u64>,
    is_credit: Option<bool>,
    is_reversal: bool,
    status: Option<String>,
    booked_at: Option<String>,
    blocks: Vec<Block>,
}

/// Details of an entry, with their batch.
struct Block {
    batch: Option<Named>,
    batch_amount: Option<Amount>,
    details: Vec<Details>,
}

/// A transaction of an entry.
#[derive(Default)]
struct Details {
    /// An end-to-end id, ours or not.
    transfer: Option<String>,
    /// Our id of a message or part.
    whole: Option<Named>,
    amount: Option<Amount>,
    instructed: Option<u64>,
    charges: Option<u64>,
    is_credit: Option<bool>,
    is_return: bool,
    /// Whether its ids are of two payments of ours.
    is_of_two: bool,
    reasons: Vec<String>,
}

impl Entry {
    fn read(entry: Node<'_, '_>) -> Self {
        let status = entry.at(&["Sts"]);
        let booked_at = entry
            .at(&["BookgDt"])
            .and_then(|date| date.text_at(&["DtTm"]).or_else(|| date.text_at(&["Dt"])));
        Self {
            amount: amount_at(entry, &["Amt"]).unwrap_or(Amount::Malformed),
            charges: charges_of(entry),
            is_credit: direction(entry),
            is_reversal: is_true(entry.text_at(&["RvslInd"])),
            // Up to version 06 a text, then a code; a bank's own code is unknown here.
            status: status.and_then(|status| status.text_at(&["Cd"]).or_else(|| status.words())),
            booked_at,
            blocks: entry.all("NtryDtls").map(Block::read).collect(),
        }
    }

    /// Returns its lines: for the transfers that its details name, and for what is booked as one sum.
    fn lines(self) -> Vec<ReportedTransfer> {
        let mut lines = Vec::new();
        let all = self.blocks.iter().flat_map(|block| &block.details);
        let no_amounts = all.clone().all(|one| one.amount.is_none());
        let details = all.count();
        // The entry's amount is for the messages and parts without an amount of their own.
        let (mut of_entry, mut outcome) = (Vec::new(), None);
        for block in &self.blocks {
            let named: Vec<&Details> =
                block.details.iter().filter(|one| one.transfer.is_some()).collect();
            // A placeholder for an id in a batch of ours names no transfer.
            let is_ours = block.batch.as_ref().is_some_and(Named::is_own);
            let is_filler = is_ours && !named.iter().any(|one| one.is_own());
            if !named.is_empty() && !is_filler {
                // Details with only our message's or part's id, beside details that have ids, can't be told
                // apart from it.
                for one in block.details.iter().filter(|one| one.transfer.is_none()) {
                    lines.extend(one.whole.clone().map(|whole| {
                        let unclear = Outcome::Unclear(
                            "booked with others and without an id of its own: ask the bank",
                        );
                        line(vec![whole], unclear, None, None, None)
                    }));
                }
                if no_amounts && details > 1 && named.len() == details {
                    lines.push(self.together(&named));
                } else {
                    let is_only = no_amounts && details == 1;
                    lines.extend(named.into_iter().filter_map(|one| self.one(one, is_only)));
                }
                continue;
            }
            let wholes = block.wholes();
            if wholes.is_empty() {
                continue;
            }
            let first = block.details.first();
            let booked = self.booked(first.unwrap_or(&Details::default()));
            match block.amount() {
                Some(amount) => lines.push(line(wholes, booked, Some(amount), None, None)),
                None => {
                    of_entry.extend(wholes);
                    outcome = Some(booked);
                }
            }
        }
        if let Some(outcome) = outcome {
            // The sum is for these alone, if nothing else is in it.
            let amount = lines.is_empty().then_some(self.amount);
            lines.push(line(of_entry, outcome, amount, None, self.charges));
        }
        lines
    }

    /// Returns the line for several transfers that are booked as one sum.
    fn together(&self, details: &[&Details]) -> ReportedTransfer {
        let outcomes: Vec<Outcome> = details.iter().map(|one| self.booked(one)).collect();
        let is_one = outcomes.iter().all(|outcome| *outcome == outcomes[0]);
        let outcome = if is_one {
            outcomes[0].clone()
        } else {
            Outcome::Unclear("booked in one sum with unlike entries: ask the bank")
        };
        let of = details.iter().filter_map(|one| one.transfer.clone()).map(Named::Transfer);
        line(of.collect(), outcome, Some(self.amount), None, self.charges)
    }

    /// Returns the line for one transfer, with its own amount; the entry's, if it is the only one.
    fn one(&self, details: &Details, is_only: bool) -> Option<ReportedTransfer> {
        let name = details.transfer.clone()?;
        let amount = details.amount.or(is_only.then_some(self.amount));
        // An amount in another currency that is not ours does not concern this treasury.
        if amount == Some(Amount::Foreign) && OwnName::of(&name).is_none() {
            return None;
        }
        let charges = details.charges.or(self.charges.filter(|_| is_only));
        let of = vec![Named::Transfer(name)];
        Some(line(of, self.booked(details), amount, details.instructed, charges))
    }

    /// Returns what the entry says about one of its details: money out is paid; money back is returned.
    fn booked(&self, details: &Details) -> Outcome {
        match self.status.as_deref() {
            Some("BOOK") => {}
            Some("PDNG" | "INFO" | "FUTR") => return Outcome::Pending,
            _ => return Outcome::Unclear("its entry's status is not known here: ask the bank"),
        }
        if details.is_of_two {
            return Outcome::Unclear(OF_TWO);
        }
        match details.is_credit.or(self.is_credit) {
            Some(true) => Outcome::Returned(details.reasons.clone()),
            Some(false) if details.is_return && !self.is_reversal => {
                Outcome::Unclear("booked as money out with the reason of a return: ask the bank")
            }
            Some(false) => Outcome::Paid,
            None => Outcome::Unclear("the entry does not say whether money went out: ask the bank"),
        }
    }
}

impl Block {
    fn read(block: Node<'_, '_>) -> Self {
        let batch = block.at(&["Btch"]);
        let named = batch.and_then(|batch| {
            let part = batch.text_at(&["PmtInfId"]);
            let own =
                part.iter().chain(&batch.text_at(&["MsgId"])).find_map(|id| Named::of_whole(id));
            own.or(part.map(Named::Part))
        });
        Self {
            batch: named,
            batch_amount: batch.and_then(|batch| amount_at(batch, &["TtlAmt"])),
            details: block.all("TxDtls").map(Details::read).collect(),
        }
    }

    /// Returns the messages or parts of the block: by the batch, else by what its details name.
    fn wholes(&self) -> Vec<Named> {
        let mut wholes: Vec<Named> = self.batch.iter().cloned().collect();
        if wholes.is_empty() {
            for whole in self.details.iter().filter_map(|one| one.whole.clone()) {
                if !wholes.contains(&whole) {
                    wholes.push(whole);
                }
            }
        }
        wholes
    }

    /// Returns the block's own sum: the batch's, else that of all its details.
    fn amount(&self) -> Option<Amount> {
        if self.batch_amount.is_some() {
            return self.batch_amount;
        }
        let mut sum = None;
        for one in &self.details {
            let Amount::Paise(paise) = one.amount? else { return one.amount };
            sum = Some(sum.unwrap_or(0_u64).saturating_add(paise));
        }
        sum.map(Amount::Paise)
    }
}

impl Details {
    /// Whether its id has the form of this treasury's ids.
    fn is_own(&self) -> bool {
        self.transfer.as_deref().is_some_and(|name| OwnName::of(name).is_some())
    }

    fn read(details: Node<'_, '_>) -> Self {
        let id = |name| details.text_at(&["Refs", name]);
        let ids = ["EndToEndId", "InstrId", "TxId", "AcctSvcrRef", "ClrSysRef", "ChqNb"];
        let mut own = own_transfers(ids.iter().filter_map(|&name| id(name)));
        let is_of_two = own.len() > 1;
        let own = (!own.is_empty()).then(|| own.swap_remove(0));
        let wholes = ["PmtInfId", "MsgId"].iter().filter_map(|&name| id(name));
        let whole = wholes.filter_map(|id| Named::of_whole(&id)).next();
        let given = id("EndToEndId").filter(|id| id != "NOTPROVIDED");
        // An id that is not ours may be part of a sum that is.
        let transfer = own.or(given.filter(|_| whole.is_none()).map(|id| own_or_as_it_is(&id)));
        let returns: Vec<Node<'_, '_>> = details.all("RtrInf").collect();
        let of = |name: &'static str| -> Vec<String> {
            returns.iter().filter_map(|one| one.text_at(&["Rsn", name])).collect()
        };
        Self {
            transfer,
            whole,
            amount: amount_at(details, &["Amt"])
                .or_else(|| amount_at(details, &["AmtDtls", "TxAmt", "Amt"]))
                .or_else(|| amount_at(details, &["AmtDtls", "InstdAmt", "Amt"])),
            instructed: amount_at(details, &["AmtDtls", "InstdAmt", "Amt"]).and_then(Amount::paise),
            charges: charges_of(details),
            is_credit: direction(details),
            is_return: !returns.is_empty(),
            is_of_two,
            reasons: reasons(of("Cd"), of("Prtry")),
        }
    }
}

fn line(
    of: Vec<Named>,
    outcome: Outcome,
    amount: Option<Amount>,
    instructed: Option<u64>,
    charges: Option<u64>,
) -> ReportedTransfer {
    let label = of.first().map(|named| named.text().to_owned()).unwrap_or_default();
    let (outcome, amount) = match amount {
        Some(Amount::Paise(paise)) => {
            (outcome, Some(ReportedAmount { paise, instructed, charges }))
        }
        Some(Amount::Foreign) => (Outcome::Unclear(FOREIGN), None),
        Some(Amount::Malformed) => (Outcome::Unclear(MALFORMED), None),
        None => (outcome, None),
    };
    ReportedTransfer { of, label, outcome, amount, booked_on: None }
}

fn amount_at(element: Node<'_, '_>, path: &[&'static str]) -> Option<Amount> {
    let amount = element.at(path)?;
    Some(Amount::read(&amount.words().unwrap_or_default(), amount.attribute("Ccy")))
}

/// Returns all charges in an element, in paise.
fn charges_of(element: Node<'_, '_>) -> Option<u64> {
    let mut sum = None;
    for charges in element.all("Chrgs") {
        let total = amount_at(charges, &["TtlChrgsAndTaxAmt"]).and_then(Amount::paise);
        let records = charges.all("Rcrd").filter_map(|one| amount_at(one, &["Amt"])?.paise());
        let records = records.fold(0, u64::saturating_add);
        let own = amount_at(charges, &["Amt"]).and_then(Amount::paise);
        let charged: u64 = total.or(own).unwrap_or(records);
        sum = Some(sum.unwrap_or(0_u64).saturating_add(charged));
    }
    sum.filter(|&sum| sum > 0)
}

/// Reads whether money came in or went out.
fn direction(element: Node<'_, '_>) -> Option<bool> {
    match element.text_at(&["CdtDbtInd"])?.as_str() {
        "CRDT" => Some(true),
        "DBIT" => Some(false),
        _ => None,
    }
}

fn is_true(text: Option<String>) -> bool {
    matches!(text.as_deref(), Some("true" | "1"))
}
