-- By a claim, part and attempt, whose account a payment goes to: tags that a treasury's key makes. Part -1 is of
-- all parts, as they are first paid.
CREATE TABLE payment_payee (
    scheme TEXT NOT NULL,
    period BIGINT NOT NULL,
    nullifier BYTEA NOT NULL,
    part BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    tag BYTEA NOT NULL,
    made_by BYTEA,
    PRIMARY KEY (scheme, period, nullifier, part, attempt, tag)
);
CREATE INDEX payment_payee_tag ON payment_payee (scheme, period, tag);
INSERT INTO payment_payee (scheme, period, nullifier, part, attempt, tag, made_by)
SELECT scheme, period, nullifier, -1, 0, tag, made_by FROM payment_account;
DROP TABLE payment_account;

-- For which account a claim was held when it was last looked at, and for which one two persons have let it go.
CREATE TABLE payment_held (
    nullifier BYTEA PRIMARY KEY,
    tag BYTEA NOT NULL
);
ALTER TABLE payment_release ADD COLUMN tag BYTEA;

-- What two persons have found out of a transfer that was contested.
ALTER TABLE payment_transfer ADD COLUMN resolved TEXT;

-- The account that a file of before a restore names is another than the one known here.
ALTER TABLE payment_transfer ADD COLUMN payee_lost BIGINT NOT NULL DEFAULT 0;

-- Transfers that a restored state has taken for sent, and whether by a bank's report alone: then their file is
-- missing still.
CREATE TABLE restore_adopted (
    reference TEXT PRIMARY KEY,
    by_report BIGINT NOT NULL
);

-- Files that a treasury has on the ledger and a restored state lost.
CREATE TABLE restore_lost_file (
    participant BIGINT NOT NULL,
    number BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    transfers BIGINT NOT NULL,
    block BIGINT NOT NULL,
    PRIMARY KEY (participant, number)
);

-- Which treasury keys have read a bank's report.
CREATE TABLE payment_file_reader (
    digest BYTEA NOT NULL,
    key_tag BYTEA NOT NULL,
    PRIMARY KEY (digest, key_tag)
);
