-- What the ledger has said of claims in dispute, event by event: what another chain's blocks replace is taken
-- back, and what was said before holds again.
CREATE TABLE dispute_event (
    number INTEGER PRIMARY KEY,
    nullifier BLOB NOT NULL,
    payable INTEGER NOT NULL CHECK (payable IN (0, 1)),
    block INTEGER NOT NULL
) STRICT;

CREATE INDEX dispute_event_newest ON dispute_event (nullifier, number);

INSERT INTO dispute_event (number, nullifier, payable, block)
SELECT row_number() OVER (ORDER BY block, nullifier), nullifier, payable, block FROM dispute;
