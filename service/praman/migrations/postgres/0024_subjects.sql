-- Whether a commitment is another person's is asked whenever a credential is issued.
CREATE INDEX person_credential_subject ON person_credential (subject);
