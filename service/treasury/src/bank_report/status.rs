//! What a status report (`pain.002`) says.

use roxmltree::Node;

use super::amount::Amount;
use super::codes::{OF_DUPLICATE, is_duplicate, is_rejected, outcome_of, reasons};
use super::message::Element;
use super::{Named, OF_TWO, Outcome, ReportedAmount, ReportedTransfer, own_transfers, unplaced};
use crate::own_name::OwnName;

/// Why a payment of something that was rejected is not taken.
const CONTRADICTED: &str =
    "reported as paid in a part or message that is reported as rejected: ask the bank";

/// Why a status for a whole is not taken if it has rejected lines that are not there.
const UNNAMED: &str =
    "the bank counts rejected payments that it does not name: ask the bank which ones they are";

/// What is around a line: its message and its part, and what is said of them.
#[derive(Clone, Default)]
struct Around {
    message: Option<String>,
    part: Option<String>,
    status: Option<String>,
    /// Whether the message or the part is rejected as a whole.
    is_rejected: bool,
    /// Whether it is rejected as a duplicate.
    is_duplicate: bool,
}

impl Around {
    /// Returns the part and the message.
    fn wholes(&self) -> Vec<Named> {
        let part = self.part.as_deref().map(|name| whole_of(name, Named::Part));
        part.into_iter()
            .chain(self.message.as_deref().map(|name| whole_of(name, Named::Message)))
            .collect()
    }

    /// Returns what a status says here: a payment of what is rejected contradicts itself.
    fn outcome(&self, status: Option<&str>, reasons: Vec<String>) -> Outcome {
        match outcome_at(status, reasons) {
            Outcome::Paid if self.is_rejected => Outcome::Unclear(CONTRADICTED),
            Outcome::Returned(_) if self.is_rejected && self.is_duplicate => {
                Outcome::Unclear(OF_DUPLICATE)
            }
            outcome => outcome,
        }
    }
}

/// Reads a report's lines.
pub(super) fn read(message: Node<'_, '_>, lines: &mut Vec<ReportedTransfer>) {
    let first = lines.len();
    let group = message.at(&["OrgnlGrpInfAndSts"]);
    let group_status = group.and_then(|group| group.text_at(&["GrpSts"]));
    let is_group_rejected = group_status.as_deref().is_some_and(is_rejected);
    // If anything of a rejected message is rejected as a duplicate, it is a copy as a whole.
    let parts = message.all("OrgnlPmtInfAndSts");
    let within = parts.flat_map(|part| std::iter::once(part).chain(part.all("TxInfAndSts")));
    let is_copy = is_group_rejected
        && group
            .into_iter()
            .chain(message.all("TxInfAndSts"))
            .chain(within)
            .any(|element| is_duplicate(&reasons_of(element)));
    let of_group = Around {
        message: group.and_then(|group| group.text_at(&["OrgnlMsgId"])),
        part: None,
        is_rejected: is_group_rejected,
        is_duplicate: is_copy || group.is_some_and(|group| is_duplicate(&reasons_of(group))),
        status: group_status,
    };
    for line in message.all("TxInfAndSts") {
        lines.extend(transfer(line, &of_group));
    }
    for part in message.all("OrgnlPmtInfAndSts") {
        let before = lines.len();
        let own = part.text_at(&["PmtInfSts"]);
        let around = Around {
            part: part.text_at(&["OrgnlPmtInfId"]),
            status: own.clone().or_else(|| of_group.status.clone()),
            is_rejected: of_group.is_rejected || own.as_deref().is_some_and(is_rejected),
            is_duplicate: of_group.is_duplicate || is_duplicate(&reasons_of(part)),
            message: of_group.message.clone(),
        };
        for line in part.all("TxInfAndSts") {
            lines.extend(transfer(line, &around));
        }
        let named = around.part.as_deref().map(|name| whole_of(name, Named::Part));
        // A part of what is rejected as a whole may have the reason alone.
        let rejected = of_group.status.as_deref().filter(|status| is_rejected(status));
        let said = match around.outcome(own.as_deref().or(rejected), reasons_of(part)) {
            Outcome::Pending if of_group.is_rejected => Outcome::Unclear(
                "its part is reported as under way and its message as rejected: ask the bank",
            ),
            said => without_copy(said, &lines[before..]),
        };
        let whole = whole(part, own.is_some(), named, said, &lines[before..]);
        lines.extend(whole);
    }
    if let Some(group) = group {
        let named = of_group.message.as_deref().map(|name| whole_of(name, Named::Message));
        let said = of_group.outcome(of_group.status.as_deref(), reasons_of(group));
        let said = without_copy(said, &lines[first..]);
        let whole = whole(group, of_group.status.is_some(), named, said, &lines[first..]);
        lines.extend(whole);
    }
    // The message's id stands in every report about it.
    let is_own_id =
        |name: &OwnName| of_group.wholes().iter().any(|whole| whole.text() == name.text());
    let mut names = message.own_names();
    names.retain(|name| !is_own_id(name));
    let others = unplaced(names, &lines[first..], false);
    lines.extend(others);
}

/// Returns the part or message that a name is of: by its form if it is ours, wherever the bank has put it.
fn whole_of(name: &str, place: fn(String) -> Named) -> Named {
    Named::of_whole(name).unwrap_or_else(|| place(name.to_owned()))
}

/// Returns what is said of a whole: if anything within is rejected as a duplicate, the rejected whole is one.
fn without_copy(said: Outcome, inside: &[ReportedTransfer]) -> Outcome {
    let is_copy = |line: &ReportedTransfer| line.outcome == Outcome::Unclear(OF_DUPLICATE);
    match said {
        Outcome::Returned(_) if inside.iter().any(is_copy) => Outcome::Unclear(OF_DUPLICATE),
        said => said,
    }
}

/// Returns what a status says; a reason without a status is reported as unclear.
fn outcome_at(status: Option<&str>, reasons: Vec<String>) -> Outcome {
    match status {
        Some(status) => outcome_of(status, reasons),
        None => Outcome::Unclear("the bank's line has no status: ask the bank"),
    }
}

/// Reads what is said about a part or a message by its id: nothing if it has neither status nor reason, as is usual
/// when its transfers have theirs.
fn whole(
    element: Node<'_, '_>,
    has_status: bool,
    named: Option<Named>,
    outcome: Outcome,
    inside: &[ReportedTransfer],
) -> Option<ReportedTransfer> {
    let rejected = inside.iter().filter(|line| line.is_rejected);
    let named_rejected = rejected.fold(0_u64, |sum, line| {
        let is_whole = matches!(line.of[..], [Named::Part(_) | Named::Message(_)]);
        let payments = if is_whole { line.count.unwrap_or(u64::MAX) } else { line.of.len() as u64 };
        sum.saturating_add(payments)
    });
    let is_unnamed = !matches!(outcome, Outcome::Returned(_))
        && counted_rejected(element).is_some_and(|count| count > named_rejected);
    if !has_status && !is_unnamed && element.all("StsRsnInf").next().is_none() {
        return None;
    }
    let outcome = if is_unnamed { Outcome::Unclear(UNNAMED) } else { outcome };
    let Some(named) = named else { return Some(nameless(outcome, None, &Around::default())) };
    let label = named.text().to_owned();
    let sum = element.text_at(&["OrgnlCtrlSum"]).map(|sum| Amount::read(&sum, None));
    let line = ReportedTransfer::new(vec![named], label, outcome);
    Some(ReportedTransfer {
        is_rejected: matches!(line.outcome, Outcome::Returned(_)),
        amount: sum.and_then(Amount::paise).map(ReportedAmount::of),
        count: element.text_at(&["OrgnlNbOfTxs"]).and_then(|count| count.parse().ok()),
        ..line
    })
}

/// Returns how many payments of a part or message are rejected, if the bank counts them.
fn counted_rejected(element: Node<'_, '_>) -> Option<u64> {
    let counts = element.all("NbOfTxsPerSts");
    let rejected =
        counts.filter(|one| one.text_at(&["DtldSts"]).as_deref().is_some_and(is_rejected));
    let numbers = rejected.filter_map(|one| one.text_at(&["DtldNbOfTxs"])?.parse::<u64>().ok());
    numbers.reduce(u64::saturating_add)
}

/// Reads what is said about one transfer, by any of its ids that is ours. A transfer without a status has that of its
/// part or message, if that one is final.
fn transfer(line: Node<'_, '_>, around: &Around) -> Option<ReportedTransfer> {
    let own = line.text_at(&["TxSts"]);
    let is_final = |status: &&str| outcome_of(status, Vec::new()) != Outcome::Pending;
    let status = own.as_deref().or(around.status.as_deref().filter(is_final));
    let mut outcome = around.outcome(status, reasons_of(line));
    if own.is_none() && outcome == Outcome::Paid && line.all("StsRsnInf").next().is_some() {
        outcome = Outcome::Unclear("has a reason and no status: ask the bank");
    }
    let ids = ["OrgnlEndToEndId", "OrgnlInstrId", "OrgnlTxId", "StsId"];
    let ids: Vec<String> = ids.iter().filter_map(|&id| line.text_at(&[id])).collect();
    let own = own_transfers(ids.iter().cloned());
    if own.len() > 1 {
        let label = own.join(", ");
        let of = own.into_iter().map(Named::Transfer).collect();
        return Some(ReportedTransfer::new(of, label, Outcome::Unclear(OF_TWO)));
    }
    let wholes = around.wholes();
    let own_whole = wholes.iter().find(|whole| whole.is_own());
    let cut = || {
        let ids = ["OrgnlEndToEndId", "OrgnlInstrId"].iter().filter_map(|&id| line.text_at(&[id]));
        let start = ids.filter_map(|id| OwnName::start_of_transfer(&id)).next()?;
        Some(Named::Cut { start, whole: Box::new(own_whole?.clone()) })
    };
    // An id in none of our forms may be from an earlier version, if it is where ours are.
    let given = || line.text_at(&["OrgnlEndToEndId"]).filter(|id| id != "NOTPROVIDED");
    let named = own.into_iter().next().map(Named::Transfer);
    let named = named.or_else(cut).or_else(|| given().map(Named::Transfer));
    let Some(named) = named else {
        return Some(nameless(outcome, ids.first().map(String::as_str), around));
    };
    let amount = line
        .at(&["OrgnlTxRef", "Amt", "InstdAmt"])
        .map(|amount| Amount::read(&amount.words().unwrap_or_default(), amount.attribute("Ccy")));
    let (outcome, amount) = with_amount(outcome, amount);
    let label = named.text().to_owned();
    let line = ReportedTransfer::new(vec![named], label, outcome);
    let is_rejected = status.is_some_and(is_rejected);
    Some(ReportedTransfer { within: wholes, amount, is_rejected, ..line })
}

/// Returns a line that names no payment. One that only says that something is on its way keeps it out of what is said
/// of the whole, and is not reported.
fn nameless(outcome: Outcome, id: Option<&str>, around: &Around) -> ReportedTransfer {
    let told = "the bank's line gives no id of a payment of ours: ask the bank";
    let of_whole = around.part.as_deref().or(around.message.as_deref());
    let label = id.or(of_whole).unwrap_or("a line without an id").to_owned();
    let outcome = match outcome {
        Outcome::Pending => Outcome::Pending,
        _ => Outcome::Unclear(told),
    };
    let line = ReportedTransfer::new(Vec::new(), label, outcome);
    ReportedTransfer { within: around.wholes(), ..line }
}

/// An amount that can't be compared makes a line unclear.
fn with_amount(outcome: Outcome, amount: Option<Amount>) -> (Outcome, Option<ReportedAmount>) {
    match amount {
        Some(Amount::Foreign) => (Outcome::Unclear(super::FOREIGN), None),
        Some(Amount::Malformed) => (Outcome::Unclear(super::MALFORMED), None),
        Some(Amount::Paise(paise)) => (outcome, Some(ReportedAmount::of(paise))),
        None => (outcome, None),
    }
}

fn reasons_of(element: Node<'_, '_>) -> Vec<String> {
    let of = |name: &'static str| -> Vec<String> {
        element.all("StsRsnInf").filter_map(|one| one.text_at(&["Rsn", name])).collect()
    };
    reasons(of("Cd"), of("Prtry"))
}
