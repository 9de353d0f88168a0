//! What can go wrong, in words that say what to do next. Database internals go to the log, never to a caller.

use std::fmt;

use sqlx::postgres::PgDatabaseError;
use stempel_wire::message::Problem;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that was understood and is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What went wrong, for machines; a code never changes its meaning.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened.
    pub title: &'static str,
    /// What it means and what to do next.
    pub detail: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is at fault, or cannot be granted as things stand.
    #[error("{0}")]
    Refused(Refusal),
    /// Too much at once; the same request works a little later.
    #[error("the server is busy; try again in a few seconds")]
    Busy,
    /// More than the server takes at once. Nothing was begun.
    #[error("the server has more to do than it can; try again in a moment")]
    TooMany,
    /// The database is not there: stopped, restarting, or cut off.
    #[error("the server's database does not answer; nothing was changed, try again in a few seconds")]
    Away,
    /// The disk is full.
    #[error("the server's disk is full; nothing was changed, and nothing that was saved is lost")]
    DiskFull,
    /// The database cannot be written.
    #[error("the server's database cannot be written; check the file's permissions and its disk")]
    ReadOnly,
    /// The file cannot be opened, is damaged, or is not a database of this program.
    #[error("{0}")]
    Unusable(String),
    /// The database was made by a later version.
    #[error(
        "the database is of version {found}, this program knows versions up to {known}; install the newer program"
    )]
    Newer {
        /// The version of the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Something stored is not as it was written.
    #[error("stored data cannot be read: {0}; run “stempel admin verify”, it says what is damaged")]
    Damaged(String),
    /// A file or a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Anything else the database said.
    #[error("the database reported an error; the server's log says more")]
    Database(#[source] sqlx::Error),
}

impl Error {
    /// A refusal with its code, status, title and detail.
    pub fn refused(code: &'static str, status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal { code, status, title, detail: detail.into() })
    }

    /// Something that is not there.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::refused("not-found", 404, "Not found", format!("There is no {what}."))
    }

    /// A value from outside that cannot be used.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::refused("bad-request", 400, "The request cannot be read", detail)
    }

    /// A file or socket operation that failed.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The refusal's code, or the code of what is wrong with the server.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Busy => "busy",
            Self::TooMany => "too-many",
            Self::Away => "database-away",
            Self::DiskFull => "disk-full",
            Self::ReadOnly => "read-only",
            Self::Newer { .. } => "database-newer",
            Self::Unusable(_) | Self::Damaged(_) | Self::Io { .. } | Self::Database(_) => "internal",
        }
    }

    /// Whether the same request may well work a little later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy | Self::TooMany | Self::Away | Self::DiskFull | Self::ReadOnly | Self::Database(_)
        )
    }

    /// The error as the protocol says it. What is the server's own affair stays in its log.
    pub fn problem(&self) -> Problem {
        let (status, title, detail) = match self {
            Self::Refused(refusal) => {
                return Problem {
                    code: refusal.code.to_owned(),
                    title: refusal.title.to_owned(),
                    detail: refusal.detail.clone(),
                    status: refusal.status,
                };
            }
            Self::Busy => (503, "The server is busy", "Nothing was changed. Try again in a few seconds."),
            Self::TooMany => {
                (429, "The server has too much to do", "Nothing was changed. Try again in a few seconds.")
            }
            Self::DiskFull => (
                503,
                "The server's disk is full",
                "Nothing was changed. Keep the device as it is; it sends again when there is room.",
            ),
            Self::ReadOnly => (
                503,
                "The server cannot save",
                "Nothing was changed. Keep the device as it is; it sends again when the server can save.",
            ),
            Self::Away | Self::Database(_) => (
                503,
                "The server's database does not answer",
                "Nothing was changed. Try again in a few seconds.",
            ),
            Self::Unusable(_) | Self::Newer { .. } | Self::Damaged(_) | Self::Io { .. } => (
                500,
                "The server has a fault",
                "It is not the device's fault. The server's log says what happened.",
            ),
        };
        Problem { code: self.code().to_owned(), title: title.to_owned(), detail: detail.to_owned(), status }
    }
}

impl From<sqlx::Error> for Error {
    /// The one place where a driver's errors get their meaning.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => return Self::Busy,
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                return Self::refused(
                    "already-there",
                    409,
                    "This is already there",
                    "Somebody else saved the same thing at the same moment. Look at it anew, then try again.",
                );
            }
            sqlx::Error::Database(database) => {
                let said = match database.try_downcast_ref::<PgDatabaseError>() {
                    Some(database) => postgres(database),
                    None => sqlite(&**database),
                };
                if let Some(said) = said {
                    return said;
                }
            }
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                tracing::warn!(%error, "the database does not answer");
                return Self::Away;
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                return Self::Damaged(error.to_string());
            }
            _ => {}
        }
        Self::Database(error)
    }
}

/// What SQLite says. Its primary result code is the low byte of the extended one.
fn sqlite(error: &dyn sqlx::error::DatabaseError) -> Option<Error> {
    let code = error.code()?.parse::<i64>().ok()? & 0xff;
    Some(match code {
        5 | 6 => Error::Busy,
        8 => Error::ReadOnly,
        11 => Error::Unusable("the database file is damaged".to_owned()),
        13 => Error::DiskFull,
        14 => Error::Unusable("the database file cannot be opened".to_owned()),
        26 => Error::Unusable("the file is not a database".to_owned()),
        _ => return None,
    })
}

/// What PostgreSQL says (appendix A of its manual, “PostgreSQL Error Codes”).
fn postgres(error: &PgDatabaseError) -> Option<Error> {
    Some(match error.code() {
        // Serialisation failure, deadlock, lock not available, too many connections, statement cancelled.
        "40001" | "40P01" | "55P03" | "53300" | "57014" => Error::Busy,
        // Shut down by its administrator, after a crash, not yet ready; idle for too long inside a transaction.
        "57P01" | "57P02" | "57P03" | "25P03" => Error::Away,
        "53100" => Error::DiskFull,
        "25006" => Error::ReadOnly,
        "28000" | "28P01" | "3D000" | "42501" => Error::Unusable(error.message().to_owned()),
        // Data or an index is damaged.
        "XX001" | "XX002" => Error::Damaged(error.message().to_owned()),
        code if code.starts_with("08") => Error::Away,
        _ => return None,
    })
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}
