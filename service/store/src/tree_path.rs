//! Paths of stored trees: a change or a proof of one leaf reads a path, not a tree.

use std::collections::BTreeSet;

use praman_circuits::merkle::{ARITY, NodeChange, Path, empty_nodes};
use praman_circuits::{Fr, poseidon};
use sqlx::AnyConnection;

use super::{TreeName, TreeVersion, WriteTransaction, field, write_nodes};
use crate::error::StoreError;

/// Returns the children of a node, as a connection sees them.
async fn children(
    connection: &mut AnyConnection,
    tree: TreeName,
    level: usize,
    parent: usize,
    empty: Fr,
) -> Result<[Fr; ARITY], StoreError> {
    let first = parent * ARITY;
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT position, value FROM tree_node
         WHERE tree = $1 AND level = $2 AND position BETWEEN $3 AND $4",
    )
    .bind(tree.number())
    .bind(level as i64)
    .bind(first as i64)
    .bind((first + ARITY - 1) as i64)
    .fetch_all(&mut *connection)
    .await?;
    let mut children = [empty; ARITY];
    for (position, value) in rows {
        children[position as usize - first] = field(&value)?;
    }
    Ok(children)
}

/// Puts leaves at their places in a tree of some depth, and returns the new root.
///
/// Places are used in order, without gaps: so the tree can be read as a whole, too.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn put_leaves<const DEPTH: usize>(
    transaction: &mut WriteTransaction,
    tree: TreeName,
    leaves: &[(usize, Fr)],
) -> Result<Fr, StoreError> {
    let empty = empty_nodes::<DEPTH>();
    let mut changes: Vec<NodeChange> =
        leaves.iter().map(|&(index, value)| NodeChange { level: 0, index, value }).collect();
    let mut root = empty[DEPTH];
    for level in 1..=DEPTH {
        write_nodes(transaction, TreeVersion::NONE, tree, &changes).await?;
        let parents: BTreeSet<usize> = changes.iter().map(|change| change.index / ARITY).collect();
        changes.clear();
        for index in parents {
            let below = children(transaction, tree, level - 1, index, empty[level - 1]).await?;
            let value = poseidon::hash(&below);
            changes.push(NodeChange { level, index, value });
            root = value;
        }
    }
    write_nodes(transaction, TreeVersion::NONE, tree, &changes).await?;
    Ok(root)
}

/// Returns the path of a place to the root, as a connection sees it.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn read_path<const DEPTH: usize>(
    connection: &mut AnyConnection,
    tree: TreeName,
    position: usize,
) -> Result<Path<DEPTH>, StoreError> {
    let empty = empty_nodes::<DEPTH>();
    let mut path = [[Fr::from(0u64); ARITY]; DEPTH];
    let mut index = position;
    for (level, nodes) in path.iter_mut().enumerate() {
        index /= ARITY;
        *nodes = children(connection, tree, level, index, empty[level]).await?;
    }
    Ok(Path::new(path))
}

/// Returns the root of a tree of some depth, as a connection sees it.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn read_root<const DEPTH: usize>(
    connection: &mut AnyConnection,
    tree: TreeName,
) -> Result<Fr, StoreError> {
    let top: Option<(Vec<u8>,)> =
        sqlx::query_as("SELECT value FROM tree_node WHERE tree = $1 AND level = $2")
            .bind(tree.number())
            .bind(DEPTH as i64)
            .fetch_optional(&mut *connection)
            .await?;
    match top {
        Some((node,)) => field(&node),
        None => Ok(empty_nodes::<DEPTH>()[DEPTH]),
    }
}

#[cfg(test)]
mod tests {
    use praman_circuits::merkle::{Tree, empty_leaf, root_of};

    use super::*;
    use crate::Store;

    #[tokio::test]
    async fn paths_are_those_of_the_whole_tree() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let name = TreeName::Consents(7);
        let mut tree = Tree::<3>::new();
        let leaf = |number: usize| Fr::from(number as u64 + 1);
        for (first, count) in [(0, 1), (1, 30), (31, 9)] {
            let leaves: Vec<(usize, Fr)> =
                (first..first + count).map(|place| (place, leaf(place))).collect();
            let mut transaction = store.begin().await.expect("begun");
            let root = put_leaves::<3>(&mut transaction, name, &leaves).await.expect("put");
            transaction.commit().await.expect("kept");
            let values: Vec<Fr> = leaves.iter().map(|&(_, value)| value).collect();
            tree.append(&values).expect("room");
            assert_eq!(root, tree.root());
        }
        let mut transaction = store.begin().await.expect("begun");
        let emptied = [(4, empty_leaf()), (39, empty_leaf())];
        let root = put_leaves::<3>(&mut transaction, name, &emptied).await.expect("put");
        transaction.commit().await.expect("kept");
        tree.empty(4).expect("used");
        tree.empty(39).expect("used");
        assert_eq!(root, tree.root());
        let stored: Tree<3> = store.tree(name).await.expect("a tree");
        assert_eq!(stored.root(), tree.root());
        let mut connection = store.pool().acquire().await.expect("a connection");
        assert_eq!(read_root::<3>(&mut connection, name).await.expect("read"), tree.root());
        for place in 0..40 {
            let path = read_path::<3>(&mut connection, name, place).await.expect("read");
            assert!(path == tree.path(place).expect("used"));
            assert_eq!(root_of(tree.leaf(place), &path), Some(tree.root()));
        }
        let other = TreeName::Records(7);
        let none = read_root::<3>(&mut connection, other).await.expect("read");
        assert_eq!(none, Tree::<3>::new().root());
    }
}
