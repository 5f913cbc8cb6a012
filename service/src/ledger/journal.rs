//! What the contracts' events tell, kept in the store.

use alloy_primitives::U256;
use alloy_sol_types::SolEvent;
use praman_verifier::contracts::{Addresses, Claims, Consents, Disputes, scheme_of_word};

use super::chain::{ChainError, ChainLog};
use crate::store::{Store, WriteTransaction};

/// What a disputed claim's outcome must be for it to be paid: `Outcome.Pay`.
const PAY: u8 = 1;

/// Writes what events tell, in the transaction that also writes where they are from.
pub(super) async fn record(
    transaction: &mut WriteTransaction,
    addresses: &Addresses,
    logs: &[ChainLog],
) -> Result<(), ChainError> {
    for log in logs {
        let topic = log.topics.first().copied().unwrap_or_default();
        if log.address == addresses.claims {
            record_claims(transaction, log, topic).await?;
        } else if log.address == addresses.disputes {
            record_dispute(transaction, log, topic).await?;
        } else if log.address == addresses.consents {
            record_access(transaction, log, topic).await?;
        }
    }
    Ok(())
}

fn decode<E: SolEvent>(log: &ChainLog) -> Result<E, ChainError> {
    E::decode_raw_log(log.topics.iter().copied(), &log.data).map_err(ChainError::failed)
}

async fn record_claims(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    match topic {
        Claims::PeriodOpened::SIGNATURE_HASH => {
            let event: Claims::PeriodOpened = decode(log)?;
            let scheme = scheme_of_word(event.scheme)
                .ok_or_else(|| ChainError::failed("an opening names no scheme"))?;
            sqlx::query(
                "INSERT INTO opening (number, scheme, period, \"window\", stage, block)
                 VALUES ($1, $2, $3, $4, 1, $5)",
            )
            .bind(i64::from(event.opening))
            .bind(scheme.as_str())
            .bind(i64::from(event.period))
            .bind(i64::from(event.window))
            .bind(log.block as i64)
            .execute(&mut **transaction)
            .await?;
        }
        Claims::StageChanged::SIGNATURE_HASH => {
            let event: Claims::StageChanged = decode(log)?;
            sqlx::query("UPDATE opening SET stage = $1 WHERE number = $2")
                .bind(i64::from(event.stage))
                .bind(i64::from(event.opening))
                .execute(&mut **transaction)
                .await?;
        }
        Claims::CheckpointPublished::SIGNATURE_HASH => {
            let event: Claims::CheckpointPublished = decode(log)?;
            sqlx::query(
                "INSERT INTO checkpoint (number, state_root, as_of, block) VALUES ($1, $2, $3, $4)",
            )
            .bind(i64::from(event.checkpoint))
            .bind(event.stateRoot.to_be_bytes_vec())
            .bind(i64::from(event.asOf))
            .bind(log.block as i64)
            .execute(&mut **transaction)
            .await?;
        }
        Claims::ClaimAccepted::SIGNATURE_HASH => {
            let event: Claims::ClaimAccepted = decode(log)?;
            let claim = (event.nullifier, event.payoutCommitment);
            accept(transaction, log.block, event.opening, claim).await?;
        }
        Claims::ClaimsAccepted::SIGNATURE_HASH => {
            let event: Claims::ClaimsAccepted = decode(log)?;
            for claim in event.claims.chunks_exact(2) {
                accept(transaction, log.block, event.opening, (claim[0], claim[1])).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

async fn accept(
    transaction: &mut WriteTransaction,
    block: u64,
    opening: u32,
    (nullifier, payout): (U256, U256),
) -> Result<(), ChainError> {
    sqlx::query(
        "INSERT INTO accepted_claim (nullifier, scheme, period, payout_commitment, block, opening)
         SELECT $1, scheme, period, $2, $3, number FROM opening WHERE number = $4",
    )
    .bind(nullifier.to_be_bytes_vec())
    .bind(payout.to_be_bytes_vec())
    .bind(block as i64)
    .bind(i64::from(opening))
    .execute(&mut **transaction)
    .await?;
    // The claim that brought it, if it came by this store.
    sqlx::query(
        "UPDATE claim SET state = 'accepted', block = $3
         WHERE nullifier = $1 AND payout_commitment = $2 AND state NOT IN ('received', 'refused')
             AND state IN ('verified', 'submitted')",
    )
    .bind(nullifier.to_be_bytes_vec())
    .bind(payout.to_be_bytes_vec())
    .bind(block as i64)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn record_dispute(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    let (nullifier, payable) = match topic {
        Disputes::Frozen::SIGNATURE_HASH => (decode::<Disputes::Frozen>(log)?.nullifier, false),
        Disputes::Settled::SIGNATURE_HASH => {
            let event: Disputes::Settled = decode(log)?;
            (event.nullifier, event.outcome == PAY)
        }
        _ => return Ok(()),
    };
    sqlx::query(
        "INSERT INTO dispute (nullifier, payable, block) VALUES ($1, $2, $3)
         ON CONFLICT (nullifier) DO UPDATE SET payable = excluded.payable, block = excluded.block",
    )
    .bind(nullifier.to_be_bytes_vec())
    .bind(i64::from(payable))
    .bind(log.block as i64)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn record_access(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    if topic != Consents::AccessRecorded::SIGNATURE_HASH {
        return Ok(());
    }
    let event: Consents::AccessRecorded = decode(log)?;
    sqlx::query(
        "INSERT INTO recorded_access (nullifier, provider, requester, as_of, digest, block)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(event.nullifier.to_be_bytes_vec())
    .bind(i64::from(event.provider))
    .bind(i64::from(event.requester))
    .bind(event.asOf as i64)
    .bind(event.digest.to_vec())
    .bind(log.block as i64)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

impl Store {
    /// The number of a scheme's opening; none where it was not opened.
    pub(super) async fn opening(
        &self,
        scheme: &str,
        period: u32,
        window: u32,
    ) -> Result<Option<u32>, sqlx::Error> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT number FROM opening WHERE scheme = $1 AND period = $2 AND \"window\" = $3",
        )
        .bind(scheme)
        .bind(i64::from(period))
        .bind(i64::from(window))
        .fetch_optional(self.pool())
        .await?;
        Ok(row.map(|(number,)| number as u32))
    }

    /// Takes back what blocks above `last` told, when another chain has taken their place.
    pub(super) async fn forget_after(
        &self,
        transaction: &mut WriteTransaction,
        last: u64,
    ) -> Result<(), ChainError> {
        let (paid,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM accepted_claim WHERE block > $1 AND batch IS NOT NULL",
        )
        .bind(last as i64)
        .fetch_one(&mut **transaction)
        .await?;
        if paid > 0 {
            return Err(ChainError::failed(format!(
                "the chain has taken back {paid} claims that were paid: its blocks above {last} \
                 were replaced after they were confirmed; nothing is paid until an operator has \
                 looked at it"
            )));
        }
        for statement in [
            "DELETE FROM accepted_claim WHERE block > $1",
            "DELETE FROM opening WHERE block > $1",
            "DELETE FROM checkpoint WHERE block > $1",
            "DELETE FROM dispute WHERE block > $1",
            "DELETE FROM recorded_access WHERE block > $1",
            "DELETE FROM recorded_block WHERE number > $1",
            "UPDATE claim SET state = 'submitted', block = NULL,
                 settlement = COALESCE(settlement, 'brought by another')
             WHERE block > $1 AND state = 'accepted'",
        ] {
            sqlx::query(statement).bind(last as i64).execute(&mut **transaction).await?;
        }
        // What the ledger knows of providers' trees is asked anew.
        sqlx::query("UPDATE provider SET records_published = 0, consents_published = 0")
            .execute(&mut **transaction)
            .await?;
        Ok(())
    }
}
