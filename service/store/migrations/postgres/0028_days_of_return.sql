-- The day on which a statement booked a payment as money that came back.

ALTER TABLE payment_transfer ADD COLUMN returned_on TEXT;
