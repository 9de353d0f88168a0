-- Expands: figures of each day, so that the owner's page reads a few rows however many events there are, and forms
-- that were sent after their session had ended.

CREATE TABLE day_figure (
    tenant BLOB NOT NULL,
    day BIGINT NOT NULL,       -- business day, in days since 1970
    shop BLOB NOT NULL,        -- empty: the server itself
    name TEXT NOT NULL,        -- visits, stamps, rewards, joined, undone
    amount BIGINT NOT NULL,
    PRIMARY KEY (tenant, day, shop, name)
);

CREATE TABLE draft (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    account BLOB NOT NULL,     -- who typed it
    page TEXT NOT NULL,        -- the page with the form
    body TEXT NOT NULL,        -- JSON: names and values
    saved_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
