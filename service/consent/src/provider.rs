//! Providers, requesters and the consent manager in a store, and the records that providers keep.

use ed25519_dalek::VerifyingKey;
use praman_circuits::Fr;
use praman_circuits::artefact::CONSENT_DEPTH;
use praman_circuits::health_record::{RECORD_DEPTH, RecordCommitment, RecordTree, RecordType};
use praman_circuits::merkle::empty_leaf;
use praman_circuits::subject::SubjectCommitment;
use praman_files::FileError;
use praman_ledger::{ManagerNumber, ProviderId, RequesterNumber};
use praman_store::error::StoreError;
use praman_store::{TreeName, WriteTransaction, broken, bytes, put_leaves};

use super::ConsentRefusal;
use super::file::RecordFile;
use super::refusal::ConsentError;
use super::refusal::ParticipantRefusal;
use crate::ConsentStore;

/// A provider or requester and its name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NamedParticipant<N> {
    /// Its number on the ledger.
    pub number: N,
    /// Its name: the identifier that documents know it by.
    pub name: String,
}

/// The consent manager that a store belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownManager {
    /// Its number on the ledger.
    pub number: ManagerNumber,
    /// Its identifier.
    pub name: String,
    /// The key by which it signs what patients consent to, Ed25519.
    pub public_key: Vec<u8>,
}

impl KnownManager {
    /// Whether it is that of a number, name and key.
    fn is(&self, number: ManagerNumber, name: &str, public_key: &[u8]) -> bool {
        (self.number, self.name.as_str(), self.public_key.as_slice()) == (number, name, public_key)
    }
}

/// Reads a verifying key from a column.
pub(super) fn key_of_column(column: &[u8]) -> Result<VerifyingKey, StoreError> {
    let key = <&[u8; 32]>::try_from(column).ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    key.ok_or_else(|| broken("a public key"))
}

impl ConsentStore<'_> {
    /// Stores a provider of health care that the ledger has.
    ///
    /// # Errors
    /// [`ParticipantRefusal::InUse`].
    pub async fn keep_provider(&self, number: ProviderId, name: &str) -> Result<(), ConsentError> {
        sqlx::query("INSERT INTO provider (number, name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(i64::from(number.0))
            .bind(name)
            .execute(self.0.writer())
            .await?;
        Ok(self.require_named(self.provider_named(name).await? == Some(number), name)?)
    }

    /// Stores the consent manager that this store belongs to, which the ledger has, with its signing key, Ed25519. A
    /// store has one; another takes its place only while nothing was consented to.
    ///
    /// # Errors
    /// [`ParticipantRefusal::OtherManager`] if the store belongs to another.
    pub async fn keep_manager(
        &self,
        number: ManagerNumber,
        name: &str,
        public_key: &[u8; 32],
    ) -> Result<(), ConsentError> {
        sqlx::query(
            "INSERT INTO consent_manager (single, number, name, public_key) VALUES (1, $1, $2, $3)
             ON CONFLICT (single) DO UPDATE SET number = $1, name = $2, public_key = $3
             WHERE NOT EXISTS (SELECT 1 FROM consent)",
        )
        .bind(i64::from(number.0))
        .bind(name)
        .bind(public_key.to_vec())
        .execute(self.0.writer())
        .await?;
        match self.manager().await? {
            Some(known) if known.is(number, name, public_key) => Ok(()),
            Some(known) => Err(ParticipantRefusal::OtherManager(known.name).into()),
            None => Err(StoreError::from(sqlx::Error::RowNotFound).into()),
        }
    }

    /// Returns the consent manager that this store belongs to.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn manager(&self) -> Result<Option<KnownManager>, StoreError> {
        let row: Option<(i64, String, Vec<u8>)> =
            sqlx::query_as("SELECT number, name, public_key FROM consent_manager")
                .fetch_optional(self.0.pool())
                .await?;
        Ok(row.map(|(number, name, public_key)| KnownManager {
            number: ManagerNumber(number as u32),
            name,
            public_key,
        }))
    }

    /// Returns the number of the consent manager that this store belongs to.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoManager`].
    pub(super) async fn manager_number(&self) -> Result<ManagerNumber, ConsentError> {
        let known = self.manager().await?.ok_or(ConsentRefusal::NoManager)?;
        Ok(known.number)
    }

    /// Stores a requester of records, with its signing key, Ed25519.
    ///
    /// # Errors
    /// [`ParticipantRefusal`] if the name or number belongs to another, or the key is invalid.
    pub async fn keep_requester(
        &self,
        number: RequesterNumber,
        name: &str,
        public_key: &[u8; 32],
    ) -> Result<(), ConsentError> {
        if VerifyingKey::from_bytes(public_key).map_or(true, |key| key.is_weak()) {
            return Err(ParticipantRefusal::NoKey.into());
        }
        sqlx::query(
            "INSERT INTO requester (number, name, public_key) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
        )
        .bind(i64::from(number.0))
        .bind(name)
        .bind(public_key.to_vec())
        .execute(self.0.writer())
        .await?;
        let known = self.requester_named(name).await? == Some(number)
            && self.requester_key(number).await?.is_some_and(|key| key.as_bytes() == public_key);
        Ok(self.require_named(known, name)?)
    }

    fn require_named(&self, is_so: bool, name: &str) -> Result<(), ParticipantRefusal> {
        if is_so {
            return Ok(());
        }
        Err(ParticipantRefusal::InUse(name.to_owned()))
    }

    /// Returns the provider with a name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn provider_named(&self, name: &str) -> Result<Option<ProviderId>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT number FROM provider WHERE name = $1")
            .bind(name)
            .fetch_optional(self.0.pool())
            .await?;
        Ok(row.map(|(number,)| ProviderId(number as u32)))
    }

    /// Returns the requester with a name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn requester_named(&self, name: &str) -> Result<Option<RequesterNumber>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT number FROM requester WHERE name = $1")
            .bind(name)
            .fetch_optional(self.0.pool())
            .await?;
        Ok(row.map(|(number,)| RequesterNumber(number as u32)))
    }

    /// Returns a requester's signing key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn requester_key(
        &self,
        requester: RequesterNumber,
    ) -> Result<Option<VerifyingKey>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT public_key FROM requester WHERE number = $1")
                .bind(i64::from(requester.0))
                .fetch_optional(self.0.pool())
                .await?;
        row.map(|(key,)| key_of_column(&key)).transpose()
    }

    /// Whether there is a provider with a number.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_provider(&self, provider: ProviderId) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT number FROM provider WHERE number = $1")
            .bind(i64::from(provider.0))
            .fetch_optional(self.0.pool())
            .await?;
        Ok(row.is_some())
    }

    /// Returns all providers, by number.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn providers(&self) -> Result<Vec<NamedParticipant<ProviderId>>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT number, name FROM provider ORDER BY number")
                .fetch_all(self.0.pool())
                .await?;
        let provider =
            |(number, name)| NamedParticipant { number: ProviderId(number as u32), name };
        Ok(rows.into_iter().map(provider).collect())
    }

    /// Adds a patient's record at a provider. `keep` stores the patient's file before the record exists:
    /// without it no one could prove from the record.
    ///
    /// # Errors
    /// [`ConsentRefusal::UnknownProvider`]; [`StoreError::Tree`] if there is no room; `keep`'s.
    pub async fn add_record(
        &self,
        provider: ProviderId,
        subject: SubjectCommitment,
        record_type: RecordType,
        date: jiff::civil::Date,
        content: &[u8],
        keep: impl FnOnce(&RecordFile) -> Result<(), FileError>,
    ) -> Result<RecordFile, ConsentError> {
        let mut file = RecordFile::new(provider, subject, record_type, date, content);
        let leaf = file.record()?.commitment().to_field();
        let mut transaction = self.0.begin().await?;
        let place = next_place(&mut transaction, provider, Tree::Records).await?;
        file.position = place;
        change_leaf(&mut transaction, provider, Tree::Records, (place, leaf), false).await?;
        sqlx::query(
            "INSERT INTO health_record (provider, position, commitment, subject)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(i64::from(provider.0))
        .bind(place as i64)
        .bind(bytes(leaf))
        .bind(bytes(subject.to_field()))
        .execute(&mut *transaction)
        .await?;
        keep(&file)?;
        transaction.commit().await?;
        Ok(file)
    }

    /// Removes a record, e.g. because it was another patient's: no access to it is given from now on.
    ///
    /// # Errors
    /// [`ConsentRefusal::NoSuchRecord`].
    pub async fn remove_record(
        &self,
        provider: ProviderId,
        record: RecordCommitment,
    ) -> Result<(), ConsentError> {
        let mut transaction = self.0.begin().await?;
        let row: Option<(i64,)> = sqlx::query_as(
            "UPDATE health_record SET removed = 1
             WHERE provider = $1 AND commitment = $2 AND removed = 0 RETURNING position",
        )
        .bind(i64::from(provider.0))
        .bind(bytes(record.to_field()))
        .fetch_optional(&mut *transaction)
        .await?;
        let (place,) = row.ok_or(ConsentRefusal::NoSuchRecord)?;
        let emptied = (place as usize, empty_leaf());
        change_leaf(&mut transaction, provider, Tree::Records, emptied, true).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether a provider keeps a record now.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keeps_record(
        &self,
        provider: ProviderId,
        record: RecordCommitment,
    ) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT position FROM health_record
             WHERE provider = $1 AND commitment = $2 AND removed = 0",
        )
        .bind(i64::from(provider.0))
        .bind(bytes(record.to_field()))
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.is_some())
    }

    /// Whether a provider's records are kept in this store.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keeps_records(&self, provider: ProviderId) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT position FROM health_record WHERE provider = $1 LIMIT 1")
                .bind(i64::from(provider.0))
                .fetch_optional(self.0.pool())
                .await?;
        Ok(row.is_some())
    }

    /// Whether a provider keeps any record of a person.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_records_of(
        &self,
        provider: ProviderId,
        subject: SubjectCommitment,
    ) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT position FROM health_record
             WHERE provider = $1 AND subject = $2 AND removed = 0 LIMIT 1",
        )
        .bind(i64::from(provider.0))
        .bind(bytes(subject.to_field()))
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.is_some())
    }
}

/// One of a provider's two trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Records,
    Consents,
}

impl Tree {
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Consents => "consents",
        }
    }

    pub(super) fn name(self, provider: ProviderId) -> TreeName {
        match self {
            Self::Records => TreeName::Records(provider.0),
            Self::Consents => TreeName::Consents(provider.0),
        }
    }
}

/// Puts a leaf into a provider's tree, and counts the change, which the ledger does not know yet.
pub(super) async fn change_leaf(
    transaction: &mut WriteTransaction,
    provider: ProviderId,
    tree: Tree,
    (place, leaf): (usize, Fr),
    takes_away: bool,
) -> Result<(), ConsentError> {
    let column = tree.column();
    let removed = if takes_away {
        format!(", {column}_removed = {column}_changed + 1")
    } else {
        String::new()
    };
    let statement = format!(
        "UPDATE provider SET {column}_changed = {column}_changed + 1{removed} WHERE number = $1"
    );
    let counted = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(i64::from(provider.0))
        .execute(&mut **transaction)
        .await?;
    if counted.rows_affected() == 0 {
        return Err(ConsentRefusal::UnknownProvider.into());
    }
    let (name, leaves) = (tree.name(provider), [(place, leaf)]);
    match tree {
        Tree::Records => put_leaves::<RECORD_DEPTH>(transaction, name, &leaves).await?,
        Tree::Consents => put_leaves::<CONSENT_DEPTH>(transaction, name, &leaves).await?,
    };
    Ok(())
}

/// The next place in a provider's tree.
pub(super) async fn next_place(
    transaction: &mut WriteTransaction,
    provider: ProviderId,
    tree: Tree,
) -> Result<usize, ConsentError> {
    let table = match tree {
        Tree::Records => "health_record",
        Tree::Consents => "consent",
    };
    let statement =
        format!("SELECT COALESCE(MAX(position) + 1, 0) FROM {table} WHERE provider = $1");
    let (place,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(i64::from(provider.0))
        .fetch_one(&mut **transaction)
        .await?;
    let (place, capacity) = (place as usize, RecordTree::CAPACITY);
    if place >= capacity {
        let full = praman_circuits::merkle::TreeError::Full { capacity, wanted: place + 1 };
        return Err(StoreError::from(full).into());
    }
    Ok(place)
}
