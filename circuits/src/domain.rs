//! Domain tags: every hash of a different kind of thing starts with its own.
//!
//! A tag is the ASCII text read as a big-endian integer, so anyone can compute it from outside.

use ark_bn254::Fr;
use ark_ff::PrimeField;

/// What a Poseidon hash is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A credential; the schema id stands in the low 32 bits beside the tag.
    Credential,
    /// A subject's commitment to the holder's secret.
    Subject,
    /// An account, bound to a credential.
    Payee,
    /// An office's leaf in the state tree.
    Office,
    /// A claim's nullifier.
    Nullifier,
    /// A claim's payout commitment.
    Payout,
    /// A health record.
    Record,
    /// A record's handle.
    RecordHandle,
    /// A consent artefact.
    Consent,
    /// What all nullifiers of a window of a consent are made of.
    AccessLock,
    /// An access's nullifier.
    Access,
    /// The digest of an opening's claims, by blocks; which of a block are counted stands in the low 32 bits beside
    /// the tag.
    ClaimsDigest,
    /// The state of a settlement between two chunks.
    Settlement,
}

impl Domain {
    const ALL: [Self; 13] = [
        Self::Credential,
        Self::Subject,
        Self::Payee,
        Self::Office,
        Self::Nullifier,
        Self::Payout,
        Self::Record,
        Self::RecordHandle,
        Self::Consent,
        Self::AccessLock,
        Self::Access,
        Self::ClaimsDigest,
        Self::Settlement,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Credential => "praman.credential.1",
            Self::Subject => "praman.subject.1",
            Self::Payee => "praman.payee.1",
            Self::Office => "praman.office.1",
            Self::Nullifier => "praman.nullifier.2",
            Self::Payout => "praman.payout.1",
            Self::Record => "praman.record.1",
            Self::RecordHandle => "praman.record-handle.1",
            Self::Consent => "praman.consent.2",
            Self::AccessLock => "praman.access-lock.1",
            Self::Access => "praman.access.2",
            Self::ClaimsDigest => "praman.claims-digest.1",
            Self::Settlement => "praman.settlement.1",
        }
    }

    /// The tag as a field element. A credential's is shifted up by 32 bits to leave room for the
    /// schema id, the claims digest's for the block's counted bits.
    pub fn tag(self) -> Fr {
        let integer = Fr::from_be_bytes_mod_order(self.text().as_bytes());
        let shared = matches!(self, Self::Credential | Self::ClaimsDigest);
        if shared { integer * Fr::from(1u64 << 32) } else { integer }
    }

    /// All tags with their texts, for documents and tests.
    pub fn all() -> impl Iterator<Item = (&'static str, Fr)> {
        Self::ALL.into_iter().map(|domain| (domain.text(), domain.tag()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tags_differ_and_fit_the_field() {
        let tags: HashSet<_> = Domain::all().map(|(_, tag)| tag).collect();
        assert_eq!(tags.len(), Domain::ALL.len());
        // 23 bytes and the schema's four stay below 31: no tag is reduced.
        assert!(Domain::all().all(|(text, _)| text.len() + 4 <= 31));
    }
}
