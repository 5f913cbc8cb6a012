-- Consents, second edition: a consent manager keeps and publishes them, and times are whole minutes. What was granted
-- under the first edition can't be proved from any more: it is withdrawn, and what it gave is to be erased.
INSERT INTO erasure_order (consent, requester, reason, ordered_at, due_at)
SELECT id, requester, 'withdrawn', CAST(strftime('%s', 'now') AS INTEGER) * 1000, CAST(strftime('%s', 'now') AS INTEGER) * 1000 + 259200000
FROM consent WHERE state = 'granted'
ON CONFLICT (consent) DO NOTHING;
UPDATE consent SET state = 'revoked', revoked_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000
WHERE state = 'granted';
UPDATE recorded_access SET as_of = as_of / 60;
-- The trees of consents are those of odd numbers above 2^33. Each is empty now, and that ends all earlier roots.
DELETE FROM tree_node WHERE tree > 8589934592 AND tree % 2 = 1;
UPDATE provider SET consents_changed = consents_changed + 1, consents_removed = consents_changed + 1,
    consents_published = 0, records_published = 0
WHERE consents_changed > 0;

-- The consent manager that this store belongs to, by its number on the ledger, and its signing key.
CREATE TABLE consent_manager (
    single INTEGER PRIMARY KEY CHECK (single = 1),
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    public_key BLOB NOT NULL
) STRICT;

-- Accesses that their patients have ended without the consent manager: written with the block that did.
CREATE TABLE withdrawn_access (
    nullifier BLOB NOT NULL,
    provider INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (provider, nullifier)
) STRICT, WITHOUT ROWID;
