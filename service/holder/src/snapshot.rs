//! The public snapshot: a wallet takes its paths from it without revealing whose they are.

mod changes;

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
use praman_files::{self as files, FileError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::HolderError;
pub use changes::{CHANGES_MAX, LeafChange, OfficeChanges, SnapshotChanges};

const FORMAT: &str = "praman-snapshot-1";

/// All offices with their roots, and the trees of the requested ones.
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
    /// Whether it is in good standing: one that the ledger has barred or retired, or does not know, has an
    /// empty leaf.
    #[serde(default = "stands", skip_serializing_if = "is_standing")]
    pub standing: bool,
    /// The nodes of its tree by level, leaves first; absent if only the root was requested.
    #[serde(default, rename = "levels", with = "levels", skip_serializing_if = "Option::is_none")]
    pub tree: Option<OfficeTree>,
}

impl OfficeSnapshot {
    /// Returns how many places were ever used; none if only the root was requested.
    pub fn places(&self) -> usize {
        self.tree.as_ref().map_or(0, OfficeTree::len)
    }
}

/// The standing of all offices in a file from before offices could be barred.
fn stands() -> bool {
    true
}

fn is_standing(standing: &bool) -> bool {
    *standing
}

/// A tree's nodes by level, in decimal.
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

impl Snapshot {
    /// Creates a snapshot of offices, in the order of their numbers, whose roots give the state root.
    pub fn new(
        root: StateRoot,
        as_of: Day,
        context: Option<Context>,
        offices: Vec<OfficeSnapshot>,
    ) -> Self {
        Self { format: FORMAT.to_owned(), root, as_of, context, offices }
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`HolderError`] if the file is invalid, or its offices do not give its root.
    pub fn read(path: &Path) -> Result<Self, HolderError> {
        let snapshot: Self = files::read_json(path)?;
        snapshot.checked(|reason| FileError::malformed(path, reason).into())
    }

    /// Reads a snapshot as returned by a service.
    ///
    /// # Errors
    /// [`HolderError::Unfit`] if the text is invalid, or its offices do not give its root.
    pub fn from_json(text: &str) -> Result<Self, HolderError> {
        let fault = |reason: &str| HolderError::Unfit(format!("the snapshot: {reason}"));
        let snapshot: Self =
            serde_json::from_str(text).map_err(|error| fault(&files::json_fault(&error)))?;
        snapshot.checked(fault)
    }

    /// Returns it if its offices make its root.
    fn checked(self, fault: impl Fn(&str) -> HolderError) -> Result<Self, HolderError> {
        if self.format != FORMAT {
            return Err(fault("not a snapshot in a known format"));
        }
        let mut numbered = self.offices.iter().enumerate();
        if numbered.any(|(place, office)| office.office.0 as usize != place) {
            return Err(fault("the offices are not in the order of their numbers"));
        }
        if self.state_tree()?.root() != self.root.to_field() {
            return Err(fault("the offices' roots do not make the snapshot's root"));
        }
        Ok(self)
    }

    /// Returns what claims with this snapshot are made against.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { state_root: self.root, as_of: self.as_of }
    }

    /// Returns the tree of the offices' leaves.
    ///
    /// # Errors
    /// [`HolderError::Tree`] if there are more than a state can have.
    pub fn state_tree(&self) -> Result<StateTree, HolderError> {
        let leaf = |office: &OfficeSnapshot| match office.standing {
            true => office_leaf(office.office, office.schema, office.root).to_field(),
            false => empty_leaf(),
        };
        let mut tree = StateTree::new();
        tree.append(&self.offices.iter().map(leaf).collect::<Vec<_>>())?;
        Ok(tree)
    }

    /// Returns the tree of an office. Its inner nodes are not checked: a wrong one leads to another root, and
    /// no proof can be made with it.
    ///
    /// # Errors
    /// [`HolderError::Unfit`] if the snapshot lacks it.
    pub fn office_tree(&self, office: OfficeId) -> Result<&OfficeTree, HolderError> {
        let tree = self.offices.get(office.0 as usize).and_then(|office| office.tree.as_ref());
        tree.ok_or_else(|| {
            let reason = format!("the snapshot has no tree of office {}", office.0);
            HolderError::Unfit(reason)
        })
    }

    /// Returns the path from an office's leaf to the state root.
    ///
    /// # Errors
    /// [`HolderError::Tree`] if there is no such office; [`HolderError::NotStanding`].
    pub fn state_path(&self, office: OfficeId) -> Result<TreePath<STATE_DEPTH>, HolderError> {
        if self.offices.get(office.0 as usize).is_some_and(|office| !office.standing) {
            return Err(HolderError::NotStanding(office.0));
        }
        Ok(self.state_tree()?.path(office.0 as usize)?)
    }
}

/// Returns the path from a credential to its office's root.
///
/// # Errors
/// [`HolderError::Tree`] if the place was never used.
pub fn office_path(
    tree: &OfficeTree,
    position: usize,
) -> Result<TreePath<OFFICE_DEPTH>, HolderError> {
    Ok(tree.path(position)?)
}
