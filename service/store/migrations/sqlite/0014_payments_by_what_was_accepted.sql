-- What is paid is kept with what was accepted: no payment reads a scheme's file again.

-- How a scheme's period is paid, as it was when it was opened or first claimed for.
CREATE TABLE payment_terms (
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    instalments INTEGER NOT NULL CHECK (instalments BETWEEN 1 AND 12),
    -- Whether one account may take several claims of the period.
    shared_accounts INTEGER NOT NULL CHECK (shared_accounts IN (0, 1)),
    PRIMARY KEY (scheme, period)
) STRICT, WITHOUT ROWID;

-- To which account a claim of a period was paid, by a tag that the treasury alone can make, another in every
-- period: it tells that two claims of one period go to one account, and nothing else.
CREATE TABLE payment_account (
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    nullifier BLOB NOT NULL,
    tag BLOB NOT NULL,
    PRIMARY KEY (scheme, period, nullifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX payment_account_tag ON payment_account (scheme, period, tag);

-- Claims that two persons have let go to an account that another claim of the period goes to.
CREATE TABLE payment_release (
    nullifier BLOB PRIMARY KEY,
    approval INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The amount that was written into the bank's file, sealed by a key of the treasury's.
ALTER TABLE payment_transfer ADD COLUMN amount BLOB;
-- Whether the bank has said that it is paid after it had said that it is returned: two persons decide.
ALTER TABLE payment_transfer ADD COLUMN contested INTEGER NOT NULL DEFAULT 0 CHECK (contested IN (0, 1));

CREATE INDEX payment_transfer_contested ON payment_transfer (nullifier) WHERE contested = 1;

-- What no file was written for yet is no order.
UPDATE payment_transfer SET state = 'drafted'
WHERE state = 'ordered' AND batch IN (SELECT id FROM payment_batch WHERE written = 0);

INSERT INTO payment_terms (scheme, period, instalments, shared_accounts)
SELECT scheme, period, max(1, max(instalments)), 0 FROM payment_batch GROUP BY scheme, period;

-- Claims that were accepted before envelopes told which office registered the account.
ALTER TABLE accepted_claim ADD COLUMN old_envelope INTEGER NOT NULL DEFAULT 0 CHECK (old_envelope IN (0, 1));
UPDATE accepted_claim SET old_envelope = 1;
