-- What a department was told of a scheme's period, by the week since 1900: within a week it is told the same,
-- so that two reports one claim apart do not tell that claim.
CREATE TABLE department_report (
    scheme TEXT NOT NULL,
    period INTEGER NOT NULL,
    week INTEGER NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (scheme, period, week)
) STRICT, WITHOUT ROWID;
