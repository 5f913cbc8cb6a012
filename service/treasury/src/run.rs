//! A payment run: writes accepted claims into a bank's file.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use praman_access::{AccessStore, Caller, Waiting};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::period::Period;
use praman_circuits::scope::SchemeId;
use praman_claims::{payment, terms};
use praman_files::FileError;
use praman_files::sealed::random_key;
use praman_ledger::accepted_claim;
use praman_rules::scheme::PaymentTerms;
use praman_store::failpoint::may_die;
use praman_store::{Store, WriteTransaction, field};
use serde::Serialize;
use sqlx::AnyConnection;

use super::bank_format::{self, BankFormat};
use super::drafted_batch::{BankFiles, DRAFTED, DraftedBatch, is_any_in, parts_of, put};
use super::envelopes::Envelopes;
use super::key::TreasuryKey;
use super::payment_file::{Debtor, ISO_KIND, share};
use super::same_account::{PaymentOf, SameAccount};
use super::transfer::{self, TransferRow, TransferState};
use super::{release, restored};
use crate::refusal::AgainFault;
use crate::refusal::PaymentError;
use crate::refusal::PaymentRefusal;

/// The result of paying a scheme's period.
#[derive(Debug, Default, Serialize)]
pub struct Paid {
    /// Claims paid.
    pub claims: usize,
    /// Their sum.
    pub rupees: u64,
    /// The bank's files.
    pub files: Vec<PathBuf>,
    /// Accepted claims that are not paid, with the reason. They wait for an envelope that fits.
    pub held: Vec<(Nullifier, &'static str)>,
    /// The numbers of the approvals that batches wait for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<u32>,
}

/// A value of the column `written`: the store says that a batch goes out, and its file may be in place. A
/// drafted batch has 0, one whose file is in place 1, a dropped one 2.
const GOES_OUT: i64 = 3;

/// Which claims to pay, and how.
pub struct PaymentRun<'a> {
    /// The scheme.
    pub scheme: &'a SchemeId,
    /// Its period.
    pub period: Period,
    /// How it is paid: must match the stored terms of the period.
    pub terms: PaymentTerms,
    /// The day of the first part.
    pub on: Date,
    /// Who pays.
    pub debtor: &'a Debtor,
    /// Where the bank's files go.
    pub folder: &'a Path,
    /// The bank's own format; none for ISO 20022.
    pub format: Option<&'a BankFormat>,
    /// Who runs it: if there are treasurers, one of them, and another approves.
    pub by: &'a Caller,
}

impl PaymentRun<'_> {
    /// Pays all accepted claims of the scheme and period that are not yet in a file, and writes what was
    /// drafted before.
    ///
    /// # Errors
    /// [`PaymentError`]; what was drafted is written by the next run.
    pub async fn pay(&self, store: &Store, key: &TreasuryKey) -> Result<Paid, PaymentError> {
        restored::require_reconciled(&mut *store.pool().acquire().await?).await?;
        self.require_folder()?;
        let (mut paid, mut envelopes) = (Paid::default(), Envelopes::new(store, key));
        self.draft(store, &mut envelopes, &mut paid).await?;
        may_die!("treasury::drafted");
        self.write_drafted(store, &mut envelopes, &mut paid).await?;
        Ok(paid)
    }

    /// Refuses a folder that can't be written to, before anything is drafted.
    ///
    /// # Errors
    /// [`PaymentError::File`].
    pub(super) fn require_folder(&self) -> Result<(), PaymentError> {
        let folder = std::path::absolute(self.folder).map_err(FileError::io(self.folder))?;
        // The folder is created with its first file: until then the folder above it is tried.
        let there = folder.ancestors().find(|one| one.exists()).unwrap_or(&folder);
        tempfile::Builder::new()
            .prefix(".praman-")
            .tempfile_in(there)
            .map_err(FileError::io(self.folder))?;
        Ok(())
    }

    /// Writes a lost file of a batch that went out again: the same to the byte. Of a batch with a file for each day,
    /// the day says which.
    ///
    /// # Errors
    /// [`PaymentError::Refused`] if no such batch went out, if the bank has answered about it, or if it would not be
    /// the same.
    pub async fn write_again(
        &self,
        store: &Store,
        key: &TreasuryKey,
        (id, day): (&str, Option<Date>),
    ) -> Result<Vec<PathBuf>, PaymentError> {
        let refused = |fault| Err(PaymentRefusal::NotAgain { batch: id.to_owned(), fault }.into());
        let envelopes = Envelopes::new(store, key);
        let mut transaction = store.begin().await?;
        let sent =
            format!("{DRAFTED} WHERE id = $1 AND scheme = $2 AND period = $3 AND written = 1");
        let batch: Option<DraftedBatch> = sqlx::query_as(sqlx::AssertSqlSafe(sent))
            .bind(id)
            .bind(self.scheme.as_str())
            .bind(i64::from(self.period.0))
            .fetch_optional(&mut *transaction)
            .await?;
        if batch.as_ref().is_some_and(|batch| batch.format.is_some()) {
            // Before it is known what the bank did, nothing shows whether it has answered.
            restored::require_reconciled(&mut transaction).await?;
        }
        let Some(batch) = batch else {
            return refused(AgainFault::NoBatch);
        };
        // A bank that takes the message again would pay these twice.
        let rows = transfer::of_batch(&mut transaction, id).await?;
        if batch.format.is_none() && rows.iter().any(is_moved) {
            return refused(AgainFault::Moved);
        }
        let mut written = batch.compose(&mut transaction, &envelopes, self.scheme).await?;
        if let Some(day) = day {
            written.files.retain(|file| file.day == Some(day));
        }
        let [file] = written.files.as_slice() else {
            let days = written.files.iter().filter_map(|file| file.day);
            let days = days.map(|day| day.to_string()).collect::<Vec<_>>().join(", ");
            return refused(match days.is_empty() {
                true => AgainFault::Nothing,
                false => AgainFault::SeveralDays(days),
            });
        };
        // In a bank's own format nothing keeps the bank from paying a message twice.
        let of_file = |row: &&TransferRow| file.references.contains(&row.reference);
        if batch.format.is_some() && rows.iter().filter(of_file).any(is_answered) {
            return refused(AgainFault::Answered);
        }
        drop(transaction);
        if !release::is_kept(store, &file.bytes).await? {
            return refused(AgainFault::Differs);
        }
        put(self.folder, std::slice::from_ref(file))
    }

    /// Writes the files of all drafted batches that may go out.
    pub(super) async fn write_drafted(
        &self,
        store: &Store,
        envelopes: &mut Envelopes<'_>,
        paid: &mut Paid,
    ) -> Result<(), PaymentError> {
        let to_write = sqlx::query_as(
            "SELECT nullifier, payout_commitment FROM accepted_claim
             WHERE nullifier IN (SELECT nullifier FROM payment_transfer
                                 JOIN payment_batch ON payment_batch.id = payment_transfer.batch
                                 WHERE scheme = $1 AND period = $2 AND written IN (0, 3)
                                     AND (approval IS NULL OR approval IN
                                          (SELECT number FROM approval WHERE state = 'approved')))",
        );
        let to_write = to_write.bind(self.scheme.as_str()).bind(i64::from(self.period.0));
        envelopes.open_ahead(to_write.fetch_all(store.pool()).await?).await?;
        let drafted: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM payment_batch WHERE scheme = $1 AND period = $2 AND written IN (0, 3)
             ORDER BY length(id), id",
        )
        .bind(self.scheme.as_str())
        .bind(i64::from(self.period.0))
        .fetch_all(store.pool())
        .await?;
        // A batch that can't go out does not hold back the others.
        let mut refusal = None;
        for (id,) in drafted {
            match self.write_one(store, envelopes, &id, paid).await {
                // What the store or the ledger says is of all of them.
                Err(error @ (PaymentError::Store(_) | PaymentError::Ledger(_))) => {
                    return Err(error);
                }
                Err(error) => {
                    refusal.get_or_insert(error);
                }
                Ok(()) => {}
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Writes the file of a drafted batch that may go out.
    ///
    /// The store first records that it goes out, then the file is put in place: once a bank could have it,
    /// nothing in it is denied, taken out or paid by another batch.
    async fn write_one(
        &self,
        store: &Store,
        envelopes: &Envelopes<'_>,
        id: &str,
        paid: &mut Paid,
    ) -> Result<(), PaymentError> {
        // One process at a time writes and closes drafts.
        let mut transaction = store.begin().await?;
        let drafted = format!("{DRAFTED} WHERE id = $1 AND written IN (0, 3)");
        let batch: Option<DraftedBatch> = sqlx::query_as(sqlx::AssertSqlSafe(drafted))
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(mut batch) = batch else { return Ok(()) };
        if batch.written == GOES_OUT && batch.format.is_some() {
            // In a bank's own format nothing keeps the bank from paying a message twice: what it has answered about, it
            // has.
            let rows = transfer::of_batch(&mut transaction, id).await?;
            if rows.iter().any(is_answered) {
                close(&mut transaction, id).await?;
                transaction.commit().await?;
                return Ok(());
            }
        }
        let written = if batch.written == GOES_OUT {
            batch.compose(&mut transaction, envelopes, self.scheme).await?
        } else {
            let Some(written) =
                self.order(store, &mut transaction, envelopes, &mut batch, paid).await?
            else {
                transaction.commit().await?;
                return Ok(());
            };
            written
        };
        transaction.commit().await?;
        may_die!("treasury::ordered");
        if !written.files.is_empty() {
            // A batch that was going out when a program died goes to the same folder, if it still exists: a
            // bank gets one file.
            let before = Path::new(&batch.folder);
            let before = Some(before).filter(|_| batch.written == GOES_OUT);
            let again = match before.map(|folder| (folder, put(folder, &written.files))) {
                Some((_, Ok(paths))) => Some(paths),
                // One of them may be with the bank: the others do not go to another folder.
                Some((folder, Err(error))) if is_any_in(folder, &written.files) => {
                    return Err(error);
                }
                Some((_, Err(_))) | None => None,
            };
            paid.files.extend(match again {
                Some(paths) => paths,
                None => put(self.folder, &written.files)?,
            });
        }
        may_die!("treasury::written");
        close(&mut *store.writer().acquire().await?, &batch.id).await?;
        paid.claims += written.claims;
        paid.rupees += written.rupees;
        may_die!("treasury::closed");
        Ok(())
    }

    /// Records that a drafted batch goes out, if it may: its file, and that a bank may report on it from now
    /// on.
    async fn order(
        &self,
        store: &Store,
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'_>,
        batch: &mut DraftedBatch,
        paid: &mut Paid,
    ) -> Result<Option<BankFiles>, PaymentError> {
        if let Some(approval) = batch.approval {
            let (approved, document) = AccessStore(store).waiting(transaction, approval).await?;
            match approved {
                Waiting::Approved => {
                    let of = (batch.id.as_str(), document.as_str());
                    release::require_as_approved(transaction, envelopes, of).await?;
                    release::require_format_as_approved(of, self.format)?;
                }
                Waiting::NotYet => {
                    paid.waits.push(approval as u32);
                    return Ok(None);
                }
                // The next run drafts its claims again.
                Waiting::TooLate => {
                    release::drop_batch(transaction, &document).await?;
                    return Ok(None);
                }
            }
        }
        self.pay_from_this_account(transaction, batch).await?;
        release::take_out_held(transaction, &batch.id).await?;
        batch.format = self.format.map(|format| format.text().to_owned());
        let written = batch.compose(transaction, envelopes, self.scheme).await?;
        let kind = if batch.format.is_some() { bank_format::SENT } else { ISO_KIND };
        for file in &written.files {
            let kept = release::NewFile { bytes: &file.bytes, kind, message: &batch.id };
            release::keep_file(store, transaction, &kept, file.references.len()).await?;
        }
        for (reference, amount) in &written.transfers {
            transfer::order(transaction, envelopes.key(), reference, *amount).await?;
        }
        let folder = std::path::absolute(self.folder).map_err(FileError::io(self.folder))?;
        sqlx::query(
            "UPDATE payment_batch SET written = $2, folder = $3, format = $4 WHERE id = $1",
        )
        .bind(&batch.id)
        .bind(GOES_OUT)
        .bind(folder.to_string_lossy().into_owned())
        .bind(&batch.format)
        .execute(&mut **transaction)
        .await?;
        Ok(Some(written))
    }

    /// Makes a drafted batch be paid from this run's account. What two treasurers approved is paid from the
    /// account that they approved, or not at all.
    async fn pay_from_this_account(
        &self,
        connection: &mut AnyConnection,
        batch: &mut DraftedBatch,
    ) -> Result<(), PaymentError> {
        let told = release::told_debtor(&batch.debtor()?);
        if told == release::told_debtor(self.debtor) {
            return Ok(());
        }
        if let Some(approval) = batch.approval {
            let (batch, debtor) = (batch.id.clone(), told);
            return Err(PaymentRefusal::OtherDebtor { batch, debtor, approval }.into());
        }
        batch.debtor = serde_json::to_string(self.debtor).expect("a debtor is plain data");
        sqlx::query("UPDATE payment_batch SET debtor = $2 WHERE id = $1")
            .bind(&batch.id)
            .bind(&batch.debtor)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Drafts a new batch of every unpaid claim whose envelope fits.
    async fn draft(
        &self,
        store: &Store,
        envelopes: &mut Envelopes<'_>,
        paid: &mut Paid,
    ) -> Result<(), PaymentError> {
        let unpaid = async |connection: &mut AnyConnection| {
            sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(
                "SELECT nullifier, payout_commitment FROM accepted_claim
                 WHERE scheme = $1 AND period = $2 AND batch IS NULL
                     AND NOT EXISTS (SELECT 1 FROM dispute WHERE payable = 0
                                     AND dispute.nullifier = accepted_claim.nullifier)
                 ORDER BY block",
            )
            .bind(self.scheme.as_str())
            .bind(i64::from(self.period.0))
            .fetch_all(connection)
            .await
        };
        let ahead = unpaid(&mut *store.pool().acquire().await?).await?;
        envelopes.open_ahead(ahead).await?;
        let mut transaction = store.begin().await?;
        if unpaid(&mut transaction).await?.is_empty() {
            return Ok(());
        }
        let terms = terms::keep(&mut transaction, self.scheme, self.period, self.terms).await?;
        restored::adopt_named(&mut transaction, envelopes).await?;
        let claims = unpaid(&mut transaction).await?;
        let mut accounts = SameAccount::begin(&mut transaction, envelopes, self).await?;
        let mut payable = Vec::new();
        for (nullifier, commitment) in claims {
            let held = match envelopes.payout(&nullifier, &commitment).await? {
                Ok(payout) if payout.amount == 0 || terms.shared_accounts => {
                    payable.push((nullifier, payout));
                    continue;
                }
                Ok(payout) => {
                    match accounts
                        .holds(&mut transaction, (&nullifier, PaymentOf::Claim), &payout.payee)
                        .await?
                    {
                        Some(reason) => reason,
                        None => {
                            payable.push((nullifier, payout));
                            continue;
                        }
                    }
                }
                Err(reason) => reason,
            };
            paid.held.push((Nullifier::from_field(field(&nullifier)?), held));
        }
        if payable.is_empty() {
            // The stored terms of the period stay.
            transaction.commit().await?;
            return Ok(());
        }
        let mut contents = release::BatchContents::default();
        for (nullifier, payout) in &payable {
            for part in parts_of(payout.amount, terms.instalments) {
                let rupees = share(payout.amount, part, terms.instalments);
                contents.add(envelopes.key(), (nullifier, part, 0), rupees, &payout.payee);
            }
        }
        let id =
            self.new_batch(store, &mut transaction, terms, contents.told(envelopes.key())).await?;
        for (nullifier, payout) in payable {
            let amount = payout.amount;
            accepted_claim::put_into_batch(&mut transaction, &nullifier, &id).await?;
            for part in parts_of(amount, terms.instalments) {
                let first = (part, 0);
                transfer::draft(&mut transaction, envelopes.key(), &id, &nullifier, first).await?;
            }
            payment::keep_ordered(&mut transaction, &nullifier).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Creates a batch and hands its contents to the approval; once drafted, it waits for a second person if
    /// two are needed.
    pub(super) async fn new_batch(
        &self,
        store: &Store,
        connection: &mut AnyConnection,
        terms: PaymentTerms,
        contents: release::ToldContents,
    ) -> Result<String, PaymentError> {
        let (count,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM payment_batch WHERE scheme = $1 AND period = $2")
                .bind(self.scheme.as_str())
                .bind(i64::from(self.period.0))
                .fetch_one(&mut *connection)
                .await?;
        let id = batch_id(count + 1);
        let about = release::PaymentDocument {
            batch: id.clone(),
            scheme: self.scheme.as_str().to_owned(),
            period: self.period.0,
            transfers: contents.transfers,
            rupees: contents.rupees,
            contents: contents.digest,
            paid_anew: contents.paid_anew,
            instalments: terms.instalments,
            shared_accounts: terms.shared_accounts,
            on: self.on.to_string(),
            debtor: release::told_debtor(self.debtor),
            format: release::told_format(self.format),
        };
        let approval = about.ask(store, &mut *connection, self.by).await?;
        let folder = std::path::absolute(self.folder).map_err(FileError::io(self.folder))?;
        sqlx::query(
            "INSERT INTO payment_batch
                 (id, scheme, period, created_on, instalments, debtor, folder, written, approval)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)",
        )
        .bind(&id)
        .bind(self.scheme.as_str())
        .bind(i64::from(self.period.0))
        .bind(self.on.to_string())
        .bind(i64::from(terms.instalments))
        .bind(serde_json::to_string(self.debtor).expect("a debtor is plain data"))
        .bind(folder.to_string_lossy().into_owned())
        .bind(approval.map(i64::from))
        .execute(&mut *connection)
        .await?;
        Ok(id)
    }
}

/// Returns a message's id: at most 35 characters with a part's number, as ISO 20022 requires. It can't be
/// guessed without the file, and a restored state never uses one again.
fn batch_id(number: i64) -> String {
    format!("{number}-{}", hex::encode(&random_key()[..11]))
}

/// Whether a payment came back, is paid again or is contested.
fn is_moved(row: &TransferRow) -> bool {
    matches!(row.state, TransferState::Returned | TransferState::Reissued) || row.is_contested()
}

/// Whether the bank has said anything about a payment that went out.
fn is_answered(row: &TransferRow) -> bool {
    row.state != TransferState::Ordered || is_moved(row)
}

/// Closes a batch that went out: its files are in place.
async fn close(connection: &mut AnyConnection, id: &str) -> Result<(), PaymentError> {
    sqlx::query("UPDATE payment_batch SET written = 1 WHERE id = $1 AND written = $2")
        .bind(id)
        .bind(GOES_OUT)
        .execute(connection)
        .await?;
    Ok(())
}
