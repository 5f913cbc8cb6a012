-- The last day, since 1900, on which an opening takes claims; none where the ledger knew none.
ALTER TABLE opening ADD COLUMN last_day INTEGER;

-- What the ledger said of openings, event by event: how one stands is derived, so a block that is replaced takes
-- back what it said alone.
CREATE TABLE opening_event (
    number INTEGER PRIMARY KEY,
    opening INTEGER NOT NULL,
    stage INTEGER,
    last_day INTEGER,
    block INTEGER NOT NULL
) STRICT;
CREATE INDEX opening_event_opening ON opening_event (opening);
INSERT INTO opening_event (number, opening, stage, block) SELECT number + 1, number, stage, block FROM opening;
