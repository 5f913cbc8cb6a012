-- Ceremonies of keys: the newest file of each, who waits for their turn, and what was taken of whom.
CREATE TABLE ceremony (
    name TEXT PRIMARY KEY,
    circuit_hash TEXT NOT NULL,
    policy TEXT NOT NULL,
    turn_seconds BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    opened_at BIGINT NOT NULL
);

-- In the order that they asked.
CREATE TABLE ceremony_turn (
    ceremony TEXT NOT NULL,
    place BIGINT NOT NULL,
    identity TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'holding', 'done', 'over')),
    ends_at BIGINT,
    PRIMARY KEY (ceremony, place)
);

-- Number 0 is the file that the ceremony began with.
CREATE TABLE ceremony_contribution (
    ceremony TEXT NOT NULL,
    number BIGINT NOT NULL,
    file_sha256 TEXT NOT NULL,
    hash TEXT,
    identity TEXT,
    receipt TEXT,
    attestation TEXT,
    PRIMARY KEY (ceremony, number)
);

-- The newest file, in parts.
CREATE TABLE ceremony_part (
    ceremony TEXT NOT NULL,
    number BIGINT NOT NULL,
    part BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (ceremony, number, part)
);
