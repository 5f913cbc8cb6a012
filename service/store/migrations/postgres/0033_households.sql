-- A household's credential is recorded for each of its members: several rows have one place in an office's tree.
ALTER TABLE person_credential DROP CONSTRAINT person_credential_office_position_key;

CREATE INDEX person_credential_position ON person_credential (office, position);

-- Whose secret it is, is asked by the credential.
CREATE INDEX person_tag_credential ON person_tag (credential);

-- How many households of a register got nothing, or people of whom a row says that they have died.
ALTER TABLE register_upload ADD COLUMN refused BIGINT NOT NULL DEFAULT 0;
