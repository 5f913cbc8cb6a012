-- A state is one of the names that the program knows.

ALTER TABLE outbox ADD CHECK (state IN ('pending', 'arrived'));
ALTER TABLE claim ADD CHECK (state IN ('received', 'verified', 'submitted', 'accepted', 'refused', 'ordered', 'paid', 'returned'));
ALTER TABLE proving_job ADD CHECK (state IN ('waiting', 'proving', 'proved', 'failed'));
ALTER TABLE register_upload ADD CHECK (state IN ('uploading', 'waiting', 'issuing', 'issued', 'failed'));
ALTER TABLE consent_request ADD CHECK (state IN ('REQUESTED', 'GRANTED', 'DENIED', 'EXPIRED'));
ALTER TABLE consent ADD CHECK (state IN ('granted', 'revoked', 'expired'));
ALTER TABLE approval ADD CHECK (state IN ('waiting', 'approved', 'denied'));
ALTER TABLE payment_transfer ADD CHECK (state IN ('drafted', 'ordered', 'paid', 'returned', 'reissued'));
ALTER TABLE grievance_case ADD CHECK (state IN ('open', 'answered', 'appealed', 'decided'));
ALTER TABLE proving_job ADD CHECK (priority IN (0, 1));
