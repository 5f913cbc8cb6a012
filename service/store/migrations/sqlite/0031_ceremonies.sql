-- Ceremonies of keys: the newest file of each, who waits for their turn, and what was taken of whom.
CREATE TABLE ceremony (
    name TEXT PRIMARY KEY,
    circuit_hash TEXT NOT NULL,
    policy TEXT NOT NULL,
    turn_seconds INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    opened_at INTEGER NOT NULL
) STRICT;

-- In the order that they asked.
CREATE TABLE ceremony_turn (
    ceremony TEXT NOT NULL,
    place INTEGER NOT NULL,
    identity TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'holding', 'done', 'over')),
    ends_at INTEGER,
    PRIMARY KEY (ceremony, place)
) STRICT;

-- Number 0 is the file that the ceremony began with.
CREATE TABLE ceremony_contribution (
    ceremony TEXT NOT NULL,
    number INTEGER NOT NULL,
    file_sha256 TEXT NOT NULL,
    hash TEXT,
    identity TEXT,
    receipt TEXT,
    attestation TEXT,
    PRIMARY KEY (ceremony, number)
) STRICT;

-- The newest file, in parts.
CREATE TABLE ceremony_part (
    ceremony TEXT NOT NULL,
    number INTEGER NOT NULL,
    part INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (ceremony, number, part)
) STRICT;
