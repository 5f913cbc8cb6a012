-- What the ledger's events tell, for both the embedded and an external chain.

-- The embedded chain's events, in order.
CREATE TABLE chain_log (
    block BIGINT NOT NULL REFERENCES chain_block (number),
    position BIGINT NOT NULL,
    address BYTEA NOT NULL,
    topics BYTEA NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (block, position)
);

-- A scheme's periods that take, or took, claims, by the contract's numbers.
CREATE TABLE opening (
    number BIGINT PRIMARY KEY,
    scheme TEXT NOT NULL,
    period BIGINT NOT NULL,
    "window" BIGINT NOT NULL,
    stage BIGINT NOT NULL,
    block BIGINT NOT NULL,
    UNIQUE (scheme, period, "window")
);

-- Claims that are or were in dispute, and whether they may be paid.
CREATE TABLE dispute (
    nullifier BYTEA PRIMARY KEY,
    payable BIGINT NOT NULL,
    block BIGINT NOT NULL
);

ALTER TABLE accepted_claim ADD COLUMN opening BIGINT;
ALTER TABLE checkpoint ADD COLUMN block BIGINT NOT NULL DEFAULT 0;

-- Blocks of an external chain whose events are in the tables above.
CREATE TABLE recorded_block (
    number BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL
);

-- Transactions to an external chain: kept before they are sent, by account and nonce, and under the
-- key of what they bring, so that nothing is brought twice. `raw` holds the newest signed form and
-- `hashes` those of all forms, since any of them may be the one that a node took.
CREATE TABLE outbox (
    account BYTEA NOT NULL,
    nonce BIGINT NOT NULL,
    brings BYTEA NOT NULL UNIQUE,
    target BYTEA,
    data BYTEA NOT NULL,
    gas BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    raw BYTEA NOT NULL,
    hashes BYTEA NOT NULL,
    state TEXT NOT NULL,
    block BIGINT,
    PRIMARY KEY (account, nonce)
);
