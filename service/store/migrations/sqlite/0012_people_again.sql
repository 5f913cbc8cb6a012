-- A person who comes by an OpenID issuer may be admitted anew once they were revoked: only among those who
-- may act is their subject one principal's. A key or a certificate stays one principal's for good.
-- SQLite takes no constraint away: the table is made anew. Who is at a browser comes in again.
DROP TABLE console_session;

CREATE TABLE principal_anew (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenant (name),
    -- The number of the office, or of the participant on the ledger, of roles that have one.
    member INTEGER,
    credential_kind TEXT NOT NULL,
    credential BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

INSERT INTO principal_anew
SELECT number, name, role, tenant, member, credential_kind, credential, created_at, expires_at, revoked_at
FROM principal;

DROP TABLE principal;

ALTER TABLE principal_anew RENAME TO principal;

CREATE UNIQUE INDEX principal_credential ON principal (credential_kind, credential)
    WHERE revoked_at IS NULL OR credential_kind <> 'openid';

CREATE TABLE console_session (
    token_hash BLOB PRIMARY KEY,
    principal INTEGER NOT NULL REFERENCES principal (number),
    begun_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
