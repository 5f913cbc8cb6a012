//! Single values that the store keeps by name.

use sqlx::AnyConnection;

use crate::error::StoreError;

/// The purpose of a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The network that the store belongs to, as JSON.
    Network,
    /// The address of the contract of claims on an earlier version's chain.
    Claims,
    /// Set once the state's tree follows the ledger's events about offices.
    FollowsOffices,
    /// The block from which the store's offices are not the ledger's, in 8 bytes, big-endian.
    OfficesApart,
    /// When the store was restored, if it is not known what went to the bank since: milliseconds since 1970 in
    /// 8 bytes, big-endian.
    Restored,
    /// The same, if it is not known what offices issued and revoked since.
    RestoredOffices,
    /// When the restored backup was made, likewise.
    BackedUp,
}

impl Setting {
    /// Returns its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Claims => "claims",
            Self::FollowsOffices => "follows_offices",
            Self::OfficesApart => "offices_apart",
            Self::Restored => "restored",
            Self::RestoredOffices => "restored_offices",
            Self::BackedUp => "backed_up",
        }
    }

    /// Returns its value, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn read(self, connection: &mut AnyConnection) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM chain_setting WHERE key = $1")
                .bind(self.name())
                .fetch_optional(connection)
                .await?;
        Ok(row.map(|(value,)| value))
    }

    /// Stores a value in place of an earlier one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keep(
        self,
        connection: &mut AnyConnection,
        value: &[u8],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO chain_setting (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(self.name())
        .bind(value)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Stores a value if there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keep_first(
        self,
        connection: &mut AnyConnection,
        value: &[u8],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO chain_setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
        )
        .bind(self.name())
        .bind(value)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Deletes the value. True if there was one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget(self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let forgotten = sqlx::query("DELETE FROM chain_setting WHERE key = $1")
            .bind(self.name())
            .execute(connection)
            .await?;
        Ok(forgotten.rows_affected() > 0)
    }

    /// Deletes the value if it is above another of 8 bytes, big-endian.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_above(
        self,
        connection: &mut AnyConnection,
        last: u64,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM chain_setting WHERE key = $1 AND value > $2")
            .bind(self.name())
            .bind(last.to_be_bytes().to_vec())
            .execute(connection)
            .await?;
        Ok(())
    }
}
