-- How offices stand on the ledger, event by event: the newest of an office is how it stands now, and what
-- another chain's blocks replace is taken back.
CREATE TABLE office_event (
    number BIGINT PRIMARY KEY,
    block BIGINT NOT NULL,
    office BIGINT NOT NULL,
    participant BIGINT NOT NULL,
    schema BIGINT NOT NULL,
    -- The root that the ledger has of the office's tree, and how many credentials are live by it.
    root BYTEA NOT NULL,
    live BIGINT NOT NULL,
    standing BIGINT NOT NULL CHECK (standing IN (0, 1)),
    -- Whether it has retired, for good.
    retired BIGINT NOT NULL CHECK (retired IN (0, 1))
);

CREATE INDEX office_event_newest ON office_event (office, number);

-- Whether the ledger could not be told of the office's newest root: its old one stands until it is.
ALTER TABLE office ADD COLUMN behind BIGINT NOT NULL DEFAULT 0 CHECK (behind IN (0, 1));
