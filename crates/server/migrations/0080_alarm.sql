-- Expands: what was done at the counters, as far as alarms go, and the alarms that came of it.

-- One action each, without amounts and without names. Kept for some weeks: alarms count over a week at most, and devices
-- that were away come late.
CREATE TABLE alarm_sight (
    tenant BLOB NOT NULL,
    author BLOB NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,     -- by the server's clock, as far as the device knew it
    shop BLOB,
    operator TEXT,
    member BLOB,
    own BIGINT NOT NULL,       -- the card was the operator's own
    done TEXT NOT NULL,        -- what was done, as JSON
    PRIMARY KEY (tenant, author, seq)
);
CREATE INDEX alarm_sight_by_time ON alarm_sight (tenant, at_ms);
CREATE INDEX alarm_sight_by_member ON alarm_sight (tenant, member, at_ms);
CREATE INDEX alarm_sight_by_operator ON alarm_sight (tenant, operator, at_ms);

CREATE TABLE alarm (
    tenant BLOB NOT NULL,
    alarm BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,     -- an operator, a device, or a member's id
    last_ms BIGINT NOT NULL,
    body TEXT NOT NULL,        -- the alarm as JSON, with the names of its events
    PRIMARY KEY (tenant, alarm)
);
CREATE INDEX alarm_by_time ON alarm (tenant, last_ms);
CREATE INDEX alarm_by_subject ON alarm (tenant, kind, subject, last_ms);
