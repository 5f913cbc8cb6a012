//! Where two persons are needed: how many may act now, and whether two ever could at once.

use std::collections::{HashMap, HashSet};

use praman_store::error::StoreError;
use sqlx::AnyConnection;

use super::approval::person;
use super::role::Role;
use crate::AccessStore;

/// Who could act, from when, and until when: revoked or expired.
type Span = (String, i64, Option<i64>, Option<i64>);

impl AccessStore<'_> {
    /// Returns how many persons may act now in one of some roles.
    pub async fn live_principals(
        &self,
        connection: &mut AnyConnection,
        roles: &[Role],
    ) -> Result<usize, StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT name, role FROM principal
             WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {now})"
        ));
        let live: Vec<(String, String)> = sqlx::query_as(statement).fetch_all(connection).await?;
        let of_role = live.iter().filter(|(_, role)| is_of(roles, role));
        let persons: HashSet<String> = of_role.map(|(name, _)| person(name)).collect();
        Ok(persons.len())
    }

    /// Returns whether an office ever had two officers at once: what needs two then does not fall to the one left.
    pub async fn takes_two_officers(
        &self,
        connection: &mut AnyConnection,
        office: u32,
    ) -> Result<bool, StoreError> {
        let known: Vec<Span> = sqlx::query_as(
            "SELECT name, created_at, revoked_at, expires_at FROM principal
             WHERE role = $1 AND member = $2",
        )
        .bind(Role::Office)
        .bind(i64::from(office))
        .fetch_all(connection)
        .await?;
        Ok(are_two_at_once(known))
    }

    /// Returns whether two persons could ever act at once in some roles: what needs two then needs two for good, and
    /// does not fall to the one left.
    pub async fn were_two_at_once(
        &self,
        connection: &mut AnyConnection,
        roles: &[Role],
    ) -> Result<bool, StoreError> {
        type OfRole = (String, String, i64, Option<i64>, Option<i64>);
        let known: Vec<OfRole> =
            sqlx::query_as("SELECT role, name, created_at, revoked_at, expires_at FROM principal")
                .fetch_all(connection)
                .await?;
        let of_roles = known
            .into_iter()
            .filter(|(role, ..)| is_of(roles, role))
            .map(|(_, name, from, revoked, expires)| (name, from, revoked, expires));
        Ok(are_two_at_once(of_roles))
    }
}

/// Returns whether a role is one of some, by its name.
fn is_of(roles: &[Role], name: &str) -> bool {
    roles.iter().any(|role| role.name() == name)
}

/// Returns whether two of some persons could ever act at once.
fn are_two_at_once(known: impl IntoIterator<Item = Span>) -> bool {
    let spans: Vec<(String, i64, i64)> = known
        .into_iter()
        .map(|(name, from, revoked, expires)| {
            let until = revoked.into_iter().chain(expires).min().unwrap_or(i64::MAX);
            (person(&name), from, until)
        })
        .collect();
    spans.iter().enumerate().any(|(place, (one, from, until))| {
        spans[place + 1..].iter().any(|(other, other_from, other_until)| {
            one != other && from < other_until && other_from < until
        })
    })
}

/// Returns since when fewer than two persons could act in some roles, in milliseconds since 1970.
pub(super) async fn end_of_two(
    connection: &mut AnyConnection,
    roles: &[Role],
) -> Result<i64, StoreError> {
    let known: Vec<(String, String, Option<i64>, Option<i64>)> =
        sqlx::query_as("SELECT role, name, revoked_at, expires_at FROM principal")
            .fetch_all(connection)
            .await?;
    let mut ends: HashMap<String, i64> = HashMap::new();
    for (_, name, revoked, expires) in known.into_iter().filter(|(role, ..)| is_of(roles, role)) {
        let end = revoked.into_iter().chain(expires).min().unwrap_or(i64::MAX);
        let last = ends.entry(person(&name)).or_default();
        *last = end.max(*last);
    }
    let mut ends: Vec<i64> = ends.into_values().collect();
    ends.sort_unstable();
    Ok(ends.into_iter().nth_back(1).unwrap_or_default())
}
