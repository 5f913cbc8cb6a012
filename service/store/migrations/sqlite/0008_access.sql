-- Who may do what, and what was done. Times are milliseconds since 1970.

-- Departments and others who share the service and see nothing of each other.
CREATE TABLE tenant (
    name TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant_office (
    office INTEGER PRIMARY KEY REFERENCES office (id),
    tenant TEXT NOT NULL REFERENCES tenant (name)
) STRICT;

-- Who acts for them: persons and machines, each known by the hash of one credential.
CREATE TABLE principal (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenant (name),
    -- The number of the office, or of the participant on the ledger, of roles that have one.
    member INTEGER,
    credential_kind TEXT NOT NULL,
    credential BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

-- What waits, or waited, for a second person.
CREATE TABLE approval (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    document TEXT NOT NULL,
    asked_by INTEGER,
    asked_by_name TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    decided_by INTEGER,
    decided_by_name TEXT,
    decided_at INTEGER
) STRICT;

-- How often a day a tenant may do something; what it costs, in paise, from a day on; and how often it did.
CREATE TABLE quota (
    tenant TEXT NOT NULL REFERENCES tenant (name),
    action TEXT NOT NULL,
    a_day INTEGER NOT NULL,
    PRIMARY KEY (tenant, action)
) STRICT, WITHOUT ROWID;

CREATE TABLE tariff (
    -- * for all who have no price of their own.
    tenant TEXT NOT NULL,
    action TEXT NOT NULL,
    from_day INTEGER NOT NULL,
    paise INTEGER NOT NULL,
    PRIMARY KEY (tenant, action, from_day)
) STRICT, WITHOUT ROWID;

CREATE TABLE metered (
    tenant TEXT NOT NULL,
    day INTEGER NOT NULL,
    action TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, action)
) STRICT, WITHOUT ROWID;

-- The audit log. Each entry has the hash of the one before it; the head has the last one's.
CREATE TABLE audit_entry (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    principal INTEGER,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE audit_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Up to which entry the ledger has the log.
CREATE TABLE audit_anchor (
    entries INTEGER PRIMARY KEY,
    participant INTEGER NOT NULL,
    block INTEGER NOT NULL,
    anchored_at INTEGER NOT NULL
) STRICT;

-- On what the making of proofs for others rests.
ALTER TABLE proving_job ADD COLUMN legal_basis TEXT NOT NULL DEFAULT 'statutory';
