//! Tenants: departments and others who share a service and see nothing of each other.

use praman_circuits::office::OfficeId;
use praman_circuits::scope::SchemeId;
use praman_store::WriteTransaction;
use praman_store::error::StoreError;
use serde::Serialize;

use super::scheme_scope;
use crate::AccessStore;

/// Why a tenant does not get an office or a scheme. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// There is no such office.
    #[error("there is no office {}", .0.0)]
    NoOffice(OfficeId),
    /// The office belongs to another tenant.
    #[error(
        "office {} belongs to another department: if it was given to it by mistake, name it by --from",
        .0.0
    )]
    OfficeOfAnother(OfficeId),
    /// The scheme belongs to another tenant.
    #[error(
        "scheme {0} belongs to another department: if it was given to it by mistake, name it by --from"
    )]
    SchemeOfAnother(SchemeId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TenantError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoOffice(_) | Self::OfficeOfAnother(_) | Self::SchemeOfAnother(_) => 1,
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(TenantError);

/// A tenant's name: 1 to 32 of a-z, 0-9 and -.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TenantName(String);

impl TenantName {
    /// Returns the name as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tenant of an office that belongs to none.
    pub(super) fn of_office(office: OfficeId) -> Self {
        Self(format!("office-{}", office.0))
    }

    /// Returns a name that no tenant can have.
    pub(super) fn nobody() -> Self {
        Self("*".to_owned())
    }
}

impl std::fmt::Display for TenantName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for TenantName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if plain && (1..=32).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?}: a department's name has 1 to 32 of a-z, 0-9 and -"))
    }
}

/// A tenant.
#[derive(Clone, Debug, Serialize)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// As people call it.
    pub title: String,
    /// Its offices.
    pub offices: Vec<u32>,
    /// Its schemes.
    pub schemes: Vec<String>,
}

/// Removes a tenant's officers of an office that it no longer has, and denies their pending requests.
async fn end_officers(
    transaction: &mut WriteTransaction,
    now: &str,
    office: i64,
    tenant: &TenantName,
) -> Result<u64, StoreError> {
    let officers = "SELECT number FROM principal
                    WHERE role = 'office' AND member = $1 AND tenant = $2 AND revoked_at IS NULL";
    let mut ended = 0;
    for statement in [
        format!(
            "UPDATE approval SET state = 'denied', decided_by_name = 'the office has moved', decided_at = {now}
             WHERE state = 'waiting' AND asked_by IN ({officers})"
        ),
        format!("UPDATE principal SET revoked_at = {now} WHERE number IN ({officers})"),
    ] {
        ended = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(office)
            .bind(tenant.as_str())
            .execute(&mut **transaction)
            .await?
            .rows_affected();
    }
    Ok(ended)
}

impl AccessStore<'_> {
    /// Adds a tenant, and gives it offices and schemes that no other has. A known tenant gets more.
    ///
    /// # Errors
    /// [`TenantError`] if an office is not there, or an office or a scheme is another's.
    pub async fn admit_tenant(
        &self,
        name: &TenantName,
        title: &str,
        offices: &[OfficeId],
        schemes: &[SchemeId],
    ) -> Result<(), TenantError> {
        self.admit_tenant_from(name, title, offices, schemes, None).await.map(drop)
    }

    /// The same, but takes the offices and schemes from another tenant that has them by mistake, or should no longer
    /// have them. That tenant's officers of these offices lose their access; returns how many.
    ///
    /// # Errors
    /// [`TenantError`] if one of them is of neither.
    pub async fn admit_tenant_from(
        &self,
        name: &TenantName,
        title: &str,
        offices: &[OfficeId],
        schemes: &[SchemeId],
        from: Option<&TenantName>,
    ) -> Result<u64, TenantError> {
        let mut transaction = self.0.begin().await?;
        let from = from.unwrap_or(name);
        let mut ended = 0;
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO tenant (name, title, created_at) VALUES ($1, $2, {now})
             ON CONFLICT (name) DO UPDATE SET title = excluded.title"
        ));
        sqlx::query(statement).bind(name.as_str()).bind(title).execute(&mut *transaction).await?;
        for &office in offices {
            let id = i64::from(office.0);
            let taken = sqlx::query(
                "INSERT INTO tenant_office (office, tenant) VALUES ($1, $2)
                 ON CONFLICT (office) DO UPDATE SET tenant = excluded.tenant
                     WHERE tenant_office.tenant IN (excluded.tenant, $3)",
            )
            .bind(id)
            .bind(name.as_str())
            .bind(from.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(|error| match error.as_database_error() {
                // The only references are to the office, and to the tenant of above.
                Some(fault) if fault.is_foreign_key_violation() => TenantError::NoOffice(office),
                _ => StoreError::from(error).into(),
            })?;
            if taken.rows_affected() == 0 {
                return Err(TenantError::OfficeOfAnother(office));
            }
            if from != name {
                ended += end_officers(&mut transaction, now, id, from).await?;
            }
        }
        for scheme in schemes {
            scheme_scope::give(&mut transaction, (name, from), scheme).await?;
        }
        transaction.commit().await?;
        Ok(ended)
    }

    /// Returns all tenants.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT name, title FROM tenant ORDER BY name")
                .fetch_all(self.0.pool())
                .await?;
        let offices: Vec<(String, i64)> =
            sqlx::query_as("SELECT tenant, office FROM tenant_office ORDER BY office")
                .fetch_all(self.0.pool())
                .await?;
        let schemes: Vec<(String, String)> =
            sqlx::query_as("SELECT tenant, scheme FROM tenant_scheme ORDER BY scheme")
                .fetch_all(self.0.pool())
                .await?;
        let tenant = |(name, title): (String, String)| {
            let own = offices.iter().filter(|(tenant, _)| *tenant == name);
            let offices = own.map(|(_, office)| *office as u32).collect();
            let own = schemes.iter().filter(|(tenant, _)| *tenant == name);
            let schemes = own.map(|(_, scheme)| scheme.clone()).collect();
            Tenant { name: TenantName(name), title, offices, schemes }
        };
        Ok(rows.into_iter().map(tenant).collect())
    }

    /// Returns the tenant of an office.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tenant_of_office(&self, office: OfficeId) -> Result<TenantName, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT tenant FROM tenant_office WHERE office = $1")
                .bind(i64::from(office.0))
                .fetch_optional(self.0.pool())
                .await?;
        Ok(row.map_or_else(|| TenantName::of_office(office), |(name,)| TenantName(name)))
    }
}

/// Reads a tenant's name from a column.
pub(super) fn of_column(name: String) -> TenantName {
    TenantName(name)
}

#[cfg(test)]
mod tests {
    use super::TenantName;

    #[test]
    fn tenant_name_that_is_not_plain_is_refused() {
        assert!("food-and-supplies".parse::<TenantName>().is_ok());
        for bad in ["", "Food", "a b", "*", &"a".repeat(33), "é"] {
            assert!(bad.parse::<TenantName>().is_err(), "{bad}");
        }
    }
}
