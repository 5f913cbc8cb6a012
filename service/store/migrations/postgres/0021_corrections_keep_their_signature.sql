-- The office's signature of a correction, checked again whenever the correction is paid by. One of an earlier
-- version has none: it is handed in again.
ALTER TABLE payment_correction ADD COLUMN signature BYTEA;
