//! The one master key that a store keeps to.

use super::Store;
use crate::error::ServiceError;
use crate::key_store::{DataKey, MasterKey};

const CHECK: &str = "praman master key check";

impl Store {
    /// Whether something in the store is sealed under a master key.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn has_master_key(&self) -> Result<bool, ServiceError> {
        Ok(self.master_key_check().await?.is_some())
    }

    /// Lets the store keep to a master key, the first that it is given.
    ///
    /// # Errors
    /// [`ServiceError::KeyStore`] if it keeps to another.
    pub async fn keep_to_master_key(&self, master: &MasterKey) -> Result<(), ServiceError> {
        let fresh = master.wrap(&DataKey::generate(), CHECK)?;
        sqlx::query(
            "INSERT INTO master_key (number, wrapped) VALUES (1, $1) ON CONFLICT DO NOTHING",
        )
        .bind(fresh)
        .execute(self.writer())
        .await?;
        let check = self.master_key_check().await?.unwrap_or_default();
        master.unwrap(&check, CHECK).map(drop).map_err(|_| {
            let reason = "what this store keeps of people is sealed under another master key: give \
                          that one by --master-key";
            ServiceError::KeyStore(reason.to_owned())
        })
    }

    async fn master_key_check(&self) -> Result<Option<Vec<u8>>, ServiceError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT wrapped FROM master_key").fetch_optional(self.pool()).await?;
        Ok(row.map(|(wrapped,)| wrapped))
    }
}
