//! Transfers: what a bank is asked to pay, by the reference that it reports back.

use std::collections::BTreeMap;

use jiff::civil::Date;
use praman_access::SchemeScope;
use praman_claims::{ClaimState, Reason, payment};
use praman_store::error::StoreError;
use praman_store::named::named;
use sqlx::AnyConnection;

use super::booked_on::{BookedOn, came_back_since};
use super::key::TreasuryKey;
use crate::TreasuryStore;
use crate::refusal::OrderFault;
use crate::refusal::OrderRefusal;
use crate::refusal::PaymentError;

/// The reference that a bank reports a transfer back by: 32 digits of a keyed hash and the instalment's number.
/// It names no person, and only the treasury can make it: a reader of a bank's statement can't find the claim
/// by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct TransferReference(String);

impl TransferReference {
    /// Returns the reference of a claim's instalment, from 0, at an attempt: the number of returns before.
    pub fn of(key: &TreasuryKey, nullifier: &[u8], part: u32, attempt: u32) -> Self {
        let parts = [nullifier, &part.to_be_bytes(), &attempt.to_be_bytes()];
        let tag = key.tag(b"praman.transfer.1", &parts);
        Self(format!("{}{:02}", hex::encode(&tag[..16]), part + 1))
    }

    /// Returns the reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TransferReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for TransferReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 34 && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} is not a payment order's reference: it must have 34 digits"))
    }
}

named! {
    /// The state of a transfer.
    TransferState {
        /// In a batch whose file is not written: no bank can report on it.
        Drafted = "drafted",
        /// In a bank's file.
        Ordered = "ordered",
        /// The bank has paid.
        Paid = "paid",
        /// The bank could not pay, or the money came back.
        Returned = "returned",
        /// It was returned, and another transfer pays it again.
        Reissued = "reissued",
    }
}

impl TransferState {
    /// Whether the bank did not pay it, or it came back.
    pub(super) fn is_rejected(self) -> bool {
        matches!(self, Self::Returned | Self::Reissued)
    }
}

praman_store::row! {
    /// A transfer in the store.
    #[derive(Clone)]
    pub(super) struct TransferRow {
        pub(super) reference: String,
        pub(super) batch: String,
        pub(super) nullifier: Vec<u8>,
        pub(super) part: i64,
        pub(super) attempt: i64,
        pub(super) state: TransferState,
        pub(super) reason: Option<String>,
        /// What was written for it, sealed by the treasury's key.
        pub(super) amount: Option<Vec<u8>>,
        contested: i64,
        resolved: Option<String>,
        payee_lost: i64,
        /// When statements have booked it, separated by spaces.
        booked_on: Option<String>,
        /// The day on which a statement booked that it came back.
        returned_on: Option<String>,
    }
}

pub(super) const COLUMNS: &str = "reference, batch, nullifier, part, attempt, state, reason, amount, contested, resolved, payee_lost, booked_on, returned_on";

impl TransferRow {
    /// Returns the transfer that would pay the same part again; it is not stored.
    pub(super) fn next_attempt(&self) -> Self {
        Self { attempt: self.attempt + 1, amount: None, ..self.clone() }
    }

    /// Whether the bank has reported it as paid after it had reported it as returned.
    pub(super) fn is_contested(&self) -> bool {
        self.contested != 0
    }

    /// Whether two persons have decided what became of it.
    pub(super) fn is_resolved(&self) -> bool {
        self.resolved.is_some()
    }

    /// Whether it went to an account that is not known here.
    pub(super) fn is_payee_lost(&self) -> bool {
        self.payee_lost != 0
    }

    /// Returns when statements have booked it as money out.
    pub(super) fn booked_on(&self) -> impl Iterator<Item = BookedOn> {
        self.booked_on.iter().flat_map(|all| all.split(' ')).map(BookedOn::read)
    }

    /// Whether a statement has booked that it came back, after a day.
    pub(super) fn came_back_since(&self, day: Option<Date>) -> bool {
        came_back_since(self.returned_on.as_deref(), day)
    }

    pub(super) fn part(&self) -> u32 {
        self.part as u32
    }
}

/// Writes a transfer of a batch that is drafted.
pub(super) async fn draft(
    connection: &mut AnyConnection,
    key: &TreasuryKey,
    batch: &str,
    nullifier: &[u8],
    (part, attempt): (u32, u32),
) -> Result<TransferReference, PaymentError> {
    let reference = TransferReference::of(key, nullifier, part, attempt);
    let drafted = sqlx::query(
        "INSERT INTO payment_transfer (reference, batch, nullifier, part, attempt, state)
         VALUES ($1, $2, $3, $4, $5, 'drafted') ON CONFLICT DO NOTHING",
    )
    .bind(reference.as_str())
    .bind(batch)
    .bind(nullifier)
    .bind(i64::from(part))
    .bind(i64::from(attempt))
    .execute(connection)
    .await?;
    if drafted.rows_affected() == 0 {
        // A draft in no batch would never be paid.
        return Err(OrderRefusal::of(&reference, OrderFault::Drafted).into());
    }
    Ok(reference)
}

/// Records that a transfer is in a written file, and with which amount.
pub(super) async fn order(
    connection: &mut AnyConnection,
    key: &TreasuryKey,
    reference: &str,
    rupees: u32,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE payment_transfer SET state = 'ordered', amount = $2 WHERE reference = $1")
        .bind(reference)
        .bind(key.seal_amount(reference, rupees))
        .execute(connection)
        .await?;
    Ok(())
}

/// Records that a transfer went out before the restore; with its amount if known.
pub(super) async fn send(
    connection: &mut AnyConnection,
    key: &TreasuryKey,
    reference: &str,
    rupees: Option<u32>,
) -> Result<(), StoreError> {
    if let Some(rupees) = rupees {
        return order(connection, key, reference, rupees).await;
    }
    sqlx::query("UPDATE payment_transfer SET state = 'ordered' WHERE reference = $1")
        .bind(reference)
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the attempts at a claim's instalment, the first one first.
pub(super) async fn attempts(
    connection: &mut AnyConnection,
    nullifier: &[u8],
    part: u32,
) -> Result<Vec<TransferRow>, StoreError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM payment_transfer WHERE nullifier = $1 AND part = $2 ORDER BY attempt"
    ));
    let found = sqlx::query_as(statement).bind(nullifier).bind(i64::from(part));
    Ok(found.fetch_all(connection).await?)
}

/// Returns a claim's transfers.
pub(super) async fn of_claim(
    connection: &mut AnyConnection,
    nullifier: &[u8],
) -> Result<Vec<TransferRow>, StoreError> {
    let statement =
        sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM payment_transfer WHERE nullifier = $1"));
    Ok(sqlx::query_as(statement).bind(nullifier).fetch_all(connection).await?)
}

/// Returns the transfers of a batch, in the order in which their claims were accepted.
pub(super) async fn of_batch(
    connection: &mut AnyConnection,
    batch: &str,
) -> Result<Vec<TransferRow>, StoreError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM payment_transfer
         JOIN (SELECT nullifier AS claimed, block FROM accepted_claim) AS claims
             ON claimed = nullifier
         WHERE batch = $1 ORDER BY block, nullifier, part"
    ));
    Ok(sqlx::query_as(statement).bind(batch).fetch_all(connection).await?)
}

/// Returns the transfers of a batch whose references begin so.
pub(super) async fn beginning_with(
    connection: &mut AnyConnection,
    batch: &str,
    start: &str,
) -> Result<Vec<TransferRow>, StoreError> {
    // No digit of a reference comes after this letter.
    const AFTER: char = 'g';
    let statement = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM payment_transfer WHERE batch = $1 AND reference >= $2 AND reference < $3"
    ));
    let query = sqlx::query_as(statement).bind(batch).bind(start).bind(format!("{start}{AFTER}"));
    Ok(query.fetch_all(connection).await?)
}

/// Returns a transfer by its reference.
pub(super) async fn find(
    connection: &mut AnyConnection,
    reference: &str,
) -> Result<Option<TransferRow>, StoreError> {
    let statement =
        sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM payment_transfer WHERE reference = $1"));
    Ok(sqlx::query_as(statement).bind(reference).fetch_optional(connection).await?)
}

/// Settles the attempts at a claim's part after one has moved: only the newest waits to be paid again, and none
/// if one is paid.
pub(super) async fn settle_part(
    connection: &mut AnyConnection,
    nullifier: &[u8],
    part: u32,
) -> Result<(), StoreError> {
    use TransferState::{Paid, Reissued, Returned};
    let attempts = attempts(connection, nullifier, part).await?;
    let is_paid = attempts.iter().any(|one| one.state == Paid);
    let newest = attempts.last().map(|one| one.attempt);
    for one in &attempts {
        let is_newest = Some(one.attempt) == newest;
        let settled = match one.state {
            Returned if is_paid || !is_newest => Reissued,
            Reissued if is_newest && !is_paid => Returned,
            _ => continue,
        };
        set_state(connection, &one.reference, settled).await?;
    }
    Ok(())
}

/// Puts a transfer into a state.
pub(super) async fn set_state(
    connection: &mut AnyConnection,
    reference: &str,
    state: TransferState,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE payment_transfer SET state = $2 WHERE reference = $1")
        .bind(reference)
        .bind(state)
        .execute(connection)
        .await?;
    Ok(())
}

/// Sets a claim's state from its parts: returned if one is, paid if all are, else ordered.
pub(super) async fn settle_claim(
    connection: &mut AnyConnection,
    nullifier: &[u8],
    reason: Option<Reason>,
) -> Result<(), StoreError> {
    let rows: Vec<(i64, TransferState)> = sqlx::query_as(
        "SELECT part, state FROM payment_transfer WHERE nullifier = $1 AND state <> 'reissued'",
    )
    .bind(nullifier)
    .fetch_all(&mut *connection)
    .await?;
    let mut parts: BTreeMap<i64, Vec<TransferState>> = BTreeMap::new();
    for (part, state) in rows {
        parts.entry(part).or_default().push(state);
    }
    let is_paid = |part: &Vec<TransferState>| part.contains(&TransferState::Paid);
    let is_returned =
        |part: &Vec<TransferState>| !is_paid(part) && part.contains(&TransferState::Returned);
    let state = if parts.values().any(is_returned) {
        ClaimState::Returned
    } else if !parts.is_empty() && parts.values().all(is_paid) {
        ClaimState::Paid
    } else {
        ClaimState::Ordered
    };
    payment::keep_payment(connection, nullifier, state, reason).await
}

/// A transfer that the bank has returned and that is not paid again yet. It contains no amount.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ReturnedTransfer {
    /// Its reference.
    pub reference: TransferReference,
    /// The bank's code.
    pub reason: String,
    /// The scheme.
    pub scheme: String,
    /// The period, as in statements.
    pub period: u32,
}

/// Transfers that the bank has returned and that are not paid again yet, with their batches.
const RETURNED: &str = "payment_transfer \
                        JOIN payment_batch ON payment_batch.id = payment_transfer.batch \
                        WHERE state = 'returned'";

impl TreasuryStore<'_> {
    /// Returns how many transfers wait to be paid again, of a scope's schemes.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_returned(&self, scope: &SchemeScope) -> Result<usize, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM {RETURNED} AND {}",
            SchemeScope::condition("payment_batch.scheme", "$1")
        ));
        let (count,): (i64,) =
            sqlx::query_as(statement).bind(scope.column()).fetch_one(self.0.pool()).await?;
        Ok(count as usize)
    }

    /// Returns the transfers that wait to be paid again, of a scope's schemes, up to a limit.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn returned_transfers(
        &self,
        scope: &SchemeScope,
        most: usize,
    ) -> Result<Vec<ReturnedTransfer>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT reference, reason, scheme, period FROM {RETURNED} AND {}
             ORDER BY scheme, period, reference LIMIT $2",
            SchemeScope::condition("payment_batch.scheme", "$1")
        ));
        let rows: Vec<(String, Option<String>, String, i64)> = sqlx::query_as(statement)
            .bind(scope.column())
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(self.0.pool())
            .await?;
        let returned =
            |(reference, reason, scheme, period): (String, Option<String>, String, i64)| {
                ReturnedTransfer {
                    reference: TransferReference(reference),
                    reason: reason.unwrap_or_default(),
                    scheme,
                    period: period as u32,
                }
            };
        Ok(rows.into_iter().map(returned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_differ_by_part_and_attempt_and_show_nothing_else() {
        let nullifier = [7; 32];
        let key = TreasuryKey::generate();
        let of = |part, attempt| TransferReference::of(&key, &nullifier, part, attempt);
        let first = of(0, 0);
        assert_eq!(first, of(0, 0));
        assert_ne!(first, TransferReference::of(&TreasuryKey::generate(), &nullifier, 0, 0));
        assert_eq!(first.as_str().len(), 34);
        assert!(first.as_str().ends_with("01"));
        let others = [(1, 0), (0, 1), (0, 2), (1, 1)].map(|(part, attempt)| of(part, attempt));
        for other in &others {
            assert_ne!(*other, first);
            assert_eq!(other.as_str().parse(), Ok(other.clone()));
        }
        for bad in ["", "zz", &"A".repeat(34), &"0".repeat(35)] {
            assert!(bad.parse::<TransferReference>().is_err(), "{bad}");
        }
    }
}
