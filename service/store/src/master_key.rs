//! The one master key that a store keeps to.

use super::Store;
use crate::error::StoreError;
use crate::key_store::{DataKey, KeyStoreError, MasterKey};

const CHECK: &str = "praman master key check";

impl Store {
    /// Whether something in the store is sealed under a master key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_master_key(&self) -> Result<bool, StoreError> {
        Ok(self.master_key_check().await?.is_some())
    }

    /// Binds the store to a master key, the first that it is given.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] if it is bound to another.
    pub async fn keep_to_master_key(&self, master: &MasterKey) -> Result<(), StoreError> {
        let fresh = master.wrap(&DataKey::generate(), CHECK)?;
        sqlx::query(
            "INSERT INTO master_key (number, wrapped) VALUES (1, $1) ON CONFLICT DO NOTHING",
        )
        .bind(fresh)
        .execute(self.writer())
        .await?;
        let check = self.master_key_check().await?.unwrap_or_default();
        master.unwrap(&check, CHECK).map(drop).map_err(|_| KeyStoreError::OtherMasterKey)?;
        self.keep_to_tags(master).await
    }

    /// Refuses a key that would recognise no one: in a token the tags have their own key, which can be left
    /// behind when the token is moved.
    async fn keep_to_tags(&self, master: &MasterKey) -> Result<(), StoreError> {
        let tag = master.tag(CHECK, &[])?.to_vec();
        sqlx::query("UPDATE master_key SET tag_check = $1 WHERE tag_check IS NULL")
            .bind(tag.clone())
            .execute(self.writer())
            .await?;
        let (kept,): (Option<Vec<u8>>,) =
            sqlx::query_as("SELECT tag_check FROM master_key").fetch_one(self.pool()).await?;
        if kept == Some(tag) {
            return Ok(());
        }
        Err(KeyStoreError::OtherTagKey.into())
    }

    async fn master_key_check(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT wrapped FROM master_key").fetch_optional(self.pool()).await?;
        Ok(row.map(|(wrapped,)| wrapped))
    }
}
