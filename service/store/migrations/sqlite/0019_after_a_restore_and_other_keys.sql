-- What a bank named after a restore that this state does not know, by references and ids of the treasury's own
-- form: until each is known, nothing is paid.
CREATE TABLE restore_unknown (
    name TEXT PRIMARY KEY
) STRICT;

-- The days, since 1900, of which a statement was imported after a restore.
CREATE TABLE restore_statement_day (
    day INTEGER PRIMARY KEY
) STRICT;

-- A tag that the master key makes of nothing: a key that makes another would know nobody again.
ALTER TABLE master_key ADD COLUMN tag_check BLOB;

-- Which treasury's key has made an account's tag: those of two keys can't be compared.
ALTER TABLE payment_account ADD COLUMN made_by BLOB;
