//! What a status report (`pain.002`) says.

use roxmltree::Node;

use super::amount::Amount;
use super::codes::{outcome_of, reasons};
use super::message::Element;
use super::{
    Named, OF_TWO, Outcome, ReportedAmount, ReportedTransfer, own_or_as_it_is, own_transfers,
};

/// Reads a report's lines.
pub(super) fn read(message: Node<'_, '_>, lines: &mut Vec<ReportedTransfer>) {
    let group = message.at(&["OrgnlGrpInfAndSts"]);
    let original = group.and_then(|group| group.text_at(&["OrgnlMsgId"]));
    let of_group = group.and_then(|group| group.text_at(&["GrpSts"]));
    for line in message.all("TxInfAndSts") {
        lines.extend(transfer(line, original.as_deref(), of_group.as_deref()));
    }
    for part in message.all("OrgnlPmtInfAndSts") {
        let name = part.text_at(&["OrgnlPmtInfId"]);
        let around = name.as_deref().or(original.as_deref());
        let of_part = part.text_at(&["PmtInfSts"]).or_else(|| of_group.clone());
        for line in part.all("TxInfAndSts") {
            lines.extend(transfer(line, around, of_part.as_deref()));
        }
        lines.extend(whole(part, part.text_at(&["PmtInfSts"]), name, Named::Part));
    }
    lines.extend(
        group.and_then(|group| whole(group, group.text_at(&["GrpSts"]), original, Named::Message)),
    );
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
pub(super) fn whole(
    element: Node<'_, '_>,
    status: Option<String>,
    name: Option<String>,
    named: fn(String) -> Named,
) -> Option<ReportedTransfer> {
    if status.is_none() && element.all("StsRsnInf").next().is_none() {
        return None;
    }
    let outcome = outcome_at(status.as_deref(), reasons_of(element));
    let Some(name) = name else { return nameless(outcome, None) };
    let name = own_or_as_it_is(&name);
    let (of, label) = (vec![named(name.clone())], name);
    Some(ReportedTransfer { of, label, outcome, amount: None, booked_on: None })
}

/// Reads what is said about one transfer, by any of its ids that is ours. A transfer without a status has that of its
/// part or message, if that one is final.
fn transfer(
    line: Node<'_, '_>,
    around: Option<&str>,
    status_around: Option<&str>,
) -> Option<ReportedTransfer> {
    let own = line.text_at(&["TxSts"]);
    let is_final = |status: &&str| outcome_of(status, Vec::new()) != Outcome::Pending;
    let status = own.as_deref().or(status_around.filter(is_final));
    let outcome = outcome_at(status, reasons_of(line));
    let ids = ["OrgnlEndToEndId", "OrgnlInstrId", "OrgnlTxId", "StsId"];
    let ids: Vec<String> = ids.iter().filter_map(|&id| line.text_at(&[id])).collect();
    let own = own_transfers(ids.iter().cloned());
    if own.len() > 1 {
        let label = own.join(", ");
        let outcome = Outcome::Unclear(OF_TWO);
        return Some(ReportedTransfer {
            of: Vec::new(),
            label,
            outcome,
            amount: None,
            booked_on: None,
        });
    }
    // An id in none of our forms may be from an earlier version, if it is where ours are.
    let given = || line.text_at(&["OrgnlEndToEndId"]).filter(|id| id != "NOTPROVIDED");
    let Some(name) = own.into_iter().next().or_else(given) else {
        return nameless(outcome, ids.first().map(String::as_str).or(around));
    };
    let amount = line
        .at(&["OrgnlTxRef", "Amt", "InstdAmt"])
        .map(|amount| Amount::read(&amount.words().unwrap_or_default(), amount.attribute("Ccy")));
    let (outcome, amount) = with_amount(outcome, amount);
    let of = vec![Named::Transfer(name.clone())];
    Some(ReportedTransfer { of, label: name, outcome, amount, booked_on: None })
}

/// Returns a line that names no payment, unless it only says that something is on its way.
fn nameless(outcome: Outcome, around: Option<&str>) -> Option<ReportedTransfer> {
    let told = "the bank's line gives no id of a payment of ours: ask the bank";
    let label = around.unwrap_or("a line without an id").to_owned();
    let outcome = (outcome != Outcome::Pending).then_some(Outcome::Unclear(told))?;
    Some(ReportedTransfer { of: Vec::new(), label, outcome, amount: None, booked_on: None })
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
