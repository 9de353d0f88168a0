//! What goes into a statement and what comes back, the same for every driver.

use stempel_domain::{AuthorId, CardId, MemberId, ShopId, TenantId};
use stempel_wire::Hash;

use crate::error::{Error, Result};

/// A bound value. Nulls have a type, since some databases want to know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}
impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}
impl From<u64> for Value {
    /// Numbers of rows and positions stay below 2^63; what is above compares as larger than all of them.
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(value.into()))
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}
impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}
impl From<String> for Value {
    /// PostgreSQL keeps no NUL in text, and a device may send one: it becomes a visible stand-in everywhere.
    fn from(value: String) -> Self {
        Self::Text(Some(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value }))
    }
}
impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Text(None), Self::from)
    }
}

impl Value {
    /// The type of its column on PostgreSQL.
    pub(super) fn postgres_type(&self) -> &'static str {
        match self {
            Self::Int(_) => "BIGINT",
            Self::Bytes(_) => "BYTEA",
            Self::Text(_) => "TEXT",
        }
    }
}

macro_rules! ids {
    ($($id:ty),*) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Bytes(Some(id.0.to_vec()))
            }
        }
        impl From<Option<$id>> for Value {
            fn from(id: Option<$id>) -> Self {
                Self::Bytes(id.map(|id| id.0.to_vec()))
            }
        }
        impl Stored for $id {
            fn take(bytes: &[u8]) -> Option<Self> {
                Self::from_slice(bytes)
            }
        }
    )*};
}

/// An id that is stored as its bytes.
pub(crate) trait Stored: Sized {
    /// Takes the id from the bytes, if they are of its length.
    fn take(bytes: &[u8]) -> Option<Self>;
}

ids!(TenantId, ShopId, AuthorId, MemberId, CardId, Hash);

/// Puts values into a list.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
pub(crate) use values;

/// A row of an answer. Reading a column as something that it is not is an error, never a panic.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        use sqlx::Row as _;
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(crate) fn opt_bytes(&self, column: usize) -> Result<Option<Vec<u8>>> {
        use sqlx::Row as _;
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>> {
        use sqlx::Row as _;
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        self.opt_int(column)?.ok_or_else(missing)
    }

    /// A count, a number of a row or a position: never negative.
    pub(crate) fn number(&self, column: usize) -> Result<u64> {
        u64::try_from(self.int(column)?).map_err(|_| Error::Damaged("a number is negative".to_owned()))
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>> {
        self.opt_bytes(column)?.ok_or_else(missing)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        self.opt_text(column)?.ok_or_else(missing)
    }

    pub(crate) fn id<T: Stored>(&self, column: usize) -> Result<T> {
        self.opt_id(column)?.ok_or_else(missing)
    }

    pub(crate) fn opt_id<T: Stored>(&self, column: usize) -> Result<Option<T>> {
        self.opt_bytes(column)?
            .map(|bytes| {
                T::take(&bytes).ok_or_else(|| Error::Damaged("an id has the wrong length".to_owned()))
            })
            .transpose()
    }
}

fn missing() -> Error {
    Error::Damaged("a value is missing".to_owned())
}
