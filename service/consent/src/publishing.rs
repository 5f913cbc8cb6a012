//! Puts roots on the ledger: providers those of their records, a consent manager those of its consents.

use praman_circuits::Fr;
use praman_circuits::artefact::{CONSENT_DEPTH, ConsentsRoot};
use praman_circuits::health_record::{RECORD_DEPTH, RecordsRoot};
use praman_ledger::{Chain, ContractLedger, LedgerError, ManagerNumber, ProviderId, RootUpdate};
use praman_store::{Store, read_root};

use super::provider::Tree;
use super::refusal::ConsentFailure;
use super::refusal::{ConsentError, ConsentRefusal};
use crate::ConsentStore;

impl ConsentStore<'_> {
    /// Returns the providers with a root of a tree that the ledger does not know yet, e.g. after a program died before
    /// it sent it.
    pub(super) async fn unpublished(&self, tree: Tree) -> Result<Vec<ProviderId>, ConsentError> {
        let column = tree.column();
        let statement = format!(
            "SELECT number FROM provider WHERE {column}_published < {column}_changed ORDER BY number"
        );
        let rows: Vec<(i64,)> =
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_all(self.0.pool()).await?;
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

/// Whose key puts a root on the ledger.
#[derive(Clone, Copy)]
enum Publisher {
    Provider,
    Manager(ManagerNumber),
}

/// How often a root is sent again because another program sent one in between.
const ATTEMPTS_MAX: usize = 16;

/// Puts the root of a provider's records on the ledger, if it has an older one. The provider's key signs.
///
/// A removal ends all earlier roots. Each change of a tree has a number, and the ledger takes a root only of a
/// later change than the current one: two programs never undo each other's change, however late one of them
/// sends.
///
/// # Errors
/// [`ConsentError`]; then the next call does it.
pub async fn publish_records<C: Chain>(
    store: &Store,
    ledger: &mut ContractLedger<C>,
    provider: ProviderId,
) -> Result<(), ConsentError> {
    publish_tree(store, ledger, provider, Tree::Records).await
}

/// Puts the root of a consent manager's consents at a provider on the ledger, if it has an older one, in the way of
/// [`publish_records`]. The manager's key signs: a withdrawal needs nothing of the provider.
///
/// # Errors
/// [`ConsentError`]; then the next call does it.
pub async fn publish_consents<C: Chain>(
    store: &Store,
    ledger: &mut ContractLedger<C>,
    provider: ProviderId,
) -> Result<(), ConsentError> {
    publish_tree(store, ledger, provider, Tree::Consents).await
}

pub(super) async fn publish_tree<C: Chain>(
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
        let publisher = match tree {
            Tree::Records => Publisher::Provider,
            Tree::Consents => Publisher::Manager(ConsentStore(store).manager_number().await?),
        };
        let column = tree.column();
        match put_root(ledger, publisher, provider, &state).await {
            Ok(None) => {}
            // The ledger has a root of a later change, or another one of this change. Either another program of this
            // store has changed the tree since, and the next round sees it; or this store is older than the
            // ledger, as a restored one is. Then its tree counts on from there, and ends all roots that it does not know.
            Ok(Some(known)) => {
                let statement = format!(
                    "UPDATE provider SET {column}_changed = $3, {column}_removed = $3
                     WHERE number = $1 AND {column}_changed = $2"
                );
                sqlx::query(sqlx::AssertSqlSafe(statement))
                    .bind(i64::from(provider.0))
                    .bind(state.changed)
                    .bind(known as i64 + 1)
                    .execute(store.writer())
                    .await?;
                continue;
            }
            // The root of a later change is current: check again whether it is the newest.
            Err(LedgerError::OldRoot) => continue,
            Err(error) => return Err(error.into()),
        }
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

/// Puts a root on the ledger, or returns the change that stands there if it is not an earlier one with another root.
async fn put_root<C: Chain>(
    ledger: &mut ContractLedger<C>,
    publisher: Publisher,
    provider: ProviderId,
    state: &TreeState,
) -> Result<Option<u64>, LedgerError> {
    // A ledger that lags reports an older change: then more roots are ended than necessary, never fewer.
    let (known, root) = match publisher {
        Publisher::Provider => {
            let records = ledger.records_state(provider).await?;
            (records.version, records.root.to_field())
        }
        Publisher::Manager(manager) => {
            let consents = ledger.consents_state(manager, provider).await?;
            (consents.version, consents.root.to_field())
        }
    };
    let (version, live) = (state.changed as u64, state.live);
    if known == version && root == state.root {
        return Ok(None);
    }
    if known >= version {
        return Ok(Some(known));
    }
    let graceless = state.removed as u64 > known;
    match publisher {
        Publisher::Provider => {
            let root = RecordsRoot::from_field(state.root);
            let update = RootUpdate { root, version, live, graceless };
            ledger.put_records_root(provider, update).await?;
        }
        Publisher::Manager(manager) => {
            let root = ConsentsRoot::from_field(state.root);
            let update = RootUpdate { root, version, live, graceless };
            ledger.put_consents_root(manager, provider, update).await?;
        }
    }
    Ok(None)
}
