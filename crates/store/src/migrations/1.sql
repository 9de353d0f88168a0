-- Settings, identity and cursors, by name.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

-- Every row written here, and rows of other devices kept as their second copy. Bytes as signed.
CREATE TABLE journal (
    author BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    kind   TEXT NOT NULL,
    member BLOB,
    bytes  BLOB NOT NULL,
    UNIQUE (author, seq)
) STRICT;
CREATE INDEX journal_by_member ON journal (member) WHERE member IS NOT NULL;

-- What the server has confirmed (base, includes), and what is known here (now = base + overlay).
CREATE TABLE member (
    member   BLOB PRIMARY KEY NOT NULL,
    base     TEXT NOT NULL,
    now      TEXT NOT NULL,
    profile  TEXT
) STRICT;

-- Effects of events that are not in the member's base yet.
CREATE TABLE overlay (
    member BLOB NOT NULL,
    author BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    effect TEXT NOT NULL,
    PRIMARY KEY (member, author, seq)
) STRICT, WITHOUT ROWID;

-- Keys that open sealed profiles. `pending`: the server does not have it yet.
CREATE TABLE member_key (
    member  BLOB NOT NULL,
    id      BLOB NOT NULL,
    key     BLOB NOT NULL,
    pending INTEGER NOT NULL,
    PRIMARY KEY (member, id)
) STRICT, WITHOUT ROWID;

-- Which member a card opens. A revoked card that belongs to nobody has no member.
CREATE TABLE card (
    card    BLOB PRIMARY KEY NOT NULL,
    number  BLOB NOT NULL,
    member  BLOB,
    blocked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX card_by_number ON card (number);
CREATE INDEX card_by_member ON card (member) WHERE member IS NOT NULL;

-- Signed cards that nobody has yet.
CREATE TABLE blank (
    position INTEGER PRIMARY KEY,
    card     BLOB NOT NULL UNIQUE,
    token    TEXT NOT NULL,
    used     INTEGER NOT NULL
) STRICT;

CREATE TABLE programme (
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    text    TEXT NOT NULL,
    ended   INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE article (
    position INTEGER PRIMARY KEY,
    sku      TEXT NOT NULL UNIQUE,
    article  TEXT NOT NULL
) STRICT;

-- Other devices of the tenant, by the server's certificates.
CREATE TABLE device (
    device      BLOB PRIMARY KEY NOT NULL,
    certificate TEXT NOT NULL,
    revoked     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Public keys that sign cards.
CREATE TABLE card_key (
    key     TEXT PRIMARY KEY NOT NULL,
    retired INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was taken back of an event, so that nothing is taken back twice here.
CREATE TABLE reversal (
    author BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    by_author BLOB NOT NULL,
    by_seq INTEGER NOT NULL,
    PRIMARY KEY (author, seq, by_author, by_seq)
) STRICT, WITHOUT ROWID;

-- Answers given for a key, so that asking again does nothing twice.
CREATE TABLE answered (
    key    TEXT PRIMARY KEY NOT NULL,
    answer TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Own rows that the server keeps without effect or holds back, with the reason.
CREATE TABLE trouble (
    author BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (author, seq)
) STRICT, WITHOUT ROWID;
