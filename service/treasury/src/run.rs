//! A payment run: writes accepted claims into a bank's file.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use praman_access::{AccessStore, Caller, Waiting};
use praman_circuits::nullifier::{Nullifier, SchemeId};
use praman_circuits::period::Period;
use praman_claims::{payment, terms};
use praman_files::sealed::random_key;
use praman_holder::envelope::Payout;
use praman_ledger::accepted_claim;
use praman_rules::scheme::PaymentTerms;
use praman_store::error::ServiceError;
use praman_store::failpoint::may_die;
use praman_store::{Store, WriteTransaction, field};
use serde::Serialize;
use sqlx::AnyConnection;

use super::envelopes::Envelopes;
use super::key::TreasuryKey;
use super::payment_file::{Debtor, PaymentBatch, PaymentPart, Transfer, date_of_part, share};
use super::same_account::{PaymentOf, SameAccount};
use super::transfer::{self, TransferRow};
use super::{release, restored};

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

/// A batch as it was drafted.
#[derive(sqlx::FromRow)]
struct DraftedBatch {
    id: String,
    created_on: String,
    instalments: i64,
    debtor: String,
    folder: String,
    approval: Option<i64>,
    written: i64,
}

impl DraftedBatch {
    /// Returns an error: the batch in the store is not the one that was drafted.
    fn differs(&self) -> ServiceError {
        ServiceError::Refused(format!("batch {} differs from what was drafted", self.id))
    }

    /// Returns the account that it is paid from.
    fn debtor(&self) -> Result<Debtor, ServiceError> {
        serde_json::from_str(&self.debtor).map_err(|_| self.differs())
    }
}

/// A value of the column `written`: the store says that a batch goes out, and its file may be in place. A
/// drafted batch has 0, one whose file is in place 1, a dropped one 2.
const GOES_OUT: i64 = 3;

/// What a batch results in.
struct BankFile {
    /// The file; none if there is nothing to pay.
    bytes: Option<Vec<u8>>,
    claims: usize,
    rupees: u64,
    /// What is in it, by reference.
    transfers: Vec<(String, u32)>,
}

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
    /// Who runs it: if there are treasurers, one of them, and another approves.
    pub by: &'a Caller,
}

/// A transfer, opened.
struct Opened {
    row: TransferRow,
    amount: u32,
    payout: Payout,
}

impl PaymentRun<'_> {
    /// Pays all accepted claims of the scheme and period that are not yet in a file, and writes what was
    /// drafted before.
    ///
    /// # Errors
    /// [`ServiceError`]; what was drafted is written by the next run.
    pub async fn pay(&self, store: &Store, key: &TreasuryKey) -> Result<Paid, ServiceError> {
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
    /// [`ServiceError::File`].
    pub(super) fn require_folder(&self) -> Result<(), ServiceError> {
        let folder = std::path::absolute(self.folder).map_err(ServiceError::file(self.folder))?;
        // The folder is created with its first file: until then the folder above it is tried.
        let there = folder.ancestors().find(|one| one.exists()).unwrap_or(&folder);
        tempfile::Builder::new()
            .prefix(".praman-")
            .tempfile_in(there)
            .map_err(ServiceError::file(self.folder))?;
        Ok(())
    }

    /// Writes the lost file of a batch that went out again: the same to the byte.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] if no such batch went out, or if it would not be the same.
    pub async fn write_again(
        &self,
        store: &Store,
        key: &TreasuryKey,
        id: &str,
    ) -> Result<PathBuf, ServiceError> {
        let refused = |reason: &str| Err(ServiceError::Refused(format!("batch {id}: {reason}")));
        let envelopes = Envelopes::new(store, key);
        let mut transaction = store.begin().await?;
        let batch: Option<DraftedBatch> = sqlx::query_as(
            "SELECT id, created_on, instalments, debtor, folder, approval, written FROM payment_batch
             WHERE id = $1 AND scheme = $2 AND period = $3 AND written = 1",
        )
        .bind(id)
        .bind(self.scheme.as_str())
        .bind(i64::from(self.period.0))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(batch) = batch else {
            return refused("no batch of this scheme and period with this id was sent");
        };
        // A bank that takes the message again would pay these twice.
        let (moved,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM payment_transfer
             WHERE batch = $1 AND (state IN ('returned', 'reissued') OR contested = 1)",
        )
        .bind(id)
        .fetch_one(&mut *transaction)
        .await?;
        if moved > 0 {
            return refused(
                "payment orders of it came back, were paid again or are contested since: its file \
                 is not written again",
            );
        }
        let file = self.compose(&mut transaction, &envelopes, &batch).await?;
        let Some(bytes) = file.bytes else { return refused("there was nothing to pay in it") };
        drop(transaction);
        if !release::is_kept(store, &bytes).await? {
            return refused("its file would differ from the one that was sent: it is not written");
        }
        self.put(self.folder, id, &bytes)
    }

    /// Puts a batch's file into a folder.
    fn put(&self, folder: &Path, id: &str, bytes: &[u8]) -> Result<PathBuf, ServiceError> {
        std::fs::create_dir_all(folder).map_err(ServiceError::file(folder))?;
        let folder = std::path::absolute(folder).map_err(ServiceError::file(folder))?;
        let path = folder.join(format!("pain.001-{}-{id}.xml", self.scheme.as_str()));
        praman_files::write(&path, bytes)?;
        Ok(path)
    }

    /// Writes the files of all drafted batches that may go out.
    pub(super) async fn write_drafted(
        &self,
        store: &Store,
        envelopes: &mut Envelopes<'_>,
        paid: &mut Paid,
    ) -> Result<(), ServiceError> {
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
                Err(error @ (ServiceError::Refused(_) | ServiceError::File { .. })) => {
                    refusal.get_or_insert(error);
                }
                other => other?,
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
    ) -> Result<(), ServiceError> {
        // One process at a time writes and closes drafts.
        let mut transaction = store.begin().await?;
        let batch: Option<DraftedBatch> = sqlx::query_as(
            "SELECT id, created_on, instalments, debtor, folder, approval, written FROM payment_batch
             WHERE id = $1 AND written IN (0, 3)",
        )
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(mut batch) = batch else { return Ok(()) };
        let file = if batch.written == GOES_OUT {
            self.compose(&mut transaction, envelopes, &batch).await?
        } else {
            let Some(file) =
                self.order(store, &mut transaction, envelopes, &mut batch, paid).await?
            else {
                transaction.commit().await?;
                return Ok(());
            };
            file
        };
        transaction.commit().await?;
        may_die!("treasury::ordered");
        if let Some(bytes) = &file.bytes {
            // A batch that was going out when a program died goes to the same folder, if it still exists: a
            // bank gets one file.
            let before = Path::new(&batch.folder);
            let before = Some(before).filter(|_| batch.written == GOES_OUT);
            let again = before.and_then(|folder| self.put(folder, id, bytes).ok());
            paid.files.push(match again {
                Some(path) => path,
                None => self.put(self.folder, id, bytes)?,
            });
        }
        may_die!("treasury::written");
        sqlx::query("UPDATE payment_batch SET written = 1 WHERE id = $1 AND written = $2")
            .bind(&batch.id)
            .bind(GOES_OUT)
            .execute(store.writer())
            .await?;
        paid.claims += file.claims;
        paid.rupees += file.rupees;
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
    ) -> Result<Option<BankFile>, ServiceError> {
        if let Some(approval) = batch.approval {
            let (approved, document) = AccessStore(store).waiting(transaction, approval).await?;
            match approved {
                Waiting::Approved => {
                    let of = (batch.id.as_str(), document.as_str());
                    release::require_as_approved(transaction, envelopes, of).await?;
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
        let file = self.compose(transaction, envelopes, batch).await?;
        if let Some(bytes) = &file.bytes {
            let kept = release::NewFile { bytes, kind: "pain.001", message: &batch.id };
            release::keep_file(store, transaction, &kept, file.transfers.len()).await?;
        }
        for (reference, amount) in &file.transfers {
            transfer::order(transaction, envelopes.key(), reference, *amount).await?;
        }
        let folder = std::path::absolute(self.folder).map_err(ServiceError::file(self.folder))?;
        sqlx::query("UPDATE payment_batch SET written = $2, folder = $3 WHERE id = $1")
            .bind(&batch.id)
            .bind(GOES_OUT)
            .bind(folder.to_string_lossy().into_owned())
            .execute(&mut **transaction)
            .await?;
        Ok(Some(file))
    }

    /// Makes a drafted batch be paid from this run's account. What two treasurers approved is paid from the
    /// account that they approved, or not at all.
    async fn pay_from_this_account(
        &self,
        connection: &mut AnyConnection,
        batch: &mut DraftedBatch,
    ) -> Result<(), ServiceError> {
        let told = release::told_debtor(&batch.debtor()?);
        if told == release::told_debtor(self.debtor) {
            return Ok(());
        }
        if let Some(approval) = batch.approval {
            return Err(ServiceError::Refused(format!(
                "batch {} was approved to be paid from {told}: give that account with --debtor, or \
                 deny the batch (praman access deny {approval}) and pay again",
                batch.id
            )));
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
    ) -> Result<(), ServiceError> {
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
    ) -> Result<String, ServiceError> {
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
        };
        let approval = about.ask(store, &mut *connection, self.by).await?;
        let folder = std::path::absolute(self.folder).map_err(ServiceError::file(self.folder))?;
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

    /// Returns a drafted batch's file, from nothing but the draft: the same each time.
    async fn compose(
        &self,
        connection: &mut AnyConnection,
        envelopes: &Envelopes<'_>,
        batch: &DraftedBatch,
    ) -> Result<BankFile, ServiceError> {
        let id = &batch.id;
        let broken = || batch.differs();
        let created_on: Date = batch.created_on.parse().map_err(|_| broken())?;
        let debtor = batch.debtor()?;
        let instalments = u32::try_from(batch.instalments).map_err(|_| broken())?;
        let (claims,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM accepted_claim WHERE batch = $1")
                .bind(id)
                .fetch_one(&mut *connection)
                .await?;
        let mut rows = transfer::of_batch(connection, id).await?;
        if rows.is_empty() && claims > 0 {
            // Drafted by a version that stored no transfers, or with nothing to pay.
            order_all(connection, envelopes, (id, instalments)).await?;
            rows = transfer::of_batch(connection, id).await?;
        }
        let (mut opened, mut rupees) = (Vec::new(), 0);
        for row in rows {
            let payout = envelopes.of_transfer(connection, &row).await?.map_err(|reason| {
                ServiceError::Refused(format!("batch {id} was drafted, but now {reason}"))
            })?;
            let amount = share(payout.amount, row.part(), instalments);
            for earlier in transfer::attempts(connection, &row.nullifier, row.part()).await? {
                let written = earlier.amount.as_deref();
                let written =
                    written.map(|sealed| envelopes.key().open_amount(&earlier.reference, sealed));
                // A part is paid again with the amount that came back.
                if written.is_some_and(|written| written != Some(amount)) {
                    return Err(broken());
                }
            }
            rupees += u64::from(amount);
            opened.push(Opened { row, amount, payout });
        }
        let claims = claims as usize;
        // An entitlement without money needs no bank.
        if opened.is_empty() {
            return Ok(BankFile { bytes: None, claims, rupees, transfers: Vec::new() });
        }
        let mut parts: Vec<PaymentPart<'_>> = Vec::new();
        opened.sort_by_key(|transfer| transfer.row.part);
        for Opened { row, amount, payout } in &opened {
            let number = row.part() + 1;
            if parts.last().is_none_or(|part| part.number != number) {
                // What is paid again is paid at once.
                let on = match row.attempt {
                    0 => date_of_part(created_on, row.part(), instalments)?,
                    _ => created_on,
                };
                parts.push(PaymentPart { number, on, transfers: Vec::new() });
            }
            let transfer = Transfer {
                reference: row.reference.clone(),
                amount: *amount,
                payee: &payout.payee,
            };
            parts.last_mut().expect("pushed").transfers.push(transfer);
        }
        let scheme = self.scheme.as_str();
        let file = PaymentBatch { id, scheme, created_on, debtor: &debtor, parts: &parts };
        let bytes = Some(file.to_xml()?);
        let transfers = opened.iter().map(|one| (one.row.reference.clone(), one.amount)).collect();
        Ok(BankFile { bytes, claims, rupees, transfers })
    }
}

/// Returns a message's id: at most 35 characters with a part's number, as ISO 20022 requires. It can't be
/// guessed without the file, and a restored state never uses one again.
fn batch_id(number: i64) -> String {
    format!("{number}-{}", hex::encode(&random_key()[..11]))
}

/// Returns the instalments in which something is left to pay.
fn parts_of(amount: u32, instalments: u32) -> impl Iterator<Item = u32> {
    (0..instalments).filter(move |&part| share(amount, part, instalments) > 0)
}

/// Drafts a transfer for each instalment of each claim of a batch.
async fn order_all(
    connection: &mut AnyConnection,
    envelopes: &Envelopes<'_>,
    (batch, instalments): (&str, u32),
) -> Result<(), ServiceError> {
    let claims: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT nullifier, payout_commitment FROM accepted_claim WHERE batch = $1")
            .bind(batch)
            .fetch_all(&mut *connection)
            .await?;
    for (nullifier, commitment) in claims {
        let payout = envelopes.payout(&nullifier, &commitment).await?;
        let payout = payout.map_err(|reason| {
            ServiceError::Refused(format!("batch {batch} was drafted, but now {reason}"))
        })?;
        for part in parts_of(payout.amount, instalments) {
            transfer::draft(connection, envelopes.key(), batch, &nullifier, (part, 0)).await?;
        }
    }
    Ok(())
}
