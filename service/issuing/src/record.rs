//! Uploaded registers in the store.

use std::collections::HashMap;
use std::time::Duration;

use praman_circuits::office::{OfficeId, OfficeRoot};
use praman_register::Counts;
use praman_store::error::StoreError;
use praman_store::{Database, WriteTransaction, broken, bytes, field, milliseconds};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::review::{RowReview, keep_review};
use super::upload::{
    IssuingFault, RegisterContent, RegisterId, RegisterUpload, SealedFor, UploadOutcome,
};
use crate::IssuingStore;

/// Limits of issuing.
#[derive(Clone, Copy, Debug)]
pub struct IssuingLimits {
    /// Bytes of a register: an office's tree has 262,144 places, whose rows have some 54 MB.
    pub register_bytes_max: u64,
    /// Lines of a register.
    pub register_lines_max: usize,
    /// Registers that an office uploads at a time.
    pub uploads_max: usize,
    /// Registers of one office that wait.
    pub waiting_max: u32,
    /// How long a program holds a register without reporting progress.
    pub lease: Duration,
    /// How many programs may die over a register before it is given up.
    pub deaths_max: u32,
    /// How long to wait after something failed.
    pub rest: Duration,
    /// How long a register's results are kept.
    pub kept: Duration,
}

impl Default for IssuingLimits {
    fn default() -> Self {
        Self {
            register_bytes_max: 64 * 1024 * 1024,
            register_lines_max: 600_000,
            uploads_max: 2,
            waiting_max: 16,
            lease: Duration::from_secs(60),
            deaths_max: 3,
            rest: Duration::from_secs(5),
            kept: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// A register that a program works on.
pub(super) struct TakenUpload {
    pub(super) id: RegisterId,
    pub(super) office: OfficeId,
    pub(super) makes_secrets: bool,
    /// Whether an officer has said that its row is a different person.
    pub(super) reviewed: bool,
    pub(super) data_key: Vec<u8>,
    pub(super) attempt: i64,
    pub(super) deaths: i64,
}

/// The result of completing an upload.
pub(super) enum UploadEnd {
    /// It is stored.
    Kept,
    /// Too many of its office wait: nothing is stored.
    TooManyWait,
    /// Its row has been reviewed before: nothing is stored.
    SaidBefore,
}

/// Rows of the registers that an office issued to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// All rows.
    pub rows: u64,
    /// Rows that were rejected for what they contain.
    pub rejected: u64,
    /// Rows that were treated as duplicates.
    pub duplicates: u64,
    /// Rows without a commitment of the person's wallet.
    pub without_subject: u64,
}

const COLUMNS: &str = "id, office, state, reason, message, bytes, checked_bytes, counts_rows, \
                       counts_accepted, counts_rejected, counts_duplicates, already_issued, \
                       repeated, without_subject, refused, enrolled, to_review, issued, root, uploaded_at";

fn read(row: &AnyRow) -> Result<RegisterUpload, StoreError> {
    let id: Vec<u8> = row.try_get("id")?;
    let number = |column: &str| row.try_get::<i64, _>(column).map(|number| number as u64);
    let count = |column: &str| row.try_get::<i64, _>(column).map(|number| number as usize);
    let root: Option<Vec<u8>> = row.try_get("root")?;
    let outcome = root.map(|root| {
        Ok::<_, StoreError>(UploadOutcome {
            counts: Counts {
                rows: count("counts_rows")?,
                accepted: count("counts_accepted")?,
                rejected: count("counts_rejected")?,
                duplicates: count("counts_duplicates")?,
            },
            already_issued: count("already_issued")?,
            repeated: count("repeated")?,
            without_subject: count("without_subject")?,
            refused: count("refused")?,
            enrolled: count("enrolled")?,
            to_review: count("to_review")?,
            issued: count("issued")?,
            root: OfficeRoot::from_field(field(&root)?),
        })
    });
    Ok(RegisterUpload {
        id: RegisterId::from_column(&id).ok_or_else(|| broken("a register's id"))?,
        office: OfficeId(row.try_get::<i64, _>("office")? as u32),
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
        message: row.try_get("message")?,
        bytes: number("bytes")?,
        checked_bytes: number("checked_bytes")?,
        outcome: outcome.transpose()?,
        uploaded_at: number("uploaded_at")?,
    })
}

impl IssuingStore<'_> {
    /// Returns the rows of all registers that were issued to, by office.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn row_counts(&self) -> Result<HashMap<OfficeId, RowCounts>, StoreError> {
        let rows: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT office, CAST(SUM(counts_rows) AS BIGINT), CAST(SUM(counts_rejected) AS BIGINT),
                    CAST(SUM(counts_duplicates) AS BIGINT), CAST(SUM(without_subject) AS BIGINT)
             FROM register_upload WHERE state = 'issued' GROUP BY office",
        )
        .fetch_all(self.0.pool())
        .await?;
        let counts = |(office, rows, rejected, duplicates, without): (i64, i64, i64, i64, i64)| {
            let [rows, rejected, duplicates, without_subject] =
                [rows, rejected, duplicates, without].map(|count| count as u64);
            (OfficeId(office as u32), RowCounts { rows, rejected, duplicates, without_subject })
        };
        Ok(rows.into_iter().map(counts).collect())
    }

    /// Records that a register is being uploaded; it is not visible yet.
    pub(super) async fn begin_upload(
        &self,
        id: RegisterId,
        office: OfficeId,
        makes_secrets: bool,
        data_key: Vec<u8>,
    ) -> Result<(), StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO register_upload (id, office, state, makes_secrets, data_key, bytes, uploaded_at)
             VALUES ($1, $2, 'uploading', $3, $4, 0, {now})"
        ));
        sqlx::query(statement)
            .bind(id.column())
            .bind(i64::from(office.0))
            .bind(i64::from(makes_secrets))
            .bind(data_key)
            .execute(self.0.writer())
            .await?;
        Ok(())
    }

    /// Stores a part of a register that is being uploaded.
    pub(super) async fn keep_uploaded_part(
        &self,
        id: RegisterId,
        number: usize,
        sealed: Vec<u8>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.0.begin_rows().await?;
        keep_part(&mut transaction, id, RegisterContent::Register, number, sealed).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether so many registers of an office wait that no more are taken.
    pub(super) async fn too_many_wait(
        &self,
        office: OfficeId,
        limits: &IssuingLimits,
    ) -> Result<bool, StoreError> {
        let waiting = sqlx::query_as(
            "SELECT COUNT(*) FROM register_upload
             WHERE office = $1 AND state IN ('waiting', 'issuing')",
        );
        let (waiting,): (i64,) = waiting.bind(i64::from(office.0)).fetch_one(self.0.pool()).await?;
        Ok(waiting >= i64::from(limits.waiting_max))
    }

    /// Deletes a register that was not fully uploaded.
    pub(super) async fn forget_uploading(&self, id: RegisterId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM register_upload WHERE id = $1 AND state = 'uploading'")
            .bind(id.column())
            .execute(self.0.writer())
            .await?;
        Ok(())
    }

    /// Records that a register is uploaded, if not too many of its office wait; if it follows from a review of
    /// another register's row, both are stored or neither.
    pub(super) async fn end_upload(
        &self,
        id: RegisterId,
        office: OfficeId,
        (number, last): (usize, Vec<u8>),
        bytes: u64,
        limits: &IssuingLimits,
        review: Option<&RowReview>,
    ) -> Result<UploadEnd, StoreError> {
        let mut transaction = self.0.begin_rows().await?;
        if let Some(review) = review
            && !keep_review(&mut transaction, self.0.database(), review).await?
        {
            return Ok(UploadEnd::SaidBefore);
        }
        keep_part(&mut transaction, id, RegisterContent::Register, number, last).await?;
        let kept = sqlx::query(
            "UPDATE register_upload SET state = 'waiting', bytes = $2, reviewed = $5
             WHERE id = $1 AND state = 'uploading' AND $3 >
                 (SELECT COUNT(*) FROM register_upload AS other
                  WHERE other.office = $4 AND other.state IN ('waiting', 'issuing'))",
        )
        .bind(id.column())
        .bind(bytes as i64)
        .bind(i64::from(limits.waiting_max))
        .bind(i64::from(office.0))
        .bind(i64::from(review.is_some()))
        .execute(&mut *transaction)
        .await?;
        if kept.rows_affected() == 0 {
            return Ok(UploadEnd::TooManyWait);
        }
        transaction.commit().await?;
        Ok(UploadEnd::Kept)
    }

    /// Returns what is known about an office's register.
    pub(super) async fn register_upload(
        &self,
        office: OfficeId,
        id: RegisterId,
    ) -> Result<Option<RegisterUpload>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM register_upload
             WHERE id = $1 AND office = $2 AND state <> 'uploading'"
        ));
        let row = sqlx::query(statement)
            .bind(id.column())
            .bind(i64::from(office.0))
            .fetch_optional(self.0.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Returns an office's registers, newest first.
    pub(super) async fn register_uploads(
        &self,
        office: OfficeId,
    ) -> Result<Vec<RegisterUpload>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM register_upload
             WHERE office = $1 AND state <> 'uploading' ORDER BY uploaded_at DESC LIMIT 1000"
        ));
        let rows =
            sqlx::query(statement).bind(i64::from(office.0)).fetch_all(self.0.pool()).await?;
        rows.iter().map(read).collect()
    }

    /// Returns how a register is sealed, and how many parts a content has.
    pub(super) async fn register_content(
        &self,
        id: RegisterId,
        content: RegisterContent,
    ) -> Result<Option<(SealedFor, Vec<u8>, usize)>, StoreError> {
        let row: Option<(i64, i64, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT office, makes_secrets, data_key, (SELECT COUNT(*) FROM register_part WHERE upload = $1 AND content = $2)
             FROM register_upload WHERE id = $1",
        )
        .bind(id.column())
        .bind(content)
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.map(|(office, makes_secrets, key, parts)| {
            let office = OfficeId(office as u32);
            (SealedFor { id, office, makes_secrets: makes_secrets != 0 }, key, parts as usize)
        }))
    }

    /// Returns a part of a content.
    pub(super) async fn register_part(
        &self,
        id: RegisterId,
        content: RegisterContent,
        number: usize,
    ) -> Result<Vec<u8>, StoreError> {
        let row: Option<(Vec<u8>,)> = sqlx::query_as(
            "SELECT sealed FROM register_part WHERE upload = $1 AND content = $2 AND number = $3",
        )
        .bind(id.column())
        .bind(content)
        .bind(number as i64)
        .fetch_optional(self.0.pool())
        .await?;
        row.map(|(sealed,)| sealed).ok_or_else(|| broken("a part of a register"))
    }

    /// Takes a register of some offices that no program works on: offices take turns, and an office's oldest
    /// goes first.
    pub(super) async fn take_upload(
        &self,
        offices: &[OfficeId],
        limits: &IssuingLimits,
    ) -> Result<Option<TakenUpload>, StoreError> {
        let numbers: Vec<String> = offices.iter().map(|office| office.0.to_string()).collect();
        let (now, numbers) = (self.0.database().now(), numbers.join(", "));
        let is_over = self.0.database().is_over("held_until", limits.lease);
        let open =
            format!("state IN ('waiting', 'issuing') AND office IN ({numbers}) AND {is_over}");
        // Read before writing: mostly there is none.
        let oldest = sqlx::AssertSqlSafe(format!(
            "SELECT id FROM register_upload WHERE {open}
             ORDER BY (SELECT coalesce(max(finished_at), 0) FROM register_upload AS earlier
                       WHERE earlier.office = register_upload.office), uploaded_at
             LIMIT 1"
        ));
        let Some((id,)): Option<(Vec<u8>,)> =
            sqlx::query_as(oldest).fetch_optional(self.0.pool()).await?
        else {
            return Ok(None);
        };
        let taken = sqlx::AssertSqlSafe(format!(
            "UPDATE register_upload SET state = 'issuing', attempts = attempts + 1,
                 deaths = deaths + CASE WHEN state = 'issuing' THEN 1 ELSE 0 END,
                 checked_bytes = 0, held_until = {now} + $2
             WHERE id = $1 AND {open}
             RETURNING office, makes_secrets, reviewed, data_key, attempts, deaths"
        ));
        let row: Option<(i64, i64, i64, Vec<u8>, i64, i64)> = sqlx::query_as(taken)
            .bind(&id)
            .bind(milliseconds(limits.lease))
            .fetch_optional(self.0.writer())
            .await?;
        let id = RegisterId::from_column(&id).ok_or_else(|| broken("a register's id"))?;
        Ok(row.map(|(office, makes_secrets, reviewed, data_key, attempt, deaths)| TakenUpload {
            id,
            office: OfficeId(office as u32),
            makes_secrets: makes_secrets != 0,
            reviewed: reviewed != 0,
            data_key,
            attempt,
            deaths,
        }))
    }

    /// Reports how far a register is checked, and that it is still worked on; returns whether it is.
    pub(super) async fn tell_of_upload(
        &self,
        upload: &TakenUpload,
        checked_bytes: u64,
        limits: &IssuingLimits,
    ) -> Result<bool, StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE register_upload SET checked_bytes = $3, held_until = {now} + $4
             WHERE id = $1 AND attempts = $2 AND state = 'issuing'"
        ));
        let told = sqlx::query(statement)
            .bind(upload.id.column())
            .bind(upload.attempt)
            .bind(checked_bytes as i64)
            .bind(milliseconds(limits.lease))
            .execute(self.0.writer())
            .await?;
        Ok(told.rows_affected() == 1)
    }

    /// Releases a register for a while, after a temporary failure.
    pub(super) async fn let_go_of_upload(
        &self,
        upload: &TakenUpload,
        limits: &IssuingLimits,
    ) -> Result<(), StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE register_upload SET state = 'waiting', held_until = {now} + $3
             WHERE id = $1 AND attempts = $2 AND state = 'issuing'"
        ));
        sqlx::query(statement)
            .bind(upload.id.column())
            .bind(upload.attempt)
            .bind(milliseconds(limits.rest))
            .execute(self.0.writer())
            .await?;
        Ok(())
    }

    /// Records why nothing is issued to a register, and deletes its content.
    pub(super) async fn fail_upload(
        &self,
        upload: &TakenUpload,
        reason: IssuingFault,
        message: &str,
    ) -> Result<(), StoreError> {
        let mut transaction = self.0.begin_rows().await?;
        let now = self.0.database().now();
        let failed = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE register_upload SET state = 'failed', reason = $3, message = $4,
                 finished_at = {now}
             WHERE id = $1 AND attempts = $2 AND state = 'issuing'"
        )))
        .bind(upload.id.column())
        .bind(upload.attempt)
        .bind(reason)
        .bind(message)
        .execute(&mut *transaction)
        .await?;
        if failed.rows_affected() == 1 {
            forget_register(&mut transaction, upload.id).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes an office's register and all its results except the credentials' leaves. Nothing more is issued
    /// to one that is being worked on, unless it is issued at this moment. False if there is none.
    pub(super) async fn forget_upload(
        &self,
        office: OfficeId,
        id: RegisterId,
    ) -> Result<bool, StoreError> {
        let forgotten = sqlx::query(
            "DELETE FROM register_upload
             WHERE id = $1 AND office = $2 AND state <> 'uploading'",
        )
        .bind(id.column())
        .bind(i64::from(office.0))
        .execute(self.0.writer())
        .await?;
        Ok(forgotten.rows_affected() == 1)
    }

    /// Deletes what has been kept long enough, and what was never fully uploaded.
    pub(super) async fn tidy_uploads(&self, limits: &IssuingLimits) -> Result<(), StoreError> {
        const UPLOADING_MS: i64 = 60 * 60 * 1_000;
        let now = self.0.database().now();
        let is_old = format!(
            "(state IN ('issued', 'failed') AND finished_at < {now} - $1)
             OR (state = 'uploading' AND uploaded_at < {now} - {UPLOADING_MS})"
        );
        let kept = milliseconds(limits.kept);
        let look =
            sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM register_upload WHERE {is_old}"));
        let (old,): (i64,) = sqlx::query_as(look).bind(kept).fetch_one(self.0.pool()).await?;
        if old == 0 {
            return Ok(());
        }
        let forget = sqlx::AssertSqlSafe(format!("DELETE FROM register_upload WHERE {is_old}"));
        sqlx::query(forget).bind(kept).execute(self.0.writer()).await?;
        Ok(())
    }
}

/// Stores a part of a content.
pub(super) async fn keep_part(
    transaction: &mut WriteTransaction,
    id: RegisterId,
    content: RegisterContent,
    number: usize,
    sealed: Vec<u8>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO register_part (upload, content, number, sealed) VALUES ($1, $2, $3, $4)",
    )
    .bind(id.column())
    .bind(content)
    .bind(number as i64)
    .bind(sealed)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn forget_register(
    transaction: &mut WriteTransaction,
    id: RegisterId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM register_part WHERE upload = $1 AND content = $2")
        .bind(id.column())
        .bind(RegisterContent::Register)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Stores what is issued to a register, with the credentials; false if another program has done so, and nothing
/// may be issued. The first one has issued to the same people already.
pub(super) async fn finish_upload(
    transaction: &mut WriteTransaction,
    database: Database,
    upload: &TakenUpload,
    outcome: &UploadOutcome,
) -> Result<bool, StoreError> {
    let now = database.now();
    let finished = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE register_upload SET state = 'issued', checked_bytes = bytes, counts_rows = $2,
             counts_accepted = $3, counts_rejected = $4, counts_duplicates = $5, already_issued = $6,
             repeated = $7, without_subject = $8, issued = $9, root = $10, enrolled = $11,
             to_review = $12, refused = $13, finished_at = {now}
         WHERE id = $1 AND state = 'issuing'"
    )))
    .bind(upload.id.column())
    .bind(outcome.counts.rows as i64)
    .bind(outcome.counts.accepted as i64)
    .bind(outcome.counts.rejected as i64)
    .bind(outcome.counts.duplicates as i64)
    .bind(outcome.already_issued as i64)
    .bind(outcome.repeated as i64)
    .bind(outcome.without_subject as i64)
    .bind(outcome.issued as i64)
    .bind(bytes(outcome.root.to_field()))
    .bind(outcome.enrolled as i64)
    .bind(outcome.to_review as i64)
    .bind(outcome.refused as i64)
    .execute(&mut **transaction)
    .await?;
    forget_register(transaction, upload.id).await?;
    Ok(finished.rows_affected() == 1)
}
