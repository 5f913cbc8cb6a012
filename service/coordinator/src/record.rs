//! What the store keeps of ceremonies.

use std::fmt;
use std::str::FromStr;

use praman_ceremony::{Attestation, Receipt};
use praman_store::broken;
use praman_store::error::StoreError;
use praman_store::sqlx::{self, Any, AnyConnection, Executor};

/// Bytes of a part of a file.
const PART: usize = 1 << 20;

/// Letters of a name.
const NAME_MAX: usize = 64;

/// A text that is no ceremony's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a ceremony's name is 1 to {NAME_MAX} of the letters a to z, digits and -")]
pub struct MalformedName;

/// A ceremony's name: small letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeremonyName(String);

impl FromStr for CeremonyName {
    type Err = MalformedName;

    fn from_str(text: &str) -> Result<Self, MalformedName> {
        let is_letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(is_letter);
        if fits { Ok(Self(text.to_owned())) } else { Err(MalformedName) }
    }
}

impl fmt::Display for CeremonyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A ceremony that begins.
pub struct NewCeremony<'a> {
    /// Its policy, as it is published.
    pub policy: &'a str,
    /// For how many seconds a contributor has the turn.
    pub turn_seconds: u32,
    /// The file that contributions begin with.
    pub file: Vec<u8>,
}

/// How a contributor's turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnState {
    /// Others come before.
    Waiting,
    /// It is their turn.
    Holding,
}

/// A contributor's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How it stands.
    pub state: TurnState,
    /// How many come before.
    pub before: u32,
    /// When it ends, in seconds since 1970; none while others come before.
    pub ends_at: Option<i64>,
}

/// A contribution that was taken.
#[derive(Clone)]
pub struct TakenContribution {
    /// Its number, from 1.
    pub number: u32,
    /// Its hash.
    pub hash: String,
    /// What the coordinator signed.
    pub receipt: Receipt,
    /// What its contributor signed, if they brought it.
    pub attestation: Option<Attestation>,
}

/// How a ceremony stands.
pub struct CeremonyStatus {
    /// The hash of circuit and phase 1.
    pub circuit_hash: String,
    /// Its policy, as it is published.
    pub policy: String,
    /// Whether contributions are taken.
    pub is_open: bool,
    /// SHA-256 of the newest file.
    pub newest_sha256: String,
    /// How many wait for their turn.
    pub waiting: u32,
    /// What was taken, in its order.
    pub contributions: Vec<TakenContribution>,
}

/// A ceremony's row.
pub(crate) struct CeremonyRow {
    pub(crate) circuit_hash: String,
    pub(crate) policy: String,
    pub(crate) turn_seconds: i64,
    pub(crate) is_open: bool,
}

pub(crate) async fn ceremony<'c>(
    name: &CeremonyName,
    connection: impl Executor<'c, Database = Any>,
) -> Result<Option<CeremonyRow>, StoreError> {
    let row: Option<(String, String, i64, String)> = sqlx::query_as(
        "SELECT circuit_hash, policy, turn_seconds, state FROM ceremony WHERE name = $1",
    )
    .bind(&name.0)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(circuit_hash, policy, turn_seconds, state)| CeremonyRow {
        circuit_hash,
        policy,
        turn_seconds,
        is_open: state == "open",
    }))
}

pub(crate) async fn insert_ceremony(
    name: &CeremonyName,
    new: &NewCeremony<'_>,
    circuit_hash: &str,
    now: i64,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ceremony (name, circuit_hash, policy, turn_seconds, state, opened_at) \
         VALUES ($1, $2, $3, $4, 'open', $5)",
    )
    .bind(&name.0)
    .bind(circuit_hash)
    .bind(new.policy)
    .bind(i64::from(new.turn_seconds))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn close(
    name: &CeremonyName,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE ceremony SET state = 'closed' WHERE name = $1")
        .bind(&name.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// What was taken, with its number: of number 0 the file's SHA-256 alone.
pub(crate) struct ContributionRow {
    pub(crate) number: i64,
    pub(crate) file_sha256: String,
    pub(crate) hash: Option<String>,
    pub(crate) identity: Option<String>,
    pub(crate) receipt: Option<String>,
    pub(crate) attestation: Option<String>,
}

type ContributionColumns =
    (i64, String, Option<String>, Option<String>, Option<String>, Option<String>);

pub(crate) async fn contributions<'c>(
    name: &CeremonyName,
    connection: impl Executor<'c, Database = Any>,
) -> Result<Vec<ContributionRow>, StoreError> {
    let rows: Vec<ContributionColumns> = sqlx::query_as(
        "SELECT number, file_sha256, hash, identity, receipt, attestation \
         FROM ceremony_contribution WHERE ceremony = $1 ORDER BY number",
    )
    .bind(&name.0)
    .fetch_all(connection)
    .await?;
    let row = |(number, file_sha256, hash, identity, receipt, attestation)| ContributionRow {
        number,
        file_sha256,
        hash,
        identity,
        receipt,
        attestation,
    };
    Ok(rows.into_iter().map(row).collect())
}

pub(crate) async fn insert_contribution(
    name: &CeremonyName,
    row: &ContributionRow,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ceremony_contribution \
         (ceremony, number, file_sha256, hash, identity, receipt, attestation) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&name.0)
    .bind(row.number)
    .bind(&row.file_sha256)
    .bind(&row.hash)
    .bind(&row.identity)
    .bind(&row.receipt)
    .bind(&row.attestation)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn keep_attestation(
    name: &CeremonyName,
    number: i64,
    attestation: &str,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE ceremony_contribution SET attestation = $3 WHERE ceremony = $1 AND number = $2",
    )
    .bind(&name.0)
    .bind(number)
    .bind(attestation)
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts a file in the place of the one before.
pub(crate) async fn replace_file(
    name: &CeremonyName,
    number: i64,
    file: &[u8],
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM ceremony_part WHERE ceremony = $1")
        .bind(&name.0)
        .execute(&mut *connection)
        .await?;
    for (part, content) in (0i64..).zip(file.chunks(PART)) {
        sqlx::query(
            "INSERT INTO ceremony_part (ceremony, number, part, content) VALUES ($1, $2, $3, $4)",
        )
        .bind(&name.0)
        .bind(number)
        .bind(part)
        .bind(content)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The newest file.
pub(crate) async fn file<'c>(
    name: &CeremonyName,
    connection: impl Executor<'c, Database = Any>,
) -> Result<Vec<u8>, StoreError> {
    let parts: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT content FROM ceremony_part WHERE ceremony = $1 ORDER BY part")
            .bind(&name.0)
            .fetch_all(connection)
            .await?;
    Ok(parts.into_iter().flat_map(|(content,)| content).collect())
}

/// The newest file's number and length.
pub(crate) async fn file_length<'c>(
    name: &CeremonyName,
    connection: impl Executor<'c, Database = Any>,
) -> Result<(i64, usize), StoreError> {
    let (number, length): (i64, i64) = sqlx::query_as(
        "SELECT CAST(MAX(number) AS BIGINT), CAST(SUM(LENGTH(content)) AS BIGINT) \
         FROM ceremony_part WHERE ceremony = $1",
    )
    .bind(&name.0)
    .fetch_one(connection)
    .await?;
    Ok((number, usize::try_from(length).map_err(|_| broken("a file's length"))?))
}

/// A part of a file; none behind its end, or if it is not the newest any more.
pub(crate) async fn part<'c>(
    name: &CeremonyName,
    number: i64,
    part: i64,
    connection: impl Executor<'c, Database = Any>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as(
        "SELECT content FROM ceremony_part WHERE ceremony = $1 AND number = $2 AND part = $3",
    )
    .bind(&name.0)
    .bind(number)
    .bind(part)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(content,)| content))
}

/// Ends the turn whose time is over, and gives it to who waits longest.
pub(crate) async fn go_on(
    name: &CeremonyName,
    turn_seconds: i64,
    now: i64,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE ceremony_turn SET state = 'over' \
         WHERE ceremony = $1 AND state = 'holding' AND ends_at <= $2",
    )
    .bind(&name.0)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE ceremony_turn SET state = 'holding', ends_at = $2 \
         WHERE ceremony = $1 AND state = 'waiting' \
         AND NOT EXISTS (SELECT 1 FROM ceremony_turn AS other \
             WHERE other.ceremony = $1 AND other.state = 'holding') \
         AND place = (SELECT MIN(place) FROM ceremony_turn AS other \
             WHERE other.ceremony = $1 AND other.state = 'waiting')",
    )
    .bind(&name.0)
    .bind(now + turn_seconds)
    .execute(connection)
    .await?;
    Ok(())
}

/// Who waits and whose turn it is, in their order.
pub(crate) async fn turns<'c>(
    name: &CeremonyName,
    connection: impl Executor<'c, Database = Any>,
) -> Result<Vec<(String, TurnState, Option<i64>)>, StoreError> {
    let rows: Vec<(String, String, Option<i64>)> = sqlx::query_as(
        "SELECT identity, state, ends_at FROM ceremony_turn \
         WHERE ceremony = $1 AND state IN ('waiting', 'holding') ORDER BY place",
    )
    .bind(&name.0)
    .fetch_all(connection)
    .await?;
    let turn = |(identity, state, ends_at): (String, String, Option<i64>)| {
        let holding = state == "holding";
        let state = if holding { TurnState::Holding } else { TurnState::Waiting };
        (identity, state, ends_at.filter(|_| holding))
    };
    Ok(rows.into_iter().map(turn).collect())
}

pub(crate) async fn queue(
    name: &CeremonyName,
    identity: &str,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ceremony_turn (ceremony, place, identity, state, ends_at) \
         SELECT $1, COALESCE(MAX(place), 0) + 1, $2, 'waiting', NULL \
         FROM ceremony_turn WHERE ceremony = $1",
    )
    .bind(&name.0)
    .bind(identity)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn finish_turn(
    name: &CeremonyName,
    identity: &str,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE ceremony_turn SET state = 'done' \
         WHERE ceremony = $1 AND identity = $2 AND state = 'holding'",
    )
    .bind(&name.0)
    .bind(identity)
    .execute(connection)
    .await?;
    Ok(())
}
