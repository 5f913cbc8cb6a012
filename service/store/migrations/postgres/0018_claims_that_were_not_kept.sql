-- Claims that were refused and not kept, for a day: each has one place, by its id, which the next one there
-- takes over. So they never grow.
CREATE TABLE refused_claim (
    place BIGINT PRIMARY KEY,
    id BYTEA NOT NULL,
    nullifier BYTEA NOT NULL,
    reason TEXT NOT NULL,
    -- The claim that this one repeats in another form.
    same_as BYTEA,
    received_at BIGINT NOT NULL
);
