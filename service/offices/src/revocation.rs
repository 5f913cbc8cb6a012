//! What an office revokes.

use std::collections::BTreeSet;

use praman_circuits::office::{OfficeRoot, OfficeTree};
use praman_store::TreeName;

use crate::OfficeStore;
use crate::error::OfficeError;
use crate::office_key::OfficeKey;

impl OfficeStore<'_> {
    /// Empties the leaves of some holders. Returns how many were emptied and the new root.
    ///
    /// # Errors
    /// [`OfficeError::NotLive`] if the office never issued to one of them; then none is revoked.
    pub async fn revoke(
        &self,
        key: &OfficeKey,
        register_nos: &[String],
    ) -> Result<(usize, OfficeRoot), OfficeError> {
        let mut transaction = self.0.begin().await?;
        let office = self.check_office(key).await?;
        let mut tree: OfficeTree = self.0.tree(TreeName::Office(key.office.0)).await?;
        let mut changes = Vec::new();
        let register_nos: BTreeSet<&String> = register_nos.iter().collect();
        for register_no in &register_nos {
            let position: Option<(i64,)> = sqlx::query_as(
                "UPDATE holder SET revoked = 1 WHERE office = $1 AND tag = $2 AND revoked = 0
                 RETURNING position",
            )
            .bind(i64::from(key.office.0))
            .bind(key.holder_tag(register_no).to_vec())
            .fetch_optional(&mut *transaction)
            .await?;
            let Some((position,)) = position else {
                let (office, register_no) = (key.name.clone(), register_no.to_string());
                return Err(OfficeError::NotLive { office, register_no });
            };
            changes.extend(tree.empty(position as usize)?);
        }
        let root = OfficeRoot::from_field(tree.root());
        self.write_office_tree(&mut transaction, &office, &changes).await?;
        transaction.commit().await?;
        Ok((register_nos.len(), root))
    }
}
