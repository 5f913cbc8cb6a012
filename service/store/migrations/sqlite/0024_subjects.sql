-- Whether a commitment is another person's is asked whenever a credential is issued.
CREATE INDEX person_credential_subject ON person_credential (subject);
-- By how many names a client calls a claim is counted.
CREATE INDEX client_key_claim ON client_key (claim);
