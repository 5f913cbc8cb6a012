//! What anyone may know: schemes, the state, whether a proof holds, whether the service works.

use std::sync::Arc;

use praman_circuits::Fr;
use praman_circuits::office::{OfficeId, OfficeTree, StateRoot};
use praman_circuits::period::Period;
use praman_circuits::scope::Scope;
use praman_claims::{PublishedScheme, Schemes};
use praman_holder::spent::{NullifierPrefix, SpentCount, SpentNullifiers};
use praman_holder::subtree::Subtree;
use praman_language::calendar;
use praman_language::sentence::Sentence;
use praman_ledger::LedgerStore;
use praman_ledger::snapshot::{Snapshot, SnapshotChanges};
use praman_offices::OfficeStore;
use praman_store::computation::compute;
use praman_store::error::StoreError;
use praman_verifier::Proof;

use super::{Application, Fault};

/// The snapshot that was last made.
#[derive(Clone)]
pub(crate) struct CachedSnapshot {
    /// The state and the day, in quotes: an entity tag.
    pub(crate) tag: String,
    pub(crate) snapshot: Arc<Snapshot>,
    /// The snapshot as JSON.
    pub(crate) body: axum::body::Bytes,
}

/// Returns an office's tree in a snapshot of all.
pub(crate) fn office_tree(snapshot: &Snapshot, office: u32) -> Result<&OfficeTree, Fault> {
    let tree = snapshot.office_tree(OfficeId(office));
    tree.map_err(|_| Fault::not_found(Sentence::of("fault-no-office").count("office", office)))
}

impl Application {
    pub(crate) fn schemes(&self) -> &Schemes {
        self.desk.machine().schemes()
    }

    pub(crate) fn scheme(&self, id: &str) -> Result<&PublishedScheme, Fault> {
        let id = id.parse().map_err(|error| Fault::malformed(format!("{error}")))?;
        let published = self.schemes().find(&id);
        published
            .ok_or_else(|| Fault::not_found(Sentence::of("fault-no-scheme").text("scheme", &id)))
    }

    /// Returns the snapshot, which is made once for a state and day.
    pub(crate) async fn snapshot(&self) -> Result<CachedSnapshot, Fault> {
        let store = self.store();
        let today = calendar::today();
        // One request at a time makes it; the others wait and use the result.
        let mut cached = self.snapshot.lock().await;
        let tag = format!("\"{}-{}\"", OfficeStore(store).state_root().await?, today.0);
        match &*cached {
            Some(known) if known.tag == tag => Ok(known.clone()),
            _ => {
                let snapshot = LedgerStore(store).snapshot(today, None).await?;
                // The snapshot's own root: an office may have issued in between.
                let tag = format!("\"{}-{}\"", snapshot.root, today.0);
                let body = serde_json::to_vec(&snapshot).expect("a snapshot is plain data");
                let made = CachedSnapshot { tag, snapshot: Arc::new(snapshot), body: body.into() };
                Ok(cached.insert(made).clone())
            }
        }
    }

    /// Returns a part of an office's tree, so large that it does not reveal whose path is taken from it.
    pub(crate) async fn subtree(&self, office: u32, number: u32) -> Result<Subtree, Fault> {
        let snapshot = self.snapshot().await?.snapshot;
        Subtree::of(OfficeId(office), office_tree(&snapshot, office)?, number)
            .ok_or_else(|| Fault::not_found(format!("office {office} has no such part")))
    }

    /// Returns what is new in the snapshot since a state root was current.
    pub(crate) async fn snapshot_changes(
        &self,
        since: StateRoot,
    ) -> Result<SnapshotChanges, Fault> {
        let snapshot = self.snapshot().await?.snapshot;
        let store = self.store();
        let changes = LedgerStore(store).snapshot_changes(&snapshot, since).await?;
        changes.ok_or_else(|| {
            Fault::not_found(
                "since is not a root of this state, or too much has changed since: download the \
                 snapshot",
            )
        })
    }

    /// Counts the nullifiers that are spent in a scope's period.
    pub(crate) async fn spent_count(
        &self,
        scope: Scope,
        period: Period,
    ) -> Result<SpentCount, Fault> {
        Ok(LedgerStore(self.store()).spent_count(scope, period).await?)
    }

    /// Returns the nullifiers that are spent in a scope's period and begin with a prefix.
    pub(crate) async fn spent_nullifiers(
        &self,
        scope: Scope,
        period: Period,
        prefix: NullifierPrefix,
    ) -> Result<SpentNullifiers, Fault> {
        let spent = LedgerStore(self.store()).spent_nullifiers(scope, period, prefix).await?;
        spent.ok_or_else(|| Fault::malformed("too many nullifiers begin so: give more digits"))
    }

    /// Returns why a proof does not hold, if so. Anyone may ask, so half of the cores are left to claims.
    pub(crate) async fn verify(&self, public: &[Fr], proof: &Proof) -> Result<(), String> {
        let _place = self.checking.acquire().await;
        compute(|| self.key.verify(public, proof)).map_err(|refusal| refusal.to_string())
    }

    /// Checks that the service can do its work.
    pub(crate) async fn ready(&self) -> Result<(), Fault> {
        if let Some(reason) = self.desk.hindrance() {
            return Err(Fault::unavailable(format!("claims can't be settled now: {reason}")));
        }
        self.desk.machine().require_writable().await?;
        let store = self.store();
        let asked: Result<(i64,), _> = sqlx::query_as("SELECT 1").fetch_one(store.pool()).await;
        asked.map(drop).map_err(|error| StoreError::from(error).into())
    }
}
