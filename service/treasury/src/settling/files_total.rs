//! What the bank's files have of some claims.
//!
//! A part that came back and is paid again has a transfer for each attempt, all of one amount: the newest that is in a
//! written file stands for the part, so a return moves a sum and changes none.

use std::collections::{BTreeMap, HashSet};

use praman_store::broken;
use serde::Serialize;
use sqlx::AnyConnection;

use super::classify::WRITTEN;
use super::refusal::InTheWay;
use crate::drafted_batch::parts_of;
use crate::key::TreasuryKey;
use crate::payment_file::share;
use crate::reconciliation::Totals;
use crate::refusal::PaymentError;
use crate::transfer::{COLUMNS, TransferRow, TransferState};

/// What files have, by what the bank has said of it; each part of a claim once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FilesTotal {
    /// Parts of which the bank has said nothing final.
    pub ordered: Totals,
    /// Parts that are paid.
    pub paid: Totals,
    /// Parts that came back.
    pub returned: Totals,
    /// Parts whose amount is not kept, since a restore lost it: it is taken from the envelope.
    pub from_envelopes: u64,
}

impl FilesTotal {
    /// Returns the sum of all parts.
    pub fn rupees(&self) -> u64 {
        self.ordered.rupees + self.paid.rupees + self.returned.rupees
    }

    /// Adds the parts of a claim; nothing of it if one is in no file, or they are not of its amount together.
    pub(super) fn add_claim(
        &mut self,
        key: &TreasuryKey,
        parts: &WrittenParts,
        (nullifier, amount, instalments): (&[u8], u32, u32),
    ) -> Result<Result<(), InTheWay>, PaymentError> {
        let (mut with, mut sum) = (*self, 0);
        for part in parts_of(amount, instalments) {
            let Some((row, state)) = parts.newest(nullifier, part) else {
                return Ok(Err(InTheWay::PartMissing));
            };
            let rupees = match row.amount.as_deref() {
                Some(sealed) => key.open_amount(&row.reference, sealed).ok_or_else(|| {
                    broken("the amount of a transfer, or it is another treasury's")
                })?,
                None => {
                    with.from_envelopes += 1;
                    share(amount, part, instalments)
                }
            };
            sum += u64::from(rupees);
            match state {
                TransferState::Paid => with.paid.add(u64::from(rupees)),
                TransferState::Returned | TransferState::Reissued => {
                    with.returned.add(u64::from(rupees));
                }
                TransferState::Ordered | TransferState::Drafted => {
                    with.ordered.add(u64::from(rupees));
                }
            }
        }
        if sum != u64::from(amount)
            || parts.count(nullifier) != parts_of(amount, instalments).count()
        {
            return Ok(Err(InTheWay::AmountDiffers));
        }
        *self = with;
        Ok(Ok(()))
    }
}

/// The transfers of an opening's claims that are in a written file, by claim and part, the first attempt first.
#[derive(Default)]
pub(super) struct WrittenParts(BTreeMap<Vec<u8>, BTreeMap<u32, Vec<TransferRow>>>);

impl WrittenParts {
    pub(super) async fn read(
        connection: &mut AnyConnection,
        opening: u32,
    ) -> Result<Self, PaymentError> {
        const OF_OPENING: &str =
            "nullifier IN (SELECT nullifier FROM accepted_claim WHERE opening = $1)";
        let written = sqlx::AssertSqlSafe(format!(
            "SELECT id FROM payment_batch WHERE written = {WRITTEN}
                 AND id IN (SELECT batch FROM payment_transfer WHERE {OF_OPENING})"
        ));
        let written: HashSet<String> = sqlx::query_scalar(written)
            .bind(i64::from(opening))
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
        let rows = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM payment_transfer WHERE {OF_OPENING} ORDER BY attempt"
        ));
        let rows: Vec<TransferRow> =
            sqlx::query_as(rows).bind(i64::from(opening)).fetch_all(connection).await?;
        let in_file =
            |row: &TransferRow| row.state != TransferState::Drafted && written.contains(&row.batch);
        Ok(Self::of(rows.into_iter().filter(in_file)))
    }

    fn of(rows: impl Iterator<Item = TransferRow>) -> Self {
        let mut parts = Self::default();
        for row in rows {
            let of_claim = parts.0.entry(row.nullifier.clone()).or_default();
            of_claim.entry(row.part()).or_default().push(row);
        }
        parts
    }

    /// Returns the newest attempt at a part, and where the part stands: paid if any attempt is.
    fn newest(&self, nullifier: &[u8], part: u32) -> Option<(&TransferRow, TransferState)> {
        let attempts = self.0.get(nullifier)?.get(&part)?;
        let newest = attempts.last()?;
        let is_paid = attempts.iter().any(|one| one.state == TransferState::Paid);
        Some((newest, if is_paid { TransferState::Paid } else { newest.state }))
    }

    /// Returns how many parts of a claim are in files.
    fn count(&self, nullifier: &[u8]) -> usize {
        self.0.get(nullifier).map_or(0, BTreeMap::len)
    }
}
