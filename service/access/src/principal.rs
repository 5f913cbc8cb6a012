//! Principals: the users, in which role, known by which credential.

use jiff::Timestamp;
use praman_language::sentence::Sentence;
use praman_store::error::StoreError;
use praman_store::named::{named, number_id, read_digest};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::approval::PaymentDecisions;
use super::caller::Caller;
use super::refusal::AccessRefusal;
use super::role::Role;
use super::tenant::{TenantName, of_column};
use crate::AccessStore;

/// The longest name of a principal, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

number_id! {
    /// A principal's number.
    PrincipalNumber
}

named! {
    /// What kind of credential a principal is known by.
    CredentialKind {
        /// An API key.
        ApiKey = "api-key",
        /// A client's certificate.
        Certificate = "certificate",
        /// A subject of an OpenID issuer.
        OpenId = "openid",
    }
}

/// What a principal is known by: hashes, none of which is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key, by its hash.
    ApiKey([u8; 32]),
    /// A client's certificate, by the SHA-256 of its DER form.
    Certificate([u8; 32]),
    /// A subject of an OpenID issuer, by a hash of both.
    OpenId([u8; 32]),
}

impl Credential {
    /// Returns the credential of a subject of an issuer.
    pub fn open_id(issuer: &str, subject: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"praman.openid.1");
        hasher.update((issuer.len() as u64).to_be_bytes());
        hasher.update(issuer);
        hasher.update(subject);
        Self::OpenId(hasher.finalize().into())
    }

    pub(super) fn kind(&self) -> CredentialKind {
        match self {
            Self::ApiKey(_) => CredentialKind::ApiKey,
            Self::Certificate(_) => CredentialKind::Certificate,
            Self::OpenId(_) => CredentialKind::OpenId,
        }
    }

    pub(super) fn digest(&self) -> &[u8; 32] {
        match self {
            Self::ApiKey(digest) | Self::Certificate(digest) | Self::OpenId(digest) => digest,
        }
    }

    /// Parses a credential from a kind's name and 64 hexadecimal digits.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(kind: &str, digest: &str) -> Result<Self, String> {
        let digest =
            read_digest(digest).ok_or("a credential's digest must have 64 hexadecimal digits")?;
        match CredentialKind::of_name(kind) {
            Some(CredentialKind::ApiKey) => Ok(Self::ApiKey(digest)),
            Some(CredentialKind::Certificate) => Ok(Self::Certificate(digest)),
            Some(CredentialKind::OpenId) => Ok(Self::OpenId(digest)),
            None => Err(format!(
                "{kind:?} is not a kind of credential: give api-key, certificate or openid"
            )),
        }
    }
}

/// Returns the credential of a certificate in DER form.
pub fn certificate_digest(der: &[u8]) -> Credential {
    Credential::Certificate(Sha256::digest(der).into())
}

/// A user to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrincipal {
    /// As people call them.
    pub name: String,
    /// In which role they act.
    pub role: Role,
    /// For whom.
    pub tenant: TenantName,
    /// The office's or participant's number, of roles that have one.
    pub member: Option<u32>,
    /// What they are known by.
    pub credential: Credential,
    /// When it is over, in milliseconds since 1970.
    pub expires_at: Option<i64>,
}

/// A user, who may have expired or been revoked.
#[derive(Clone, Debug, Serialize)]
pub struct Principal {
    /// Their number.
    pub number: PrincipalNumber,
    /// As people call them.
    pub name: String,
    /// In which role they act.
    pub role: Role,
    /// For whom.
    pub tenant: TenantName,
    /// The office's or participant's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<u32>,
    /// What kind of credential they have.
    pub credential: CredentialKind,
    /// When it is over, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
}

praman_store::row! {
    struct Row {
        number: i64,
        name: String,
        role: Role,
        tenant: String,
        member: Option<i64>,
        credential_kind: CredentialKind,
        expires_at: Option<i64>,
        revoked_at: Option<i64>,
    }
}

const COLUMNS: &str = "number, name, role, tenant, member, credential_kind, expires_at, revoked_at";

impl Row {
    fn read(self) -> Result<Principal, StoreError> {
        Ok(Principal {
            number: PrincipalNumber(self.number as u32),
            name: self.name,
            role: self.role,
            tenant: of_column(self.tenant),
            member: self.member.map(|member| member as u32),
            credential: self.credential_kind,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
        })
    }

    fn caller(self) -> Result<Caller, StoreError> {
        let principal = self.read()?;
        Ok(Caller {
            principal: Some(principal.number),
            name: principal.name,
            role: principal.role,
            tenant: Some(principal.tenant),
            member: principal.member,
        })
    }
}

/// Returns whether a character changes the direction of text, so that a name is shown as another.
fn turns_letters(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl NewPrincipal {
    /// Checks that the caller may add this user, and that the user can be added.
    pub(super) async fn check(
        &self,
        connection: &mut AnyConnection,
        by: &Caller,
    ) -> Result<(), AccessRefusal> {
        let refused = |sentence| Err(AccessRefusal::Refused(sentence));
        if by.role == Role::Department {
            let own = by.tenant.as_ref() == Some(&self.tenant);
            if !own || !matches!(self.role, Role::Office | Role::Kiosk) {
                return Err(AccessRefusal::Another(Sentence::of("fault-department-admits")));
            }
        }
        let characters = self.name.chars().count();
        if !(1..=NAME_CHARACTERS_MAX).contains(&characters)
            || self.name.chars().any(|one| one.is_control() || turns_letters(one))
        {
            let most = NAME_CHARACTERS_MAX as u64;
            return refused(Sentence::of("fault-name-length").count("most", most));
        }
        let of_role = |sentence: Sentence| sentence.named("role", [self.role.text_name()]);
        match (self.role.has_member(), self.member) {
            (true, None) => return refused(of_role(Sentence::of("fault-member-needed"))),
            (false, Some(_)) => return refused(of_role(Sentence::of("fault-no-member"))),
            _ => {}
        }
        let known: Option<(i64,)> = sqlx::query_as("SELECT created_at FROM tenant WHERE name = $1")
            .bind(self.tenant.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        if known.is_none() {
            return refused(Sentence::of("fault-no-tenant").text("tenant", &self.tenant));
        }
        if let (Role::Office, Some(office)) = (self.role, self.member) {
            let own: Option<(i64,)> = sqlx::query_as(
                "SELECT office FROM tenant_office WHERE office = $1 AND tenant = $2",
            )
            .bind(i64::from(office))
            .bind(self.tenant.as_str())
            .fetch_optional(&mut *connection)
            .await?;
            if own.is_none() {
                let sentence = Sentence::of("fault-office-of-another").count("office", office);
                return refused(sentence.text("tenant", &self.tenant));
            }
        }
        // A person who was revoked may be added again as themselves; a revoked key or certificate may be
        // in other hands, and is not accepted again.
        let used: Option<(i64, String)> = sqlx::query_as(
            "SELECT number, tenant FROM principal
             WHERE credential = $1 AND credential_kind = $2
                 AND (revoked_at IS NULL OR credential_kind <> $3)",
        )
        .bind(self.credential.digest().to_vec())
        .bind(self.credential.kind())
        .bind(CredentialKind::OpenId)
        .fetch_optional(&mut *connection)
        .await?;
        let Some((number, tenant)) = used else { return Ok(()) };
        if self.credential.kind() == CredentialKind::OpenId && by.sees(&of_column(tenant)) {
            return refused(Sentence::of("fault-subject-taken").count("number", number as u64));
        }
        refused(Sentence::of("fault-credential-taken"))
    }

    /// Stores the user.
    pub(super) async fn insert(
        &self,
        connection: &mut AnyConnection,
        now: &str,
    ) -> Result<Principal, StoreError> {
        let (number,): (i64,) =
            sqlx::query_as("SELECT coalesce(max(number), 0) + 1 FROM principal")
                .fetch_one(&mut *connection)
                .await?;
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO principal (number, name, role, tenant, member, credential_kind,
                                    credential, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, {now}, $8) RETURNING {COLUMNS}"
        ));
        let row: Row = sqlx::query_as(statement)
            .bind(number)
            .bind(&self.name)
            .bind(self.role)
            .bind(self.tenant.as_str())
            .bind(self.member.map(i64::from))
            .bind(self.credential.kind())
            .bind(self.credential.digest().to_vec())
            .bind(self.expires_at)
            .fetch_one(&mut *connection)
            .await?;
        row.read()
    }
}

impl AccessStore<'_> {
    /// Returns the user of a credential, if it is valid now.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn caller_of(&self, credential: Credential) -> Result<Option<Caller>, StoreError> {
        let statement = self.who_is("credential = $1 AND credential_kind = $2");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(credential.digest().to_vec())
            .bind(credential.kind())
            .fetch_optional(self.0.pool())
            .await?;
        row.map(Row::caller).transpose()
    }

    /// Returns the user of a number, if they may act now.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn caller_of_number(
        &self,
        number: PrincipalNumber,
    ) -> Result<Option<Caller>, StoreError> {
        let statement = self.who_is("number = $1");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(i64::from(number.0))
            .fetch_optional(self.0.pool())
            .await?;
        row.map(Row::caller).transpose()
    }

    /// Returns the query for the principals that meet a condition and may act now.
    fn who_is(&self, condition: &str) -> String {
        let now = self.0.database().now();
        format!(
            "SELECT {COLUMNS} FROM principal WHERE {condition} AND revoked_at IS NULL
                 AND (expires_at IS NULL OR expires_at > {now})"
        )
    }

    /// Returns all principals that the caller may see.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn principals(&self, by: &Caller) -> Result<Vec<Principal>, StoreError> {
        let statement =
            sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM principal ORDER BY number"));
        let rows: Vec<Row> = sqlx::query_as(statement).fetch_all(self.0.pool()).await?;
        let all = rows.into_iter().map(Row::read).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|principal| by.sees(&principal.tenant)).collect())
    }

    /// Removes a user at once; this needs no second person. Returns whether they could act until now.
    ///
    /// # Errors
    /// [`AccessRefusal::Another`] if they are another tenant's.
    pub async fn revoke_principal(
        &self,
        number: PrincipalNumber,
        by: &Caller,
        payments: &impl PaymentDecisions,
    ) -> Result<bool, AccessRefusal> {
        let mut transaction = self.0.begin_rows().await?;
        let statement =
            sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM principal WHERE number = $1"));
        let row: Option<Row> = sqlx::query_as(statement)
            .bind(i64::from(number.0))
            .fetch_optional(&mut *transaction)
            .await?;
        let none =
            || AccessRefusal::Refused(Sentence::of("fault-no-principal").count("number", number.0));
        let principal = row.ok_or_else(none)?.read()?;
        if !by.sees(&principal.tenant) {
            return Err(none());
        }
        if by.role == Role::Department && !matches!(principal.role, Role::Office | Role::Kiosk) {
            return Err(AccessRefusal::Another(Sentence::of("fault-department-revokes")));
        }
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE principal SET revoked_at = {now} WHERE number = $1 AND revoked_at IS NULL"
        ));
        let ended = sqlx::query(statement)
            .bind(i64::from(number.0))
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        // Their key may be in other hands and have requested more: those requests are denied, so that none is
        // approved by mistake. A pending batch is taken apart.
        let batches: Vec<(String,)> = sqlx::query_as(
            "SELECT document FROM approval WHERE asked_by = $1 AND state = 'waiting' AND kind = 'pay'",
        )
        .bind(i64::from(number.0))
        .fetch_all(&mut *transaction)
        .await?;
        for (document,) in batches {
            payments.drop_batch(&mut transaction, &document).await?;
        }
        let statement = sqlx::AssertSqlSafe(format!(
            "UPDATE approval SET state = 'denied', decided_by_name = $2, decided_at = {now}
             WHERE asked_by = $1 AND state = 'waiting'"
        ));
        // No approver has decided these: they can be requested again.
        sqlx::query(statement)
            .bind(i64::from(number.0))
            .bind(&by.name)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(ended == 1)
    }
}

/// Returns the time a number of days from now, in milliseconds since 1970.
pub fn days_from_now(days: u32) -> i64 {
    Timestamp::now().as_millisecond() + i64::from(days) * 86_400_000
}
