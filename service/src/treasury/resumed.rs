//! When a restored state pays again: once all that went to the bank since its backup is known, and two
//! treasurers say so where there are two.

use jiff::Timestamp;
use jiff::civil::Date;
use praman_circuits::period::Day;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::bank_report::BankReport;
use super::release;
use super::restored::{RESTORED, restored_at, time_of};
use super::transfer::TransferReference;
use crate::access_control::{ApprovalKind, Caller, Role};
use crate::calendar;
use crate::error::ServiceError;
use crate::offices::RESTORED_OFFICES;
use crate::store::{Store, WriteTransaction, broken};

/// The setting that tells when the backup was made.
const BACKED_UP: &str = "backed_up";

/// How many names or days a refusal tells.
const TOLD: usize = 8;

/// What two treasurers decide: that all is known that went to the bank.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeDocument {
    /// From the backup's day to that of the restore.
    from: Date,
    to: Date,
    /// Days of which the bank has no statement, as who asks says.
    without_statement: Vec<Date>,
}

/// Whether a name has the form of this treasury's references, or of its messages and their parts.
fn is_own_form(name: &str) -> bool {
    let is_message = |name: &str| {
        name.split_once('-').is_some_and(|(number, random)| {
            number.parse::<u64>().is_ok()
                && random.len() == 22
                && random.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    let part_of = |name: &str| {
        let (message, part) = name.rsplit_once('-')?;
        part.parse::<u32>().ok().map(|_| is_message(message))
    };
    name.parse::<TransferReference>().is_ok() || is_message(name) || part_of(name) == Some(true)
}

/// Keeps what a bank named that is not known here, if it can be this treasury's.
pub(super) async fn keep_unknown(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<(), ServiceError> {
    if is_own_form(name) {
        sqlx::query("INSERT INTO restore_unknown (name) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(name)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Keeps that the file of a message is known: what the bank named by it and its parts is, too.
pub(super) async fn message_is_known(
    connection: &mut AnyConnection,
    message: &str,
) -> Result<(), ServiceError> {
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

/// Keeps that a reference is known.
pub(super) async fn reference_is_known(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<(), ServiceError> {
    sqlx::query("DELETE FROM restore_unknown WHERE name = $1")
        .bind(name)
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps which days a statement covers.
pub(super) async fn keep_days(
    transaction: &mut WriteTransaction,
    report: &BankReport,
) -> Result<(), ServiceError> {
    for (first, last) in &report.days {
        let days = calendar::day_of(*first).zip(calendar::day_of(*last));
        // A year at most: what is longer is no statement.
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

fn told(names: &[String]) -> String {
    let mut text = names[..names.len().min(TOLD)].join(", ");
    if names.len() > TOLD {
        text.push_str(&format!(" and {} more", names.len() - TOLD));
    }
    text
}

fn day_of(milliseconds: i64) -> Result<Day, ServiceError> {
    let broken = || broken("when the state was restored");
    let date = calendar::date_at(milliseconds).ok_or_else(broken)?;
    calendar::day_of(date).ok_or_else(broken)
}

/// From which day to which the state does not know what went out.
async fn unknown_days(
    connection: &mut AnyConnection,
    restored: i64,
) -> Result<(Day, Day), ServiceError> {
    let backed_up = time_of(connection, BACKED_UP).await?;
    // A backup of an earlier version does not say: it knows at least its last file.
    let last: (Option<i64>,) =
        sqlx::query_as("SELECT max(kept_at) FROM payment_file WHERE kind <> $1 AND kept_at < $2")
            .bind(release::LOST)
            .bind(restored)
            .fetch_one(connection)
            .await?;
    let from = backed_up.or(last.0).unwrap_or(restored);
    Ok((day_of(from)?, day_of(restored)?))
}

/// Refuses while something is not known that may have gone out.
async fn require_known(
    connection: &mut AnyConnection,
    (first, last): (Day, Day),
    without_statement: &[Date],
) -> Result<(), ServiceError> {
    let lost: Vec<(i64,)> =
        sqlx::query_as("SELECT number FROM payment_file WHERE kind = $1 ORDER BY number")
            .bind(release::LOST)
            .fetch_all(&mut *connection)
            .await?;
    if !lost.is_empty() {
        let numbers: Vec<String> = lost.iter().map(|(number,)| number.to_string()).collect();
        return Err(ServiceError::Refused(format!(
            "files went out that this state lost, or that name claims which it does not know, by number {}: \
             import each; what is not known is handed in again first",
            told(&numbers)
        )));
    }
    let unknown: Vec<(String,)> = sqlx::query_as("SELECT name FROM restore_unknown ORDER BY name")
        .fetch_all(&mut *connection)
        .await?;
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.into_iter().map(|(name,)| name).collect();
        return Err(ServiceError::Refused(format!(
            "the bank has named what this state does not know: {}: import the files of these messages \
             (praman treasury import bank/pain.001-….xml)",
            told(&names)
        )));
    }
    let mut missing = Vec::new();
    for day in first.0..=last.0 {
        let known: Option<(i64,)> =
            sqlx::query_as("SELECT day FROM restore_statement_day WHERE day = $1")
                .bind(i64::from(day))
                .fetch_optional(&mut *connection)
                .await?;
        let date = calendar::date_of(Day(day)).ok_or_else(|| broken("a day"))?;
        if known.is_none() && !without_statement.contains(&date) {
            missing.push(date.to_string());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(ServiceError::Refused(format!(
        "no statement of the bank covers {}: import those of each day since the backup; where the bank has \
         none of a day, say so by --no-statement-of",
        told(&missing)
    )))
}

async fn resume_now(connection: &mut AnyConnection) -> Result<(), ServiceError> {
    for statement in ["DELETE FROM restore_unknown", "DELETE FROM restore_statement_day"] {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    for setting in [RESTORED, BACKED_UP] {
        sqlx::query("DELETE FROM chain_setting WHERE key = $1")
            .bind(setting)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Lets a restored state pay again, as two treasurers have decided, if all is still known.
///
/// # Errors
/// [`ServiceError::Refused`] if something is not.
pub(crate) async fn resume(
    connection: &mut AnyConnection,
    document: &str,
) -> Result<(), ServiceError> {
    let about: ResumeDocument =
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))?;
    let Some(restored) = restored_at(connection).await? else { return Ok(()) };
    let days = unknown_days(connection, restored).await?;
    require_known(connection, days, &about.without_statement).await?;
    resume_now(connection).await
}

impl Store {
    /// Lets a restored state pay again; where there are treasurers, once another approves: the approval's
    /// number.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] while files that the ledger has are missing, the bank has named what is not
    /// known here, or a day since the backup is in no statement.
    pub async fn resume_payments(
        &self,
        without_statement: &[Date],
        by: &Caller,
    ) -> Result<Option<u32>, ServiceError> {
        let mut transaction = self.begin().await?;
        let Some(restored) = restored_at(&mut transaction).await? else {
            return Err(ServiceError::Refused("this state pays already".to_owned()));
        };
        let days = unknown_days(&mut transaction, restored).await?;
        require_known(&mut transaction, days, without_statement).await?;
        let mut asked = None;
        if self.were_two_at_once(&mut transaction, &[Role::Treasury]).await? {
            release::require_two_treasurers(self, &mut transaction, by).await?;
            let date = |day| calendar::date_of(day).ok_or_else(|| broken("a day"));
            let (from, to) = (date(days.0)?, date(days.1)?);
            let document =
                ResumeDocument { from, to, without_statement: without_statement.to_vec() };
            let document = serde_json::to_string(&document).expect("plain data");
            let (kind, tenant) = (ApprovalKind::Resume, by.tenant_column());
            asked = Some(self.ask_approval(&mut transaction, kind, tenant, &document, by).await?);
        } else {
            resume_now(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(asked)
    }

    /// Marks a state that was brought back by other means than a backup of praman's, as a database's own: it
    /// pays nothing until it knows what went to the bank since a moment.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn mark_restored(&self, since: Timestamp) -> Result<(), ServiceError> {
        let mut transaction = self.begin().await?;
        let now = Timestamp::now();
        if since > now {
            let reason = "a state can have lost something only from a time on that has passed";
            return Err(ServiceError::WrongUse(reason.to_owned()));
        }
        for (key, at) in [(RESTORED, now), (RESTORED_OFFICES, now), (BACKED_UP, since)] {
            sqlx::query(
                "INSERT INTO chain_setting (key, value) VALUES ($1, $2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )
            .bind(key)
            .bind(at.as_millisecond().to_be_bytes().to_vec())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_own_form;

    #[test]
    fn own_form_is_references_messages_and_their_parts() {
        let reference = format!("{}01", "a".repeat(32));
        let message = format!("12-{}", "0f".repeat(11));
        for own in [reference.as_str(), &message, &format!("{message}-2")] {
            assert!(is_own_form(own), "{own}");
        }
        for other in ["", "NOTPROVIDED", "SALARY-2026-06", "12-0f", "x-00000000000000000000-1"] {
            assert!(!is_own_form(other), "{other}");
        }
    }
}
