//! Applies a bank's report to the transfers and their claims.

use std::collections::{BTreeSet, HashMap, HashSet};

use praman_claims::Reason;
use praman_store::error::ServiceError;
use praman_store::failpoint::may_die;
use praman_store::{Store, broken};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::bank_report::{
    BankReport, Named, Outcome, ReportKind, ReportedAmount, ReportedTransfer,
};
use super::envelopes::{Envelopes, commitment_of};
use super::key::TreasuryKey;
use super::lost_transfers::LostTransfers;
use super::named_transfers::sent_rows;
use super::payment_file::share;
use super::release::{NewFile, is_kept, keep_file};
use super::restored::restored_at;
use super::resumed;
use super::transfer::{self, TransferRow, TransferState};
use crate::TreasuryStore;

/// What came of a report.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The file's number; none if it was imported before, and then nothing changed.
    pub file: Option<u64>,
    /// Transfers that are paid now.
    pub paid: usize,
    /// Transfers that are returned now.
    pub returned: usize,
    /// Transfers that the bank reports as paid after it had reported them as returned.
    pub contested: usize,
    /// Transfers whose state was known, or that are on their way.
    pub unchanged: usize,
    /// Payments and returns that the bank has deducted charges from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Discrepancy>,
    /// What does not fit. Nothing was changed for these.
    pub discrepancies: Vec<Discrepancy>,
}

/// Something in a report that does not fit the known state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// What it is about: a transfer's reference, a part's or a message's id.
    pub of: String,
    /// What does not fit. It contains no amount.
    pub reason: &'static str,
}

/// Returns why a claim was returned, from a bank's code.
///
/// Source: ISO 20022 external code sets, `ExternalStatusReason1Code` and `ExternalReturnReason1Code`.
pub(super) fn reason_of(code: &str) -> Reason {
    match code.split(' ').next().unwrap_or_default() {
        "AC01" | "AC02" | "AC03" | "RC01" | "RC04" | "BE23" => Reason::AccountWrong,
        "AC04" | "AC07" => Reason::AccountClosed,
        "AC06" | "AC15" | "AG01" => Reason::AccountBlocked,
        "BE01" | "BE05" => Reason::NameDiffers,
        "MD07" => Reason::HolderDeceased,
        _ => Reason::ReturnedByBank,
    }
}

impl TreasuryStore<'_> {
    /// Applies a report to its transfers. A file that was imported before changes nothing; nor does a report in
    /// another file that says what is known.
    ///
    /// # Errors
    /// [`ServiceError::Store`]; nothing is half-done then.
    pub async fn import_bank_report(
        &self,
        key: &TreasuryKey,
        bytes: &[u8],
        report: &BankReport,
    ) -> Result<Imported, ServiceError> {
        let mut imported = Imported::default();
        // A known file changes nothing, and no envelope is opened for it.
        let is_restored = self.is_restored().await?;
        let is_known = is_kept(self.0, bytes).await? && was_read_by(self.0, bytes, key).await?;
        if is_known && !is_restored {
            return Ok(imported);
        }
        if report.kind == ReportKind::OwnFormat && is_lost_file(self.0, bytes).await? {
            let reason = "this file went to the bank before the restore: give the format that it was \
                          written in, as it was then";
            return Err(ServiceError::Refused(reason.to_owned()));
        }
        let mut envelopes = Envelopes::new(self.0, key);
        envelopes.open_ahead(claims_with_amounts(self.0, report).await?).await?;
        let mut transaction = self.0.begin().await?;
        let (kind, message) = (report.kind.name(), report.message.as_str());
        let file = NewFile { bytes, kind, message };
        imported.file = keep_file(self.0, &mut transaction, &file, report.transfers.len()).await?;
        if restored_at(&mut transaction).await?.is_some() {
            // What the report names and this state lost went out before the restore.
            let lost = LostTransfers::find(&mut transaction, &envelopes).await?;
            for named in report.transfers.iter().flat_map(|line| &line.of) {
                if let Named::Transfer(name) = named {
                    lost.adopt_reported(&mut transaction, &envelopes, name).await?;
                }
            }
            resumed::keep_days(&mut transaction, report).await?;
        }
        let restored = restored_at(&mut transaction).await?.is_some();
        let kind = report.kind;
        let mut returned = HashMap::new();
        let comes_back = |line: &&ReportedTransfer| matches!(line.outcome, Outcome::Returned(_));
        for line in report.transfers.iter().filter(comes_back) {
            let (rows, _) = sent_rows(&mut transaction, &line.of).await?;
            for row in rows {
                *returned.entry(row.reference).or_default() += 1;
            }
        }
        let mut import = Import {
            kind,
            envelopes,
            imported,
            unknown: BTreeSet::new(),
            named: HashSet::new(),
            touched: Vec::new(),
            returned,
            paid: HashSet::new(),
            by_another_key: false,
        };
        let mut lines: Vec<&ReportedTransfer> = report.transfers.iter().collect();
        // A statement's lines are in the order of booking.
        if kind.is_status() {
            lines.sort_by_key(|line| level_of(line));
        }
        for line in lines {
            import.apply(&mut transaction, line).await?;
        }
        for (nullifier, reason) in &import.touched {
            transfer::settle_claim(&mut transaction, nullifier, *reason).await?;
        }
        let Import { imported, unknown, by_another_key, envelopes, .. } = import;
        // A file that names unknown payments is read again once they are known.
        // So is one in the bank's own format in which something does not fit: a better description may read it.
        let is_understood =
            report.kind != ReportKind::OwnFormat || imported.discrepancies.is_empty();
        let is_whole = !by_another_key && is_understood && (!restored || unknown.is_empty());
        keep_reader(&mut transaction, bytes, envelopes.key(), is_whole).await?;
        if restored {
            // Nothing is paid until everything that the bank has named is known.
            for name in &unknown {
                resumed::keep_unknown(&mut transaction, name).await?;
            }
        }
        may_die!("treasury::imported");
        transaction.commit().await?;
        Ok(imported)
    }
}

/// Whether a file is one of those on the ledger that a restored state lost.
async fn is_lost_file(store: &Store, bytes: &[u8]) -> Result<bool, ServiceError> {
    let lost: Option<i64> =
        sqlx::query_scalar("SELECT number FROM restore_lost_file WHERE digest = $1 LIMIT 1")
            .bind(Sha256::digest(bytes).to_vec())
            .fetch_optional(store.pool())
            .await?;
    Ok(lost.is_some())
}

/// Returns a name as it is shown.
fn plain(of: &str) -> String {
    of.chars().filter(|character| !character.is_control()).take(64).collect()
}

/// Returns what identifies a key that has read a file, as stored in a column.
fn reader(key: &TreasuryKey) -> Vec<u8> {
    key.tag(b"praman.report-reader.1", &[])[..8].to_vec()
}

/// Whether a key has read all of a file that is known. A file that was read before this was recorded was read in
/// full.
async fn was_read_by(store: &Store, bytes: &[u8], key: &TreasuryKey) -> Result<bool, ServiceError> {
    let readers: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT key_tag FROM payment_file_reader WHERE digest = $1")
            .bind(Sha256::digest(bytes).to_vec())
            .fetch_all(store.pool())
            .await?;
    Ok(readers.is_empty() || readers.iter().any(|(one,)| *one == reader(key)))
}

/// Records that a key has read a file: in full, or except for what is another key's.
async fn keep_reader(
    connection: &mut AnyConnection,
    bytes: &[u8],
    key: &TreasuryKey,
    is_whole: bool,
) -> Result<(), ServiceError> {
    sqlx::query(
        "INSERT INTO payment_file_reader (digest, key_tag) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(Sha256::digest(bytes).to_vec())
    .bind(if is_whole { reader(key) } else { Vec::new() })
    .execute(connection)
    .await?;
    Ok(())
}

/// Ranks lines: those about single transfers come before those about a part, and these before those about a message.
fn level_of(line: &ReportedTransfer) -> u8 {
    match line.of.first() {
        Some(Named::Part(_)) => 1,
        Some(Named::Message(_)) => 2,
        Some(Named::Transfer(_)) | None => 0,
    }
}

/// Returns the claims, by nullifier and payout commitment, of all transfers whose amounts a report contains.
async fn claims_with_amounts(
    store: &Store,
    report: &BankReport,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ServiceError> {
    let mut connection = store.pool().acquire().await?;
    let mut claims = Vec::new();
    for line in report.transfers.iter().filter(|line| line.amount.is_some()) {
        for TransferRow { nullifier, .. } in sent_rows(&mut connection, &line.of).await?.0 {
            let commitment = commitment_of(&mut connection, &nullifier).await?;
            claims.push((nullifier, commitment));
        }
    }
    Ok(claims)
}

/// Whether an amount is what was ordered.
enum Fit {
    /// It is.
    Exact,
    /// It is, except for the bank's charges.
    LessCharges,
    No,
}

/// Compares an amount with what was ordered, in paise: the bank may have added charges to a payment, or deducted some
/// from a return.
fn fit(amount: ReportedAmount, ordered: u64, (is_return, is_one): (bool, bool)) -> Fit {
    let ReportedAmount { paise, instructed, charges } = amount;
    if paise == ordered {
        return Fit::Exact;
    }
    let charges_explain = charges.is_some_and(|charges| paise.abs_diff(ordered) == charges);
    if paise > ordered {
        return if charges_explain && !is_return { Fit::LessCharges } else { Fit::No };
    }
    // A return without stated charges fits if the bank says what was ordered, or if little is missing: only for one
    // transfer, since of several one may not have come back.
    let is_little = (ordered - paise).saturating_mul(10) <= ordered;
    let is_told = instructed == Some(ordered);
    let is_silent = charges.is_none() && instructed.is_none();
    let is_explained = charges_explain || is_one && (is_told || is_silent);
    if is_return && is_little && is_explained { Fit::LessCharges } else { Fit::No }
}

/// An import under way.
struct Import<'a> {
    kind: ReportKind,
    envelopes: Envelopes<'a>,
    imported: Imported,
    /// Names that are not known here.
    unknown: BTreeSet<String>,
    /// Transfers that were already reported on.
    named: HashSet<String>,
    /// Claims whose transfers moved, and why they were returned.
    touched: Vec<(Vec<u8>, Option<Reason>)>,
    /// How often this statement reports transfers as returned in the remaining lines.
    returned: HashMap<String, usize>,
    /// Transfers that this report has reported as paid.
    paid: HashSet<String>,
    /// Whether something belongs to another of the treasury's keys.
    by_another_key: bool,
}

impl Import<'_> {
    async fn apply(
        &mut self,
        connection: &mut AnyConnection,
        line: &ReportedTransfer,
    ) -> Result<(), ServiceError> {
        // That a message or part is under way says nothing about its transfers.
        let is_own = level_of(line) == 0;
        if line.outcome == Outcome::Pending && !is_own {
            return Ok(());
        }
        let label = line.label.as_str();
        let (rows, unknown) = sent_rows(connection, &line.of).await?;
        self.unknown.extend(unknown.iter().cloned());
        let mut is_twice = false;
        let mut once = HashSet::new();
        for row in &rows {
            is_twice |= !once.insert(row.reference.as_str());
            if is_own {
                // A transfer with its own line, understood or not, is not moved by a status of its message or part.
                self.named.insert(row.reference.clone());
            }
            if matches!(line.outcome, Outcome::Returned(_))
                && let Some(left) = self.returned.get_mut(&row.reference)
            {
                *left = left.saturating_sub(1);
            }
        }
        if rows.is_empty() {
            // A remark may be about what a restored state lost.
            if line.of.is_empty() && transfer::find(connection, label).await?.is_none() {
                self.unknown.insert(label.to_owned());
            }
            let reason = match line.outcome {
                Outcome::Unclear(reason) if line.of.is_empty() => reason,
                _ => "no such payment was sent from here",
            };
            self.differs(label, reason);
            return Ok(());
        }
        if let Outcome::Unclear(reason) = line.outcome {
            self.differs(label, reason);
            return Ok(());
        }
        if !unknown.is_empty() {
            self.differs(label, "booked in one sum with a payment that was not sent from here");
            return Ok(());
        }
        if is_twice {
            self.differs(label, "one payment is named twice in one sum: ask the bank");
            return Ok(());
        }
        let is_booked = matches!(line.outcome, Outcome::Paid | Outcome::Returned(_));
        if self.kind == ReportKind::Statement && is_booked && line.amount.is_none() {
            self.differs(label, "the statement gives no amount for it");
            return Ok(());
        }
        let Some(rows) = self.of_sum(connection, line, rows).await? else { return Ok(()) };
        for row in rows {
            // A status of a message or part does not apply to transfers with their own line. A statement's bookings
            // all count.
            let is_named = self.named.contains(&row.reference);
            if !is_own && is_named && self.kind.is_status() {
                continue;
            }
            self.advance(connection, row, line).await?;
        }
        Ok(())
    }

    /// Returns the transfers that a line's amount covers: all that it names, or those that were not rejected before.
    /// None, and it is reported, if the amount fits neither.
    async fn of_sum(
        &mut self,
        connection: &mut AnyConnection,
        line: &ReportedTransfer,
        rows: Vec<TransferRow>,
    ) -> Result<Option<Vec<TransferRow>>, ServiceError> {
        let Some(amount) = line.amount else { return Ok(Some(rows)) };
        let mut ordered = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(paise) = self.ordered(connection, &row).await? else {
                let reason = "its envelope does not open with this key: import the report with the \
                              key that paid";
                self.differs(&line.label, reason);
                self.by_another_key = true;
                return Ok(None);
            };
            ordered.push((row, paise));
        }
        let is_return = matches!(line.outcome, Outcome::Returned(_));
        let all: u64 = ordered.iter().map(|(_, paise)| paise).sum();
        let is_rejected = |row: &TransferRow| {
            matches!(row.state, TransferState::Returned | TransferState::Reissued)
        };
        match fit(amount, all, (is_return, ordered.len() == 1)) {
            Fit::No => {}
            fit => {
                self.charged(&line.label, &fit, is_return);
                return Ok(Some(ordered.into_iter().map(|(row, _)| row).collect()));
            }
        }
        let mut left = Vec::new();
        let mut sum = 0;
        for (row, paise) in ordered {
            if !is_rejected(&row) {
                sum += paise;
                left.push(row);
            }
        }
        if !left.is_empty() && !is_return {
            match fit(amount, sum, (false, left.len() == 1)) {
                Fit::No => {}
                fit => {
                    self.charged(&line.label, &fit, false);
                    return Ok(Some(left));
                }
            }
        }
        self.differs(&line.label, "the bank's amount differs from the ordered amount");
        Ok(None)
    }

    /// Reports a bank's charges.
    fn charged(&mut self, of: &str, fit: &Fit, is_return: bool) {
        let reason = match (fit, is_return) {
            (Fit::LessCharges, true) => "returned minus charges: the bank kept some of the amount",
            (Fit::LessCharges, false) => "booked with charges",
            _ => return,
        };
        self.imported.charges.push(Discrepancy { of: plain(of), reason });
    }

    /// Whether this statement also says that a transfer came back, after the line that is applied.
    fn comes_back(&self, reference: &str) -> bool {
        self.kind == ReportKind::Statement
            && self.returned.get(reference).is_some_and(|&times| times > 0)
    }

    fn differs(&mut self, of: &str, reason: &'static str) {
        self.imported.discrepancies.push(Discrepancy { of: plain(of), reason });
    }

    /// Returns the ordered amount of a transfer, in paise; none if its envelope does not open.
    async fn ordered(
        &self,
        connection: &mut AnyConnection,
        row: &TransferRow,
    ) -> Result<Option<u64>, ServiceError> {
        // The amount written into the file, if it is kept.
        if let Some(sealed) = &row.amount
            && let Some(rupees) = self.envelopes.key().open_amount(&row.reference, sealed)
        {
            return Ok(Some(u64::from(rupees) * 100));
        }
        let (instalments,): (i64,) =
            sqlx::query_as("SELECT instalments FROM payment_batch WHERE id = $1")
                .bind(&row.batch)
                .fetch_one(&mut *connection)
                .await?;
        let commitment = commitment_of(connection, &row.nullifier).await?;
        let Ok(payout) = self.envelopes.payout(&row.nullifier, &commitment).await? else {
            return Ok(None);
        };
        let rupees = share(payout.amount, row.part(), instalments.max(1) as u32);
        Ok(Some(u64::from(rupees) * 100))
    }

    /// Moves a transfer on, or reports why not.
    async fn advance(
        &mut self,
        connection: &mut AnyConnection,
        row: TransferRow,
        line: &ReportedTransfer,
    ) -> Result<(), ServiceError> {
        use TransferState::{Drafted, Ordered, Paid, Reissued, Returned};
        let outcome = &line.outcome;
        let is_first = *outcome != Outcome::Paid || self.paid.insert(row.reference.clone());
        let (state, code) = match (row.state, outcome) {
            (Paid, Outcome::Paid) if self.kind == ReportKind::Statement && !is_first => {
                let reason = "booked twice in one statement: ask the bank, then have two \
                              treasurers resolve it: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Paid, Outcome::Paid) if self.keep_day(connection, &row, line).await? => {
                let reason = "booked on another day, too: ask the bank, then have two treasurers \
                              resolve it: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (_, Outcome::Pending | Outcome::Unclear(_))
            | (Paid, Outcome::Paid)
            | (Returned, Outcome::Returned(_)) => {
                self.imported.unchanged += 1;
                return Ok(());
            }
            // It is about the attempt that was returned, which is known.
            (Reissued, Outcome::Returned(_)) => {
                self.imported.unchanged += 1;
                return Ok(());
            }
            // It went out and came back, which is known: the statement is repeated, or another has both.
            (Returned | Reissued, Outcome::Paid) if is_first && self.comes_back(&row.reference) => {
                self.imported.unchanged += 1;
                return Ok(());
            }
            // The same file, read again with a better description: what came after it counts.
            (Returned | Reissued, Outcome::Paid) if self.imported.file.is_none() => {
                self.imported.unchanged += 1;
                return Ok(());
            }
            (Returned | Reissued, Outcome::Paid) => {
                let reason = "paid after it was returned: ask the bank, then have two treasurers \
                              resolve it: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            // A rejected transfer was not booked; if a booked one comes back, a statement reports it.
            (Paid, Outcome::Returned(_)) if self.kind.is_status() => {
                let reason = "rejected after it was paid: ask the bank, then have two treasurers \
                              resolve it: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Paid, Outcome::Returned(_)) if row.is_resolved() => {
                let reason = "returned after two treasurers resolved it as paid: ask the bank, \
                              then have them resolve it again: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Drafted, _) => return Err(broken("a transfer that no file was written for")),
            (Ordered, Outcome::Paid) => {
                self.keep_day(connection, &row, line).await?;
                (Paid, None)
            }
            (Ordered | Paid, Outcome::Returned(reasons)) => (Returned, Some(reasons)),
        };
        // The first is the one that counts.
        let reason = code.and_then(|reasons| reasons.first());
        sqlx::query("UPDATE payment_transfer SET state = $2, reason = $3 WHERE reference = $1")
            .bind(&row.reference)
            .bind(state)
            .bind(code.map(|reasons| reasons.join(" ")))
            .execute(&mut *connection)
            .await?;
        match state {
            Paid => self.imported.paid += 1,
            _ => self.imported.returned += 1,
        }
        transfer::settle_part(connection, &row.nullifier, row.part()).await?;
        self.touched.push((row.nullifier, reason.map(|code| reason_of(code))));
        Ok(())
    }

    /// Records the day on which a statement has booked a payment. Returns whether another day was recorded before:
    /// the bank has paid twice, or repeats a booking.
    async fn keep_day(
        &self,
        connection: &mut AnyConnection,
        row: &TransferRow,
        line: &ReportedTransfer,
    ) -> Result<bool, ServiceError> {
        let Some(day) = line.booked_on.filter(|_| self.kind == ReportKind::Statement) else {
            return Ok(false);
        };
        let day = day.to_string();
        let mut days: Vec<&str> = row.booked_on().collect();
        if days.contains(&day.as_str()) {
            return Ok(false);
        }
        days.push(&day);
        sqlx::query("UPDATE payment_transfer SET booked_on = $2 WHERE reference = $1")
            .bind(&row.reference)
            .bind(days.join(" "))
            .execute(connection)
            .await?;
        Ok(days.len() > 1)
    }

    /// Marks a transfer as contested that the bank has reported in two ways: it stays so until two persons decide,
    /// whatever later reports say.
    async fn contest(
        &mut self,
        connection: &mut AnyConnection,
        row: &TransferRow,
        reason: &'static str,
    ) -> Result<(), ServiceError> {
        sqlx::query("UPDATE payment_transfer SET contested = 1 WHERE reference = $1")
            .bind(&row.reference)
            .execute(connection)
            .await?;
        self.imported.contested += 1;
        self.differs(&row.reference, reason);
        Ok(())
    }
}
