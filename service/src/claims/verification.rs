//! Received claims are verified: all that wait by one product of pairings, bad ones found by halving.

use std::time::Instant;

use praman_verifier::batch::BatchItem;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use super::machine::{ClaimMachine, HeldClaim};
use super::record::{COLUMNS, HELD, Row};
use super::rules::Terms;
use super::stages::Stage;
use super::state::{ClaimId, Reason};
use super::{figures, record};
use crate::computation::compute;
use crate::error::ServiceError;
use crate::failpoint::may_die;
use crate::store::{WriteTransaction, bytes, milliseconds};

/// How many claims are verified together at most: more would not make one cheaper.
pub(super) const TOGETHER: usize = 256;

/// How often two programs that verify the same nullifier at once try again.
const ATTEMPTS: usize = 5;

impl ClaimMachine {
    /// Which of some claims don't hold, and why. A long computation.
    fn find_refusals(&self, held: &[HeldClaim]) -> Vec<Option<Reason>> {
        let folded: Vec<_> =
            held.iter().map(|held| self.rules.folded(&Terms::of(&held.claim))).collect();
        let own: Vec<_> = held
            .iter()
            .map(|held| {
                let ledger = &held.claim.claim().ledger;
                [ledger.nullifier.to_field(), ledger.payout.to_field()]
            })
            .collect();
        let mut reasons: Vec<Option<Reason>> =
            folded.iter().map(|folded| folded.as_ref().err().copied()).collect();
        let mut places = Vec::new();
        let mut items = Vec::new();
        for (place, folded) in folded.iter().enumerate() {
            let Ok(folded) = folded else { continue };
            let proof = &held[place].claim.claim().ledger.proof;
            places.push(place);
            items.push(BatchItem { folded, rest: &own[place], proof });
        }
        match self.rules.key.find_invalid(&items, &mut OsRng) {
            Ok(invalid) => {
                for index in invalid {
                    reasons[places[index]] = Some(Reason::ProofInvalid);
                }
            }
            // The key is for another number of inputs: nothing holds under it.
            Err(_) => places.iter().for_each(|&place| reasons[place] = Some(Reason::ProofInvalid)),
        }
        reasons
    }

    /// Verifies claims that this program holds; their ids.
    ///
    /// # Errors
    /// [`ServiceError::Store`]; they stay received, and are verified again.
    pub async fn verify(&self, held: &[HeldClaim]) -> Result<Vec<ClaimId>, ServiceError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let begun = Instant::now();
        let reasons = compute(|| self.find_refusals(held));
        self.clock.since(Stage::Verifying, begun);
        let begun = Instant::now();
        let mut verified: Vec<(&HeldClaim, Option<Reason>)> = held.iter().zip(reasons).collect();
        // In the order of ids, so that two programs never wait for each other.
        verified.sort_by_key(|(held, _)| held.id);
        for attempt in 1.. {
            match self.write_verdicts(&verified).await {
                // Another program has verified a claim of the same nullifier in this moment.
                Err(ServiceError::Store(sqlx::Error::Database(error)))
                    if attempt < ATTEMPTS && error.is_unique_violation() => {}
                outcome => {
                    outcome?;
                    break;
                }
            }
        }
        self.clock.since(Stage::Recording, begun);
        Ok(held.iter().map(|held| held.id).collect())
    }

    async fn write_verdicts(
        &self,
        verified: &[(&HeldClaim, Option<Reason>)],
    ) -> Result<(), ServiceError> {
        let mut transaction = self.store.begin_rows().await?;
        for (held, reason) in verified {
            match reason {
                Some(reason) => refuse(&mut transaction, held.id, *reason, None).await?,
                None => {
                    // Another form of a claim that is known takes no name and is not counted again.
                    if !stand(&mut transaction, held).await? {
                        continue;
                    }
                    if let Some(key) = &held.client_key {
                        record::name_claim(&mut transaction, key, held.id).await?;
                    }
                    if let Some(district) = held.district {
                        let scheme = held.claim.scheme();
                        figures::count_district(&mut transaction, scheme, district).await?;
                    }
                }
            }
        }
        may_die!("claims::verify");
        transaction.commit().await?;
        may_die!("claims::verified");
        Ok(())
    }

    /// Takes over received claims whose program has not verified them in time: it died, or is slow.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn adopt(&self) -> Result<Vec<HeldClaim>, ServiceError> {
        let database = self.store.database();
        let (now, skip_locked) = (database.now(), database.skip_locked());
        let is_over = database.is_over("held_until", HELD);
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE claim SET holder = $1, held_until = {now} + $2
             WHERE state = 'received' AND id IN
                 (SELECT id FROM claim WHERE state = 'received'
                      AND {is_over}
                  ORDER BY received_at LIMIT {TOGETHER} {skip_locked})
             RETURNING {COLUMNS}"
        ));
        let rows: Vec<Row> = sqlx::query_as(statement)
            .bind(&self.program)
            .bind(milliseconds(HELD))
            .fetch_all(self.store.writer())
            .await?;
        rows.into_iter()
            .map(|row| {
                let (id, claim) = row.read()?;
                Ok(HeldClaim { id, claim, client_key: None, district: None })
            })
            .collect()
    }

    /// Lets go of claims that were not verified, so that others need not wait.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn let_go(&self) -> Result<(), ServiceError> {
        sqlx::query("UPDATE claim SET held_until = 0 WHERE state = 'received' AND holder = $1")
            .bind(&self.program)
            .execute(self.store.writer())
            .await?;
        Ok(())
    }
}

/// Refuses a received or submitted claim.
pub(super) async fn refuse(
    transaction: &mut WriteTransaction,
    id: ClaimId,
    reason: Reason,
    same_as: Option<&[u8]>,
) -> Result<(), ServiceError> {
    sqlx::query(
        "UPDATE claim SET state = 'refused', reason = $2, same_as = $3, envelope = NULL
         WHERE id = $1 AND state IN ('received', 'verified', 'submitted')",
    )
    .bind(id.column())
    .bind(reason.name())
    .bind(same_as.map(<[u8]>::to_vec))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Writes that a claim's proof holds. Of a nullifier one claim goes on; another that says the same is
/// that one, another that says something else is a second claim. Whether it is the one that goes on.
async fn stand(transaction: &mut WriteTransaction, held: &HeldClaim) -> Result<bool, ServiceError> {
    let ledger = &held.claim.claim().ledger;
    let (nullifier, payout) = (bytes(ledger.nullifier.to_field()), bytes(ledger.payout.to_field()));
    let first: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT id, payout_commitment FROM claim
         WHERE nullifier = $1 AND state NOT IN ('received', 'refused') AND id <> $2",
    )
    .bind(nullifier.clone())
    .bind(held.id.column())
    .fetch_optional(&mut **transaction)
    .await?;
    let accepted: Option<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT payout_commitment, block FROM accepted_claim WHERE nullifier = $1")
            .bind(nullifier.clone())
            .fetch_optional(&mut **transaction)
            .await?;
    let same = match (&first, &accepted) {
        (Some((_, other)), _) | (None, Some((other, _))) => *other == payout,
        (None, None) => true,
    };
    if !same {
        refuse(transaction, held.id, Reason::AlreadyClaimed, None).await?;
        return Ok(false);
    }
    if let Some((first, _)) = &first {
        refuse(transaction, held.id, Reason::AlreadyClaimed, Some(first)).await?;
    } else {
        // Accepted already where another relayer has brought it.
        let block = accepted.map(|(_, block)| block);
        sqlx::query(
            "UPDATE claim SET state = $2, block = $3, envelope = NULL
             WHERE id = $1 AND state = 'received'",
        )
        .bind(held.id.column())
        .bind(if block.is_some() { "accepted" } else { "verified" })
        .bind(block)
        .execute(&mut **transaction)
        .await?;
    }
    let envelope = &held.claim.claim().envelope;
    sqlx::query(
        "INSERT INTO envelope (nullifier, digest, sealed) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(nullifier)
    .bind(Sha256::digest(envelope).to_vec())
    .bind(envelope.clone())
    .execute(&mut **transaction)
    .await?;
    Ok(first.is_none())
}
