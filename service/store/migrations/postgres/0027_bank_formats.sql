-- The bank's own format in which a batch's files are written; none for ISO 20022. It is kept so that a file that is
-- written again is the same.
ALTER TABLE payment_batch ADD COLUMN format TEXT;
