-- Expands: what devices have given of what there is only so much of.

CREATE TABLE tally (
    tenant BLOB NOT NULL,
    key TEXT NOT NULL,         -- programme/reward#stock, programme#pool:NAME, programme#goodwill
    author BLOB NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (tenant, key, author)
);
