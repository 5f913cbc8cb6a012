-- A state is one of the names that the program knows.
--
-- SQLite adds no check to a table that stands. This is the way that its manual gives for it
-- (https://www.sqlite.org/lang_altertable.html#otheralter): no row is touched.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''pending'', ''arrived''))')
WHERE type = 'table' AND name = 'outbox';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''received'', ''verified'', ''submitted'', ''accepted'', ''refused'', ''ordered'', ''paid'', ''returned''))')
WHERE type = 'table' AND name = 'claim';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''waiting'', ''proving'', ''proved'', ''failed''))')
WHERE type = 'table' AND name = 'proving_job';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''uploading'', ''waiting'', ''issuing'', ''issued'', ''failed''))')
WHERE type = 'table' AND name = 'register_upload';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''REQUESTED'', ''GRANTED'', ''DENIED'', ''EXPIRED''))')
WHERE type = 'table' AND name = 'consent_request';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''granted'', ''revoked'', ''expired''))')
WHERE type = 'table' AND name = 'consent';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''waiting'', ''approved'', ''denied''))')
WHERE type = 'table' AND name = 'approval';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''drafted'', ''ordered'', ''paid'', ''returned'', ''reissued''))')
WHERE type = 'table' AND name = 'payment_transfer';

UPDATE sqlite_schema SET sql = replace(sql, 'state TEXT NOT NULL',
    'state TEXT NOT NULL CHECK (state IN (''open'', ''answered'', ''appealed'', ''decided''))')
WHERE type = 'table' AND name = 'grievance_case';

UPDATE sqlite_schema SET sql = replace(sql, 'priority INTEGER NOT NULL',
    'priority INTEGER NOT NULL CHECK (priority IN (0, 1))')
WHERE type = 'table' AND name = 'proving_job';

-- A change of the schema of the usual kind: every connection reads the schema again after it.
CREATE TABLE states_are_checked (one INTEGER);
DROP TABLE states_are_checked;
PRAGMA writable_schema = RESET;
