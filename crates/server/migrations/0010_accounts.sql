-- Expands: keys of other systems, people's accounts and sessions, changes that wait for a second person, and the
-- log of who changed what.

CREATE TABLE api_key (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    hash BLOB NOT NULL,        -- of the whole key
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,      -- names with spaces between
    shop BLOB,                 -- none: every shop
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE account (
    tenant BLOB NOT NULL,
    account BLOB NOT NULL,
    email TEXT NOT NULL,       -- in lower case
    password TEXT,             -- argon2id; none until the invitation was taken
    created_ms BIGINT NOT NULL,
    closed_ms BIGINT,
    PRIMARY KEY (tenant, account)
);
CREATE UNIQUE INDEX account_email ON account (tenant, email);

CREATE TABLE account_role (
    tenant BLOB NOT NULL,
    account BLOB NOT NULL,
    shop BLOB NOT NULL,        -- empty: every shop
    role TEXT NOT NULL,
    PRIMARY KEY (tenant, account, shop)
);

-- Links in mails: invitations and new passwords.
CREATE TABLE account_link (
    tenant BLOB NOT NULL,
    hash BLOB NOT NULL,
    account BLOB NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT,
    PRIMARY KEY (tenant, hash)
);

CREATE TABLE session (
    tenant BLOB NOT NULL,
    hash BLOB NOT NULL,
    account BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX session_of_account ON session (tenant, account);

CREATE TABLE setting (
    tenant BLOB NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE pending_change (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    body TEXT NOT NULL,        -- JSON of what is to be done
    asked_by TEXT NOT NULL,
    asked_ms BIGINT NOT NULL,
    decided_by TEXT,
    decided_ms BIGINT,
    outcome TEXT,              -- approved or declined
    PRIMARY KEY (tenant, id)
);

-- Only ever added to. Each entry names the hash of the one before.
CREATE TABLE audit (
    tenant BLOB NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,      -- JSON
    hash BLOB NOT NULL,
    PRIMARY KEY (tenant, seq)
);
