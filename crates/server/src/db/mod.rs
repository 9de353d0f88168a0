//! The database behind one door: everything above this module speaks SQL with `$n`, [`Value`] and [`Row`], and
//! does not know the driver.
//!
//! Promises: a reading transaction sees one moment ([`Db::read`]); a writing one that has locked its tenant is
//! the only writer of that tenant ([`crate::tenant::Tenant::lock`]); a transaction that is dropped leaves
//! nothing behind; what [`Tx::commit`] reported survives a pulled plug.

mod postgres;
mod schema;
mod sqlite;
mod tables;
mod told;
mod tx;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::{PgPool, SqlitePool};

use crate::error::{Error, Result};
use crate::vault::Vault;
pub(crate) use postgres::without_password;
pub(crate) use sqlite::{check_alone, make_private};
pub(crate) use tables::{Digest, copy_directory, copy_tenant, digest_tenant, purge_tenant};
pub(crate) use told::TOLD_LEN_MAX;
use tx::Open;
pub(crate) use tx::Tx;
pub(crate) use value::{Row, Value, values};

/// An open database. Cloning it is cheap and gives the same database.
#[derive(Clone)]
pub enum Db {
    /// SQLite in a file: one connection writes, a few read.
    Sqlite {
        /// The one writing connection.
        write: SqlitePool,
        /// Connections that cannot write.
        read: SqlitePool,
        /// The file.
        path: PathBuf,
        /// How secrets are stored in it.
        vault: Vault,
    },
    /// PostgreSQL 15 or later. Several processes may use it at once.
    Postgres {
        /// Connections that write.
        write: PgPool,
        /// Connections that read, so that writers who wait for each other keep no reader out.
        read: PgPool,
        /// The address as it was given; it may hold a password.
        url: String,
        /// How secrets are stored in it.
        vault: Vault,
    },
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Where a database is, as its URL says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file of SQLite.
    File(PathBuf),
    /// A PostgreSQL server.
    Postgres(String),
}

impl Place {
    /// Reads `sqlite:PATH` or `postgres://USER@HOST/NAME`.
    pub(crate) fn of(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        match path {
            Some(path) if !path.is_empty() && path != ":memory:" => Ok(Self::File(PathBuf::from(path))),
            _ => Err(Error::refused(
                "database-url",
                400,
                "This database cannot be used",
                format!(
                    "“{}” is not understood; write sqlite:PATH, for example sqlite:stempel-server.db, or \
                     postgres://USER@HOST/NAME.",
                    postgres::without_password(url)
                ),
            )),
        }
    }
}

impl Db {
    /// Opens `sqlite:PATH` (makes the file if there is none) or `postgres://USER@HOST/NAME`, and brings it to
    /// this program's version. A database of a later version, a damaged one or another program's is refused and
    /// left as it is. TLS to PostgreSQL is as the URL asks: `?sslmode=verify-full` insists on it.
    pub async fn open(url: &str) -> Result<Self> {
        let db = match Place::of(url)? {
            Place::File(path) => sqlite::open(path).await?,
            Place::Postgres(url) => postgres::open(url).await?,
        };
        schema::migrate(&db).await?;
        Ok(db)
    }

    /// Whether there is something to open: a file, for SQLite. Whether a PostgreSQL server has the database, only opening
    /// it tells.
    pub fn is_there(url: &str) -> Result<bool> {
        Ok(match Place::of(url)? {
            Place::File(path) => path.exists(),
            Place::Postgres(_) => true,
        })
    }

    /// The URL it was opened with. It may hold a password: it is for the database itself, not for a log.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite { path, .. } => format!("sqlite:{}", path.display()),
            Self::Postgres { url, .. } => url.clone(),
        }
    }

    /// The URL without its password, for people and logs.
    pub fn shown(&self) -> String {
        postgres::without_password(&self.url())
    }

    /// Writes the pages that hold members' keys anew, so that nothing of a key that was deleted is left in them, and on
    /// SQLite puts the log of writes into the file and empties it. Writers wait for as long as it takes to copy the
    /// keys.
    pub(crate) async fn rewrite_keys(&self) -> Result<()> {
        match self {
            Self::Sqlite { write, .. } => sqlite::rewrite_keys(write).await,
            Self::Postgres { write, .. } => {
                // A plain vacuum moves what is left within a page and leaves the rest as it was.
                sqlx::query("VACUUM (FULL) member_key").execute(write).await?;
                Ok(())
            }
        }
    }

    /// Writes every page in which a secret has ever stood anew.
    ///
    /// # Errors
    /// [`Error::Busy`] if somebody else has the file open.
    pub(crate) async fn rewrite_whole(&self) -> Result<()> {
        match self {
            Self::Sqlite { write, .. } => sqlite::rewrite_whole(write).await,
            Self::Postgres { write, .. } => {
                sqlx::query("VACUUM (FULL) tenant, card_key, second_factor, webhook, member_key")
                    .execute(write)
                    .await?;
                Ok(())
            }
        }
    }

    /// How secrets are stored here.
    pub(crate) fn vault(&self) -> &Vault {
        match self {
            Self::Sqlite { vault, .. } | Self::Postgres { vault, .. } => vault,
        }
    }

    /// The same database with secrets stored as in another one: those of one server share their wrapping key.
    pub(crate) fn sharing(mut self, other: &Vault) -> Self {
        match &mut self {
            Self::Sqlite { vault, .. } | Self::Postgres { vault, .. } => *vault = other.clone(),
        }
        self
    }

    /// Begins a transaction that may write. On SQLite other writers wait; on PostgreSQL the writers of one
    /// tenant wait for each other once they have locked it.
    pub(crate) async fn write(&self) -> Result<Tx> {
        let open = match self {
            Self::Sqlite { write, .. } => Open::Sqlite(sqlite::begin(write).await?),
            // Each statement sees what was committed before it, so what follows the lock sees everything that
            // the writer before has done.
            Self::Postgres { write, .. } => {
                Open::Postgres(write.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?)
            }
        };
        Ok(Tx::new(open, self.vault()))
    }

    /// Begins a transaction that sees one moment and cannot write.
    pub(crate) async fn read(&self) -> Result<Tx> {
        let open = match self {
            Self::Sqlite { read, .. } => Open::Sqlite(read.begin().await?),
            Self::Postgres { read, .. } => {
                Open::Postgres(read.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        };
        Ok(Tx::new(open, self.vault()))
    }

    /// Copies the whole file as it is at one moment into a new, private one, while others go on writing.
    pub(crate) async fn copy_file(&self, file: &Path) -> Result<()> {
        match self {
            Self::Sqlite { path, .. } => sqlite::copy(path, file).await,
            Self::Postgres { .. } => Err(Error::bad_request("This database is not a file.")),
        }
    }

    /// Moves every table that is there into another schema, unless somebody else has the database open, and
    /// makes new ones. Gives the other schema's name if there was something to keep.
    pub(crate) async fn set_aside(&self, tx: &mut Tx, schema: &str) -> Result<Option<String>> {
        postgres::set_aside(tx, schema).await?;
        schema::make(self, tx).await?;
        Ok(Some(schema.to_owned()))
    }

    /// Closes every connection; what was committed stays.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres { write, read, .. } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}
