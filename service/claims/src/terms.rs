//! How a scheme's period is paid: kept when it is opened or first claimed for, and never read from a file again.
//! A file that says otherwise later changes nothing that was accepted.

use praman_circuits::period::Period;
use praman_circuits::scope::SchemeId;
use praman_rules::scheme::PaymentTerms;
use praman_store::broken;
use praman_store::error::StoreError;
use sqlx::AnyConnection;

use crate::ClaimStore;

/// Why the terms of a scheme's period are not those of a file.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// Other terms hold.
    #[error(
        "the file says {} instalments and accounts = {:?}, but this period of scheme {scheme} is paid in \
         {} instalments with accounts = {:?}, as when it was opened or first claimed for: pay with the \
         earlier file",
        .said.instalments, accounts(.said), .kept.instalments, accounts(.kept)
    )]
    Differs {
        /// The scheme.
        scheme: SchemeId,
        /// What the file says.
        said: PaymentTerms,
        /// What holds.
        kept: PaymentTerms,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TermsError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Differs { .. } => 1,
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(TermsError);

fn accounts(terms: &PaymentTerms) -> &'static str {
    if terms.shared_accounts { "shared" } else { "own" }
}

fn differs(said: &PaymentTerms, scheme: &SchemeId, kept: &PaymentTerms) -> TermsError {
    TermsError::Differs { scheme: scheme.clone(), said: *said, kept: *kept }
}

/// Returns the kept terms of a scheme's period.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn kept(
    connection: &mut AnyConnection,
    scheme: &SchemeId,
    period: Period,
) -> Result<Option<PaymentTerms>, StoreError> {
    let row: Option<(i64, i64)> = sqlx::query_as(
        "SELECT instalments, shared_accounts FROM payment_terms WHERE scheme = $1 AND period = $2",
    )
    .bind(scheme.as_str())
    .bind(i64::from(period.0))
    .fetch_optional(connection)
    .await?;
    row.map(|(instalments, shared)| {
        let instalments = u32::try_from(instalments).map_err(|_| broken("a period's terms"))?;
        Ok(PaymentTerms { instalments, shared_accounts: shared != 0 })
    })
    .transpose()
}

/// Keeps the terms of a scheme's period if there are none; returns those that hold.
///
/// # Errors
/// [`TermsError::Differs`] if others are kept.
pub async fn keep(
    connection: &mut AnyConnection,
    scheme: &SchemeId,
    period: Period,
    terms: PaymentTerms,
) -> Result<PaymentTerms, TermsError> {
    sqlx::query(
        "INSERT INTO payment_terms (scheme, period, instalments, shared_accounts)
         VALUES ($1, $2, $3, $4) ON CONFLICT (scheme, period) DO NOTHING",
    )
    .bind(scheme.as_str())
    .bind(i64::from(period.0))
    .bind(i64::from(terms.instalments))
    .bind(i64::from(terms.shared_accounts))
    .execute(&mut *connection)
    .await?;
    let kept = kept(connection, scheme, period).await?.ok_or_else(|| broken("a period's terms"))?;
    if kept != terms {
        return Err(differs(&terms, scheme, &kept));
    }
    Ok(kept)
}

impl ClaimStore<'_> {
    /// Keeps how a scheme's period is paid, when a claim for it is handed in: the first terms hold.
    ///
    /// # Errors
    /// [`TermsError::Differs`] if others are kept.
    pub async fn keep_payment_terms(
        &self,
        scheme: &SchemeId,
        period: Period,
        terms: PaymentTerms,
    ) -> Result<(), TermsError> {
        let known = kept(&mut *self.0.pool().acquire().await?, scheme, period).await?;
        match known {
            Some(known) if known == terms => return Ok(()),
            Some(known) => return Err(differs(&terms, scheme, &known)),
            None => {}
        }
        let mut transaction = self.0.begin_rows().await?;
        keep(&mut transaction, scheme, period, terms).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Sets how a scheme's period is paid, when it is opened. Until a claim is accepted, later terms replace
    /// earlier ones.
    ///
    /// # Errors
    /// [`TermsError::Differs`] if claims were accepted under other terms.
    pub async fn set_payment_terms(
        &self,
        scheme: &SchemeId,
        period: Period,
        terms: PaymentTerms,
    ) -> Result<(), TermsError> {
        let known = kept(&mut *self.0.pool().acquire().await?, scheme, period).await?;
        if known == Some(terms) {
            return Ok(());
        }
        let mut transaction = self.0.begin().await?;
        let (accepted,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM (SELECT 1 FROM accepted_claim WHERE scheme = $1 AND period = $2
                                   LIMIT 1) AS one",
        )
        .bind(scheme.as_str())
        .bind(i64::from(period.0))
        .fetch_one(&mut *transaction)
        .await?;
        if accepted == 0 {
            sqlx::query("DELETE FROM payment_terms WHERE scheme = $1 AND period = $2")
                .bind(scheme.as_str())
                .bind(i64::from(period.0))
                .execute(&mut *transaction)
                .await?;
        }
        keep(&mut transaction, scheme, period, terms).await?;
        transaction.commit().await?;
        Ok(())
    }
}
