//! Reconciliation: claims on the ledger against what the bank was asked to pay and has paid, to the rupee.

use std::collections::BTreeMap;

use praman_circuits::period::Period;
use praman_circuits::scope::SchemeId;
use praman_language::calendar;
use praman_ledger::LedgerStore;
use praman_register::small_cells;
use praman_store::{Store, broken};
use serde::Serialize;

use super::key::TreasuryKey;
use super::payment_file::share;
use super::transfer::{COLUMNS, TransferRow, TransferState};
use crate::refusal::PaymentError;

/// The step in which a department sees counts and sums.
const COUNT_STEP: u64 = small_cells::FEW;
const RUPEES_STEP: u64 = 10_000;

/// A count and a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// The number of claims, or of their transfers.
    pub count: u64,
    /// Whole rupees.
    pub rupees: u64,
}

impl Totals {
    /// Returns the same rounded down to steps: at least that many and that much.
    fn in_steps(&self) -> Self {
        let (count, rupees) = (self.count, self.rupees);
        Self { count: count - count % COUNT_STEP, rupees: rupees - rupees % RUPEES_STEP }
    }

    pub(super) fn add(&mut self, rupees: u64) {
        self.count += 1;
        self.rupees += rupees;
    }
}

/// A scheme's period, reconciled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Claims that the ledger has accepted and whose envelope fits, with the sum that was proved.
    pub claimed: Totals,
    /// Claims that wait for an envelope that fits: their amount is not known.
    pub held: u64,
    /// Claims that are in dispute or must not be paid, of those that are in no file.
    pub disputed: Totals,
    /// Claims that are not in a file yet.
    pub waiting: Totals,
    /// Transfers in a batch whose file is not written.
    pub drafted: Totals,
    /// Transfers in a file that the bank has reported nothing final about.
    pub ordered: Totals,
    /// Transfers that are paid.
    pub paid: Totals,
    /// Transfers that came back and are not paid again yet.
    pub returned: Totals,
    /// Transfers that came back and are paid again: they are in no sum.
    pub reissued: u64,
    /// Transfers that the bank has reported both as paid and as returned: two treasurers decide.
    pub contested: u64,
    /// Why transfers came back, by the bank's code.
    pub reasons: BTreeMap<String, u64>,
    /// The claimed sum less what is disputed, waiting, ordered, paid or returned: 0 if all is accounted for.
    pub difference: i64,
}

impl Reconciliation {
    /// Reconciles a scheme's period.
    ///
    /// # Errors
    /// [`PaymentError::Store`].
    pub async fn of(
        store: &Store,
        key: &TreasuryKey,
        scheme: &SchemeId,
        period: Period,
    ) -> Result<Self, PaymentError> {
        let mut sums = Self::default();
        type Claim = (Vec<u8>, Vec<u8>, Option<String>, i64, i64);
        let claims: Vec<Claim> = sqlx::query_as(
            "SELECT nullifier, payout_commitment, batch, coalesce(payment_batch.instalments, 1),
                    CAST(CASE WHEN EXISTS (SELECT 1 FROM dispute WHERE payable = 0
                             AND dispute.nullifier = accepted_claim.nullifier)
                         THEN 1 ELSE 0 END AS BIGINT)
             FROM accepted_claim LEFT JOIN payment_batch ON payment_batch.id = accepted_claim.batch
             WHERE accepted_claim.scheme = $1 AND accepted_claim.period = $2",
        )
        .bind(scheme.as_str())
        .bind(i64::from(period.0))
        .fetch_all(store.pool())
        .await?;
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM payment_transfer WHERE batch IN
                 (SELECT id FROM payment_batch WHERE scheme = $1 AND period = $2)"
        ));
        let rows: Vec<TransferRow> = sqlx::query_as(statement)
            .bind(scheme.as_str())
            .bind(i64::from(period.0))
            .fetch_all(store.pool())
            .await?;
        let mut transfers: BTreeMap<Vec<u8>, Vec<TransferRow>> = BTreeMap::new();
        for row in rows {
            transfers.entry(row.nullifier.clone()).or_default().push(row);
        }
        for (nullifier, commitment, batch, instalments, disputed) in claims {
            let Ok(payout) = key.open_of(store, &nullifier, &commitment).await? else {
                sums.held += 1;
                continue;
            };
            let amount = u64::from(payout.amount);
            sums.claimed.add(amount);
            if batch.is_none() {
                let sum = if disputed != 0 { &mut sums.disputed } else { &mut sums.waiting };
                sum.add(amount);
                continue;
            }
            for row in transfers.remove(&nullifier).unwrap_or_default() {
                // The amount written into a file, if it is kept; the one that would be, if none is written.
                let written = row.amount.as_deref().map(|sealed| {
                    key.open_amount(&row.reference, sealed).ok_or_else(|| {
                        broken("the amount of a transfer, or it is another treasury's")
                    })
                });
                let rupees = match written {
                    Some(rupees) => u64::from(rupees?),
                    None => u64::from(share(payout.amount, row.part(), instalments.max(1) as u32)),
                };
                sums.contested += u64::from(row.is_contested());
                match row.state {
                    TransferState::Drafted => sums.drafted.add(rupees),
                    TransferState::Ordered => sums.ordered.add(rupees),
                    TransferState::Paid => sums.paid.add(rupees),
                    TransferState::Returned => sums.returned.add(rupees),
                    TransferState::Reissued => sums.reissued += 1,
                }
                if let Some(reason) = row.reason {
                    let first = reason.split(' ').next().unwrap_or_default().to_owned();
                    *sums.reasons.entry(first).or_default() += 1;
                }
            }
        }
        let accounted: u64 = sums.parts().iter().map(|totals| totals.rupees).sum();
        sums.difference = sums.claimed.rupees as i64 - accounted as i64;
        Ok(sums)
    }

    fn parts(&self) -> [Totals; 6] {
        [self.disputed, self.waiting, self.drafted, self.ordered, self.paid, self.returned]
    }

    /// Whether every claim is accounted for, to the rupee.
    pub fn is_balanced(&self) -> bool {
        self.difference == 0
    }

    /// Returns what a department may see in this week: what it saw first. Two reports one claim apart would
    /// reveal that claim's amount. Once the period is settled it sees the proved sum, and no other beside it: a
    /// sum of a few claims more, even in steps, would tell of those few.
    ///
    /// # Errors
    /// [`PaymentError::Store`].
    pub async fn for_department_this_week(
        &self,
        store: &Store,
        scheme: &SchemeId,
        period: Period,
    ) -> Result<serde_json::Value, PaymentError> {
        let settled = LedgerStore(store).settlements_of(scheme, period).await?;
        if !settled.is_empty() {
            return Ok(serde_json::json!({ "settled": settled, "balanced": self.is_balanced() }));
        }
        // 1900 began on a Monday.
        let week = i64::from(calendar::today().0 / 7);
        let report = self.for_department().to_string();
        let (told,): (String,) = sqlx::query_as(
            "INSERT INTO department_report (scheme, period, week, report) VALUES ($1, $2, $3, $4)
             ON CONFLICT (scheme, period, week) DO UPDATE SET report = department_report.report
             RETURNING report",
        )
        .bind(scheme.as_str())
        .bind(i64::from(period.0))
        .bind(week)
        .bind(report)
        .fetch_one(store.writer())
        .await?;
        Ok(serde_json::from_str(&told).map_err(|_| broken("a department's report"))?)
    }

    /// Returns what a department may see: no sum of so few that it reveals a person's amount, none that does so
    /// when subtracted from the others, and all in steps.
    pub fn for_department(&self) -> serde_json::Value {
        let names = ["disputed", "waiting", "drafted", "ordered", "paid", "returned"];
        let parts = self.parts();
        let counts: Vec<u64> = parts.iter().map(|totals| totals.count).collect();
        let hidden = small_cells::hidden(&counts);
        let tell = |totals: &Totals, hidden: bool| match hidden {
            true => serde_json::json!({ "count": null, "rupees": null, "suppressed": true }),
            false => serde_json::json!(totals.in_steps()),
        };
        let all_few = (1..small_cells::FEW).contains(&self.claimed.count);
        let mut told = serde_json::Map::new();
        told.insert("claimed".to_owned(), tell(&self.claimed, all_few));
        for ((name, totals), hidden) in names.iter().zip(&parts).zip(hidden) {
            told.insert((*name).to_owned(), tell(totals, hidden || all_few));
        }
        told.insert("balanced".to_owned(), self.is_balanced().into());
        told.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn department_learns_no_persons_amount() {
        let totals = |count, rupees| Totals { count, rupees };
        let sums = Reconciliation {
            claimed: totals(100, 120_000),
            paid: totals(98, 117_800),
            returned: totals(2, 2_200),
            ..Reconciliation::default()
        };
        let told = sums.for_department();
        assert_eq!(told["claimed"]["rupees"], 120_000);
        assert_eq!(told["returned"]["suppressed"], true);
        assert_eq!(told["paid"]["suppressed"], true, "or the rest would tell: {told}");
        assert_eq!(told["waiting"]["count"], 0);
        let many = Reconciliation { returned: totals(5, 5_500), ..sums.clone() };
        let told = many.for_department();
        assert_eq!(
            (&told["paid"]["rupees"], &told["paid"]["count"]),
            (&110_000.into(), &95.into())
        );
        // One more claim shows only if it takes the sum over a step.
        let more = Reconciliation { paid: totals(99, 119_000), ..many };
        assert_eq!(more.for_department(), told);
        let few = Reconciliation { claimed: totals(3, 3_600), paid: totals(3, 3_600), ..sums };
        let told = few.for_department().to_string();
        assert!(!told.contains("3600"), "{told}");
    }
}
