//! The file with the wrapping key.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use stempel_wire::WrappingKeys;

use crate::db::Db;
use crate::error::{Error, Result};

/// Where the key file of a database is if nobody says: beside a file of SQLite.
pub(super) fn beside(db: &Db) -> Option<PathBuf> {
    match db {
        Db::Sqlite { path, .. } => Some(of_file(path)),
        Db::Postgres { .. } => None,
    }
}

/// The key file beside a file of SQLite.
pub(super) fn of_file(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

/// Reads the keys; none if there is no file.
pub(super) fn read(file: &Path) -> Result<Option<WrappingKeys>> {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let keys = WrappingKeys::parse(&text);
            Ok(Some(keys.map_err(|error| Error::Unusable(format!("{}: {error}", file.display())))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("the key file {} cannot be read", file.display()))(error)),
    }
}

/// Writes the key file whole, readable by its owner alone, and durably before anything is wrapped under it.
pub(super) fn write(file: &Path, keys: &WrappingKeys) -> Result<()> {
    let cannot = || Error::io(format!("the key file {} cannot be written", file.display()));
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(cannot())?;
    let _ = std::fs::remove_file(&part);
    crate::db::make_private(&part)?;
    let mut open = std::fs::OpenOptions::new().write(true).open(&part).map_err(cannot())?;
    open.write_all(keys.to_text().as_bytes()).map_err(cannot())?;
    open.sync_all().map_err(cannot())?;
    std::fs::rename(&part, file).map_err(cannot())?;
    // Not every system lets a folder be opened; the file itself is safe.
    if let Ok(folder) = std::fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
