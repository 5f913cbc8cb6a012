-- On which days a bank's statements have booked a payment as money out, with spaces between: two are two payments,
-- until two persons have decided.
ALTER TABLE payment_transfer ADD COLUMN booked_on TEXT;
