//! The two databases: how each is connected, locked and migrated.
//!
//! Statements are written once, in the SQL that both have, with numbered parameters; what differs is
//! here and in `migrations/`, which hold the same tables in each one's types.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use praman_files::FileError;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor};

use crate::error::StoreError;
use crate::{migrations, pooler};

static SQLITE_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(migrations::of_sqlite);
/// Without a lock of its own, which would last longer than a transaction: see [`Database::lock_migrations`].
static POSTGRES_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = migrations::of_postgres();
    migrator.set_locking(false);
    migrator
});

/// The file of a folder's store.
pub(super) const FILE_NAME: &str = "praman.db";

/// How long to wait for a connection, or for others to finish writing.
const PATIENCE: Duration = Duration::from_secs(120);

/// Connections that read.
const READERS: u32 = 8;

/// The number of the lock that writers to one PostgreSQL database take in turn: "praman" in ASCII.
const WRITE_LOCK: &str = "SELECT pg_advisory_xact_lock(123645076300142)";

/// The number of the lock of a program that migrates the schema: the next one.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(123645076300143)";

/// The location of a store.
#[derive(Clone)]
pub enum Location {
    /// A folder with a SQLite file.
    Folder(PathBuf),
    /// A PostgreSQL server; the address may hold a password, so it is never printed.
    Server(String),
}

impl Location {
    /// Returns the database at an address, or the file in a folder if none is given.
    ///
    /// # Errors
    /// [`StoreError::Address`] for an address of another kind.
    pub fn new(folder: &Path, address: Option<&str>) -> Result<Self, StoreError> {
        match address {
            None => Ok(Self::Folder(folder.to_owned())),
            Some(address)
                if ["postgres://", "postgresql://"].iter().any(|s| address.starts_with(s)) =>
            {
                Ok(Self::Server(address.to_owned()))
            }
            Some(_) => Err(StoreError::Address),
        }
    }
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite, one file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Database {
    /// The migrations that this program knows.
    pub(super) fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE_MIGRATIONS,
            Self::Postgres => &POSTGRES_MIGRATIONS,
        }
    }

    /// Returns the statement that begins a transaction that writes.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Returns the statement that begins a read-only transaction, of one state.
    pub(super) fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Returns the statement that takes the one lock for writers of shared state, if beginning does not.
    pub(super) fn lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(WRITE_LOCK),
        }
    }

    /// Returns the statement that takes the lock of a program that migrates the schema, if the file itself is not
    /// locked. A transaction holds it, so that a pooler that lends connections for a transaction passes it on to
    /// nobody.
    pub(super) fn lock_migrations(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(MIGRATION_LOCK),
        }
    }

    /// Returns the database's clock in milliseconds since 1970: one for all replicas.
    pub fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Returns the condition that a hold until the time in a column is over. A hold of more than twice the
    /// longest time was taken before the clock was set back, and is over.
    pub fn is_over(self, column: &str, length: Duration) -> String {
        let (now, length) = (self.now(), milliseconds(length));
        format!("({column} < {now} OR {column} > {now} + 2 * {length})")
    }

    /// Whether two transactions have waited for each other, and this one was aborted.
    pub fn is_deadlock(error: &dyn sqlx::error::DatabaseError) -> bool {
        error.code().as_deref() == Some("40P01")
    }

    /// Returns the clause that makes a reader of a queue skip rows that another has locked.
    pub fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// Returns a duration in milliseconds, as in columns.
pub fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// How many keys a statement names at once.
const KEYS_AT_ONCE: usize = 500;

/// Changes the rows of some keys, hundreds at once, by a statement that is given the keys' places.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn change_rows(
    connection: &mut AnyConnection,
    keys: &[Vec<u8>],
    statement: impl Fn(&str) -> String,
) -> Result<(), StoreError> {
    for some in keys.chunks(KEYS_AT_ONCE) {
        let statement = statement(&places(1, some.len()));
        let change = sqlx::query(sqlx::AssertSqlSafe(statement));
        let change = some.iter().fold(change, |change, key| change.bind(&key[..]));
        change.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Returns the places of so many parameters of a statement, from a number on: `$2, $3, $4`. SQLite takes 32,766
/// parameters, PostgreSQL 65,535.
pub fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

/// Opens connections to a database: for reading, and for writing.
pub(super) async fn connect(
    location: &Location,
) -> Result<(Database, AnyPool, AnyPool), StoreError> {
    sqlx::any::install_default_drivers();
    let (database, options, writers) = match location {
        Location::Folder(folder) => {
            std::fs::create_dir_all(folder).map_err(FileError::io(folder))?;
            let file = SqliteConnectOptions::new()
                .filename(folder.join(FILE_NAME))
                .create_if_missing(true);
            // SQLite has one writer: queueing for it here is fair, polling for it in SQLite is not.
            (Database::Sqlite, AnyConnectOptions::from_url(&file.to_url_lossy())?, 1)
        }
        Location::Server(address) => {
            (Database::Postgres, AnyConnectOptions::from_str(address)?, READERS)
        }
    };
    let options = options.disable_statement_logging();
    // A pool retries until its timeout: an error of the database itself is reported at once.
    let mut first = AnyConnection::connect_with(&options).await?;
    prepare(&mut first, database).await?;
    first.close().await?;
    if database == Database::Postgres {
        pooler::check(&options).await?;
    }
    let pool = |connections: u32| {
        AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| Box::pin(prepare(connection, database)))
            .after_release(|connection, _| Box::pin(is_usable(connection)))
    };
    let writes = pool(writers).connect_with(options.clone()).await?;
    let reads = pool(READERS).connect_lazy_with(options);
    Ok((database, reads, writes))
}

/// Whether a returned connection can be used again. One whose transaction could be neither committed nor rolled
/// back, e.g. because the disk is full, would refuse every further one.
async fn is_usable(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // The rollback of a dropped one may still be under way.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

async fn prepare(connection: &mut AnyConnection, database: Database) -> Result<(), sqlx::Error> {
    if database == Database::Sqlite {
        // A commit is on disk when it returns; readers never wait for the writer.
        let pragmas = format!(
            "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;",
            PATIENCE.as_millis()
        );
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(pragmas))).await?;
    }
    Ok(())
}
