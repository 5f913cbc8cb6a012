-- The place of an accepted claim among those of its block; none in what an earlier version recorded.
ALTER TABLE accepted_claim ADD COLUMN position INTEGER;

-- Which claims of an opening each proved chunk counts, event by event: chunks that begin again, from place 0, take the
-- place of those before, and what another chain's blocks replace is taken back.
CREATE TABLE settlement_chunk (
    number INTEGER PRIMARY KEY,
    opening INTEGER NOT NULL,
    place INTEGER NOT NULL,
    counted BLOB NOT NULL,
    block INTEGER NOT NULL
) STRICT;

CREATE INDEX settlement_chunk_opening ON settlement_chunk (opening, number);

-- What was paid for an opening, and how many of its claims are not in the sum; not known where claims have no place.
CREATE TABLE settlement (
    opening INTEGER PRIMARY KEY,
    rupees INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    frozen INTEGER,
    refused INTEGER,
    held INTEGER,
    block INTEGER NOT NULL
) STRICT;
