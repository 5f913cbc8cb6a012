//! An entry of a statement: what was booked, and what its details say that it was for.
//!
//! Only a booking pays or returns, by the direction of the details themselves, else of the entry. The details'
//! ids, else the batch's, say what a sum is for. What the details add up to must fit the entry: of an entry that
//! contradicts itself nothing is taken.

use std::collections::HashMap;

use jiff::civil::Date;
use roxmltree::Node;

use super::amount::Amount;
use super::codes::reasons;
use super::message::Element;
use super::statement::in_india;
use super::{
    Booking, FOREIGN, MALFORMED, Named, OF_TWO, Outcome, ReportedAmount, ReportedTransfer,
    own_or_as_it_is, own_transfers,
};
use crate::own_name::OwnName;

/// Why nothing is taken of an entry that is smaller than what it is for.
const LESS: &str = "its entry is of a smaller amount than its details: ask the bank";

/// Why nothing is taken of an entry that goes one way while its details go the other.
const OTHER_WAY: &str = "its entry goes the other way than its details: ask the bank";

/// What an entry takes from its statement.
pub(super) struct Statement {
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

/// Details of an entry, with their batch.
struct Block {
    batch: Option<Named>,
    batch_amount: Option<Amount>,
    /// How many payments the batch has, according to the bank.
    count: Option<u64>,
    details: Vec<Details>,
}

/// A transaction of an entry.
#[derive(Default)]
struct Details {
    /// An end-to-end id, ours or not.
    transfer: Option<String>,
    /// All payments of ours that its ids are of.
    own: Vec<String>,
    /// Our id of a message or part.
    whole: Option<Named>,
    amount: Option<Amount>,
    instructed: Option<u64>,
    charges: Option<u64>,
    is_credit: Option<bool>,
    is_return: bool,
    reasons: Vec<String>,
    /// The bank's own reference for it.
    reference: Option<String>,
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
        let is_whole = |block: &Block| self.is_booked_whole(block);
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
            let first = block.details.first();
            let booked = self.booked(first.unwrap_or(&Details::default()));
            match block.amount() {
                Some(amount) => {
                    let charges = self.charges.filter(|_| self.blocks.len() == 1);
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
        let is_one_return = is_credit && self.only().is_some();
        let kept = if is_credit { charges } else { 0 };
        let most = booked.saturating_add(against).saturating_add(kept);
        (along > most && !is_one_return).then_some(LESS)
    }

    /// Whether a batch of ours is booked as one sum: its details are placeholders, or only some of its payments. A count
    /// or total that is smaller or larger may be what was ordered: all is there if anything says so.
    fn is_booked_whole(&self, block: &Block) -> bool {
        if !block.batch.as_ref().is_some_and(Named::is_own) {
            return false;
        }
        if block.details.iter().all(|one| one.own.is_empty()) {
            return true;
        }
        let (listed, sum) = (block.details.len() as u64, block.sum());
        let total = block.batch_amount.and_then(Amount::paise);
        let booked = self.amount.paise().filter(|_| self.blocks.len() == 1);
        let is_all = block.count == Some(listed)
            || sum.is_some_and(|sum| total == Some(sum) || booked == Some(sum));
        let is_some = block.count.is_some_and(|count| count > listed)
            || total.zip(sum).is_some_and(|(total, sum)| total > sum);
        is_some && !is_all
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
        let outcomes: Vec<Outcome> = details.iter().map(|one| self.booked(one)).collect();
        let is_one = outcomes.iter().all(|outcome| *outcome == outcomes[0]);
        let outcome = if is_one {
            outcomes[0].clone()
        } else {
            Outcome::Unclear("booked in one sum with unlike entries: ask the bank")
        };
        let of = details.iter().filter_map(|one| one.transfer.clone()).map(Named::Transfer);
        let mut line = self.line(of.collect(), outcome, Some(self.amount));
        line.booking.is_return = details.iter().any(|one| one.is_return);
        with_charges(line, None, self.charges)
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
            count: batch.and_then(|batch| batch.text_at(&["NbOfTxs"])?.parse().ok()),
            details: block.all("TxDtls").map(Details::read).collect(),
        }
    }

    /// Returns the sum of its details, in paise, if there are some and all give amounts.
    fn sum(&self) -> Option<u64> {
        if self.details.is_empty() {
            return None;
        }
        self.details.iter().try_fold(0_u64, |sum, one| {
            one.amount.and_then(Amount::paise).and_then(|paise| sum.checked_add(paise))
        })
    }

    /// Returns the payments of ours that its details name.
    fn own(&self) -> Vec<String> {
        self.details.iter().flat_map(|one| &one.own).cloned().collect()
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

    /// Returns the block's own sum: the batch's, else that of all its details, if they are all that it has.
    fn amount(&self) -> Option<Amount> {
        if self.batch_amount.is_some() {
            return self.batch_amount;
        }
        if self.count.is_some_and(|count| count > self.details.len() as u64) {
            return None;
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
    fn read(details: Node<'_, '_>) -> Self {
        let id = |name| details.text_at(&["Refs", name]);
        let ids = ["EndToEndId", "InstrId", "TxId", "AcctSvcrRef", "ClrSysRef", "ChqNb"];
        let own = own_transfers(ids.iter().filter_map(|&name| id(name)));
        let wholes = ["PmtInfId", "MsgId"].iter().filter_map(|&name| id(name));
        let whole = wholes.filter_map(|id| Named::of_whole(&id)).next();
        let given = id("EndToEndId").filter(|id| id != "NOTPROVIDED");
        // An id that is not ours may be part of a sum that is.
        let given = given.filter(|_| whole.is_none()).map(|id| own_or_as_it_is(&id));
        let returns: Vec<Node<'_, '_>> = details.all("RtrInf").collect();
        let of = |name: &'static str| -> Vec<String> {
            returns.iter().filter_map(|one| one.text_at(&["Rsn", name])).collect()
        };
        Self {
            transfer: own.first().cloned().or(given),
            own,
            whole,
            amount: amount_at(details, &["Amt"])
                .or_else(|| amount_at(details, &["AmtDtls", "TxAmt", "Amt"]))
                .or_else(|| amount_at(details, &["AmtDtls", "InstdAmt", "Amt"])),
            instructed: amount_at(details, &["AmtDtls", "InstdAmt", "Amt"]).and_then(Amount::paise),
            charges: charges_of(details),
            is_credit: direction(details),
            is_return: !returns.is_empty(),
            reasons: reasons(of("Cd"), of("Prtry")),
            reference: id("AcctSvcrRef"),
        }
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
