-- Expands: which program can still use the database, and tenants that live in a database of their own.

ALTER TABLE schema_version ADD COLUMN oldest BIGINT;

-- 1 while the tenant is being moved from or to here: nobody writes to it or reads it.
ALTER TABLE tenant ADD COLUMN closed BIGINT NOT NULL DEFAULT 0;

-- Tenants whose data is in another database. Like the directory it is asked before the tenant is known.
CREATE TABLE placement (
    tenant BLOB NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,         -- may hold a password
    moved_ms BIGINT NOT NULL
);

CREATE INDEX directory_of_tenant ON directory (tenant, kind, id);
