-- Expands: piles of cards that were made to be printed.

CREATE TABLE card_batch (
    tenant BLOB NOT NULL,
    batch BLOB NOT NULL,
    shop BLOB,                 -- whose name is on them; none: the tenant's
    cards BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    withdrawn_ms BIGINT,
    PRIMARY KEY (tenant, batch)
);

ALTER TABLE card ADD COLUMN batch BLOB; -- the pile that it was made with
CREATE INDEX card_of_batch ON card (tenant, batch, status, card) WHERE batch IS NOT NULL;
