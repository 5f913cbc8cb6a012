//! A store that has taken many claims: rows like those of a claim that was accepted, under random keys, in
//! every table that a claim leaves something in.

use praman::store::{Database, Store};

/// Fills a store up to a number of claims.
pub(super) async fn fill(store: &Store, claims: u64) {
    let has = super::scene::claims_in(store).await as u64;
    let missing = claims.saturating_sub(has);
    let (random, series) = match store.database() {
        Database::Sqlite => (
            "randomblob(32)",
            format!(
                "WITH RECURSIVE series (n) AS
                     (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {missing})"
            ),
        ),
        Database::Postgres => (
            "sha256((random()::text || n::text)::bytea)",
            format!("WITH series AS (SELECT n FROM generate_series(1, {missing}) AS n)"),
        ),
    };
    // SQLite looks for WITH after INSERT INTO; both databases accept it there.
    for (table, columns, values) in [
        (
            "accepted_claim",
            "nullifier, scheme, period, payout_commitment, block, batch, opening, envelope_hash",
            "{random}, scheme, period, payout_commitment, block, 'filled', opening, envelope_hash",
        ),
        (
            "claim",
            "id, nullifier, state, scheme, period, \"window\", state_root, as_of, payout_commitment, \
             proof, holder, held_until, settlement, block, received_at, envelope_hash",
            "{random}, {random}, 'ordered', scheme, period, \"window\", state_root, as_of, \
             payout_commitment, proof, holder, held_until, settlement, block, received_at, envelope_hash",
        ),
        ("envelope", "nullifier, digest, sealed", "{random}, {random}, sealed"),
        ("chain_slot", "address, slot, value", "address, {random}, value"),
        (
            "chain_log",
            "block, position, address, topics, data",
            "block, 1000000 + n, address, topics, data",
        ),
    ] {
        let pattern = match table {
            // The contract of claims is the one with the most slots.
            "chain_slot" => {
                "SELECT * FROM chain_slot WHERE address =
                     (SELECT address FROM chain_slot GROUP BY address ORDER BY count(*) DESC LIMIT 1)
                 LIMIT 1"
            }
            // An event of the first block, not of a claim.
            "chain_log" => "SELECT * FROM chain_log ORDER BY block, position LIMIT 1",
            "claim" => "SELECT * FROM claim WHERE state = 'accepted' LIMIT 1",
            "envelope" => "SELECT * FROM envelope LIMIT 1",
            _ => "SELECT * FROM accepted_claim LIMIT 1",
        };
        let values = values.replace("{random}", random);
        let statement = format!(
            "INSERT INTO {table} ({columns}) {series} SELECT {values} FROM ({pattern}) AS pattern, series"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(store.writer())
            .await
            .unwrap_or_else(|error| panic!("filling {table}: {error}"));
    }
}
