//! Persons: members that were merged are one, and those who are forgotten leave no key.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use stempel_domain::person::Search;
use stempel_domain::{CardId, MemberId, MemberState, Person};
use stempel_wire::row::hash_of;

use crate::{Store, StoreError, View, Write};

/// Writes the keys that are left to new pages. The old ones are overwritten when they are given up; what a page
/// that was split may hold beside its entries goes with them.
const KEYS_ANEW: &str = "CREATE TABLE key_anew (
    member  BLOB NOT NULL,
    id      BLOB NOT NULL,
    key     BLOB NOT NULL,
    pending INTEGER NOT NULL,
    PRIMARY KEY (member, id)
) STRICT, WITHOUT ROWID;
INSERT INTO key_anew SELECT member, id, key, pending FROM member_key;
DROP TABLE member_key;
ALTER TABLE key_anew RENAME TO member_key;";

/// True from an erasure until nothing of the key is left in the file.
const TO_CLEAN: &str = "to clean";

impl View<'_> {
    /// Everybody who is the same person as this member, the one under whose id it is known first.
    pub fn group(&self, member: MemberId) -> Result<Vec<MemberId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT member, into_member FROM alias WHERE member = ?1 OR into_member = ?1 ORDER BY member",
        )?;
        let mut search = Search::new(member);
        while let Some(next) = search.ask() {
            let mut rows = statement.query([next.0.as_slice()])?;
            while let Some(row) = rows.next()? {
                search.found(id(row.get(0)?)?, id(row.get(1)?)?);
            }
        }
        Ok(search.group())
    }

    /// The member under whose id this one is known.
    pub fn root(&self, member: MemberId) -> Result<MemberId, StoreError> {
        Ok(self.group(member)?.first().copied().unwrap_or(member))
    }

    /// The person that a member is; none if nobody of that id is known here.
    pub fn person(&self, member: MemberId) -> Result<Option<Person>, StoreError> {
        let mut parts = Vec::new();
        for id in self.group(member)? {
            match self.own_state(id)? {
                Some(state) => parts.push((id, state)),
                // Known only as the one that others were merged into.
                None if parts.is_empty() => parts.push((id, MemberState::default())),
                None => {}
            }
        }
        let known = parts.iter().any(|(_, state)| *state != MemberState::default());
        Ok(known.then(|| Person::new(parts)))
    }

    /// A member's own state, without those who are the same person.
    pub(crate) fn own_state(&self, member: MemberId) -> Result<Option<MemberState>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT now FROM member WHERE member = ?1")?
            .query_row([member.0.as_slice()], |row| row.get(0))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Whether a member is one with others.
    pub(crate) fn is_merged(&self, member: MemberId) -> Result<bool, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM alias WHERE member = ?1 OR into_member = ?1 LIMIT 1")?;
        Ok(statement.exists([member.0.as_slice()])?)
    }

    /// Members who are known under another one's id.
    pub(crate) fn aliased(&self) -> Result<Vec<MemberId>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT member FROM alias ORDER BY member")?;
        let mut rows = statement.query([])?;
        let mut aliased = Vec::new();
        while let Some(row) = rows.next()? {
            let member = id(row.get(0)?)?;
            if self.root(member)? != member {
                aliased.push(member);
            }
        }
        Ok(aliased)
    }

    /// The member that a card was given to, whatever was merged since.
    pub fn bound_to(&self, card: CardId) -> Result<Option<MemberId>, StoreError> {
        let bound: Option<Option<Vec<u8>>> = self
            .connection
            .prepare_cached("SELECT member FROM card WHERE card = ?1")?
            .query_row([card.0.as_slice()], |row| row.get(0))
            .optional()?;
        bound.flatten().map(id).transpose()
    }

    /// Whether a member is forgotten.
    pub fn is_erased(&self, member: MemberId) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM erased WHERE member = ?1")?;
        Ok(statement.exists([member.0.as_slice()])?)
    }

    /// Whether something of a key that was dropped may still be in the file.
    pub fn is_to_clean(&self) -> Result<bool, StoreError> {
        Ok(self.setting(TO_CLEAN)?.unwrap_or(false))
    }
}

impl Write<'_> {
    /// Keeps the table of aliases as a member's state says.
    pub(crate) fn index_alias(&mut self, member: MemberId, state: &MemberState) -> Result<(), StoreError> {
        // A state may also know less than before: a server that was set back does not know of a merge any more.
        match state.merged_into() {
            Some(into) => self
                .transaction
                .prepare_cached("INSERT OR REPLACE INTO alias (member, into_member) VALUES (?1, ?2)")?
                .execute(params![member.0.as_slice(), into.0.as_slice()])?,
            None => self
                .transaction
                .prepare_cached("DELETE FROM alias WHERE member = ?1")?
                .execute([member.0.as_slice()])?,
        };
        Ok(())
    }

    /// Drops what opens a member's profile, and lets the cards lead to nobody.
    pub(crate) fn forget_member(&mut self, member: MemberId) -> Result<(), StoreError> {
        let id = member.0.as_slice();
        let new = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO erased (member) VALUES (?1)")?
            .execute([id])?;
        self.transaction
            .prepare_cached("UPDATE card SET member = NULL, blocked = 1 WHERE member = ?1")?
            .execute([id])?;
        let keys =
            self.transaction.prepare_cached("DELETE FROM member_key WHERE member = ?1")?.execute([id])?;
        if new > 0 {
            // What was asked for under a key is kept as a hash, from which a name could be guessed.
            self.transaction.execute(
                "DELETE FROM answered WHERE key IN (
                     SELECT prefix || a.key FROM journal j
                     JOIN answered a ON a.answer = lower(hex(j.author)) || '-' || j.seq
                     JOIN (SELECT 'deed of ' AS prefix UNION ALL SELECT '')
                     WHERE j.member = ?1 AND (prefix <> '' OR a.key LIKE 'beginning %'))",
                [id],
            )?;
        }
        if new > 0 || keys > 0 {
            self.clean_later()?;
        }
        Ok(())
    }

    /// Has everything that was overwritten taken out of the file after the commit.
    pub(crate) fn clean_later(&mut self) -> Result<(), StoreError> {
        self.cleans = true;
        self.set(TO_CLEAN, &true)
    }
}

impl Store {
    /// Brings the file into a state in which nothing is left of a key that was dropped: the pages with keys are
    /// written anew, and the log of writes is put into the file and emptied.
    ///
    /// # Errors
    /// [`StoreError::Uncleaned`] if somebody else reads the database for longer than can be waited for.
    pub fn clean(&mut self) -> Result<(), StoreError> {
        if !self.is_writer() || !self.view().is_to_clean()? {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(KEYS_ANEW)?;
        transaction.commit()?;
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy != 0 {
            return Err(StoreError::Uncleaned);
        }
        self.write::<_, StoreError>(|write| write.set(TO_CLEAN, &false))
    }
}

/// What was asked for under a key, and the first members of a shop, were kept in clear; names among it.
pub(crate) fn hash_answers(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT key, answer FROM answered WHERE key LIKE 'deed of %' OR key LIKE 'beginning %' ORDER BY key",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (key, answer) in rows.collect::<Result<Vec<(String, String)>, _>>()? {
        let (new_key, new_answer) = match key.strip_prefix("beginning ") {
            Some(name) => (format!("beginning {}", hash_of(name.as_bytes())), answer),
            None => (key.clone(), hash_of(answer.as_bytes())),
        };
        connection.execute(
            "UPDATE answered SET key = ?2, answer = ?3 WHERE key = ?1",
            params![key, new_key, new_answer],
        )?;
    }
    Ok(())
}

fn id(bytes: Vec<u8>) -> Result<MemberId, StoreError> {
    MemberId::from_slice(&bytes)
        .ok_or_else(|| StoreError::Damaged("a member's id has the wrong length".into()))
}
