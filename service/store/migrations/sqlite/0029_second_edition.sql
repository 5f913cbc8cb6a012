-- A claim's proof is of its envelope's hash, which the ledger's events tell. Claims of the first edition of
-- statements have none.
ALTER TABLE accepted_claim ADD COLUMN envelope_hash BLOB;
ALTER TABLE claim ADD COLUMN envelope_hash BLOB;

-- Within what a person claims once: a scheme, or a group of schemes that exclude each other.
ALTER TABLE opening ADD COLUMN scope BLOB;

-- What is spent on the ledger whose place this one takes.
CREATE TABLE inherited_nullifier (
    nullifier BLOB PRIMARY KEY,
    scope BLOB NOT NULL,
    period INTEGER NOT NULL,
    block INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Wallets look up what is spent in a period.
CREATE INDEX accepted_claim_by_nullifier ON accepted_claim (period, nullifier);
CREATE INDEX inherited_nullifier_by_scope ON inherited_nullifier (scope, period, nullifier);
