-- The department's desk: who is at a browser, where claims are handed in, which rows a person has looked
-- at, and cases of people who were refused.

-- Who is at a browser, by a hash of what their cookie holds.
CREATE TABLE console_session (
    token_hash BYTEA PRIMARY KEY,
    principal BIGINT NOT NULL REFERENCES principal (number),
    begun_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- In which district claims were handed in, where whoever brought them said so. No claim is in it.
CREATE TABLE claim_district (
    day BIGINT NOT NULL,
    scheme TEXT NOT NULL,
    district BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (day, scheme, district)
);

CREATE INDEX claim_by_day ON claim (received_at, scheme);

-- What a person has said of a row that was taken for a duplicate, by its place in the register.
CREATE TABLE register_review (
    upload BYTEA NOT NULL REFERENCES register_upload (id) ON DELETE CASCADE,
    place BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (upload, place)
);

-- Cases of people who were refused. They name nobody: who holds the slip is the person.
CREATE TABLE grievance_case (
    number BIGINT PRIMARY KEY,
    -- A hash of the code on the person's slip.
    slip_hash BYTEA NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenant (name),
    office BIGINT NOT NULL REFERENCES office (id),
    scheme TEXT NOT NULL,
    cause TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    answer_by BIGINT NOT NULL,
    outcome TEXT,
    answered_by TEXT,
    answered_at BIGINT,
    appeal_by BIGINT,
    appealed_at BIGINT,
    decide_by BIGINT,
    appeal_outcome TEXT,
    decided_by TEXT,
    decided_at BIGINT
);

CREATE INDEX grievance_case_open ON grievance_case (tenant, answer_by) WHERE state IN ('open', 'appealed');
