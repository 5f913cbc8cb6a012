-- Health records by consent. What tells of a person is sealed under the master key; a patient is known by
-- a keyed hash of their health address. Times are milliseconds since 1970.

-- Providers of health care, by their number on the ledger. Of each of its two trees: how often it changed,
-- at which change something was last taken away, and up to which the ledger knows it.
CREATE TABLE provider (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    records_changed BIGINT NOT NULL DEFAULT 0,
    records_removed BIGINT NOT NULL DEFAULT 0,
    records_published BIGINT NOT NULL DEFAULT 0,
    consents_changed BIGINT NOT NULL DEFAULT 0,
    consents_removed BIGINT NOT NULL DEFAULT 0,
    consents_published BIGINT NOT NULL DEFAULT 0
);

-- Who asks for records, by their number on the ledger.
CREATE TABLE requester (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    public_key BYTEA NOT NULL
);

-- The leaves of providers' records; what they are of, their provider knows.
CREATE TABLE health_record (
    provider BIGINT NOT NULL REFERENCES provider (number),
    position BIGINT NOT NULL,
    commitment BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    removed BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, position),
    UNIQUE (provider, commitment)
);

CREATE INDEX health_record_of_subject ON health_record (provider, subject);

-- Patients whose consents are kept here, and those of them who ask by telephone: their wallet is then
-- sealed here too.
CREATE TABLE patient (
    tag BYTEA PRIMARY KEY,
    telephone BYTEA UNIQUE,
    -- A keyed hash of what their wallet shows: nobody else's grants.
    holder BYTEA NOT NULL,
    language TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

-- Requests for consent, by the id that their sender gave them.
CREATE TABLE consent_request (
    id TEXT PRIMARY KEY,
    digest BYTEA NOT NULL,
    patient BYTEA NOT NULL,
    -- Of this patient's requests the how manieth: what a person calls it by.
    number BIGINT NOT NULL,
    requester BIGINT NOT NULL REFERENCES requester (number),
    state TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    erase_at BIGINT NOT NULL,
    UNIQUE (patient, number)
);

-- Consents that were given: one a request and provider.
CREATE TABLE consent (
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL REFERENCES consent_request (id),
    patient BYTEA NOT NULL,
    provider BIGINT NOT NULL REFERENCES provider (number),
    requester BIGINT NOT NULL REFERENCES requester (number),
    position BIGINT NOT NULL,
    commitment BYTEA NOT NULL UNIQUE,
    -- granted or revoked; that it has expired is told by its end.
    state TEXT NOT NULL,
    valid_until BIGINT NOT NULL,
    erase_at BIGINT NOT NULL,
    -- The notice that the patient was given, and on what the processing rests.
    notice_version BIGINT NOT NULL,
    notice_language TEXT NOT NULL,
    notice_digest BYTEA NOT NULL,
    legal_basis TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    granted_at BIGINT NOT NULL,
    revoked_at BIGINT,
    UNIQUE (request, provider),
    UNIQUE (provider, position)
);

CREATE INDEX consent_of_patient ON consent (patient, granted_at);
CREATE INDEX consent_to_erase ON consent (erase_at);

-- Accesses that the ledger has recorded: written with the block that did.
CREATE TABLE recorded_access (
    nullifier BYTEA NOT NULL,
    provider BIGINT NOT NULL,
    requester BIGINT NOT NULL,
    as_of BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    block BIGINT NOT NULL,
    legal_basis TEXT NOT NULL DEFAULT 'consent',
    PRIMARY KEY (provider, nullifier)
);

CREATE INDEX recorded_access_in_order ON recorded_access (provider, block);

-- Orders to erase what a consent gave.
CREATE TABLE erasure_order (
    consent TEXT PRIMARY KEY REFERENCES consent (id),
    requester BIGINT NOT NULL,
    reason TEXT NOT NULL,
    ordered_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    confirmed_at BIGINT
);

CREATE INDEX erasure_order_open ON erasure_order (due_at) WHERE confirmed_at IS NULL;

-- Who may open a record in an emergency, two together.
CREATE TABLE clinician (
    provider BIGINT NOT NULL REFERENCES provider (number),
    name TEXT NOT NULL,
    public_key BYTEA NOT NULL UNIQUE,
    PRIMARY KEY (provider, name)
);

-- Records that were opened in an emergency, without a consent.
CREATE TABLE break_glass (
    id TEXT PRIMARY KEY,
    provider BIGINT NOT NULL REFERENCES provider (number),
    patient BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    opened_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    -- Until when the patient must have been told, and when they were.
    tell_by BIGINT NOT NULL,
    told_at BIGINT,
    reviewed_at BIGINT,
    outcome TEXT,
    legal_basis TEXT NOT NULL DEFAULT 'emergency'
);

CREATE INDEX break_glass_to_review ON break_glass (opened_at) WHERE reviewed_at IS NULL;

-- On what the processing of claims rests.
ALTER TABLE accepted_claim ADD COLUMN legal_basis TEXT NOT NULL DEFAULT 'statutory';
ALTER TABLE register_upload ADD COLUMN legal_basis TEXT NOT NULL DEFAULT 'statutory';
