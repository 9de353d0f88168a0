-- Expands: what proved purchases at other tills, to find what two devices have taken.

CREATE TABLE proof (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    seq BIGINT NOT NULL,
    hash BLOB NOT NULL,        -- names the receipt or the slip; nothing else of it is kept
    PRIMARY KEY (tenant, author, seq)
);
CREATE INDEX proof_by_hash ON proof (tenant, hash);
