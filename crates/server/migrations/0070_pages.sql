-- Expands: second factors of accounts, webhooks with their log, mails about silent devices.

-- A secret that an account shares with an app which makes a code of each half-minute.
CREATE TABLE second_factor (
    tenant BLOB NOT NULL,
    account BLOB NOT NULL,
    secret BLOB NOT NULL,
    on_ms BIGINT,              -- none: set up and not confirmed yet
    last_step BIGINT NOT NULL, -- the half-minute of the last code that was taken; none is taken twice
    PRIMARY KEY (tenant, account)
);

CREATE TABLE recovery_code (
    tenant BLOB NOT NULL,
    hash BLOB NOT NULL,
    account BLOB NOT NULL,
    used_ms BIGINT,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX recovery_code_of_account ON recovery_code (tenant, account);

-- Somebody who has shown the password and not yet the code. It is no session: programs that do not know of it let
-- nobody in by it.
CREATE TABLE half_session (
    tenant BLOB NOT NULL,
    hash BLOB NOT NULL,
    account BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (tenant, hash)
);

-- Other systems that are told of events.
CREATE TABLE webhook (
    tenant BLOB NOT NULL,
    hook BLOB NOT NULL,
    url TEXT NOT NULL,
    secret BLOB NOT NULL,
    kinds TEXT NOT NULL,       -- names with spaces between; empty: all
    reached TEXT NOT NULL,     -- JSON: for each author, the number up to which it was told
    number BIGINT NOT NULL,    -- of the next delivery
    tries BIGINT NOT NULL,     -- of that one
    due_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    closed_ms BIGINT,
    PRIMARY KEY (tenant, hook)
);

CREATE TABLE webhook_attempt (
    tenant BLOB NOT NULL,
    hook BLOB NOT NULL,
    attempt BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    number BIGINT NOT NULL,    -- of the delivery
    told_before TEXT NOT NULL, -- JSON, as reached: what had been told before it, and after it
    told_after TEXT NOT NULL,
    events BIGINT NOT NULL,
    status BIGINT NOT NULL,    -- of the answer; 0: there was none
    said TEXT NOT NULL,        -- what went wrong
    took_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, hook, attempt)
);

-- Devices about whose silence a mail was sent. The row goes when the device is heard again.
CREATE TABLE silence_mail (
    tenant BLOB NOT NULL,
    device BLOB NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, device)
);

-- Versions of programmes that come into force from a day on. A programme has one such at most.
CREATE TABLE planned_programme (
    tenant BLOB NOT NULL,
    programme TEXT NOT NULL,
    body TEXT NOT NULL,
    base BIGINT NOT NULL,      -- the version that it was made from; 0: a new programme
    from_day BIGINT NOT NULL,  -- business day, in days since 1970
    failed TEXT,               -- why it did not come into force
    PRIMARY KEY (tenant, programme)
);
