-- Expands: members' phones, the codes of posters, one-time codes, confirmed addresses, and how members joined.

-- A key that a browser made and keeps. A member has one that is not ended.
CREATE TABLE phone (
    tenant BLOB NOT NULL,
    phone BLOB NOT NULL,       -- the first 16 bytes of the hash of its key
    member BLOB NOT NULL,
    card BLOB NOT NULL,
    public_key BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    PRIMARY KEY (tenant, phone)
);
CREATE INDEX phone_of_member ON phone (tenant, member);

-- What stands on a poster: whoever has it may join.
CREATE TABLE join_link (
    tenant BLOB NOT NULL,
    code TEXT NOT NULL,
    shop BLOB,                 -- none: any shop
    created_ms BIGINT NOT NULL,
    closed_ms BIGINT,
    PRIMARY KEY (tenant, code)
);

-- One-time codes of members: to move a card to another browser, to confirm an address, to come back by mail.
CREATE TABLE card_code (
    tenant BLOB NOT NULL,
    hash BLOB NOT NULL,
    kind TEXT NOT NULL,
    member BLOB NOT NULL,
    address BLOB,              -- hash of the address to confirm
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX card_code_of_member ON card_code (tenant, member, kind);

-- Addresses by which members come back. The address itself is kept nowhere.
CREATE TABLE member_address (
    tenant BLOB NOT NULL,
    address BLOB NOT NULL,     -- its hash
    member BLOB NOT NULL,
    confirmed_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, address)
);
CREATE INDEX member_address_of_member ON member_address (tenant, member);

-- Who joined by themselves: by which poster, what they agreed to, and that they are old enough.
CREATE TABLE joining (
    tenant BLOB NOT NULL,
    member BLOB NOT NULL,
    at_ms BIGINT NOT NULL,
    link TEXT NOT NULL,
    terms TEXT NOT NULL,       -- version
    of_age BIGINT NOT NULL,
    PRIMARY KEY (tenant, member)
);
