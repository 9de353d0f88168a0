//! What can go wrong with a data folder, in words that say what to do next.

use std::path::PathBuf;

use crate::folder::Holder;

/// An error of the store. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process is the folder's writer.
    #[error("the data folder {folder} is in use by {holder}; close that program, or let it do the work")]
    InUse {
        /// Which folder.
        folder: PathBuf,
        /// Who has it.
        holder: Holder,
    },
    /// There is nothing in the folder yet.
    #[error("there is no terminal in {0}; make one with `stempel init` or `stempel enroll`")]
    NoData(PathBuf),
    /// The folder or the database cannot be written.
    #[error("{0} cannot be written; check the rights of the folder and whether the disk is read-only")]
    ReadOnly(PathBuf),
    /// No room is left.
    #[error("the disk is full; nothing was lost. Make room, then do it again")]
    Full,
    /// The disk gave an error.
    #[error(
        "the disk gave an error ({0}); nothing was changed. Check the disk and its room, then do it again"
    )]
    Disk(rusqlite::Error),
    /// The database was written by a later version of the program.
    #[error(
        "the data was written by a newer version of the program (format {found}, this program knows {known}); update the program"
    )]
    Newer {
        /// The format of the data.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// What was read cannot be right.
    #[error(
        "the data is damaged: {0}. Keep the folder, it can be repaired from the server or the second copy"
    )]
    Damaged(String),
    /// A row does not continue the journal.
    #[error("row {found} does not continue the journal, which ends with {expected}")]
    NotNext {
        /// The number that was given.
        found: u64,
        /// The number of the last row.
        expected: u64,
    },
    /// A key that was dropped may still be in the log of writes, because somebody reads the database.
    #[error(
        "a forgotten member's key is not gone from the disk yet: close other programs that read this folder"
    )]
    Uncleaned,
    /// The file with the key to members' names is sealed, and what opens it is not here.
    #[error(
        "the key file of this folder is sealed by the system's store of keys: start the program as the service that has the credential “stempel-folder-key”, or as the user whose keyring was asked to seal it. If that is lost for good, remove stempel.keys; names are back when the server has sent them again"
    )]
    Sealed,
    /// Anything else that the file system said.
    #[error("the data folder cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// Anything else that SQLite said.
    #[error("the database cannot be used: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly("the database".into()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(format!("a stored text cannot be read ({error})"))
    }
}
