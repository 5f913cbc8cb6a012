//! Which transfers may have gone out since a state was backed up, by their references.

use std::collections::HashMap;
use std::sync::OnceLock;

use praman_circuits::period::Period;
use praman_circuits::scope::SchemeId;
use praman_claims::terms;
use praman_store::{WriteTransaction, broken};
use sqlx::AnyConnection;

use super::envelopes::{Envelopes, commitment_of};
use super::key::TreasuryKey;
use super::lost_file::LostFile;
use super::payment_file::share;
use super::transfer::TransferReference;
use crate::refusal::PaymentError;

/// The most parts that an amount is paid in.
const PARTS_MAX: u32 = 12;

/// How many times in a row a part may have been paid again without anything known here.
const ATTEMPTS_AHEAD: u32 = 4;

/// A transfer that went out and that the restored state does not know.
#[derive(Clone)]
pub(super) struct Lost {
    pub(super) nullifier: Vec<u8>,
    pub(super) part: u32,
    pub(super) attempt: u32,
    /// None if the claim's envelope is not here.
    pub(super) rupees: Option<u32>,
    pub(super) scheme: String,
    pub(super) period: i64,
    /// None if the number of the claim's parts is not known here: its file has it.
    pub(super) instalments: Option<u32>,
}

/// All transfers that may have gone out since a state was backed up, by reference.
pub(super) struct LostTransfers {
    /// The next one of each part: the unknown ones begin with it.
    pub(super) next: HashMap<String, Lost>,
    /// Later payments of the same parts: the reference of the next one, and the attempt. They are looked up only if a
    /// name is not the next one's.
    ahead: OnceLock<HashMap<String, (String, u32)>>,
}

impl LostTransfers {
    /// Finds those of claims that are in no batch, and those that would pay others again.
    pub(super) async fn find(
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'_>,
    ) -> Result<Self, PaymentError> {
        let key = envelopes.key();
        let mut found = HashMap::new();
        let mut keep = |lost: Lost| {
            let reference = TransferReference::of(key, &lost.nullifier, lost.part, lost.attempt);
            found.insert(reference.to_string(), lost);
        };
        let unpaid: Vec<(Vec<u8>, Vec<u8>, String, i64)> = sqlx::query_as(
            "SELECT nullifier, payout_commitment, scheme, period FROM accepted_claim
             WHERE batch IS NULL",
        )
        .fetch_all(&mut **transaction)
        .await?;
        for (nullifier, commitment, scheme, period) in unpaid {
            let payout = envelopes.payout(&nullifier, &commitment).await?.ok();
            let kept = instalments_of(transaction, &scheme, period).await?;
            // If the number of its parts is not known, any part may be named.
            for part in 0..kept.unwrap_or(PARTS_MAX) {
                let rupees = payout.as_ref().zip(kept);
                let rupees = rupees.map(|(payout, of)| share(payout.amount, part, of));
                let (nullifier, scheme) = (nullifier.clone(), scheme.clone());
                let (attempt, instalments) = (0, kept);
                keep(Lost { nullifier, part, attempt, rupees, scheme, period, instalments });
            }
        }
        let paid: Vec<(Vec<u8>, i64, i64, String, i64, i64)> = sqlx::query_as(
            "SELECT nullifier, part, max(attempt), scheme, period, max(instalments)
             FROM payment_transfer JOIN payment_batch ON payment_batch.id = payment_transfer.batch
             WHERE state <> 'drafted' GROUP BY nullifier, part, scheme, period",
        )
        .fetch_all(&mut **transaction)
        .await?;
        for (nullifier, part, attempt, scheme, period, of) in paid {
            let commitment = commitment_of(transaction, &nullifier).await?;
            let payout = envelopes.payout(&nullifier, &commitment).await?.ok();
            // It has as many parts as in the earlier batch.
            let (part, attempt, of) = (part as u32, attempt as u32 + 1, of.max(1) as u32);
            let rupees = payout.map(|payout| share(payout.amount, part, of));
            let instalments = Some(of);
            keep(Lost { nullifier, part, attempt, rupees, scheme, period, instalments });
        }
        // Drafts are pending: a named payment of the same part came after them.
        let drafted: Vec<(Vec<u8>, i64, i64, String, i64, i64)> = sqlx::query_as(
            "SELECT nullifier, part, attempt, scheme, period, instalments
             FROM payment_transfer JOIN payment_batch ON payment_batch.id = payment_transfer.batch
             WHERE state = 'drafted'",
        )
        .fetch_all(&mut **transaction)
        .await?;
        for (nullifier, part, attempt, scheme, period, of) in drafted {
            let (part, attempt) = (part as u32, attempt as u32);
            let (rupees, instalments) = (None, Some(of.max(1) as u32));
            keep(Lost { nullifier, part, attempt, rupees, scheme, period, instalments });
        }
        Ok(Self { next: found, ahead: OnceLock::new() })
    }

    /// Returns the transfer with a reference, and the earlier ones of the same part that are not known either, the
    /// earliest first.
    pub(super) fn of_reference(
        &self,
        key: &TreasuryKey,
        reference: &str,
    ) -> Option<(Lost, Vec<Lost>)> {
        if let Some(lost) = self.next.get(reference) {
            return Some((lost.clone(), Vec::new()));
        }
        let ahead = self.ahead.get_or_init(|| {
            let mut ahead = HashMap::new();
            for (next, lost) in &self.next {
                for attempt in lost.attempt + 1..=lost.attempt + ATTEMPTS_AHEAD {
                    let of = TransferReference::of(key, &lost.nullifier, lost.part, attempt);
                    ahead.insert(of.to_string(), (next.clone(), attempt));
                }
            }
            ahead
        });
        let (next, attempt) = ahead.get(reference)?;
        let next = self.next.get(next)?;
        let of = |attempt| Lost { attempt, ..next.clone() };
        Some((of(*attempt), (next.attempt..*attempt).map(of).collect()))
    }

    /// Learns the number of parts of claims from a file that went out, if it is not known here: the file that pays a
    /// claim has all of its parts.
    pub(super) async fn learn_parts(
        &mut self,
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'_>,
        file: &LostFile,
    ) -> Result<(), PaymentError> {
        let mut parts: HashMap<Vec<u8>, u32> = HashMap::new();
        for lost in file.transfers.iter().filter_map(|one| self.next.get(&one.reference)) {
            if lost.instalments.is_none() && lost.attempt == 0 {
                *parts.entry(lost.nullifier.clone()).or_default() += 1;
            }
        }
        for (nullifier, of) in parts {
            let commitment = commitment_of(transaction, &nullifier).await?;
            let payout = envelopes.payout(&nullifier, &commitment).await?.ok();
            self.next.retain(|_, lost| lost.nullifier != nullifier || lost.part < of);
            for lost in self.next.values_mut().filter(|lost| lost.nullifier == nullifier) {
                lost.instalments = Some(of);
                lost.rupees = payout.as_ref().map(|payout| share(payout.amount, lost.part, of));
            }
        }
        Ok(())
    }
}

async fn instalments_of(
    connection: &mut AnyConnection,
    scheme: &str,
    period: i64,
) -> Result<Option<u32>, PaymentError> {
    let scheme: SchemeId = scheme.parse().map_err(|_| broken("a claim's scheme"))?;
    let kept = terms::kept(connection, &scheme, Period(period as u32)).await?;
    Ok(kept.map(|kept| kept.instalments))
}
