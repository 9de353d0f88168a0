-- Expands: members who are one person, and members who are forgotten.

-- Members who are known under another one's id. A merge is an alias: nothing is rewritten.
CREATE TABLE member_alias (
    tenant BLOB NOT NULL,
    member BLOB NOT NULL,
    into_member BLOB NOT NULL,
    PRIMARY KEY (tenant, member)
);
CREATE INDEX member_alias_into ON member_alias (tenant, into_member);

-- Members who are forgotten, each with its fixed place in the feed.
CREATE TABLE erasure (
    tenant BLOB NOT NULL,
    member BLOB NOT NULL,
    position BIGINT NOT NULL,
    erased_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, member)
);
CREATE INDEX erasure_position ON erasure (tenant, position);

-- Up to which place of the feed a device has carried out every erasure.
CREATE TABLE erasure_ack (
    tenant BLOB NOT NULL,
    device BLOB NOT NULL,
    position BIGINT NOT NULL,
    acked_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, device)
);
