//! The log's hashes on the ledger.

use alloy_primitives::Address;
use jiff::Timestamp;
use praman_language::calendar;
use praman_ledger::{AnchorSeries, Chain, LedgerError, Network, ParticipantNumber};
use praman_store::Store;
use praman_store::error::StoreError;
use serde::Serialize;

use crate::AuditStore;

/// An entry whose hash stands on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AuditAnchor {
    /// The entry's number: so many entries are fixed.
    pub entries: u64,
    /// Who anchored it.
    pub participant: ParticipantNumber,
    /// The block that recorded it.
    pub block: u64,
}

impl AuditAnchor {
    /// Reads an anchor from the store's columns.
    fn read((entries, participant, block): (i64, i64, i64)) -> Self {
        Self {
            entries: entries as u64,
            participant: ParticipantNumber(participant as u32),
            block: block as u64,
        }
    }
}

/// Anchors the hash of the log's last entry on the ledger, and with it all before; returns none if the last is
/// there already, or the log is empty.
///
/// # Errors
/// [`LedgerError`]: what was not kept here is anchored again, which changes nothing.
pub async fn anchor<C: Chain>(
    store: &Store,
    network: &mut Network<C>,
    account: Address,
) -> Result<Option<AuditAnchor>, LedgerError> {
    let Some((number, hash)) = AuditStore(store).audit_head().await? else { return Ok(None) };
    if AuditStore(store).anchored_entries().await? >= number {
        return Ok(None);
    }
    let said = (number, hash, number);
    let anchored = network.anchor(account, AnchorSeries::Audit, said).await?;
    let anchor =
        AuditAnchor { entries: number, participant: anchored.participant, block: anchored.block };
    AuditStore(store).keep_audit_anchor(&anchor).await?;
    Ok(Some(anchor))
}

impl AuditStore<'_> {
    /// Returns whether the log has entries of a past day in India that the ledger does not have.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn audit_is_due(&self) -> Result<bool, StoreError> {
        let anchored = self.anchored_entries().await?;
        let first: Option<(i64,)> =
            sqlx::query_as("SELECT at FROM audit_entry WHERE number > $1 ORDER BY number LIMIT 1")
                .bind(anchored as i64)
                .fetch_optional(self.0.pool())
                .await?;
        let day = first
            .and_then(|(at,)| Timestamp::from_millisecond(at).ok())
            .and_then(calendar::day_in_india);
        Ok(day.is_some_and(|day| day < calendar::today()))
    }

    /// Returns up to which entry the log was anchored.
    pub(super) async fn anchored_entries(&self) -> Result<u64, StoreError> {
        Ok(self.last_audit_anchor().await?.map_or(0, |(anchor, _)| anchor.entries))
    }

    /// Returns all anchors that the store knows.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn audit_anchors(&self) -> Result<Vec<AuditAnchor>, StoreError> {
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT entries, participant, block FROM audit_anchor ORDER BY entries")
                .fetch_all(self.0.pool())
                .await?;
        Ok(rows.into_iter().map(AuditAnchor::read).collect())
    }

    /// Returns the last anchor and when it was made, in milliseconds since 1970. A row of more entries than
    /// there are is forged, and must not keep the log from being anchored.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn last_audit_anchor(&self) -> Result<Option<(AuditAnchor, i64)>, StoreError> {
        let row: Option<(i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT entries, participant, block, anchored_at FROM audit_anchor
             WHERE entries <= (SELECT coalesce(max(number), 0) FROM audit_entry)
             ORDER BY entries DESC LIMIT 1",
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.map(|(entries, participant, block, at)| {
            (AuditAnchor::read((entries, participant, block)), at)
        }))
    }

    async fn keep_audit_anchor(&self, anchor: &AuditAnchor) -> Result<(), StoreError> {
        let now = self.0.database().now();
        let statement = sqlx::AssertSqlSafe(format!(
            "INSERT INTO audit_anchor (entries, participant, block, anchored_at)
             VALUES ($1, $2, $3, {now}) ON CONFLICT DO NOTHING"
        ));
        sqlx::query(statement)
            .bind(anchor.entries as i64)
            .bind(i64::from(anchor.participant.0))
            .bind(anchor.block as i64)
            .execute(self.0.writer())
            .await?;
        Ok(())
    }
}
