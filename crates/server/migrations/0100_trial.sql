-- Expands: versions of programmes that hold at one shop first.

-- While `over_ms` is empty the version holds at that shop, and elsewhere the newest of `programme`. The rows stay, so
-- that what was given by such a version can be judged again.
CREATE TABLE programme_trial (
    tenant BLOB NOT NULL,
    programme TEXT NOT NULL,
    version BIGINT NOT NULL,
    shop BLOB NOT NULL,
    body TEXT NOT NULL,
    change TEXT NOT NULL,      -- as the shop's devices are told, JSON
    position BIGINT NOT NULL,  -- in the feed of that shop's devices
    begun_ms BIGINT NOT NULL,
    from_day BIGINT,           -- business day from which it holds everywhere, in days since 1970; none: when somebody says so
    over_ms BIGINT,
    PRIMARY KEY (tenant, programme, version)
);
CREATE INDEX programme_trial_position ON programme_trial (tenant, shop, position);
