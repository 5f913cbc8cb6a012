-- A person is one person for all offices of a store: by keyed tags, which the master key's holder alone can
-- make. They tell of nobody.

-- Credentials that were issued to people, in order.
CREATE TABLE person_credential (
    number INTEGER PRIMARY KEY,
    schema INTEGER NOT NULL,
    office INTEGER NOT NULL REFERENCES office (id),
    position INTEGER NOT NULL,
    -- A tag of the subject commitment: under the same one the holder's secret is the same.
    subject BLOB NOT NULL,
    claims_from INTEGER NOT NULL,
    UNIQUE (office, position)
) STRICT;

-- By what their people are known again: identity number; name, birth date and guardian; account.
CREATE TABLE person_tag (
    tag BLOB NOT NULL,
    credential INTEGER NOT NULL REFERENCES person_credential (number),
    PRIMARY KEY (tag, credential)
) STRICT, WITHOUT ROWID;

-- Rows of an uploaded register whose people have a live credential, and rows that a person looks at first.
ALTER TABLE register_upload ADD COLUMN enrolled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE register_upload ADD COLUMN to_review INTEGER NOT NULL DEFAULT 0;
-- Whether a person has looked at its one row, and said that it is of another person.
ALTER TABLE register_upload ADD COLUMN reviewed INTEGER NOT NULL DEFAULT 0 CHECK (reviewed IN (0, 1));
