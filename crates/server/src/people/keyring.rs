//! The key that wraps members' keys. It stands in a file of its own, so that the database and its copies hold wrapped
//! keys only.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use serde::Serialize;
use stempel_domain::{MemberId, TenantId};
use stempel_wire::message::KeyOf;
use stempel_wire::wrap::{WrapError, clear};
use stempel_wire::{MemberKey, WrappingKeys};

use crate::db::{Db, values};
use crate::error::{Error, Result};
use crate::server::Server;

/// Keys wrapped in one transaction.
const FETCH: i64 = 500;

/// Where the wrapping key is, and the key.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    file: Option<PathBuf>,
    keys: Option<WrappingKeys>,
}

/// A member's key as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredKey {
    pub member: MemberId,
    pub id: [u8; 8],
    pub secret: Vec<u8>,
}

/// What was done about keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeysWrapped {
    /// Where the wrapping key is; none: this database's keys are kept in clear.
    pub file: Option<PathBuf>,
    /// Members' keys that were wrapped just now.
    pub wrapped: u64,
}

/// Where the key file of a database is if nobody says: beside a file of SQLite.
fn beside(db: &Db) -> Option<PathBuf> {
    match db {
        Db::Sqlite { path, .. } => {
            let mut name = path.as_os_str().to_owned();
            name.push(".keys");
            Some(PathBuf::from(name))
        }
        Db::Postgres { .. } => None,
    }
}

fn unreadable(file: &Path, error: WrapError) -> Error {
    Error::Unusable(format!("{}: {error}", file.display()))
}

fn read(file: &Path) -> Result<Option<WrappingKeys>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(WrappingKeys::parse(&text).map_err(|error| unreadable(file, error))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("the key file {} cannot be read", file.display()))(error)),
    }
}

/// Writes the key file whole, readable by its owner alone, and durably before anything is wrapped under it.
fn write(file: &Path, keys: &WrappingKeys) -> Result<()> {
    let cannot = || Error::io(format!("the key file {} cannot be written", file.display()));
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let _ = std::fs::remove_file(&part);
    crate::db::make_private(&part)?;
    let mut open = std::fs::OpenOptions::new().write(true).open(&part).map_err(cannot())?;
    open.write_all(keys.to_text().as_bytes()).map_err(cannot())?;
    open.sync_all().map_err(cannot())?;
    std::fs::rename(&part, file).map_err(cannot())?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not every system lets a folder be opened; the file itself is safe.
    if let Ok(folder) = std::fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

impl Server {
    /// Takes the wrapping key from a file (without one from beside a database of SQLite), makes it if there is none, and
    /// wraps what earlier versions kept in clear. Whoever is on the list of erasures is forgotten, if an older copy has
    /// come into the database's place. Called once, before anything else is done.
    ///
    /// # Errors
    /// If keys are wrapped already and the file is not there, nothing is changed: a new key would open none of them.
    pub async fn use_keys(&self, file: Option<&Path>) -> Result<KeysWrapped> {
        let Some(file) = file.map(Path::to_owned).or_else(|| beside(self.db())) else {
            if self.has_wrapped().await? {
                return Err(Error::Unusable(
                    "members' keys are wrapped under a key in a file; say where it is: --keys FILE"
                        .to_owned(),
                ));
            }
            tracing::warn!(
                "no file for the wrapping key is set (--keys) and no folder of the server's own (STATE_DIRECTORY): members' \
                 keys are kept in clear, and a copy of the database that is put back brings back who was forgotten"
            );
            return Ok(KeysWrapped { file: None, wrapped: 0 });
        };
        let keys = match read(&file)? {
            Some(keys) => keys,
            None if self.has_wrapped().await? => {
                return Err(Error::Unusable(format!(
                    "the key file {} is missing, and members' keys are wrapped under it; put a copy of it in its place",
                    file.display()
                )));
            }
            None => {
                let keys = self.with_entropy(|entropy| WrappingKeys::generate(entropy));
                write(&file, &keys)?;
                keys
            }
        };
        self.set_keyring(Keyring { file: Some(file.clone()), keys: Some(keys.clone()) });
        self.check_opens().await?;
        let mut wrapped = 0;
        if keys.is_rotating()
            || self.has("SELECT 1 FROM member_key WHERE length(secret) <= 32 LIMIT 1").await?
        {
            wrapped = self.wrap_all().await?;
            self.rewrite_all().await?;
        }
        if keys.is_rotating() {
            // A rotation that was cut off is at its end now.
            self.drop_old(&file, &keys)?;
        }
        self.forget_listed().await?;
        Ok(KeysWrapped { file: Some(file), wrapped })
    }

    /// Opens one stored key of each database: the file of another server would open none.
    async fn check_opens(&self) -> Result<()> {
        let sql = "SELECT member, secret FROM member_key WHERE length(secret) > 32 LIMIT 1";
        for db in self.databases().await? {
            if let Some(row) = db.read().await?.row(sql, Vec::new()).await? {
                self.open_key(row.id(0)?, &row.bytes(1)?)?;
            }
        }
        Ok(())
    }

    fn drop_old(&self, file: &Path, keys: &WrappingKeys) -> Result<()> {
        let newest = keys.newest();
        write(file, &newest)?;
        self.set_keyring(Keyring { file: Some(file.to_owned()), keys: Some(newest) });
        Ok(())
    }

    /// Makes a new wrapping key and wraps every member's key under it; then the old one is dropped. Copies of the
    /// database that were made before open no profile any more, unless somebody has kept the old file.
    pub async fn rotate_keys(&self) -> Result<KeysWrapped> {
        let (file, keys) = {
            let keyring = self.keyring().read().unwrap_or_else(PoisonError::into_inner);
            (keyring.file.clone(), keyring.keys.clone())
        };
        let (Some(file), Some(keys)) = (file, keys) else {
            return Err(Error::bad_request("There is no wrapping key; say where its file is: --keys FILE."));
        };
        let rotated = self.with_entropy(|entropy| keys.rotated(entropy));
        write(&file, &rotated)?;
        self.set_keyring(Keyring { file: Some(file.clone()), keys: Some(rotated.clone()) });
        let wrapped = self.wrap_all().await?;
        self.rewrite_all().await?;
        self.drop_old(&file, &rotated)?;
        Ok(KeysWrapped { file: Some(file), wrapped })
    }

    /// Begins with a new key file where the old one is lost for good: keys that no file opens any more are dropped, and
    /// with them the names that they opened. Gives how many.
    pub async fn begin_keys_anew(&self, file: Option<&Path>) -> Result<u64> {
        let file = file.map(Path::to_owned).or_else(|| beside(self.db()));
        let file =
            file.ok_or_else(|| Error::bad_request("Say where the new key file is to be: --keys FILE."))?;
        if file.exists() {
            return Err(Error::refused(
                "file-exists",
                409,
                "There is a file of this name",
                format!("{} may be the one that opens the keys; it is left as it is.", file.display()),
            ));
        }
        let keys = self.with_entropy(|entropy| WrappingKeys::generate(entropy));
        write(&file, &keys)?;
        self.set_keyring(Keyring { file: Some(file), keys: Some(keys) });
        let mut dropped = 0;
        for db in self.databases().await? {
            let mut tx = db.write().await?;
            dropped += tx.execute("DELETE FROM member_key WHERE length(secret) > 32", Vec::new()).await?;
            tx.commit().await?;
        }
        self.wrap_all().await?;
        self.rewrite_all().await?;
        Ok(dropped)
    }

    /// The file with the wrapping key, if there is one.
    pub(super) fn keys_file(&self) -> Option<PathBuf> {
        self.keyring().read().unwrap_or_else(PoisonError::into_inner).file.clone()
    }

    fn set_keyring(&self, keyring: Keyring) {
        *self.keyring().write().unwrap_or_else(PoisonError::into_inner) = keyring;
    }

    /// Keys as they are stored.
    pub(crate) fn stored_keys(&self, keys: &[KeyOf]) -> Result<Vec<StoredKey>> {
        let keyring = self.keyring().read().unwrap_or_else(PoisonError::into_inner);
        let store = |of: &KeyOf| {
            let secret = match &keyring.keys {
                Some(wrapping) => wrapping.wrap(of.member, &of.key).map_err(damaged)?,
                None => of.key.as_bytes().to_vec(),
            };
            Ok(StoredKey { member: of.member, id: of.key.id().0, secret })
        };
        keys.iter().map(store).collect()
    }

    /// Opens a stored key. Another process may have made a new wrapping key: then the file is read anew.
    pub(crate) fn open_key(&self, member: MemberId, stored: &[u8]) -> Result<MemberKey> {
        let file = {
            let keyring = self.keyring().read().unwrap_or_else(PoisonError::into_inner);
            match &keyring.keys {
                Some(keys) => match keys.unwrap(member, stored) {
                    Err(WrapError::OtherKey) => keyring.file.clone(),
                    opened => return opened.map_err(damaged),
                },
                None => return clear(stored).ok_or_else(|| damaged(WrapError::OtherKey)),
            }
        };
        let anew = file.as_deref().map(read).transpose()?.flatten();
        let anew = anew.ok_or_else(|| damaged(WrapError::OtherKey))?;
        let opened = anew.unwrap(member, stored).map_err(damaged)?;
        self.set_keyring(Keyring { file, keys: Some(anew) });
        Ok(opened)
    }

    async fn has_wrapped(&self) -> Result<bool> {
        self.has("SELECT 1 FROM member_key WHERE length(secret) > 32 LIMIT 1").await
    }

    /// Whether a question finds a row in any database.
    async fn has(&self, sql: &'static str) -> Result<bool> {
        for db in self.databases().await? {
            if db.read().await?.row(sql, Vec::new()).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Wraps every key that is not wrapped under the key in force.
    async fn wrap_all(&self) -> Result<u64> {
        let mut wrapped = 0;
        for db in self.databases().await? {
            wrapped += self.wrap_in(&db).await?;
        }
        Ok(wrapped)
    }

    async fn wrap_in(&self, db: &Db) -> Result<u64> {
        let (mut wrapped, mut after) = (0, (Vec::new(), Vec::new(), Vec::new()));
        loop {
            let mut tx = db.write().await?;
            let rows = tx
                .rows(
                    "SELECT tenant, member, key_id, secret FROM member_key
                     WHERE (tenant, member, key_id) > ($1, $2, $3) ORDER BY tenant, member, key_id LIMIT $4",
                    values![after.0.clone(), after.1.clone(), after.2.clone(), FETCH],
                )
                .await?;
            let Some(last) = rows.last() else { return Ok(wrapped) };
            after = (last.bytes(0)?, last.bytes(1)?, last.bytes(2)?);
            for row in rows {
                let (tenant, member, id): (TenantId, MemberId, Vec<u8>) =
                    (row.id(0)?, row.id(1)?, row.bytes(2)?);
                let stored = row.bytes(3)?;
                if self.is_current(&stored) {
                    continue;
                }
                let key = self.open_key(member, &stored)?;
                for anew in self.stored_keys(&[KeyOf { member, key }])? {
                    // Whoever was forgotten meanwhile has no row any more.
                    wrapped += tx
                        .execute(
                            "UPDATE member_key SET secret = $4 WHERE tenant = $1 AND member = $2 AND key_id = $3",
                            values![tenant, member, &id[..], anew.secret],
                        )
                        .await?;
                }
            }
            tx.commit().await?;
        }
    }

    fn is_current(&self, stored: &[u8]) -> bool {
        let keyring = self.keyring().read().unwrap_or_else(PoisonError::into_inner);
        keyring.keys.as_ref().is_none_or(|keys| keys.is_current(stored))
    }

    /// Leaves nothing of what was overwritten in the databases' files.
    async fn rewrite_all(&self) -> Result<()> {
        for db in self.databases().await? {
            match db.rewrite_keys().await {
                // Somebody reads: the next erasure or rotation does it again.
                Err(Error::Busy) => {
                    tracing::warn!("the pages of keys that were wrapped are not written anew yet")
                }
                done => done?,
            }
        }
        Ok(())
    }
}

fn damaged(error: WrapError) -> Error {
    Error::Damaged(error.to_string())
}
