//! The journal: dense from 1, hash-chained, never changed.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use stempel_domain::event::Fact;
use stempel_domain::member::effect_of;
use stempel_domain::{AuthorId, Event, EventRef, MemberId};
use stempel_wire::{Hash, PublicKey, Row, key_change};

use crate::{Head, StoreError, View, Write, author_from};

/// How a member's state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// A server confirms: events stay in the overlay until it has.
    Overlay,
    /// This terminal works alone and is the keeper itself.
    Base,
}

/// What [`View::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Rows looked at.
    pub rows: u64,
    /// Journals looked at, with the number of their last row.
    pub journals: BTreeMap<AuthorId, u64>,
}

impl View<'_> {
    /// The last row of a journal. Its hash is computed from its bytes, not believed.
    pub fn head(&self, author: AuthorId) -> Result<Head, StoreError> {
        let last: Option<(u64, Vec<u8>)> = self
            .connection
            .prepare_cached("SELECT seq, bytes FROM journal WHERE author = ?1 ORDER BY seq DESC LIMIT 1")?
            .query_row([author.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match last {
            None => Ok(Head { seq: 0, hash: Hash::NONE }),
            Some((seq, bytes)) => {
                let row = parse(bytes)?;
                if row.seq() != seq || row.author() != author {
                    return Err(StoreError::Damaged(format!("row {seq} of the journal is another row")));
                }
                Ok(Head { seq, hash: row.hash() })
            }
        }
    }

    /// One row.
    pub fn row(&self, reference: EventRef) -> Result<Option<Row>, StoreError> {
        let bytes: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT bytes FROM journal WHERE author = ?1 AND seq = ?2")?
            .query_row(params![reference.author.0.as_slice(), reference.seq], |row| row.get(0))
            .optional()?;
        bytes.map(parse).transpose()
    }

    /// Rows after a number, in order, at most so many rows and bytes (but at least one, if there is one).
    pub fn rows_after(
        &self,
        author: AuthorId,
        seq: u64,
        rows_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT bytes FROM journal WHERE author = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?;
        let mut found = statement.query(params![author.0.as_slice(), seq, rows_max])?;
        let mut rows: Vec<Vec<u8>> = Vec::new();
        let mut length = 0;
        while let Some(row) = found.next()? {
            let bytes: Vec<u8> = row.get(0)?;
            length += bytes.len();
            if !rows.is_empty() && length > bytes_max {
                break;
            }
            rows.push(bytes);
        }
        Ok(rows)
    }

    /// Rows about a member that are kept here, newest first.
    pub fn rows_of_member(&self, member: MemberId, rows_max: usize) -> Result<Vec<Row>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT bytes FROM journal WHERE member = ?1 ORDER BY rowid DESC LIMIT ?2")?;
        let rows = statement.query_map(params![member.0.as_slice(), rows_max], |row| row.get(0))?;
        rows.map(|bytes| parse(bytes?)).collect()
    }

    /// The newest rows of a journal of some kinds, newest first. Looks back over at most 1,000 rows.
    pub fn recent(&self, author: AuthorId, kinds: &[&str], rows_max: usize) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, bytes FROM journal WHERE author = ?1 ORDER BY seq DESC LIMIT 1000",
        )?;
        let mut found = statement.query([author.0.as_slice()])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let kind: String = row.get(0)?;
            if kinds.contains(&kind.as_str()) {
                rows.push(parse(row.get(1)?)?);
            }
            if rows.len() == rows_max {
                break;
            }
        }
        Ok(rows)
    }

    /// Calls `each` for every row of every journal kept here, in order.
    pub fn for_each_row<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self
            .connection
            .prepare("SELECT bytes FROM journal ORDER BY author, seq")
            .map_err(StoreError::from)?;
        let mut rows = statement.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            each(parse(row.get(0).map_err(StoreError::from)?)?)?;
        }
        Ok(())
    }

    /// The events that took back something of this one.
    pub fn reversals_of(&self, reference: EventRef) -> Result<Vec<EventRef>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT by_author, by_seq FROM reversal WHERE author = ?1 AND seq = ?2 ORDER BY by_author, by_seq",
        )?;
        let mut rows = statement.query(params![reference.author.0.as_slice(), reference.seq])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(EventRef { author: author_from(row.get(0)?)?, seq: row.get(1)? });
        }
        Ok(found)
    }

    /// Checks every journal from its first row to its last: numbers, chain, signatures, readable records. A journal names
    /// the key that signs it in its first row; from there each change of key is followed, and the last one has to be the one
    /// that `key_of` knows.
    pub fn verify(&self, key_of: impl Fn(AuthorId) -> Option<PublicKey>) -> Result<Verdict, StoreError> {
        let mut verdict = Verdict { rows: 0, journals: BTreeMap::new() };
        let mut last: Option<(AuthorId, Head, PublicKey)> = None;
        let ends_rightly = |last: Option<(AuthorId, Head, PublicKey)>| match last {
            Some((author, head, key)) if key_of(author) != Some(key) => Err(StoreError::Damaged(format!(
                "row {author}-{}: it was not signed by its author's key",
                head.seq
            ))),
            _ => Ok(()),
        };
        self.for_each_row(|row| {
            let going_on = last.filter(|(author, ..)| *author == row.author());
            if going_on.is_none() {
                ends_rightly(last)?;
            }
            let before = going_on.map_or(Head { seq: 0, hash: Hash::NONE }, |(_, head, _)| head);
            let wrong = |why: &str| StoreError::Damaged(format!("row {}: {why}", row.reference()));
            if !row.follows(before.seq, before.hash) {
                return Err(wrong(match before.seq {
                    0 => "no journal begins with it; what came before is missing",
                    _ => "it does not continue the row before it",
                }));
            }
            let known = key_of(row.author()).ok_or_else(|| wrong("its author is not known here"))?;
            let key = going_on.map_or_else(|| first_key(&row).unwrap_or(known), |(_, _, key)| key);
            row.verify(&key).map_err(|error| wrong(&error.to_string()))?;
            verdict.rows += 1;
            verdict.journals.insert(row.author(), row.seq());
            let key = key_change::next_key(&row).unwrap_or(key);
            last = Some((row.author(), Head { seq: row.seq(), hash: row.hash() }, key));
            Ok(())
        })?;
        ends_rightly(last)?;
        Ok(verdict)
    }
}

impl Write<'_> {
    /// Appends the next row of a journal, folds its event into the member's state and its author's tallies.
    pub fn append(&mut self, row: &Row, event: &Event, keeping: Keeping) -> Result<(), StoreError> {
        let head = self.view().head(row.author())?;
        if !row.follows(head.seq, head.hash) {
            return Err(StoreError::NotNext { found: row.seq(), expected: head.seq });
        }
        let member = event.record.fact.member();
        self.transaction
            .prepare_cached(
                "INSERT INTO journal (author, seq, hash, kind, member, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                row.author().0.as_slice(),
                row.seq(),
                row.hash().0.as_slice(),
                event.record.fact.kind(),
                member.map(|member| member.0.to_vec()),
                row.bytes(),
            ])?;
        if let Fact::Reversal(reversal) = &event.record.fact {
            self.transaction
                .prepare_cached(
                    "INSERT INTO reversal (author, seq, by_author, by_seq) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    reversal.of.author.0.as_slice(),
                    reversal.of.seq,
                    row.author().0.as_slice(),
                    row.seq(),
                ])?;
        }
        self.count(row.author(), event.record.fact.tallies())?;
        if let Some((member, effect)) = effect_of(event) {
            self.fold(member, &effect, keeping)?;
        }
        if let Fact::CardBlocked(fact) = &event.record.fact
            && fact.member.is_none()
        {
            self.revoke_card(fact.card)?;
        }
        Ok(())
    }
}

/// The key that a journal's first row names.
fn first_key(row: &Row) -> Option<PublicKey> {
    match row.event().ok()?.record.fact {
        Fact::JournalBegun(begun) => PublicKey::parse(&begun.public_key).ok(),
        _ => None,
    }
}

fn parse(bytes: Vec<u8>) -> Result<Row, StoreError> {
    Row::parse(bytes).map_err(|error| StoreError::Damaged(error.to_string()))
}
