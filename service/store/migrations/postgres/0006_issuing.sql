-- Registers that offices have uploaded, and what came of them. What they hold is sealed part by part under
-- a data key, which is wrapped by the master key; times are milliseconds since 1970 by the database's clock.
CREATE TABLE register_upload (
    id BYTEA PRIMARY KEY,
    office BIGINT NOT NULL REFERENCES office (id),
    state TEXT NOT NULL,
    reason TEXT,
    -- What is wrong with a file that is no register: names of columns, never a cell.
    message TEXT,
    -- Whether secrets are made here for those who gave no commitment.
    makes_secrets BIGINT NOT NULL,
    data_key BYTEA NOT NULL,
    bytes BIGINT NOT NULL,
    checked_bytes BIGINT NOT NULL DEFAULT 0,
    counts_rows BIGINT,
    counts_accepted BIGINT,
    counts_rejected BIGINT,
    counts_duplicates BIGINT,
    already_issued BIGINT,
    repeated BIGINT,
    without_subject BIGINT,
    issued BIGINT,
    root BYTEA,
    -- Until when a program works on it, and for the how manieth time it was begun: that an earlier one
    -- has failed counts no more.
    held_until BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    -- How often a program died over it.
    deaths BIGINT NOT NULL DEFAULT 0,
    uploaded_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE INDEX register_upload_open ON register_upload (uploaded_at) WHERE state IN ('waiting', 'issuing');

-- A register's parts are forgotten with it.
CREATE TABLE register_part (
    upload BYTEA NOT NULL REFERENCES register_upload (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    number BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (upload, content, number)
);

-- By what a service knows that it was given the master key that data keys here are wrapped by.
CREATE TABLE master_key (
    number BIGINT PRIMARY KEY CHECK (number = 1),
    wrapped BYTEA NOT NULL
);
