//! A part of an office's tree: small enough to fetch, large enough to hide whose path is wanted.

use praman_circuits::Fr;
use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::merkle::{ARITY, Path as TreePath, Tree};
use praman_circuits::office::{OFFICE_DEPTH, OfficeId, OfficeRoot, OfficeTree};
use serde::{Deserialize, Serialize};

use crate::HolderError;

const SUBTREE_DEPTH: usize = 3;
const UPPER_LEVELS: usize = OFFICE_DEPTH - SUBTREE_DEPTH;

/// The leaves of a part: 512.
pub const SUBTREE_LEAVES: usize = ARITY.pow(SUBTREE_DEPTH as u32);

/// 512 leaves of an office's tree, and the nodes that lead from them to its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subtree {
    /// The office.
    pub office: OfficeId,
    /// The number of this part of 512 places.
    pub number: u32,
    /// The office's root.
    pub root: OfficeRoot,
    leaves: Vec<String>,
    upper_levels: [[String; ARITY]; UPPER_LEVELS],
}

impl Subtree {
    /// Returns a part of a tree; none if it never had a leaf.
    pub fn of(office: OfficeId, tree: &OfficeTree, number: u32) -> Option<Self> {
        let first = (number as usize).checked_mul(SUBTREE_LEAVES)?;
        let leaves = tree.leaves().get(first..).filter(|leaves| !leaves.is_empty())?;
        let path = tree.path(first).ok()?;
        let upper = &path.children()[SUBTREE_DEPTH..];
        Some(Self {
            office,
            number,
            root: OfficeRoot::from_field(tree.root()),
            leaves: leaves.iter().take(SUBTREE_LEAVES).copied().map(to_decimal).collect(),
            upper_levels: std::array::from_fn(|level| upper[level].map(to_decimal)),
        })
    }

    /// Returns the leaves and, by level above them, the node below with its siblings.
    pub fn elements(&self) -> Result<(Vec<Fr>, Vec<[Fr; ARITY]>), HolderError> {
        let read = |text: &String| {
            parse_decimal(text)
                .map_err(|error| HolderError::Unfit(format!("a node of the subtree is {error}")))
        };
        let leaves = self.leaves.iter().map(read).collect::<Result<_, _>>()?;
        let mut upper = Vec::with_capacity(UPPER_LEVELS);
        for level in &self.upper_levels {
            let mut children = [Fr::from(0u64); ARITY];
            for (child, text) in children.iter_mut().zip(level) {
                *child = read(text)?;
            }
            upper.push(children);
        }
        Ok((leaves, upper))
    }

    /// Returns the path of the credential at a place in the office's tree, checked against the root.
    ///
    /// # Errors
    /// [`HolderError::Unfit`] if the place is not in this part, or its nodes do not give its root.
    pub fn path(&self, position: usize) -> Result<TreePath<OFFICE_DEPTH>, HolderError> {
        let wrong = |reason: &str| HolderError::Unfit(reason.to_owned());
        let (leaves, upper) = self.elements()?;
        let within = position
            .checked_sub(self.number as usize * SUBTREE_LEAVES)
            .filter(|&within| within < leaves.len())
            .ok_or_else(|| wrong("the credential is not in this part of the tree"))?;
        let mut lower = Tree::<SUBTREE_DEPTH>::new();
        lower.append(&leaves)?;
        let below = lower.path(within)?;
        let path =
            TreePath::new(std::array::from_fn(|level| match level.checked_sub(SUBTREE_DEPTH) {
                None => below.children()[level],
                Some(level) => upper[level],
            }));
        let leads_to = praman_circuits::merkle::root_of(leaves[within], &path);
        if leads_to != Some(self.root.to_field()) {
            return Err(wrong("the subtree's nodes do not make its root"));
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(leaves: u64) -> OfficeTree {
        let mut tree = OfficeTree::new();
        tree.append(&(1..=leaves).map(Fr::from).collect::<Vec<_>>()).expect("room");
        tree
    }

    #[test]
    fn paths_are_those_of_the_whole_tree() {
        let tree = tree(1_100);
        for number in 0..3 {
            let part = Subtree::of(OfficeId(4), &tree, number).expect("there are leaves");
            for within in [0, 1, 75] {
                let position = number as usize * SUBTREE_LEAVES + within;
                assert!(part.path(position).expect("in it") == tree.path(position).expect("used"));
            }
        }
        assert_eq!(Subtree::of(OfficeId(4), &tree, 3), None);
        assert_eq!(Subtree::of(OfficeId(4), &tree, u32::MAX), None);
        assert_eq!(Subtree::of(OfficeId(4), &OfficeTree::new(), 0), None);
    }

    #[test]
    fn subtree_that_makes_another_root_is_refused() {
        let tree = tree(600);
        let part = Subtree::of(OfficeId(4), &tree, 1).expect("there are leaves");
        assert!(part.path(511).is_err());
        assert!(part.path(600).is_err());
        let mut altered = part.clone();
        altered.leaves[3] = "7".to_owned();
        assert!(altered.path(520).is_err());
        let mut altered = part.clone();
        altered.upper_levels[2][7] = "7".to_owned();
        assert!(altered.path(520).is_err());
        let mut altered = part;
        altered.upper_levels[0][0] = "x".to_owned();
        assert!(altered.path(520).is_err());
    }
}
