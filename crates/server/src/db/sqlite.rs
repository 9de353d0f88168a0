//! SQLite: the file, its permissions, copies of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqliteConnection, SqlitePool};

use super::{Db, Row};
use crate::error::{Error, Result};
use crate::vault::Vault;

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);
/// How long a request waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(10);
/// Reading connections.
const READERS: u32 = 4;

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is deleted is overwritten: a key that was dropped is gone from the file.
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY)
        .statement_cache_capacity(200)
}

/// Opens the file, makes it if there is none.
pub(super) async fn open(path: PathBuf) -> Result<Db> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(Error::io(format!("the folder {} cannot be made", folder.display())))?;
    }
    make_private(&path)?;
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE)
        .connect_with(options(&path).create_if_missing(true))
        .await
        .map_err(|error| opening(&path, error))?;
    Ok(Db::Sqlite {
        read: SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options(&path).pragma("query_only", "ON")),
        write,
        path,
        vault: Vault::default(),
    })
}

/// Begins a writing transaction.
///
/// SQLite takes a transaction back by itself when the disk is full or fails; the driver does not notice, and refuses every
/// further one on that connection. Such a connection is closed, and a new one begins.
pub(super) async fn begin(write: &SqlitePool) -> sqlx::Result<sqlx::Transaction<'static, Sqlite>> {
    match write.begin_with("BEGIN IMMEDIATE").await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            tracing::warn!("a connection to the database is closed: its last transaction was broken off");
            write.acquire().await?.close().await?;
            write.begin_with("BEGIN IMMEDIATE").await
        }
        begun => begun,
    }
}

/// Writes the table of keys to new pages; the old ones are overwritten when they are given up. What a page that was
/// split may hold beside its entries goes with them.
const KEYS_ANEW: &str = "CREATE TABLE key_anew (
    tenant BLOB NOT NULL,
    member BLOB NOT NULL,
    key_id BLOB NOT NULL,
    secret BLOB NOT NULL,
    PRIMARY KEY (tenant, member, key_id)
);
INSERT INTO key_anew SELECT tenant, member, key_id, secret FROM member_key;
DROP TABLE member_key;
ALTER TABLE key_anew RENAME TO member_key;";

/// Writes the pages with keys anew, puts the log of writes into the file and empties it.
pub(super) async fn rewrite_keys(write: &SqlitePool) -> Result<()> {
    let mut tx = begin(write).await?;
    sqlx::raw_sql(KEYS_ANEW).execute(&mut *tx).await?;
    tx.commit().await?;
    let answer = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(write).await?;
    // Somebody reads: the same question works a little later.
    if Row::Sqlite(answer).flag(0)? { Err(Error::Busy) } else { Ok(()) }
}

/// Writes every page anew, puts the log of writes into the file and empties it.
pub(super) async fn rewrite_whole(write: &SqlitePool) -> Result<()> {
    sqlx::query("VACUUM").execute(write).await?;
    let answer = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(write).await?;
    if Row::Sqlite(answer).flag(0)? { Err(Error::Busy) } else { Ok(()) }
}

/// Copies the file as it is at one moment.
pub(super) async fn copy(path: &Path, file: &Path) -> Result<()> {
    // SQLite fills an empty file as it would make a new one.
    make_private(file)?;
    let mut connection =
        SqliteConnection::connect_with(&options(path)).await.map_err(|error| opening(path, error))?;
    let target =
        file.to_str().ok_or_else(|| Error::bad_request("The file's name must be readable text (UTF-8)."))?;
    sqlx::query("VACUUM INTO $1").bind(target.to_owned()).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Makes a new file that nobody but the owner of the process can read: it will hold keys. SQLite gives the
/// same permissions to the files beside it.
pub(crate) fn make_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::io(format!("the file {} cannot be made", path.display()))(error))
        }
        _ => Ok(()),
    }
}

/// Looks whether a file is a whole database that nobody has open, and folds its write-ahead log into it.
pub(crate) async fn check_alone(path: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(Duration::from_millis(200));
    let mut connection =
        SqliteConnection::connect_with(&options).await.map_err(|error| opening(path, error))?;
    // Leaving the write-ahead log needs the file for oneself.
    let alone = sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut connection).await;
    match alone.map_err(Error::from) {
        Ok(_) => {}
        Err(Error::Busy) => {
            return Err(Error::refused(
                "in-use",
                409,
                "The database is in use",
                format!("Stop the server that has {} open, then try again.", path.display()),
            ));
        }
        Err(error) => return Err(error),
    }
    let answer = sqlx::query("PRAGMA quick_check").fetch_one(&mut connection).await?;
    let verdict = Row::Sqlite(answer).text(0)?;
    connection.close().await?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(Error::Unusable(format!("{} is damaged: {verdict}", path.display())))
    }
}

fn opening(path: &Path, error: sqlx::Error) -> Error {
    match Error::from(error) {
        Error::Unusable(what) => Error::Unusable(format!("{}: {what}", path.display())),
        Error::Damaged(what) => Error::Unusable(format!("{}: {what}", path.display())),
        other => other,
    }
}
