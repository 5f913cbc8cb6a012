//! Applies a line of a report: to the transfers that it names, unless it contradicts itself or what was sent.

use std::collections::{BTreeSet, HashMap, HashSet};

use praman_claims::Reason;
use sqlx::AnyConnection;

use super::booking::AFTER_RETURN;
use super::{Discrepancy, Imported, plain};
use crate::bank_report::{Booking, Named, Outcome, ReportKind, ReportedTransfer};
use crate::envelopes::Envelopes;
use crate::named_transfers::{is_in, is_known, sent_rows};
use crate::own_name::OwnName;
use crate::refusal::PaymentError;
use crate::resumed::plain_account;
use crate::transfer::{TransferRow, TransferState};

/// Ranks lines: those about single transfers come before those about a part, and these before those about a message.
pub(super) fn level_of(line: &ReportedTransfer) -> u8 {
    match line.of.first() {
        Some(Named::Part(_)) => 1,
        Some(Named::Message(_)) => 2,
        Some(Named::Transfer(_) | Named::Cut { .. }) | None => 0,
    }
}
/// An import under way.
pub(super) struct Import<'a> {
    pub(super) kind: ReportKind,
    pub(super) envelopes: Envelopes<'a>,
    pub(super) imported: Imported,
    /// Names that are not known here.
    pub(super) unknown: BTreeSet<String>,
    /// Parts and messages in which a line names no payment that is known here.
    pub(super) unmatched: HashSet<String>,
    /// The accounts that batches went out from, as far as they are known.
    pub(super) debtors: HashMap<String, String>,
    /// Transfers that were already reported on.
    pub(super) named: HashSet<String>,
    /// Transfers of which any report in the file has said more than that they are on their way.
    pub(super) settled: HashSet<String>,
    /// Transfers whose part has a status of its own.
    pub(super) by_part: HashSet<String>,
    /// Claims whose transfers moved, and why they were returned.
    pub(super) touched: Vec<(Vec<u8>, Option<Reason>)>,
    /// How often this statement reports transfers as returned in the remaining lines.
    pub(super) returned: HashMap<String, usize>,
    /// Transfers that this report has reported as paid, and in which statement.
    pub(super) paid: HashMap<String, (usize, usize)>,
    /// Whether this key has read all of the file before.
    pub(super) was_read: bool,
    /// Returned transfers that were reported as paid before a return in the same report.
    pub(super) excused: HashSet<String>,
    /// The message whose lines are applied.
    pub(super) message: usize,
    /// Whether something belongs to another of the treasury's keys.
    pub(super) by_another_key: bool,
}
impl Import<'_> {
    pub(super) async fn apply(
        &mut self,
        connection: &mut AnyConnection,
        line: &ReportedTransfer,
    ) -> Result<(), PaymentError> {
        let level = level_of(line);
        let is_status = self.kind.is_status();
        let label = line.label.as_str();
        let (rows, unknown) = sent_rows(connection, &line.of).await?;
        if line.message != self.message {
            // What one report says of single payments is not what another says of the whole.
            self.message = line.message;
            self.named.clear();
            self.by_part.clear();
            self.unmatched.clear();
        }
        // A status of a part or message is not for transfers with their own line, or whose part has its own.
        let is_return = matches!(line.outcome, Outcome::Returned(_));
        let has_own = |row: &&TransferRow| {
            // What another report in the file says is paid, and this one rejects, is contested.
            let is_contradicted = is_return && row.state == TransferState::Paid;
            self.named.contains(&row.reference)
                || self.settled.contains(&row.reference) && !is_contradicted
                || level == 2 && self.by_part.contains(&row.reference)
        };
        let with_own: HashSet<String> = match level > 0 && is_status {
            true => rows.iter().filter(has_own).map(|row| row.reference.clone()).collect(),
            false => HashSet::new(),
        };
        if level == 1 && is_status {
            self.by_part.extend(rows.iter().map(|row| row.reference.clone()));
        }
        self.unknown.extend(unknown.iter().cloned());
        // That a message or part is under way says nothing about its transfers.
        if line.outcome == Outcome::Pending && level > 0 {
            if rows.is_empty() && line.of.iter().any(Named::is_own) {
                self.differs(label, "no such payment was sent from here");
            }
            return Ok(());
        }
        if level == 0 && is_status && (rows.is_empty() || !unknown.is_empty()) {
            self.unmatched.extend(line.within.iter().map(|whole| whole.text().to_owned()));
        }
        for row in &rows {
            if level == 0 {
                // A transfer with its own line, understood or not, is not moved by a status of its message or part.
                self.named.insert(row.reference.clone());
                if line.outcome != Outcome::Pending {
                    self.settled.insert(row.reference.clone());
                }
            }
            if matches!(line.outcome, Outcome::Returned(_))
                && let Some(left) = self.returned.get_mut(&row.reference)
            {
                *left = left.saturating_sub(1);
            }
        }
        if rows.is_empty() && line.of.is_empty() && line.outcome == Outcome::Pending {
            return Ok(());
        }
        if rows.is_empty() {
            // A remark may be about what a restored state lost.
            if line.of.is_empty() && !is_known(connection, label).await? {
                self.unknown.insert(label.to_owned());
            }
            let reason = match line.outcome {
                Outcome::Unclear(reason) if line.of.is_empty() => reason,
                _ => "no such payment was sent from here",
            };
            self.differs(label, reason);
            return Ok(());
        }
        let excused: Vec<TransferRow> =
            rows.iter().filter(|row| self.excused.contains(&row.reference)).cloned().collect();
        let sum = match self.doubt(line, &rows, &unknown) {
            Some(reason) => {
                self.differs(label, reason);
                None
            }
            None => self.of_sum(connection, line, rows).await?,
        };
        let Some(rows) = sum else {
            // A payment that was let pass for this return is one that did not come back.
            for row in excused.iter().filter(|_| is_return) {
                self.contest(connection, row, AFTER_RETURN).await?;
            }
            return Ok(());
        };
        for row in rows.into_iter().filter(|row| !with_own.contains(&row.reference)) {
            self.advance(connection, row, line).await?;
        }
        Ok(())
    }

    /// Returns why a line changes nothing, if it contradicts itself or what was sent.
    pub(super) fn doubt(
        &self,
        line: &ReportedTransfer,
        rows: &[TransferRow],
        unknown: &[String],
    ) -> Option<&'static str> {
        if let Outcome::Unclear(reason) = line.outcome {
            return Some(reason);
        }
        if !unknown.is_empty() {
            return Some("booked in one sum with a payment that was not sent from here");
        }
        let mut once = HashSet::new();
        if !rows.iter().all(|row| once.insert(row.reference.as_str())) {
            return Some("one payment is named twice in one sum: ask the bank");
        }
        let is_return = matches!(line.outcome, Outcome::Returned(_));
        if line.outcome != Outcome::Paid && !is_return {
            return None;
        }
        // What a restored state lost has batches of its own, whatever they were.
        let is_elsewhere = |whole: &Named| {
            rows.iter().any(|row| OwnName::of(&row.batch).is_some() && !is_in(row, whole))
        };
        if line.within.iter().any(|whole| whole.is_own() && is_elsewhere(whole)) {
            return Some("named with a message or part that it is not in: ask the bank");
        }
        if !line.lists.iter().all(|name| once.contains(name.as_str())) {
            return Some("lists a payment that is not in it: ask the bank");
        }
        if level_of(line) > 0 {
            let left = rows.iter().filter(|row| !row.state.is_rejected()).count() as u64;
            if line.count.is_some_and(|count| count != rows.len() as u64 && count != left) {
                return Some("the bank counts other payments in it than were sent: ask the bank");
            }
            if line.of.iter().any(|whole| self.unmatched.contains(whole.text())) {
                return Some("a line of it names no payment that is known here: ask the bank");
            }
        }
        if self.kind != ReportKind::Statement {
            return None;
        }
        if line.amount.is_none() {
            return Some("the statement gives no amount for it");
        }
        let Booking { account, is_reversal, is_return: is_called_so, .. } = &line.booking;
        let is_other = account
            .as_ref()
            .is_some_and(|account| rows.iter().any(|row| self.is_of_another(account, &row.batch)));
        let is_elsewhere = is_return && is_other && !is_reversal && !is_called_so;
        is_elsewhere.then_some("booked as money in on another account: ask the bank what it is")
    }

    /// Whether an account is another than the one that a batch went out from; banks write numbers with more before them.
    pub(super) fn is_of_another(&self, account: &str, batch: &str) -> bool {
        let account = plain_account(account);
        self.debtors
            .get(batch)
            .is_some_and(|own| !account.ends_with(own) && !own.ends_with(&account))
    }
    /// Whether this statement says anywhere that a transfer came back.
    pub(super) fn has_return(&self, reference: &str) -> bool {
        self.returned.contains_key(reference)
    }

    /// Whether this statement also says that a transfer came back, after the line that is applied.
    pub(super) fn comes_back(&self, reference: &str) -> bool {
        self.kind == ReportKind::Statement
            && self.returned.get(reference).is_some_and(|&times| times > 0)
    }
    pub(super) fn differs(&mut self, of: &str, reason: &'static str) {
        self.imported.discrepancies.push(Discrepancy { of: plain(of), reason });
    }
}
