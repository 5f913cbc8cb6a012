-- Proofs that others asked for. What a proof is made from is sealed to a worker's key and forgotten when
-- the job ends; times are milliseconds since 1970 by the database's clock.
CREATE TABLE proving_job (
    id BLOB PRIMARY KEY,
    tenant TEXT NOT NULL,
    -- 0: a person waits. 1: a batch.
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    worker_key BLOB NOT NULL,
    sealed BLOB,
    -- The worker that has it, until when, and for the how manieth time the job was given away: what an
    -- earlier holder brings counts no more.
    holder TEXT,
    lease_until INTEGER,
    attempts INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    finished_at INTEGER,
    -- The proved claim.
    claim TEXT,
    reason TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX proving_job_waiting ON proving_job (tenant, priority, queued_at) WHERE state = 'waiting';
CREATE INDEX proving_job_taken ON proving_job (lease_until) WHERE state = 'proving';
CREATE INDEX proving_job_finished ON proving_job (finished_at) WHERE finished_at IS NOT NULL;

-- Whose turn it is: the tenant with the lowest.
CREATE TABLE proving_tenant (
    tenant TEXT PRIMARY KEY,
    turn INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
