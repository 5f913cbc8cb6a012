-- What changed in the trees since a state root was the root: each change of them has a number, which its
-- nodes carry.
ALTER TABLE tree_node ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;

CREATE INDEX tree_leaf_changed ON tree_node (changed) WHERE level = 0;

CREATE TABLE tree_version (
    number INTEGER PRIMARY KEY,
    state_root BLOB NOT NULL UNIQUE
) STRICT;
