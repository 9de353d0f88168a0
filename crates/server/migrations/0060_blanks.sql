-- Expands: a device's blank cards are found in their order without looking at every card of the tenant, and answers that
-- were kept for a key are found by their age.

CREATE INDEX card_blank_of_device ON card (tenant, device, card) WHERE status = 0;
CREATE INDEX idempotency_age ON idempotency (tenant, created_ms);
