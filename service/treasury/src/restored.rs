//! A state that was restored from a backup pays nothing until it knows what went to the bank since.
//!
//! References are deterministic, so a name in a bank's file or report is found among the claims that this state takes
//! for unpaid. Files that the ledger has and this state lost are known by their hashes: each is given to `import`
//! again before anything is paid.

use std::collections::{HashMap, HashSet};

use praman_access::end_waiting;
use praman_circuits::payee::Payee;
use praman_ledger::{LedgerAnchor, accepted_claim};
use praman_store::error::StoreError;
use praman_store::{Setting, WriteTransaction, broken};
use sqlx::AnyConnection;

use super::envelopes::Envelopes;
use super::key::TreasuryKey;
use super::lost_file::{LostFile, LostTransfer};
use super::lost_transfers::{Lost, LostTransfers};
use super::payment_file::share;
use super::same_account::{self, PaymentOf};
use super::transfer::{self, TransferReference, TransferRow, TransferState};
use super::{release, resumed};
use crate::TreasuryStore;
use crate::refusal::OrderFault;
use crate::refusal::OrderRefusal;
use crate::refusal::PaymentError;
use crate::refusal::RestoredRefusal;

/// No treasury writes so many files.
const NUMBER_MAX: u64 = 1 << 40;

/// Returns when the state was restored, in milliseconds since 1970, if it does not know what went to the bank since.
pub(super) async fn restored_at(connection: &mut AnyConnection) -> Result<Option<i64>, StoreError> {
    time_of(connection, Setting::Restored).await
}

/// Returns the time in a setting, in milliseconds since 1970.
pub(super) async fn time_of(
    connection: &mut AnyConnection,
    setting: Setting,
) -> Result<Option<i64>, StoreError> {
    let value = setting.read(connection).await?;
    let at = value.map(|value| value.try_into().map(i64::from_be_bytes));
    at.transpose().map_err(|_| broken("when the state was backed up or restored"))
}

/// Refuses to pay from a state that does not know what went to the bank.
///
/// # Errors
/// [`PaymentError::Restored`].
pub(super) async fn require_reconciled(connection: &mut AnyConnection) -> Result<(), PaymentError> {
    if restored_at(connection).await?.is_none() {
        return Ok(());
    }
    Err(RestoredRefusal::NotReconciled.into())
}

impl LostTransfers {
    /// Marks a transfer that a bank's report names as sent, if it is one of those that were lost: its file is missing
    /// from then on. A report is not enough for what only the file shows: what was drafted when the state was backed
    /// up, and in how many parts a claim is paid.
    pub(super) async fn adopt_reported(
        &self,
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'_>,
        reference: &str,
    ) -> Result<(), PaymentError> {
        if transfer::find(transaction, reference).await?.is_some() {
            return Ok(());
        }
        let key = envelopes.key();
        let Some((lost, before)) = self.of_reference(key, reference) else { return Ok(()) };
        if keep_drafted(transaction, key, &before).await? {
            return Ok(());
        }
        let Some(instalments) = lost.instalments else { return Ok(()) };
        // Without the envelope nothing is known of the other parts.
        if lost.rupees.is_none() && instalments > 1 {
            return Ok(());
        }
        let batch = batch_of_report(key, &lost);
        self.take_before(transaction, key, (&before, instalments)).await?;
        self.take_for_sent(transaction, key, (&lost, instalments), &batch).await?;
        if lost.attempt > 0 {
            // An office may have corrected the account since the backup: only the file shows it.
            set_payee_lost(transaction, reference, true).await?;
        }
        keep_adopted(transaction, reference, true).await?;
        resumed::reference_is_known(transaction, reference).await
    }

    /// Marks a transfer of a file that went out as sent, with the other parts of its claim; false if it matches
    /// nothing that was lost, or its amount or account differs from what was proved.
    async fn adopt(
        &self,
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'_>,
        (sent, file): (&LostTransfer, &LostFile),
    ) -> Result<bool, PaymentError> {
        let message = file.message.as_str();
        let key = envelopes.key();
        let known = transfer::find(transaction, &sent.reference).await?;
        if let Some(row) = &known {
            move_to_batch(transaction, row, message).await?;
            let row = transfer::find(transaction, &sent.reference).await?;
            let row = &row.ok_or_else(|| broken("a transfer of a file"))?;
            if row.state == transfer::TransferState::Drafted {
                adopt_drafted(transaction, envelopes, row).await?;
            }
        } else {
            let lost = self.of_reference(key, &sent.reference);
            let Some((lost, before)) = lost else { return Ok(false) };
            if keep_drafted(transaction, key, &before).await? {
                return Ok(false);
            }
            let Some(instalments) = lost.instalments else { return Ok(false) };
            if lost.rupees.is_some() && lost.rupees != sent.rupees {
                return Ok(false);
            }
            // Without the envelope nothing is known of the parts that this file does not have.
            let is_partial =
                |one: &Lost| one.attempt == 0 && one.rupees.is_none() && instalments > 1;
            if !file.has_all_parts && before.iter().chain([&lost]).any(is_partial) {
                return Ok(false);
            }
            self.take_before(transaction, key, (&before, instalments)).await?;
            self.take_for_sent(transaction, key, (&lost, instalments), message).await?;
        }
        keep_adopted(transaction, &sent.reference, false).await?;
        keep_payee(transaction, envelopes, sent).await
    }

    /// Marks transfers as sent that a named one paid again: their own files are missing.
    async fn take_before(
        &self,
        transaction: &mut WriteTransaction,
        key: &TreasuryKey,
        (before, instalments): (&[Lost], u32),
    ) -> Result<(), PaymentError> {
        for lost in before {
            let batch = batch_of_report(key, lost);
            self.take_for_sent(transaction, key, (lost, instalments), &batch).await?;
            let reference = TransferReference::of(key, &lost.nullifier, lost.part, lost.attempt);
            if lost.attempt > 0 {
                set_payee_lost(transaction, reference.as_str(), true).await?;
            }
            keep_adopted(transaction, reference.as_str(), true).await?;
        }
        Ok(())
    }

    async fn take_for_sent(
        &self,
        transaction: &mut WriteTransaction,
        key: &TreasuryKey,
        (lost, instalments): (&Lost, u32),
        batch: &str,
    ) -> Result<(), PaymentError> {
        sqlx::query(
            "INSERT INTO payment_batch
                 (id, scheme, period, created_on, instalments, debtor, folder, written)
             VALUES ($1, $2, $3, '', $4, '', '', 1) ON CONFLICT (id) DO NOTHING",
        )
        .bind(batch)
        .bind(&lost.scheme)
        .bind(lost.period)
        .bind(i64::from(instalments))
        .execute(&mut **transaction)
        .await?;
        let parts: Vec<&Lost> = match lost.attempt {
            // The file that pays a claim has all of its parts.
            0 if lost.rupees.is_some() => {
                let same = |one: &&Lost| one.nullifier == lost.nullifier && one.attempt == 0;
                self.next.values().filter(same).collect()
            }
            _ => vec![lost],
        };
        for one in parts.into_iter().filter(|one| one.rupees != Some(0)) {
            let of = (one.part, one.attempt);
            let reference = TransferReference::of(key, &one.nullifier, one.part, one.attempt);
            if transfer::find(transaction, reference.as_str()).await?.is_some() {
                continue;
            }
            let made = transfer::draft(transaction, key, batch, &one.nullifier, of).await?;
            transfer::send(transaction, key, made.as_str(), one.rupees).await?;
        }
        if lost.attempt == 0 {
            accepted_claim::put_into_batch(transaction, &lost.nullifier, batch).await?;
        } else {
            sqlx::query(
                "UPDATE payment_transfer SET state = 'reissued'
                 WHERE nullifier = $1 AND part = $2 AND attempt < $3",
            )
            .bind(&lost.nullifier)
            .bind(i64::from(lost.part))
            .bind(i64::from(lost.attempt))
            .execute(&mut **transaction)
            .await?;
        }
        Ok(transfer::settle_claim(transaction, &lost.nullifier, None).await?)
    }
}

/// Stores the name of a transfer that is drafted here and that a later one was paid for: it has gone out, and blocks
/// payments until its file is imported or its batch is denied. Returns whether there is one.
async fn keep_drafted(
    transaction: &mut WriteTransaction,
    key: &TreasuryKey,
    before: &[Lost],
) -> Result<bool, PaymentError> {
    for lost in before {
        let reference = TransferReference::of(key, &lost.nullifier, lost.part, lost.attempt);
        let known = transfer::find(transaction, reference.as_str()).await?;
        if let Some(row) = known
            && row.state == transfer::TransferState::Drafted
        {
            resumed::keep_unknown(transaction, reference.as_str()).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the batch for transfers known only from a report: nothing shows which file they were in.
fn batch_of_report(key: &TreasuryKey, lost: &Lost) -> String {
    let of = [lost.scheme.as_bytes(), &lost.period.to_be_bytes()];
    format!("restored-{}", hex::encode(&key.tag(b"praman.restored-batch.1", &of)[..8]))
}

/// Marks as sent what went out before a restore for claims that became known only later: the bank, or a file, has
/// named it, and the state was resumed without them.
pub(super) async fn adopt_named(
    transaction: &mut WriteTransaction,
    envelopes: &Envelopes<'_>,
) -> Result<(), PaymentError> {
    loop {
        let names = resumed::named_transfers(transaction).await?;
        if names.is_empty() {
            return Ok(());
        }
        let lost = LostTransfers::find(transaction, envelopes).await?;
        for name in &names {
            lost.adopt_reported(transaction, envelopes, name).await?;
        }
        // A transfer that pays another again is known once the one before it is.
        if resumed::named_transfers(transaction).await?.len() == names.len() {
            return Ok(());
        }
    }
}

/// Records that a transfer was marked as sent, by a report or by its file.
async fn keep_adopted(
    transaction: &mut WriteTransaction,
    reference: &str,
    by_report: bool,
) -> Result<(), PaymentError> {
    sqlx::query(
        "INSERT INTO restore_adopted (reference, by_report) VALUES ($1, $2)
         ON CONFLICT (reference) DO UPDATE SET by_report = excluded.by_report
             WHERE excluded.by_report = 0",
    )
    .bind(reference)
    .bind(i64::from(by_report))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Compares the account in a file with the one that is known here. A first payment goes to the proved account, or the
/// file is not this treasury's. A repeated payment may have gone to an account that an office had corrected since the
/// backup: that account counts as taken, and a correction is required before it is paid once more.
async fn keep_payee(
    transaction: &mut WriteTransaction,
    envelopes: &Envelopes<'_>,
    sent: &LostTransfer,
) -> Result<bool, PaymentError> {
    let row = transfer::find(transaction, &sent.reference).await?;
    let row = row.ok_or_else(|| broken("a transfer that was taken for sent"))?;
    let Ok(known) = envelopes.of_transfer(transaction, &row).await? else { return Ok(true) };
    let key = envelopes.key();
    let of = |payee: &Payee| key.account_tag("", 0, payee);
    if of(&known.payee) == of(&sent.payee) {
        set_payee_lost(transaction, &row.reference, false).await?;
        return Ok(true);
    }
    if row.attempt == 0 {
        return Err(OrderRefusal::of(&sent.reference, OrderFault::OtherAccount).into());
    }
    set_payee_lost(transaction, &row.reference, true).await?;
    let (scheme, period): (String, i64) =
        sqlx::query_as("SELECT scheme, period FROM payment_batch WHERE id = $1")
            .bind(&row.batch)
            .fetch_one(&mut **transaction)
            .await?;
    let payment = PaymentOf::Part(row.part(), row.attempt as u32);
    let taken = (row.nullifier.as_slice(), payment);
    same_account::keep_taken(transaction, key, (&scheme, period as u32), taken, &sent.payee)
        .await?;
    Ok(true)
}

/// Records whether a transfer may have gone to an account that is not known here.
async fn set_payee_lost(
    transaction: &mut WriteTransaction,
    reference: &str,
    is_lost: bool,
) -> Result<(), PaymentError> {
    sqlx::query("UPDATE payment_transfer SET payee_lost = $2 WHERE reference = $1")
        .bind(reference)
        .bind(i64::from(is_lost))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Moves a known transfer to the batch of the file that it went out with: a bank that books the batch's sum means all
/// of it. A batch that becomes empty is dropped.
async fn move_to_batch(
    transaction: &mut WriteTransaction,
    row: &TransferRow,
    message: &str,
) -> Result<(), PaymentError> {
    if row.batch == message {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO payment_batch
             (id, scheme, period, created_on, instalments, debtor, folder, written)
         SELECT $1, scheme, period, created_on, instalments, debtor, folder, 1 FROM payment_batch
         WHERE id = $2 ON CONFLICT (id) DO NOTHING",
    )
    .bind(message)
    .bind(&row.batch)
    .execute(&mut **transaction)
    .await?;
    sqlx::query("UPDATE payment_transfer SET batch = $1 WHERE reference = $2")
        .bind(message)
        .bind(&row.reference)
        .execute(&mut **transaction)
        .await?;
    let batches = (row.batch.as_str(), message);
    accepted_claim::move_to_batch(transaction, &row.nullifier, batches).await?;
    let (left,): (i64,) = sqlx::query_as("SELECT count(*) FROM payment_transfer WHERE batch = $1")
        .bind(&row.batch)
        .fetch_one(&mut **transaction)
        .await?;
    if left == 0 {
        end_draft(transaction, &row.batch, 2).await?;
    }
    Ok(())
}

/// Closes a drafted batch by the file that went out: it is written (1), or nothing is left in it (2). A pending
/// approval has nothing to approve or deny any more.
async fn end_draft(
    transaction: &mut WriteTransaction,
    batch: &str,
    written: i64,
) -> Result<(), PaymentError> {
    let (approval,): (Option<i64>,) =
        sqlx::query_as("SELECT approval FROM payment_batch WHERE id = $1")
            .bind(batch)
            .fetch_one(&mut **transaction)
            .await?;
    if let Some(approval) = approval {
        end_waiting(transaction, approval, "the file that went out").await?;
    }
    sqlx::query("UPDATE payment_batch SET written = $2, approval = NULL WHERE id = $1")
        .bind(batch)
        .bind(written)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Marks a transfer of a batch that was drafted at the time of the backup as sent, since the file that went out names
/// it.
async fn adopt_drafted(
    transaction: &mut WriteTransaction,
    envelopes: &Envelopes<'_>,
    row: &TransferRow,
) -> Result<(), PaymentError> {
    let (instalments,): (i64,) =
        sqlx::query_as("SELECT instalments FROM payment_batch WHERE id = $1")
            .bind(&row.batch)
            .fetch_one(&mut **transaction)
            .await?;
    let payout = envelopes.of_transfer(transaction, row).await?.ok();
    let rupees = payout.map(|payout| share(payout.amount, row.part(), instalments.max(1) as u32));
    transfer::send(transaction, envelopes.key(), &row.reference, rupees).await?;
    end_draft(transaction, &row.batch, 1).await
}

/// Marks as sent what the other files of a file's batch have: they may be with the bank as well, and are asked for. A
/// claim that this file would name, and does not, was taken out of the batch before it went out.
async fn adopt_other_parts(
    transaction: &mut WriteTransaction,
    envelopes: &Envelopes<'_>,
    file: &LostFile,
) -> Result<(), PaymentError> {
    let mut named = HashMap::new();
    for sent in &file.transfers {
        if let Some(row) = transfer::find(transaction, &sent.reference).await? {
            named.insert(row.reference.clone(), row);
        }
    }
    let parts: HashSet<u32> =
        named.values().filter(|row| row.attempt == 0).map(TransferRow::part).collect();
    let has_paid_again = named.values().any(|row| row.attempt > 0);
    // Parts of the claims that it names may be in an earlier draft.
    let claims: HashSet<&[u8]> = named.values().map(|row| row.nullifier.as_slice()).collect();
    for nullifier in &claims {
        for row in transfer::of_claim(transaction, nullifier).await? {
            if row.attempt == 0 && row.state == TransferState::Drafted {
                move_to_batch(transaction, &row, &file.message).await?;
            }
        }
    }
    let rows = transfer::of_batch(transaction, &file.message).await?;
    let is_left_out = |row: &TransferRow| {
        let is_covered = if row.attempt > 0 { has_paid_again } else { parts.contains(&row.part()) };
        is_covered && row.state == TransferState::Drafted && !named.contains_key(&row.reference)
    };
    let left_out: HashSet<Vec<u8>> =
        rows.iter().filter(|row| is_left_out(row)).map(|row| row.nullifier.clone()).collect();
    for row in rows.iter().filter(|row| !left_out.contains(&row.nullifier)) {
        if row.state == TransferState::Drafted {
            adopt_drafted(transaction, envelopes, row).await?;
        }
        keep_adopted(transaction, &row.reference, true).await?;
    }
    Ok(())
}

impl TreasuryStore<'_> {
    /// Whether the state was restored and does not know what went to the bank since.
    ///
    /// # Errors
    /// [`PaymentError::Store`].
    pub async fn is_restored(&self) -> Result<bool, PaymentError> {
        Ok(restored_at(&mut *self.0.pool().acquire().await?).await?.is_some())
    }

    /// Records the treasuries' files on the ledger that a restored state does not know, so that each is asked for;
    /// files of participants that are not treasuries are ignored.
    ///
    /// # Errors
    /// [`PaymentError::Store`].
    pub async fn keep_lost_files(&self, anchored: &[LedgerAnchor]) -> Result<(), PaymentError> {
        let mut transaction = self.0.begin().await?;
        for anchor in anchored.iter().filter(|one| one.number < NUMBER_MAX) {
            let known: Option<(i64,)> =
                sqlx::query_as("SELECT number FROM payment_file WHERE digest = $1 AND kind <> $2")
                    .bind(anchor.digest.to_vec())
                    .bind(release::LOST)
                    .fetch_optional(&mut *transaction)
                    .await?;
            if known.is_some() {
                continue;
            }
            sqlx::query(
                "INSERT INTO restore_lost_file (participant, number, digest, transfers, block)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(i64::from(anchor.participant.0))
            .bind(anchor.number as i64)
            .bind(anchor.digest.to_vec())
            .bind(anchor.count as i64)
            .bind(anchor.block as i64)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Marks the transfers of a file that was written before the restore as sent; returns how many. A transfer that
    /// this state does not know is reported by its reference.
    ///
    /// # Errors
    /// [`PaymentError::Restored`] if the state was not restored.
    pub async fn adopt_lost_file(
        &self,
        key: &super::TreasuryKey,
        bytes: &[u8],
        file: &LostFile,
    ) -> Result<(usize, Vec<String>), PaymentError> {
        let envelopes = Envelopes::new(self.0, key);
        let mut transaction = self.0.begin().await?;
        if restored_at(&mut transaction).await?.is_none() {
            return Err(RestoredRefusal::OwnFile.into());
        }
        let mut lost = LostTransfers::find(&mut transaction, &envelopes).await?;
        if file.has_all_parts {
            lost.learn_parts(&mut transaction, &envelopes, file).await?;
        }
        let (mut adopted, mut unknown) = (0, Vec::new());
        for sent in &file.transfers {
            match lost.adopt(&mut transaction, &envelopes, (sent, file)).await? {
                true => {
                    adopted += 1;
                    resumed::reference_is_known(&mut transaction, &sent.reference).await?;
                }
                false => {
                    resumed::keep_unknown(&mut transaction, &sent.reference).await?;
                    unknown.push(sent.reference.clone());
                }
            }
        }
        if !file.has_all_parts {
            adopt_other_parts(&mut transaction, &envelopes, file).await?;
        }
        // What was drafted at the time of the backup, and is not in the file that went out, waits as before.
        let touched: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT batch FROM payment_transfer
             JOIN payment_batch ON payment_batch.id = payment_transfer.batch
             WHERE state = 'drafted' AND written = 1",
        )
        .fetch_all(&mut *transaction)
        .await?;
        for (batch,) in touched {
            release::take_out_unwritten(&mut transaction, &batch).await?;
        }
        // It is with the bank: nothing writes it once more.
        sqlx::query("UPDATE payment_batch SET written = 1 WHERE id = $1 AND written = 3")
            .bind(&file.message)
            .execute(&mut *transaction)
            .await?;
        resumed::message_is_known(&mut transaction, &file.message).await?;
        // A file with an unknown transfer stays lost: nothing is paid until it is known.
        let kind = if unknown.is_empty() { file.kind } else { release::LOST };
        // Under its number on the ledger.
        use sha2::{Digest, Sha256};
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO payment_file (number, digest, kind, message, transfers, kept_at, block)
             SELECT number, digest, '{}', '', transfers, {}, block FROM restore_lost_file
             WHERE digest = $1 ORDER BY participant LIMIT 1 ON CONFLICT DO NOTHING",
            release::LOST,
            self.0.database().now()
        ));
        sqlx::query(statement)
            .bind(Sha256::digest(bytes).to_vec())
            .execute(&mut *transaction)
            .await?;
        let kept = release::NewFile { bytes, kind, message: file.message.as_str() };
        release::keep_file(self.0, &mut transaction, &kept, file.transfers.len()).await?;
        if unknown.is_empty() {
            sqlx::query("DELETE FROM restore_lost_file WHERE digest = $1")
                .bind(Sha256::digest(bytes).to_vec())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok((adopted, unknown))
    }
}
