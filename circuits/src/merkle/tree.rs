//! A whole tree, kept so that one change costs one path.

use std::ops::Range;

use ark_bn254::Fr;
use rayon::prelude::*;

use super::{ARITY, Path, empty_nodes};
use crate::poseidon;

/// Why a tree can't do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// More leaves than the depth has places for.
    #[error("the tree has room for {capacity} leaves, {wanted} were to be in it")]
    Full {
        /// Places in the tree.
        capacity: usize,
        /// Leaves that were to be in it.
        wanted: usize,
    },
    /// No leaf was ever put there.
    #[error("there is no leaf {index} in a tree of {leaves} leaves")]
    NoSuchLeaf {
        /// The place asked for.
        index: usize,
        /// Places used so far.
        leaves: usize,
    },
    /// Stored levels of a tree of another depth.
    #[error("the stored tree has {found} levels instead of {expected}")]
    WrongDepth {
        /// Levels found, the leaves' included.
        found: usize,
        /// Levels of the tree.
        expected: usize,
    },
    /// Stored nodes that do not make a tree.
    #[error("level {level} of the stored tree has {found} nodes where {expected} belong")]
    Malformed {
        /// The level, leaves being 0.
        level: usize,
        /// Nodes found.
        found: usize,
        /// Nodes that the level below asks for.
        expected: usize,
    },
}

/// A node that changed, for a store to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// Leaves are level 0.
    pub level: usize,
    /// Position in its level.
    pub index: usize,
    /// The new value.
    pub value: Fr,
}

/// An 8-ary tree with `DEPTH` levels above its leaves.
///
/// Only the used prefix of each level is kept; what lies right of it is empty.
///
/// ```
/// use ark_bn254::Fr;
/// use praman_circuits::merkle::{Tree, root_of};
///
/// let mut tree = Tree::<6>::new();
/// tree.append(&[Fr::from(7u64), Fr::from(8u64)])?;
/// let path = tree.path(1)?;
/// assert_eq!(root_of(Fr::from(8u64), &path), Some(tree.root()));
/// # Ok::<(), praman_circuits::merkle::TreeError>(())
/// ```
#[derive(Clone)]
pub struct Tree<const DEPTH: usize> {
    /// `levels[0]` are the leaves; `levels[DEPTH]` has the root, once there is a leaf.
    levels: Vec<Vec<Fr>>,
    /// The value of an empty subtree of each height.
    empty: Vec<Fr>,
}

impl<const DEPTH: usize> Default for Tree<DEPTH> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const DEPTH: usize> Tree<DEPTH> {
    /// Places for leaves.
    pub const CAPACITY: usize = ARITY.pow(DEPTH as u32);

    /// A tree without leaves.
    pub fn new() -> Self {
        Self { levels: vec![Vec::new(); DEPTH + 1], empty: empty_nodes::<DEPTH>() }
    }

    /// A tree from levels that this program stored, leaves first, without hashing anything again.
    ///
    /// The inner nodes are taken on trust: for leaves from elsewhere use [`Tree::append`].
    ///
    /// # Errors
    /// [`TreeError::Malformed`] or [`TreeError::Full`] if the levels can't belong to one tree.
    pub fn from_levels(levels: Vec<Vec<Fr>>) -> Result<Self, TreeError> {
        if levels.len() != DEPTH + 1 {
            return Err(TreeError::WrongDepth { found: levels.len(), expected: DEPTH + 1 });
        }
        let leaves = levels[0].len();
        check_room(leaves, Self::CAPACITY)?;
        let mut expected = leaves;
        for (level, nodes) in levels.iter().enumerate() {
            if nodes.len() != expected {
                let found = nodes.len();
                return Err(TreeError::Malformed { level, found, expected });
            }
            expected = expected.div_ceil(ARITY);
        }
        Ok(Self { levels, ..Self::new() })
    }

    /// The root.
    pub fn root(&self) -> Fr {
        self.levels[DEPTH].first().copied().unwrap_or(self.empty[DEPTH])
    }

    /// Places used so far, emptied ones included.
    pub fn len(&self) -> usize {
        self.levels[0].len()
    }

    /// Whether no leaf was ever put in.
    pub fn is_empty(&self) -> bool {
        self.levels[0].is_empty()
    }

    /// Leaves that are not empty.
    pub fn live(&self) -> usize {
        self.levels[0].iter().filter(|&&leaf| leaf != self.empty[0]).count()
    }

    /// The leaves, in order of their places.
    pub fn leaves(&self) -> &[Fr] {
        &self.levels[0]
    }

    /// The used nodes of every level, leaves first, as [`Tree::from_levels`] takes them.
    pub fn levels(&self) -> &[Vec<Fr>] {
        &self.levels
    }

    /// The leaf at a place, empty beyond the used ones.
    pub fn leaf(&self, index: usize) -> Fr {
        self.levels[0].get(index).copied().unwrap_or(self.empty[0])
    }

    /// The path of the leaf at a place.
    ///
    /// # Errors
    /// [`TreeError::NoSuchLeaf`] beyond the used places.
    pub fn path(&self, index: usize) -> Result<Path<DEPTH>, TreeError> {
        if index >= self.len() {
            return Err(TreeError::NoSuchLeaf { index, leaves: self.len() });
        }
        Ok(Path::new(std::array::from_fn(|level| {
            self.children(level + 1, index / ARITY.pow(level as u32 + 1))
        })))
    }

    /// Adds leaves at the next free places and returns the nodes that changed.
    ///
    /// Hashes each touched node once, on all cores.
    ///
    /// # Errors
    /// [`TreeError::Full`]; the tree is then unchanged.
    pub fn append(&mut self, leaves: &[Fr]) -> Result<Vec<NodeChange>, TreeError> {
        let first = self.len();
        check_room(first + leaves.len(), Self::CAPACITY)?;
        self.levels[0].extend_from_slice(leaves);
        Ok(self.rehash(first..first + leaves.len()))
    }

    /// Replaces one leaf and returns the nodes that changed: one a level.
    ///
    /// # Errors
    /// [`TreeError::NoSuchLeaf`] beyond the used places.
    pub fn replace(&mut self, index: usize, leaf: Fr) -> Result<Vec<NodeChange>, TreeError> {
        let leaves = self.len();
        let place = self.levels[0].get_mut(index).ok_or(TreeError::NoSuchLeaf { index, leaves })?;
        *place = leaf;
        Ok(self.rehash(index..index + 1))
    }

    /// Empties one leaf: the credential there is revoked.
    ///
    /// # Errors
    /// [`TreeError::NoSuchLeaf`] beyond the used places.
    pub fn empty(&mut self, index: usize) -> Result<Vec<NodeChange>, TreeError> {
        self.replace(index, self.empty[0])
    }

    fn children(&self, level: usize, index: usize) -> [Fr; ARITY] {
        let below = &self.levels[level - 1];
        std::array::from_fn(|child| {
            below.get(index * ARITY + child).copied().unwrap_or(self.empty[level - 1])
        })
    }

    fn rehash(&mut self, mut changed: Range<usize>) -> Vec<NodeChange> {
        let mut changes = Vec::new();
        for level in 0..=DEPTH {
            if level > 0 {
                changed = changed.start / ARITY..changed.end.div_ceil(ARITY);
                let nodes: Vec<Fr> = changed
                    .clone()
                    .into_par_iter()
                    .with_min_len(16)
                    .map(|index| poseidon::hash(&self.children(level, index)))
                    .collect();
                let used = self.levels[level].len().max(changed.end);
                self.levels[level].resize(used, self.empty[level]);
                self.levels[level][changed.clone()].copy_from_slice(&nodes);
            }
            let nodes = &self.levels[level][changed.clone()];
            changes.extend(changed.clone().zip(nodes).map(|(index, &value)| NodeChange {
                level,
                index,
                value,
            }));
        }
        changes
    }
}

fn check_room(wanted: usize, capacity: usize) -> Result<(), TreeError> {
    if wanted > capacity { Err(TreeError::Full { capacity, wanted }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::merkle::{empty_leaf, root_of};

    /// The root by the definition: all places of all levels.
    fn root_by_definition(leaves: &[Fr], depth: usize) -> Fr {
        let mut level = leaves.to_vec();
        level.resize(ARITY.pow(depth as u32), empty_leaf());
        for _ in 0..depth {
            level = level.chunks(ARITY).map(poseidon::hash).collect();
        }
        level[0]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_history_gives_the_defined_root_and_the_stored_tree(
            batches in prop::collection::vec(0usize..40, 1..4),
            replaced in prop::collection::vec((0usize..100, any::<u64>()), 0..6),
        ) {
            let mut tree = Tree::<3>::new();
            let mut leaves = Vec::new();
            let mut stored = vec![Vec::new(); 4];
            let mut store = |changes: Vec<NodeChange>| {
                for NodeChange { level, index, value } in changes {
                    let level: &mut Vec<Fr> = &mut stored[level];
                    level.resize(level.len().max(index + 1), Fr::from(0u64));
                    level[index] = value;
                }
            };
            for batch in batches {
                let batch: Vec<_> = (0..batch as u64).map(|i| Fr::from(i + 1)).collect();
                store(tree.append(&batch).expect("room"));
                leaves.extend(batch);
            }
            for (index, value) in replaced {
                match tree.replace(index, Fr::from(value)) {
                    Ok(changes) => {
                        prop_assert_eq!(changes.len(), 4);
                        leaves[index] = Fr::from(value);
                        store(changes);
                    }
                    Err(error) => {
                        let expected = TreeError::NoSuchLeaf { index, leaves: leaves.len() };
                        prop_assert_eq!(error, expected);
                    }
                }
            }
            prop_assert_eq!(tree.root(), root_by_definition(&leaves, 3));
            let restored = Tree::<3>::from_levels(stored).expect("a tree");
            prop_assert_eq!(restored.root(), tree.root());
            for (index, &leaf) in leaves.iter().enumerate() {
                let path = restored.path(index).expect("used");
                prop_assert_eq!(root_of(leaf, &path), Some(tree.root()));
            }
        }
    }

    #[test]
    fn full_tree_and_malformed_levels_are_refused() {
        let mut tree = Tree::<1>::new();
        tree.append(&[Fr::from(1u64); 8]).expect("room for eight");
        let full = TreeError::Full { capacity: 8, wanted: 9 };
        assert_eq!(tree.append(&[Fr::from(1u64)]), Err(full));
        assert_eq!(tree.live(), 8);
        tree.empty(3).expect("used");
        assert_eq!((tree.len(), tree.live()), (8, 7));
        let malformed = Tree::<1>::from_levels(vec![vec![Fr::from(1u64)], vec![]]);
        let expected = TreeError::Malformed { level: 1, found: 0, expected: 1 };
        assert_eq!(malformed.err(), Some(expected));
        for levels in [vec![], vec![vec![]; 3]] {
            let expected = TreeError::WrongDepth { found: levels.len(), expected: 2 };
            assert_eq!(Tree::<1>::from_levels(levels).err(), Some(expected));
        }
    }
}
