-- Claims that were refused and not kept, for a day: each has one place, by its id, which the next one there
-- takes over. So they never grow.
CREATE TABLE refused_claim (
    place INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    nullifier BLOB NOT NULL,
    reason TEXT NOT NULL,
    -- The claim that this one repeats in another form.
    same_as BLOB,
    received_at INTEGER NOT NULL
) STRICT;
