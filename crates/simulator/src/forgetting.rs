//! Members who are forgotten: the keys that open their names are gone from every disk, looked for on the bytes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stempel_domain::MemberId;
use stempel_terminal::TerminalError;

use crate::planted::Planted;
use crate::stop::{OrStop, Result, broken, hold};
use crate::world::{World, asked};

/// Bytes that a disk held of a member's keys when somebody asked to be forgotten.
#[derive(Debug, Clone)]
pub struct Forgotten {
    /// Whose.
    pub member: MemberId,
    /// The folder that held them.
    pub folder: PathBuf,
    /// The bytes, as they stood there.
    pub bytes: Vec<u8>,
}

/// The keys of a member as they stand in a database.
fn keys_in(database: &Path, sql: &str, member: MemberId) -> Result<Vec<Vec<u8>>> {
    let connection = rusqlite::Connection::open(database).machine("reading keys")?;
    let mut statement = connection.prepare(sql).machine("reading keys")?;
    let rows = statement.query_map([member.0], |row| row.get(0));
    rows.and_then(Iterator::collect).machine("reading keys")
}

impl World {
    /// A guest asks to be forgotten.
    pub fn erase(&mut self, at: usize, guest: usize, key: &str) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        let Ok(who) = self.places[at].terminal()?.who_ever(&code) else { return Ok(()) };
        let mut before = Vec::new();
        for part in self.parts(at, who.member())? {
            before.extend(self.held_of(part)?);
        }
        match self.places[at].acting()?.erase_member(&code, &asked(key)) {
            Ok(erased) if erased.events.is_empty() => {}
            Ok(_) => {
                self.note("forgotten");
                if self.is_planted(Planted::KeyLeft)
                    && let Some(left) = before.iter().find(|left| left.folder == self.places[at].folder)
                {
                    std::fs::write(left.folder.join("left"), &left.bytes).machine("planting a fault")?;
                }
                self.forgotten.extend(before);
            }
            // This device never met the card.
            Err(TerminalError::Unknown(_)) => {}
            Err(_) if self.places[at].notes.heard_ms.is_none() => {}
            Err(error) => return broken(format!("a member cannot be forgotten: {error}")),
        }
        self.learn(at).map(|_| ())
    }

    /// What every disk holds of a member's keys.
    fn held_of(&self, member: MemberId) -> Result<Vec<Forgotten>> {
        let mut held = Vec::new();
        let desks: BTreeSet<usize> = self.desks.iter().copied().collect();
        for at in desks {
            let folder = self.places[at].folder.clone();
            let keys =
                keys_in(&folder.join("stempel.db"), "SELECT key FROM member_key WHERE member = ?1", member)?;
            held.extend(keys.into_iter().map(|bytes| Forgotten { member, folder: folder.clone(), bytes }));
        }
        let (folder, database) = (self.house.folder().to_owned(), self.house.path());
        let keys = keys_in(&database, "SELECT secret FROM member_key WHERE member = ?1", member)?;
        held.extend(keys.into_iter().map(|bytes| Forgotten { member, folder: folder.clone(), bytes }));
        Ok(held)
    }

    /// Holds that whoever was forgotten in the server's history has no key on any device and none at the server, and
    /// that no file in use holds the bytes of one.
    pub fn audit_forgotten(&mut self, epoch: &str) -> Result<()> {
        let Some(history) = self.model.histories.get(epoch) else { return Ok(()) };
        let counting = history.rows.values().filter(|stored| stored.counts);
        let gone: BTreeSet<MemberId> = counting
            .filter_map(|stored| self.model.events.get(&stored.name))
            .filter(|known| known.erases)
            .filter_map(|known| known.member)
            .collect();
        for member in &gone {
            for (device, at) in self.desks.iter().enumerate() {
                let view = self.places[*at].terminal()?.view();
                let keys = view.member_keys(*member).never("reading keys")?;
                hold(keys.is_empty(), || format!("device {device} can still open the name of {member}"))?;
            }
            let keys =
                keys_in(&self.house.path(), "SELECT secret FROM member_key WHERE member = ?1", *member)?;
            hold(keys.is_empty(), || format!("the server can still open the name of {member}"))?;
        }
        let desks: BTreeSet<&Path> = self.desks.iter().map(|at| self.places[*at].folder.as_path()).collect();
        for left in self.forgotten.iter().filter(|left| gone.contains(&left.member)) {
            let files: Vec<PathBuf> = if left.folder == self.house.folder() {
                // Copies keep what they had, and forget when they are restored.
                let database = self.house.path();
                let beside = |end: &str| PathBuf::from(format!("{}{end}", database.display()));
                vec![database.clone(), beside("-wal")]
            } else if desks.contains(left.folder.as_path()) {
                let entries = std::fs::read_dir(&left.folder).machine("reading a folder")?;
                entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
            } else {
                // Nobody has this folder any more.
                continue;
            };
            for file in files.iter().filter(|file| file.is_file()) {
                let bytes = std::fs::read(file).machine("reading a file")?;
                let found = bytes.windows(left.bytes.len()).any(|window| window == left.bytes);
                hold(!found, || {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    format!("the file {name} still holds a key of {}, who is forgotten", left.member)
                })?;
            }
        }
        let count = self.counts.entry("forgotten in the end").or_default();
        *count += gone.len() as u64;
        Ok(())
    }
}
