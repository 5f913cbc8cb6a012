//! The public snapshot: from it a wallet takes its paths without telling whose they are.

use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::context::Context;
use praman_circuits::credential::SchemaId;
use praman_circuits::eligibility::Checkpoint;
use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::merkle::Path as TreePath;
use praman_circuits::office::{
    OFFICE_DEPTH, OfficeId, OfficeRoot, OfficeTree, STATE_DEPTH, StateRoot, StateTree, office_leaf,
};
use praman_circuits::period::Day;
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;
use crate::files;
use crate::store::{Store, TreeName};

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
    /// The nodes of its tree by level, leaves first; absent where only the root was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    levels: Option<Vec<Vec<String>>>,
}

impl OfficeSnapshot {
    /// Places that were ever used; none where only the root was asked for.
    pub fn places(&self) -> usize {
        self.levels.as_ref().and_then(|levels| levels.first()).map_or(0, Vec::len)
    }
}

impl Store {
    /// Takes a snapshot with the tree of one office, or of all.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if there is no such office.
    pub async fn snapshot(&self, as_of: Day, only: Option<&str>) -> Result<Snapshot, ServiceError> {
        let offices = self.offices().await?;
        if let Some(name) = only.filter(|name| offices.iter().all(|office| office.name != *name)) {
            return Err(ServiceError::WrongUse(format!("there is no office {name:?}")));
        }
        let mut snapshots = Vec::with_capacity(offices.len());
        for office in offices {
            let tree: OfficeTree = self.tree(TreeName::Office(office.id.0)).await?;
            let whole = only.is_none_or(|name| name == office.name);
            snapshots.push(OfficeSnapshot {
                office: office.id,
                schema: office.schema.id,
                root: OfficeRoot::from_field(tree.root()),
                live: tree.live(),
                levels: whole.then(|| {
                    let texts =
                        |level: &Vec<Fr>| level.iter().map(|&node| to_decimal(node)).collect();
                    tree.levels().iter().map(texts).collect()
                }),
                name: office.name,
            });
        }
        let root = self.state_root().await?;
        let context = self.ledger_context().await?;
        Ok(Snapshot { format: FORMAT.to_owned(), root, as_of, context, offices: snapshots })
    }
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

    fn state_tree(&self) -> Result<StateTree, ServiceError> {
        let leaf = |office: &OfficeSnapshot| {
            office_leaf(office.office, office.schema, office.root).to_field()
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
    pub fn office_tree(&self, office: OfficeId) -> Result<OfficeTree, ServiceError> {
        let missing = || {
            let reason = format!("the snapshot has no tree of office {}", office.0);
            ServiceError::WrongUse(reason)
        };
        let snapshot = self.offices.get(office.0 as usize).ok_or_else(missing)?;
        let levels = snapshot.levels.as_ref().ok_or_else(missing)?;
        let node = |text: &String| {
            parse_decimal(text).map_err(|error| {
                ServiceError::WrongUse(format!("a node of the snapshot is {error}"))
            })
        };
        let levels = levels
            .iter()
            .map(|level| level.iter().map(node).collect())
            .collect::<Result<Vec<Vec<Fr>>, _>>()?;
        Ok(OfficeTree::from_levels(levels)?)
    }

    /// The path from an office's leaf to the state root.
    ///
    /// # Errors
    /// [`ServiceError::Tree`] if there is no such office.
    pub fn state_path(&self, office: OfficeId) -> Result<TreePath<STATE_DEPTH>, ServiceError> {
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
