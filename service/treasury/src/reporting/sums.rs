//! Compares a line's amount with what was ordered.

use sqlx::AnyConnection;

use super::line::{Import, level_of};
use super::{Discrepancy, plain};
use crate::bank_report::{Outcome, ReportKind, ReportedAmount, ReportedTransfer};
use crate::envelopes::commitment_of;
use crate::payment_file::share;
use crate::refusal::PaymentError;
use crate::transfer::TransferRow;

/// Whether an amount is what was ordered.
enum Fit {
    /// It is.
    Exact,
    /// It is, except for the bank's charges.
    LessCharges,
    No,
}

/// Compares an amount with what was ordered, in paise: the bank may have added charges to a payment, or deducted some
/// from a return.
fn fit(amount: ReportedAmount, ordered: u64, (is_return, is_one): (bool, bool)) -> Fit {
    let ReportedAmount { paise, instructed, charges } = amount;
    if paise == ordered {
        return Fit::Exact;
    }
    let charges_explain = charges.is_some_and(|charges| paise.abs_diff(ordered) == charges);
    if paise > ordered {
        return if charges_explain && !is_return { Fit::LessCharges } else { Fit::No };
    }
    // A return without stated charges fits if the bank says what was ordered, or if little is missing: only for one
    // transfer, since of several one may not have come back.
    let is_little = (ordered - paise).saturating_mul(10) <= ordered;
    let is_told = instructed == Some(ordered);
    let is_silent = charges.is_none() && instructed.is_none();
    let is_explained = is_little && is_one && (is_told || is_silent);
    if is_return && paise > 0 && (charges_explain || is_explained) {
        Fit::LessCharges
    } else {
        Fit::No
    }
}

impl Import<'_> {
    /// Returns the transfers that a line's amount covers: all that it names, or those that were not rejected before.
    /// None, and it is reported, if the amount fits neither.
    pub(super) async fn of_sum(
        &mut self,
        connection: &mut AnyConnection,
        line: &ReportedTransfer,
        rows: Vec<TransferRow>,
    ) -> Result<Option<Vec<TransferRow>>, PaymentError> {
        let Some(amount) = line.amount else { return Ok(Some(rows)) };
        let mut ordered = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(paise) = self.ordered(connection, row).await? else {
                // What the bank has booked must be compared; the sum in a status is the bank's echo.
                if self.kind == ReportKind::Status && level_of(line) > 0 {
                    return Ok(Some(rows));
                }
                let reason = "its envelope does not open with this key: import the report with the \
                              key that paid";
                self.differs(&line.label, reason);
                self.by_another_key = true;
                return Ok(None);
            };
            ordered.push((row.clone(), paise));
        }
        let is_return = matches!(line.outcome, Outcome::Returned(_));
        let all: u64 = ordered.iter().map(|(_, paise)| paise).sum();
        match fit(amount, all, (is_return, ordered.len() == 1)) {
            Fit::No => {}
            fit => {
                self.charged(&line.label, &fit, is_return);
                return Ok(Some(ordered.into_iter().map(|(row, _)| row).collect()));
            }
        }
        let mut left = Vec::new();
        let mut sum = 0;
        for (row, paise) in ordered {
            if !row.state.is_rejected() {
                sum += paise;
                left.push(row);
            }
        }
        if !left.is_empty() && !is_return {
            match fit(amount, sum, (false, left.len() == 1)) {
                Fit::No => {}
                fit => {
                    self.charged(&line.label, &fit, false);
                    return Ok(Some(left));
                }
            }
        }
        self.differs(&line.label, "the bank's amount differs from the ordered amount");
        Ok(None)
    }

    /// Reports a bank's charges.
    fn charged(&mut self, of: &str, fit: &Fit, is_return: bool) {
        let reason = match (fit, is_return) {
            (Fit::LessCharges, true) => "returned minus charges: the bank kept some of the amount",
            (Fit::LessCharges, false) => "booked with charges",
            _ => return,
        };
        self.imported.charges.push(Discrepancy { of: plain(of), reason });
    }

    /// Returns the ordered amount of a transfer, in paise; none if its envelope does not open.
    async fn ordered(
        &self,
        connection: &mut AnyConnection,
        row: &TransferRow,
    ) -> Result<Option<u64>, PaymentError> {
        // The amount written into the file, if it is kept.
        if let Some(sealed) = &row.amount
            && let Some(rupees) = self.envelopes.key().open_amount(&row.reference, sealed)
        {
            return Ok(Some(u64::from(rupees) * 100));
        }
        let (instalments,): (i64,) =
            sqlx::query_as("SELECT instalments FROM payment_batch WHERE id = $1")
                .bind(&row.batch)
                .fetch_one(&mut *connection)
                .await?;
        let commitment = commitment_of(connection, &row.nullifier).await?;
        let Ok(payout) = self.envelopes.payout(&row.nullifier, &commitment).await? else {
            return Ok(None);
        };
        let rupees = share(payout.amount, row.part(), instalments.max(1) as u32);
        Ok(Some(u64::from(rupees) * 100))
    }
}
