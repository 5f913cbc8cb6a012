//! The two-person rule: a request that moves money, or adds a user who may, needs a second person's approval.
//!
//! An approval request is a document of all that will be done, so that the approver sees it whole; it is done in
//! the transaction that approves it.

use praman_language::sentence::Sentence;
use praman_store::broken;
use praman_store::error::StoreError;
use praman_store::named::named;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use unicode_normalization::UnicodeNormalization;

use super::caller::Caller;
use super::principal::{Credential, NewPrincipal, Principal, PrincipalNumber, days_from_now};
use super::refusal::AccessRefusal;
use super::role::Role;
use super::two_persons::end_of_two;
use crate::AccessStore;

/// For how many days a request waits for a second person.
const WAITS_DAYS: u32 = 7;

named! {
    /// What an approval request is for.
    ApprovalKind {
        /// A user is to be added.
        Admit = "admit",
        /// A batch is to go to the bank.
        Pay = "pay",
        /// A claim is to go to an account that another claim of its period goes to.
        Release = "release",
        /// A contested transfer, of which the bank has said two things, is resolved.
        Resolve = "resolve",
        /// A state that was restored pays again.
        Resume = "resume",
        /// A returned payment goes to an account that an office has corrected.
        Correct = "correct",
        /// A period that is over takes claims again.
        Arrears = "arrears",
    }
}

impl ApprovalKind {
    /// Who may be the second person.
    pub fn approvers(self) -> &'static [Role] {
        match self {
            Self::Admit | Self::Arrears => &[Role::Oversight, Role::Agency],
            Self::Pay | Self::Release | Self::Resolve | Self::Resume => &[Role::Treasury],
            Self::Correct => &[Role::Office],
        }
    }
}

named! {
    /// What became of it.
    ApprovalState {
        /// It is pending.
        Waiting = "waiting",
        /// It was done.
        Approved = "approved",
        /// It will not be done.
        Denied = "denied",
    }
}

named! {
    /// What a second person says.
    Decision {
        /// Do it.
        Approve = "approve",
        /// Don't.
        Deny = "deny",
    }
}

/// The state of something that needs a second person's approval before it goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A second person has approved it.
    Approved,
    /// No second person has decided yet.
    NotYet,
    /// No second person decided in time.
    TooLate,
}

/// What is known of an earlier request.
pub struct KnownApproval {
    /// Its number.
    pub number: u32,
    /// Its state.
    pub state: ApprovalState,
    /// Who has decided.
    pub decided_by: Option<PrincipalNumber>,
    pub decided_by_name: String,
}

/// A request that is, or was, pending for a second person.
#[derive(Clone, Debug, Serialize)]
pub struct Approval {
    /// Its number.
    pub number: u32,
    /// What it is about.
    pub kind: ApprovalKind,
    /// The tenant that it belongs to.
    pub tenant: String,
    /// All that will be done.
    pub document: serde_json::Value,
    /// Who asked.
    pub asked_by: String,
    /// What became of it.
    pub state: ApprovalState,
    /// Until when it is pending, in milliseconds since 1970.
    pub expires_at: i64,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
}

/// What came of adding a user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Admission {
    /// The user was added.
    Admitted(Principal),
    /// A second person must approve it.
    Waits(u32),
}

/// A new principal as a document that people read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmitDocument {
    name: String,
    role: Role,
    tenant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<u32>,
    credential_kind: String,
    credential: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl AdmitDocument {
    fn of(new: &NewPrincipal) -> Self {
        Self {
            name: new.name.clone(),
            role: new.role,
            tenant: new.tenant.to_string(),
            member: new.member,
            credential_kind: new.credential.kind().name().to_owned(),
            credential: hex::encode(new.credential.digest()),
            expires_at: new.expires_at,
        }
    }

    fn read(self) -> Result<NewPrincipal, StoreError> {
        Ok(NewPrincipal {
            name: self.name,
            role: self.role,
            tenant: self.tenant.parse().map_err(|_| broken("an approval's tenant"))?,
            member: self.member,
            credential: Credential::parse(&self.credential_kind, &self.credential)
                .map_err(|_| broken("an approval's credential"))?,
            expires_at: self.expires_at,
        })
    }
}

/// Returns the office whose officers decide on a correction.
fn office_of(document: &str) -> Result<u32, StoreError> {
    #[derive(Deserialize)]
    struct OfOffice {
        office: u32,
    }
    let of: OfOffice =
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))?;
    Ok(of.office)
}

/// Reduces a name to the person it is of: only letters and digits count, not spaces, dots or case. Letters that
/// a keyboard writes whole or in parts are the same.
pub fn person(name: &str) -> String {
    let letters = name.nfkd().flat_map(char::to_lowercase).nfkd();
    letters.filter(|character| character.is_alphanumeric()).collect()
}

praman_store::row! {
    struct Row {
        number: i64,
        kind: ApprovalKind,
        tenant: String,
        document: String,
        asked_by: Option<i64>,
        asked_by_name: String,
        state: ApprovalState,
        expires_at: i64,
        decided_by_name: Option<String>,
        is_over: i64,
    }
}

impl Row {
    fn read(self) -> Result<Approval, StoreError> {
        Ok(Approval {
            number: self.number as u32,
            kind: self.kind,
            tenant: self.tenant,
            document: serde_json::from_str(&self.document)
                .map_err(|_| broken("an approval's document"))?,
            asked_by: self.asked_by_name,
            state: self.state,
            expires_at: self.expires_at,
            decided_by: self.decided_by_name,
        })
    }
}

/// Why what was approved is not done.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// It can't be done any more: another has done it, or what it rests on has changed.
    #[error("{0}")]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// What decisions change among payments, in the transaction of the decision. The treasury does it: access control
/// knows only who decides.
pub trait PaymentDecisions: Sync {
    /// Does what two persons have approved: to release a payment, to settle a contested one, to resume payments.
    ///
    /// # Errors
    /// [`DecisionError::Refused`] if it can't be done any more.
    fn approve(
        &self,
        connection: &mut AnyConnection,
        kind: ApprovalKind,
        document: &str,
        number: u32,
    ) -> impl Future<Output = Result<(), DecisionError>> + Send;

    /// Takes a denied batch apart. False if it went out before.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn drop_batch(
        &self,
        connection: &mut AnyConnection,
        document: &str,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

impl AccessStore<'_> {
    fn approvals_statement(&self, rest: &str) -> String {
        let now = self.0.database().now();
        format!(
            "SELECT number, kind, tenant, document, asked_by, asked_by_name, state, expires_at,
                    decided_by_name,
                    CAST(CASE WHEN expires_at < {now} THEN 1 ELSE 0 END AS BIGINT) AS is_over
             FROM approval {rest}"
        )
    }

    /// Adds a user, or asks a second person to approve it. Until there are two who could approve it, the operator
    /// adds the first ones alone.
    ///
    /// # Errors
    /// [`AccessRefusal`].
    pub async fn admit_principal(
        &self,
        new: &NewPrincipal,
        by: &Caller,
    ) -> Result<Admission, AccessRefusal> {
        let mut transaction = self.0.begin().await?;
        new.check(&mut transaction, by).await?;
        let now = self.0.database().now();
        let approvers = ApprovalKind::Admit.approvers();
        let approvers = self.live_principals(&mut transaction, approvers).await?;
        // Once two could approve it, the operator no longer adds anyone alone.
        let were_two =
            self.were_two_at_once(&mut transaction, ApprovalKind::Admit.approvers()).await?;
        let begins = by.role == Role::Operator && approvers < 2 && !were_two;
        let alone = !new.role.needs_two_persons()
            || begins
            || (by.role == Role::Operator
                && approvers < 2
                && self.was_unanswered(&mut transaction, new).await?);
        let admission = if alone {
            Admission::Admitted(new.insert(&mut transaction, now).await?)
        } else {
            let document = serde_json::to_string(&AdmitDocument::of(new)).expect("plain data");
            let tenant = new.tenant.as_str();
            let kind = ApprovalKind::Admit;
            Admission::Waits(
                self.ask_approval(&mut transaction, kind, tenant, &document, by).await?,
            )
        };
        transaction.commit().await?;
        Ok(admission)
    }

    /// Returns whether the same person was requested before for a role whose members approve, while there were not
    /// two who could have approved it, and the request expired undecided: with one approver left, or none, this is
    /// the way back. The wait gives people time to see it in the log, and the one who is left can deny it.
    async fn was_unanswered(
        &self,
        connection: &mut AnyConnection,
        new: &NewPrincipal,
    ) -> Result<bool, StoreError> {
        if !ApprovalKind::Admit.approvers().contains(&new.role) {
            return Ok(false);
        }
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT document FROM approval
             WHERE kind = $1 AND state = 'waiting' AND expires_at < {now} AND asked_at >= $2"
        ));
        // Requests made while two could have approved them do not count.
        let ended = end_of_two(connection, ApprovalKind::Admit.approvers()).await?;
        let asked: Vec<(String,)> = sqlx::query_as(statement)
            .bind(ApprovalKind::Admit)
            .bind(ended)
            .fetch_all(connection)
            .await?;
        let is_same = |document: &str| {
            serde_json::from_str::<AdmitDocument>(document).is_ok_and(|asked| {
                asked.role == new.role
                    && asked.tenant == new.tenant.as_str()
                    && person(&asked.name) == person(&new.name)
            })
        };
        Ok(asked.iter().any(|(document,)| is_same(document)))
    }

    /// Creates an approval request and returns its number.
    pub async fn ask_approval(
        &self,
        connection: &mut AnyConnection,
        kind: ApprovalKind,
        tenant: &str,
        document: &str,
        by: &Caller,
    ) -> Result<u32, StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO approval (number, kind, tenant, document, asked_by, asked_by_name, asked_at,
                                   expires_at, state)
             SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, {now}, $6, 'waiting'
             FROM approval RETURNING number"
        ));
        let (number,): (i64,) = sqlx::query_as(statement)
            .bind(kind)
            .bind(tenant)
            .bind(document)
            .bind(by.principal.map(|principal| i64::from(principal.0)))
            .bind(&by.name)
            .bind(days_from_now(WAITS_DAYS))
            .fetch_one(connection)
            .await?;
        Ok(number as u32)
    }

    /// Returns the pending and the decided requests, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn approvals(&self, by: &Caller) -> Result<Vec<Approval>, StoreError> {
        let statement = self.approvals_statement("ORDER BY number DESC LIMIT 1000");
        let rows: Vec<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_all(self.0.pool()).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let kind = row.kind;
            let is_own =
                kind != ApprovalKind::Correct || by.member == Some(office_of(&row.document)?);
            let may_decide = kind.approvers().contains(&by.role) && is_own;
            if by.sees_all() || may_decide || row.tenant == by.tenant_column() {
                found.push(row.read()?);
            }
        }
        Ok(found)
    }

    /// Returns the state of a request and its document.
    pub async fn waiting(
        &self,
        connection: &mut AnyConnection,
        number: i64,
    ) -> Result<(Waiting, String), StoreError> {
        let row = self.approval_row(connection, number).await?;
        let row = row.ok_or_else(|| broken("a batch's approval"))?;
        let waiting = if row.state == ApprovalState::Approved {
            Waiting::Approved
        } else if row.is_over == 0 {
            Waiting::NotYet
        } else {
            Waiting::TooLate
        };
        Ok((waiting, row.document))
    }

    /// Returns the newest request with a document, unless it has expired.
    pub async fn newest_approval(
        &self,
        connection: &mut AnyConnection,
        kind: ApprovalKind,
        document: &str,
    ) -> Result<Option<KnownApproval>, StoreError> {
        let statement = self
            .approvals_statement("WHERE kind = $1 AND document = $2 ORDER BY number DESC LIMIT 1");
        let found: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(kind)
            .bind(document)
            .fetch_optional(&mut *connection)
            .await?;
        let waited = |row: &Row| row.is_over != 0 && row.state == ApprovalState::Waiting;
        let Some(row) = found.filter(|row| !waited(row)) else { return Ok(None) };
        let (decided_by,): (Option<i64>,) =
            sqlx::query_as("SELECT decided_by FROM approval WHERE number = $1")
                .bind(row.number)
                .fetch_one(&mut *connection)
                .await?;
        Ok(Some(KnownApproval {
            number: row.number as u32,
            state: row.state,
            decided_by: decided_by.map(|number| PrincipalNumber(number as u32)),
            decided_by_name: row.decided_by_name.unwrap_or_default(),
        }))
    }

    async fn approval_row(
        &self,
        connection: &mut AnyConnection,
        number: i64,
    ) -> Result<Option<Row>, StoreError> {
        let statement = self.approvals_statement("WHERE number = $1");
        let found = sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(number);
        Ok(found.fetch_optional(connection).await?)
    }

    /// Approves or denies a request, as the second person, and does what was approved. A decision is final.
    ///
    /// # Errors
    /// [`AccessRefusal::Refused`] for the person who asked, for one of the same name, for a role that
    /// does not approve it, and for a request that is no longer pending.
    pub async fn decide(
        &self,
        number: u32,
        decision: Decision,
        by: &Caller,
        payments: &impl PaymentDecisions,
    ) -> Result<Approval, AccessRefusal> {
        let mut transaction = self.0.begin().await?;
        let row = self.approval_row(&mut transaction, i64::from(number)).await?;
        let refused = AccessRefusal::Refused;
        let none = || refused(Sentence::of("fault-nothing-waits").count("number", number));
        let row = row.ok_or_else(none)?;
        let kind = row.kind;
        let Some(second) = by.principal else {
            return Err(refused(Sentence::of("fault-second-shows")));
        };
        if !kind.approvers().contains(&by.role) {
            let roles = kind.approvers().iter().map(|role| role.text_name());
            return Err(refused(Sentence::of("fault-decided-by").named("roles", roles)));
        }
        if kind == ApprovalKind::Correct && by.member != Some(office_of(&row.document)?) {
            return Err(none());
        }
        if row.asked_by == Some(i64::from(second.0))
            || person(&row.asked_by_name) == person(&by.name)
            || comes_as(&mut transaction, row.asked_by, second).await?
        {
            return Err(refused(Sentence::of("fault-second-person")));
        }
        // One person can stop a batch that was approved and has not gone out yet.
        let stops = kind == ApprovalKind::Pay
            && decision == Decision::Deny
            && row.state == ApprovalState::Approved;
        if row.state != ApprovalState::Waiting && !stops {
            let state = format!("desk-approval-{}", row.state.name());
            return Err(refused(Sentence::of("fault-decided-before").named("state", [state])));
        }
        if row.is_over != 0 && !stops {
            return Err(refused(Sentence::of("fault-waited").count("days", WAITS_DAYS)));
        }
        // A request without a name may have been made by either of two approvers: the first of them only signs it as
        // their own, and the other approves it.
        let is_nobodys = row.asked_by.is_none()
            && matches!(kind, ApprovalKind::Admit | ApprovalKind::Arrears)
            && decision == Decision::Approve;
        if is_nobodys && self.were_two_at_once(&mut transaction, kind.approvers()).await? {
            sqlx::query("UPDATE approval SET asked_by = $2, asked_by_name = $3 WHERE number = $1")
                .bind(i64::from(number))
                .bind(i64::from(second.0))
                .bind(&by.name)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            return Ok(Approval { asked_by: by.name.clone(), ..row.read()? });
        }
        match (kind, decision) {
            (ApprovalKind::Admit, Decision::Approve) => {
                let document: AdmitDocument = serde_json::from_str(&row.document)
                    .map_err(|_| broken("an approval's document"))?;
                let new = document.read()?;
                new.check(&mut transaction, by).await?;
                new.insert(&mut transaction, self.0.database().now()).await?;
            }
            (ApprovalKind::Pay, Decision::Deny) => {
                if !payments.drop_batch(&mut transaction, &row.document).await? {
                    let state = format!("desk-approval-{}", ApprovalState::Approved.name());
                    let sentence = Sentence::of("fault-decided-before").named("state", [state]);
                    return Err(refused(sentence));
                }
            }
            (
                ApprovalKind::Release | ApprovalKind::Resolve | ApprovalKind::Resume,
                Decision::Approve,
            ) => {
                payments.approve(&mut transaction, kind, &row.document, number).await?;
            }
            // An approved batch goes out with the next run, by who has the treasury's key. Approved
            // arrears are opened by who has the ledger's keys; the treasury pays a correction.
            (
                ApprovalKind::Pay | ApprovalKind::Arrears | ApprovalKind::Correct,
                Decision::Approve,
            ) => {}
            (
                ApprovalKind::Admit
                | ApprovalKind::Release
                | ApprovalKind::Resolve
                | ApprovalKind::Resume
                | ApprovalKind::Arrears
                | ApprovalKind::Correct,
                Decision::Deny,
            ) => {}
        }
        let state = match decision {
            Decision::Approve => ApprovalState::Approved,
            Decision::Deny => ApprovalState::Denied,
        };
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE approval SET state = $2, decided_by = $3, decided_by_name = $4, decided_at = {now}
             WHERE number = $1"
        ));
        sqlx::query(statement)
            .bind(i64::from(number))
            .bind(state)
            .bind(i64::from(second.0))
            .bind(&by.name)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Approval { state, decided_by: Some(by.name.clone()), ..row.read()? })
    }
}

/// Ends a pending request that no longer needs a decision. A decided one stays as it is.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn end_waiting(
    connection: &mut AnyConnection,
    number: i64,
    why: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE approval SET state = 'denied', decided_by_name = $2
         WHERE number = $1 AND state = 'waiting'",
    )
    .bind(number)
    .bind(why)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns whether two principals have the same credential, one of them perhaps revoked: a user who was removed
/// and added again is the same person, whatever they are called now.
async fn comes_as(
    connection: &mut AnyConnection,
    one: Option<i64>,
    other: PrincipalNumber,
) -> Result<bool, StoreError> {
    let (alike,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM principal AS one
         JOIN principal AS other ON other.credential_kind = one.credential_kind
                                AND other.credential = one.credential
         WHERE one.number = $1 AND other.number = $2",
    )
    .bind(one.unwrap_or(-1))
    .bind(i64::from(other.0))
    .fetch_one(connection)
    .await?;
    Ok(alike > 0)
}

#[cfg(test)]
mod tests {
    use super::person;

    #[test]
    fn name_is_of_one_person_however_it_is_typed() {
        for (one, other) in [
            ("T. Sen", "t sen"),
            ("\u{9b0}\u{9be}\u{9df}", "\u{9b0}\u{9be}\u{9af}\u{9bc}"),
            ("\u{95b}\u{93e}", "\u{91c}\u{93c}\u{93e}"),
            ("Jos\u{e9}", "Jose\u{301}"),
            ("S\u{200d}en", "Sen"),
            ("\u{ff33}en", "sen"),
        ] {
            assert_eq!(person(one), person(other), "{one} {other}");
        }
        assert_ne!(person("\u{9b0}\u{9be}\u{9df}"), person("\u{9b0}\u{9be}\u{9ae}"));
        assert_ne!(person("T. Sen"), person("T. Roy"));
    }
}
