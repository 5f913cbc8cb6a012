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
    BankReport, Booking, Named, Outcome, ReportKind, ReportedAmount, ReportedTransfer,
};
use super::booked_on::BookedOn;
use super::envelopes::{Envelopes, commitment_of};
use super::key::TreasuryKey;
use super::lost_transfers::LostTransfers;
use super::named_transfers::{is_in, sent_rows};
use super::own_name::OwnName;
use super::payment_file::share;
use super::release::{NewFile, is_kept, keep_file};
use super::restored::restored_at;
use super::resumed::{self, debtors, plain_account};
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
            unmatched: HashSet::new(),
            debtors: debtors(&mut transaction).await?,
            named: HashSet::new(),
            by_part: HashSet::new(),
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
        Some(Named::Transfer(_) | Named::Cut { .. }) | None => 0,
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
    let is_explained = is_little && is_one && (is_told || is_silent);
    if is_return && paise > 0 && (charges_explain || is_explained) {
        Fit::LessCharges
    } else {
        Fit::No
    }
}

/// An import under way.
struct Import<'a> {
    kind: ReportKind,
    envelopes: Envelopes<'a>,
    imported: Imported,
    /// Names that are not known here.
    unknown: BTreeSet<String>,
    /// Parts and messages in which a line names no payment that is known here.
    unmatched: HashSet<String>,
    /// The accounts that batches went out from, as far as they are known.
    debtors: HashMap<String, String>,
    /// Transfers that were already reported on.
    named: HashSet<String>,
    /// Transfers whose part has a status of its own.
    by_part: HashSet<String>,
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
        let level = level_of(line);
        let is_status = self.kind.is_status();
        let label = line.label.as_str();
        let (rows, unknown) = sent_rows(connection, &line.of).await?;
        // A status of a part or message is not for transfers with their own line, or whose part has its own.
        let is_free: Vec<bool> = rows
            .iter()
            .map(|row| {
                let has_own = self.named.contains(&row.reference);
                level == 0 || !has_own && (level == 1 || !self.by_part.contains(&row.reference))
            })
            .collect();
        if level == 1 && is_status {
            self.by_part.extend(rows.iter().map(|row| row.reference.clone()));
        }
        // That a message or part is under way says nothing about its transfers.
        if line.outcome == Outcome::Pending && level > 0 {
            return Ok(());
        }
        self.unknown.extend(unknown.iter().cloned());
        if level == 0 && is_status && (rows.is_empty() || !unknown.is_empty()) {
            self.unmatched.extend(line.within.iter().map(|whole| whole.text().to_owned()));
        }
        for row in &rows {
            if level == 0 {
                // A transfer with its own line, understood or not, is not moved by a status of its message or part.
                self.named.insert(row.reference.clone());
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
        if let Some(reason) = self.doubt(line, &rows, &unknown) {
            self.differs(label, reason);
            return Ok(());
        }
        let references: Vec<String> = rows.iter().map(|row| row.reference.clone()).collect();
        let Some(rows) = self.of_sum(connection, line, rows).await? else { return Ok(()) };
        // A statement's bookings all count.
        let is_left = |row: &TransferRow| {
            let place = references.iter().position(|one| *one == row.reference);
            !is_status || place.is_some_and(|place| is_free[place])
        };
        for row in rows.into_iter().filter(is_left) {
            self.advance(connection, row, line).await?;
        }
        Ok(())
    }

    /// Returns why a line changes nothing, if it contradicts itself or what was sent.
    fn doubt(
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
        let is_covered = |name: &String| rows.iter().any(|row| row.reference == *name);
        if !line.lists.iter().all(is_covered) {
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
    fn is_of_another(&self, account: &str, batch: &str) -> bool {
        let account = plain_account(account);
        self.debtors
            .get(batch)
            .is_some_and(|own| !account.ends_with(own) && !own.ends_with(&account))
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
        for row in &rows {
            let Some(paise) = self.ordered(connection, row).await? else {
                // What the bank has booked must be compared; the sum in a status is the bank's echo.
                if self.kind == ReportKind::Status && level_of(line) > 0 {
                    return Ok(Some(rows));
                }
                let reason = "its envelope does not open with this key: import the report with the \
                              key that paid";
                self.differs(&line.label, reason);
                self.by_another_key = true;
                return Ok(None);
            };
            ordered.push((row.clone(), paise));
        }
        let is_return = matches!(line.outcome, Outcome::Returned(_));
        let all: u64 = ordered.iter().map(|(_, paise)| paise).sum();
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
            if !row.state.is_rejected() {
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

    /// Whether this statement says anywhere that a transfer came back.
    fn has_return(&self, reference: &str) -> bool {
        self.returned.contains_key(reference)
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
        let booked = BookedOn::of(&line.booking);
        let is_first = *outcome != Outcome::Paid || self.paid.insert(row.reference.clone());
        let (state, code) = match (row.state, outcome) {
            // The reversal of a return: it is known, or it is asked about.
            (Ordered, Outcome::Paid) if line.booking.is_reversal => {
                let reason = "a return of it is undone that is not known here: ask the bank";
                self.differs(&row.reference, reason);
                return Ok(());
            }
            // The same booking, once more in the file; a bank may keep its reference when it pays again after a return.
            (Paid, Outcome::Paid)
                if !is_first
                    && !self.has_return(&row.reference)
                    && row.booked_on().any(|one| one.is_known_as(&booked)) =>
            {
                self.imported.unchanged += 1;
                return Ok(());
            }
            (Paid, Outcome::Paid) if self.kind == ReportKind::Statement && !is_first => {
                let reason = "booked twice in one statement: ask the bank, then have two \
                              treasurers resolve it: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Paid, Outcome::Paid) if self.keep_booking(connection, &row, line).await? => {
                let reason = "booked once more: ask the bank, then have two treasurers \
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
            // An older statement that comes late: it was booked before it came back.
            (Returned | Reissued, Outcome::Paid)
                if is_first
                    && !line.booking.is_reversal
                    && row.came_back_since(line.booking.day) =>
            {
                if self.keep_booking(connection, &row, line).await? {
                    let reason = "booked once more: ask the bank, then have two treasurers resolve \
                                  it: praman treasury resolve";
                    return self.contest(connection, &row, reason).await;
                }
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
                self.keep_booking(connection, &row, line).await?;
                (Paid, None)
            }
            (Ordered | Paid, Outcome::Returned(reasons)) => (Returned, Some(reasons)),
        };
        // The first is the one that counts.
        let reason = code.and_then(|reasons| reasons.first());
        let returned_on = line.booking.day.filter(|_| state == Returned);
        sqlx::query(
            "UPDATE payment_transfer SET state = $2, reason = $3, returned_on = $4 WHERE reference = $1",
        )
        .bind(&row.reference)
        .bind(state)
        .bind(code.map(|reasons| reasons.join(" ")))
        .bind(returned_on.map(|day| day.to_string()))
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

    /// Records when a statement has booked a payment. Returns whether another booking was recorded before: the bank
    /// has paid twice.
    async fn keep_booking(
        &self,
        connection: &mut AnyConnection,
        row: &TransferRow,
        line: &ReportedTransfer,
    ) -> Result<bool, ServiceError> {
        if self.kind != ReportKind::Statement {
            return Ok(false);
        }
        let new = BookedOn::of(&line.booking);
        let mut all: Vec<BookedOn> = row.booked_on().collect();
        if all.iter().any(|booked| booked.is_same(&new)) {
            return Ok(false);
        }
        all.push(new);
        let text: Vec<String> = all.iter().map(ToString::to_string).collect();
        sqlx::query("UPDATE payment_transfer SET booked_on = $2 WHERE reference = $1")
            .bind(&row.reference)
            .bind(text.join(" "))
            .execute(connection)
            .await?;
        Ok(all.len() > 1)
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
