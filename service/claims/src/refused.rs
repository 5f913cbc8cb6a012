//! Claims that were refused and not kept: remembered for a day, in bounded space.
//!
//! Anyone can make claims that don't hold, and another form of a claim that is on the ledger; so what is
//! remembered of them must not grow. Each has one place, by its id; the next one there takes it over, and
//! then the first is no longer known. Handing it in again gets the same refusal again.

use praman_circuits::nullifier::Nullifier;
use praman_holder::claim::SubmittedClaim;
use praman_store::error::StoreError;
use praman_store::{Database, WriteTransaction, broken, bytes, field};

use super::state::{ClaimId, ClaimReceipt, ClaimState, Reason};
use crate::ClaimStore;

/// How many bits of an id are its place.
const PLACE_BITS: u32 = 13;

/// How long a refusal is remembered, in milliseconds.
const DAY: i64 = 86_400_000;

/// Returns the place of a claim. Greater ids never have smaller places, so that two programs that write in the
/// order of ids never wait for each other.
fn place(id: ClaimId) -> i64 {
    let column = id.column();
    i64::from(u16::from_be_bytes([column[0], column[1]]) >> (16 - PLACE_BITS))
}

/// Remembers that a claim was refused, or that it is another form of another claim.
pub(super) async fn remember(
    transaction: &mut WriteTransaction,
    database: Database,
    (id, claim): (ClaimId, &SubmittedClaim),
    reason: Reason,
    same_as: Option<ClaimId>,
) -> Result<ClaimReceipt, StoreError> {
    let now = database.now();
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO refused_claim (place, id, nullifier, reason, same_as, received_at)
         VALUES ($1, $2, $3, $4, $5, {now})
         ON CONFLICT (place) DO UPDATE
             SET id = excluded.id, nullifier = excluded.nullifier, reason = excluded.reason,
                 same_as = excluded.same_as, received_at = excluded.received_at
         RETURNING received_at"
    ));
    let nullifier = claim.claim().ledger.nullifier;
    let (received_at,): (i64,) = sqlx::query_as(statement)
        .bind(place(id))
        .bind(id.column())
        .bind(bytes(nullifier.to_field()))
        .bind(reason)
        .bind(same_as.map(|same_as| same_as.column()))
        .fetch_one(&mut **transaction)
        .await?;
    Ok(receipt(id, nullifier, reason, received_at))
}

fn receipt(id: ClaimId, nullifier: Nullifier, reason: Reason, received_at: i64) -> ClaimReceipt {
    let (state, reason, block) = (ClaimState::Refused, Some(reason), None);
    ClaimReceipt { id, nullifier, state, reason, block, received_at: received_at as u64 }
}

impl ClaimStore<'_> {
    /// Returns what is known of a claim that was refused and not kept, or of the one that it repeats.
    pub(super) async fn refused_receipt(
        &self,
        id: ClaimId,
    ) -> Result<Option<ClaimReceipt>, StoreError> {
        type Columns = (Vec<u8>, Reason, Option<Vec<u8>>, i64);
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT nullifier, reason, same_as, received_at FROM refused_claim
             WHERE place = $1 AND id = $2 AND received_at > {now} - {DAY}"
        ));
        let row: Option<Columns> = sqlx::query_as(statement)
            .bind(place(id))
            .bind(id.column())
            .fetch_optional(self.0.pool())
            .await?;
        let Some((nullifier, reason, same_as, received_at)) = row else { return Ok(None) };
        if let Some(same_as) = same_as {
            let same_as = ClaimId::from_column(&same_as).ok_or_else(|| broken("a claim's id"))?;
            return self.kept_receipt(same_as).await;
        }
        let nullifier = Nullifier::from_field(field(&nullifier)?);
        Ok(Some(receipt(id, nullifier, reason, received_at)))
    }
}
