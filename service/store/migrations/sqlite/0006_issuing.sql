-- Registers that offices have uploaded, and what came of them. What they hold is sealed part by part under
-- a data key, which is wrapped by the master key; times are milliseconds since 1970 by the database's clock.
CREATE TABLE register_upload (
    id BLOB PRIMARY KEY,
    office INTEGER NOT NULL REFERENCES office (id),
    state TEXT NOT NULL,
    reason TEXT,
    -- What is wrong with a file that is no register: names of columns, never a cell.
    message TEXT,
    -- Whether secrets are made here for those who gave no commitment.
    makes_secrets INTEGER NOT NULL,
    data_key BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    checked_bytes INTEGER NOT NULL DEFAULT 0,
    counts_rows INTEGER,
    counts_accepted INTEGER,
    counts_rejected INTEGER,
    counts_duplicates INTEGER,
    already_issued INTEGER,
    repeated INTEGER,
    without_subject INTEGER,
    issued INTEGER,
    root BLOB,
    -- Until when a program works on it, and for the how manieth time it was begun: that an earlier one
    -- has failed counts no more.
    held_until INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- How often a program died over it.
    deaths INTEGER NOT NULL DEFAULT 0,
    uploaded_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX register_upload_open ON register_upload (uploaded_at) WHERE state IN ('waiting', 'issuing');

-- A register's parts are forgotten with it.
CREATE TABLE register_part (
    upload BLOB NOT NULL REFERENCES register_upload (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (upload, content, number)
) STRICT;

-- By what a service knows that it was given the master key that data keys here are wrapped by.
CREATE TABLE master_key (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    wrapped BLOB NOT NULL
) STRICT;
