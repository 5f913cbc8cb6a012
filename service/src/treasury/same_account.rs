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
pub(super) const HELD: &str = "another claim of this period goes to the same account: look whose it is, then have two treasurers \
     decide: praman treasury release";

/// The accounts that claims of a period go to.
pub(super) struct SameAccount<'a> {
    key: &'a TreasuryKey,
    scheme: String,
    period: u32,
    taken: HashSet<Vec<u8>>,
    released: HashSet<Vec<u8>>,
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

    async fn keep(
        &self,
        transaction: &mut WriteTransaction,
        nullifier: &[u8],
        tag: &[u8],
    ) -> Result<(), ServiceError> {
        sqlx::query(
            "INSERT INTO payment_account (scheme, period, nullifier, tag) VALUES ($1, $2, $3, $4)
             ON CONFLICT (scheme, period, nullifier) DO UPDATE SET tag = excluded.tag",
        )
        .bind(&self.scheme)
        .bind(i64::from(self.period))
        .bind(nullifier)
        .bind(tag)
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }

    /// Whether a claim may go to an account: no other of the period does, or two persons have let it.
    pub(super) async fn admits(
        &mut self,
        transaction: &mut WriteTransaction,
        nullifier: &[u8],
        payee: &Payee,
    ) -> Result<bool, ServiceError> {
        let tag = self.tag(payee);
        if self.taken.contains(&tag) && !self.released.contains(nullifier) {
            // A claim whose batch was denied is not another.
            let own: Option<(Vec<u8>,)> = sqlx::query_as(
                "SELECT tag FROM payment_account
                 WHERE scheme = $1 AND period = $2 AND nullifier = $3",
            )
            .bind(&self.scheme)
            .bind(i64::from(self.period))
            .bind(nullifier)
            .fetch_optional(&mut **transaction)
            .await?;
            if own.is_none_or(|(own,)| own != tag) {
                return Ok(false);
            }
        }
        self.keep(transaction, nullifier, &tag).await?;
        self.taken.insert(tag);
        Ok(true)
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
        let (scheme, period) = match row {
            None => return refused("no such claim was accepted"),
            Some((.., Some(_))) => return refused("it is in a batch already"),
            Some((scheme, period, None)) => (scheme, period as u32),
        };
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
