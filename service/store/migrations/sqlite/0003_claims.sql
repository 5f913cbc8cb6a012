-- Claims on their way, by the digest of all that was handed in. Times are milliseconds since 1970 by
-- the database's clock.
CREATE TABLE claim (
    id BLOB PRIMARY KEY,
    nullifier BLOB NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    -- The claim that this one repeats in another form.
    same_as BLOB,
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    "window" INTEGER NOT NULL,
    state_root BLOB NOT NULL,
    as_of INTEGER NOT NULL,
    payout_commitment BLOB NOT NULL,
    proof BLOB NOT NULL,
    -- Moved to the table of envelopes once the proof holds.
    envelope BLOB,
    -- The program that verifies it, and until when it alone does.
    holder TEXT NOT NULL,
    held_until INTEGER NOT NULL,
    -- The claims that are brought to the chain together.
    settlement TEXT,
    block INTEGER,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Of a nullifier at most one claim is on its way behind verification.
CREATE UNIQUE INDEX claim_by_nullifier ON claim (nullifier) WHERE state NOT IN ('received', 'refused');
CREATE INDEX claim_to_verify ON claim (received_at) WHERE state = 'received';
CREATE INDEX claim_to_settle ON claim (received_at) WHERE state = 'verified';
CREATE INDEX claim_in_settlement ON claim (settlement) WHERE state = 'submitted';

-- What a client called a claim, so that it can ask again without the claim.
CREATE TABLE client_key (
    client TEXT NOT NULL,
    name TEXT NOT NULL,
    claim BLOB NOT NULL,
    PRIMARY KEY (client, name)
) STRICT, WITHOUT ROWID;

-- What one program at a time does. The token grows with every change of hands.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
