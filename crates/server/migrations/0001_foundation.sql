-- The key of every table begins with the tenant, so that a tenant can live in a database of its own. The one
-- exception is the directory: it says in which tenant to look for an id that comes from outside.
-- Flags are BIGINT (0 or 1), ids are bytes, times are milliseconds since 1970 (UTC).

CREATE TABLE directory (
    kind TEXT NOT NULL, -- author: id is a device or a server; invite: id is the hash of the code
    id BLOB NOT NULL,
    tenant BLOB NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE tenant (
    tenant BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    epoch TEXT NOT NULL,
    head BIGINT NOT NULL,      -- position of the newest change
    server BLOB NOT NULL,      -- the server as an author
    secret BLOB NOT NULL,      -- its secret key
    demo BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE shop (
    tenant BLOB NOT NULL REFERENCES tenant (tenant),
    shop BLOB NOT NULL,
    body TEXT NOT NULL,        -- JSON
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, shop)
);

CREATE TABLE device (
    tenant BLOB NOT NULL,
    device BLOB NOT NULL,
    shop BLOB NOT NULL,
    name TEXT NOT NULL,
    public_key BLOB NOT NULL,
    certificate TEXT NOT NULL, -- JSON
    enrolled_ms BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    revoked_seq BIGINT,        -- what was held of its journal when it was revoked
    seen_ms BIGINT,            -- last push
    PRIMARY KEY (tenant, device),
    FOREIGN KEY (tenant, shop) REFERENCES shop (tenant, shop)
);

CREATE TABLE invite (
    tenant BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    shop BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT,
    used_device BLOB,
    PRIMARY KEY (tenant, code_hash),
    FOREIGN KEY (tenant, shop) REFERENCES shop (tenant, shop)
);

CREATE TABLE journal (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    held BIGINT NOT NULL,      -- every row from 1 to this one is here
    hash BLOB NOT NULL,        -- hash of that row
    PRIMARY KEY (tenant, author)
);

CREATE TABLE event (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    seq BIGINT NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,       -- as signed
    kind TEXT NOT NULL,
    member BLOB,
    status BIGINT NOT NULL,    -- 0 counts, 1 not understood (dead), 2 held for review
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, author, seq)
);
CREATE INDEX event_of_member ON event (tenant, member, author, seq) WHERE member IS NOT NULL;
CREATE INDEX event_of_status ON event (tenant, status, author, seq) WHERE status <> 0;

CREATE TABLE dead_letter (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    seq BIGINT NOT NULL,
    reason TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, author, seq)
);

CREATE TABLE quarantine (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    seq BIGINT NOT NULL,       -- the first number under which there are two rows
    offered BLOB NOT NULL,     -- the row that was offered; the one that is held stands in event
    carrier BLOB NOT NULL,     -- the device that offered it
    reason TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, author)
);

CREATE TABLE member (
    tenant BLOB NOT NULL,
    member BLOB NOT NULL,
    position BIGINT NOT NULL,
    base TEXT NOT NULL,        -- JSON
    PRIMARY KEY (tenant, member)
);
CREATE UNIQUE INDEX member_position ON member (tenant, position);

CREATE TABLE member_key (
    tenant BLOB NOT NULL,
    member BLOB NOT NULL,
    key_id BLOB NOT NULL,
    secret BLOB NOT NULL,
    PRIMARY KEY (tenant, member, key_id)
);

CREATE TABLE card (
    tenant BLOB NOT NULL,
    card BLOB NOT NULL,
    number BLOB,               -- the first five bytes of the id; none if another card has the same
    member BLOB,
    device BLOB,               -- to whose pool of blanks it was given
    status BIGINT NOT NULL,    -- 0 blank, 1 a member's, 2 blocked, 3 revoked while blank
    issued_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, card)
);
CREATE UNIQUE INDEX card_number ON card (tenant, number) WHERE number IS NOT NULL;
CREATE INDEX card_of_member ON card (tenant, member) WHERE member IS NOT NULL;
CREATE INDEX card_blank ON card (tenant, device) WHERE status = 0;

CREATE TABLE card_key (
    tenant BLOB NOT NULL,
    public_key BLOB NOT NULL,
    secret BLOB NOT NULL,
    retired BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, public_key)
);

CREATE TABLE programme (
    tenant BLOB NOT NULL,
    programme TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,        -- JSON as published
    ended BIGINT NOT NULL,
    published_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, programme, version)
);

CREATE TABLE article (
    tenant BLOB NOT NULL,
    sku TEXT NOT NULL,
    place BIGINT NOT NULL,     -- its place in the catalogue
    body TEXT NOT NULL,        -- JSON
    PRIMARY KEY (tenant, sku)
);

-- What stands in the feed beside members. A thing that changes moves to a new position.
CREATE TABLE thing (
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    position BIGINT NOT NULL,
    body TEXT NOT NULL,        -- JSON of the change
    PRIMARY KEY (tenant, kind, id)
);
CREATE UNIQUE INDEX thing_position ON thing (tenant, position);

CREATE TABLE conflict_case (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,     -- what it is about; one open case for each kind and subject
    member BLOB,
    event TEXT NOT NULL,       -- the event that opened it
    detail TEXT NOT NULL,      -- in plain words
    opened_ms BIGINT NOT NULL,
    closed_ms BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX conflict_case_open ON conflict_case (tenant, kind, subject) WHERE closed_ms IS NULL;

CREATE TABLE idempotency (
    tenant BLOB NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,     -- hash of what was asked
    answer TEXT NOT NULL,      -- JSON
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
