//! Which accesses were given: for a patient, of their consents; for everyone, in the ledger's trail.

use std::collections::HashSet;

use jiff::Timestamp;
use praman_circuits::access::{AccessNullifier, access_lock, access_nullifier};
use praman_circuits::artefact::Minute;
use praman_circuits::context::Context;
use praman_holder::wallet::Wallet;
use praman_ledger::{LedgerError, LedgerStore, ProviderId, RequesterNumber};
use praman_store::error::StoreError;
use praman_store::{Store, broken, bytes, field};
use rayon::prelude::*;

use super::document::FieldFault;
use super::file::ConsentFile;
use super::refusal::ConsentError;
use super::time::minute_of;
use crate::ConsentStore;

/// The most nullifiers that are looked up to list a consent's uses.
const NULLIFIERS_MAX: u32 = 200_000;

/// Returns the nullifiers of a consent's accesses up to a minute, by window and number, of as many of the
/// newest windows as can be computed quickly.
fn nullifiers(
    wallet: &Wallet,
    consent: &ConsentFile,
    context: Context,
    until: Minute,
) -> Result<Vec<AccessNullifier>, FieldFault> {
    let artefact = consent.artefact()?;
    let commitment = artefact.commitment();
    let until = Minute(until.0.min(artefact.valid_until.0));
    let Some(last) = artefact.frequency.window_of(artefact.valid_from, until) else {
        return Ok(Vec::new());
    };
    let accesses = artefact.frequency.accesses;
    let windows = (NULLIFIERS_MAX / accesses.max(1)).max(1);
    let first = last.saturating_sub(windows - 1);
    let of_window = |window: u32| {
        let lock = access_lock(&wallet.secret, commitment, window);
        let numbers = (0..accesses).into_par_iter();
        numbers.map(move |number| access_nullifier(&lock, context, number))
    };
    Ok((first..=last).into_par_iter().flat_map(of_window).collect())
}

/// Returns what nullifiers of the store's ledger take in; none if it has no ledger, and so no accesses.
async fn context_of(store: &Store) -> Result<Option<Context>, ConsentError> {
    Ok(LedgerStore(store).ledger_context().await.map_err(LedgerError::from)?)
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
) -> Result<Vec<Minute>, ConsentError> {
    let until = minute_of(now).ok_or_else(|| FieldFault::new("now", "lies before 1900"))?;
    let begin = consent.artefact()?.valid_from;
    let Some(context) = context_of(store).await? else { return Ok(Vec::new()) };
    let mine: HashSet<Vec<u8>> = nullifiers(wallet, consent, context, until)?
        .par_iter()
        .map(|nullifier| bytes(nullifier.to_field()))
        .collect();
    // The provider's since the consent began: only the wallet can tell which are this patient's.
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "SELECT nullifier, as_of FROM recorded_access WHERE provider = $1 AND as_of >= $2
         ORDER BY as_of",
    )
    .bind(i64::from(consent.provider().0))
    .bind(i64::from(begin.0))
    .fetch_all(store.pool())
    .await?;
    let used = rows.into_iter().filter(|(nullifier, _)| mine.contains(nullifier));
    Ok(used.map(|(_, as_of)| Minute(as_of as u32)).collect())
}

/// Returns the first number of a consent's window at a time that is neither used nor withdrawn.
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
    let at = minute_of(at).ok_or_else(|| FieldFault::new("at", "lies before 1900"))?;
    let window = artefact.frequency.window_of(artefact.valid_from, at).unwrap_or_default();
    let Some(context) = context_of(store).await? else { return Ok(0) };
    let lock = access_lock(&wallet.secret, artefact.commitment(), window);
    let (store, provider) = (ConsentStore(store), consent.provider());
    for number in 0..artefact.frequency.accesses {
        let nullifier = access_nullifier(&lock, context, number);
        if store.recorded_access(provider, nullifier).await?.is_none()
            && !store.is_withdrawn(provider, nullifier).await?
        {
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

    /// Returns whether a provider's access with a nullifier was ended by its patient.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_withdrawn(
        &self,
        provider: ProviderId,
        nullifier: AccessNullifier,
    ) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT block FROM withdrawn_access WHERE provider = $1 AND nullifier = $2",
        )
        .bind(i64::from(provider.0))
        .bind(bytes(nullifier.to_field()))
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.is_some())
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
                as_of: Minute(as_of as u32),
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
    /// The minute that its proof is for.
    pub as_of: Minute,
    /// The digest of request, public inputs and proof.
    pub digest: [u8; 32],
    /// The block that recorded it.
    pub block: u64,
}
