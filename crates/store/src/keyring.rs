//! Members' keys, wrapped under a key that stands in a file beside the database: a copy of the database alone opens no
//! profile.
//!
//! Without the file the terminal goes on: names are missing until the server has sent the keys again.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use rusqlite::params;
use stempel_domain::MemberId;
use stempel_domain::ports::Entropy;
use stempel_wire::{MemberKey, WrappingKeys};

use crate::{Store, StoreError, View};

/// The file's name inside the folder.
pub const KEYS: &str = "stempel.keys";

/// Reads the file; none if there is none.
pub(crate) fn read(folder: &Path) -> Result<Option<WrappingKeys>, StoreError> {
    match fs::read_to_string(folder.join(KEYS)) {
        Ok(text) => {
            let keys = WrappingKeys::parse(&text);
            Ok(Some(keys.map_err(|error| StoreError::Damaged(format!("{KEYS}: {error}")))?))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::Io(error)),
    }
}

/// Writes the file whole and durably, readable by its owner alone.
fn write(folder: &Path, keys: &WrappingKeys) -> Result<(), StoreError> {
    let part = folder.join("stempel.keys.part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(keys.to_text().as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, folder.join(KEYS))?;
    // Not every system lets a folder be opened; the file itself is safe.
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

impl View<'_> {
    /// Opens a stored key; none if it is wrapped under a key that is not here.
    pub(crate) fn opened(&self, member: MemberId, stored: &[u8]) -> Option<MemberKey> {
        match self.keys {
            Some(keys) => keys.unwrap(member, stored).ok(),
            None => stempel_wire::wrap::clear(stored),
        }
    }

    /// A key as it is stored.
    pub(crate) fn wrapped(&self, member: MemberId, key: &MemberKey) -> Result<Vec<u8>, StoreError> {
        match self.keys {
            Some(keys) => keys.wrap(member, key).map_err(|error| StoreError::Damaged(error.to_string())),
            None => Ok(key.as_bytes().to_vec()),
        }
    }
}

impl Store {
    /// Makes the wrapping key if there is none, and wraps what earlier versions kept in clear. Done by the writer when
    /// it opens.
    pub fn wrap_keys(&mut self, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        let Some(folder) = self.folder.as_ref().map(|folder| folder.path().to_owned()) else { return Ok(()) };
        if self.keys.is_none() {
            let keys = WrappingKeys::generate(entropy);
            write(&folder, &keys)?;
            self.keys = Some(keys);
        }
        self.wrap_again()
    }

    /// Makes a new wrapping key and wraps every key under it; then the old one is dropped.
    pub fn rotate_keys(&mut self, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        let Some(folder) = self.folder.as_ref().map(|folder| folder.path().to_owned()) else { return Ok(()) };
        self.wrap_keys(entropy)?;
        let Some(keys) = &self.keys else { return Ok(()) };
        let rotated = keys.rotated(entropy);
        write(&folder, &rotated)?;
        self.keys = Some(rotated.clone());
        self.wrap_again()?;
        write(&folder, &rotated.newest())?;
        self.keys = Some(rotated.newest());
        Ok(())
    }

    /// Wraps every key that is not wrapped under the key in force, and leaves nothing of what stood there before.
    fn wrap_again(&mut self) -> Result<(), StoreError> {
        let Some(keys) = self.keys.clone() else { return Ok(()) };
        let stale: Vec<(MemberId, Vec<u8>, Vec<u8>)> = {
            let mut statement =
                self.connection.prepare("SELECT member, id, key FROM member_key ORDER BY member, id")?;
            let mut rows = statement.query([])?;
            let mut stale = Vec::new();
            while let Some(row) = rows.next()? {
                let stored: Vec<u8> = row.get(2)?;
                let member = MemberId::from_slice(row.get_ref(0)?.as_blob().unwrap_or_default());
                if let Some(member) = member.filter(|_| !keys.is_current(&stored)) {
                    stale.push((member, row.get(1)?, stored));
                }
            }
            stale
        };
        let anew: Vec<(MemberId, Vec<u8>, Vec<u8>)> = stale
            .into_iter()
            // What is wrapped under a lost key stays as it is until the server sends the key again.
            .filter_map(|(member, id, stored)| Some((member, id, keys.unwrap(member, &stored).ok()?)))
            .filter_map(|(member, id, key)| Some((member, id, keys.wrap(member, &key).ok()?)))
            .collect();
        if anew.is_empty() {
            return Ok(());
        }
        self.write::<_, StoreError>(|write| {
            for (member, id, key) in &anew {
                write
                    .transaction
                    .prepare_cached("UPDATE member_key SET key = ?3 WHERE member = ?1 AND id = ?2")?
                    .execute(params![member.0.as_slice(), id, key])?;
            }
            write.clean_later()
        })
    }
}
