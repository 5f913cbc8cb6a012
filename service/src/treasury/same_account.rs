//! Two claims of one period to one account: the second one waits until two persons have looked at it.
//!
//! One person with two credentials is paid twice into one account; a family that shares an account is two
//! persons. The treasury can't tell these apart, and the ledger sees no account.

use std::collections::HashSet;

use praman_circuits::nullifier::Nullifier;
use praman_circuits::payee::Payee;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::envelopes::Envelopes;
use super::key::TreasuryKey;
use super::run::PaymentRun;
use crate::access_control::{ApprovalKind, Caller};
use crate::error::ServiceError;
use crate::store::{Store, WriteTransaction, broken, bytes};

/// Why a claim is held.
const HELD: &str = "another claim of this period goes to the same account: look whose it is, then have two treasurers \
     decide: praman treasury release";

/// Why a claim is held that can't be compared with all others.
const BY_ANOTHER_KEY: &str = "claims of this period were paid by another treasury's key, so that accounts can't be compared: look \
     whose it is, then have two treasurers decide: praman treasury release";

/// The accounts that claims of a period go to.
pub(super) struct SameAccount<'a> {
    key: &'a TreasuryKey,
    scheme: String,
    period: u32,
    taken: HashSet<Vec<u8>>,
    released: HashSet<Vec<u8>>,
    /// Whether another treasury's key has paid claims of the period.
    by_another_key: bool,
}

impl<'a> SameAccount<'a> {
    /// What is known of a period; accounts of claims that an earlier version paid are looked up.
    pub(super) async fn begin(
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'a>,
        run: &PaymentRun<'_>,
    ) -> Result<Self, ServiceError> {
        let (scheme, period) = (run.scheme.as_str().to_owned(), run.period.0);
        let mut known = Self {
            key: envelopes.key(),
            scheme,
            period,
            taken: HashSet::new(),
            released: HashSet::new(),
            by_another_key: false,
        };
        let unknown: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT nullifier, payout_commitment FROM accepted_claim
             WHERE scheme = $1 AND period = $2 AND batch IS NOT NULL
                 AND nullifier NOT IN (SELECT nullifier FROM payment_account
                                       WHERE scheme = $1 AND period = $2)",
        )
        .bind(&known.scheme)
        .bind(i64::from(period))
        .fetch_all(&mut **transaction)
        .await?;
        for (nullifier, commitment) in unknown {
            if let Ok(payout) = envelopes.payout(&nullifier, &commitment).await? {
                let tag = known.tag(&payout.payee);
                known.keep(transaction, &nullifier, &tag).await?;
            }
        }
        let taken: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT tag FROM payment_account WHERE scheme = $1 AND period = $2")
                .bind(&known.scheme)
                .bind(i64::from(period))
                .fetch_all(&mut **transaction)
                .await?;
        let (others,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM payment_account
             WHERE scheme = $1 AND period = $2 AND made_by IS NOT NULL AND made_by <> $3",
        )
        .bind(&known.scheme)
        .bind(i64::from(period))
        .bind(known.made_by())
        .fetch_one(&mut **transaction)
        .await?;
        known.by_another_key = others > 0;
        known.taken = taken.into_iter().map(|(tag,)| tag).collect();
        let released: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT nullifier FROM payment_release")
            .fetch_all(&mut **transaction)
            .await?;
        known.released = released.into_iter().map(|(nullifier,)| nullifier).collect();
        Ok(known)
    }

    fn tag(&self, payee: &Payee) -> Vec<u8> {
        self.key.account_tag(&self.scheme, self.period, payee).to_vec()
    }

    /// Which key makes the tags, as a column has it.
    fn made_by(&self) -> Vec<u8> {
        self.key.tag(b"praman.account-tags.1", &[])[..8].to_vec()
    }

    async fn keep(
        &self,
        transaction: &mut WriteTransaction,
        nullifier: &[u8],
        tag: &[u8],
    ) -> Result<(), ServiceError> {
        sqlx::query(
            "INSERT INTO payment_account (scheme, period, nullifier, tag, made_by)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (scheme, period, nullifier) DO UPDATE
                 SET tag = excluded.tag, made_by = excluded.made_by",
        )
        .bind(&self.scheme)
        .bind(i64::from(self.period))
        .bind(nullifier)
        .bind(tag)
        .bind(self.made_by())
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }

    /// Why a claim may not go to an account; none if no other of the period does, or two persons have let it.
    pub(super) async fn holds(
        &mut self,
        transaction: &mut WriteTransaction,
        nullifier: &[u8],
        payee: &Payee,
    ) -> Result<Option<&'static str>, ServiceError> {
        let tag = self.tag(payee);
        let own: Option<(Vec<u8>,)> = sqlx::query_as(
            "SELECT tag FROM payment_account WHERE scheme = $1 AND period = $2 AND nullifier = $3",
        )
        .bind(&self.scheme)
        .bind(i64::from(self.period))
        .bind(nullifier)
        .fetch_optional(&mut **transaction)
        .await?;
        // A claim whose batch was denied is not another.
        if own.is_some_and(|(own,)| own == tag) {
            return Ok(None);
        }
        let reason = match self.taken.contains(&tag) {
            true => Some(HELD),
            false => self.by_another_key.then_some(BY_ANOTHER_KEY),
        };
        if reason.is_some() {
            if !self.released.remove(nullifier) {
                return Ok(reason);
            }
            // It was for this account: to go to yet another, the claim is looked at again.
            sqlx::query("DELETE FROM payment_release WHERE nullifier = $1")
                .bind(nullifier)
                .execute(&mut **transaction)
                .await?;
        }
        self.keep(transaction, nullifier, &tag).await?;
        self.taken.insert(tag);
        Ok(None)
    }
}

/// What two persons decide: that a claim goes to an account that another claim of the period goes to.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseDocument {
    claim: String,
    scheme: String,
    period: u32,
}

impl Store {
    /// Asks a second treasurer to let an accepted claim go to an account that another claim of its period
    /// goes to; the approval's number.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] if there is no such claim, if it is in a file already, or if there are not
    /// two treasurers.
    pub async fn ask_release(
        &self,
        nullifier: Nullifier,
        by: &Caller,
    ) -> Result<u32, ServiceError> {
        let mut transaction = self.begin().await?;
        super::release::require_two_treasurers(self, &mut transaction, by).await?;
        let row: Option<(String, i64, Option<String>)> =
            sqlx::query_as("SELECT scheme, period, batch FROM accepted_claim WHERE nullifier = $1")
                .bind(bytes(nullifier.to_field()))
                .fetch_optional(&mut *transaction)
                .await?;
        let refused =
            |reason: &str| Err(ServiceError::Refused(format!("claim {nullifier}: {reason}")));
        let Some((scheme, period, batch)) = row else {
            return refused("no such claim was accepted");
        };
        // One that came back is paid anew, to an account that an office has corrected.
        let (returned,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM payment_transfer WHERE nullifier = $1 AND state = 'returned'",
        )
        .bind(bytes(nullifier.to_field()))
        .fetch_one(&mut *transaction)
        .await?;
        if batch.is_some() && returned == 0 {
            return refused("it is in a batch already");
        }
        let period = period as u32;
        let document = ReleaseDocument { claim: nullifier.to_string(), scheme, period };
        let document = serde_json::to_string(&document).expect("plain data");
        let (kind, tenant) = (ApprovalKind::Release, by.tenant_column());
        let number = self.ask_approval(&mut transaction, kind, tenant, &document, by).await?;
        transaction.commit().await?;
        Ok(number)
    }
}

/// Lets a claim go to its account, as two persons have decided.
///
/// # Errors
/// [`ServiceError::Store`].
pub(crate) async fn release(
    connection: &mut AnyConnection,
    document: &str,
    approval: i64,
) -> Result<(), ServiceError> {
    let about: ReleaseDocument =
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))?;
    let nullifier: Nullifier = about.claim.parse().map_err(|_| broken("an approval's claim"))?;
    sqlx::query(
        "INSERT INTO payment_release (nullifier, approval) VALUES ($1, $2)
         ON CONFLICT (nullifier) DO NOTHING",
    )
    .bind(bytes(nullifier.to_field()))
    .bind(approval)
    .execute(connection)
    .await?;
    Ok(())
}
