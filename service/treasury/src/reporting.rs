//! Applies a bank's report to the transfers and their claims.

mod booking;
mod line;
mod sums;

use std::collections::{BTreeSet, HashMap, HashSet};

use praman_claims::Reason;
use praman_store::Store;
use praman_store::failpoint::may_die;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::bank_report::{BankReport, Named, Outcome, ReportKind, ReportedTransfer};
use super::envelopes::{Envelopes, commitment_of};
use super::key::TreasuryKey;
use super::lost_transfers::LostTransfers;
use super::named_transfers::sent_rows;
use super::release::{NewFile, is_kept, keep_file};
use super::restored::restored_at;
use super::resumed::{self, debtors};
use super::transfer::{self, TransferRow};
use crate::TreasuryStore;
use crate::refusal::PaymentError;
use crate::refusal::RestoredRefusal;
use line::{Import, level_of};

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
    /// [`PaymentError::Store`]; nothing is half-done then.
    pub async fn import_bank_report(
        &self,
        key: &TreasuryKey,
        bytes: &[u8],
        report: &BankReport,
    ) -> Result<Imported, PaymentError> {
        let mut imported = Imported::default();
        // A known file changes nothing, and no envelope is opened for it.
        let is_restored = self.is_restored().await?;
        let is_known = is_kept(self.0, bytes).await? && was_read_by(self.0, bytes, key).await?;
        if is_known && !is_restored {
            return Ok(imported);
        }
        if report.kind == ReportKind::OwnFormat && is_lost_file(self.0, bytes).await? {
            return Err(RestoredRefusal::LostFile.into());
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
            settled: HashSet::new(),
            by_part: HashSet::new(),
            touched: Vec::new(),
            returned,
            paid: HashMap::new(),
            was_read: is_known,
            excused: HashSet::new(),
            message: 0,
            by_another_key: false,
        };
        let mut lines: Vec<&ReportedTransfer> = report.transfers.iter().collect();
        // A statement's lines are in the order of booking.
        if kind.is_status() {
            lines.sort_by_key(|line| (line.message, level_of(line)));
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
async fn is_lost_file(store: &Store, bytes: &[u8]) -> Result<bool, PaymentError> {
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
async fn was_read_by(store: &Store, bytes: &[u8], key: &TreasuryKey) -> Result<bool, PaymentError> {
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
) -> Result<(), PaymentError> {
    sqlx::query(
        "INSERT INTO payment_file_reader (digest, key_tag) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(Sha256::digest(bytes).to_vec())
    .bind(if is_whole { reader(key) } else { Vec::new() })
    .execute(connection)
    .await?;
    Ok(())
}
/// Returns the claims, by nullifier and payout commitment, of all transfers whose amounts a report contains.
async fn claims_with_amounts(
    store: &Store,
    report: &BankReport,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, PaymentError> {
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
