-- Claims on their way, by the digest of all that was handed in. Times are milliseconds since 1970 by
-- the database's clock.
CREATE TABLE claim (
    id BYTEA PRIMARY KEY,
    nullifier BYTEA NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    -- The claim that this one repeats in another form.
    same_as BYTEA,
    scheme TEXT NOT NULL,
    period BIGINT NOT NULL,
    "window" BIGINT NOT NULL,
    state_root BYTEA NOT NULL,
    as_of BIGINT NOT NULL,
    payout_commitment BYTEA NOT NULL,
    proof BYTEA NOT NULL,
    -- Moved to the table of envelopes once the proof holds.
    envelope BYTEA,
    -- The program that verifies it, and until when it alone does.
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL,
    -- The claims that are brought to the chain together.
    settlement TEXT,
    block BIGINT,
    received_at BIGINT NOT NULL
);

-- Of a nullifier at most one claim is on its way behind verification.
CREATE UNIQUE INDEX claim_by_nullifier ON claim (nullifier) WHERE state NOT IN ('received', 'refused');
CREATE INDEX claim_to_verify ON claim (received_at) WHERE state = 'received';
CREATE INDEX claim_to_settle ON claim (received_at) WHERE state = 'verified';
CREATE INDEX claim_in_settlement ON claim (settlement) WHERE state = 'submitted';

-- What a client called a claim, so that it can ask again without the claim.
CREATE TABLE client_key (
    client TEXT NOT NULL,
    name TEXT NOT NULL,
    claim BYTEA NOT NULL,
    PRIMARY KEY (client, name)
);

-- What one program at a time does. The token grows with every change of hands.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
