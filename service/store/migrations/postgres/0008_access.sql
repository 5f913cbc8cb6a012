-- Who may do what, and what was done. Times are milliseconds since 1970.

-- Departments and others who share the service and see nothing of each other.
CREATE TABLE tenant (
    name TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE tenant_office (
    office BIGINT PRIMARY KEY REFERENCES office (id),
    tenant TEXT NOT NULL REFERENCES tenant (name)
);

-- Who acts for them: persons and machines, each known by the hash of one credential.
CREATE TABLE principal (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenant (name),
    -- The number of the office, or of the participant on the ledger, of roles that have one.
    member BIGINT,
    credential_kind TEXT NOT NULL,
    credential BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

-- What waits, or waited, for a second person.
CREATE TABLE approval (
    number BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    document TEXT NOT NULL,
    asked_by BIGINT,
    asked_by_name TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_by BIGINT,
    decided_by_name TEXT,
    decided_at BIGINT
);

-- How often a day a tenant may do something; what it costs, in paise, from a day on; and how often it did.
CREATE TABLE quota (
    tenant TEXT NOT NULL REFERENCES tenant (name),
    action TEXT NOT NULL,
    a_day BIGINT NOT NULL,
    PRIMARY KEY (tenant, action)
);

CREATE TABLE tariff (
    -- * for all who have no price of their own.
    tenant TEXT NOT NULL,
    action TEXT NOT NULL,
    from_day BIGINT NOT NULL,
    paise BIGINT NOT NULL,
    PRIMARY KEY (tenant, action, from_day)
);

CREATE TABLE metered (
    tenant TEXT NOT NULL,
    day BIGINT NOT NULL,
    action TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (tenant, day, action)
);

-- The audit log. Each entry has the hash of the one before it; the head has the last one's.
CREATE TABLE audit_entry (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    principal BIGINT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE audit_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

-- Up to which entry the ledger has the log.
CREATE TABLE audit_anchor (
    entries BIGINT PRIMARY KEY,
    participant BIGINT NOT NULL,
    block BIGINT NOT NULL,
    anchored_at BIGINT NOT NULL
);

-- On what the making of proofs for others rests.
ALTER TABLE proving_job ADD COLUMN legal_basis TEXT NOT NULL DEFAULT 'statutory';
