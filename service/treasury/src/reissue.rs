//! Paying again what the bank returned: no second claim, one more transfer.

use praman_claims::terms;
use praman_store::Store;
use serde::Serialize;

use super::correction::Correction;
use super::envelopes::{Envelopes, commitment_of};
use super::key::TreasuryKey;
use super::payment_file::share;
use super::release::BatchContents;
use super::restored;
use super::run::{Paid, PaymentRun};
use super::same_account::{PaymentOf, SameAccount};
use super::transfer::{self, TransferReference, TransferRow, TransferState};
use crate::refusal::OrderFault;
use crate::refusal::OrderRefusal;
use crate::refusal::PaymentError;

/// Which returned transfers to pay again.
pub struct Reissue<'a> {
    /// The scheme, its period, and where the file goes.
    pub run: PaymentRun<'a>,
    /// The corrections that offices have made since.
    pub corrections: &'a [Correction],
    /// Transfers to the same account, if the bank has fixed it.
    pub same: &'a [TransferReference],
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Reissued {
    /// How many transfers are drafted to be paid again.
    pub transfers: usize,
    /// The bank's files, and what is pending.
    #[serde(flatten)]
    pub paid: Paid,
}

impl Reissue<'_> {
    /// Drafts a transfer for each, in one batch, and writes its file. If one can't be paid again, all are
    /// refused.
    ///
    /// # Errors
    /// [`PaymentError::Order`] naming the transfer.
    pub async fn pay(&self, store: &Store, key: &TreasuryKey) -> Result<Reissued, PaymentError> {
        for correction in self.corrections {
            correction.require_officers(store, self.run.by).await?;
        }
        let mut envelopes = Envelopes::new(store, key);
        let mut transaction = store.begin().await?;
        restored::require_reconciled(&mut transaction).await?;
        self.run.require_folder()?;
        let corrected = self.corrections.iter().map(|one| (&one.reference, Some(one)));
        let all: Vec<(&TransferReference, Option<&Correction>)> =
            corrected.chain(self.same.iter().map(|reference| (reference, None))).collect();
        let transfers = all.len();
        if transfers > 0 {
            let (scheme, period) = (self.run.scheme, self.run.period);
            let terms = terms::keep(&mut transaction, scheme, period, self.run.terms).await?;
            let mut rows = Vec::with_capacity(transfers);
            let mut contents = BatchContents::default();
            let mut accounts = SameAccount::begin(&mut transaction, &envelopes, &self.run).await?;
            for (reference, correction) in all {
                let row = self.returned(&mut transaction, reference).await?;
                if correction.is_none() && row.is_payee_lost() {
                    return Err(refused(reference, OrderFault::PayeeLost));
                }
                if let Some(correction) = correction {
                    // What was proved, regardless of earlier corrections.
                    let commitment = commitment_of(&mut transaction, &row.nullifier).await?;
                    let proved = envelopes.payout(&row.nullifier, &commitment).await?;
                    let proved =
                        proved.map_err(|reason| refused(reference, OrderFault::Payout(reason)))?;
                    correction.keep(&mut transaction, key, &proved).await?;
                }
                let next = row.next_attempt();
                let payout = envelopes.of_transfer(&mut transaction, &next).await?;
                let payout =
                    payout.map_err(|reason| refused(reference, OrderFault::Payout(reason)))?;
                // A corrected account may be that of another claim of the period.
                let payment =
                    (row.nullifier.as_slice(), PaymentOf::Part(row.part(), next.attempt as u32));
                if !terms.shared_accounts
                    && let Some(reason) =
                        accounts.holds(&mut transaction, payment, &payout.payee).await?
                {
                    // Only the account that it was held for is stored.
                    drop(transaction);
                    let mut transaction = store.begin().await?;
                    accounts.keep_held(&mut transaction, &row.nullifier, &payout.payee).await?;
                    transaction.commit().await?;
                    return Err(refused(reference, OrderFault::Payout(reason)));
                }
                let rupees = share(payout.amount, row.part(), terms.instalments);
                let anew = (row.nullifier.as_slice(), row.part(), next.attempt as u32);
                contents.add(key, anew, rupees, &payout.payee);
                rows.push((reference, row));
            }
            let told = contents.told(key);
            let batch = self.run.new_batch(store, &mut transaction, terms, told).await?;
            for (reference, row) in rows {
                sqlx::query(
                    "UPDATE payment_transfer SET state = 'reissued'
                     WHERE reference = $1 AND state = 'returned'",
                )
                .bind(reference.as_str())
                .execute(&mut *transaction)
                .await?;
                let anew = (row.part(), row.attempt as u32 + 1);
                transfer::draft(&mut transaction, key, &batch, &row.nullifier, anew).await?;
                transfer::settle_claim(&mut transaction, &row.nullifier, None).await?;
            }
        }
        transaction.commit().await?;
        let mut paid = Paid::default();
        self.run.write_drafted(store, &mut envelopes, &mut paid).await?;
        Ok(Reissued { transfers, paid })
    }

    /// Finds a returned transfer of this scheme and period.
    async fn returned(
        &self,
        connection: &mut sqlx::AnyConnection,
        reference: &TransferReference,
    ) -> Result<TransferRow, PaymentError> {
        let row = transfer::find(connection, reference.as_str()).await?;
        let row = row.ok_or_else(|| refused(reference, OrderFault::Unknown))?;
        match row.state {
            TransferState::Returned => {}
            TransferState::Reissued => {
                return Err(refused(reference, OrderFault::Reissued));
            }
            TransferState::Drafted | TransferState::Ordered | TransferState::Paid => {
                return Err(refused(reference, OrderFault::NotReturned));
            }
        }
        let attempts = transfer::attempts(connection, &row.nullifier, row.part()).await?;
        for one in &attempts {
            if one.state == TransferState::Paid {
                return Err(refused(reference, OrderFault::InstalmentPaid));
            }
        }
        if attempts.iter().any(TransferRow::is_contested) {
            return Err(refused(reference, OrderFault::Contested));
        }
        // A contested claim waits as a whole: a draft of it would be taken out again.
        let (contested,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM payment_transfer WHERE nullifier = $1 AND contested = 1",
        )
        .bind(&row.nullifier)
        .fetch_one(&mut *connection)
        .await?;
        if contested > 0 {
            return Err(refused(reference, OrderFault::OtherContested));
        }
        let of: Option<(String, i64)> =
            sqlx::query_as("SELECT scheme, period FROM payment_batch WHERE id = $1")
                .bind(&row.batch)
                .fetch_optional(&mut *connection)
                .await?;
        let run = (self.run.scheme.as_str().to_owned(), i64::from(self.run.period.0));
        if of.as_ref() != Some(&run) {
            return Err(refused(reference, OrderFault::OtherPeriod));
        }
        let disputed: Option<(i64,)> =
            sqlx::query_as("SELECT payable FROM dispute WHERE nullifier = $1 AND payable = 0")
                .bind(&row.nullifier)
                .fetch_optional(&mut *connection)
                .await?;
        if disputed.is_some() {
            return Err(refused(reference, OrderFault::Disputed));
        }
        Ok(row)
    }
}

fn refused(reference: &TransferReference, fault: OrderFault) -> PaymentError {
    OrderRefusal::of(reference, fault).into()
}
