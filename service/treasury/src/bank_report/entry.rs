//! An entry of a statement: what was booked, and what its details say that it was for.
//!
//! Only a booking pays or returns, by the direction of the details themselves, else of the entry. The details'
//! ids, else the batch's, say what a sum is for. What the details add up to must fit the entry: of an entry that
//! contradicts itself nothing is taken.

use std::collections::HashMap;

use jiff::civil::Date;
use roxmltree::Node;

use super::amount::Amount;
use super::details::{Block, Details, amount_at, charges_of, direction, is_true};
use super::message::Element;
use super::statement::in_india;
use super::{
    Booking, FOREIGN, MALFORMED, Named, OF_TWO, Outcome, ReportedAmount, ReportedTransfer,
};
use crate::own_name::OwnName;

/// Why nothing is taken of an entry that is smaller than what it is for.
const LESS: &str = "its entry is of a smaller amount than its details: ask the bank";

/// Why nothing is taken of an entry that goes one way while its details go the other.
const OTHER_WAY: &str = "its entry goes the other way than its details: ask the bank";

/// What an entry takes from its statement.
pub(super) struct Statement {
    /// Its place in the message.
    pub(super) place: usize,
    /// The number of the account.
    pub(super) account: Option<String>,
    /// The day that it is of, if it is only one.
    pub(super) day: Option<Date>,
}

/// A booking.
pub(super) struct Entry {
    amount: Amount,
    /// Charges within the amount, if they are given.
    charges: Option<u64>,
    is_credit: Option<bool>,
    is_reversal: bool,
    status: Option<String>,
    booking: Booking,
    blocks: Vec<Block>,
}

/// What all the details of an entry come to.
struct Listing<'a> {
    /// How many there are, by batch.
    by_batch: HashMap<&'a str, u64>,
    /// Their sum, in paise, if all give amounts.
    sum: Option<u64>,
}

impl Entry {
    pub(super) fn read(entry: Node<'_, '_>, around: &Statement) -> Self {
        let status = entry.at(&["Sts"]);
        let at = |name: &'static str| {
            let date = entry.at(&[name])?;
            in_india(&date.text_at(&["DtTm"]).or_else(|| date.text_at(&["Dt"]))?)
        };
        let (day, time) = match at("BookgDt").or_else(|| at("ValDt")) {
            Some((day, time)) => (Some(day), time),
            None => (around.day, None),
        };
        let is_reversal = is_true(entry.text_at(&["RvslInd"]));
        Self {
            amount: amount_at(entry, &["Amt"]).unwrap_or(Amount::Malformed),
            charges: charges_of(entry),
            is_credit: direction(entry),
            is_reversal,
            // Up to version 06 a text, then a code; a bank's own code is unknown here.
            status: status.and_then(|status| status.text_at(&["Cd"]).or_else(|| status.words())),
            booking: Booking {
                day,
                time,
                reference: entry.text_at(&["AcctSvcrRef"]),
                own_reference: None,
                statement: around.place,
                account: around.account.clone(),
                is_reversal,
                is_return: false,
            },
            blocks: entry.all("NtryDtls").map(Block::read).collect(),
        }
    }

    /// Returns its lines: for the transfers that its details name, and for what is booked as one sum.
    pub(super) fn lines(self) -> Vec<ReportedTransfer> {
        let mut lines = match self.doubt() {
            Some(doubt) => self.doubtful(doubt),
            None => self.booked_lines(),
        };
        // A payment that one entry has twice is booked twice, whatever the entry's reference is.
        let mut times: HashMap<String, u32> = HashMap::new();
        for line in &mut lines {
            let time = times.entry(line.label.clone()).or_default();
            *time += 1;
            if *time > 1 {
                let reference = line.booking.own_reference.get_or_insert_default();
                *reference += &format!("/{time}");
            }
        }
        lines
    }

    fn booked_lines(&self) -> Vec<ReportedTransfer> {
        let mut lines = Vec::new();
        let all: Vec<&Details> = self.blocks.iter().flat_map(|block| &block.details).collect();
        let no_amounts = all.iter().all(|one| one.amount.is_none());
        let listing = self.listing();
        let is_whole = |block: &Block| self.is_booked_whole(block, &listing);
        if no_amounts
            && all.len() > 1
            && all.iter().all(|one| one.transfer.is_some())
            && !self.blocks.iter().any(is_whole)
        {
            return vec![self.together(&all)];
        }
        // The entry's amount is for the messages and parts without an amount of their own.
        let (mut of_entry, mut outcome, mut count) = (Vec::new(), None, Some(0));
        let (mut lists, mut is_return) = (Vec::new(), false);
        for block in &self.blocks {
            let named: Vec<&Details> =
                block.details.iter().filter(|one| one.transfer.is_some()).collect();
            if !named.is_empty() && !is_whole(block) {
                // Details with only our message's or part's id, beside details that have ids, can't be told
                // apart from it.
                for one in block.details.iter().filter(|one| one.transfer.is_none()) {
                    lines.extend(one.whole.clone().map(|whole| {
                        let unclear = Outcome::Unclear(
                            "booked with others and without an id of its own: ask the bank",
                        );
                        self.line(vec![whole], unclear, None)
                    }));
                }
                let is_only = no_amounts && all.len() == 1;
                let total = block.batch_amount.filter(|_| is_only);
                let amount = total.or(is_only.then_some(self.amount));
                lines.extend(named.into_iter().filter_map(|one| self.one(block, one, amount)));
                continue;
            }
            let wholes = block.wholes();
            if wholes.is_empty() {
                continue;
            }
            let booked = self.booked_as_one(block.details.iter());
            match block.amount() {
                Some(amount) => {
                    let charges = self.charges.filter(|_| self.blocks.len() == 1);
                    // A batch's total may be what was ordered, and more than what was booked.
                    let kept = self.charges.filter(|_| self.is_credit == Some(true)).unwrap_or(0);
                    let most = self.amount.paise().map(|most| most.saturating_add(kept));
                    let is_more = amount.paise().zip(most).is_some_and(|(sum, most)| sum > most);
                    let is_final = matches!(booked, Outcome::Paid | Outcome::Returned(_));
                    let booked = match is_more && is_final {
                        true => Outcome::Unclear(LESS),
                        false => booked,
                    };
                    let mut line = self.line(wholes, booked, Some(amount));
                    line = with_charges(line, None, charges);
                    line.booking.is_return = block.details.iter().any(|one| one.is_return);
                    lines.push(ReportedTransfer { count: block.count, lists: block.own(), ..line });
                }
                None => {
                    is_return |= block.details.iter().any(|one| one.is_return);
                    of_entry.extend(wholes);
                    lists.extend(block.own());
                    outcome = Some(booked);
                    count = count.zip(block.count).map(|(sum, one): (u64, u64)| sum + one);
                }
            }
        }
        if let Some(outcome) = outcome {
            // The sum is for these alone, if nothing else is in it.
            let amount = lines.is_empty().then_some(self.amount);
            let mut line = with_charges(self.line(of_entry, outcome, amount), None, self.charges);
            line.booking.is_return = is_return;
            lines.push(ReportedTransfer { count, lists, ..line });
        }
        lines
    }

    /// Returns why nothing of it can be taken, if it is booked.
    fn doubt(&self) -> Option<&'static str> {
        if self.status.as_deref() != Some("BOOK") {
            return None;
        }
        let Amount::Paise(booked) = self.amount else {
            return Some(if self.amount == Amount::Foreign { FOREIGN } else { MALFORMED });
        };
        let is_credit = self.is_credit?;
        let (mut along, mut against, mut is_all_known) = (0_u64, 0_u64, true);
        let mut charges = self.charges.unwrap_or(0);
        let mut add = |amount: Option<Amount>, way: Option<bool>| match amount {
            Some(Amount::Paise(paise)) if way.is_none_or(|way| way == is_credit) => {
                along = along.saturating_add(paise);
            }
            Some(Amount::Paise(paise)) => against = against.saturating_add(paise),
            Some(Amount::Foreign | Amount::Malformed) | None => is_all_known = false,
        };
        for block in &self.blocks {
            // What the details add up to is what was booked; a batch's total may be what was ordered.
            if block.sum().is_none() && block.batch_amount.is_some() || block.details.is_empty() {
                add(block.batch_amount, block.details.first().and_then(|one| one.is_credit));
                continue;
            }
            for one in &block.details {
                add(one.amount, one.is_credit);
                charges = charges.saturating_add(one.charges.unwrap_or(0));
            }
        }
        if is_all_known && against > along {
            return Some(OTHER_WAY);
        }
        // The bank may have kept some of what comes back: of one payment, also without saying so.
        let is_one_return = is_credit && self.only().is_some_and(|one| one.amount.is_some());
        let kept = if is_credit { charges } else { 0 };
        let most = booked.saturating_add(against).saturating_add(kept);
        (along > most && !is_one_return).then_some(LESS)
    }

    /// Whether a batch of ours is booked as one sum: its details are placeholders, or only some of its payments. A count
    /// or total that is smaller or larger may be what was ordered: all is there if anything says so.
    fn is_booked_whole(&self, block: &Block, listing: &Listing<'_>) -> bool {
        if !block.batch.as_ref().is_some_and(Named::is_own) {
            return false;
        }
        if block.details.iter().all(|one| one.own.is_empty()) {
            return true;
        }
        let came_back = |one: &Details| {
            let total = block.batch_amount.and_then(Amount::paise);
            match (self.amount.paise(), one.amount.and_then(Amount::paise), total) {
                (Some(booked), Some(own), _) => booked <= own,
                (Some(booked), None, Some(total)) => booked < total,
                _ => false,
            }
        };
        if self.is_credit == Some(true) && self.only().is_some_and(came_back) {
            // One that came back, in a batch that is described as it was ordered.
            return false;
        }
        let (listed, sum) = (block.details.len() as u64, block.sum());
        let total = block.batch_amount.and_then(Amount::paise);
        // Some banks repeat the batch with each of its details.
        let name = block.batch.as_ref().map(Named::text).unwrap_or_default();
        let in_all = listing.by_batch.get(name).copied().unwrap_or_default();
        let is_all = block.count == Some(listed)
            || block.count == Some(in_all)
            || sum.is_some_and(|sum| total == Some(sum))
            || listing.sum.is_some() && listing.sum == self.amount.paise();
        let is_some = block.count.is_some_and(|count| count > listed)
            || total.zip(sum).is_some_and(|(total, sum)| total > sum);
        is_some && !is_all
    }

    fn listing(&self) -> Listing<'_> {
        let mut by_batch: HashMap<&str, u64> = HashMap::new();
        for block in &self.blocks {
            if let Some(batch) = &block.batch {
                *by_batch.entry(batch.text()).or_default() += block.details.len() as u64;
            }
        }
        let sums = self.blocks.iter().map(Block::sum);
        let sum = sums.reduce(|sum, one| sum?.checked_add(one?)).flatten();
        Listing { by_batch, sum }
    }

    /// Returns its only transaction, if it has one.
    fn only(&self) -> Option<&Details> {
        let mut all = self.blocks.iter().flat_map(|block| &block.details);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// Returns a line for each name of ours in an entry of which nothing is taken.
    fn doubtful(&self, doubt: &'static str) -> Vec<ReportedTransfer> {
        let mut of: Vec<Named> = Vec::new();
        for block in &self.blocks {
            let transfers = block.details.iter().flat_map(|one| &one.own).cloned();
            let mut own: Vec<Named> = transfers.map(Named::Transfer).collect();
            if own.is_empty() {
                own = block.wholes().into_iter().filter(Named::is_own).collect();
            }
            of.extend(own);
        }
        of.into_iter().map(|one| self.line(vec![one], Outcome::Unclear(doubt), None)).collect()
    }

    /// Returns the line for several transfers that are booked as one sum.
    fn together(&self, details: &[&Details]) -> ReportedTransfer {
        let outcome = self.booked_as_one(details.iter().copied());
        let of = details.iter().filter_map(|one| one.transfer.clone()).map(Named::Transfer);
        // The batch's own total goes before the entry's, which may have a fee in it.
        let totals = self.blocks.iter().map(|block| block.batch_amount.and_then(Amount::paise));
        let total = totals.reduce(|sum, one| sum?.checked_add(one?)).flatten();
        let amount = total.map_or(self.amount, Amount::Paise);
        let mut line = self.line(of.collect(), outcome, Some(amount));
        line.booking.is_return = details.iter().any(|one| one.is_return);
        with_charges(line, None, self.charges)
    }

    /// Returns what the entry says about details that are one sum.
    fn booked_as_one<'a>(&self, details: impl Iterator<Item = &'a Details>) -> Outcome {
        let mut outcomes = details.map(|one| self.booked(one));
        let Some(first) = outcomes.next() else { return self.booked(&Details::default()) };
        if outcomes.all(|outcome| outcome == first) {
            return first;
        }
        Outcome::Unclear("booked in one sum with unlike entries: ask the bank")
    }

    /// Returns the line for one transfer, with its own amount; else with the one that is given.
    fn one(
        &self,
        block: &Block,
        details: &Details,
        of_entry: Option<Amount>,
    ) -> Option<ReportedTransfer> {
        let name = details.transfer.clone()?;
        let (mut amount, mut instructed) = (details.amount.or(of_entry), details.instructed);
        // An amount in another currency that is not ours does not concern this treasury.
        if amount == Some(Amount::Foreign) && OwnName::of(&name).is_none() {
            return None;
        }
        let is_only = self.only().is_some();
        let outcome = self.booked(details);
        if is_only
            && matches!(outcome, Outcome::Returned(_))
            && let (Some(Amount::Paise(own)), Amount::Paise(booked)) = (amount, self.amount)
            && booked < own
        {
            // What came back is what was booked; the details give what was ordered.
            instructed = instructed.or(Some(own));
            amount = Some(self.amount);
        }
        let charges = details.charges.or(self.charges.filter(|_| is_only));
        let of = match details.own.len() {
            0 | 1 => vec![Named::Transfer(name)],
            _ => details.own.iter().cloned().map(Named::Transfer).collect(),
        };
        let mut line = with_charges(self.line(of, outcome, amount), instructed, charges);
        line.within = details.whole.iter().chain(&block.batch).cloned().collect();
        line.within.retain(Named::is_own);
        line.booking.is_return = details.is_return;
        line.booking.own_reference.clone_from(&details.reference);
        Some(line)
    }

    /// Returns what the entry says about one of its details: money out is paid; money back is returned.
    fn booked(&self, details: &Details) -> Outcome {
        match self.status.as_deref() {
            Some("BOOK") => {}
            Some("PDNG" | "INFO" | "FUTR") => return Outcome::Pending,
            _ => return Outcome::Unclear("its entry's status is not known here: ask the bank"),
        }
        if details.own.len() > 1 {
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

    fn line(&self, of: Vec<Named>, outcome: Outcome, amount: Option<Amount>) -> ReportedTransfer {
        let label: Vec<&str> = match outcome {
            Outcome::Unclear(_) => of.iter().map(Named::text).collect(),
            _ => of.iter().take(1).map(Named::text).collect(),
        };
        let label = label.join(", ");
        let (outcome, amount) = match amount {
            Some(Amount::Paise(paise)) => (outcome, Some(ReportedAmount::of(paise))),
            Some(Amount::Foreign) => (Outcome::Unclear(FOREIGN), None),
            Some(Amount::Malformed) => (Outcome::Unclear(MALFORMED), None),
            None => (outcome, None),
        };
        let line = ReportedTransfer::new(of, label, outcome);
        ReportedTransfer { amount, booking: self.booking.clone(), ..line }
    }
}

/// Adds what was ordered and charged, according to the bank, to a line's amount.
fn with_charges(
    mut line: ReportedTransfer,
    instructed: Option<u64>,
    charges: Option<u64>,
) -> ReportedTransfer {
    if let Some(amount) = &mut line.amount {
        (amount.instructed, amount.charges) = (instructed, charges);
    }
    line
}
