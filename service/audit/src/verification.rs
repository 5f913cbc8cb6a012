//! Verification that the log is as it was written.

use std::collections::BTreeMap;

use praman_ledger::{LedgerAnchor, ParticipantNumber};
use praman_store::Store;
use praman_store::error::StoreError;
use serde::Serialize;

use super::anchor::AuditAnchor;
use super::entry::Row;
use super::log::AT_ONCE;
use crate::AuditStore;

/// How a log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum AuditFault {
    /// An entry's fields do not match its hash.
    #[error("entry {number} was changed: its hash does not match its content")]
    Changed {
        /// The entry.
        number: u64,
    },
    /// Entries are missing.
    #[error("entry {number} is missing: entry {next} follows entry {after}")]
    Missing {
        /// The first missing one.
        number: u64,
        /// The entry before it.
        after: u64,
        /// The entry that follows instead.
        next: u64,
    },
    /// An entry does not follow from the one before it.
    #[error("entry {number} was moved or inserted: it does not follow from the entry before it")]
    Reordered {
        /// The entry.
        number: u64,
    },
    /// The last entries are missing.
    #[error("the log ends at entry {ends_at}, but it had {entries} entries")]
    CutOff {
        /// The last that is there.
        ends_at: u64,
        /// How many there were.
        entries: u64,
    },
    /// The head does not match the last entry.
    #[error("the head of the log is not entry {number}'s hash")]
    Head {
        /// The last entry.
        number: u64,
    },
    /// The ledger has another hash: the log was rewritten.
    #[error(
        "up to entry {number} the log differs from the one that was anchored in block {block}: it \
         was rewritten after entry {after}"
    )]
    NotAsAnchored {
        /// The entry.
        number: u64,
        /// The block.
        block: u64,
        /// The last entry that is as it was anchored.
        after: u64,
    },
    /// The store has an anchor that the ledger does not have.
    #[error(
        "the store says that the ledger has fixed entry {number} in block {block}, but the ledger \
         has not: the store was altered, or this is another ledger"
    )]
    NotOnLedger {
        /// The entry.
        number: u64,
        /// The block.
        block: u64,
    },
    /// An entry's fields can't be what praman wrote.
    #[error("entry {number} can't be read: praman does not write such a field")]
    Unreadable {
        /// The entry.
        number: u64,
    },
}

/// The result of a verification.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// How many entries were checked.
    pub entries: u64,
    /// How many of them the ledger has fixed.
    pub anchored: u64,
    /// The first thing that is wrong.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub fault: Option<AuditFault>,
}

/// Checks every entry, and the log's anchors on the ledger. Only anchors count of participants that have anchored
/// the log as far as the store knows (`kept`), or of those that are `named`, which a store that was tampered with
/// can't leave out.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn verify(
    store: &Store,
    kept: &[AuditAnchor],
    said: &[LedgerAnchor],
    named: &[ParticipantNumber],
) -> Result<AuditReport, StoreError> {
    let counts = |anchor: &&LedgerAnchor| {
        if named.is_empty() {
            kept.iter().any(|kept| kept.participant == anchor.participant)
        } else {
            named.contains(&anchor.participant)
        }
    };
    // Several participants may have anchored the same number: all their hashes must match.
    let mut anchors: BTreeMap<u64, Vec<&LedgerAnchor>> = BTreeMap::new();
    for anchor in said.iter().filter(counts) {
        anchors.entry(anchor.number).or_default().push(anchor);
    }
    let mut report = AuditReport { entries: 0, anchored: 0, fault: None };
    let mut previous = [0; 32];
    loop {
        let rows = AuditStore(store).audit_rows(report.entries + 1).await?;
        let is_last = (rows.len() as i64) < AT_ONCE;
        for row in rows {
            match look(row, &mut report, &mut previous, &anchors) {
                Ok(()) => {}
                Err(fault) => return Ok(AuditReport { fault: Some(fault), ..report }),
            }
        }
        if is_last {
            break;
        }
    }
    // The ledger takes precedence over the head: who truncates the log can change its head.
    let ends_at = report.entries;
    if let Some((&entries, _)) = anchors.last_key_value().filter(|(number, _)| **number > ends_at) {
        report.fault = Some(AuditFault::CutOff { ends_at, entries });
        return Ok(report);
    }
    report.fault = match AuditStore(store).audit_head().await? {
        Some((entries, _)) if entries > ends_at => Some(AuditFault::CutOff { ends_at, entries }),
        Some((entries, hash)) if entries == ends_at && hash == previous => None,
        None if ends_at == 0 => None,
        _ => Some(AuditFault::Head { number: ends_at }),
    };
    Ok(report)
}

/// Returns the first anchor that a store claims to have made and that the ledger does not have: it can hide that
/// the log is no longer anchored. Read the store's anchors before the ledger's.
pub fn made_up(kept: &[AuditAnchor], said: &[LedgerAnchor]) -> Option<AuditFault> {
    let is_said = |kept: &AuditAnchor| {
        said.iter().any(|said| (said.number, said.participant) == (kept.entries, kept.participant))
    };
    let first = kept.iter().find(|kept| !is_said(kept))?;
    Some(AuditFault::NotOnLedger { number: first.entries, block: first.block })
}

fn look(
    row: Row,
    report: &mut AuditReport,
    previous: &mut [u8; 32],
    anchors: &BTreeMap<u64, Vec<&LedgerAnchor>>,
) -> Result<(), AuditFault> {
    let after = report.entries;
    let next = u64::try_from(row.number()).unwrap_or(0);
    if next != after + 1 {
        return Err(AuditFault::Missing { number: after + 1, after, next });
    }
    let entry = row.read().map_err(|_| AuditFault::Unreadable { number: next })?;
    // If both are wrong, the entry was changed.
    if entry.compute_hash() != entry.hash {
        return Err(AuditFault::Changed { number: entry.number });
    }
    if entry.previous != *previous {
        return Err(AuditFault::Reordered { number: entry.number });
    }
    for anchor in anchors.get(&entry.number).into_iter().flatten() {
        if anchor.digest != entry.hash {
            let after = report.anchored;
            let (number, block) = (entry.number, anchor.block);
            return Err(AuditFault::NotAsAnchored { number, block, after });
        }
    }
    if anchors.contains_key(&entry.number) {
        report.anchored = entry.number;
    }
    *previous = entry.hash;
    report.entries = entry.number;
    Ok(())
}
