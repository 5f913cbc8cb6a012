//! Merkle trees as OpenZeppelin's `MerkleProof` takes them: the nodes of a pair are hashed in the order of their values.

use alloy_primitives::{B256, keccak256};

/// Computes the root over some leaves; zero for none.
pub(super) fn root(mut level: Vec<B256>) -> B256 {
    while level.len() > 1 {
        level = level.chunks(2).map(parent).collect();
    }
    level.first().copied().unwrap_or_default()
}

/// Computes the path of the leaf at a place.
pub(super) fn path(mut level: Vec<B256>, mut place: usize) -> Vec<B256> {
    let mut path = Vec::new();
    while level.len() > 1 {
        path.extend(level.get(place ^ 1));
        level = level.chunks(2).map(parent).collect();
        place /= 2;
    }
    path
}

/// Hashes a pair in the order of its values; a node without a neighbour goes up unchanged.
fn parent(pair: &[B256]) -> B256 {
    match pair {
        [left, right] => {
            let (first, second) = if left <= right { (left, right) } else { (right, left) };
            keccak256([first.0, second.0].concat())
        }
        alone => alone[0],
    }
}
