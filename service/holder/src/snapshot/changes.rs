//! What has changed since a snapshot, so that a wallet or kiosk that has one need not fetch it all again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::context::Context;
use praman_circuits::credential::SchemaId;
use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::office::{OfficeId, OfficeRoot, OfficeTree, StateRoot};
use praman_circuits::period::Day;
use praman_files::{self as files, FileError};
use serde::{Deserialize, Serialize};

use super::{OfficeSnapshot, Snapshot};
use crate::HolderError;

const FORMAT: &str = "praman-snapshot-changes-1";

/// The most changed leaves, the state's and the offices': a client further behind fetches the snapshot, which is made
/// once for all.
pub const CHANGES_MAX: usize = 16_384;

/// The offices that have changed since a state root, with their changed leaves. Inner nodes are left out: updating a
/// snapshot hashes them, and so checks every leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotChanges {
    format: String,
    /// The root of the snapshot that they update.
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
    /// Whether it is in good standing: one that is barred or retired has an empty leaf.
    #[serde(default = "super::stands", skip_serializing_if = "super::is_standing")]
    pub standing: bool,
    /// Whether only its root is given: its tree is another folder's, or older than what is stored here.
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
    /// Its value, in decimal.
    pub String,
);

impl LeafChange {
    fn new(place: usize, leaf: Fr) -> Self {
        Self(place, to_decimal(leaf))
    }

    /// Returns its value.
    ///
    /// # Errors
    /// [`HolderError::Unfit`] if it is not a field element.
    pub fn value(&self) -> Result<Fr, HolderError> {
        parse_decimal(&self.1)
            .map_err(|error| HolderError::Unfit(format!("leaf {} is {error}", self.0)))
    }
}

impl SnapshotChanges {
    /// Reads changes; [`Snapshot::update`] checks them.
    ///
    /// # Errors
    /// [`HolderError`] if the file holds none.
    pub fn read(path: &Path) -> Result<Self, HolderError> {
        let changes: Self = files::read_json(path)?;
        if changes.format != FORMAT {
            let reason = "not a snapshot's changes in a known format";
            return Err(FileError::malformed(path, reason).into());
        }
        Ok(changes)
    }
}

impl Snapshot {
    /// Returns what is new in the snapshot since a root: some offices, and some places in the trees of some of them.
    pub fn changes_since(
        &self,
        since: StateRoot,
        offices: &BTreeSet<usize>,
        places: &BTreeMap<u32, Vec<usize>>,
    ) -> SnapshotChanges {
        let offices = self.offices.iter().filter(|o| offices.contains(&(o.office.0 as usize)));
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
        SnapshotChanges {
            format: FORMAT.to_owned(),
            since,
            root: self.root,
            as_of: self.as_of,
            context: self.context,
            offices: changes.collect(),
        }
    }

    /// Updates a snapshot. Every changed part of a tree is hashed again and must give the stated root.
    ///
    /// # Errors
    /// [`HolderError::Unfit`] if the changes are for another snapshot, or do not lead to their root.
    pub fn update(mut self, changes: SnapshotChanges) -> Result<Self, HolderError> {
        let wrong = |reason: String| HolderError::Unfit(reason);
        if changes.since != self.root {
            return Err(wrong(format!(
                "the changes begin at root {}, but the snapshot's root is {}",
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

/// Replaces leaves and appends those after the last.
fn replace_leaves(tree: &mut OfficeTree, changes: &[LeafChange]) -> Result<(), HolderError> {
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
            return Err(HolderError::Unfit(reason));
        }
    }
    tree.append(&appended)?;
    Ok(())
}
