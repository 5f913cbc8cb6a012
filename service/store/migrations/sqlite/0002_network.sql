-- What the ledger's events tell, for both the embedded and an external chain.

-- The embedded chain's events, in order.
CREATE TABLE chain_log (
    block INTEGER NOT NULL REFERENCES chain_block (number),
    position INTEGER NOT NULL,
    address BLOB NOT NULL,
    topics BLOB NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (block, position)
) STRICT, WITHOUT ROWID;

-- A scheme's periods that take, or took, claims, by the contract's numbers.
CREATE TABLE opening (
    number INTEGER PRIMARY KEY,
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    window INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    block INTEGER NOT NULL,
    UNIQUE (scheme, period, window)
) STRICT;

-- Claims that are or were in dispute, and whether they may be paid.
CREATE TABLE dispute (
    nullifier BLOB PRIMARY KEY,
    payable INTEGER NOT NULL,
    block INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE accepted_claim ADD COLUMN opening INTEGER;
ALTER TABLE checkpoint ADD COLUMN block INTEGER NOT NULL DEFAULT 0;

-- Blocks of an external chain whose events are in the tables above.
CREATE TABLE recorded_block (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
) STRICT;

-- Transactions to an external chain: kept before they are sent, by account and nonce, and under the
-- key of what they bring, so that nothing is brought twice. `raw` holds the newest signed form and
-- `hashes` those of all forms, since any of them may be the one that a node took.
CREATE TABLE outbox (
    account BLOB NOT NULL,
    nonce INTEGER NOT NULL,
    brings BLOB NOT NULL UNIQUE,
    target BLOB,
    data BLOB NOT NULL,
    gas INTEGER NOT NULL,
    fee INTEGER NOT NULL,
    raw BLOB NOT NULL,
    hashes BLOB NOT NULL,
    state TEXT NOT NULL,
    block INTEGER,
    PRIMARY KEY (account, nonce)
) STRICT, WITHOUT ROWID;
