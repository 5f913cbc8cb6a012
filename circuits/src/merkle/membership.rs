//! Paths from a leaf to a root.

use ark_bn254::Fr;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::ARITY;
use crate::constraint_system::{ConstraintSystem, Num};
use crate::poseidon;

/// The children of every node between a leaf and the root, lowest level first.
///
/// A path tells where a credential lies, so it wipes itself and does not print.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Path<const DEPTH: usize> {
    #[serde(with = "levels")]
    children: [[Fr; ARITY]; DEPTH],
}

impl<const DEPTH: usize> Path<DEPTH> {
    /// A path from the children of its nodes, lowest level first.
    pub fn new(children: [[Fr; ARITY]; DEPTH]) -> Self {
        Self { children }
    }

    /// The children of its nodes, lowest level first.
    pub fn children(&self) -> &[[Fr; ARITY]; DEPTH] {
        &self.children
    }

    /// The children, to be tampered with.
    #[doc(hidden)]
    pub fn children_mut(&mut self) -> &mut [[Fr; ARITY]; DEPTH] {
        &mut self.children
    }
}

/// The root that `path` leads to from `leaf`; `None` if at some level the node below is not among
/// the children. The twin of [`root_of_gadget`].
pub fn root_of<const DEPTH: usize>(leaf: Fr, path: &Path<DEPTH>) -> Option<Fr> {
    path.children
        .iter()
        .try_fold(leaf, |node, children| children.contains(&node).then(|| poseidon::hash(children)))
}

/// A path's wires.
pub struct PathWires<const DEPTH: usize> {
    children: [[Num; ARITY]; DEPTH],
}

impl<const DEPTH: usize> PathWires<DEPTH> {
    /// Private wires for every child; they are constrained by [`root_of_gadget`].
    pub fn private(cs: &mut ConstraintSystem, path: &Path<DEPTH>) -> Self {
        let children = std::array::from_fn(|level| {
            cs.indexed_scope("level", level, |cs| {
                std::array::from_fn(|child| cs.private("child", path.children[level][child]))
            })
        });
        Self { children }
    }
}

/// The root that a path leads to, holding the node below to be among the children at every level.
///
/// `∏ (childᵢ - node) = 0` takes 7 rows and the hash 402: 409 rows a level.
pub fn root_of_gadget<const DEPTH: usize>(
    cs: &mut ConstraintSystem,
    leaf: &Num,
    path: &PathWires<DEPTH>,
) -> Num {
    let mut node = leaf.clone();
    for (level, children) in path.children.iter().enumerate() {
        node = cs.indexed_scope("level", level, |cs| {
            enforce_member(cs, &node, children);
            poseidon::hash_gadget(cs, &children.each_ref())
        });
    }
    node
}

fn enforce_member(cs: &mut ConstraintSystem, node: &Num, children: &[Num; ARITY]) {
    let mut product = &children[0] - node;
    for child in &children[1..ARITY - 1] {
        product = cs.product("difference", &product, &(child - node));
    }
    cs.enforce(&product, &(&children[ARITY - 1] - node), &Num::zero());
}

mod levels {
    use ark_bn254::Fr;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::ARITY;
    use crate::field::{parse_decimal, to_decimal};

    pub(super) fn serialize<const DEPTH: usize, S: Serializer>(
        children: &[[Fr; ARITY]; DEPTH],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text: Vec<Vec<String>> = children
            .iter()
            .map(|level| level.iter().map(|&child| to_decimal(child)).collect())
            .collect();
        text.serialize(serializer)
    }

    pub(super) fn deserialize<'de, const DEPTH: usize, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[[Fr; ARITY]; DEPTH], D::Error> {
        let text = Vec::<[String; ARITY]>::deserialize(deserializer)?;
        let depth = text.len();
        let text: [[String; ARITY]; DEPTH] = text
            .try_into()
            .map_err(|_| D::Error::custom(format!("a path of {DEPTH} levels, not {depth}")))?;
        let mut children = [[Fr::from(0u64); ARITY]; DEPTH];
        for (level, texts) in children.iter_mut().zip(&text) {
            for (child, text) in level.iter_mut().zip(texts) {
                *child = parse_decimal(text).map_err(D::Error::custom)?;
            }
        }
        Ok(children)
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::One;

    use super::*;
    use crate::merkle::Tree;
    use crate::testing::Synthesis;

    fn tree() -> Tree<3> {
        let mut tree = Tree::new();
        tree.append(&(1..=20u64).map(Fr::from).collect::<Vec<_>>()).expect("room");
        tree
    }

    fn accepts(leaf: Fr, path: &Path<3>, root: Fr) -> bool {
        Synthesis::of(|cs| {
            let leaf = cs.private("leaf", leaf);
            let path = PathWires::private(cs, path);
            let expected = cs.private("root", root);
            let reached = root_of_gadget(cs, &leaf, &path);
            cs.enforce_equal(&reached, &expected);
        })
        .is_satisfied()
    }

    #[test]
    fn gadget_and_twin_accept_every_leaf() {
        let tree = tree();
        for index in 0..20 {
            let (leaf, path) = (tree.leaf(index), tree.path(index).expect("in the tree"));
            assert_eq!(root_of(leaf, &path), Some(tree.root()));
            assert!(accepts(leaf, &path, tree.root()));
        }
    }

    #[test]
    fn gadget_and_twin_refuse_a_stranger_a_foreign_child_and_an_internal_node() {
        let tree = tree();
        let path = tree.path(9).expect("in the tree");
        let refused = |leaf: Fr, path: &Path<3>| {
            assert_ne!(root_of(leaf, path), Some(tree.root()));
            assert!(!accepts(leaf, path, tree.root()));
        };
        refused(Fr::from(1000u64), &path);
        refused(-tree.leaf(9), &path);
        // The node above the leaf, with the rest of the path moved down: the depth is wrong.
        let mut short = path.clone();
        let levels = short.children_mut();
        *levels = [levels[1], levels[2], levels[2]];
        refused(poseidon::hash(&path.children()[0]), &short);
        for level in 0..3 {
            for child in 0..ARITY {
                let mut tampered = path.clone();
                tampered.children_mut()[level][child] += Fr::one();
                refused(tree.leaf(9), &tampered);
            }
        }
    }

    #[test]
    fn every_wrong_wire_is_refused() {
        let tree = tree();
        let path = tree.path(3).expect("in the tree");
        let honest = Synthesis::of(|cs| {
            let leaf = cs.private("leaf", tree.leaf(3));
            let path = PathWires::private(cs, &path);
            let expected = cs.private("root", tree.root());
            let reached = root_of_gadget(cs, &leaf, &path);
            cs.enforce_equal(&reached, &expected);
        });
        assert!(honest.is_satisfied());
        (1..honest.wires()).for_each(|wire| honest.refuses_any_other_value(wire));
    }

    #[test]
    fn tree_level_costs_409_rows() {
        let path = tree().path(0).expect("in the tree");
        let rows = crate::testing::rows(|cs, leaf| {
            let path = PathWires::private(cs, &path);
            root_of_gadget(cs, leaf, &path);
        });
        assert_eq!(rows, 3 * 409);
    }
}
