//! A pooler before PostgreSQL, such as PgBouncer.
//!
//! This program needs nothing that lasts longer than a transaction, but for the statements that a connection has
//! prepared. A pooler that lends a server's connection for one transaction has to keep them for each client, as
//! PgBouncer does from 1.21 on; one that does not is refused by name.

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection};

/// A statement was prepared that is there already: another client's, by the same name.
const DUPLICATE_PREPARED_STATEMENT: &str = "42P05";
/// A prepared statement is not there: it is on another of the server's connections.
const INVALID_STATEMENT_NAME: &str = "26000";
/// What a pooler says of a setting or a statement that it does not let through.
const PROTOCOL_VIOLATION: &str = "08P01";

/// Makes sure that what one connection has prepared is there later, while another prepares the same.
///
/// # Errors
/// The database's error, which [`advice`] explains.
pub(crate) async fn check(options: &AnyConnectOptions) -> Result<(), sqlx::Error> {
    let mut connections = [options.connect().await?, options.connect().await?];
    for _ in 0..2 {
        for connection in &mut connections {
            prepared(connection).await?;
        }
    }
    for connection in connections {
        connection.close().await?;
    }
    Ok(())
}

/// Prepares a statement, or uses the one that is prepared, within a transaction and without.
async fn prepared(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    const STATEMENT: &str = "SELECT CAST($1 AS BIGINT)";
    sqlx::query(STATEMENT).bind(1_i64).execute(&mut *connection).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query(STATEMENT).bind(2_i64).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Returns what went wrong at the store, and what to do if a pooler is the reason.
pub(crate) fn advice(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(told) = error else { return error.to_string() };
    let message = told.message();
    let advice = match told.code().as_deref() {
        Some(DUPLICATE_PREPARED_STATEMENT | INVALID_STATEMENT_NAME) => {
            "a pooler before the database does not keep what its clients prepare: use PgBouncer 1.21 \
             or newer with max_prepared_statements above 0, or set pool_mode = session"
        }
        Some(PROTOCOL_VIOLATION) if message.contains("startup parameter") => {
            "a pooler before the database refuses a setting of the connection: set PgBouncer's \
             ignore_startup_parameters = extra_float_digits"
        }
        Some(PROTOCOL_VIOLATION) if message.contains("statement pooling mode") => {
            "a pooler before the database lets no transaction through: set PgBouncer's pool_mode = \
             transaction, or session"
        }
        _ => return error.to_string(),
    };
    format!("{message}: {advice}")
}
