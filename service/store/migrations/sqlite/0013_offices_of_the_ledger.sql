-- How offices stand on the ledger, event by event: the newest of an office is how it stands now, and what
-- another chain's blocks replace is taken back.
CREATE TABLE office_event (
    number INTEGER PRIMARY KEY,
    block INTEGER NOT NULL,
    office INTEGER NOT NULL,
    participant INTEGER NOT NULL,
    schema INTEGER NOT NULL,
    -- The root that the ledger has of the office's tree, and how many credentials are live by it.
    root BLOB NOT NULL,
    live INTEGER NOT NULL,
    standing INTEGER NOT NULL CHECK (standing IN (0, 1)),
    -- Whether it has retired, for good.
    retired INTEGER NOT NULL CHECK (retired IN (0, 1))
) STRICT;

CREATE INDEX office_event_newest ON office_event (office, number);

-- Whether the ledger could not be told of the office's newest root: its old one stands until it is.
ALTER TABLE office ADD COLUMN behind INTEGER NOT NULL DEFAULT 0 CHECK (behind IN (0, 1));
