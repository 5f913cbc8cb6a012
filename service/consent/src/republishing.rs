//! Roots that may have to be published again.

use futures_util::future::BoxFuture;
use praman_ledger::EventHandler;
use praman_store::WriteTransaction;
use praman_store::error::StoreError;

/// Has the ledger asked again which roots it knows, once blocks of it were replaced.
pub struct RootRepublishing;

impl EventHandler for RootRepublishing {
    fn domain(&self) -> &'static str {
        "consent"
    }

    fn blocks_replaced<'t>(
        &self,
        transaction: &'t mut WriteTransaction,
        _last: u64,
    ) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move {
            sqlx::query("UPDATE provider SET records_published = 0, consents_published = 0")
                .execute(&mut **transaction)
                .await?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use praman_ledger::ProviderId;
    use praman_store::Store;

    use super::*;
    use crate::ConsentStore;
    use crate::provider::Tree;

    #[tokio::test]
    async fn roots_of_replaced_blocks_are_published_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let consents = ConsentStore(&store);
        consents.keep_provider(ProviderId(2), "city-laboratory").await.expect("kept");
        sqlx::query(
            "UPDATE provider SET records_changed = 3, records_published = 3,
                 consents_changed = 1, consents_published = 1",
        )
        .execute(store.writer())
        .await
        .expect("published");
        assert_eq!(consents.unpublished(Tree::Records).await.expect("read"), []);
        assert_eq!(consents.unpublished(Tree::Consents).await.expect("read"), []);
        let mut transaction = store.begin().await.expect("begun");
        RootRepublishing.blocks_replaced(&mut transaction, 9).await.expect("taken back");
        transaction.commit().await.expect("kept");
        assert_eq!(consents.unpublished(Tree::Records).await.expect("read"), [ProviderId(2)]);
        assert_eq!(consents.unpublished(Tree::Consents).await.expect("read"), [ProviderId(2)]);
    }
}
