//! The public snapshot: from it a wallet takes its paths without telling whose they are.

mod changes;

use std::collections::BTreeMap;
use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::context::Context;
use praman_circuits::credential::SchemaId;
use praman_circuits::eligibility::Checkpoint;
use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::merkle::{Path as TreePath, empty_leaf};
use praman_circuits::office::{
    OFFICE_DEPTH, OfficeId, OfficeRoot, OfficeTree, STATE_DEPTH, StateRoot, StateTree, office_leaf,
};
use praman_circuits::period::Day;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::AnyConnection;

use crate::error::ServiceError;
use crate::files;
use crate::offices::{Office, read_offices, standing};

use crate::store::{Store, TreeName, read_tree};

pub use changes::{CHANGES_MAX, LeafChange, OfficeChanges, SnapshotChanges};

const FORMAT: &str = "praman-snapshot-1";

/// All offices with their roots, and the trees of those that were asked for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    format: String,
    /// The state root.
    pub root: StateRoot,
    /// The day that the snapshot was taken.
    pub as_of: Day,
    /// What binds proofs to the ledger, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The offices, by number.
    pub offices: Vec<OfficeSnapshot>,
}

/// An office in a snapshot.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeSnapshot {
    /// Its number.
    pub office: OfficeId,
    /// Its name.
    pub name: String,
    /// The schema that it may issue.
    pub schema: SchemaId,
    /// The root of its tree.
    pub root: OfficeRoot,
    /// How many credentials are live: ghosts can be counted.
    pub live: usize,
    /// Whether it stands: one that the ledger has barred or retired, or does not know, has an empty leaf.
    #[serde(default = "stands", skip_serializing_if = "is_standing")]
    pub standing: bool,
    /// The nodes of its tree by level, leaves first; absent where only the root was asked for.
    #[serde(default, rename = "levels", with = "levels", skip_serializing_if = "Option::is_none")]
    tree: Option<OfficeTree>,
}

impl OfficeSnapshot {
    /// Places that were ever used; none where only the root was asked for.
    pub fn places(&self) -> usize {
        self.tree.as_ref().map_or(0, OfficeTree::len)
    }
}

/// What a file of before offices could be barred says of all of them.
fn stands() -> bool {
    true
}

fn is_standing(standing: &bool) -> bool {
    *standing
}

/// A tree as its nodes by level, in decimal.
mod levels {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        tree: &Option<OfficeTree>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let level = |level: &Vec<Fr>| level.iter().map(|&node| to_decimal(node)).collect();
        let levels: Option<Vec<Vec<String>>> =
            tree.as_ref().map(|tree| tree.levels().iter().map(level).collect());
        levels.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<OfficeTree>, D::Error> {
        let Some(levels) = Option::<Vec<Vec<String>>>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let node = |text: &String| parse_decimal(text).map_err(D::Error::custom);
        let levels = levels
            .iter()
            .map(|level| level.iter().map(node).collect())
            .collect::<Result<Vec<Vec<Fr>>, _>>()?;
        OfficeTree::from_levels(levels).map(Some).map_err(D::Error::custom)
    }
}

impl Store {
    /// Takes a snapshot with the tree of one office, or of all.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if there is no such office.
    pub async fn snapshot(&self, as_of: Day, only: Option<&str>) -> Result<Snapshot, ServiceError> {
        // Its context was there before, or is not yet: it never changes.
        let context = self.ledger_context().await?;
        // In one transaction, or an office that issues meanwhile leaves roots that do not fit.
        let mut reading = self.begin_reading().await?;
        let offices = read_offices(&mut reading).await?;
        if let Some(name) = only.filter(|name| offices.iter().all(|office| office.name != *name)) {
            return Err(ServiceError::WrongUse(format!("there is no office {name:?}")));
        }
        let state: StateTree = read_tree(&mut reading, TreeName::State).await?;
        let mut offices = offices.into_iter().map(|office| (office.id, office)).collect();
        let mut snapshots = Vec::with_capacity(state.len());
        for number in 0..state.len() as u32 {
            snapshots.push(office_snapshot(&mut reading, number, &mut offices, only).await?);
        }
        reading.rollback().await?;
        let root = StateRoot::from_field(state.root());
        Ok(Snapshot { format: FORMAT.to_owned(), root, as_of, context, offices: snapshots })
    }
}

/// The office of a number: of this store, with its tree where it is asked for and as new as its root; of
/// another folder, by what the ledger has of it; or nobody's.
async fn office_snapshot(
    reading: &mut AnyConnection,
    number: u32,
    own: &mut BTreeMap<OfficeId, Office>,
    only: Option<&str>,
) -> Result<OfficeSnapshot, ServiceError> {
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

impl Snapshot {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`ServiceError`] if the file is none, or its offices do not make its root.
    pub fn read(path: &Path) -> Result<Self, ServiceError> {
        let snapshot: Self = files::read_json(path)?;
        let fault = |reason: &str| Err(ServiceError::malformed(path, reason));
        if snapshot.format != FORMAT {
            return fault("not a snapshot of a form known here");
        }
        let numbered = snapshot.offices.iter().enumerate();
        if numbered.clone().any(|(place, office)| office.office.0 as usize != place) {
            return fault("the offices are not in the order of their numbers");
        }
        if snapshot.state_tree()?.root() != snapshot.root.to_field() {
            return fault("the offices' roots do not make the snapshot's root");
        }
        Ok(snapshot)
    }

    /// What claims by this snapshot are made against.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { state_root: self.root, as_of: self.as_of }
    }

    pub(crate) fn state_tree(&self) -> Result<StateTree, ServiceError> {
        let leaf = |office: &OfficeSnapshot| match office.standing {
            true => office_leaf(office.office, office.schema, office.root).to_field(),
            false => empty_leaf(),
        };
        let mut tree = StateTree::new();
        tree.append(&self.offices.iter().map(leaf).collect::<Vec<_>>())?;
        Ok(tree)
    }

    /// The tree of an office. Its inner nodes are taken as they come: a wrong one leads to another
    /// root, and no proof comes of it.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if the snapshot lacks it.
    pub fn office_tree(&self, office: OfficeId) -> Result<&OfficeTree, ServiceError> {
        let tree = self.offices.get(office.0 as usize).and_then(|office| office.tree.as_ref());
        tree.ok_or_else(|| {
            let reason = format!("the snapshot has no tree of office {}", office.0);
            ServiceError::WrongUse(reason)
        })
    }

    /// The path from an office's leaf to the state root.
    ///
    /// # Errors
    /// [`ServiceError::Tree`] if there is no such office; [`ServiceError::Refused`] if it does not stand.
    pub fn state_path(&self, office: OfficeId) -> Result<TreePath<STATE_DEPTH>, ServiceError> {
        if self.offices.get(office.0 as usize).is_some_and(|office| !office.standing) {
            return Err(ServiceError::Refused(format!(
                "office {} does not stand on the ledger: it is suspended, debarred, retired or not \
                 accredited yet; ask the department, and take a new snapshot afterwards",
                office.0
            )));
        }
        Ok(self.state_tree()?.path(office.0 as usize)?)
    }
}

/// The path from a credential to its office's root.
///
/// # Errors
/// [`ServiceError::Tree`] if the place was never used.
pub fn office_path(
    tree: &OfficeTree,
    position: usize,
) -> Result<TreePath<OFFICE_DEPTH>, ServiceError> {
    Ok(tree.path(position)?)
}
