//! The details of an entry: its transactions, with the batch that they were booked in.

use roxmltree::Node;

use super::amount::Amount;
use super::codes::reasons;
use super::message::Element;
use super::{Named, own_or_as_it_is, own_transfers};

/// Details of an entry, with their batch.
pub(super) struct Block {
    pub(super) batch: Option<Named>,
    pub(super) batch_amount: Option<Amount>,
    /// How many payments the batch has, according to the bank.
    pub(super) count: Option<u64>,
    pub(super) details: Vec<Details>,
}

/// A transaction of an entry.
#[derive(Default)]
pub(super) struct Details {
    /// An end-to-end id, ours or not.
    pub(super) transfer: Option<String>,
    /// All payments of ours that its ids are of.
    pub(super) own: Vec<String>,
    /// Our id of a message or part.
    pub(super) whole: Option<Named>,
    pub(super) amount: Option<Amount>,
    pub(super) instructed: Option<u64>,
    pub(super) charges: Option<u64>,
    pub(super) is_credit: Option<bool>,
    pub(super) is_return: bool,
    pub(super) reasons: Vec<String>,
    /// The bank's own reference for it.
    pub(super) reference: Option<String>,
}

impl Block {
    pub(super) fn read(block: Node<'_, '_>) -> Self {
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
    pub(super) fn sum(&self) -> Option<u64> {
        if self.details.is_empty() {
            return None;
        }
        self.details.iter().try_fold(0_u64, |sum, one| {
            one.amount.and_then(Amount::paise).and_then(|paise| sum.checked_add(paise))
        })
    }

    /// Returns the payments of ours that its details name.
    pub(super) fn own(&self) -> Vec<String> {
        self.details.iter().flat_map(|one| &one.own).cloned().collect()
    }

    /// Returns the messages or parts of the block: by the batch, else by what its details name.
    pub(super) fn wholes(&self) -> Vec<Named> {
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
    pub(super) fn amount(&self) -> Option<Amount> {
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
    pub(super) fn read(details: Node<'_, '_>) -> Self {
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

/// Reads the amount at a path.
pub(super) fn amount_at(element: Node<'_, '_>, path: &[&'static str]) -> Option<Amount> {
    let amount = element.at(path)?;
    Some(Amount::read(&amount.words().unwrap_or_default(), amount.attribute("Ccy")))
}

/// Returns all charges in an element, in paise.
pub(super) fn charges_of(element: Node<'_, '_>) -> Option<u64> {
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
pub(super) fn direction(element: Node<'_, '_>) -> Option<bool> {
    match element.text_at(&["CdtDbtInd"])?.as_str() {
        "CRDT" => Some(true),
        "DBIT" => Some(false),
        _ => None,
    }
}

/// Whether an indicator is set.
pub(super) fn is_true(text: Option<String>) -> bool {
    matches!(text.as_deref(), Some("true" | "1"))
}
