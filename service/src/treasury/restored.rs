//! A state that was restored from a backup pays nothing until it knows what went to the bank since.
//!
//! References are the same whenever they are made, so what a bank's file or report names is found again
//! among the claims that this state takes for unpaid. Files that the ledger has and this state lost are known
//! by their hashes: each is brought again, by `import`, before anything is paid.

use std::collections::{HashMap, HashSet};

use praman_circuits::nullifier::SchemeId;
use praman_circuits::period::Period;
use quick_xml::Reader;
use quick_xml::events::Event;
use sqlx::AnyConnection;

use super::envelopes::{Envelopes, commitment_of};
use super::payment_file::share;
use super::transfer::{self, TransferReference, TransferRow};
use super::{release, resumed, terms};
use crate::error::ServiceError;
use crate::ledger::LedgerAnchor;
use crate::store::{Store, WriteTransaction, broken};

/// The setting that tells when the state was restored.
pub(super) const RESTORED: &str = "restored";

/// No treasury writes so many files.
const NUMBER_MAX: u64 = 1 << 40;

/// The most parts that an amount is paid in.
const PARTS_MAX: u32 = 12;

/// The most bytes of an id.
const ID_BYTES_MAX: usize = 64;

/// When the state was restored, in milliseconds since 1970, if what went to the bank since is not known.
pub(super) async fn restored_at(
    connection: &mut AnyConnection,
) -> Result<Option<i64>, ServiceError> {
    time_of(connection, RESTORED).await
}

/// The time that a setting tells, in milliseconds since 1970.
pub(super) async fn time_of(
    connection: &mut AnyConnection,
    setting: &str,
) -> Result<Option<i64>, ServiceError> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as("SELECT value FROM chain_setting WHERE key = $1")
        .bind(setting)
        .fetch_optional(connection)
        .await?;
    let at = row.map(|(value,)| value.try_into().map(i64::from_be_bytes));
    at.transpose().map_err(|_| broken("when the state was backed up or restored"))
}

/// Refuses to pay from a state that does not know what went to the bank.
///
/// # Errors
/// [`ServiceError::Refused`].
pub(super) async fn require_reconciled(connection: &mut AnyConnection) -> Result<(), ServiceError> {
    if restored_at(connection).await?.is_none() {
        return Ok(());
    }
    Err(ServiceError::Refused(
        "this state was restored from a backup, and does not know what went to the bank since: import the \
         files that were written since, and the bank's statements (praman treasury import), then praman \
         treasury resume"
            .to_owned(),
    ))
}

/// A file for the bank that was written before the state was restored.
pub struct LostFile {
    /// Its message's id.
    pub message: String,
    /// The references in it.
    pub references: Vec<String>,
}

impl LostFile {
    /// Reads a `pain.001`; none if it is another file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        if !text.contains("xsd:pain.001.") {
            return Ok(None);
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().trim_text(true);
        let (mut message, mut references, mut open) = (String::new(), Vec::new(), String::new());
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Eof => break,
                Event::DocType(_) => return Err("a payment file has no document type".to_owned()),
                Event::Start(element) => open = element.local_name().as_ref().to_owned(),
                Event::Text(content) if content.len() <= ID_BYTES_MAX => match open.as_str() {
                    "MsgId" => message = content.to_string(),
                    "EndToEndId" => references.push(content.to_string()),
                    _ => {}
                },
                Event::End(_) => open.clear(),
                _ => {}
            }
        }
        if message.is_empty() || references.is_empty() {
            return Err("the payment file names no message or no transfer".to_owned());
        }
        Ok(Some(Self { message, references }))
    }
}

/// A transfer that went out, of which the restored state knows nothing.
struct Lost {
    nullifier: Vec<u8>,
    part: u32,
    attempt: u32,
    /// None where the claim's envelope is not here.
    rupees: Option<u32>,
    scheme: String,
    period: i64,
    instalments: u32,
}

/// All transfers that may have gone out since a state was backed up, by reference.
pub(super) struct LostTransfers(HashMap<String, Lost>);

impl LostTransfers {
    /// Those of claims that are in no batch, and those by which others would be paid anew.
    pub(super) async fn find(
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'_>,
    ) -> Result<Self, ServiceError> {
        let key = envelopes.key();
        let mut found = HashMap::new();
        let mut keep = |lost: Lost| {
            let reference = TransferReference::of(key, &lost.nullifier, lost.part, lost.attempt);
            found.insert(reference.to_string(), lost);
        };
        let unpaid: Vec<(Vec<u8>, Vec<u8>, String, i64)> = sqlx::query_as(
            "SELECT nullifier, payout_commitment, scheme, period FROM accepted_claim
             WHERE batch IS NULL",
        )
        .fetch_all(&mut **transaction)
        .await?;
        for (nullifier, commitment, scheme, period) in unpaid {
            let payout = envelopes.payout(&nullifier, &commitment).await?.ok();
            let kept = instalments_of(transaction, &scheme, period).await?;
            // Where it is not known in how many parts it is paid, any part may be named.
            for part in 0..kept.unwrap_or(PARTS_MAX) {
                let rupees = payout.as_ref().zip(kept);
                let rupees = rupees.map(|(payout, of)| share(payout.amount, part, of));
                let (nullifier, scheme) = (nullifier.clone(), scheme.clone());
                let instalments = kept.unwrap_or(1);
                keep(Lost { nullifier, part, attempt: 0, rupees, scheme, period, instalments });
            }
        }
        let paid: Vec<(Vec<u8>, i64, i64, String, i64)> = sqlx::query_as(
            "SELECT nullifier, part, max(attempt), scheme, period FROM payment_transfer
             JOIN payment_batch ON payment_batch.id = payment_transfer.batch
             WHERE state <> 'drafted' GROUP BY nullifier, part, scheme, period",
        )
        .fetch_all(&mut **transaction)
        .await?;
        for (nullifier, part, attempt, scheme, period) in paid {
            let commitment = commitment_of(transaction, &nullifier).await?;
            let payout = envelopes.payout(&nullifier, &commitment).await?.ok();
            let kept = instalments_of(transaction, &scheme, period).await?;
            let (part, attempt) = (part as u32, attempt as u32 + 1);
            let rupees = payout.zip(kept).map(|(payout, of)| share(payout.amount, part, of));
            let instalments = kept.unwrap_or(1);
            keep(Lost { nullifier, part, attempt, rupees, scheme, period, instalments });
        }
        Ok(Self(found))
    }

    /// Takes a transfer that a bank's file or report names for sent, with the other parts of its claim, in a
    /// batch of some id; true if it is one of those that were lost. One that was drafted when the state was
    /// backed up went out with its batch.
    pub(super) async fn adopt(
        &self,
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'_>,
        (reference, message): (&str, Option<&str>),
    ) -> Result<bool, ServiceError> {
        let key = envelopes.key();
        if let Some(row) = transfer::find(transaction, reference).await? {
            let whole = message.is_none();
            return adopt_drafted(transaction, envelopes, &row, whole).await;
        }
        let Some(lost) = self.0.get(reference) else { return Ok(false) };
        let of = key
            .tag(b"praman.restored-batch.1", &[lost.scheme.as_bytes(), &lost.period.to_be_bytes()]);
        let own = format!("restored-{}", hex::encode(&of[..8]));
        let message = message.unwrap_or(&own);
        sqlx::query(
            "INSERT INTO payment_batch
                 (id, scheme, period, created_on, instalments, debtor, folder, written)
             VALUES ($1, $2, $3, '', $4, '', '', 1) ON CONFLICT (id) DO NOTHING",
        )
        .bind(message)
        .bind(&lost.scheme)
        .bind(lost.period)
        .bind(i64::from(lost.instalments))
        .execute(&mut **transaction)
        .await?;
        let parts: Vec<&Lost> = match lost.attempt {
            // The file that pays a claim has all of its parts.
            0 if lost.rupees.is_some() => {
                let same = |one: &&Lost| one.nullifier == lost.nullifier && one.attempt == 0;
                self.0.values().filter(same).collect()
            }
            _ => vec![lost],
        };
        for one in parts.into_iter().filter(|one| one.rupees != Some(0)) {
            let of = (one.part, one.attempt);
            let made = transfer::draft(transaction, key, message, &one.nullifier, of).await?;
            transfer::send(transaction, key, made.as_str(), one.rupees).await?;
        }
        if lost.attempt == 0 {
            sqlx::query("UPDATE accepted_claim SET batch = $1 WHERE nullifier = $2")
                .bind(message)
                .bind(&lost.nullifier)
                .execute(&mut **transaction)
                .await?;
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
        transfer::settle_claim(transaction, &lost.nullifier, None).await?;
        Ok(true)
    }
}

/// Takes a transfer of a batch that was drafted when the state was backed up for sent; by a bank's report its
/// whole batch, by the file that went out what the file names.
async fn adopt_drafted(
    transaction: &mut WriteTransaction,
    envelopes: &Envelopes<'_>,
    row: &TransferRow,
    whole: bool,
) -> Result<bool, ServiceError> {
    if row.state()? != transfer::TransferState::Drafted {
        return Ok(true);
    }
    let (instalments,): (i64,) =
        sqlx::query_as("SELECT instalments FROM payment_batch WHERE id = $1")
            .bind(&row.batch)
            .fetch_one(&mut **transaction)
            .await?;
    let rows = match whole {
        true => transfer::of_batch(transaction, &row.batch).await?,
        false => vec![row.clone()],
    };
    for one in rows {
        let payout = envelopes.of_transfer(transaction, &one).await?.ok();
        let rupees =
            payout.map(|payout| share(payout.amount, one.part(), instalments.max(1) as u32));
        transfer::send(transaction, envelopes.key(), &one.reference, rupees).await?;
    }
    // What waited for a second person went out: there is nothing to approve or deny any more.
    sqlx::query("UPDATE payment_batch SET written = 1, approval = NULL WHERE id = $1")
        .bind(&row.batch)
        .execute(&mut **transaction)
        .await?;
    Ok(true)
}

async fn instalments_of(
    connection: &mut AnyConnection,
    scheme: &str,
    period: i64,
) -> Result<Option<u32>, ServiceError> {
    let scheme: SchemeId = scheme.parse().map_err(|_| broken("a claim's scheme"))?;
    let kept = terms::kept(connection, &scheme, Period(period as u32)).await?;
    Ok(kept.map(|kept| kept.instalments))
}

impl Store {
    /// Whether the state was restored and does not know what went to the bank since.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn is_restored(&self) -> Result<bool, ServiceError> {
        Ok(restored_at(&mut *self.pool().acquire().await?).await?.is_some())
    }

    /// Keeps which files the ledger has that a restored state lost, so that each is asked for and no number
    /// is given twice.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn keep_lost_files(&self, anchored: &[LedgerAnchor]) -> Result<(), ServiceError> {
        let mut transaction = self.begin().await?;
        let now = self.database().now();
        // Others anchor on the same ledger: this treasury's are by whom its known files were anchored, or all
        // where one operator has every role.
        let known: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT number, digest FROM payment_file WHERE block IS NOT NULL")
                .fetch_all(&mut *transaction)
                .await?;
        let is_known = |one: &LedgerAnchor| {
            known.iter().any(|(number, digest)| {
                *number as u64 == one.number && digest.as_slice() == one.digest.as_slice()
            })
        };
        let own: HashSet<u32> =
            anchored.iter().filter(|one| is_known(one)).map(|one| one.participant.0).collect();
        let alone = !crate::ledger::is_on_real_nodes(&mut transaction).await?;
        let of_own = |one: &&LedgerAnchor| {
            (alone || own.contains(&one.participant.0)) && one.number < NUMBER_MAX
        };
        for anchor in anchored.iter().filter(of_own) {
            let statement = sqlx::AssertSqlSafe(format!(
                "INSERT INTO payment_file (number, digest, kind, message, transfers, kept_at, block)
                 VALUES ($1, $2, '{}', '', $3, {now}, $4) ON CONFLICT DO NOTHING",
                release::LOST
            ));
            sqlx::query(statement)
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

    /// Takes the transfers of a file that was written before the state was restored for sent; how many.
    /// What this state does not know of is told by its reference.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] if the state was not restored.
    pub async fn adopt_lost_file(
        &self,
        key: &super::TreasuryKey,
        bytes: &[u8],
        file: &LostFile,
    ) -> Result<(usize, Vec<String>), ServiceError> {
        let envelopes = Envelopes::new(self, key);
        let mut transaction = self.begin().await?;
        if restored_at(&mut transaction).await?.is_none() {
            let reason = "this is a file that goes to the bank, not one that comes from it; it is imported \
                          only after a restore";
            return Err(ServiceError::Refused(reason.to_owned()));
        }
        let lost = LostTransfers::find(&mut transaction, &envelopes).await?;
        let (mut adopted, mut unknown) = (0, Vec::new());
        for reference in &file.references {
            let of = (reference.as_str(), Some(file.message.as_str()));
            match lost.adopt(&mut transaction, &envelopes, of).await? {
                true => {
                    adopted += 1;
                    resumed::reference_is_known(&mut transaction, reference).await?;
                }
                false => unknown.push(reference.clone()),
            }
        }
        // What was drafted when the state was backed up, and is not in the file that went out, waits as before.
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
        resumed::message_is_known(&mut transaction, &file.message).await?;
        // A file of which something is not known stays lost: until it is, nothing is paid.
        let kind = if unknown.is_empty() { "pain.001" } else { release::LOST };
        let kept = release::NewFile { bytes, kind, message: file.message.as_str() };
        release::keep_file(self, &mut transaction, &kept, file.references.len()).await?;
        transaction.commit().await?;
        Ok((adopted, unknown))
    }
}
