-- A household's credential is recorded for each of its members: several rows have one place in an office's tree.
-- SQLite takes no constraint away: the table is made anew, and with it the one that refers to it.
CREATE TABLE person_credential_anew (
    number INTEGER PRIMARY KEY,
    schema INTEGER NOT NULL,
    office INTEGER NOT NULL REFERENCES office (id),
    position INTEGER NOT NULL,
    -- A tag of the subject commitment: under the same one the holder's secret is the same.
    subject BLOB NOT NULL,
    claims_from INTEGER NOT NULL
) STRICT;

INSERT INTO person_credential_anew
SELECT number, schema, office, position, subject, claims_from FROM person_credential;

CREATE TABLE person_tag_anew (
    tag BLOB NOT NULL,
    credential INTEGER NOT NULL REFERENCES person_credential_anew (number),
    PRIMARY KEY (tag, credential)
) STRICT, WITHOUT ROWID;

INSERT INTO person_tag_anew SELECT tag, credential FROM person_tag;

DROP TABLE person_tag;

DROP TABLE person_credential;

ALTER TABLE person_credential_anew RENAME TO person_credential;

ALTER TABLE person_tag_anew RENAME TO person_tag;

CREATE INDEX person_credential_position ON person_credential (office, position);

-- Whether a commitment is another person's is asked whenever a credential is issued.
CREATE INDEX person_credential_subject ON person_credential (subject);

-- Whose secret it is, is asked by the credential.
CREATE INDEX person_tag_credential ON person_tag (credential);

-- How many households of a register got nothing, or people of whom a row says that they have died.
ALTER TABLE register_upload ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
