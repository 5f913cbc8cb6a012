//! An entry, and its hash.

use praman_store::broken;
use praman_store::error::StoreError;
use praman_store::named::named;
use serde::Serialize;
use sha2::{Digest, Sha256};

named! {
    /// Whether the action was allowed.
    AuditOutcome {
        /// The action was allowed.
        Allowed = "allowed",
        /// The action was refused.
        Refused = "refused",
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number, from 1.
    pub number: u64,
    /// When, in milliseconds since 1970, by the database's clock.
    pub at: i64,
    /// Which principal; none for the operator and an office's own token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<u32>,
    /// As people call them.
    pub name: String,
    /// In which role.
    pub role: String,
    /// For whom; empty for the whole service.
    pub tenant: String,
    /// What, by an action's name.
    pub action: String,
    /// On what.
    pub subject: String,
    /// Whether it was allowed.
    pub outcome: AuditOutcome,
    /// On what the processing rests.
    pub legal_basis: String,
    /// The hash of the entry before; zeros for the first.
    #[serde(serialize_with = "as_hex")]
    pub previous: [u8; 32],
    /// The hash of all this.
    #[serde(serialize_with = "as_hex")]
    pub hash: [u8; 32],
}

fn as_hex<S: serde::Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

impl AuditEntry {
    /// Computes the hash of an entry: SHA-256 of a tag, the hash before, and every field in order, texts with their
    /// length before them, so that no two entries have the same bytes.
    pub fn compute_hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"praman.audit-entry.1");
        hasher.update(self.previous);
        hasher.update(self.number.to_be_bytes());
        hasher.update(self.at.to_be_bytes());
        hasher.update(u64::from(self.principal.unwrap_or(0)).to_be_bytes());
        for text in [
            &self.name,
            &self.role,
            &self.tenant,
            &self.action,
            &self.subject,
            self.outcome.name(),
            &self.legal_basis,
        ] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        hasher.finalize().into()
    }
}

praman_store::row! {
    /// An entry as a row.
    pub(super) struct Row {
        number: i64,
        at: i64,
        principal: Option<i64>,
        name: String,
        role: String,
        tenant: String,
        action: String,
        subject: String,
        /// As the column has it: a damaged entry is named by its number, beside those that are whole.
        outcome: String,
        legal_basis: String,
        previous: Vec<u8>,
        hash: Vec<u8>,
    }
}

pub(super) const COLUMNS: &str = "number, at, principal, name, role, tenant, action, subject, \
                                  outcome, legal_basis, previous, hash";

impl Row {
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    pub(super) fn read(self) -> Result<AuditEntry, StoreError> {
        let digest = |bytes: Vec<u8>| bytes.try_into().map_err(|_| broken("an audit entry's hash"));
        Ok(AuditEntry {
            number: u64::try_from(self.number).map_err(|_| broken("an audit entry's number"))?,
            at: self.at,
            principal: self.principal.map(|principal| principal as u32),
            name: self.name,
            role: self.role,
            tenant: self.tenant,
            action: self.action,
            subject: self.subject,
            outcome: AuditOutcome::of_name(&self.outcome)
                .ok_or_else(|| broken("an audit entry's outcome"))?,
            legal_basis: self.legal_basis,
            previous: digest(self.previous)?,
            hash: digest(self.hash)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_in_the_hash() {
        let entry = AuditEntry {
            number: 7,
            at: 1,
            principal: Some(2),
            name: "a".into(),
            role: "b".into(),
            tenant: "c".into(),
            action: "d".into(),
            subject: "e".into(),
            outcome: AuditOutcome::Allowed,
            legal_basis: "f".into(),
            previous: [0; 32],
            hash: [0; 32],
        };
        let text = || "other".to_owned();
        let others = [
            AuditEntry { number: 8, ..entry.clone() },
            AuditEntry { at: 2, ..entry.clone() },
            AuditEntry { principal: None, ..entry.clone() },
            AuditEntry { name: text(), ..entry.clone() },
            AuditEntry { role: text(), ..entry.clone() },
            AuditEntry { tenant: text(), ..entry.clone() },
            AuditEntry { action: text(), ..entry.clone() },
            AuditEntry { subject: text(), ..entry.clone() },
            AuditEntry { outcome: AuditOutcome::Refused, ..entry.clone() },
            AuditEntry { legal_basis: text(), ..entry.clone() },
            AuditEntry { previous: [1; 32], ..entry.clone() },
            AuditEntry { name: "ab".into(), role: String::new(), ..entry.clone() },
        ];
        for other in &others {
            assert_ne!(other.compute_hash(), entry.compute_hash(), "{other:?}");
        }
        assert_eq!(
            AuditEntry { hash: [9; 32], ..entry.clone() }.compute_hash(),
            entry.compute_hash()
        );
    }
}
