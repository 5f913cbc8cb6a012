-- Which department's a scheme is. The claims and payments of one that is nobody's are seen by those alone
-- who see all.
CREATE TABLE tenant_scheme (
    scheme TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant (name)
);
