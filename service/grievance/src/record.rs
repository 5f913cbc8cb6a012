//! Cases in the store.

use praman_access::{AccessRefusal, AccessStore, Caller, Role, days_from_now, person};
use praman_circuits::office::OfficeId;
use praman_claims::{APPEAL_DAYS, Cause};
use praman_language::Language;
use praman_language::sentence::Sentence;
use praman_store::error::StoreError;
use praman_store::{WriteTransaction, broken};
use sqlx::AnyConnection;

use super::case::{ANSWER_DAYS, Case, CaseOutcome, CaseState, DECISION_DAYS, NewCase, OpenedCase};
use super::slip::SlipCode;
use crate::GrievanceStore;

praman_store::row! {
    struct Row {
        number: i64,
        tenant: String,
        office: i64,
        scheme: String,
        cause: Cause,
        language: String,
        state: CaseState,
        opened_at: i64,
        answer_by: i64,
        outcome: Option<CaseOutcome>,
        appeal_by: Option<i64>,
        decide_by: Option<i64>,
        appeal_outcome: Option<CaseOutcome>,
        answered_by: Option<String>,
        is_late: i64,
        is_too_late: i64,
    }
}

impl Row {
    fn read(self) -> Result<Case, StoreError> {
        Ok(Case {
            number: self.number as u32,
            state: self.state,
            tenant: self.tenant,
            office: self.office as u32,
            scheme: self.scheme,
            cause: self.cause,
            code: self.cause.code(),
            language: Language::of(&self.language).ok_or_else(|| broken("a case's language"))?,
            opened_at: self.opened_at,
            answer_by: self.answer_by,
            outcome: self.outcome,
            appeal_by: self.appeal_by,
            decide_by: self.decide_by,
            appeal_outcome: self.appeal_outcome,
            is_late: self.is_late != 0,
        })
    }
}

praman_store::row! {
    /// The cases of one office and cause.
    pub(super) struct CaseCounts {
        pub(super) office: i64,
        pub(super) cause: Cause,
        /// How many were opened.
        pub(super) opened: i64,
        /// In how many the person was right in the end.
        pub(super) set_right: i64,
        /// How many are late.
        pub(super) late: i64,
    }
}

/// The answer to an unknown slip.
pub const NO_SLIP: Sentence = Sentence::of("fault-no-slip");

/// Returns the SQL condition that a deadline of the department's has passed.
pub fn is_late(now: &str) -> String {
    format!(
        "((state = 'open' AND answer_by < {now}) OR (state = 'appealed' AND decide_by < {now}))"
    )
}

fn no_case(number: u32) -> AccessRefusal {
    AccessRefusal::Refused(Sentence::of("fault-no-case").count("number", number))
}

/// The SQL condition that a user may see an office's cases: a department sees those of its offices, an office
/// its own. With [`seen`]'s parameters. A case follows its office to another department.
const SEEN: &str = "($1 = 1 OR (coalesce((SELECT moved.tenant FROM tenant_office AS moved
                                          WHERE moved.office = grievance_case.office), tenant) = $2
                                AND ($3 < 0 OR office = $3)))";

/// The same for offices, with their departments.
const SEEN_OFFICES: &str = "($1 = 1 OR (tenant = $2 AND ($3 < 0 OR office = $3)))";

type Asked<'q, T> = sqlx::query::QueryAs<'q, sqlx::Any, T, sqlx::any::AnyArguments>;

fn seen<'q, T>(query: Asked<'q, T>, by: &Caller) -> Asked<'q, T> {
    let office = match (by.role, by.member) {
        (Role::Office, member) => member.map_or(i64::MAX, i64::from),
        _ => -1,
    };
    query.bind(i64::from(by.sees_all())).bind(by.tenant_column().to_owned()).bind(office)
}

impl GrievanceStore<'_> {
    fn cases_statement(&self, rest: &str) -> String {
        let now = self.0.database().now();
        let is_late = is_late(now);
        format!(
            "SELECT number, tenant, office, scheme, cause, language, state, opened_at, answer_by,
                    outcome, appeal_by, decide_by, appeal_outcome, answered_by,
                    CAST(CASE WHEN {is_late} THEN 1 ELSE 0 END AS BIGINT) AS is_late,
                    CAST(CASE WHEN appeal_by < {now} THEN 1 ELSE 0 END AS BIGINT) AS is_too_late
             FROM grievance_case {rest}"
        )
    }

    async fn case_row(
        &self,
        connection: &mut AnyConnection,
        number: u32,
    ) -> Result<Option<Row>, StoreError> {
        let statement = sqlx::AssertSqlSafe(self.cases_statement("WHERE number = $1"));
        let found = sqlx::query_as(statement).bind(i64::from(number));
        Ok(found.fetch_optional(connection).await?)
    }

    /// Ends a change of a case; returns the changed case.
    async fn end_change(
        &self,
        mut transaction: WriteTransaction,
        number: u32,
    ) -> Result<Case, AccessRefusal> {
        let row = self.case_row(&mut transaction, number).await?;
        transaction.commit().await?;
        Ok(row.ok_or_else(|| broken("a case"))?.read()?)
    }

    /// Opens a case. Its code is returned once, here.
    ///
    /// # Errors
    /// [`AccessRefusal`] for an office that does not exist, or is another department's.
    pub async fn open_case(&self, new: &NewCase, by: &Caller) -> Result<OpenedCase, AccessRefusal> {
        if by.role == Role::Office {
            by.require_member(new.office.0)?;
        }
        let tenant = AccessStore(self.0).tenant_of_office(new.office).await?;
        if !by.sees(&tenant) {
            let sentence = Sentence::of("fault-no-office").count("office", new.office.0);
            return Err(AccessRefusal::Refused(sentence));
        }
        let now = self.0.database().now();
        let mut transaction = self.0.begin().await?;
        let known: Option<(i64,)> =
            sqlx::query_as("SELECT office FROM tenant_office WHERE office = $1")
                .bind(i64::from(new.office.0))
                .fetch_optional(&mut *transaction)
                .await?;
        if known.is_none() {
            let sentence = Sentence::of("fault-office-nobodys").count("office", new.office.0);
            return Err(AccessRefusal::Refused(sentence));
        }
        let (number,): (i64,) =
            sqlx::query_as("SELECT coalesce(max(number), 0) + 1 FROM grievance_case")
                .fetch_one(&mut *transaction)
                .await?;
        let slip = SlipCode::generate();
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO grievance_case (number, slip_hash, tenant, office, scheme, cause, language,
                                         state, opened_by, opened_at, answer_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, {now}, $9)"
        ));
        sqlx::query(statement)
            .bind(number)
            .bind(slip.hash(number as u32))
            .bind(tenant.as_str())
            .bind(i64::from(new.office.0))
            .bind(new.scheme.as_str())
            .bind(new.cause)
            .bind(new.language.code())
            .bind(&by.name)
            .bind(days_from_now(ANSWER_DAYS))
            .execute(&mut *transaction)
            .await?;
        let case = self.end_change(transaction, number as u32).await?;
        Ok(OpenedCase { case, slip })
    }

    /// Returns the cases that a user may see, up to a limit: those due next first, closed ones last.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn cases(&self, by: &Caller, most: usize) -> Result<Vec<Case>, StoreError> {
        let order = "ORDER BY CASE state WHEN 'open' THEN 0 WHEN 'appealed' THEN 0
                                         WHEN 'answered' THEN 1 ELSE 2 END,
                     coalesce(decide_by, answer_by), number";
        let statement = self.cases_statement(&format!("WHERE {SEEN} {order} LIMIT $4"));
        let rows: Vec<Row> = seen(sqlx::query_as(sqlx::AssertSqlSafe(statement)), by)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(self.0.pool())
            .await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Returns how many of the cases that a user may see wait for an office, and how many of those are late.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn waiting_cases(&self, by: &Caller) -> Result<(usize, usize), StoreError> {
        let is_late = is_late(self.0.database().now());
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN {is_late} THEN 1 ELSE 0 END), 0) AS BIGINT)
             FROM grievance_case WHERE {SEEN} AND state IN ('open', 'appealed')"
        ));
        let (open, late): (i64, i64) =
            seen(sqlx::query_as(statement), by).fetch_one(self.0.pool()).await?;
        Ok((open as usize, late as usize))
    }

    /// Counts the cases that a user may see by outcome, office and cause.
    pub(super) async fn case_counts(&self, by: &Caller) -> Result<Vec<CaseCounts>, StoreError> {
        let is_late = is_late(self.0.database().now());
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT office, cause, COUNT(*) AS opened,
                    CAST(SUM(CASE WHEN coalesce(appeal_outcome, outcome) = 'set-right' THEN 1 ELSE 0 END)
                         AS BIGINT) AS set_right,
                    CAST(SUM(CASE WHEN {is_late} THEN 1 ELSE 0 END) AS BIGINT) AS late
             FROM grievance_case WHERE {SEEN} GROUP BY office, cause"
        ));
        Ok(seen(sqlx::query_as(statement), by).fetch_all(self.0.pool()).await?)
    }

    /// Returns the case of a slip; none if there is none with this number and code.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn case_of_slip(
        &self,
        number: u32,
        slip: &SlipCode,
    ) -> Result<Option<Case>, StoreError> {
        let statement = self.cases_statement("WHERE number = $1 AND slip_hash = $2");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(i64::from(number))
            .bind(slip.hash(number))
            .fetch_optional(self.0.pool())
            .await?;
        row.map(Row::read).transpose()
    }

    /// Answers a case; an answer is final.
    ///
    /// # Errors
    /// [`AccessRefusal::Refused`] if it is not the user's, or waits for no answer.
    pub async fn answer_case(
        &self,
        number: u32,
        outcome: CaseOutcome,
        by: &Caller,
    ) -> Result<Case, AccessRefusal> {
        let mut transaction = self.0.begin().await?;
        let statement = self.cases_statement(&format!("WHERE {SEEN} AND number = $4"));
        let row: Option<Row> = seen(sqlx::query_as(sqlx::AssertSqlSafe(statement)), by)
            .bind(i64::from(number))
            .fetch_optional(&mut *transaction)
            .await?;
        let row = row.ok_or_else(|| no_case(number))?;
        if row.state != CaseState::Open {
            let sentence = Sentence::of("fault-case-answered").count("number", number);
            return Err(AccessRefusal::Refused(sentence));
        }
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE grievance_case SET state = 'answered', outcome = $2, answered_by = $3,
                 answered_at = {now}, appeal_by = $4 WHERE number = $1"
        ));
        sqlx::query(statement)
            .bind(i64::from(number))
            .bind(outcome)
            .bind(&by.name)
            .bind(days_from_now(APPEAL_DAYS as u32))
            .execute(&mut *transaction)
            .await?;
        self.end_change(transaction, number).await
    }

    /// Appeals a case, by the slip that its person holds. A case that was not answered in time may be appealed
    /// as well.
    ///
    /// # Errors
    /// [`AccessRefusal::Refused`] if there is no such slip, the answer was in the person's favour, it is too
    /// late, or it was appealed before.
    pub async fn appeal_case(&self, number: u32, slip: &SlipCode) -> Result<Case, AccessRefusal> {
        if self.case_of_slip(number, slip).await?.is_none() {
            return Err(AccessRefusal::Refused(NO_SLIP));
        }
        let mut transaction = self.0.begin().await?;
        let row = self.case_row(&mut transaction, number).await?;
        let row = row.ok_or_else(|| broken("a case"))?;
        let refusal = match (row.state, row.outcome) {
            (CaseState::Open, _) if row.is_late != 0 => None,
            (CaseState::Open, _) => Some(Sentence::of("fault-not-answered-yet")),
            (CaseState::Answered, Some(CaseOutcome::Stands)) if row.is_too_late == 0 => None,
            (CaseState::Answered, Some(CaseOutcome::Stands)) => {
                Some(Sentence::of("fault-appeal-over"))
            }
            (CaseState::Answered, _) => Some(Sentence::of("fault-set-right")),
            (CaseState::Appealed | CaseState::Decided, _) => {
                Some(Sentence::of("fault-appealed-before"))
            }
        };
        if let Some(sentence) = refusal {
            return Err(AccessRefusal::Refused(sentence));
        }
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE grievance_case SET state = 'appealed', appealed_at = {now}, decide_by = $2
             WHERE number = $1"
        ));
        sqlx::query(statement)
            .bind(i64::from(number))
            .bind(days_from_now(DECISION_DAYS))
            .execute(&mut *transaction)
            .await?;
        self.end_change(transaction, number).await
    }

    /// Decides an appeal, for good.
    ///
    /// # Errors
    /// [`AccessRefusal::Refused`] if nothing is appealed, or to the person who gave the first answer.
    pub async fn decide_appeal(
        &self,
        number: u32,
        outcome: CaseOutcome,
        by: &Caller,
    ) -> Result<Case, AccessRefusal> {
        let mut transaction = self.0.begin().await?;
        let row = self.case_row(&mut transaction, number).await?;
        let row = row.ok_or_else(|| no_case(number))?;
        if row.state != CaseState::Appealed {
            let sentence = Sentence::of("fault-waits-for-no-decision").count("number", number);
            return Err(AccessRefusal::Refused(sentence));
        }
        if row.answered_by.as_deref().is_some_and(|name| person(name) == person(&by.name)) {
            return Err(AccessRefusal::Refused(Sentence::of("fault-own-answer")));
        }
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE grievance_case SET state = 'decided', appeal_outcome = $2, decided_by = $3,
                 decided_at = {now} WHERE number = $1"
        ));
        sqlx::query(statement)
            .bind(i64::from(number))
            .bind(outcome)
            .bind(&by.name)
            .execute(&mut *transaction)
            .await?;
        self.end_change(transaction, number).await
    }

    /// Returns the offices whose cases a user may open or see.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn offices_of(&self, by: &Caller) -> Result<Vec<(OfficeId, String)>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT office, name FROM tenant_office JOIN office ON office.id = tenant_office.office
             WHERE {SEEN_OFFICES} ORDER BY office"
        ));
        let rows: Vec<(i64, String)> =
            seen(sqlx::query_as(statement), by).fetch_all(self.0.pool()).await?;
        Ok(rows.into_iter().map(|(id, name)| (OfficeId(id as u32), name)).collect())
    }
}
