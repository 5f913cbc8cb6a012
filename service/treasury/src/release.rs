//! The release of a batch, by a second person if two are needed; and the files that went out, for the ledger.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use praman_access::{AccessStore, ApprovalKind, Caller, Role};
use praman_circuits::payee::Payee;
use praman_claims::payment;
use praman_ledger::{AnchorSeries, Chain, LedgerError, Network, accepted_claim};
use praman_register::small_cells::FEW;
use praman_store::error::StoreError;
use praman_store::{Store, broken};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::bank_format::BankFormat;
use super::envelopes::Envelopes;
use super::key::TreasuryKey;
use super::payment_file::{Debtor, share};
use super::reporting::reason_of;
use super::transfer;
use crate::TreasuryStore;
use crate::refusal::PaymentError;
use crate::refusal::PaymentRefusal;

/// What a second person approves: a batch, without anything that identifies a person.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentDocument {
    pub(super) batch: String,
    pub(super) scheme: String,
    pub(super) period: u32,
    pub(super) transfers: usize,
    /// Their sum; none if they are so few that it would reveal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rupees: Option<u64>,
    /// What is in it: a hash that only the treasury's key can make, compared before the file is written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) contents: String,
    /// Whether returned transfers are paid again.
    #[serde(default)]
    pub(super) paid_anew: bool,
    /// Into how many parts a claim is paid, and when the first is.
    #[serde(default)]
    pub(super) instalments: u32,
    /// Whether several claims of the period may go to one account without two treasurers releasing each.
    #[serde(default)]
    pub(super) shared_accounts: bool,
    #[serde(default)]
    pub(super) on: String,
    /// The account that is paid from.
    #[serde(default)]
    pub(super) debtor: String,
    /// The bank's own format of its files, by name and digest; empty for ISO 20022.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) format: String,
}

impl PaymentDocument {
    /// Reads the document of an approval.
    fn read(document: &str) -> Result<Self, StoreError> {
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))
    }

    /// Makes the batch wait for a second person, if there are or once were two treasurers; returns the
    /// approval's number.
    ///
    /// # Errors
    /// [`PaymentError::Refused`] if the caller is no treasurer, or is the only one left of two, who can't pay
    /// alone.
    pub(super) async fn ask(
        &self,
        store: &Store,
        connection: &mut AnyConnection,
        by: &Caller,
    ) -> Result<Option<u32>, PaymentError> {
        if !AccessStore(store).were_two_at_once(connection, &[Role::Treasury]).await? {
            return Ok(None);
        }
        if by.role != Role::Treasury || by.principal.is_none() {
            return Err(PaymentRefusal::NotTreasurer.into());
        }
        if AccessStore(store).live_principals(connection, &[Role::Treasury]).await? < 2 {
            return Err(PaymentRefusal::OneTreasurer.into());
        }
        let document = serde_json::to_string(self).expect("plain data");
        let (kind, tenant) = (ApprovalKind::Pay, by.tenant_column());
        Ok(Some(AccessStore(store).ask_approval(connection, kind, tenant, &document, by).await?))
    }
}

/// Refuses a request that two treasurers decide if there are not two.
pub(super) async fn require_two_treasurers(
    store: &Store,
    connection: &mut AnyConnection,
    by: &Caller,
) -> Result<(), PaymentError> {
    if by.role != Role::Treasury || by.principal.is_none() {
        return Err(PaymentRefusal::NeedsTreasurer.into());
    }
    if AccessStore(store).live_principals(connection, &[Role::Treasury]).await? < 2 {
        return Err(PaymentRefusal::NotTwoTreasurers.into());
    }
    Ok(())
}

/// The contents of a batch while it is drafted.
#[derive(Default)]
pub(super) struct BatchContents {
    lines: BTreeSet<[u8; 32]>,
    rupees: u64,
    paid_anew: bool,
}

/// What is shown of a batch's contents.
pub(super) struct ToldContents {
    pub(super) transfers: usize,
    pub(super) rupees: Option<u64>,
    pub(super) digest: String,
    pub(super) paid_anew: bool,
}

impl BatchContents {
    /// Adds a transfer: a claim's part, its attempt, its amount and its payee.
    pub(super) fn add(
        &mut self,
        key: &TreasuryKey,
        (nullifier, part, attempt): (&[u8], u32, u32),
        rupees: u32,
        payee: &Payee,
    ) {
        let parts = [
            nullifier,
            &part.to_be_bytes(),
            &attempt.to_be_bytes(),
            &rupees.to_be_bytes(),
            payee.account.as_bytes(),
            payee.ifsc.as_bytes(),
            payee.name.as_bytes(),
        ];
        self.lines.insert(key.tag(b"praman.batch-line.1", &parts));
        self.rupees += u64::from(rupees);
        self.paid_anew |= attempt > 0;
    }

    /// Returns what a second person is shown.
    pub(super) fn told(&self, key: &TreasuryKey) -> ToldContents {
        let lines: Vec<&[u8]> = self.lines.iter().map(<[u8; 32]>::as_slice).collect();
        ToldContents {
            transfers: self.lines.len(),
            rupees: (self.lines.len() as u64 >= FEW).then_some(self.rupees),
            digest: hex::encode(key.tag(b"praman.batch-contents.1", &lines)),
            paid_anew: self.paid_anew,
        }
    }
}

/// Refuses a batch that differs from what was approved.
///
/// # Errors
/// [`PaymentError::Refused`].
pub(super) async fn require_as_approved(
    connection: &mut AnyConnection,
    envelopes: &Envelopes<'_>,
    (batch, document): (&str, &str),
) -> Result<(), PaymentError> {
    let document = PaymentDocument::read(document)?;
    // A document of an earlier version does not have them.
    if document.contents.is_empty() {
        return Ok(());
    }
    let differs = || PaymentError::from(PaymentRefusal::NotAsApproved(batch.to_owned()));
    let (instalments, on, debtor): (i64, String, String) =
        sqlx::query_as("SELECT instalments, created_on, debtor FROM payment_batch WHERE id = $1")
            .bind(batch)
            .fetch_one(&mut *connection)
            .await?;
    let debtor = serde_json::from_str(&debtor).map_err(|_| differs())?;
    let is_as_told = instalments == i64::from(document.instalments)
        && on == document.on
        && told_debtor(&debtor) == document.debtor;
    if !is_as_told {
        return Err(differs());
    }
    let mut contents = BatchContents::default();
    for row in transfer::of_batch(connection, batch).await? {
        let opened = envelopes.of_transfer(connection, &row).await?.map_err(|reason| {
            PaymentRefusal::ApprovedUnopened { batch: batch.to_owned(), reason }
        })?;
        let rupees = share(opened.amount, row.part(), document.instalments.max(1));
        let of = (row.nullifier.as_slice(), row.part(), row.attempt as u32);
        contents.add(envelopes.key(), of, rupees, &opened.payee);
    }
    if contents.told(envelopes.key()).digest != document.contents {
        return Err(differs());
    }
    Ok(())
}

/// Returns the bank's own format of a batch's files, as a second person sees it: its name and SHA-256. Empty for ISO
/// 20022.
pub(super) fn told_format(format: Option<&BankFormat>) -> String {
    format.map_or_else(String::new, |format| {
        format!("{} {}", format.name(), hex::encode(Sha256::digest(format.text())))
    })
}

/// Refuses to write a batch in another format than two treasurers approved: a format says which account stands where.
///
/// # Errors
/// [`PaymentError::Refused`].
pub(super) fn require_format_as_approved(
    (batch, document): (&str, &str),
    format: Option<&BankFormat>,
) -> Result<(), PaymentError> {
    let document = PaymentDocument::read(document)?;
    if document.format == told_format(format) {
        return Ok(());
    }
    let approved = match document.format.as_str() {
        "" => "ISO 20022: leave out --format",
        own => own,
    };
    let (batch, approved) = (batch.to_owned(), approved.to_owned());
    Err(PaymentRefusal::OtherFormat { batch, approved }.into())
}

/// Returns the account that a batch is paid from, as a second person sees it.
pub(super) fn told_debtor(Debtor { name, account, ifsc }: &Debtor) -> String {
    format!("{name}, {account}, {ifsc}")
}

/// Drops a batch that a second person has denied, or that no one has approved in time: its claims wait to be
/// paid as before. False if it went out.
///
/// # Errors
/// [`PaymentError::Store`].
pub(super) async fn drop_batch(
    connection: &mut AnyConnection,
    document: &str,
) -> Result<bool, StoreError> {
    let PaymentDocument { batch, .. } = PaymentDocument::read(document)?;
    let dropped = sqlx::query("UPDATE payment_batch SET written = 2 WHERE id = $1 AND written = 0")
        .bind(&batch)
        .execute(&mut *connection)
        .await?;
    // One that went out stays as it is.
    if dropped.rows_affected() == 0 {
        return Ok(false);
    }
    take_out(connection, &batch, "true").await?;
    Ok(true)
}

/// Takes the transfers out of a batch that its known file does not name.
///
/// # Errors
/// [`PaymentError::Store`].
pub(super) async fn take_out_unwritten(
    connection: &mut AnyConnection,
    batch: &str,
) -> Result<(), StoreError> {
    let unwritten = "nullifier IN (SELECT nullifier FROM payment_transfer
                                   WHERE batch = $1 AND state = 'drafted')";
    take_out(connection, batch, unwritten).await
}

/// Takes out of a drafted batch what has been frozen since, and what a bank reports as already paid: it is not
/// paid, and waits as before.
///
/// # Errors
/// [`PaymentError::Store`].
pub(super) async fn take_out_held(
    connection: &mut AnyConnection,
    batch: &str,
) -> Result<(), StoreError> {
    let held = "nullifier IN (SELECT nullifier FROM dispute WHERE payable = 0
                              UNION SELECT nullifier FROM payment_transfer WHERE contested = 1)";
    take_out(connection, batch, held).await
}

/// Takes the claims that meet a condition out of a batch, and what was to be paid again for them.
async fn take_out(
    connection: &mut AnyConnection,
    batch: &str,
    condition: &str,
) -> Result<(), StoreError> {
    let anew = sqlx::AssertSqlSafe(format!(
        "SELECT nullifier, reason FROM payment_transfer AS returned
         WHERE state = 'reissued' AND {condition} AND EXISTS {ANEW}"
    ));
    let anew: Vec<(Vec<u8>, Option<String>)> =
        sqlx::query_as(anew).bind(batch).fetch_all(&mut *connection).await?;
    let claims = sqlx::AssertSqlSafe(format!(
        "SELECT nullifier FROM accepted_claim WHERE batch = $1 AND {condition}"
    ));
    let claims: Vec<Vec<u8>> =
        sqlx::query_scalar(claims).bind(batch).fetch_all(&mut *connection).await?;
    payment::keep_taken_out(connection, &claims).await?;
    accepted_claim::take_out_of_batch(connection, &claims).await?;
    for statement in [
        // A correction is for one payment: the next one is requested again, with or without its own.
        format!(
            "DELETE FROM payment_correction WHERE reference IN
                 (SELECT returned.reference FROM payment_transfer AS returned
                  WHERE {condition} AND EXISTS {ANEW})"
        ),
        // Its account does not count any more either.
        format!(
            "DELETE FROM payment_payee WHERE part >= 0 AND {condition} AND EXISTS
                 (SELECT 1 FROM payment_transfer AS anew WHERE anew.batch = $1
                      AND anew.nullifier = payment_payee.nullifier AND anew.part = payment_payee.part
                      AND anew.attempt = payment_payee.attempt)"
        ),
        // What was to be paid again is returned, as before.
        format!(
            "UPDATE payment_transfer AS returned SET state = 'returned'
             WHERE state = 'reissued' AND {condition} AND EXISTS {ANEW}"
        ),
        format!("DELETE FROM payment_transfer WHERE batch = $1 AND {condition}"),
    ] {
        let statement = sqlx::AssertSqlSafe(statement);
        sqlx::query(statement).bind(batch).execute(&mut *connection).await?;
    }
    // The claimant is informed again that it came back, and why.
    for (nullifier, code) in anew {
        let reason = code.as_deref().map(reason_of);
        transfer::settle_claim(connection, &nullifier, reason).await?;
    }
    Ok(())
}

/// The transfers of a batch that pay a returned one again.
const ANEW: &str = "(SELECT 1 FROM payment_transfer AS anew WHERE anew.batch = $1
                         AND anew.nullifier = returned.nullifier AND anew.part = returned.part
                         AND anew.attempt = returned.attempt + 1)";

/// A file for the bank or from it.
pub(super) struct NewFile<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) kind: &'a str,
    pub(super) message: &'a str,
}

/// The kind of a file that is on the ledger and that a restored state lost.
pub(super) const LOST: &str = "lost";

/// Records a file; returns its number, or none if it is known.
pub(super) async fn keep_file(
    store: &Store,
    connection: &mut AnyConnection,
    file: &NewFile<'_>,
    transfers: usize,
) -> Result<Option<u64>, PaymentError> {
    let now = store.database().now();
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO payment_file (number, digest, kind, message, transfers, kept_at)
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, {now}
         FROM (SELECT number FROM payment_file UNION ALL SELECT number FROM restore_lost_file) AS known
         WHERE true
         ON CONFLICT (digest) DO UPDATE
             SET kind = excluded.kind, message = excluded.message, transfers = excluded.transfers,
                 kept_at = excluded.kept_at
             WHERE payment_file.kind = '{LOST}' RETURNING number"
    ));
    let number: Option<(i64,)> = sqlx::query_as(statement)
        .bind(Sha256::digest(file.bytes).to_vec())
        .bind(file.kind)
        .bind(file.message)
        .bind(transfers as i64)
        .fetch_optional(connection)
        .await?;
    Ok(number.map(|(number,)| number as u64))
}

/// Whether a file of these bytes is known.
pub(super) async fn is_kept(store: &Store, bytes: &[u8]) -> Result<bool, PaymentError> {
    let known: Option<(i64,)> =
        sqlx::query_as("SELECT number FROM payment_file WHERE digest = $1 AND kind <> $2")
            .bind(Sha256::digest(bytes).to_vec())
            .bind(LOST)
            .fetch_optional(store.pool())
            .await?;
    Ok(known.is_some())
}

/// A file for the bank or from it, as on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptFile {
    /// Its number.
    pub number: u64,
    /// SHA-256, hexadecimal.
    pub digest: String,
    /// pain.001, pain.002 or camt.053; bank-file or bank-report in a bank's own format.
    pub kind: String,
    /// Its message's id.
    pub message: String,
    /// How many transfers it names.
    pub transfers: u64,
    /// The block that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
}

impl TreasuryStore<'_> {
    /// Returns all files for the bank and from it, in order.
    ///
    /// # Errors
    /// [`PaymentError::Store`].
    pub async fn payment_files(&self) -> Result<Vec<KeptFile>, StoreError> {
        type Columns = (i64, Vec<u8>, String, String, i64, Option<i64>);
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT number, digest, kind, message, transfers, block FROM payment_file
             ORDER BY number",
        )
        .fetch_all(self.0.pool())
        .await?;
        let file = |(number, digest, kind, message, transfers, block): Columns| KeptFile {
            number: number as u64,
            digest: hex::encode(digest),
            kind,
            message,
            transfers: transfers as u64,
            block: block.map(|block| block as u64),
        };
        Ok(rows.into_iter().map(file).collect())
    }

    /// Puts the files that the ledger lacks on it: each by its number, hash and count. Returns how many.
    ///
    /// # Errors
    /// [`LedgerError`]: what was not recorded here is sent again, which changes nothing.
    pub async fn anchor_payment_files<C: Chain>(
        &self,
        network: &mut Network<C>,
        account: Address,
    ) -> Result<usize, LedgerError> {
        let files = self.payment_files().await?;
        let new = files.into_iter().filter(|file| file.block.is_none());
        let mut brought = 0;
        for file in new {
            let digest = praman_store::named::read_digest(&file.digest)
                .ok_or_else(|| broken("a payment file's digest"))?;
            let said = (file.number, digest, file.transfers);
            let anchor = network.anchor(account, AnchorSeries::Payments, said).await?;
            sqlx::query("UPDATE payment_file SET block = $1 WHERE number = $2")
                .bind(anchor.block as i64)
                .bind(file.number as i64)
                .execute(self.0.writer())
                .await
                .map_err(StoreError::from)?;
            brought += 1;
        }
        Ok(brought)
    }
}

#[cfg(test)]
mod tests {
    use praman_store::{Location, Store};

    /// Drafts a claim that is paid again by a correction, and one that is paid for the first time.
    async fn drafted(folder: &std::path::Path) -> Store {
        let store = Store::connect(&Location::Folder(folder.to_owned())).await.expect("a store");
        for statement in [
            "INSERT INTO payment_batch (id, scheme, period, created_on, instalments, debtor, folder, written)
             VALUES ('a', 's', 1, '2026-12-01', 1, '', '', 1), ('b', 's', 1, '2026-12-02', 1, '', '', 0)",
            "INSERT INTO accepted_claim (nullifier, scheme, period, payout_commitment, block, batch)
             VALUES (x'01', 's', 1, x'00', 1, 'a'), (x'02', 's', 1, x'00', 1, 'b'), (x'03', 's', 1, x'00', 1, 'b')",
            "INSERT INTO payment_transfer (reference, batch, nullifier, part, attempt, state)
             VALUES ('1-0', 'a', x'01', 0, 0, 'reissued'), ('1-1', 'b', x'01', 0, 1, 'ordered'),
                    ('2-0', 'b', x'02', 0, 0, 'ordered'), ('3-0', 'b', x'03', 0, 0, 'ordered')",
            "UPDATE payment_transfer SET reason = 'AC04' WHERE reference = '1-0'",
            "INSERT INTO claim (id, nullifier, state, scheme, period, \"window\", state_root, as_of,
                 payout_commitment, proof, holder, held_until, received_at)
             VALUES (x'01', x'01', 'ordered', 's', 1, 1, x'00', 0, x'00', x'00', '', 0, 0)",
            "INSERT INTO payment_correction (reference, office, sealed) VALUES ('1-0', 0, x'00')",
            "INSERT INTO dispute (nullifier, payable, block) VALUES (x'02', 0, 2), (x'03', 1, 2)",
        ] {
            sqlx::query(statement).execute(store.writer()).await.expect("put");
        }
        store
    }

    async fn told(store: &Store) -> (Vec<(String, String)>, i64, Vec<(Option<String>,)>) {
        let transfers = "SELECT reference, state FROM payment_transfer ORDER BY reference";
        let transfers = sqlx::query_as(transfers).fetch_all(store.pool()).await.expect("read");
        let (corrections,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM payment_correction")
            .fetch_one(store.pool())
            .await
            .expect("read");
        let batches = "SELECT batch FROM accepted_claim ORDER BY nullifier";
        let batches = sqlx::query_as(batches).fetch_all(store.pool()).await.expect("read");
        (transfers, corrections, batches)
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|&(one, other)| (one.to_owned(), other.to_owned())).collect()
    }

    #[tokio::test]
    async fn batch_that_is_denied_leaves_no_correction_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = drafted(folder.path()).await;
        let mut transaction = store.begin().await.expect("begun");
        let document = r#"{"batch":"b","scheme":"s","period":1,"transfers":3}"#;
        super::drop_batch(&mut transaction, document).await.expect("dropped");
        transaction.commit().await.expect("kept");
        let (transfers, corrections, batches) = told(&store).await;
        assert_eq!(transfers, pairs(&[("1-0", "returned")]));
        assert_eq!(corrections, 0, "the next payment is not by what was denied");
        let claim: (String, String) = sqlx::query_as("SELECT state, reason FROM claim")
            .fetch_one(store.pool())
            .await
            .expect("read");
        assert_eq!(claim, ("returned".to_owned(), "account-closed".to_owned()));
        assert_eq!(batches, [(Some("a".to_owned()),), (None,), (None,)]);
    }

    #[tokio::test]
    async fn claim_frozen_after_drafting_is_taken_out_of_its_batch() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = drafted(folder.path()).await;
        let mut transaction = store.begin().await.expect("begun");
        super::take_out_held(&mut transaction, "b").await.expect("taken out");
        transaction.commit().await.expect("kept");
        let (transfers, corrections, batches) = told(&store).await;
        let kept = [("1-0", "reissued"), ("1-1", "ordered"), ("3-0", "ordered")];
        assert_eq!((transfers, corrections), (pairs(&kept), 1));
        assert_eq!(batches, [(Some("a".to_owned()),), (None,), (Some("b".to_owned()),)]);
        // What was to be paid again is returned, as before, and has no correction.
        sqlx::query("UPDATE dispute SET nullifier = x'01' WHERE nullifier = x'02'")
            .execute(store.writer())
            .await
            .expect("put");
        let mut transaction = store.begin().await.expect("begun");
        super::take_out_held(&mut transaction, "b").await.expect("taken out");
        transaction.commit().await.expect("kept");
        let (transfers, corrections, _) = told(&store).await;
        let kept = [("1-0", "returned"), ("3-0", "ordered")];
        assert_eq!((transfers, corrections), (pairs(&kept), 0));
    }
}
