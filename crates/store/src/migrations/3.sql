-- Members who are known under another one's id: a merge is an alias, nothing is rewritten.
CREATE TABLE alias (
    member      BLOB PRIMARY KEY NOT NULL,
    into_member BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_by_into ON alias (into_member);

-- Members who are forgotten: no key of theirs is kept, however late it comes.
CREATE TABLE erased (
    member BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
