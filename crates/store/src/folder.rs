//! The data folder and its one writer.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The database's name inside the folder.
pub const DATABASE: &str = "stempel.db";
const LOCK: &str = "lock";

/// Who holds a folder, as far as the lock file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder(String);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "another program" } else { &self.0 })
    }
}

/// A data folder, held by this process alone until it is dropped or the process dies.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    // Holds the lock: the system gives it back when the file closes, however the process ends.
    _lock: File,
}

impl Folder {
    /// Takes the folder, making it if need be. `who` is what others are told: “terminal, process 4711”.
    pub fn take(path: &Path, who: &str) -> Result<Self, StoreError> {
        let refused = |error: std::io::Error| match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly(path.to_owned())
            }
            ErrorKind::StorageFull => StoreError::Full,
            _ => StoreError::Io(error),
        };
        fs::create_dir_all(path).map_err(refused)?;
        keep_private(path).map_err(refused)?;
        let mut options = OpenOptions::new();
        let mut lock = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join(LOCK))
            .map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder's name is a courtesy: without it the message says "another program".
                let _ = lock.take(200).read_to_string(&mut holder);
                return Err(StoreError::InUse {
                    folder: path.to_owned(),
                    holder: Holder(holder.trim().into()),
                });
            }
            Err(fs::TryLockError::Error(error)) => return Err(StoreError::Io(error)),
        }
        lock.set_len(0).map_err(refused)?;
        lock.seek(SeekFrom::Start(0)).map_err(refused)?;
        lock.write_all(who.as_bytes()).map_err(refused)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder holds keys: nobody but its owner looks inside.
#[cfg(unix)]
fn keep_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path)?;
    if metadata.permissions().mode() & 0o077 != 0 && !metadata.permissions().readonly() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
