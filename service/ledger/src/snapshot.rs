//! Snapshots of a store, from which wallets take their paths, and what has changed since.

use std::collections::{BTreeMap, BTreeSet};

use praman_circuits::credential::SchemaId;
use praman_circuits::office::{OfficeId, OfficeRoot, OfficeTree, StateRoot, StateTree};
use praman_circuits::period::Day;
use praman_offices::{Office, read_offices, standing};
use praman_store::error::StoreError;
use praman_store::{TreeName, TreeVersion, read_tree};
use sqlx::AnyConnection;

use crate::LedgerStore;
use crate::failure::LedgerFailure;
pub use praman_holder::snapshot::*;

/// Why no snapshot is taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is no office of the name.
    #[error("there is no office {0:?}")]
    NoOffice(String),
    /// The folder's ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerFailure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SnapshotError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoOffice(_) => 2,
            Self::Ledger(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(SnapshotError);

impl LedgerStore<'_> {
    /// Takes a snapshot with the tree of one office, or of all.
    ///
    /// # Errors
    /// [`SnapshotError::NoOffice`].
    pub async fn snapshot(
        &self,
        as_of: Day,
        only: Option<&str>,
    ) -> Result<Snapshot, SnapshotError> {
        // Outside the transaction: the context never changes once it is there.
        let context = self.ledger_context().await?;
        // In one transaction, or an office that issues meanwhile would leave roots that do not match.
        let mut reading = self.0.begin_reading().await?;
        let offices = read_offices(&mut reading).await?;
        if let Some(name) = only.filter(|name| offices.iter().all(|office| office.name != *name)) {
            return Err(SnapshotError::NoOffice(name.to_owned()));
        }
        let state: StateTree = read_tree(&mut reading, TreeName::State).await?;
        let mut offices = offices.into_iter().map(|office| (office.id, office)).collect();
        let mut snapshots = Vec::with_capacity(state.len());
        for number in 0..state.len() as u32 {
            snapshots.push(office_snapshot(&mut reading, number, &mut offices, only).await?);
        }
        reading.rollback().await?;
        let root = StateRoot::from_field(state.root());
        Ok(Snapshot::new(root, as_of, context, snapshots))
    }

    /// Returns what is new in a snapshot since a root was the state's; none if it never was, or so long ago
    /// that it is not known or more than [`CHANGES_MAX`] leaves have changed.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn snapshot_changes(
        &self,
        snapshot: &Snapshot,
        since: StateRoot,
    ) -> Result<Option<SnapshotChanges>, StoreError> {
        let mut reading = self.0.begin_reading().await?;
        let Some(version) = TreeVersion::of_root(&mut reading, since).await? else {
            return Ok(None);
        };
        let changed = version.leaves_changed_since(&mut reading, CHANGES_MAX + 1).await?;
        reading.rollback().await?;
        if changed.len() > CHANGES_MAX {
            return Ok(None);
        }
        // A leaf that has changed after the snapshot, too, is taken as the snapshot has it.
        let mut offices = BTreeSet::new();
        let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (tree, place) in changed {
            match tree {
                TreeName::State => _ = offices.insert(place),
                TreeName::Office(office) => places.entry(office).or_default().push(place),
                // These are under no state root.
                TreeName::Records(_) | TreeName::Consents(_) | TreeName::Ledger => {}
            }
        }
        Ok(Some(snapshot.changes_since(since, &offices, &places)))
    }
}

/// Returns the office of a number: one of this store, with its tree if requested, as new as its root; one of
/// another folder, by what the ledger has of it; or an unknown one.
async fn office_snapshot(
    reading: &mut AnyConnection,
    number: u32,
    own: &mut BTreeMap<OfficeId, Office>,
    only: Option<&str>,
) -> Result<OfficeSnapshot, StoreError> {
    let id = OfficeId(number);
    let own = own.remove(&id);
    let Some(place) = standing::place_of(reading, id).await? else {
        let root = OfficeRoot::from_field(OfficeTree::new().root());
        let (name, schema) = (String::new(), SchemaId(0));
        let nobody =
            OfficeSnapshot { office: id, name, schema, root, live: 0, standing: false, tree: None };
        return Ok(nobody);
    };
    let mut snapshot = OfficeSnapshot {
        office: id,
        name: own.as_ref().map_or_else(|| format!("office {number}"), |own| own.name.clone()),
        schema: place.schema,
        root: place.root,
        live: place.live_on_ledger.unwrap_or_default() as usize,
        standing: place.standing,
        tree: None,
    };
    if place.live_on_ledger.is_none() {
        let tree: OfficeTree = read_tree(reading, TreeName::Office(number)).await?;
        snapshot.live = tree.live();
        snapshot.tree = only.is_none_or(|name| name == snapshot.name).then_some(tree);
    }
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use praman_circuits::Fr;
    use praman_holder::wallet::Wallet;
    use praman_offices::office_key::OfficeKey;
    use praman_offices::{Application, OfficeStore, Validity};
    use praman_rules::schema::RESIDENT;
    use praman_store::Store;
    use praman_store::key_store::MasterKey;

    const SAMPLE_REGISTER: &[u8] = include_bytes!("../../data/register.csv");

    /// Register numbers that were issued to.
    async fn issue(store: &Store, key: &OfficeKey, people: std::ops::Range<usize>) -> Vec<String> {
        let register =
            praman_register::check(SAMPLE_REGISTER, praman_language::calendar::today(), |_| ());
        let register = register.expect("the sample");
        let people = &register.people()[people];
        let applications = people
            .iter()
            .map(|person| Application::new(person, Wallet::generate().subject()))
            .collect();
        let validity = Validity::from_today(praman_language::calendar::today());
        let issuing = OfficeStore(store)
            .issue(key, &MasterKey::in_memory(), applications, validity)
            .await
            .expect("issuing");
        issuing.commit().await.expect("issued");
        people.iter().map(|person| person.register_no().to_owned()).collect()
    }

    fn as_text(snapshot: &Snapshot) -> String {
        serde_json::to_string(snapshot).expect("plain data")
    }

    fn copy(snapshot: &Snapshot) -> Snapshot {
        serde_json::from_str(&as_text(snapshot)).expect("read again")
    }

    #[tokio::test]
    async fn changes_bring_any_earlier_snapshot_up_to_date() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let today = praman_language::calendar::today();
        let first = OfficeStore(&store)
            .new_office("First", &RESIDENT, |_| Ok(()))
            .await
            .expect("an office");
        let mut earlier = vec![LedgerStore(&store).snapshot(today, None).await.expect("taken")];
        let numbers = issue(&store, &first, 0..9).await;
        earlier.push(LedgerStore(&store).snapshot(today, None).await.expect("taken"));
        OfficeStore(&store).revoke(&first, &numbers[3..5]).await.expect("revoked");
        let second = OfficeStore(&store)
            .new_office("Second", &RESIDENT, |_| Ok(()))
            .await
            .expect("an office");
        earlier.push(LedgerStore(&store).snapshot(today, None).await.expect("taken"));
        issue(&store, &second, 20..31).await;
        issue(&store, &first, 40..45).await;
        let now = LedgerStore(&store).snapshot(today, None).await.expect("taken");
        earlier.push(copy(&now));
        for snapshot in &earlier {
            let changes =
                LedgerStore(&store).snapshot_changes(&now, snapshot.root).await.expect("read");
            let changes = changes.expect("its root is known");
            let updated = copy(snapshot).update(changes).expect("brought up to date");
            assert!(as_text(&updated) == as_text(&now));
        }
        // Only the offices that changed since the last one, with only what changed.
        let changes =
            LedgerStore(&store).snapshot_changes(&now, earlier[2].root).await.expect("read");
        let changes = changes.expect("known");
        let counts: Vec<usize> = changes.offices.iter().map(|office| office.leaves.len()).collect();
        assert_eq!(counts, [5, 11]);
        let unknown = StateRoot::from_field(Fr::from(5u64));
        assert!(LedgerStore(&store).snapshot_changes(&now, unknown).await.expect("read").is_none());

        // A root that occurs again: one place was used and emptied, and then one more used.
        let third = OfficeStore(&store)
            .new_office("Third", &RESIDENT, |_| Ok(()))
            .await
            .expect("an office");
        let before = LedgerStore(&store).snapshot(today, None).await.expect("taken");
        for people in [60..61, 61..62] {
            let numbers = issue(&store, &third, people).await;
            let now = LedgerStore(&store).snapshot(today, None).await.expect("taken");
            let changes =
                LedgerStore(&store).snapshot_changes(&now, before.root).await.expect("read");
            let updated =
                copy(&before).update(changes.expect("known")).expect("brought up to date");
            assert!(as_text(&updated) == as_text(&now));
            OfficeStore(&store).revoke(&third, &numbers).await.expect("revoked");
            let again = LedgerStore(&store).snapshot(today, None).await.expect("taken");
            assert!(again.root == before.root, "as if nobody had ever been there");
        }

        // Each part of the changes is checked.
        let refused = |altered: SnapshotChanges| copy(&earlier[2]).update(altered).err().is_some();
        let altered = |alter: &dyn Fn(&mut SnapshotChanges)| {
            let mut changes = changes.clone();
            alter(&mut changes);
            changes
        };
        assert!(!refused(changes.clone()));
        assert!(refused(altered(&|c| c.since = now.root)));
        assert!(refused(altered(&|c| c.root = earlier[2].root)));
        assert!(refused(altered(&|c| c.offices[0].leaves[2].1 = "7".to_owned())));
        assert!(refused(altered(&|c| c.offices[0].leaves[2].1 = "x".to_owned())));
        assert!(refused(altered(&|c| _ = c.offices[0].leaves.remove(2))));
        assert!(refused(altered(&|c| _ = c.offices[0].leaves.pop())));
        assert!(refused(altered(&|c| c.offices[0].leaves[4].0 = usize::MAX)));
        assert!(refused(altered(&|c| _ = c.offices.pop())));
        assert!(refused(altered(&|c| c.offices[0].live += 1)));
        assert!(refused(altered(&|c| c.offices[1].root = c.offices[0].root)));
        assert!(refused(altered(&|c| c.offices[1].office = OfficeId(7))));
    }
}
