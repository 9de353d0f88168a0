-- Contracts: from here on the column `secret` of tenant, card_key, second_factor and webhook may hold what is wrapped under
-- the key in a file outside the database (crates/server/src/vault), which no older program can read. The columns stay as
-- they are; what stands in them is wrapped when a server starts with such a file.

-- Keys of authors whose key is not the one that stands with the device or the tenant: it was changed, or lost. Rows after
-- `seq` were signed by it, up to the next one.
CREATE TABLE author_key (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    seq BIGINT NOT NULL,
    public_key BLOB NOT NULL,
    PRIMARY KEY (tenant, author, seq)
);
