//! 8-ary Poseidon Merkle trees.
//!
//! A node is `Poseidon(child 0, …, child 7)`, the only hash of eight inputs in praman, so a node can
//! never be taken for a leaf (leaves are hashes of other widths behind a domain tag). An absent leaf
//! is [`empty_leaf`].
//!
//! Membership does not name a position: a path shows at each level *all eight* children of the next
//! node, and that the node below is one of them. Nothing praman proves depends on where a leaf lies.

mod membership;
mod tree;

pub use membership::{Path, PathWires, root_of, root_of_gadget};
pub use tree::{NodeChange, Tree, TreeError};

use ark_bn254::Fr;

use crate::field::digest_to_field;
use crate::poseidon;

/// Children of a node.
pub const ARITY: usize = 8;

/// The values of empty subtrees: of a leaf first, of a whole tree last.
pub fn empty_nodes<const DEPTH: usize>() -> Vec<Fr> {
    let above = |node: &Fr| Some(poseidon::hash(&[*node; ARITY]));
    std::iter::successors(Some(empty_leaf()), above).take(DEPTH + 1).collect()
}

/// The value of a leaf that holds nothing: a hash of a text, with no known Poseidon preimage.
pub fn empty_leaf() -> Fr {
    static EMPTY: std::sync::LazyLock<Fr> =
        std::sync::LazyLock::new(|| digest_to_field(&[b"praman.empty-leaf.1"]));
    *EMPTY
}
