//! The schemes whose claims and payments a user sees: a department sees only its own.
//!
//! A scheme belongs to one tenant at most, and what is claimed and paid under it is that tenant's. One that has
//! no tenant yet is seen only by those who see all.

use praman_circuits::scope::SchemeId;
use praman_store::WriteTransaction;
use praman_store::error::StoreError;

use super::caller::Caller;
use super::role::Role;
use super::tenant::{TenantError, TenantName};
use crate::AccessStore;

/// The schemes whose claims and payments a user sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemeScope(Option<TenantName>);

impl SchemeScope {
    /// All of them.
    pub const ALL: Self = Self(None);

    /// Returns those that a caller sees. The treasury pays for all departments.
    pub fn of(caller: &Caller) -> Self {
        match &caller.tenant {
            _ if caller.sees_all() || caller.role == Role::Treasury => Self::ALL,
            Some(tenant) => Self(Some(tenant.clone())),
            // Only the operator has no tenant; anyone else without one would see nothing.
            None => Self(Some(TenantName::nobody())),
        }
    }

    /// Returns whether it is all of them.
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the SQL condition that a column's scheme is among them, where [`column`](Self::column) is bound to a
    /// parameter.
    pub fn condition(column: &str, parameter: &str) -> String {
        format!(
            "({parameter} = '' OR {column} IN
                 (SELECT tenant_scheme.scheme FROM tenant_scheme
                  WHERE tenant_scheme.tenant = {parameter}))"
        )
    }

    /// Returns what is bound to the condition's parameter.
    pub fn column(&self) -> &str {
        self.0.as_ref().map_or("", TenantName::as_str)
    }
}

impl AccessStore<'_> {
    /// Returns the schemes of a scope, by id; none if it is all.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn schemes_within(
        &self,
        scope: &SchemeScope,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let Some(tenant) = &scope.0 else { return Ok(None) };
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT scheme FROM tenant_scheme WHERE tenant = $1 ORDER BY scheme")
                .bind(tenant.as_str())
                .fetch_all(self.0.pool())
                .await?;
        Ok(Some(rows.into_iter().map(|(scheme,)| scheme).collect()))
    }
}

/// Gives a tenant a scheme that has no tenant, is its own, or belongs to the tenant that it is taken from.
///
/// # Errors
/// [`TenantError::SchemeOfAnother`] if it is another's.
pub(super) async fn give(
    transaction: &mut WriteTransaction,
    (tenant, from): (&TenantName, &TenantName),
    scheme: &SchemeId,
) -> Result<(), TenantError> {
    let given = sqlx::query(
        "INSERT INTO tenant_scheme (scheme, tenant) VALUES ($1, $2)
         ON CONFLICT (scheme) DO UPDATE SET tenant = excluded.tenant
             WHERE tenant_scheme.tenant IN (excluded.tenant, $3)",
    )
    .bind(scheme.as_str())
    .bind(tenant.as_str())
    .bind(from.as_str())
    .execute(&mut **transaction)
    .await?;
    if given.rows_affected() == 0 {
        return Err(TenantError::SchemeOfAnother(scheme.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role, tenant: Option<&str>) -> Caller {
        let tenant = tenant.map(|name| name.parse().expect("a name"));
        Caller { role, tenant, ..Caller::operator() }
    }

    #[test]
    fn roles_that_account_for_all_schemes_alone_see_all() {
        for &role in Role::ALL {
            let sees_all = matches!(
                role,
                Role::Oversight | Role::Agency | Role::Auditor | Role::Treasury | Role::Operator
            );
            assert_eq!(SchemeScope::of(&caller(role, Some("food"))).is_all(), sees_all);
        }
        assert_eq!(SchemeScope::of(&caller(Role::Department, Some("food"))).column(), "food");
        let nobody = SchemeScope::of(&caller(Role::Department, None));
        assert!(!nobody.is_all() && !nobody.column().is_empty());
    }
}
