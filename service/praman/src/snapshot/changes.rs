//! What has changed since a snapshot, so that a wallet or kiosk that has one need not take it all again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::context::Context;
use praman_circuits::credential::SchemaId;
use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::office::{OfficeId, OfficeRoot, OfficeTree, StateRoot};
use praman_circuits::period::Day;
use serde::{Deserialize, Serialize};

use super::{OfficeSnapshot, Snapshot};
use crate::error::ServiceError;
use crate::files;
use crate::store::{Store, TreeName, TreeVersion};

const FORMAT: &str = "praman-snapshot-changes-1";

/// Changed leaves at most, state's and offices': who is further behind takes the snapshot, which is made
/// once for all.
pub const CHANGES_MAX: usize = 16_384;

/// The offices that have changed since a state root was the root, with their changed leaves. Inner nodes
/// are left out: who brings a snapshot up to date hashes them, and so checks every leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotChanges {
    format: String,
    /// The root of the snapshot that they bring up to date.
    pub since: StateRoot,
    /// The root that they lead to.
    pub root: StateRoot,
    /// The day of the newer snapshot.
    pub as_of: Day,
    /// What binds proofs to the ledger, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The offices, by number.
    pub offices: Vec<OfficeChanges>,
}

/// An office that has changed, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeChanges {
    /// Its number.
    pub office: OfficeId,
    /// Its name.
    pub name: String,
    /// The schema that it may issue.
    pub schema: SchemaId,
    /// The root of its tree.
    pub root: OfficeRoot,
    /// How many credentials are live.
    pub live: usize,
    /// Whether it stands: one that is barred or retired has an empty leaf.
    #[serde(default = "super::stands", skip_serializing_if = "super::is_standing")]
    pub standing: bool,
    /// Whether only its root is told: its tree is another folder's, or older than what is kept here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root_only: bool,
    /// Its changed leaves, by place.
    pub leaves: Vec<LeafChange>,
}

/// A leaf as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafChange(
    /// Its place in the office's tree.
    pub usize,
    String,
);

impl LeafChange {
    fn new(place: usize, leaf: Fr) -> Self {
        Self(place, to_decimal(leaf))
    }

    /// Its value.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if it is no field element.
    pub fn value(&self) -> Result<Fr, ServiceError> {
        parse_decimal(&self.1)
            .map_err(|error| ServiceError::WrongUse(format!("leaf {} is {error}", self.0)))
    }
}

impl Store {
    /// What a snapshot has that is new since a root was the root; nothing if it never was, or so long ago
    /// that nobody knows or more than [`CHANGES_MAX`] leaves have changed.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn snapshot_changes(
        &self,
        snapshot: &Snapshot,
        since: StateRoot,
    ) -> Result<Option<SnapshotChanges>, ServiceError> {
        let mut reading = self.begin_reading().await?;
        let Some(version) = TreeVersion::of_root(&mut reading, since).await? else {
            return Ok(None);
        };
        let changed = version.leaves_changed_since(&mut reading, CHANGES_MAX + 1).await?;
        reading.rollback().await?;
        if changed.len() > CHANGES_MAX {
            return Ok(None);
        }
        // What has changed after the snapshot too is taken as the snapshot has it.
        let mut offices = BTreeSet::new();
        let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (tree, place) in changed {
            match tree {
                TreeName::State => _ = offices.insert(place),
                TreeName::Office(office) => places.entry(office).or_default().push(place),
                // These lie under no state root.
                TreeName::Records(_) | TreeName::Consents(_) | TreeName::Ledger => {}
            }
        }
        let offices = snapshot.offices.iter().filter(|o| offices.contains(&(o.office.0 as usize)));
        let changes = offices.map(|office| {
            let leaves = office.tree.as_ref().map_or(&[][..], OfficeTree::leaves);
            let changed = places.get(&office.office.0).into_iter().flatten();
            OfficeChanges {
                office: office.office,
                name: office.name.clone(),
                schema: office.schema,
                root: office.root,
                live: office.live,
                standing: office.standing,
                root_only: office.tree.is_none(),
                leaves: changed
                    .filter_map(|&place| Some(LeafChange::new(place, *leaves.get(place)?)))
                    .collect(),
            }
        });
        Ok(Some(SnapshotChanges {
            format: FORMAT.to_owned(),
            since,
            root: snapshot.root,
            as_of: snapshot.as_of,
            context: snapshot.context,
            offices: changes.collect(),
        }))
    }
}

impl SnapshotChanges {
    /// Reads changes; [`Snapshot::update`] checks them.
    ///
    /// # Errors
    /// [`ServiceError`] if the file holds none.
    pub fn read(path: &Path) -> Result<Self, ServiceError> {
        let changes: Self = files::read_json(path)?;
        if changes.format != FORMAT {
            let reason = "not a snapshot's changes of a form known here";
            return Err(ServiceError::malformed(path, reason));
        }
        Ok(changes)
    }
}

impl Snapshot {
    /// Brings a snapshot up to date. Every tree is hashed anew where it has changed and must come to the
    /// root that is told.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if the changes are of another snapshot, or do not lead to their root.
    pub fn update(mut self, changes: SnapshotChanges) -> Result<Self, ServiceError> {
        let wrong = |reason: String| ServiceError::WrongUse(reason);
        if changes.since != self.root {
            return Err(wrong(format!(
                "the changes are since root {}, and the snapshot's root is {}",
                changes.since, self.root
            )));
        }
        for office in changes.offices {
            let number = office.office.0 as usize;
            if number > self.offices.len() {
                return Err(wrong(format!("the changes leave out an office before {number}")));
            }
            if number == self.offices.len() {
                self.offices.push(OfficeSnapshot::empty(&office));
            }
            let known = &mut self.offices[number];
            if office.root_only {
                known.tree = None;
            } else if let Some(tree) = &mut known.tree {
                replace_leaves(tree, &office.leaves)?;
                if tree.root() != office.root.to_field() || tree.live() != office.live {
                    return Err(wrong(format!(
                        "the changed leaves of office {number} do not make its root"
                    )));
                }
            }
            known.name = office.name;
            (known.schema, known.root, known.live) = (office.schema, office.root, office.live);
            known.standing = office.standing;
        }
        if self.state_tree()?.root() != changes.root.to_field() {
            return Err(wrong("the changed offices do not make the root".to_owned()));
        }
        (self.root, self.as_of, self.context) = (changes.root, changes.as_of, changes.context);
        Ok(self)
    }
}

impl OfficeSnapshot {
    fn empty(office: &OfficeChanges) -> Self {
        Self {
            office: office.office,
            name: office.name.clone(),
            schema: office.schema,
            root: office.root,
            live: 0,
            standing: office.standing,
            tree: Some(OfficeTree::new()),
        }
    }
}

/// Replaces leaves and appends those behind the last.
fn replace_leaves(tree: &mut OfficeTree, changes: &[LeafChange]) -> Result<(), ServiceError> {
    let used = tree.len();
    let mut appended = Vec::new();
    for change in changes {
        let (place, value) = (change.0, change.value()?);
        if place < used {
            tree.replace(place, value)?;
        } else if place == used + appended.len() {
            appended.push(value);
        } else {
            let reason = format!("the changes leave out a place before {place}");
            return Err(ServiceError::WrongUse(reason));
        }
    }
    tree.append(&appended)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_store::MasterKey;
    use crate::office_key::OfficeKey;
    use crate::offices::{Application, Validity};
    use crate::schema::RESIDENT;
    use crate::wallet::Wallet;

    /// Register numbers that were issued to.
    async fn issue(store: &Store, key: &OfficeKey, people: std::ops::Range<usize>) -> Vec<String> {
        let register =
            crate::register::check(crate::demo::SAMPLE_REGISTER, crate::calendar::today(), |_| ());
        let register = register.expect("the sample");
        let people = &register.people()[people];
        let applications = people
            .iter()
            .map(|person| Application::new(person, Wallet::generate().subject()))
            .collect();
        let validity = Validity::from_today(crate::calendar::today());
        let issuing = store
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
        let today = crate::calendar::today();
        let first = store.new_office("First", &RESIDENT, |_| Ok(())).await.expect("an office");
        let mut earlier = vec![store.snapshot(today, None).await.expect("taken")];
        let numbers = issue(&store, &first, 0..9).await;
        earlier.push(store.snapshot(today, None).await.expect("taken"));
        store.revoke(&first, &numbers[3..5]).await.expect("revoked");
        let second = store.new_office("Second", &RESIDENT, |_| Ok(())).await.expect("an office");
        earlier.push(store.snapshot(today, None).await.expect("taken"));
        issue(&store, &second, 20..31).await;
        issue(&store, &first, 40..45).await;
        let now = store.snapshot(today, None).await.expect("taken");
        earlier.push(copy(&now));
        for snapshot in &earlier {
            let changes = store.snapshot_changes(&now, snapshot.root).await.expect("read");
            let changes = changes.expect("its root is known");
            let updated = copy(snapshot).update(changes).expect("brought up to date");
            assert!(as_text(&updated) == as_text(&now));
        }
        // Of the last only the offices that changed, with no more than what changed.
        let changes = store.snapshot_changes(&now, earlier[2].root).await.expect("read");
        let changes = changes.expect("known");
        let counts: Vec<usize> = changes.offices.iter().map(|office| office.leaves.len()).collect();
        assert_eq!(counts, [5, 11]);
        let unknown = StateRoot::from_field(Fr::from(5u64));
        assert!(store.snapshot_changes(&now, unknown).await.expect("read").is_none());

        // A root that comes again: one place was used and emptied, and then one more used.
        let third = store.new_office("Third", &RESIDENT, |_| Ok(())).await.expect("an office");
        let before = store.snapshot(today, None).await.expect("taken");
        for people in [60..61, 61..62] {
            let numbers = issue(&store, &third, people).await;
            let now = store.snapshot(today, None).await.expect("taken");
            let changes = store.snapshot_changes(&now, before.root).await.expect("read");
            let updated =
                copy(&before).update(changes.expect("known")).expect("brought up to date");
            assert!(as_text(&updated) == as_text(&now));
            store.revoke(&third, &numbers).await.expect("revoked");
            let again = store.snapshot(today, None).await.expect("taken");
            assert!(again.root == before.root, "as if nobody had ever been there");
        }

        // Each thing that is told is checked.
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
