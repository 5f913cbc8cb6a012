-- The place of an accepted claim among those of its block; none in what an earlier version recorded.
ALTER TABLE accepted_claim ADD COLUMN position BIGINT;

-- Which claims of an opening each proved chunk counts, event by event: chunks that begin again, from place 0, take the
-- place of those before, and what another chain's blocks replace is taken back.
CREATE TABLE settlement_chunk (
    number BIGINT PRIMARY KEY,
    opening BIGINT NOT NULL,
    place BIGINT NOT NULL,
    counted BYTEA NOT NULL,
    block BIGINT NOT NULL
);

CREATE INDEX settlement_chunk_opening ON settlement_chunk (opening, number);

-- What was paid for an opening, and how many of its claims are not in the sum; not known where claims have no place.
CREATE TABLE settlement (
    opening BIGINT PRIMARY KEY,
    rupees BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    frozen BIGINT,
    refused BIGINT,
    held BIGINT,
    block BIGINT NOT NULL
);
