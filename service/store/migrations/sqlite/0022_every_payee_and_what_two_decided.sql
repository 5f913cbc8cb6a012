-- By a claim, part and attempt, whose account a payment goes to: tags that a treasury's key makes. Part -1 is of
-- all parts, as they are first paid.
CREATE TABLE payment_payee (
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    nullifier BLOB NOT NULL,
    part INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    tag BLOB NOT NULL,
    made_by BLOB,
    PRIMARY KEY (scheme, period, nullifier, part, attempt, tag)
) STRICT;
CREATE INDEX payment_payee_tag ON payment_payee (scheme, period, tag);
INSERT INTO payment_payee (scheme, period, nullifier, part, attempt, tag, made_by)
SELECT scheme, period, nullifier, -1, 0, tag, made_by FROM payment_account;
DROP TABLE payment_account;

-- For which account a claim was held when it was last looked at, and for which one two persons have let it go.
CREATE TABLE payment_held (
    nullifier BLOB PRIMARY KEY,
    tag BLOB NOT NULL
) STRICT;
ALTER TABLE payment_release ADD COLUMN tag BLOB;

-- What two persons have found out of a transfer that was contested.
ALTER TABLE payment_transfer ADD COLUMN resolved TEXT;

-- The account that a file of before a restore names is another than the one known here.
ALTER TABLE payment_transfer ADD COLUMN payee_lost INTEGER NOT NULL DEFAULT 0;

-- Transfers that a restored state has taken for sent, and whether by a bank's report alone: then their file is
-- missing still.
CREATE TABLE restore_adopted (
    reference TEXT PRIMARY KEY,
    by_report INTEGER NOT NULL
) STRICT;

-- Files that a treasury has on the ledger and a restored state lost.
CREATE TABLE restore_lost_file (
    participant INTEGER NOT NULL,
    number INTEGER NOT NULL,
    digest BLOB NOT NULL,
    transfers INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (participant, number)
) STRICT;

-- Which treasury keys have read a bank's report.
CREATE TABLE payment_file_reader (
    digest BLOB NOT NULL,
    key_tag BLOB NOT NULL,
    PRIMARY KEY (digest, key_tag)
) STRICT;
