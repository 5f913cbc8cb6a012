//! Single values that the store keeps by name.

use sqlx::AnyConnection;

use crate::error::ServiceError;

/// What a single value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Which network the store belongs to, as JSON.
    Network,
    /// Where an earlier version's chain had its contract of claims.
    Claims,
    /// There, once the state's tree follows what the ledger tells of offices.
    FollowsOffices,
    /// From which block on the store's offices are not the ledger's, in 8 bytes, big-endian.
    OfficesApart,
    /// When the store was restored, if what went to the bank since is not known: milliseconds since 1970 in
    /// 8 bytes, big-endian.
    Restored,
    /// The same, if what offices issued and revoked since is not known.
    RestoredOffices,
    /// When the backup was made that was restored, likewise.
    BackedUp,
}

impl Setting {
    /// Its name in the store.
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

    /// Its value, if there is one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn read(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Option<Vec<u8>>, ServiceError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM chain_setting WHERE key = $1")
                .bind(self.name())
                .fetch_optional(connection)
                .await?;
        Ok(row.map(|(value,)| value))
    }

    /// Keeps a value in the place of an earlier one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn keep(
        self,
        connection: &mut AnyConnection,
        value: &[u8],
    ) -> Result<(), ServiceError> {
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

    /// Keeps a value if there is none.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn keep_first(
        self,
        connection: &mut AnyConnection,
        value: &[u8],
    ) -> Result<(), ServiceError> {
        sqlx::query(
            "INSERT INTO chain_setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
        )
        .bind(self.name())
        .bind(value)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Forgets the value. True if there was one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn forget(self, connection: &mut AnyConnection) -> Result<bool, ServiceError> {
        let forgotten = sqlx::query("DELETE FROM chain_setting WHERE key = $1")
            .bind(self.name())
            .execute(connection)
            .await?;
        Ok(forgotten.rows_affected() > 0)
    }

    /// Forgets the value if it is above another of 8 bytes, big-endian.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn forget_above(
        self,
        connection: &mut AnyConnection,
        last: u64,
    ) -> Result<(), ServiceError> {
        sqlx::query("DELETE FROM chain_setting WHERE key = $1 AND value > $2")
            .bind(self.name())
            .bind(last.to_be_bytes().to_vec())
            .execute(connection)
            .await?;
        Ok(())
    }
}
