//! The store on both databases: the same tables, and brought up to date.

use std::collections::BTreeSet;
use std::time::Duration;

use praman::access_control::ApprovalState;
use praman::claims::ClaimState;
use praman::consent::{ConsentState, RequestState};
use praman::grievance::CaseState;
use praman::issuing::UploadState;
use praman::proving::{JobId, JobState, ProvingStore};
use praman::store::{Location, Store};
use praman::treasury::TransferState;
use sqlx::migrate::Migrator;
use tempfile::TempDir;

use crate::support;
use crate::support::pgbouncer::PgBouncer;
use crate::support::postgres::Postgres;

/// What SQLite says of its tables, a line for each fact: columns with type and whether they may be missing, keys,
/// unique indexes, references, and how many checks a table has.
const OF_SQLITE: [&str; 4] = [
    "SELECT m.name || '.' || c.name || ' ' ||
            CASE c.type WHEN 'INTEGER' THEN 'integer' WHEN 'BLOB' THEN 'bytes' WHEN 'TEXT' THEN 'text' ELSE c.type END
            || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN '' ELSE ' or none' END
     FROM sqlite_master AS m, pragma_table_info(m.name) AS c
     WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "SELECT name || ' unique (' || columns || ')' || partial FROM (
         SELECT m.name AS name, CASE i.partial WHEN 1 THEN ' in part' ELSE '' END AS partial,
                (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY name))
                AS columns
         FROM sqlite_master AS m, pragma_index_list(m.name) AS i
         WHERE m.type = 'table' AND i.\"unique\" = 1 AND m.name NOT LIKE '\\_%' ESCAPE '\\'
         UNION
         SELECT m.name, '', c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c
         WHERE m.type = 'table' AND c.pk = 1 AND m.name NOT LIKE '\\_%' ESCAPE '\\'
           AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) AS other WHERE other.pk > 1))",
    "SELECT m.name || ' (' || f.\"from\" || ') refers to ' || f.\"table\" || ', deleted: ' || lower(f.on_delete)
     FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'",
    "SELECT name || ' checks ' || CAST((length(sql) - length(replace(sql, 'CHECK (', ''))) / 7 AS TEXT)
     FROM sqlite_master WHERE type = 'table' AND sql LIKE '%CHECK (%'",
];

/// The same of PostgreSQL.
const OF_POSTGRES: [&str; 4] = [
    "SELECT CAST(table_name || '.' || column_name || ' ' ||
            CASE data_type WHEN 'bigint' THEN 'integer' WHEN 'bytea' THEN 'bytes' ELSE data_type END
            || CASE is_nullable WHEN 'NO' THEN '' ELSE ' or none' END AS TEXT)
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%'",
    "SELECT CAST(t.relname || ' unique (' ||
            (SELECT string_agg(a.attname, ', ' ORDER BY CAST(a.attname AS TEXT) COLLATE \"C\") FROM pg_attribute AS a
             WHERE a.attrelid = t.oid AND a.attnum = ANY (i.indkey))
            || ')' || CASE WHEN i.indpred IS NULL THEN '' ELSE ' in part' END AS TEXT)
     FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
     WHERE i.indisunique AND n.nspname = 'public' AND t.relname NOT LIKE '\\_%'",
    "SELECT CAST(t.relname || ' (' || a.attname || ') refers to ' || o.relname || ', deleted: ' ||
            CASE c.confdeltype WHEN 'a' THEN 'no action' WHEN 'c' THEN 'cascade' WHEN 'r' THEN 'restrict'
                 ELSE 'set' END AS TEXT)
     FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid JOIN pg_class AS o ON o.oid = c.confrelid
     JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey)
     WHERE c.contype = 'f'",
    "SELECT CAST(t.relname || ' checks ' || count(*) AS TEXT)
     FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid
     JOIN pg_namespace AS n ON n.oid = t.relnamespace
     WHERE c.contype = 'c' AND n.nspname = 'public' GROUP BY t.relname",
];

async fn facts(store: &Store, questions: &[&'static str]) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for question in questions {
        let rows: Vec<(String,)> =
            sqlx::query_as(*question).fetch_all(store.pool()).await.expect("an answer");
        assert!(!rows.is_empty(), "{question}");
        facts.extend(rows.into_iter().map(|(fact,)| fact));
    }
    facts
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables() {
    let folder = TempDir::new().expect("a folder");
    let sqlite = Store::open(folder.path()).await.expect("a store");
    let server = Postgres::start();
    let postgres = Store::connect(&Location::Server(server.address())).await.expect("a store");
    let of_sqlite = facts(&sqlite, &OF_SQLITE).await;
    let of_postgres = facts(&postgres, &OF_POSTGRES).await;
    assert!(of_sqlite.len() > 400, "{}", of_sqlite.len());
    let differ: Vec<_> = of_sqlite.symmetric_difference(&of_postgres).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    for store in [&sqlite, &postgres] {
        let state = store.schema_state().await.expect("a state");
        assert!(state.is_current(), "{state:?}");
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'of the future', true, $1, 0)",
        )
        .bind(vec![0u8])
        .execute(store.writer())
        .await
        .expect("a newer program was here");
        let refused = store.migrate().await.expect_err("a newer schema").to_string();
        assert!(refused.contains("a newer praman has written it"), "{refused}");
        assert_eq!(store.schema_state().await.expect("a state").unknown, [9999]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn states_that_the_store_takes_are_those_that_the_program_knows() {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path()).await.expect("a store");
    macro_rules! names {
        ($state:ty) => {
            <$state>::ALL.iter().map(|state| state.name()).collect::<Vec<_>>()
        };
    }
    // A register that is being uploaded is no one's yet, and a transaction on its way has two states.
    let uploads = [vec!["uploading"], names!(UploadState)].concat();
    for (table, names) in [
        ("claim", names!(ClaimState)),
        ("proving_job", names!(JobState)),
        ("register_upload", uploads),
        ("consent_request", names!(RequestState)),
        ("consent", names!(ConsentState)),
        ("approval", names!(ApprovalState)),
        ("payment_transfer", names!(TransferState)),
        ("grievance_case", names!(CaseState)),
        ("outbox", vec!["pending", "arrived"]),
    ] {
        let (sql,): (String,) = sqlx::query_as("SELECT sql FROM sqlite_schema WHERE name = $1")
            .bind(table)
            .fetch_one(store.pool())
            .await
            .expect("a table");
        let (_, checked) = sql.split_once("CHECK (state IN (").expect(table);
        let (checked, _) = checked.split_once("))").expect("an end");
        let checked: BTreeSet<&str> =
            checked.split(", ").map(|name| name.trim_matches('\'')).collect();
        assert_eq!(checked, names.into_iter().collect(), "{table}");
    }
}

/// A state that the program does not know is an error, and never read as another.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_state_in_the_store_is_an_error() {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path()).await.expect("a store");
    let statements = [
        "PRAGMA ignore_check_constraints = ON",
        "INSERT INTO proving_tenant (tenant, turn) VALUES ('kiosk', 0)",
        "INSERT INTO proving_job (id, tenant, priority, state, worker_key, attempts, not_before, deadline, queued_at)
         VALUES ($1, 'kiosk', 0, 'lost', $1, 0, 0, 0, 0)",
    ];
    let mut connection = store.writer().acquire().await.expect("a connection");
    let id = JobId::of(b"a request");
    for statement in statements {
        let statement = sqlx::query(statement).bind(id.column());
        statement.execute(&mut *connection).await.expect("written");
    }
    let refused = ProvingStore(&store).proving_job(id).await.expect_err("a damaged store");
    assert!(refused.to_string().contains("is no JobState"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn store_of_an_earlier_program_is_migrated_with_what_it_holds() {
    let folder = TempDir::new().expect("a folder");
    let server = Postgres::start();
    for location in [Location::Folder(folder.path().to_owned()), Location::Server(server.address())]
    {
        let store = Store::connect_as_it_is(&location).await.expect("a store");
        let place = match location {
            Location::Folder(_) => "sqlite",
            Location::Server(_) => "postgres",
        };
        let place = support::root().join("service/store/migrations").join(place);
        let all = Migrator::new(place).await.expect("migrations");
        let earlier = Migrator { migrations: all.migrations[..11].to_vec().into(), ..all };
        earlier.run(store.writer()).await.expect("as an earlier program did");
        for statement in [
            "INSERT INTO tenant (name, title, created_at) VALUES ('tests', 'Tests', 0)",
            "INSERT INTO principal (number, name, role, tenant, credential_kind, credential, created_at)
             VALUES (1, 'R. Das', 'auditor', 'tests', 'api-key', $1, 5)",
            "INSERT INTO console_session (token_hash, principal, begun_at, seen_at)
             VALUES ($1, 1, 0, 0)",
        ] {
            let statement = sqlx::query(statement).bind(vec![7u8; 32]);
            statement.execute(store.writer()).await.expect("written");
        }
        store.migrate().await.expect("brought up to date");
        let kept: (i64, String, i64, Vec<u8>) =
            sqlx::query_as("SELECT number, name, created_at, credential FROM principal")
                .fetch_one(store.pool())
                .await
                .expect("somebody");
        assert_eq!(kept, (1, "R. Das".to_owned(), 5, vec![7; 32]));
        let again = "INSERT INTO principal
                     SELECT 2, name, role, tenant, member, credential_kind, credential, created_at,
                            expires_at, revoked_at FROM principal";
        let twice = sqlx::query(again).execute(store.writer()).await;
        assert!(twice.is_err(), "a key is one principal's");
    }
}

/// Why a store can't be connected through a pooler with these settings.
async fn refused_through(server: &Postgres, port: u16, settings: &str) -> String {
    let pooler = PgBouncer::start(server, port, settings);
    let location = Location::Server(pooler.address());
    let connected = tokio::time::timeout(Duration::from_secs(60), Store::connect(&location)).await;
    connected.expect("in time").err().expect("it is refused").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn store_works_through_a_pooler_or_says_what_to_set() {
    let server = Postgres::start();
    let lets_through = "ignore_startup_parameters = extra_float_digits";
    let refused = refused_through(&server, 7001, "pool_mode = transaction").await;
    assert!(refused.contains(lets_through), "{refused}");
    let statement = format!("pool_mode = statement\n{lets_through}");
    let refused = refused_through(&server, 7002, &statement).await;
    assert!(refused.contains("pool_mode = transaction, or session"), "{refused}");
    let transaction = format!("pool_mode = transaction\ndefault_pool_size = 2\n{lets_through}");
    let keeps = PgBouncer::keeps_prepared_statements();
    let kept = if keeps { "\nmax_prepared_statements = 0" } else { "" };
    let refused = refused_through(&server, 7003, &format!("{transaction}{kept}")).await;
    assert!(refused.contains("PgBouncer 1.21"), "{refused}");

    let mut modes = vec![format!("pool_mode = session\ndefault_pool_size = 90\n{lets_through}")];
    if keeps {
        modes.push(format!("{transaction}\nmax_prepared_statements = 100"));
    }
    for (mode, port) in modes.iter().zip(7004..) {
        let server = Postgres::start();
        let pooler = PgBouncer::start(&server, port, mode);
        let location = Location::Server(pooler.address());
        // Several programs bring the schema up to date at once, by fewer connections than they are.
        let connect = || Store::connect(&location);
        let stores = tokio::join!(connect(), connect(), connect());
        let stores = [stores.0, stores.1, stores.2].map(|store| store.expect("a store"));
        let counted = stores.iter().flat_map(|store| [store; 8]).map(async |store| {
            for _ in 0..10 {
                count_on(store).await;
            }
        });
        futures_util::future::join_all(counted).await;
        let (count,): (i64,) = sqlx::query_as("SELECT next FROM counted")
            .fetch_one(stores[0].pool())
            .await
            .expect("a number");
        assert_eq!(count, 240, "{mode}");
    }
}

/// Counts on, under the lock of those who write.
async fn count_on(store: &Store) {
    let mut transaction = store.begin().await.expect("begun");
    for statement in [
        "CREATE TABLE IF NOT EXISTS counted (one BIGINT PRIMARY KEY, next BIGINT NOT NULL)",
        "INSERT INTO counted (one, next) VALUES (1, 0) ON CONFLICT (one) DO NOTHING",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await.expect("written");
    }
    let (next,): (i64,) = sqlx::query_as("SELECT next FROM counted WHERE one = $1")
        .bind(1_i64)
        .fetch_one(&mut *transaction)
        .await
        .expect("a number");
    let write = sqlx::query("UPDATE counted SET next = $1").bind(next + 1);
    write.execute(&mut *transaction).await.expect("written");
    transaction.commit().await.expect("committed");
}
