//! When a restored state pays again: once all that went to the bank since its backup is known, and two
//! treasurers say so where there are two.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use praman_access::{AccessStore, ApprovalKind, Caller, Role};
use praman_circuits::period::Day;
use praman_language::calendar;
use praman_store::error::StoreError;
use praman_store::{Setting, WriteTransaction, broken};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::bank_report::{BankReport, Named, StatementDays};
use super::own_name::OwnName;
use super::payment_file::Debtor;
use super::restored::{restored_at, time_of};
use super::{named_transfers, release};
use crate::TreasuryStore;
use crate::refusal::PaymentError;
use crate::refusal::RestoredRefusal;

/// How many names or days a refusal lists.
const TOLD: usize = 8;

/// What two treasurers decide: that all is known that went to the bank.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeDocument {
    /// From the day of the backup to the day of the restore.
    from: Date,
    to: Date,
    /// Days without a bank statement, as the requester says.
    without_statement: Vec<Date>,
    /// How many transfers were marked as sent since the restore.
    #[serde(default)]
    taken_for_sent: i64,
    /// How many of these have no file, as the requester says.
    #[serde(default)]
    without_file: i64,
    /// Treasuries on the ledger whose files are not this one's, as the requester says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    other_treasuries: Vec<u32>,
    /// How many files that went out are lost for good, in full or in part, as the requester says.
    #[serde(default)]
    lost_files: usize,
    /// How many names of the bank, or of a file, are not known here.
    #[serde(default)]
    unknown: usize,
    /// A digest of all of these names: what is counted here is the same when it is approved.
    #[serde(default)]
    digest: String,
}

/// What is still missing and, as the requester says, lost for good.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Missing {
    lost_files: usize,
    unknown: usize,
}

/// What the requester of a resume states that no record shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// Days without a bank statement.
    pub without_statement: &'a [Date],
    /// Whether files that went out, or claims that they name, are lost for good: only what the bank has named is
    /// known.
    pub files_are_lost: bool,
    /// Treasuries on the ledger, by their participant, whose files are not this one's.
    pub other_treasuries: &'a [u32],
}

/// Records an unknown name from a bank, if it can be this treasury's.
pub(super) async fn keep_unknown(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<(), PaymentError> {
    if let Some(own) = OwnName::of(name) {
        sqlx::query("INSERT INTO restore_unknown (name) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(own.text())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Records that the file of a message is known: the bank's names of the message and its parts are then known, too.
pub(super) async fn message_is_known(
    connection: &mut AnyConnection,
    message: &str,
) -> Result<(), PaymentError> {
    let names: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM restore_unknown").fetch_all(&mut *connection).await?;
    for (name,) in names {
        let is_part = name.rsplit_once('-').is_some_and(|(of, _)| of == message);
        if is_part || name == message {
            reference_is_known(connection, &name).await?;
        }
    }
    Ok(())
}

/// Returns the references of transfers that were named and are not known here.
pub(super) async fn named_transfers(
    connection: &mut AnyConnection,
) -> Result<Vec<String>, PaymentError> {
    let names: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM restore_unknown WHERE name NOT LIKE '%-%' ORDER BY name")
            .fetch_all(connection)
            .await?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}

/// Records that a reference is known.
pub(super) async fn reference_is_known(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<(), PaymentError> {
    sqlx::query("DELETE FROM restore_unknown WHERE name = $1")
        .bind(name)
        .execute(connection)
        .await?;
    Ok(())
}

/// Records the days that a report's statements cover, for the account that payments go out from; statements of
/// another account do not count.
pub(super) async fn keep_days(
    transaction: &mut WriteTransaction,
    report: &BankReport,
) -> Result<(), PaymentError> {
    let debtors: HashSet<String> = debtors(transaction).await?.into_values().collect();
    for StatementDays { from, to, account } in &report.days {
        let is_other = account.as_ref().is_some_and(|account| {
            !debtors.is_empty() && !debtors.contains(&plain_account(account))
        });
        if is_other {
            continue;
        }
        let days = calendar::day_of(*from).zip(calendar::day_of(*to));
        // A year at most: nothing longer is a statement.
        let Some((first, last)) = days.filter(|(first, last)| last.0.saturating_sub(first.0) < 366)
        else {
            continue;
        };
        for day in first.0..=last.0 {
            sqlx::query(
                "INSERT INTO restore_statement_day (day) VALUES ($1) ON CONFLICT DO NOTHING",
            )
            .bind(i64::from(day))
            .execute(&mut **transaction)
            .await?;
        }
    }
    Ok(())
}

/// Returns the accounts that batches are known to go out from, by batch.
pub(super) async fn debtors(
    connection: &mut AnyConnection,
) -> Result<HashMap<String, String>, PaymentError> {
    let debtors: Vec<(String, String)> =
        sqlx::query_as("SELECT id, debtor FROM payment_batch WHERE debtor <> ''")
            .fetch_all(connection)
            .await?;
    let account = |(batch, text): (String, String)| {
        let debtor: Debtor = serde_json::from_str(&text).map_err(|_| broken("a batch's debtor"))?;
        Ok((batch, plain_account(&debtor.account)))
    };
    debtors.into_iter().map(account).collect()
}

/// Returns an account's number without what banks write it with.
pub(super) fn plain_account(account: &str) -> String {
    let kept: String = account.chars().filter(char::is_ascii_alphanumeric).collect();
    kept.to_ascii_uppercase().trim_start_matches('0').to_owned()
}

fn told(names: &[String]) -> String {
    let mut text = names[..names.len().min(TOLD)].join(", ");
    if names.len() > TOLD {
        text.push_str(&format!(" and {} more", names.len() - TOLD));
    }
    text
}

fn day_of(milliseconds: i64) -> Result<Day, StoreError> {
    let broken = || broken("when the state was restored");
    let date = calendar::date_at(milliseconds).ok_or_else(broken)?;
    calendar::day_of(date).ok_or_else(broken)
}

/// Returns the time from which the state does not know what went out, in milliseconds since 1970.
async fn unknown_from(connection: &mut AnyConnection, restored: i64) -> Result<i64, PaymentError> {
    let backed_up = time_of(connection, Setting::BackedUp).await?;
    // A backup of an earlier version does not say: it knows at least its last file.
    let last: (Option<i64>,) =
        sqlx::query_as("SELECT max(kept_at) FROM payment_file WHERE kind <> $1 AND kept_at < $2")
            .bind(release::LOST)
            .bind(restored)
            .fetch_one(connection)
            .await?;
    Ok(backed_up.or(last.0).unwrap_or(restored))
}

/// Returns the days for which the state does not know what went out.
///
/// # Errors
/// [`PaymentError::Restored`] if its clock was behind when it was restored.
async fn unknown_days(
    connection: &mut AnyConnection,
    restored: i64,
) -> Result<(Day, Day), PaymentError> {
    let from = unknown_from(connection, restored).await?;
    if from > restored {
        return Err(RestoredRefusal::Clocks.into());
    }
    Ok((day_of(from)?, day_of(restored)?))
}

/// Refuses while something unknown may have gone out, except for what is said to be lost for good; returns how much
/// that is.
async fn require_known(
    connection: &mut AnyConnection,
    (first, last): (Day, Day),
    said: Said<'_>,
) -> Result<Missing, PaymentError> {
    let lost: Vec<(i64,)> =
        sqlx::query_as("SELECT number FROM payment_file WHERE kind = $1 ORDER BY number")
            .bind(release::LOST)
            .fetch_all(&mut *connection)
            .await?;
    let on_ledger: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT participant, number FROM restore_lost_file ORDER BY participant, number",
    )
    .fetch_all(&mut *connection)
    .await?;
    let is_own = |participant: &i64| {
        !said.other_treasuries.iter().any(|other| i64::from(*other) == *participant)
    };
    let of_ledger = on_ledger.iter().filter(|(participant, _)| is_own(participant));
    let of_ledger =
        of_ledger.map(|(participant, number)| format!("{number} of treasury {participant}"));
    let numbers: Vec<String> =
        lost.iter().map(|(number,)| number.to_string()).chain(of_ledger).collect();
    if !numbers.is_empty() && !said.files_are_lost {
        return Err(RestoredRefusal::FilesMissing(told(&numbers)).into());
    }
    let unknown: Vec<(String,)> = sqlx::query_as("SELECT name FROM restore_unknown ORDER BY name")
        .fetch_all(&mut *connection)
        .await?;
    for (name,) in &unknown {
        // What was drafted at the time of the backup would go out a second time.
        let own = OwnName::of(name).ok_or_else(|| broken("what the bank has named"))?;
        if named_transfers::is_drafted(connection, &Named::from(own)).await? {
            return Err(RestoredRefusal::DraftNamed(name.clone()).into());
        }
    }
    let lost_for_good = Missing { lost_files: numbers.len(), unknown: unknown.len() };
    if !unknown.is_empty() && !said.files_are_lost {
        let names: Vec<String> = unknown.into_iter().map(|(name,)| name).collect();
        return Err(RestoredRefusal::NamedUnknown(told(&names)).into());
    }
    let by_report = adopted(connection, true).await?;
    if by_report > 0 && !said.files_are_lost {
        return Err(RestoredRefusal::WithoutFile(by_report).into());
    }
    let mut missing = Vec::new();
    // A payment of the last day may be booked on the next.
    for day in first.0..=last.0 + 1 {
        let known: Option<(i64,)> =
            sqlx::query_as("SELECT day FROM restore_statement_day WHERE day = $1")
                .bind(i64::from(day))
                .fetch_optional(&mut *connection)
                .await?;
        let date = calendar::date_of(Day(day)).ok_or_else(|| broken("a day"))?;
        if known.is_none() && !said.without_statement.contains(&date) {
            missing.push(date.to_string());
        }
    }
    if missing.is_empty() {
        return Ok(lost_for_good);
    }
    Err(RestoredRefusal::StatementsMissing(told(&missing)).into())
}

/// Counts the transfers marked as sent since the restore; by a bank's report alone, or in all.
async fn adopted(connection: &mut AnyConnection, by_report: bool) -> Result<i64, PaymentError> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM restore_adopted WHERE by_report >= $1")
            .bind(i64::from(by_report))
            .fetch_one(connection)
            .await?;
    Ok(count)
}

/// Returns a digest of what was marked as sent and what is missing, by name.
async fn digest_of_names(connection: &mut AnyConnection) -> Result<String, PaymentError> {
    let names: Vec<(String,)> = sqlx::query_as(
        "SELECT 'sent ' || reference || ' ' || CAST(by_report AS TEXT) FROM restore_adopted
         UNION ALL SELECT 'named ' || name FROM restore_unknown
         UNION ALL SELECT 'file ' || CAST(participant AS TEXT) || ' ' || CAST(number AS TEXT)
                   FROM restore_lost_file",
    )
    .fetch_all(connection)
    .await?;
    let mut names: Vec<String> = names.into_iter().map(|(name,)| name).collect();
    names.sort_unstable();
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name);
        digest.update("\n");
    }
    Ok(hex::encode(digest.finalize()))
}

async fn resume_now(connection: &mut AnyConnection) -> Result<(), PaymentError> {
    for statement in [
        // Names for claims that are not known yet stay: once known, those claims count as paid.
        "DELETE FROM restore_unknown WHERE name LIKE '%-%'",
        "DELETE FROM restore_statement_day",
        "DELETE FROM restore_adopted",
        "DELETE FROM restore_lost_file",
        // What was going out at the backup may be with the bank, which would pay a file of its own format twice.
        "UPDATE payment_batch SET written = 1 WHERE written = 3 AND format IS NOT NULL",
    ] {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    for setting in [Setting::Restored, Setting::BackedUp] {
        setting.forget(connection).await?;
    }
    Ok(())
}

/// Resumes the payments of a restored state, as two treasurers have decided, if everything is still known.
///
/// # Errors
/// [`PaymentError::Restored`] if anything is not.
pub(super) async fn resume(
    connection: &mut AnyConnection,
    document: &str,
) -> Result<(), PaymentError> {
    let about: ResumeDocument =
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))?;
    let Some(restored) = restored_at(connection).await? else { return Ok(()) };
    let days = unknown_days(connection, restored).await?;
    let said = Said {
        without_statement: &about.without_statement,
        files_are_lost: about.without_file > 0 || about.lost_files > 0 || about.unknown > 0,
        other_treasuries: &about.other_treasuries,
    };
    let missing = require_known(connection, days, said).await?;
    // Nothing may have been marked as sent, or be missing, beyond what the second person was shown.
    let told = Missing { lost_files: about.lost_files, unknown: about.unknown };
    if missing != told
        || (adopted(connection, false).await?, adopted(connection, true).await?)
            != (about.taken_for_sent, about.without_file)
        || digest_of_names(connection).await? != about.digest
    {
        return Err(RestoredRefusal::Changed.into());
    }
    resume_now(connection).await
}

impl TreasuryStore<'_> {
    /// Resumes the payments of a restored state; if there are treasurers, once another approves: returns the
    /// approval's number.
    ///
    /// # Errors
    /// [`PaymentError::Restored`] while files that the ledger has are missing, the bank has named what is not
    /// known here, or a day since the backup is in no statement.
    pub async fn resume_payments(
        &self,
        said: Said<'_>,
        by: &Caller,
    ) -> Result<Option<u32>, PaymentError> {
        let mut transaction = self.0.begin().await?;
        let Some(restored) = restored_at(&mut transaction).await? else {
            return Err(RestoredRefusal::Pays.into());
        };
        let days = unknown_days(&mut transaction, restored).await?;
        let Missing { lost_files, unknown } = require_known(&mut transaction, days, said).await?;
        let mut asked = None;
        if AccessStore(self.0).were_two_at_once(&mut transaction, &[Role::Treasury]).await? {
            release::require_two_treasurers(self.0, &mut transaction, by).await?;
            let date = |day| calendar::date_of(day).ok_or_else(|| broken("a day"));
            let (from, to) = (date(days.0)?, date(days.1)?);
            let document = ResumeDocument {
                from,
                to,
                without_statement: said.without_statement.to_vec(),
                taken_for_sent: adopted(&mut transaction, false).await?,
                without_file: adopted(&mut transaction, true).await?,
                other_treasuries: said.other_treasuries.to_vec(),
                lost_files,
                unknown,
                digest: digest_of_names(&mut transaction).await?,
            };
            let document = serde_json::to_string(&document).expect("plain data");
            let (kind, tenant) = (ApprovalKind::Resume, by.tenant_column());
            asked = Some(
                AccessStore(self.0)
                    .ask_approval(&mut transaction, kind, tenant, &document, by)
                    .await?,
            );
        } else {
            resume_now(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(asked)
    }

    /// Marks a state that was restored by other means than a backup of praman's, such as a database's own: it pays
    /// nothing until it knows what went to the bank since a moment. Marking a state again can only make more unknown,
    /// never less.
    ///
    /// # Errors
    /// [`PaymentError::Store`].
    pub async fn mark_restored(&self, since: Timestamp) -> Result<(), PaymentError> {
        let mut transaction = self.0.begin().await?;
        let now = Timestamp::now();
        if since > now {
            return Err(RestoredRefusal::SinceAhead.into());
        }
        let (mut now, mut since) = (now.as_millisecond(), since.as_millisecond());
        if let Some(restored) = restored_at(&mut transaction).await? {
            since = since.min(unknown_from(&mut transaction, restored).await?);
            now = now.max(restored);
        }
        for (setting, at) in
            [(Setting::Restored, now), (Setting::RestoredOffices, now), (Setting::BackedUp, since)]
        {
            setting.keep(&mut transaction, &at.to_be_bytes()).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
