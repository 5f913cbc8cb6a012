//! Checking proofs before anything is kept: those handed in together by one product of pairings.

use std::sync::atomic::Ordering;
use std::time::Duration;

use praman_holder::claim::SubmittedClaim;
use praman_ledger::LedgerStore;
use praman_store::computation::compute;
use praman_store::error::StoreError;
use praman_store::failpoint::may_die;
use praman_store::{Database, WriteTransaction, broken, bytes, milliseconds};
use praman_verifier::batch::BatchItem;
use rand::rngs::OsRng;

use super::envelopes;
use super::machine::{Check, ClaimMachine, HandedIn, Looked, Verdict};
use super::record::{COLUMNS, Naming, Row};
use super::rules::Terms;
use super::state::{ClaimId, ClaimReceipt, Reason};
use super::{figures, record, refused};

/// How many claims are checked together at most: more would not make one cheaper.
pub(super) const TOGETHER: usize = 256;

/// How often programs that write the same nullifier or name at once try.
const ATTEMPTS: usize = 5;

/// How long only the program that took over a claim of an earlier version checks it.
const HELD: Duration = Duration::from_secs(10);

impl ClaimMachine {
    /// Returns which of some claims don't hold, and why. A long computation.
    pub(super) fn find_refusals(
        &self,
        claims: &[&SubmittedClaim],
        check: Check,
    ) -> Vec<Option<Reason>> {
        let folded: Vec<_> =
            claims.iter().map(|claim| self.rules.folded(&Terms::of(claim))).collect();
        let own: Vec<_> = claims
            .iter()
            .map(|claim| {
                let ledger = &claim.claim().ledger;
                [ledger.nullifier.to_field(), ledger.payout.to_field(), ledger.envelope.to_field()]
            })
            .collect();
        let mut reasons: Vec<Option<Reason>> =
            folded.iter().map(|folded| folded.as_ref().err().copied()).collect();
        let mut places = Vec::new();
        let mut items = Vec::new();
        for (place, folded) in folded.iter().enumerate() {
            let Ok(folded) = folded else { continue };
            let proof = &claims[place].claim().ledger.proof;
            places.push(place);
            items.push(BatchItem { folded, rest: &own[place], proof });
        }
        let key = &self.rules.key;
        let invalid = match check {
            Check::Together => key.find_invalid(&items, &mut OsRng),
            Check::Singly => key.find_invalid_singly(&items),
        };
        match invalid {
            Ok(invalid) => {
                for index in invalid {
                    reasons[places[index]] = Some(Reason::ProofInvalid);
                }
            }
            // The key is for another number of inputs: no proof holds under it.
            Err(_) => places.iter().for_each(|&place| reasons[place] = Some(Reason::ProofInvalid)),
        }
        reasons
    }

    /// Writes the verdicts of claims, in one transaction. A known claim gets one only if its client has used the name
    /// for another.
    pub(super) async fn write_verdicts(
        &self,
        known: &[Looked<'_>],
        verified: &[(&Looked<'_>, Option<Reason>)],
    ) -> Result<Vec<(usize, Verdict)>, StoreError> {
        if verified.is_empty() && known.iter().all(|looked| looked.handed_in.client_key.is_none()) {
            return Ok(Vec::new());
        }
        for attempt in 1.. {
            match self.try_to_write_verdicts(known, verified).await {
                // Another program has just written the same nullifier or names.
                Err(StoreError::Database(sqlx::Error::Database(error)))
                    if attempt < ATTEMPTS
                        && (error.is_unique_violation() || Database::is_deadlock(&*error)) => {}
                outcome => {
                    self.is_unwritten.store(outcome.is_err(), Ordering::Relaxed);
                    return outcome;
                }
            }
        }
        unreachable!("the last attempt is returned")
    }

    async fn try_to_write_verdicts(
        &self,
        known: &[Looked<'_>],
        verified: &[(&Looked<'_>, Option<Reason>)],
    ) -> Result<Vec<(usize, Verdict)>, StoreError> {
        let mut verdicts = Vec::new();
        let mut transaction = self.store.begin_rows().await?;
        for Looked { place, id, handed_in } in known {
            let Some(key) = &handed_in.client_key else { continue };
            let naming = record::name_claim(&mut transaction, key, *id).await?;
            if naming == Naming::Anothers {
                verdicts.push((*place, Verdict::KeyUsed));
            } else if naming == Naming::New && !record::holds(&mut transaction, *id).await? {
                record::take_name_back(&mut transaction, key).await?;
            }
        }
        for (Looked { place, id, handed_in }, reason) in verified {
            let claim = &handed_in.claim;
            if let Some(reason) = reason {
                let refused = self.refuse_unkept(&mut transaction, (*id, claim), *reason, None);
                verdicts.push((*place, Verdict::Refused(refused.await?)));
                continue;
            }
            let naming = match &handed_in.client_key {
                Some(key) => Some((key, record::name_claim(&mut transaction, key, *id).await?)),
                None => None,
            };
            if let Some((_, Naming::Anothers)) = naming {
                verdicts.push((*place, Verdict::KeyUsed));
                continue;
            }
            let (verdict, new) = self.stand(&mut transaction, *id, claim).await?;
            let is_it = matches!(&verdict, Verdict::Kept(kept) if kept == id);
            verdicts.push((*place, verdict));
            if new {
                if let Some(district) = handed_in.district {
                    let scheme = claim.scheme();
                    figures::count_district(&mut transaction, scheme, district).await?;
                }
            } else if let Some((key, Naming::New)) = naming
                && !is_it
            {
                // Another form of a known claim gets no name and is not counted again.
                record::take_name_back(&mut transaction, key).await?;
            }
        }
        may_die!("claims::keep");
        transaction.commit().await?;
        may_die!("claims::kept");
        Ok(verdicts)
    }

    /// Checks claims that an earlier version of this program kept and has not checked in time, because it died or is
    /// slow; returns which they were.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn take_over(&self) -> Result<Vec<ClaimId>, StoreError> {
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
        let claims: Vec<(ClaimId, HandedIn)> = rows
            .into_iter()
            .map(|row| row.read().map(|(id, claim)| (id, claim.into())))
            .collect::<Result<_, StoreError>>()?;
        let mut looked: Vec<Looked<'_>> = claims
            .iter()
            .enumerate()
            .map(|(place, (id, handed_in))| Looked { place, id: *id, handed_in })
            .collect();
        looked.sort_by_key(|looked| looked.id);
        let checked: Vec<_> = looked.iter().map(|looked| &looked.handed_in.claim).collect();
        let reasons = compute(|| self.find_refusals(&checked, Check::Together));
        let verified: Vec<_> = looked.iter().zip(reasons).collect();
        self.write_verdicts(&[], &verified).await?;
        Ok(claims.into_iter().map(|(id, _)| id).collect())
    }

    /// Remembers that a claim is refused and not kept; what was kept of it, by an earlier version or for a reason
    /// that has passed, is deleted.
    async fn refuse_unkept(
        &self,
        transaction: &mut WriteTransaction,
        (id, claim): (ClaimId, &SubmittedClaim),
        reason: Reason,
        same_as: Option<ClaimId>,
    ) -> Result<ClaimReceipt, StoreError> {
        sqlx::query("DELETE FROM claim WHERE id = $1 AND state IN ('received', 'refused')")
            .bind(id.column())
            .execute(&mut **transaction)
            .await?;
        let database = self.store.database();
        refused::remember(transaction, database, (id, claim), reason, same_as).await
    }

    /// Keeps a claim whose proof holds. One claim per nullifier goes on: another with the same payout is another form
    /// of it, and one with a different payout is a second claim. Also returns whether it is new and goes on.
    async fn stand(
        &self,
        transaction: &mut WriteTransaction,
        id: ClaimId,
        claim: &SubmittedClaim,
    ) -> Result<(Verdict, bool), StoreError> {
        let ledger = &claim.claim().ledger;
        let (nullifier, payout) =
            (bytes(ledger.nullifier.to_field()), bytes(ledger.payout.to_field()));
        let first: Option<(Vec<u8>, Vec<u8>, String)> = sqlx::query_as(
            "SELECT id, payout_commitment, scheme FROM claim
             WHERE nullifier = $1 AND state NOT IN ('received', 'refused') AND id <> $2",
        )
        .bind(nullifier.clone())
        .bind(id.column())
        .fetch_optional(&mut **transaction)
        .await?;
        let accepted: Option<(Vec<u8>, String, i64)> = sqlx::query_as(
            "SELECT payout_commitment, scheme, block FROM accepted_claim WHERE nullifier = $1",
        )
        .bind(nullifier.clone())
        .fetch_optional(&mut **transaction)
        .await?;
        // Schemes that exclude each other share nullifiers: a claim of another of them is another claim.
        let is_it =
            |other: &[u8], scheme: &str| other == payout && scheme == ledger.scheme.as_str();
        let first_is_it = first.as_ref().is_some_and(|(_, payout, scheme)| is_it(payout, scheme));
        let stands = match &accepted {
            // What the ledger has accepted stands, whatever was kept here.
            Some((payout, scheme, _)) => is_it(payout, scheme),
            None => first.is_none() || first_is_it,
        };
        // Refused here, before it could reach the ledger, where everybody would see it.
        let is_spent_before =
            LedgerStore(&self.store).is_inherited(transaction, &nullifier).await?;
        if !stands || is_spent_before {
            let reason = Reason::AlreadyClaimed;
            let refused = self.refuse_unkept(transaction, (id, claim), reason, None).await?;
            return Ok((Verdict::Refused(refused), false));
        }
        let first = first
            .map(|(first, ..)| ClaimId::from_column(&first).ok_or_else(|| broken("a claim's id")));
        let (kept, new) = match first.transpose()? {
            Some(first) if first_is_it => {
                let reason = Reason::AlreadyClaimed;
                self.refuse_unkept(transaction, (id, claim), reason, Some(first)).await?;
                (first, false)
            }
            // Accepted already if another relayer has submitted it, in the place of the one that was kept here.
            first => {
                if let Some(first) = first {
                    refuse(transaction, first, Reason::AlreadyClaimed).await?;
                }
                let block = accepted.map(|(.., block)| block);
                (id, record::keep(transaction, self.store.database(), id, claim, block).await?)
            }
        };
        envelopes::keep(transaction, claim.claim()).await?;
        Ok((Verdict::Kept(kept), new))
    }
}

/// Refuses a claim that was kept.
pub(super) async fn refuse(
    transaction: &mut WriteTransaction,
    id: ClaimId,
    reason: Reason,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE claim SET state = 'refused', reason = $2, envelope = NULL
         WHERE id = $1 AND state IN ('verified', 'submitted')",
    )
    .bind(id.column())
    .bind(reason)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
