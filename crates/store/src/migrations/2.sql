-- What an author has given of what there is only so much of, by day. Filled from the journal.
CREATE TABLE tally (
    author BLOB NOT NULL,
    key    TEXT NOT NULL,
    day    INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (author, key, day)
) STRICT, WITHOUT ROWID;
