-- Values of the field are 32 bytes, big-endian. No column holds personal data in clear: a holder is
-- known by a keyed hash of the register number, an envelope is sealed to the treasury.

CREATE TABLE office (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    schema INTEGER NOT NULL,
    public_key BLOB NOT NULL
) STRICT;

-- Nodes of all trees: tree 0 is the state's, tree n + 1 that of office n; leaves are level 0.
CREATE TABLE tree_node (
    tree INTEGER NOT NULL,
    level INTEGER NOT NULL,
    position INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (tree, level, position)
) STRICT, WITHOUT ROWID;

-- Where an office put a holder's credential. A revoked holder stays known: what replaces the
-- credential may only claim from the next month on.
CREATE TABLE holder (
    office INTEGER NOT NULL REFERENCES office (id),
    tag BLOB NOT NULL,
    position INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (office, tag),
    UNIQUE (office, position)
) STRICT, WITHOUT ROWID;

-- Finished output that still has to be moved to its place.
CREATE TABLE pending_output (
    staged TEXT PRIMARY KEY,
    place TEXT NOT NULL
) STRICT;

-- The embedded chain: state, and every transaction in order so that it can be replayed.
CREATE TABLE chain_setting (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE chain_account (
    address BLOB PRIMARY KEY,
    balance BLOB NOT NULL,
    nonce INTEGER NOT NULL,
    code_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE chain_code (
    hash BLOB PRIMARY KEY,
    code BLOB NOT NULL
) STRICT;

CREATE TABLE chain_slot (
    address BLOB NOT NULL,
    slot BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (address, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE chain_block (
    number INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    sender BLOB NOT NULL,
    target BLOB,
    data BLOB NOT NULL,
    success INTEGER NOT NULL,
    gas_used INTEGER NOT NULL
) STRICT;

-- Checkpoints of the state root, by the contract's numbers.
CREATE TABLE checkpoint (
    number INTEGER PRIMARY KEY,
    state_root BLOB NOT NULL,
    as_of INTEGER NOT NULL
) STRICT;

-- Claims that the chain has accepted; written with the block that did.
CREATE TABLE accepted_claim (
    nullifier BLOB PRIMARY KEY,
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    payout_commitment BLOB NOT NULL,
    block INTEGER NOT NULL,
    batch TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX accepted_claim_by_period ON accepted_claim (scheme, period, batch);

-- Envelopes as they were handed in. One that does not fit its claim does not keep out one that does.
CREATE TABLE envelope (
    nullifier BLOB NOT NULL,
    digest BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (nullifier, digest)
) STRICT, WITHOUT ROWID;

-- Payment files. A batch is drafted, with all that its file is made of, before the file is written,
-- and closed after.
CREATE TABLE payment_batch (
    id TEXT PRIMARY KEY,
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    created_on TEXT NOT NULL,
    instalments INTEGER NOT NULL,
    debtor TEXT NOT NULL,
    folder TEXT NOT NULL,
    written INTEGER NOT NULL
) STRICT;
