//! Puts providers' roots on the ledger.

use praman_circuits::Fr;
use praman_circuits::artefact::{CONSENT_DEPTH, ConsentsRoot};
use praman_circuits::health_record::{RECORD_DEPTH, RecordsRoot};
use praman_ledger::{Chain, ContractLedger, LedgerError, ProviderId, RootUpdate};
use praman_store::{Store, read_root};

use super::provider::Tree;
use super::refusal::ConsentFailure;
use super::refusal::{ConsentError, ConsentRefusal};
use crate::ConsentStore;

impl ConsentStore<'_> {
    /// Returns the providers with roots that the ledger does not know yet, e.g. after a program died before it
    /// sent them.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn unpublished_providers(&self) -> Result<Vec<ProviderId>, ConsentError> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "SELECT number FROM provider WHERE records_published < records_changed
                 OR consents_published < consents_changed ORDER BY number",
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(rows.into_iter().map(|(number,)| ProviderId(number as u32)).collect())
    }
}

/// The state of a provider's tree, in the store and on the ledger.
struct TreeState {
    changed: i64,
    removed: i64,
    published: i64,
    live: u32,
    root: Fr,
}

async fn tree_state(
    store: &Store,
    provider: ProviderId,
    tree: Tree,
) -> Result<TreeState, ConsentError> {
    let column = tree.column();
    let live = match tree {
        Tree::Records => "SELECT count(*) FROM health_record WHERE provider = $1 AND removed = 0",
        Tree::Consents => "SELECT count(*) FROM consent WHERE provider = $1 AND state = 'granted'",
    };
    let mut reading = store.begin_reading().await?;
    let statement = format!(
        "SELECT {column}_changed, {column}_removed, {column}_published FROM provider
         WHERE number = $1"
    );
    let row: Option<(i64, i64, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(i64::from(provider.0))
        .fetch_optional(&mut *reading)
        .await?;
    let (changed, removed, published) = row.ok_or(ConsentRefusal::UnknownProvider)?;
    let (live,): (i64,) =
        sqlx::query_as(live).bind(i64::from(provider.0)).fetch_one(&mut *reading).await?;
    let root = match tree {
        Tree::Records => read_root::<RECORD_DEPTH>(&mut reading, tree.name(provider)).await?,
        Tree::Consents => read_root::<CONSENT_DEPTH>(&mut reading, tree.name(provider)).await?,
    };
    Ok(TreeState { changed, removed, published, live: live as u32, root })
}

/// How often a root is sent again because another program sent one in between.
const ATTEMPTS_MAX: usize = 16;

/// Puts a provider's two roots on the ledger, if it has older ones.
///
/// A removal ends all earlier roots. Each change of a tree has a number, and the ledger takes a root only of a
/// later change than the current one: two programs never undo each other's change, however late one of them
/// sends.
///
/// # Errors
/// [`ConsentError`] of either tree; then the next call does it.
pub async fn publish<C: Chain>(
    store: &Store,
    ledger: &mut ContractLedger<C>,
    provider: ProviderId,
) -> Result<(), ConsentError> {
    // Consents first: a withdrawal never waits, even at a provider that may add no record.
    let consents = publish_tree(store, ledger, provider, Tree::Consents).await;
    let records = publish_tree(store, ledger, provider, Tree::Records).await;
    consents.and(records)
}

async fn publish_tree<C: Chain>(
    store: &Store,
    ledger: &mut ContractLedger<C>,
    provider: ProviderId,
    tree: Tree,
) -> Result<(), ConsentError> {
    for _ in 0..ATTEMPTS_MAX {
        let state = tree_state(store, provider, tree).await?;
        if state.published == state.changed {
            return Ok(());
        }
        match put_root(ledger, provider, tree, &state).await {
            // The root of a later change is current: check again whether it is the newest.
            Ok(()) | Err(LedgerError::OldRoot) => {}
            Err(error) => return Err(error.into()),
        }
        let column = tree.column();
        let statement = format!(
            "UPDATE provider SET {column}_published = $2
             WHERE number = $1 AND {column}_published < $2"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(i64::from(provider.0))
            .bind(state.changed)
            .execute(store.writer())
            .await?;
    }
    Err(ConsentFailure::RootsChange(provider).into())
}

async fn put_root<C: Chain>(
    ledger: &mut ContractLedger<C>,
    provider: ProviderId,
    tree: Tree,
    state: &TreeState,
) -> Result<(), LedgerError> {
    // A ledger that lags reports an older change: then more roots are ended than necessary, never fewer.
    let stands = ledger.provider_state(provider).await?;
    let known = match tree {
        Tree::Records => stands.records_version,
        Tree::Consents => stands.consents_version,
    };
    let (version, live) = (state.changed as u64, state.live);
    if known >= version {
        return Ok(());
    }
    let graceless = state.removed as u64 > known;
    match tree {
        Tree::Records => {
            let root = RecordsRoot::from_field(state.root);
            let update = RootUpdate { root, version, live, graceless };
            ledger.put_records_root(provider, update).await
        }
        Tree::Consents => {
            let root = ConsentsRoot::from_field(state.root);
            let update = RootUpdate { root, version, live, graceless };
            ledger.put_consents_root(provider, update).await
        }
    }
}
