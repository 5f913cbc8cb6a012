-- What a bank is told to pay, and what it reports. No amount and no account is in it: the treasury opens
-- both from the envelopes.

-- Transfers, by the reference that the bank reports back: a hash of nullifier, part and attempt.
CREATE TABLE payment_transfer (
    reference TEXT PRIMARY KEY,
    batch TEXT NOT NULL REFERENCES payment_batch (id),
    nullifier BLOB NOT NULL,
    -- The instalment, from 0; and how often it was returned before.
    part INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    -- ordered, paid, returned, or reissued: returned, and paid anew by another transfer.
    state TEXT NOT NULL,
    -- The bank's code of why it was returned.
    reason TEXT,
    UNIQUE (nullifier, part, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX payment_transfer_of_batch ON payment_transfer (batch);
CREATE INDEX payment_transfer_returned ON payment_transfer (batch) WHERE state = 'returned';

-- Payees that an office has corrected after a return, sealed to the treasury and signed by the office.
CREATE TABLE payment_correction (
    reference TEXT PRIMARY KEY REFERENCES payment_transfer (reference),
    office INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Files that went to the bank and came from it: each once, and on the ledger by number, hash and count.
CREATE TABLE payment_file (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    transfers INTEGER NOT NULL,
    kept_at INTEGER NOT NULL,
    -- The block that has it.
    block INTEGER
) STRICT;

-- The approval that a batch waits for, where two persons are needed.
ALTER TABLE payment_batch ADD COLUMN approval INTEGER;
