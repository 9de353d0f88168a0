-- Expands: passkeys of accounts, and what authenticators were asked to sign.

CREATE TABLE passkey (
    tenant BLOB NOT NULL,
    credential BLOB NOT NULL,  -- the id that the authenticator gave it
    account BLOB NOT NULL,
    public_key BLOB NOT NULL,  -- in COSE
    name TEXT NOT NULL,        -- what the person calls it
    counter BIGINT NOT NULL,   -- of uses, as the authenticator says; 0: it keeps none
    created_ms BIGINT NOT NULL,
    used_ms BIGINT,
    PRIMARY KEY (tenant, credential)
);
CREATE INDEX passkey_of_account ON passkey (tenant, account);

-- Each is good once and for some minutes. Whoever signs in has not said of which tenant, so it is about none, and in no backup.
CREATE TABLE passkey_challenge (
    hash BLOB NOT NULL,
    purpose BLOB NOT NULL,     -- a hash of what it was made for
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (hash)
);
CREATE INDEX passkey_challenge_by_time ON passkey_challenge (expires_ms);
