-- Expands: work that servers share, amounts that are held for a redemption, and what judging again found.

CREATE TABLE job (
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,        -- what is to be done
    id BLOB NOT NULL,          -- about what; what is asked for twice is done once
    due_ms BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    lease BLOB,                -- who does it
    lease_until_ms BIGINT NOT NULL,
    failed TEXT,               -- what went wrong the last time
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX job_due ON job (due_ms);

CREATE TABLE hold (
    tenant BLOB NOT NULL,
    hold BLOB NOT NULL,        -- named by the device that asked
    member BLOB NOT NULL,
    unit TEXT NOT NULL,
    amount BIGINT NOT NULL,
    device BLOB NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, hold)
);
CREATE INDEX hold_of_member ON hold (tenant, member, until_ms);

-- Events that were judged again and came out otherwise, or could not be judged.
CREATE TABLE judgement (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    seq BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    detail TEXT NOT NULL,
    judged_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, author, seq)
);

ALTER TABLE journal ADD COLUMN judged BIGINT NOT NULL DEFAULT 0; -- every row up to this one was judged again
ALTER TABLE conflict_case ADD COLUMN outcome TEXT;               -- how it was closed; none: it came right by itself
