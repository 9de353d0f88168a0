-- Expands: how often strangers asked and passwords were guessed, over a restart. It is about no tenant, and not in backups.

CREATE TABLE attempt (
    process BLOB NOT NULL,     -- which server counted
    kind TEXT NOT NULL,
    name BLOB NOT NULL,        -- a hash of the address, or of account and address
    count BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (process, kind, name)
);
