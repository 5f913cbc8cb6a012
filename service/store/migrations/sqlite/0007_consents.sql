-- Health records by consent. What tells of a person is sealed under the master key; a patient is known by
-- a keyed hash of their health address. Times are milliseconds since 1970.

-- Providers of health care, by their number on the ledger. Of each of its two trees: how often it changed,
-- at which change something was last taken away, and up to which the ledger knows it.
CREATE TABLE provider (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    records_changed INTEGER NOT NULL DEFAULT 0,
    records_removed INTEGER NOT NULL DEFAULT 0,
    records_published INTEGER NOT NULL DEFAULT 0,
    consents_changed INTEGER NOT NULL DEFAULT 0,
    consents_removed INTEGER NOT NULL DEFAULT 0,
    consents_published INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Who asks for records, by their number on the ledger.
CREATE TABLE requester (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    public_key BLOB NOT NULL
) STRICT;

-- The leaves of providers' records; what they are of, their provider knows.
CREATE TABLE health_record (
    provider INTEGER NOT NULL REFERENCES provider (number),
    position INTEGER NOT NULL,
    commitment BLOB NOT NULL,
    subject BLOB NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, position),
    UNIQUE (provider, commitment)
) STRICT, WITHOUT ROWID;

CREATE INDEX health_record_of_subject ON health_record (provider, subject);

-- Patients whose consents are kept here, and those of them who ask by telephone: their wallet is then
-- sealed here too.
CREATE TABLE patient (
    tag BLOB PRIMARY KEY,
    telephone BLOB UNIQUE,
    -- A keyed hash of what their wallet shows: nobody else's grants.
    holder BLOB NOT NULL,
    language TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests for consent, by the id that their sender gave them.
CREATE TABLE consent_request (
    id TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    patient BLOB NOT NULL,
    -- Of this patient's requests the how manieth: what a person calls it by.
    number INTEGER NOT NULL,
    requester INTEGER NOT NULL REFERENCES requester (number),
    state TEXT NOT NULL,
    sealed BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    erase_at INTEGER NOT NULL,
    UNIQUE (patient, number)
) STRICT, WITHOUT ROWID;

-- Consents that were given: one a request and provider.
CREATE TABLE consent (
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL REFERENCES consent_request (id),
    patient BLOB NOT NULL,
    provider INTEGER NOT NULL REFERENCES provider (number),
    requester INTEGER NOT NULL REFERENCES requester (number),
    position INTEGER NOT NULL,
    commitment BLOB NOT NULL UNIQUE,
    -- granted or revoked; that it has expired is told by its end.
    state TEXT NOT NULL,
    valid_until INTEGER NOT NULL,
    erase_at INTEGER NOT NULL,
    -- The notice that the patient was given, and on what the processing rests.
    notice_version INTEGER NOT NULL,
    notice_language TEXT NOT NULL,
    notice_digest BLOB NOT NULL,
    legal_basis TEXT NOT NULL,
    sealed BLOB NOT NULL,
    granted_at INTEGER NOT NULL,
    revoked_at INTEGER,
    UNIQUE (request, provider),
    UNIQUE (provider, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX consent_of_patient ON consent (patient, granted_at);
CREATE INDEX consent_to_erase ON consent (erase_at);

-- Accesses that the ledger has recorded: written with the block that did.
CREATE TABLE recorded_access (
    nullifier BLOB NOT NULL,
    provider INTEGER NOT NULL,
    requester INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    digest BLOB NOT NULL,
    block INTEGER NOT NULL,
    legal_basis TEXT NOT NULL DEFAULT 'consent',
    PRIMARY KEY (provider, nullifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX recorded_access_in_order ON recorded_access (provider, block);

-- Orders to erase what a consent gave.
CREATE TABLE erasure_order (
    consent TEXT PRIMARY KEY REFERENCES consent (id),
    requester INTEGER NOT NULL,
    reason TEXT NOT NULL,
    ordered_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    confirmed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX erasure_order_open ON erasure_order (due_at) WHERE confirmed_at IS NULL;

-- Who may open a record in an emergency, two together.
CREATE TABLE clinician (
    provider INTEGER NOT NULL REFERENCES provider (number),
    name TEXT NOT NULL,
    public_key BLOB NOT NULL UNIQUE,
    PRIMARY KEY (provider, name)
) STRICT, WITHOUT ROWID;

-- Records that were opened in an emergency, without a consent.
CREATE TABLE break_glass (
    id TEXT PRIMARY KEY,
    provider INTEGER NOT NULL REFERENCES provider (number),
    patient BLOB NOT NULL,
    sealed BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    -- Until when the patient must have been told, and when they were.
    tell_by INTEGER NOT NULL,
    told_at INTEGER,
    reviewed_at INTEGER,
    outcome TEXT,
    legal_basis TEXT NOT NULL DEFAULT 'emergency'
) STRICT, WITHOUT ROWID;

CREATE INDEX break_glass_to_review ON break_glass (opened_at) WHERE reviewed_at IS NULL;

-- On what the processing of claims rests.
ALTER TABLE accepted_claim ADD COLUMN legal_basis TEXT NOT NULL DEFAULT 'statutory';
ALTER TABLE register_upload ADD COLUMN legal_basis TEXT NOT NULL DEFAULT 'statutory';
