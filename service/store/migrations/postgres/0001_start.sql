-- Values of the field are 32 bytes, big-endian. No column holds personal data in clear: a holder is
-- known by a keyed hash of the register number, an envelope is sealed to the treasury.

CREATE TABLE office (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    schema BIGINT NOT NULL,
    public_key BYTEA NOT NULL
);

-- Nodes of all trees: tree 0 is the state's, tree n + 1 that of office n; leaves are level 0.
CREATE TABLE tree_node (
    tree BIGINT NOT NULL,
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (tree, level, position)
);

-- Where an office put a holder's credential. A revoked holder stays known: what replaces the
-- credential may only claim from the next month on.
CREATE TABLE holder (
    office BIGINT NOT NULL REFERENCES office (id),
    tag BYTEA NOT NULL,
    position BIGINT NOT NULL,
    revoked BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (office, tag),
    UNIQUE (office, position)
);

-- Finished output that still has to be moved to its place.
CREATE TABLE pending_output (
    staged TEXT PRIMARY KEY,
    place TEXT NOT NULL
);

-- The embedded chain: state, and every transaction in order so that it can be replayed.
CREATE TABLE chain_setting (
    key TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE chain_account (
    address BYTEA PRIMARY KEY,
    balance BYTEA NOT NULL,
    nonce BIGINT NOT NULL,
    code_hash BYTEA NOT NULL
);

CREATE TABLE chain_code (
    hash BYTEA PRIMARY KEY,
    code BYTEA NOT NULL
);

CREATE TABLE chain_slot (
    address BYTEA NOT NULL,
    slot BYTEA NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (address, slot)
);

CREATE TABLE chain_block (
    number BIGINT PRIMARY KEY,
    timestamp BIGINT NOT NULL,
    sender BYTEA NOT NULL,
    target BYTEA,
    data BYTEA NOT NULL,
    success BIGINT NOT NULL,
    gas_used BIGINT NOT NULL
);

-- Checkpoints of the state root, by the contract's numbers.
CREATE TABLE checkpoint (
    number BIGINT PRIMARY KEY,
    state_root BYTEA NOT NULL,
    as_of BIGINT NOT NULL
);

-- Claims that the chain has accepted; written with the block that did.
CREATE TABLE accepted_claim (
    nullifier BYTEA PRIMARY KEY,
    scheme TEXT NOT NULL,
    period BIGINT NOT NULL,
    payout_commitment BYTEA NOT NULL,
    block BIGINT NOT NULL,
    batch TEXT
);

CREATE INDEX accepted_claim_by_period ON accepted_claim (scheme, period, batch);

-- Envelopes as they were handed in. One that does not fit its claim does not keep out one that does.
CREATE TABLE envelope (
    nullifier BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (nullifier, digest)
);

-- Payment files. A batch is drafted, with all that its file is made of, before the file is written,
-- and closed after.
CREATE TABLE payment_batch (
    id TEXT PRIMARY KEY,
    scheme TEXT NOT NULL,
    period BIGINT NOT NULL,
    created_on TEXT NOT NULL,
    instalments BIGINT NOT NULL,
    debtor TEXT NOT NULL,
    folder TEXT NOT NULL,
    written BIGINT NOT NULL
);
