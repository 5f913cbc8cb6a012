-- A person is one person for all offices of a store: by keyed tags, which the master key's holder alone can
-- make. They tell of nobody.

-- Credentials that were issued to people, in order.
CREATE TABLE person_credential (
    number BIGINT PRIMARY KEY,
    schema BIGINT NOT NULL,
    office BIGINT NOT NULL REFERENCES office (id),
    position BIGINT NOT NULL,
    -- A tag of the subject commitment: under the same one the holder's secret is the same.
    subject BYTEA NOT NULL,
    claims_from BIGINT NOT NULL,
    UNIQUE (office, position)
);

-- By what their people are known again: identity number; name, birth date and guardian; account.
CREATE TABLE person_tag (
    tag BYTEA NOT NULL,
    credential BIGINT NOT NULL REFERENCES person_credential (number),
    PRIMARY KEY (tag, credential)
);

-- Rows of an uploaded register whose people have a live credential, and rows that a person looks at first.
ALTER TABLE register_upload ADD COLUMN enrolled BIGINT NOT NULL DEFAULT 0;
ALTER TABLE register_upload ADD COLUMN to_review BIGINT NOT NULL DEFAULT 0;
-- Whether a person has looked at its one row, and said that it is of another person.
ALTER TABLE register_upload ADD COLUMN reviewed BIGINT NOT NULL DEFAULT 0 CHECK (reviewed IN (0, 1));
