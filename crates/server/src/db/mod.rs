//! The database behind one door: everything above this module speaks SQL with `$n`, [`Value`] and [`Row`], and
//! does not know the driver.
//!
//! Promises: one writer at a time ([`Db::write`]); a reading transaction sees one moment ([`Db::read`]); a
//! transaction that is dropped leaves nothing behind; what [`Tx::commit`] reported survives a pulled plug.

mod schema;
mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Arguments as _, AssertSqlSafe, Connection as _, Sqlite, SqliteConnection, SqlitePool};

use crate::error::{Error, Result};
pub(crate) use value::{Row, Value, values};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);
/// How long a request waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(10);
/// Reading connections.
const READERS: u32 = 4;

/// An open database.
#[derive(Debug, Clone)]
pub enum Db {
    /// SQLite in a file: one connection writes, a few read.
    Sqlite {
        /// The one writing connection.
        write: SqlitePool,
        /// Connections that cannot write.
        read: SqlitePool,
        /// The file.
        path: PathBuf,
    },
}

/// Takes the path out of `sqlite:PATH`.
pub fn sqlite_path(url: &str) -> Result<PathBuf> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() && path != ":memory:" => Ok(PathBuf::from(path)),
        _ => Err(Error::refused(
            "database-url",
            400,
            "This database cannot be used",
            format!("“{url}” is not understood; write sqlite:PATH, for example sqlite:stempel-server.db."),
        )),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(200)
}

impl Db {
    /// Opens `sqlite:PATH`, makes the file if there is none, and brings it to this program's version.
    /// A file of a later version, a damaged one or another program's is refused and left as it is.
    pub async fn open(url: &str) -> Result<Self> {
        let path = sqlite_path(url)?;
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
        let db = Self::Sqlite {
            read: SqlitePoolOptions::new()
                .max_connections(READERS)
                .acquire_timeout(ACQUIRE)
                .connect_lazy_with(options(&path).pragma("query_only", "ON")),
            write,
            path,
        };
        schema::migrate(&db).await?;
        Ok(db)
    }

    /// The URL it was opened with.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite { path, .. } => format!("sqlite:{}", path.display()),
        }
    }

    /// Begins a transaction that may write; other writers wait.
    pub(crate) async fn write(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { write, .. } => Ok(Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?)),
        }
    }

    /// Begins a transaction that sees one moment and cannot write.
    pub(crate) async fn read(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { read, .. } => Ok(Tx::Sqlite(read.begin().await?)),
        }
    }

    /// Copies the whole database as it is at one moment into a new, private file, while others go on writing.
    pub(crate) async fn copy_to(&self, file: &Path) -> Result<()> {
        match self {
            Self::Sqlite { path, .. } => {
                // SQLite fills an empty file as it would make a new one.
                make_private(file)?;
                let mut connection = SqliteConnection::connect_with(&options(path))
                    .await
                    .map_err(|error| opening(path, error))?;
                let target = file
                    .to_str()
                    .ok_or_else(|| Error::bad_request("The file's name must be readable text (UTF-8)."))?;
                sqlx::query("VACUUM INTO $1").bind(target.to_owned()).execute(&mut connection).await?;
                connection.close().await?;
                Ok(())
            }
        }
    }

    /// Closes every connection; what was committed is in the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read, .. } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

/// Makes a new file that nobody but the owner of the process can read: it will hold keys. SQLite gives the
/// same permissions to the files beside it.
fn make_private(path: &Path) -> Result<()> {
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

/// A transaction. Dropping it without [`Tx::commit`] undoes everything.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// Keys of one statement with a list of them.
const LIST_MAX: usize = 256;
/// Rows of one multi-row insert: few different statements, so that they stay prepared.
const INSERT_ROWS: [usize; 3] = [64, 8, 1];

impl Tx {
    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        match self {
            Self::Sqlite(tx) => {
                let done = sqlx::query_with(sql, bind(values)?).execute(&mut **tx).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Runs several statements of a migration.
    pub(crate) async fn execute_script(&mut self, script: &'static str) -> Result<()> {
        match self {
            Self::Sqlite(tx) => {
                sqlx::raw_sql(script).execute(&mut **tx).await?;
                Ok(())
            }
        }
    }

    /// Fetches all rows of an answer. The statement says its own bound.
    pub(crate) async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(tx) => {
                let rows = sqlx::query_with(sql, bind(values)?).fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
        }
    }

    /// Fetches one row, if there is one.
    pub(crate) async fn row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>> {
        match self {
            Self::Sqlite(tx) => {
                let row = sqlx::query_with(sql, bind(values)?).fetch_optional(&mut **tx).await?;
                Ok(row.map(Row::Sqlite))
            }
        }
    }

    /// Fetches one row and keeps others from changing it until the transaction ends.
    pub(crate) async fn locked_row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>> {
        match self {
            // A writing transaction of SQLite is alone already.
            Self::Sqlite(_) => self.row(sql, values).await,
        }
    }

    /// Fetches the rows whose key is in a list: `sql` ends where ` IN (…)` is to stand, and has the values of
    /// `fixed` as its first placeholders.
    pub(crate) async fn rows_in(
        &mut self,
        sql: &'static str,
        fixed: Vec<Value>,
        keys: Vec<Value>,
    ) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for chunk in keys.chunks(LIST_MAX) {
            // Padded by the last key to a power of two: few different statements.
            let wanted = chunk.len().next_power_of_two();
            let mut values = fixed.clone();
            values
                .extend(chunk.iter().chain(std::iter::repeat(&chunk[chunk.len() - 1])).take(wanted).cloned());
            let places: Vec<String> = (1..=wanted).map(|n| format!("${}", n + fixed.len())).collect();
            let text = format!("{sql} IN ({})", places.join(", "));
            match self {
                Self::Sqlite(tx) => {
                    let query = sqlx::query_with(AssertSqlSafe(text), bind(values)?);
                    found.extend(query.fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite));
                }
            }
        }
        Ok(found)
    }

    /// Inserts many rows: `head` ends before `VALUES`, `tail` is what stands after them, and `values` holds
    /// `width` values for each row.
    pub(crate) async fn insert_all(
        &mut self,
        head: &'static str,
        tail: &'static str,
        width: usize,
        values: Vec<Value>,
    ) -> Result<()> {
        let mut left = values.len() / width;
        let mut values = values.into_iter();
        while left > 0 {
            let rows = INSERT_ROWS.into_iter().find(|&rows| rows <= left).unwrap_or(1);
            left -= rows;
            let group = |row: usize| {
                let places: Vec<String> = (1..=width).map(|n| format!("${}", row * width + n)).collect();
                format!("({})", places.join(", "))
            };
            let groups: Vec<String> = (0..rows).map(group).collect();
            let text = format!("{head} VALUES {} {tail}", groups.join(", "));
            let chunk: Vec<Value> = values.by_ref().take(rows * width).collect();
            match self {
                Self::Sqlite(tx) => {
                    sqlx::query_with(AssertSqlSafe(text), bind(chunk)?).execute(&mut **tx).await?;
                }
            }
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => Ok(tx.commit().await?),
        }
    }
}

fn bind(values: Vec<Value>) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
        }
        .map_err(|error| Error::Database(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}
