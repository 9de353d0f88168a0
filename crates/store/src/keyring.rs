//! Members' keys, wrapped under a key that stands in a file beside the database: a copy of the database alone opens no
//! profile. Where the system has a store of keys, the file is sealed under a secret of it ([`SealingKey`]): a copy of the
//! whole folder opens none.
//!
//! Without the file the terminal goes on: names are missing until the server has sent the keys again.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use rusqlite::params;
use stempel_domain::MemberId;
use stempel_domain::ports::Entropy;
use stempel_wire::wrap::{SealingKey, WrapError};
use stempel_wire::{MemberKey, WrappingKeys};

use crate::{Store, StoreError, View};

/// The file's name inside the folder.
pub const KEYS: &str = "stempel.keys";

/// What the file holds.
#[derive(Debug)]
pub(crate) enum Found {
    /// There is none.
    Nothing,
    /// The keys, which stood there in clear.
    Clear(WrappingKeys),
    /// The keys, which were sealed.
    Sealed(WrappingKeys),
    /// It is sealed, and what opens it is not here.
    Shut,
}

impl Found {
    pub(crate) fn keys(self) -> Option<WrappingKeys> {
        match self {
            Self::Clear(keys) | Self::Sealed(keys) => Some(keys),
            Self::Nothing | Self::Shut => None,
        }
    }
}

fn text_of(folder: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join(KEYS)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The name under which the secret is found that opens a folder's sealed file, where the file says one
/// ([`SealingKey::found_under`]).
pub fn entry_of(folder: &Path) -> io::Result<Option<String>> {
    Ok(text_of(folder)?.as_deref().and_then(WrappingKeys::entry_of))
}

/// Reads the file.
pub(crate) fn read(folder: &Path, sealing: Option<&SealingKey>) -> Result<Found, StoreError> {
    let damaged = |error: WrapError| StoreError::Damaged(format!("{KEYS}: {error}"));
    let Some(text) = text_of(folder)? else { return Ok(Found::Nothing) };
    if !WrappingKeys::is_sealed(&text) {
        return WrappingKeys::parse(&text).map(Found::Clear).map_err(damaged);
    }
    match sealing.map(|sealing| WrappingKeys::parse_sealed(&text, sealing)) {
        None | Some(Err(WrapError::OtherKey)) => Ok(Found::Shut),
        Some(keys) => keys.map(Found::Sealed).map_err(damaged),
    }
}

/// Writes the file whole and durably, readable by its owner alone.
fn write(folder: &Path, keys: &WrappingKeys, sealing: Option<&SealingKey>) -> Result<(), StoreError> {
    let text = match sealing {
        Some(sealing) => {
            keys.to_sealed(sealing).map_err(|error| StoreError::Damaged(format!("{KEYS}: {error}")))?
        }
        None => keys.to_text(),
    };
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
    file.write_all(text.as_bytes())?;
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
    /// Makes the wrapping key if there is none, and wraps what earlier versions kept in clear. A key that stood in clear
    /// in a file that can be sealed now gives way to a new one. Done by the writer when it opens.
    pub fn wrap_keys(&mut self, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        let Some(folder) = self.folder.as_ref().map(|folder| folder.path().to_owned()) else { return Ok(()) };
        if self.unsealed {
            self.unsealed = false;
            return self.rotate_keys(entropy);
        }
        if self.keys.is_none() {
            let keys = WrappingKeys::generate(entropy);
            write(&folder, &keys, self.sealing.as_ref())?;
            self.keys = Some(keys);
        }
        self.wrap_again()
    }

    /// Seals the key file under another secret from now on, or leaves it in clear, and makes a new wrapping key: a copy of
    /// the file as it was opens nothing of what stands here then.
    pub fn seal_keys(
        &mut self,
        sealing: Option<SealingKey>,
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        self.sealing = sealing;
        self.unsealed = false;
        self.rotate_keys(entropy)
    }

    /// Makes a new wrapping key and wraps every key under it; then the old one is dropped.
    pub fn rotate_keys(&mut self, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        let Some(folder) = self.folder.as_ref().map(|folder| folder.path().to_owned()) else { return Ok(()) };
        self.wrap_keys(entropy)?;
        let Some(keys) = &self.keys else { return Ok(()) };
        let rotated = keys.rotated(entropy);
        write(&folder, &rotated, self.sealing.as_ref())?;
        self.keys = Some(rotated.clone());
        self.wrap_again()?;
        write(&folder, &rotated.newest(), self.sealing.as_ref())?;
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
