//! What lets a batch go out: a second person, where two are needed; and the files that went, for the ledger.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use crate::access_control::{ApprovalKind, Caller, Role};
use crate::error::ServiceError;
use crate::ledger::{AnchorSeries, Chain, LedgerError, Network};
use crate::store::{Store, broken};

/// What a second person approves: a batch, by all that tells of no person.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentDocument {
    pub(super) batch: String,
    pub(super) scheme: String,
    pub(super) period: u32,
    pub(super) transfers: usize,
}

impl PaymentDocument {
    /// Has the batch wait for a second person, if there are two treasurers; the approval's number.
    pub(super) async fn ask(
        &self,
        store: &Store,
        connection: &mut AnyConnection,
        by: &Caller,
    ) -> Result<Option<u32>, ServiceError> {
        if store.live_principals(connection, &[Role::Treasury]).await? < 2 {
            return Ok(None);
        }
        if by.role != Role::Treasury || by.principal.is_none() {
            let reason = "where there are treasurers, they pay: say who acts by --as FILE";
            return Err(ServiceError::Refused(reason.to_owned()));
        }
        let document = serde_json::to_string(self).expect("plain data");
        let (kind, tenant) = (ApprovalKind::Pay, by.tenant_column());
        Ok(Some(store.ask_approval(connection, kind, tenant, &document, by).await?))
    }
}

/// A batch that a second person has denied, or that none has approved in time, is none: its claims wait to be paid as before.
///
/// # Errors
/// [`ServiceError::Store`].
pub(crate) async fn drop_batch(
    connection: &mut AnyConnection,
    document: &str,
) -> Result<(), ServiceError> {
    let PaymentDocument { batch, .. } =
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))?;
    for statement in [
        "UPDATE claim SET state = 'accepted' WHERE state = 'ordered' AND nullifier IN
             (SELECT nullifier FROM accepted_claim WHERE batch = $1)",
        "UPDATE accepted_claim SET batch = NULL WHERE batch = $1",
        // What was to be paid anew is returned as it was.
        "UPDATE payment_transfer SET state = 'returned'
         WHERE state = 'reissued' AND EXISTS
             (SELECT 1 FROM payment_transfer AS anew WHERE anew.batch = $1
                  AND anew.nullifier = payment_transfer.nullifier
                  AND anew.part = payment_transfer.part
                  AND anew.attempt = payment_transfer.attempt + 1)",
        "DELETE FROM payment_transfer WHERE batch = $1",
        "UPDATE payment_batch SET written = 2 WHERE id = $1 AND written = 0",
    ] {
        sqlx::query(statement).bind(&batch).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A file that goes to the bank or came from it.
pub(super) struct NewFile<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) kind: &'a str,
    pub(super) message: &'a str,
}

/// Keeps that there was a file; its number, or none if it is known.
pub(super) async fn keep_file(
    store: &Store,
    connection: &mut AnyConnection,
    file: &NewFile<'_>,
    transfers: usize,
) -> Result<Option<u64>, ServiceError> {
    let now = store.database().now();
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO payment_file (number, digest, kind, message, transfers, kept_at)
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, {now} FROM payment_file WHERE true
         ON CONFLICT (digest) DO NOTHING RETURNING number"
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

/// A file that went to the bank or came from it, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptFile {
    /// Its number.
    pub number: u64,
    /// SHA-256, hexadecimal.
    pub digest: String,
    /// pain.001, pain.002 or camt.053.
    pub kind: String,
    /// Its message's id.
    pub message: String,
    /// How many transfers it is about.
    pub transfers: u64,
    /// The block that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
}

impl Store {
    /// All files that went to the bank and came from it, in order.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn payment_files(&self) -> Result<Vec<KeptFile>, ServiceError> {
        type Columns = (i64, Vec<u8>, String, String, i64, Option<i64>);
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT number, digest, kind, message, transfers, block FROM payment_file
             ORDER BY number",
        )
        .fetch_all(self.pool())
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

    /// Brings what the ledger does not have of the files to it: each by its number, hash and count. How
    /// many were brought.
    ///
    /// # Errors
    /// [`LedgerError`]: what was not kept here is brought again, which changes nothing.
    pub async fn anchor_payment_files<C: Chain>(
        &self,
        network: &mut Network<C>,
        account: Address,
    ) -> Result<usize, LedgerError> {
        let files = self.payment_files().await?;
        let new = files.into_iter().filter(|file| file.block.is_none());
        let mut brought = 0;
        for file in new {
            let digest = crate::named::read_digest(&file.digest)
                .ok_or_else(|| broken("a payment file's digest"))?;
            let said = (file.number, digest, file.transfers);
            let anchor = network.anchor(account, AnchorSeries::Payments, said).await?;
            sqlx::query("UPDATE payment_file SET block = $1 WHERE number = $2")
                .bind(anchor.block as i64)
                .bind(file.number as i64)
                .execute(self.writer())
                .await
                .map_err(ServiceError::from)?;
            brought += 1;
        }
        Ok(brought)
    }
}
