//! Which accesses were given: for a patient, of their consents; for everyone, in the ledger's trail.

use std::collections::HashSet;

use jiff::Timestamp;
use praman_circuits::access::{AccessNullifier, access_nullifier};
use praman_circuits::artefact::Moment;
use praman_holder::wallet::Wallet;
use praman_ledger::{ProviderId, RequesterNumber};
use praman_store::error::StoreError;
use praman_store::{Store, broken, bytes, field};
use rayon::prelude::*;

use super::document::FieldFault;
use super::file::ConsentFile;
use super::refusal::ConsentError;
use super::time::moment_of;
use crate::ConsentStore;

/// The most nullifiers that are looked up to list a consent's uses.
const NULLIFIERS_MAX: u64 = 200_000;

/// Returns the nullifiers of a consent's accesses up to a moment, by window and number, of as many of the
/// newest windows as can be computed quickly.
fn nullifiers(
    wallet: &Wallet,
    consent: &ConsentFile,
    until: Moment,
) -> Result<Vec<AccessNullifier>, FieldFault> {
    let artefact = consent.artefact()?;
    let commitment = artefact.commitment();
    let until = Moment(until.0.min(artefact.valid_until.0));
    let Some(last) = artefact.frequency.window_of(artefact.valid_from, until) else {
        return Ok(Vec::new());
    };
    let accesses = artefact.frequency.accesses;
    let windows = (NULLIFIERS_MAX / u64::from(accesses.max(1))).max(1);
    let first = (last + 1).saturating_sub(windows);
    let all: Vec<(u64, u32)> = (first..=last)
        .flat_map(|window| (0..accesses).map(move |number| (window, number)))
        .collect();
    let nullifier = |&(window, number): &(u64, u32)| {
        access_nullifier(&wallet.secret, commitment, window, number)
    };
    Ok(all.par_iter().map(nullifier).collect())
}

/// Returns which accesses of a consent were given, and when, according to the ledger.
///
/// # Errors
/// [`ConsentError`].
pub async fn uses_of(
    store: &Store,
    wallet: &Wallet,
    consent: &ConsentFile,
    now: Timestamp,
) -> Result<Vec<Moment>, ConsentError> {
    let until = moment_of(now).ok_or_else(|| FieldFault::new("now", "lies before 1900"))?;
    let begin = consent.artefact()?.valid_from;
    let mine: HashSet<Vec<u8>> = nullifiers(wallet, consent, until)?
        .par_iter()
        .map(|nullifier| bytes(nullifier.to_field()))
        .collect();
    // The provider's since the consent began: only the wallet can tell which are this patient's.
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "SELECT nullifier, as_of FROM recorded_access WHERE provider = $1 AND as_of >= $2
         ORDER BY as_of",
    )
    .bind(i64::from(consent.provider().0))
    .bind(begin.0 as i64)
    .fetch_all(store.pool())
    .await?;
    let used = rows.into_iter().filter(|(nullifier, _)| mine.contains(nullifier));
    Ok(used.map(|(_, as_of)| Moment(as_of as u64)).collect())
}

/// Returns the first unused number of a consent's window at a time.
///
/// # Errors
/// [`ConsentError`].
pub async fn next_number(
    store: &Store,
    wallet: &Wallet,
    consent: &ConsentFile,
    at: Timestamp,
) -> Result<u32, ConsentError> {
    let artefact = consent.artefact()?;
    let at = moment_of(at).ok_or_else(|| FieldFault::new("at", "lies before 1900"))?;
    let window = artefact.frequency.window_of(artefact.valid_from, at).unwrap_or_default();
    let commitment = artefact.commitment();
    for number in 0..artefact.frequency.accesses {
        let nullifier = access_nullifier(&wallet.secret, commitment, window, number);
        if ConsentStore(store).recorded_access(consent.provider(), nullifier).await?.is_none() {
            return Ok(number);
        }
    }
    Ok(artefact.frequency.accesses)
}

impl ConsentStore<'_> {
    /// Returns the digest and block of a provider's access with a nullifier on the ledger, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn recorded_access(
        &self,
        provider: ProviderId,
        nullifier: AccessNullifier,
    ) -> Result<Option<([u8; 32], u64)>, StoreError> {
        let row: Option<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT digest, block FROM recorded_access WHERE provider = $1 AND nullifier = $2",
        )
        .bind(i64::from(provider.0))
        .bind(bytes(nullifier.to_field()))
        .fetch_optional(self.0.pool())
        .await?;
        row.map(|(digest, block)| {
            let digest = digest.try_into().map_err(|_| broken("an access's digest"))?;
            Ok((digest, block as u64))
        })
        .transpose()
    }

    /// Returns the accesses that a provider gave from a block on, up to a limit, in the ledger's order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn access_trail(
        &self,
        provider: ProviderId,
        from_block: u64,
        most: u32,
    ) -> Result<Vec<TrailEntry>, StoreError> {
        let rows: Vec<TrailRow> = sqlx::query_as(
            "SELECT nullifier, requester, as_of, digest, block FROM recorded_access
             WHERE provider = $1 AND block >= $2 ORDER BY block, nullifier LIMIT $3",
        )
        .bind(i64::from(provider.0))
        .bind(i64::try_from(from_block).unwrap_or(i64::MAX))
        .bind(i64::from(most))
        .fetch_all(self.0.pool())
        .await?;
        let entry = |(nullifier, requester, as_of, digest, block): TrailRow| {
            Ok(TrailEntry {
                nullifier: AccessNullifier::from_field(field(&nullifier)?),
                requester: RequesterNumber(requester as u32),
                as_of: Moment(as_of as u64),
                digest: digest.try_into().unwrap_or_default(),
                block: block as u64,
            })
        };
        rows.into_iter().map(entry).collect()
    }
}

type TrailRow = (Vec<u8>, i64, i64, Vec<u8>, i64);

/// An access in the ledger's trail. It names no person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailEntry {
    /// Its nullifier.
    pub nullifier: AccessNullifier,
    /// The requester.
    pub requester: RequesterNumber,
    /// The moment that its proof is for.
    pub as_of: Moment,
    /// The digest of request, public inputs and proof.
    pub digest: [u8; 32],
    /// The block that recorded it.
    pub block: u64,
}
