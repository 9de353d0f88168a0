//! The list of erasures, in a file outside the database: beside it where it is a file of SQLite, else beside the file with
//! the wrapping key. One line of JSON for each erasure. A copy of the database from before an erasure does not bring back
//! who was forgotten since, whoever has put it in place.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stempel_domain::{MemberId, TenantId};

use crate::error::{Error, Result};

/// A member who was forgotten, whoever restores what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Line {
    pub tenant: TenantId,
    pub member: MemberId,
}

/// Where the list of a database's file is.
pub(crate) fn list_beside(database: &Path) -> PathBuf {
    let mut name: OsString = database.as_os_str().to_owned();
    name.push(".erased");
    PathBuf::from(name)
}

/// Where the list of a database is that is no file: beside the file with its wrapping key.
pub(crate) fn list_by_keys(keys: &Path) -> PathBuf {
    keys.with_extension("erased")
}

/// Reads a list; there need not be one. A line that was cut off at the end is passed over: what it says is still in
/// the database, and is written again.
pub(crate) fn read_list(file: &Path) -> Result<BTreeSet<Line>> {
    let cannot = || Error::io(format!("the list of erasures {} cannot be read", file.display()));
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(cannot()(error)),
    };
    let mut lines = BTreeSet::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(line) => {
                lines.insert(line);
            }
            Err(_) if number + 1 == text.lines().count() && !text.ends_with('\n') => {}
            Err(error) => {
                return Err(Error::Unusable(format!(
                    "line {} of the list of erasures {} cannot be read: {error}",
                    number + 1,
                    file.display()
                )));
            }
        }
    }
    Ok(lines)
}

/// Adds to a list what it lacks, durably.
pub(crate) fn add_to_list(file: &Path, lines: impl IntoIterator<Item = Line>) -> Result<()> {
    let known = read_list(file)?;
    let new: Vec<Line> = lines.into_iter().filter(|line| !known.contains(line)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let cannot = || Error::io(format!("the list of erasures {} cannot be written", file.display()));
    crate::db::make_private(file)?;
    let mut text = String::new();
    if std::fs::read(file).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n')) {
        text.push('\n');
    }
    for line in new {
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    let mut open = std::fs::OpenOptions::new().append(true).open(file).map_err(cannot())?;
    open.write_all(text.as_bytes()).map_err(cannot())?;
    open.sync_all().map_err(cannot())
}
