-- Expands: shops' logos.

CREATE TABLE shop_logo (
    tenant BLOB NOT NULL,
    shop BLOB NOT NULL,
    png BLOB NOT NULL,         -- as the server wrote it anew
    set_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, shop)
);
