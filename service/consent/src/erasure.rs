//! Orders to erase what a consent gave: at its time or when it is withdrawn, confirmed by the requester, and
//! shown to the overseer when overdue.

use ed25519_dalek::Signature;
use jiff::Timestamp;
use praman_ledger::RequesterNumber;
use praman_store::WriteTransaction;
use serde::Serialize;

use super::desk::time_of_column;
use super::refusal::{ConsentError, ConsentRefusal};
use crate::ConsentStore;

/// How many hours a requester has to erase and confirm.
pub const ERASURE_HOURS: i64 = 72;

/// Why something must be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErasureReason {
    /// The patient withdrew.
    Withdrawn,
    /// The consent's time to erase has come.
    EraseAt,
}

impl ErasureReason {
    const fn name(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::EraseAt => "erase-at",
        }
    }
}

/// An order to erase.
#[derive(Clone, Debug, Serialize)]
pub struct ErasureOrder {
    /// The consent that gave what is to be erased.
    pub consent: String,
    /// Who must erase.
    pub requester: RequesterNumber,
    /// Why.
    pub reason: String,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// By when it must be confirmed.
    pub due_at: Timestamp,
    /// When it was.
    pub confirmed_at: Option<Timestamp>,
}

/// Orders the erasure of what a consent gave; once.
pub(super) async fn order_erasure(
    transaction: &mut WriteTransaction,
    consent: &str,
    requester: RequesterNumber,
    reason: ErasureReason,
    at: Timestamp,
) -> Result<(), ConsentError> {
    sqlx::query(
        "INSERT INTO erasure_order (consent, requester, reason, ordered_at, due_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (consent) DO NOTHING",
    )
    .bind(consent)
    .bind(i64::from(requester.0))
    .bind(reason.name())
    .bind(at.as_millisecond())
    .bind(at.as_millisecond() + ERASURE_HOURS * 3_600_000)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Returns the message that a requester signs (Ed25519) when it has erased what a consent gave.
pub fn erasure_message(consent: &str) -> Vec<u8> {
    [b"praman.erased.1:".as_slice(), consent.as_bytes()].concat()
}

type OrderRow = (String, i64, String, i64, i64, Option<i64>);

fn order((consent, requester, reason, ordered_at, due_at, confirmed_at): OrderRow) -> ErasureOrder {
    ErasureOrder {
        consent,
        requester: RequesterNumber(requester as u32),
        reason,
        ordered_at: time_of_column(ordered_at),
        due_at: time_of_column(due_at),
        confirmed_at: confirmed_at.map(time_of_column),
    }
}

const COLUMNS: &str = "SELECT consent, requester, reason, ordered_at, due_at, confirmed_at
     FROM erasure_order";

impl ConsentStore<'_> {
    /// Returns the order of a consent.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoSuchOrder`].
    pub async fn erasure_order(&self, consent: &str) -> Result<ErasureOrder, ConsentError> {
        let row: Option<OrderRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE consent = $1")))
                .bind(consent)
                .fetch_optional(self.0.pool())
                .await?;
        Ok(order(row.ok_or(ConsentRefusal::NoSuchOrder)?))
    }

    /// Returns the orders that a requester has not confirmed.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn open_erasures(
        &self,
        requester: RequesterNumber,
    ) -> Result<Vec<ErasureOrder>, ConsentError> {
        let statement = format!(
            "{COLUMNS} WHERE requester = $1 AND confirmed_at IS NULL ORDER BY due_at, consent"
        );
        let rows: Vec<OrderRow> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(i64::from(requester.0))
            .fetch_all(self.0.pool())
            .await?;
        Ok(rows.into_iter().map(order).collect())
    }

    /// Returns the orders that are overdue at a time, for the overseer.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn overdue_erasures(
        &self,
        now: Timestamp,
    ) -> Result<Vec<ErasureOrder>, ConsentError> {
        let statement = format!(
            "{COLUMNS} WHERE due_at < $1 AND confirmed_at IS NULL ORDER BY due_at, consent"
        );
        let rows: Vec<OrderRow> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(now.as_millisecond())
            .fetch_all(self.0.pool())
            .await?;
        Ok(rows.into_iter().map(order).collect())
    }

    /// Records a requester's signed confirmation that it has erased what a consent gave. The first one counts.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoSuchOrder`]; [`ConsentRefusal::NotSigned`] if the signature is not the requester's.
    pub async fn confirm_erasure(
        &self,
        consent: &str,
        signature: &[u8],
        now: Timestamp,
    ) -> Result<ErasureOrder, ConsentError> {
        let order = self.erasure_order(consent).await?;
        let key = self.requester_key(order.requester).await?;
        let signature = Signature::from_slice(signature).ok();
        let is_signed = key.zip(signature).is_some_and(|(key, signature)| {
            key.verify_strict(&erasure_message(consent), &signature).is_ok()
        });
        if !is_signed {
            return Err(ConsentRefusal::NotSigned.into());
        }
        sqlx::query(
            "UPDATE erasure_order SET confirmed_at = $2 WHERE consent = $1 AND confirmed_at IS NULL",
        )
        .bind(consent)
        .bind(now.as_millisecond())
        .execute(self.0.writer())
        .await?;
        self.erasure_order(consent).await
    }
}
