//! What a bank reports, brought to the transfers and their claims.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;
use sqlx::AnyConnection;

use super::bank_report::{BankReport, Outcome, ReportKind, Reported, ReportedTransfer};
use super::envelopes::{Envelopes, commitment_of};
use super::key::TreasuryKey;
use super::payment_file::share;
use super::release::{NewFile, is_kept, keep_file};
use super::restored::{LostTransfers, restored_at};
use super::resumed;
use super::transfer::{self, TransferRow, TransferState};
use crate::claims::Reason;
use crate::error::ServiceError;
use crate::failpoint::may_die;
use crate::store::{Store, broken};

/// What came of a report.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The file's number; none if it was imported before, and then nothing changed.
    pub file: Option<u64>,
    /// Transfers that are paid now.
    pub paid: usize,
    /// Transfers that are returned now.
    pub returned: usize,
    /// Transfers of which the bank says that they are paid after it had said that they are returned.
    pub contested: usize,
    /// Of which was said what was known, or that they are on their way.
    pub unchanged: usize,
    /// What does not fit what is known. Nothing was changed for these.
    pub discrepancies: Vec<Discrepancy>,
}

/// Something in a report that does not fit what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// Of what: a transfer's reference, a part's or a message's id.
    pub of: String,
    /// What does not fit. It tells no amount.
    pub reason: &'static str,
}

/// Why a claim was returned, of a bank's code.
///
/// Source: ISO 20022 external code sets, `ExternalStatusReason1Code` and `ExternalReturnReason1Code`.
pub(super) fn reason_of(code: &str) -> Reason {
    match code {
        "AC01" | "AC02" | "AC03" | "RC01" | "RC04" | "BE23" => Reason::AccountWrong,
        "AC04" | "AC07" => Reason::AccountClosed,
        "AC06" | "AC15" | "AG01" => Reason::AccountBlocked,
        "BE01" | "BE05" => Reason::NameDiffers,
        "MD07" => Reason::HolderDeceased,
        _ => Reason::ReturnedByBank,
    }
}

impl Store {
    /// Brings a report to the transfers that it is of. A file that was imported before changes nothing; a
    /// report in another file of what is known, neither.
    ///
    /// # Errors
    /// [`ServiceError::Store`]; nothing is then half-done.
    pub async fn import_bank_report(
        &self,
        key: &TreasuryKey,
        bytes: &[u8],
        report: &BankReport,
    ) -> Result<Imported, ServiceError> {
        let mut imported = Imported::default();
        // One that is known changes nothing, and no envelope is opened for it.
        let is_restored = self.is_restored().await?;
        if is_kept(self, bytes).await? && !is_restored {
            return Ok(imported);
        }
        let mut envelopes = Envelopes::new(self, key);
        envelopes.open_ahead(claims_with_amounts(self, report).await?).await?;
        let mut transaction = self.begin().await?;
        let (kind, message) = (report.kind.name(), report.message.as_str());
        let file = NewFile { bytes, kind, message };
        imported.file = keep_file(self, &mut transaction, &file, report.transfers.len()).await?;
        // What a restored state did not know when the report first came, it may know now.
        if imported.file.is_none() && !is_restored {
            return Ok(imported);
        }
        if restored_at(&mut transaction).await?.is_some() {
            // What the report names and this state lost went out before it was restored.
            let lost = LostTransfers::find(&mut transaction, &envelopes).await?;
            for line in &report.transfers {
                let names = match &line.of {
                    Reported::Transfer(name) => std::slice::from_ref(name),
                    Reported::Together(names) => names,
                    Reported::Part(_) | Reported::Message(_) => &[],
                };
                for name in names {
                    lost.adopt(&mut transaction, &envelopes, (name, None)).await?;
                }
            }
            resumed::keep_days(&mut transaction, report).await?;
        }
        let restored = restored_at(&mut transaction).await?.is_some();
        let (kind, unknown, named, touched) =
            (report.kind, BTreeSet::new(), HashSet::new(), Vec::new());
        let mut import = Import { kind, envelopes, imported, unknown, named, touched };
        // What is said of one by itself goes before what is said of many.
        for level in 0..3 {
            for line in report.transfers.iter().filter(|line| level_of(&line.of) == level) {
                import.apply(&mut transaction, line).await?;
            }
        }
        for (nullifier, reason) in &import.touched {
            let reason = reason.map(Reason::name);
            transfer::settle_claim(&mut transaction, nullifier, reason).await?;
        }
        let Import { imported, unknown, .. } = import;
        if restored {
            // Until what the bank has named is known, nothing is paid.
            for name in &unknown {
                resumed::keep_unknown(&mut transaction, name).await?;
            }
        }
        may_die!("treasury::imported");
        transaction.commit().await?;
        Ok(imported)
    }
}

fn level_of(of: &Reported) -> u8 {
    match of {
        Reported::Transfer(_) | Reported::Together(_) => 0,
        Reported::Part(_) => 1,
        Reported::Message(_) => 2,
    }
}

/// The claims, by nullifier and payout commitment, of all transfers whose amounts a report tells.
async fn claims_with_amounts(
    store: &Store,
    report: &BankReport,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ServiceError> {
    let mut connection = store.pool().acquire().await?;
    let mut claims = Vec::new();
    for line in report.transfers.iter().filter(|line| line.paise.is_some()) {
        let (_, rows) = rows_of(&mut connection, &line.of).await?;
        for TransferRow { nullifier, .. } in rows {
            let commitment = commitment_of(&mut connection, &nullifier).await?;
            claims.push((nullifier, commitment));
        }
    }
    Ok(claims)
}

/// The transfers that the bank says something of, with the name that it has for them: those alone that a
/// file was written for, since a bank knows of no others.
async fn rows_of<'a>(
    connection: &mut AnyConnection,
    of: &'a Reported,
) -> Result<(&'a String, Vec<TransferRow>), ServiceError> {
    let (name, mut rows) = named_rows(connection, of).await?;
    let mut sent = Vec::with_capacity(rows.len());
    for row in rows.drain(..) {
        if row.state()? != TransferState::Drafted {
            sent.push(row);
        }
    }
    Ok((name, sent))
}

async fn named_rows<'a>(
    connection: &mut AnyConnection,
    of: &'a Reported,
) -> Result<(&'a String, Vec<TransferRow>), ServiceError> {
    Ok(match of {
        Reported::Transfer(name) => {
            (name, transfer::find(connection, name).await?.into_iter().collect())
        }
        Reported::Together(names) => {
            let mut rows = Vec::with_capacity(names.len());
            for name in names {
                match transfer::find(connection, name).await? {
                    Some(row) => rows.push(row),
                    None => return Ok((name, Vec::new())),
                }
            }
            (&names[0], rows)
        }
        Reported::Part(name) => {
            let part = name.rsplit_once('-');
            let part = part.and_then(|(batch, part)| Some((batch, part.parse::<u32>().ok()?)));
            let rows = match part {
                None => Vec::new(),
                Some((batch, number)) => {
                    let all = transfer::of_batch(connection, batch).await?;
                    all.into_iter().filter(|row| row.part() + 1 == number).collect()
                }
            };
            (name, rows)
        }
        Reported::Message(name) => (name, transfer::of_batch(connection, name).await?),
    })
}

/// An import under way.
struct Import<'a> {
    kind: ReportKind,
    envelopes: Envelopes<'a>,
    imported: Imported,
    /// What was named that is not known here.
    unknown: BTreeSet<String>,
    /// Transfers of which something was said already.
    named: HashSet<String>,
    /// Claims whose transfers moved, and why they were returned.
    touched: Vec<(Vec<u8>, Option<Reason>)>,
}

impl Import<'_> {
    async fn apply(
        &mut self,
        connection: &mut AnyConnection,
        line: &ReportedTransfer,
    ) -> Result<(), ServiceError> {
        // That a whole is under way says nothing of its transfers.
        let is_own = level_of(&line.of) == 0;
        if line.outcome == Outcome::Pending && !is_own {
            return Ok(());
        }
        let (name, rows) = rows_of(connection, &line.of).await?;
        if rows.is_empty() {
            self.differs(name, "no such payment was sent from here");
            match &line.of {
                Reported::Together(names) => {
                    for name in names {
                        if transfer::find(connection, name).await?.is_none() {
                            self.unknown.insert(name.clone());
                        }
                    }
                }
                _ => drop(self.unknown.insert(name.clone())),
            }
            return Ok(());
        }
        if line.outcome == Outcome::Unclear {
            self.differs(name, "the bank says of it what is not known here: ask the bank");
            return Ok(());
        }
        if let Reported::Together(names) = &line.of
            && rows.len() < names.len()
        {
            self.differs(name, "booked in one sum with what was not sent from here");
            return Ok(());
        }
        let is_booked = matches!(line.outcome, Outcome::Paid | Outcome::Returned(_));
        if self.kind == ReportKind::Statement && is_booked && line.paise.is_none() {
            self.differs(name, "the statement tells no amount of it");
            return Ok(());
        }
        if let Some(paise) = line.paise
            && !self.is_sum(connection, &rows, paise).await?
        {
            self.differs(name, "the bank's amount is not the one that was ordered");
            return Ok(());
        }
        for row in rows {
            if !self.named.insert(row.reference.clone()) {
                // Said of by itself before; twice by itself is looked at twice.
                if !is_own {
                    continue;
                }
            }
            self.advance(connection, row, &line.outcome).await?;
        }
        Ok(())
    }

    fn differs(&mut self, of: &str, reason: &'static str) {
        let of = of.chars().filter(|character| !character.is_control()).take(64).collect();
        self.imported.discrepancies.push(Discrepancy { of, reason });
    }

    /// Whether an amount is what some transfers were ordered for.
    async fn is_sum(
        &self,
        connection: &mut AnyConnection,
        rows: &[TransferRow],
        paise: u64,
    ) -> Result<bool, ServiceError> {
        let mut sum = 0;
        for row in rows {
            let (instalments,): (i64,) =
                sqlx::query_as("SELECT instalments FROM payment_batch WHERE id = $1")
                    .bind(&row.batch)
                    .fetch_one(&mut *connection)
                    .await?;
            let Ok(payout) = self.envelopes.of_transfer(connection, row).await? else {
                return Ok(false);
            };
            sum += u64::from(share(payout.amount, row.part(), instalments.max(1) as u32)) * 100;
        }
        Ok(sum == paise)
    }

    /// Moves a transfer on, or says why not.
    async fn advance(
        &mut self,
        connection: &mut AnyConnection,
        row: TransferRow,
        outcome: &Outcome,
    ) -> Result<(), ServiceError> {
        use TransferState::{Drafted, Ordered, Paid, Reissued, Returned};
        let (state, code) = match (row.state()?, outcome) {
            (_, Outcome::Pending | Outcome::Unclear)
            | (Paid, Outcome::Paid)
            | (Returned, Outcome::Returned(_)) => {
                self.imported.unchanged += 1;
                return Ok(());
            }
            // It is of the attempt that was returned, which is known.
            (Reissued, Outcome::Returned(_)) => {
                self.imported.unchanged += 1;
                return Ok(());
            }
            (Returned | Reissued, Outcome::Paid) => {
                let reason = "paid after it was returned: ask the bank, then have two treasurers decide: \
                              praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            // What was rejected was not booked; what was booked and comes back, a statement tells.
            (Paid, Outcome::Returned(_)) if self.kind == ReportKind::Status => {
                let reason = "rejected after it was paid: ask the bank, then have two treasurers decide: \
                              praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Drafted, _) => return Err(broken("a transfer that no file was written for")),
            (Ordered, Outcome::Paid) => (Paid, None),
            (Ordered | Paid, Outcome::Returned(code)) => (Returned, Some(code)),
        };
        let plain = |code: &String| -> String {
            code.chars().filter(char::is_ascii_alphanumeric).take(35).collect()
        };
        sqlx::query("UPDATE payment_transfer SET state = $2, reason = $3 WHERE reference = $1")
            .bind(&row.reference)
            .bind(state.name())
            .bind(code.map(plain))
            .execute(&mut *connection)
            .await?;
        match state {
            Paid => self.imported.paid += 1,
            _ => self.imported.returned += 1,
        }
        transfer::settle_part(connection, &row.nullifier, row.part()).await?;
        self.touched.push((row.nullifier, code.map(|code| reason_of(code))));
        Ok(())
    }

    /// Holds a transfer of which the bank has said two things: it stays so until two persons decide, whatever
    /// reports say after this one.
    async fn contest(
        &mut self,
        connection: &mut AnyConnection,
        row: &TransferRow,
        reason: &'static str,
    ) -> Result<(), ServiceError> {
        sqlx::query("UPDATE payment_transfer SET contested = 1 WHERE reference = $1")
            .bind(&row.reference)
            .execute(connection)
            .await?;
        self.imported.contested += 1;
        self.differs(&row.reference, reason);
        Ok(())
    }
}
