//! Sessions: who uses a browser. Each begins at sign-in and is identified by a cookie.
//!
//! The store has a hash of the cookie's secret, so that a reader of the store can't sign in with it. A session
//! ends after half an hour without a request, after half a day in any case, and at once when its user is
//! removed or expires.

use praman_access::{AccessStore, Caller, PrincipalNumber};
use praman_store::Store;
use praman_store::error::StoreError;
use praman_store::named::read_digest;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Sessions at the desk, in a store.
#[derive(Clone, Copy)]
pub(crate) struct SessionStore<'s>(pub(crate) &'s Store);

/// For how long a session lasts without a request, in milliseconds.
const IDLE_MS: i64 = 30 * 60 * 1_000;

/// For how long a session lasts at most, in milliseconds.
const LONGEST_MS: i64 = 12 * 60 * 60 * 1_000;
/// By how much a clock may be ahead of another: a session of a later time was begun by a wrong clock.
const AHEAD_MS: i64 = 60_000;

/// After how long the time of the last request is stored again, in milliseconds.
const SEEN_MS: i64 = 60 * 1_000;

/// A session's secret, which a cookie holds.
pub(super) struct SessionSecret(Zeroizing<[u8; 32]>);

impl SessionSecret {
    fn generate() -> Self {
        Self(praman_files::sealed::random_key())
    }

    /// Parses the secret that a cookie holds.
    pub(super) fn parse(text: &str) -> Option<Self> {
        read_digest(text).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Returns the secret as a cookie holds it.
    pub(super) fn cookie(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }

    fn hash(&self) -> Vec<u8> {
        Sha256::new().chain_update(b"praman.session.1").chain_update(*self.0).finalize().to_vec()
    }

    /// Returns the token of every form of the session, which no page of another site can know.
    pub(super) fn form_token(&self) -> String {
        let hasher = Sha256::new().chain_update(b"praman.form.1").chain_update(*self.0);
        hex::encode(hasher.finalize())
    }
}

impl SessionStore<'_> {
    /// Begins a session of a principal.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub(super) async fn begin_session(
        &self,
        principal: PrincipalNumber,
    ) -> Result<SessionSecret, StoreError> {
        let secret = SessionSecret::generate();
        let now = self.0.database().now();
        let mut transaction = self.0.begin_rows().await?;
        // Each sign-in deletes expired sessions.
        let over = sqlx::AssertSqlSafe(format!(
            "DELETE FROM console_session
             WHERE seen_at < {now} - {IDLE_MS} OR begun_at < {now} - {LONGEST_MS}"
        ));
        sqlx::query(over).execute(&mut *transaction).await?;
        let begin = sqlx::AssertSqlSafe(format!(
            "INSERT INTO console_session (token_hash, principal, begun_at, seen_at)
             VALUES ($1, $2, {now}, {now})"
        ));
        sqlx::query(begin)
            .bind(secret.hash())
            .bind(i64::from(principal.0))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(secret)
    }

    /// Returns the user of a session; none if it is over, or the user was removed or has expired.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub(super) async fn session_caller(
        &self,
        secret: &SessionSecret,
    ) -> Result<Option<Caller>, StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT principal, CAST({now} - seen_at AS BIGINT) FROM console_session
             WHERE token_hash = $1 AND seen_at BETWEEN {now} - {IDLE_MS} AND {now} + {AHEAD_MS}
                 AND begun_at BETWEEN {now} - {LONGEST_MS} AND {now} + {AHEAD_MS}"
        ));
        let found: Option<(i64, i64)> =
            sqlx::query_as(statement).bind(secret.hash()).fetch_optional(self.0.pool()).await?;
        let Some((principal, since)) = found else { return Ok(None) };
        if since > SEEN_MS {
            let seen = sqlx::AssertSqlSafe(format!(
                "UPDATE console_session SET seen_at = {now} WHERE token_hash = $1"
            ));
            sqlx::query(seen).bind(secret.hash()).execute(self.0.writer()).await?;
        }
        AccessStore(self.0).caller_of_number(PrincipalNumber(principal as u32)).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub(super) async fn end_session(&self, secret: &SessionSecret) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM console_session WHERE token_hash = $1")
            .bind(secret.hash())
            .execute(self.0.writer())
            .await?;
        Ok(())
    }
}
