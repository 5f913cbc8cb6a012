//! Claims as the store has them.

use praman_circuits::eligibility::Checkpoint;
use praman_circuits::nullifier::Nullifier;
use praman_circuits::office::StateRoot;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment};
use praman_circuits::period::{Day, Period};
use praman_circuits::scope::SchemeId;
use praman_holder::claim::{Claim, SubmittedClaim};
use praman_ledger::LedgerClaim;
use praman_rules::scheme::ClaimPeriod;
use praman_store::error::StoreError;
use praman_store::{Database, WriteTransaction, broken, bytes, field};
use praman_verifier::Proof;

use super::machine::ClientKey;
use super::state::{ClaimId, ClaimReceipt, ClaimState, Reason};
use crate::ClaimStore;

/// What came of a client's naming a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// The name is new.
    New,
    /// The client has used this name for this claim before.
    Known,
    /// The client uses this name for another claim.
    Anothers,
}

/// How many names one client may give a claim: further ones are not kept.
const NAMES_MAX: i64 = 8;

/// Names a claim by its client's key, unless another claim has that name.
pub(super) async fn name_claim(
    transaction: &mut WriteTransaction,
    key: &ClientKey,
    id: ClaimId,
) -> Result<Naming, StoreError> {
    // If another program is giving the same name right now, this waits for it.
    let named = sqlx::query(
        "INSERT INTO client_key (client, name, claim) SELECT $1, $2, $3
         WHERE (SELECT count(*) FROM client_key WHERE client = $1 AND claim = $3) < $4
         ON CONFLICT DO NOTHING",
    )
    .bind(&key.client)
    .bind(&key.name)
    .bind(id.column())
    .bind(NAMES_MAX)
    .execute(&mut **transaction)
    .await?;
    if named.rows_affected() == 1 {
        return Ok(Naming::New);
    }
    let of_name: Option<(Vec<u8>,)> =
        sqlx::query_as("SELECT claim FROM client_key WHERE client = $1 AND name = $2")
            .bind(&key.client)
            .bind(&key.name)
            .fetch_optional(&mut **transaction)
            .await?;
    let is_anothers = of_name.is_some_and(|(claim,)| claim != id.column());
    Ok(if is_anothers { Naming::Anothers } else { Naming::Known })
}

/// Removes a name that was given in this transaction.
pub(super) async fn take_name_back(
    transaction: &mut WriteTransaction,
    key: &ClientKey,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM client_key WHERE client = $1 AND name = $2")
        .bind(&key.client)
        .bind(&key.name)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Returns whether a claim is kept and its proof holds.
pub(super) async fn holds(
    transaction: &mut WriteTransaction,
    id: ClaimId,
) -> Result<bool, StoreError> {
    let holds: Option<(i64,)> = sqlx::query_as(
        "SELECT received_at FROM claim WHERE id = $1 AND state NOT IN ('received', 'refused')",
    )
    .bind(id.column())
    .fetch_optional(&mut **transaction)
    .await?;
    Ok(holds.is_some())
}

/// Keeps a claim whose proof holds: to be settled, or accepted already by a block; returns false if it is on its
/// way or decided.
pub(super) async fn keep(
    transaction: &mut WriteTransaction,
    database: Database,
    id: ClaimId,
    claim: &SubmittedClaim,
    block: Option<i64>,
) -> Result<bool, StoreError> {
    let now = database.now();
    let Claim { ledger, .. } = claim.claim();
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO claim (id, nullifier, state, scheme, period, \"window\", state_root, as_of,
             payout_commitment, proof, block, envelope_hash, holder, held_until, received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', 0, {now})
         ON CONFLICT (id) DO UPDATE
             SET state = excluded.state, block = excluded.block, reason = NULL, envelope = NULL,
                 envelope_hash = excluded.envelope_hash
             WHERE claim.state = 'received' OR (claim.state = 'refused' AND claim.reason IN
                 ('period-not-open', 'period-not-begun', 'period-over', 'checkpoint-not-good'))"
    ));
    let kept = sqlx::query(statement)
        .bind(id.column())
        .bind(bytes(ledger.nullifier.to_field()))
        .bind(if block.is_some() { "accepted" } else { "verified" })
        .bind(ledger.scheme.as_str())
        .bind(i64::from(ledger.period.period.0))
        .bind(i64::from(ledger.period.window.0))
        .bind(bytes(claim.checkpoint().state_root.to_field()))
        .bind(i64::from(claim.checkpoint().as_of.0))
        .bind(bytes(ledger.payout.to_field()))
        .bind(ledger.proof.to_words().as_flattened().to_vec())
        .bind(block)
        .bind(bytes(ledger.envelope.to_field()))
        .execute(&mut **transaction)
        .await?;
    Ok(kept.rows_affected() == 1)
}

/// The columns of [`Row`].
pub(super) const COLUMNS: &str = "id, scheme, period, \"window\", state_root, as_of, nullifier, \
                                  payout_commitment, proof, envelope, envelope_hash";

praman_store::row! {
    /// A claim's row.
    pub(super) struct Row {
        id: Vec<u8>,
        scheme: String,
        period: i64,
        window: i64,
        state_root: Vec<u8>,
        as_of: i64,
        nullifier: Vec<u8>,
        payout_commitment: Vec<u8>,
        proof: Vec<u8>,
        /// Of a claim that an earlier version kept before it checked it.
        envelope: Option<Vec<u8>>,
        /// Missing for a claim of the first edition of statements.
        envelope_hash: Option<Vec<u8>>,
    }
}

impl Row {
    /// Reads the claim; its proof's points are checked again.
    pub(super) fn read(self) -> Result<(ClaimId, SubmittedClaim), StoreError> {
        let id = ClaimId::from_column(&self.id).ok_or_else(|| broken("a claim's id"))?;
        let (words, rest) = self.proof.as_chunks::<32>();
        let words: [[u8; 32]; 8] = match (words.try_into(), rest) {
            (Ok(words), []) => words,
            _ => return Err(broken("a claim's proof")),
        };
        let scheme: SchemeId = self.scheme.parse().map_err(|_| broken("a claim's scheme"))?;
        let (period, window) = (Period(self.period as u32), Period(self.window as u32));
        let ledger = LedgerClaim {
            scheme,
            period: ClaimPeriod { period, window },
            checkpoint: 0,
            nullifier: Nullifier::from_field(field(&self.nullifier)?),
            payout: PayoutCommitment::from_field(field(&self.payout_commitment)?),
            envelope: match (&self.envelope_hash, &self.envelope) {
                (Some(hash), _) => EnvelopeHash::from_field(field(hash)?),
                (None, Some(envelope)) => EnvelopeHash::of(envelope),
                (None, None) => return Err(broken("a claim's envelope")),
            },
            proof: Proof::from_words(&words).map_err(|_| broken("a claim's proof"))?,
        };
        let checkpoint = Checkpoint {
            state_root: StateRoot::from_field(field(&self.state_root)?),
            as_of: Day(self.as_of as u32),
        };
        let claim = match self.envelope {
            Some(envelope) => SubmittedClaim::new(Claim { ledger, envelope }, checkpoint),
            None => SubmittedClaim::without_envelope(ledger, checkpoint),
        };
        Ok((id, claim))
    }
}

impl ClaimStore<'_> {
    /// Returns what is known of a claim; if it repeats another, what is known of that one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn claim_receipt(&self, id: ClaimId) -> Result<Option<ClaimReceipt>, StoreError> {
        match self.kept_receipt(id).await? {
            None => self.refused_receipt(id).await,
            known => Ok(known),
        }
    }

    /// Returns what is known of a kept claim.
    pub(super) async fn kept_receipt(
        &self,
        id: ClaimId,
    ) -> Result<Option<ClaimReceipt>, StoreError> {
        type Columns = (Vec<u8>, Vec<u8>, ClaimState, Option<Reason>, Option<i64>, i64);
        let row: Option<Columns> = sqlx::query_as(
            "SELECT claim.id, claim.nullifier, claim.state, claim.reason, claim.block,
                    claim.received_at
             FROM claim AS asked JOIN claim ON claim.id = COALESCE(asked.same_as, asked.id)
             WHERE asked.id = $1",
        )
        .bind(id.column())
        .fetch_optional(self.0.pool())
        .await?;
        let Some((id, nullifier, state, reason, block, received_at)) = row else {
            return Ok(None);
        };
        Ok(Some(ClaimReceipt {
            id: ClaimId::from_column(&id).ok_or_else(|| broken("a claim's id"))?,
            nullifier: Nullifier::from_field(field(&nullifier)?),
            state,
            reason,
            block: block.map(|block| block as u64),
            received_at: received_at as u64,
        }))
    }

    /// Returns the claim that a client has named.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn named_claim(&self, key: &ClientKey) -> Result<Option<ClaimId>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT claim FROM client_key WHERE client = $1 AND name = $2")
                .bind(&key.client)
                .bind(&key.name)
                .fetch_optional(self.0.pool())
                .await?;
        let id = |(claim,): (Vec<u8>,)| {
            ClaimId::from_column(&claim).ok_or_else(|| broken("a claim's id"))
        };
        row.map(id).transpose()
    }
}
