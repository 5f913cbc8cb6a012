//! Who was kept out, counted by office: registers' rows that got no credential, and cases.

use std::collections::BTreeMap;

use praman_access::Caller;
use praman_circuits::office::OfficeId;
use praman_issuing::{IssuingStore, RowCounts};
use praman_register::small_cells::told;
use praman_store::error::StoreError;
use serde::Serialize;

use super::record::CaseCounts;
use crate::GrievanceStore;

/// The counts of an office. A count is null where it is so small that it could reveal a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OfficeFigures {
    /// The office's number.
    pub office: u32,
    /// Its name.
    pub name: String,
    /// Rows in its registers.
    pub rows: u64,
    /// Rows that were rejected for what they contain.
    pub rejected: Option<u64>,
    /// Rows that were treated as duplicates.
    pub duplicates: Option<u64>,
    /// People without a commitment of their wallet.
    pub without_wallet: Option<u64>,
    /// Grievances opened.
    pub cases: Option<u64>,
    /// Grievances in which the person was right.
    pub set_right: Option<u64>,
    /// Grievances past their due date.
    pub late: Option<u64>,
}

/// Counts of people who were left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ExclusionFigures {
    /// The counts of each office.
    pub offices: Vec<OfficeFigures>,
    /// Grievances by the code of their cause; null where the count is small.
    pub causes: BTreeMap<String, Option<u64>>,
}

impl GrievanceStore<'_> {
    /// Returns who was kept out, for the offices that a user may see.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn exclusion(&self, by: &Caller) -> Result<ExclusionFigures, StoreError> {
        let offices = self.offices_of(by).await?;
        let registers = IssuingStore(self.0).row_counts().await?;
        let counts = self.case_counts(by).await?;
        let of_registers = |count: fn(&RowCounts) -> u64| {
            let of = |(office, _): &(OfficeId, String)| registers.get(office).map_or(0, count);
            offices.iter().map(of).collect::<Vec<u64>>()
        };
        let of_cases = |count: fn(&CaseCounts) -> i64| {
            let of = |office: i64| {
                let own = counts.iter().filter(|one| one.office == office);
                own.map(count).sum::<i64>() as u64
            };
            told(&offices.iter().map(|(office, _)| of(i64::from(office.0))).collect::<Vec<_>>())
        };
        let rows = of_registers(|counts| counts.rows);
        let rejected = told(&of_registers(|counts| counts.rejected));
        let duplicates = told(&of_registers(|counts| counts.duplicates));
        let without = told(&of_registers(|counts| counts.without_subject));
        let opened = of_cases(|one| one.opened);
        let set_right = of_cases(|one| one.set_right);
        let late = of_cases(|one| one.late);
        let figures = offices.into_iter().enumerate().map(|(at, (office, name))| OfficeFigures {
            office: office.0,
            name,
            rows: rows[at],
            rejected: rejected[at],
            duplicates: duplicates[at],
            without_wallet: without[at],
            cases: opened[at],
            set_right: set_right[at],
            late: late[at],
        });
        let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
        for one in &counts {
            *causes.entry(one.cause.code()).or_default() += one.opened as u64;
        }
        let few = told(&causes.values().copied().collect::<Vec<_>>());
        let causes = causes.keys().map(|code| (*code).to_owned()).zip(few).collect();
        Ok(ExclusionFigures { offices: figures.collect(), causes })
    }
}
