-- The department's desk: who is at a browser, where claims are handed in, which rows a person has looked
-- at, and cases of people who were refused.

-- Who is at a browser, by a hash of what their cookie holds.
CREATE TABLE console_session (
    token_hash BLOB PRIMARY KEY,
    principal INTEGER NOT NULL REFERENCES principal (number),
    begun_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- In which district claims were handed in, where whoever brought them said so. No claim is in it.
CREATE TABLE claim_district (
    day INTEGER NOT NULL,
    scheme TEXT NOT NULL,
    district INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, scheme, district)
) STRICT, WITHOUT ROWID;

CREATE INDEX claim_by_day ON claim (received_at, scheme);

-- What a person has said of a row that was taken for a duplicate, by its place in the register.
CREATE TABLE register_review (
    upload BLOB NOT NULL REFERENCES register_upload (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (upload, place)
) STRICT, WITHOUT ROWID;

-- Cases of people who were refused. They name nobody: who holds the slip is the person.
CREATE TABLE grievance_case (
    number INTEGER PRIMARY KEY,
    -- A hash of the code on the person's slip.
    slip_hash BLOB NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenant (name),
    office INTEGER NOT NULL REFERENCES office (id),
    scheme TEXT NOT NULL,
    cause TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    answer_by INTEGER NOT NULL,
    outcome TEXT,
    answered_by TEXT,
    answered_at INTEGER,
    appeal_by INTEGER,
    appealed_at INTEGER,
    decide_by INTEGER,
    appeal_outcome TEXT,
    decided_by TEXT,
    decided_at INTEGER
) STRICT;

CREATE INDEX grievance_case_open ON grievance_case (tenant, answer_by) WHERE state IN ('open', 'appealed');
